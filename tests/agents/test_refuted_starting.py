"""What a review of starting agents found: each of these once ended otherwise."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gitbot.agents.placing import place
from gitbot.agents.starting import agents_again
from gitbot.errors import InputError
from gitbot.journal import attendance, events
from gitbot.model.git import BranchName
from gitbot.model.plan import PlanSet
from gitbot.model.run import RunId
from tests.agents.test_refuted import commit, found
from tests.agents.test_watching import CONFIG, GATE, PLAN, Bench, force
from tests.conftest import Ran, Sandbox, SandboxMaker, step

AFTER = "---\nid: {0}\ndepends_on: [{1}]\n---\n# Agent {0}: work\n- [ ] {0}.txt: text\n"
WORK = "echo $0 > $0.txt; sed -i 's/\\[ \\]/[x]/' plans/PLAN-$0.md; git add -A; git commit -qm $0"


def having(sandbox: SandboxMaker, **plans: str) -> Sandbox:
    files: dict[str, str | list[str]] = {"gate.sh": GATE, "gitbot.toml": CONFIG, ".gitignore": "*.log\n"}
    return sandbox(step("main", files | {f"plans/PLAN-{name}.md": text for name, text in plans.items()}, "base"))


@pytest.fixture
def box(sandbox: SandboxMaker) -> Sandbox:
    return having(sandbox, a=PLAN.format("a", " "), b=PLAN.format("b", " "))


def given_back(box: Sandbox, *names: str) -> RunId:
    """The run that set these branches aside."""
    for name in names:
        files = {f"{name}.txt": "BROKEN\n", f"plans/PLAN-{name}.md": PLAN.format(name, "x")}
        commit(box, f"agent-{name}", files)
    bench = Bench(box)
    assert bench.round() == {f"agent-{name}": "set-aside" for name in names}
    return RunId(bench.runs[-1].run)


def emitting(box: Sandbox, words: str) -> str:
    return f"PYTHONPATH={box.env['PYTHONPATH']} {sys.executable} -m gitbot emit {words}"


def reasons(ran: Ran) -> dict[str, str]:
    return {one["plan"]: f"{one['state']}: {one['reason']}" for one in ran.document["agents"]}


def soon(what: Callable[[], bool], meanwhile: Callable[[], object] = lambda: None) -> None:
    deadline = time.monotonic() + 60
    while not what():
        assert time.monotonic() < deadline
        meanwhile()
        time.sleep(0.1)


def begin(box: Sandbox, script: str, *words: str) -> subprocess.Popen[str]:
    return box.start("start", "plans", *words, "--format", "json", "--", "sh", "-c", script, "{plan}")


def answer(begun: subprocess.Popen[str]) -> Ran:
    out, err = begun.communicate(timeout=60)
    return Ran(begun.returncode, out, err)


def told(box: Sandbox, name: str) -> int:
    return [one.event for one in events.read(box.repository)].count(name)


def test_who_has_ended_is_landed_while_others_are_still_at_work(box: Sandbox) -> None:
    release = box.path.with_name("release")
    with begin(box, f"{WORK}; [ $0 = a ] || while [ ! -e {release} ]; do sleep .05; done") as begun:
        try:
            soon(lambda: told(box, "agent_ended") == 1)
            soon(lambda: not attendance.is_at_work(box.repository, "agent-a"))
            assert Bench(box).round() == {"agent-a": "landed"}
            assert attendance.is_at_work(box.repository, "agent-b")
        finally:
            release.touch()
        assert found(answer(begun)) == {"a": "done", "b": "done"}


def test_on_events_a_plan_begins_when_the_one_before_has_landed_and_never_when_that_was_set_aside(
    sandbox: SandboxMaker,
) -> None:
    """Nobody waits for one that the gate gave back, nor for who waited for that one."""
    first = {name: PLAN.format(name, " ") for name in "ab"}
    box = having(sandbox, **first, c=AFTER.format("c", "a"), d=AFTER.format("d", "c"), e=AFTER.format("e", "b"))
    bench = Bench(box)
    with begin(box, f"[ $0 != a ] || echo BROKEN > more.txt; {WORK}", "--on-events") as begun:
        try:
            soon(lambda: begun.poll() is not None, bench.round)
        finally:
            begun.kill()
        ran = answer(begun)
    assert ran.code == 1
    assert reasons(ran) == {
        "a": "done: None",
        "b": "done: None",
        "c": "stopped: a will not land: agent-a was set aside",
        "d": "stopped: c will not land: c stopped",
        "e": "done: None",
    }


def test_on_events_nobody_waits_for_who_left_nothing_to_land_or_landed_without_a_word(sandbox: SandboxMaker) -> None:
    """Nor for itself, where two plans have one agent."""
    box = having(
        sandbox,
        a="# Agent a: work\n- [ ] a.txt: text\n- [ ] emit a_ready\n",
        b="# Agent b: work\n- [ ] b.txt: text\n- [ ] wait for a_ready from Agent a\n",
        c=PLAN.format("c", " "),
        d=AFTER.format("d", "c"),
        e="---\nid: e\nbranch: both\n---\n- [ ] e.txt: text\n",
        f="---\nid: f\nbranch: both\ndepends_on: [e]\n---\n- [ ] f.txt: text\n",
    )
    commit(box, "agent-a", {"a.txt": "a\n"})
    box.git("merge", "-q", "--no-ff", "-m", "by hand", "agent-a")
    with begin(box, "true", "--on-events") as begun:
        try:
            ran = answer(begun)
        finally:
            begun.kill()
    assert reasons(ran) == {
        "b": "stopped: a_ready will not come: a ended without it",
        "c": "ended: None",
        "d": "stopped: c will not land: agent-c has nothing of its own",
        "e": "ended: None",
    }


def test_ticks_of_before_do_not_say_that_an_agent_has_done_it_again(box: Sandbox) -> None:
    """A new commit says it, or a word; with `--every` it has its turns until then."""
    given_back(box, "a", "b")
    box.git("worktree", "remove", "--force", f"{box.path}-agent-a")
    (box.path / "sub").mkdir()

    def again(script: str, *words: str) -> tuple[Ran, dict[str, tuple[str, int]]]:
        told = ("--format", "json", "--", "sh", "-c", script, "{plan}")
        ran = box.gitbot("start", "--retry", "last", *words, *told, cwd=box.path / "sub")
        return ran, {one["plan"]: (one["state"], one["rounds"]) for one in ran.document["agents"]}

    ran, ends = again("[ $0 = a ] || exit 7", "--trees", "trees")
    assert ends == {"a": ("ended", 1), "b": ("failed", 1)}
    folder = box.path / "sub" / "trees" / f"{box.path.name}-agent-a"  # from where the command was given
    assert ran.document["agents"][0]["work_tree"] == str(folder)
    third = "echo . >> turns.log; [ $(wc -l < turns.log) != 3 ] || git commit -q --allow-empty -m mended; exit 3"
    ran, ends = again(f"if [ $0 = a ]; then {emitting(box, 'done --plan a')}; else {third}; fi", "--every", "0.1s")
    assert (ran.code, ends) == (0, {"a": ("done", 1), "b": ("done", 3)})


def test_a_folder_that_is_a_file_on_the_branch_keeps_no_other_ignored_file_away(box: Sandbox) -> None:
    box.git("checkout", "-q", "-b", "agent-a")
    (box.path / "conf").write_text("a file\n")
    box.git("add", "conf")
    box.git("commit", "-q", "-m", "conf")
    box.git("checkout", "-q", "main")
    (box.path / ".worktreeinclude").write_text("conf/\n.env\n")
    (box.path / ".gitignore").write_text("conf/\n.env\n")
    (box.path / "conf" / "deep").mkdir(parents=True)
    for name in ("conf/deep/key", "conf/secret", ".env"):
        (box.path / name).write_text("secret\n")
    for name in "ab":
        place(box.repository, BranchName(f"agent-{name}"), box.path.with_name(name), box.tip("main"))
    mine, other = box.path.with_name("a"), box.path.with_name("b")
    assert ((mine / "conf").read_text(), (mine / ".env").read_text()) == ("a file\n", "secret\n")
    assert (other / "conf/deep/key").read_text() == "secret\n"


def test_of_a_run_only_who_is_named_and_has_not_landed_since_is_started_again(box: Sandbox) -> None:
    run = given_back(box, "a", "b")
    ran = box.gitbot("start", "plans/PLAN-b.md", "--retry", run, "--format", "json", "--", "true")
    assert found(ran) == {"b": "ended"}
    assert "left out: agent-a is of no plan that was named\n" in ran.err
    with pytest.raises(InputError, match="agent-b is of no plan"):
        agents_again(box.repository, force(box), run, box.path, PlanSet(()))
    box.git("worktree", "remove", "--force", f"{box.path}-agent-b")
    box.git("branch", "-D", "agent-b")
    commit(box, "agent-a", {"a.txt": "mended\n"})
    assert Bench(box).round() == {"agent-a": "landed"}
    ran = box.gitbot("start", "--retry", run, "--", "touch", "again")
    assert ran.code == 0
    assert ran.err == "left out: agent-a has landed since\nleft out: agent-b is gone\nnothing is left to start\n"
    assert not Path(f"{box.path}-agent-a", "again").exists()


def test_a_failure_that_cancels_counts_whatever_the_clock_of_who_tells_it_says(box: Sandbox) -> None:
    """And an agent that was not begun for it has no log."""
    with begin(box, "sleep 100", "--jobs", "1") as begun:
        try:
            soon(lambda: told(box, "agent_started") == 1)
            data = {"should_cancel": True}
            events.emit(box.repository, "task_failed", now=time.time() - 3600, actor="c", data={**data})
            ran = answer(begun)
        finally:
            begun.kill()
    assert ran.code == 1
    assert reasons(ran) == dict.fromkeys("ab", "stopped: c said task_failed")
    logs = [one["log"] for one in ran.document["agents"]]
    assert [log is not None and os.path.exists(log) for log in logs] == [True, False]
    assert logs[1] is None
