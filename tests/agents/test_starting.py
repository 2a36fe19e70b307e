"""`gitbot start`: branches, work trees, commands and what they come to."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.conftest import Ran, Sandbox, SandboxMaker, step

PLANS = {f"plans/PLAN-{name}.md": f"# Agent {name}: work\n- [ ] {name.lower()}.txt: text\n" for name in "AB"}


@pytest.fixture
def box(sandbox: SandboxMaker) -> Sandbox:
    return sandbox(step("main", {"one.txt": "1\n", ".gitignore": ".env*\n*.log\n", **PLANS}, "base"))


def start(box: Sandbox, script: str, *words: str) -> Ran:
    return box.gitbot(
        "start", "plans", *words, "--format", "json", "--", "sh", "-c", script, "{plan}", "{brief_file}"
    )


def states(ran: Ran) -> dict[str, str]:
    return {one["plan"]: one["state"] for one in ran.document["agents"]}


def tree(box: Sandbox, name: str) -> Path:
    return box.path.with_name(f"{box.path.name}-agent-{name}")


def test_each_plan_gets_a_branch_and_a_work_tree_with_the_ignored_files_it_needs(box: Sandbox) -> None:
    (box.path / ".worktreeinclude").write_text(".env\none.txt\n/conf/\n")
    for name in (".env", ".env.local", "debug.log", "conf"):
        (box.path / name).write_text("secret\n") if name != "conf" else (box.path / name).mkdir()
    box.git("branch", "agent-b")
    main = box.tip("main")
    ran = box.gitbot("start", "plans")
    assert ran.code == 0, ran.err
    assert ran.out.splitlines() == [
        f"A  agent-a in {tree(box, 'a')} (new)  placed",
        f"B  agent-b in {tree(box, 'b')} (new)  placed",
    ]
    assert (box.tip("agent-a"), box.tip("agent-b")) == (main, main)
    assert (tree(box, "a") / ".env").read_text() == "secret\n"
    assert not (tree(box, "a") / ".env.local").exists()
    (tree(box, "a") / ".env").write_text("mine\n")
    assert box.gitbot("start", "plans").out.count("(new)") == 0
    assert (tree(box, "a") / ".env").read_text() == "mine\n"


def test_what_is_in_the_way_is_never_overwritten(box: Sandbox) -> None:
    tree(box, "a").mkdir()
    (tree(box, "a") / "mine.txt").write_text("mine\n")
    ran = box.gitbot("start", "plans")
    assert (ran.code, (tree(box, "a") / "mine.txt").read_text()) == (4, "mine\n")
    assert "exists, and is no work tree of agent-a" in ran.err
    box.git("checkout", "-q", "-b", "agent-b")
    ran = box.gitbot("start", "plans", "--trees", str(box.path.with_name("trees")))
    assert ran.code == 4
    assert "agent-b is checked out in the main work tree" in ran.err


def test_a_command_runs_in_the_work_tree_with_the_brief_and_its_end_is_told(box: Sandbox) -> None:
    script = 'pwd; echo "$GITBOT_PLAN $GITBOT_BRANCH $0"; cat "$1"; [ $0 = A ]'
    ran = start(box, script)
    assert ran.code == 1
    assert states(ran) == {"A": "ended", "B": "failed"}
    a, b = ran.document["agents"]
    assert (a["status"], b["status"], b["reason"]) == (0, 1, "its command left with 1")
    log = Path(a["log"]).read_text()
    assert log.splitlines()[:2] == [str(tree(box, "a")), "A agent-a A"]
    assert "a.txt" in log
    assert box.git("status", "--porcelain", cwd=tree(box, "a")) == ""


def test_iterations_go_on_until_the_plan_is_done_or_the_agent_is_stuck(box: Sandbox) -> None:
    script = """
        echo once more >> rounds.log
        if [ $0 = A ] && [ $(wc -l < rounds.log) = 3 ]; then sed -i 's/\\[ \\]/[x]/' plans/PLAN-A.md; fi
        if [ $0 = B ] && [ $(wc -l < rounds.log) = 2 ]; then echo 'STUCK: no key' >> plans/PLAN-B.md; fi
        git commit -qam round; true
    """
    ran = start(box, script, "--every", "0.1s")
    assert ran.code == 1
    found = {one["plan"]: (one["state"], one["rounds"], one["reason"]) for one in ran.document["agents"]}
    assert found == {"A": ("done", 3, None), "B": ("stuck", 2, "no key")}


def test_on_events_a_plan_begins_when_what_it_waits_for_is_there(sandbox: SandboxMaker) -> None:
    waiting = "# Agent B: work\n- [ ] b.txt: text\n- [ ] wait for a_ready from Agent A\n"
    emitting = "# Agent A: work\n- [ ] a.txt: text\n- [ ] emit a_ready\n"
    box = sandbox(step("main", {"plans/PLAN-A.md": emitting, "plans/PLAN-B.md": waiting}, "base"))
    order = box.path.with_name("order")
    script = f"""
        echo begin-$0 >> {order}; [ $0 = B ] || sleep 1; echo end-$0 >> {order}
        [ $0 = B ] || PYTHONPATH={box.env["PYTHONPATH"]} {sys.executable} -m gitbot emit a_ready
    """
    ran = start(box, script, "--on-events")
    assert (ran.code, states(ran)) == (0, {"A": "ended", "B": "ended"})
    assert order.read_text().split() == ["begin-A", "end-A", "begin-B", "end-B"]


def test_many_starts_at_once_make_every_work_tree_once(box: Sandbox) -> None:
    started = [box.start("start", "plans", "--format", "json") for _ in range(5)]
    answers = [one.communicate(timeout=120) for one in started]
    assert [(one.returncode, said[1]) for one, said in zip(started, answers, strict=True) if one.returncode] == []
    made = [agent["branch"] for said, _ in answers for agent in json.loads(said)["agents"] if agent["made"]]
    assert sorted(made) == ["agent-a", "agent-b"]


def test_an_agent_that_is_at_work_is_not_started_a_second_time(box: Sandbox) -> None:
    box.git("branch", "agent-b")
    words = ("start", "plans", "--", "sh", "-c", "touch here.log; sleep 100")
    with box.start(*words) as first:
        try:
            while not (tree(box, "a") / "here.log").exists():
                assert first.poll() is None
            ran = start(box, "true")
            assert {one["reason"] for one in ran.document["agents"]} == {"another gitbot start has it at work"}
        finally:
            first.kill()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--phase", "1", "--all-phases", "--", "true"], "--phase and --all-phases were given together"),
        (["--every", "15m"], "--every needs a command"),
        (["--review", "--", "true"], "--review is for --all-phases: nothing else lands"),
        (["--"], "no command stands after --"),
        (["--phase", "9"], "there is no phase 9"),
        (["--retry", "last", "--", "true"], "there is no run 'last'"),
        (["--all-phases", "--", "true"], "no integration tests are configured"),
    ],
)
def test_what_cannot_be_meant_is_said_before_anything_begins(box: Sandbox, words: list[str], said: str) -> None:
    with box.watched(dry=True):
        ran = box.gitbot("start", "plans", *words)
    assert ran.code == 2
    assert ran.err.startswith(f"error: {said}")
