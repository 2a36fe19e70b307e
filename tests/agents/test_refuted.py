"""What a review of running agents found: each of these once ended otherwise."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from gitbot.agents.waiting import End, Wanted, look
from gitbot.journal import events
from tests.agents.test_watching import CONFIG, GATE, PLAN, Bench, waits
from tests.conftest import Ran, Sandbox, SandboxMaker, step


@pytest.fixture
def box(sandbox: SandboxMaker) -> Sandbox:
    plans = {f"plans/PLAN-{name}.md": PLAN.format(name, " ") for name in "ab"}
    return sandbox(step("main", {"gate.sh": GATE, "gitbot.toml": CONFIG, **plans}, "base"))


def start(box: Sandbox, script: str, *words: str) -> Ran:
    return box.gitbot("start", "plans", *words, "--format", "json", "--", "sh", "-c", script, "{plan}")


def found(ran: Ran) -> dict[str, str]:
    return {one["plan"]: one["state"] for one in ran.document["agents"]}


def commit(box: Sandbox, branch: str, files: dict[str, str], message: str = "work") -> None:
    tree = box.path.with_name(f"{box.path.name}-{branch}")
    if not tree.exists():
        known = box.git("branch", "--list", branch)
        box.git("worktree", "add", "-q", str(tree), *([branch] if known else ["-b", branch]))
    for name, text in files.items():
        (tree / name).write_text(text)
    box.git("add", "-A", cwd=tree)
    box.git("commit", "-q", "-m", message, cwd=tree)


def test_what_gitbot_tells_of_an_agent_takes_its_failure_back_from_nobody(box: Sandbox) -> None:
    for name, data in (("task_failed", {"should_cancel": "true"}), ("agent_ended", {}), ("landed", {})):
        events.emit(box.repository, name, now=time.time(), actor="a", data={**data})
    assert look(events.read(box.repository), Wanted(("never",))).end is End.CANCELLED
    events.emit(box.repository, "agent_started", now=time.time(), actor="a")
    assert look(events.read(box.repository), Wanted(("never",))).end is End.TIMED_OUT


def test_urgent_is_the_branch_as_it_was_and_not_what_comes_later(box: Sandbox) -> None:
    commit(box, "agent-a", {"a.txt": "hot fix\n"})
    assert box.gitbot("watch", "--urgent", "agent-a").code == 0
    assert Bench(box).round() == {"agent-a": "landed"}
    commit(box, "agent-a", {"a.txt": "half of something\n"}, "wip")
    assert Bench(box).round() is None


def test_words_that_the_plan_has_on_the_target_are_not_the_agents(sandbox: SandboxMaker) -> None:
    text = PLAN.format("a", " ") + "\nDONE: when all tests pass\n\n```\nSTUCK: the reason\n```\n"
    box = sandbox(step("main", {"gate.sh": GATE, "gitbot.toml": CONFIG, "plans/PLAN-a.md": text}, "base"))
    commit(box, "agent-a", {"a.txt": "half\n"}, "wip")
    assert waits(box) == {"agent-a": "0 of 1 tasks are done"}
    commit(box, "agent-a", {"plans/PLAN-a.md": text + "STUCK: no key\n"})
    assert waits(box) == {"agent-a": "stuck: no key"}
    ticked = text.replace("[ ]", "[x]") + "\n```\nSTUCK: an example\n```\n"
    commit(box, "agent-a", {"plans/PLAN-a.md": ticked})
    assert waits(box) == {"agent-a": None}


def test_a_word_that_was_said_before_the_landing_makes_nothing_later_ready(box: Sandbox) -> None:
    commit(box, "agent-a", {"a.txt": "one\n"})
    events.emit(box.repository, "ready", now=time.time(), actor="a")
    assert Bench(box).round() == {"agent-a": "landed"}
    commit(box, "agent-a", {"a.txt": "half of two\n"}, "wip")
    assert waits(box) == {"agent-a": "0 of 1 tasks are done"}


def test_what_was_taken_back_is_neither_landed_again_nor_tidied_away(box: Sandbox) -> None:
    commit(box, "agent-a", {"a.txt": "a\n", "plans/PLAN-a.md": PLAN.format("a", "x")})
    assert Bench(box).round() == {"agent-a": "landed"}
    assert box.gitbot("undo", "last").code == 0
    assert Bench(box).round() is None
    assert waits(box)["agent-a"] == "its landing was taken back (gitbot undo); it is landed again when it changes"
    assert Bench(box).round() is None
    (one,) = box.gitbot("tidy", "--apply", "--format", "json").document["branches"]
    assert (one["branch"], one["goes"]) == ("agent-a", False)


def test_a_branch_that_only_a_remote_has_is_gone_on_with(box: Sandbox, tmp_path: Path) -> None:
    commit(box, "agent-a", {"a.txt": "BROKEN\n", "plans/PLAN-a.md": PLAN.format("a", "x")})
    box.git("clone", "-q", "--bare", ".", str(tmp_path / "server"))
    other = Sandbox(tmp_path / "other", box.env)
    box.git("clone", "-q", str(tmp_path / "server"), str(other.path))
    bench = Bench(other)
    assert bench.round() == {"origin/agent-a": "set-aside"}
    script = "cat a.txt >> seen.log; echo mended > a.txt; git add a.txt; git commit -qm mend; cat a.txt >> seen.log"
    ran = other.gitbot("start", "--retry", "last", "--", "sh", "-c", script)
    assert ran.code == 0, ran.err
    tree = other.path.with_name("other-agent-a")
    assert (tree / "seen.log").read_text() == "BROKEN\nmended\n"
    (tree / "seen.log").unlink()
    assert bench.round() == {"agent-a": "landed"}


def test_a_remote_that_is_ahead_of_a_stale_branch_here_is_landed(box: Sandbox, tmp_path: Path) -> None:
    box.git("branch", "agent-a")
    box.git("clone", "-q", "--bare", ".", str(tmp_path / "server"))
    box.git("remote", "add", "origin", str(tmp_path / "server"))
    other = Sandbox(tmp_path / "other", box.env)
    box.git("clone", "-q", str(tmp_path / "server"), str(other.path))
    commit(other, "agent-a", {"a.txt": "a\n", "plans/PLAN-a.md": PLAN.format("a", "x")})
    other.git("push", "-q", "origin", "agent-a")
    assert Bench(box).round() == {"origin/agent-a": "landed"}


def test_a_remote_that_does_not_answer_keeps_nobody_here_from_landing(
    box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gitbot.repository.remotes.BRIEFLY", 0.5)
    commit(box, "agent-a", {"a.txt": "a\n", "plans/PLAN-a.md": PLAN.format("a", "x")})
    box.git("config", "remote.origin.url", "ext::sleep 60")
    box.git("config", "protocol.ext.allow", "always")
    bench = Bench(box)
    assert bench.round() == {"agent-a": "landed"}
    assert bench.said[0].startswith("origin cannot be fetched: ")


def test_a_branch_in_another_case_is_the_plans_and_two_plans_of_one_branch_have_one_agent(
    sandbox: SandboxMaker,
) -> None:
    both = {f"plans/{name}.md": f"---\nbranch: feat\n---\n- [ ] {name}.txt: text\n" for name in "ab"}
    files: dict[str, str | list[str]] = {"gate.sh": GATE, "gitbot.toml": CONFIG, **both}
    files["plans/PLAN-c.md"] = PLAN.format("c", " ")
    box = sandbox(step("main", files, "base"), step("agent-C", {"c.txt": "c\n"}))
    order = box.path.with_name("order")
    ran = start(box, f"echo in >> {order}; sleep .3; echo out >> {order}; ls > seen.log")
    assert ran.code == 0, ran.err
    assert sorted(one["branch"] for one in ran.document["agents"]) == ["agent-C", "feat"]
    assert box.git("branch", "--list", "agent-c", "--format=%(refname:short)") == ""
    assert order.read_text().split().count("in") == 2
    events.emit(box.repository, "done", now=time.time(), actor="a")
    commit(box, "feat", {"a.txt": "a\n"})
    assert waits(box)["feat"] == "0 of 2 tasks are done"


def test_on_events_nobody_waits_for_what_will_not_come_and_each_begins_where_the_target_is(
    sandbox: SandboxMaker,
) -> None:
    waiting = "# Agent b: work\n- [ ] b.txt: text\n- [ ] wait for a_ready from Agent a\n"
    after = "---\nid: c\ndepends_on: [a]\n---\n- [ ] c.txt: text\n"
    plans = {
        "plans/PLAN-a.md": "# Agent a: work\n- [ ] a.txt: text\n- [ ] emit a_ready\n",
        "plans/PLAN-b.md": waiting,
    }
    box = sandbox(step("main", {"gate.sh": GATE, "gitbot.toml": CONFIG, **plans, "plans/PLAN-c.md": after}, "base"))
    events.emit(box.repository, "task_failed", now=time.time() - 90, actor="old", data={"should_cancel": "true"})
    script = "[ $0 != a ] || { echo a > a.txt; git add a.txt; git commit -qm a; }; ls"
    with box.start("start", "plans", "--on-events", "--format", "json", "--", "sh", "-c", script, "{plan}") as begun:
        try:
            deadline = time.monotonic() + 60
            while [one.event for one in events.read(box.repository)].count("agent_ended") < 1:
                assert time.monotonic() < deadline
                time.sleep(0.1)
            assert box.gitbot("integrate", "agent-a").code == 0
            out, err = begun.communicate(timeout=60)
        finally:
            begun.kill()
    agents = {one["plan"]: one for one in Ran(begun.returncode, out, err).document["agents"]}
    assert {name: one["state"] for name, one in agents.items()} == {"a": "ended", "b": "stopped", "c": "ended"}
    assert agents["b"]["reason"] == "a_ready will not come: a ended without it"
    assert "a.txt" in Path(agents["c"]["log"]).read_text().split()


def test_a_failure_that_cancels_is_the_end_of_all_phases(sandbox: SandboxMaker) -> None:
    plans = {
        "plans/PLAN-a.md": PLAN.format("a", " "),
        "plans/PLAN-b.md": "---\nid: b\ndepends_on: [a]\n---\n- [ ] b.txt\n",
    }
    box = sandbox(step("main", {"gate.sh": GATE, "gitbot.toml": CONFIG, **plans}, "base"))
    told = f"PYTHONPATH={box.env['PYTHONPATH']} {sys.executable} -m gitbot emit schema_failed"
    script = f"echo x > $0.txt; git add -A; git commit -qm x; {told} --data should_cancel=true"
    ran = start(box, script, "--all-phases")
    assert ran.code == 1
    assert set(found(ran)) == {"a"}
    assert "error: cancelled: a said schema_failed" in ran.err
    assert box.git("log", "--oneline", "main").count("\n") == 0


def test_a_work_tree_in_whose_making_git_was_killed_is_made_again(box: Sandbox) -> None:
    (box.path / ".gitattributes").write_text("*.slow filter=slow\n")
    (box.path / "one.slow").write_text("1\n")
    box.git("add", "-A")
    box.git("commit", "-q", "-m", "slow")
    box.git("config", "filter.slow.smudge", "sleep 100; cat")
    tree = box.path.with_name(f"{box.path.name}-agent-a")
    with box.start("start", "plans") as begun:
        deadline = time.monotonic() + 60
        while not list(box.path.glob(".git/worktrees/*/index.lock")):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        begun.send_signal(signal.SIGKILL)
    for path in Path("/proc").glob("[0-9]*/cwd"):  # git and its filter, which the kill did not reach
        try:
            if path.resolve().is_relative_to(tree):
                signal.pidfd_send_signal(os.pidfd_open(int(path.parent.name)), signal.SIGKILL)
        except OSError:
            continue
    box.git("config", "filter.slow.smudge", "cat")
    ran = start(box, "git status --porcelain; git commit -q --allow-empty -m fine")
    assert (ran.code, set(found(ran).values())) == (0, {"ended"}), ran.err
    assert (tree / "one.slow").read_text() == "1\n"
