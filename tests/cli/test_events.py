"""`gitbot emit`, `wait` and `events` as a person and a program see them, and what integrate tells by itself."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gitbot.cli import main
from gitbot.journal import events, runs
from gitbot.landing.announce import announce
from gitbot.model.git import RefName
from gitbot.repository import refs
from gitbot.repository.writing import BLOB, write_blob, write_tree
from tests.conftest import Ran, Sandbox, SandboxMaker, step
from tests.scenarios.beginnings import base

Run = Callable[..., Ran]

# The program itself, killed right before or right after it emits for the nth time.
MORTAL = """
import os, signal, sys
from gitbot.cli import main
from gitbot.journal import events
left, late, emit = int(sys.argv[1]), sys.argv[2] == "late", events.emit
def mortal(*arguments, **more):
    global left
    left -= 1
    done = emit(*arguments, **more) if late or left else None
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
    return done
events.emit = mortal
sys.exit(main(sys.argv[3:]))
"""


@pytest.fixture
def box(sandbox: SandboxMaker) -> Sandbox:
    plan = "---\nid: A\nbranch: feature/parser\nowns: [src/a.py]\n---\n# Parser\n- [ ] write src/a.py\n"
    return sandbox(step("main", {"plans/PLAN-A.md": plan}), step("feature/parser", {"src/a.py": "1\n"}))


@pytest.fixture
def within(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[Sandbox], Run]]:
    """The program, called in this process."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}

    def opened(box: Sandbox) -> Run:
        def call(*arguments: str) -> Ran:
            monkeypatch.chdir(box.path)
            code = main(arguments)
            return Ran(code, *capsys.readouterr())

        return call

    yield opened
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture
def run(box: Sandbox, within: Callable[[Sandbox], Run]) -> Run:
    """The same in `box`."""
    return within(box)


@pytest.fixture
def run_landing(landing: Sandbox, within: Callable[[Sandbox], Run]) -> Run:
    """The same where something can land."""
    return within(landing)


def without_times(text: str) -> str:
    return re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "WHEN", text)


def lines(ran: Ran) -> list[dict[str, object]]:
    return [json.loads(line) for line in ran.out.splitlines()]


def test_events_are_listed_as_they_were_emitted(run: Run) -> None:
    said = run("emit", "schema_ready", "--plan", "A", "--data", "version=2", "--data", "url=a=b", "--target", "db")
    assert (said.code, said.err) == (0, "")
    assert without_times(said.out) == "WHEN  A  schema_ready  target=db version=2 url=a=b\n"
    run("emit", "ready", "--plan", "B", "--group", "g")
    assert without_times(run("events").out) == without_times(said.out) + "WHEN  B  ready  group=g\n"
    assert without_times(run("events", "--from", "agent-b").out) == "WHEN  B  ready  group=g\n"
    assert run("events", "--group", "h").out == ""


def test_programs_get_a_line_an_event(box: Sandbox, run: Run) -> None:
    run("emit", "schema_ready", "--plan", "A", "--data", "version=2")
    (line,) = lines(run("events", "--format", "jsonl"))
    assert line["id"] == f"{runs.clone_id(box.repository)}-0"
    assert isinstance(line.pop("time"), float)
    assert line == {
        "schema": "gitbot.events/1",
        "id": line["id"],
        "event": "schema_ready",
        "actor": "A",
        "target": None,
        "group": None,
        "data": {"version": "2"},
        "seen": None,
    }


def test_who_works_on_two_plans_speaks_for_the_branch(
    sandbox: SandboxMaker, within: Callable[[Sandbox], Run]
) -> None:
    both = {f"plans/{name}.md": f"---\nid: {name}\nbranch: work\n---\n- [ ] {name}.txt: text\n" for name in "ab"}
    box = sandbox(step("main", {**both}), step("work", {"a.txt": "a\n"}))
    box.git("checkout", "-q", "work")
    assert within(box)("emit", "done").code == 0
    assert [one.actor for one in events.read(box.repository)] == ["work"]


def test_the_actor_is_the_plan_of_the_branch_else_the_branch_else_nobody(box: Sandbox, run: Run) -> None:
    run("emit", "one")
    box.git("checkout", "-q", "feature/parser")
    run("emit", "two")
    (box.path / "gitbot.toml").write_text("nonsense = 1\n")
    box.git("checkout", "-q", "main")
    run("emit", "three")
    box.git("checkout", "-q", "--detach")
    run("emit", "four")
    assert [line["actor"] for line in lines(run("events", "--format", "json"))] == ["main", "A", "main", None]


def test_text_of_strangers_moves_no_terminal(box: Sandbox, run: Run) -> None:
    run("emit", "ready", "--plan", "A\x1b[2J", "--data", "k\x1b=\x1b]0;x\x07v\u202e\nnext")
    assert without_times(run("events").out) == "WHEN  A[2J  ready  k=]0;xv next\n"
    words = b'"event":"\\u001b[31mred","actor":"\\u202eA\\n"'
    hostile = b'{"time":1,%s,"data":{"should_cancel":true,"\\u0007":"\\u009b"}}\n' % words
    tree = write_tree(box.repository, None, {"0000/00000000": (write_blob(box.repository, hostile), BLOB)})
    refs.append(box.repository, RefName(f"{events.PREFIX}{'f' * 32}"), before=None, after=tree)
    cancelled = run("wait", "ready", "--format", "json")
    for ran in (
        cancelled,
        run("events"),
        run("events", "--format", "json"),
        run("wait", "x\x1b[1m", "--timeout", "0"),
    ):
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", ran.out + ran.err)
    assert cancelled.code == 1
    assert "[31mred" in cancelled.err


def test_a_wait_says_what_it_waits_for_and_prints_what_it_has_seen(run: Run) -> None:
    run("emit", "ready", "--plan", "A")
    seen = run("wait", "ready", "--from", "A", "--timeout", "1m")
    assert (seen.code, without_times(seen.out), seen.err) == (0, "WHEN  A  ready\n", "")
    missed = run("wait", "ready", "tested", "built", "--timeout", "0.01s")
    assert (missed.code, missed.out) == (1, "")
    assert missed.err == "waiting for tested and built, 0.01s at most\nerror: timed out: no tested and built\n"
    other = run("wait", "ready", "tested", "--any", "--from", "B", "--timeout", "0")
    assert other.err == "error: timed out: no ready or tested from B\n"


def test_a_commit_is_printed_by_its_subject(box: Sandbox, run: Run) -> None:
    box.git("checkout", "-q", "feature/parser")
    box.git("commit", "-q", "--allow-empty", "-m", "feat: implement parser\n\nbody")
    seen = run("wait", "--commit", "parser", "--branch", "feature/parser")
    assert seen.out == f"{box.tip('feature/parser')[:12]}  feat: implement parser\n"
    (line,) = lines(run("wait", "--commit", "parser", "--branch", "feature/parser", "--format", "json"))
    assert line == {
        "schema": "gitbot.wait/1",
        "commit": box.tip("feature/parser"),
        "subject": "feat: implement parser",
    }


def test_a_failure_that_cancels_names_itself_and_the_way_on(run: Run) -> None:
    run("emit", "ready", "--plan", "A")
    run("emit", "task_failed", "--plan", "it's B", "--data", "should_cancel=true", "--data", "error=it broke")
    ran = run("wait", "ready")
    assert (ran.code, ran.out) == (1, "")
    assert without_times(ran.err) == (
        "error: cancelled by WHEN  it's B  task_failed  should_cancel=true error=it broke\n"
        "hint: when that is over: gitbot emit going_on --plan 'it'\"'\"'s B', "
        "or, for all, gitbot emit round_started\n"
    )
    run("emit", "going_on", "--plan", "it's B")
    assert run("wait", "ready").code == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("wait",),
        ("wait", "ready", "--timeout", "soon"),
        ("wait", "ready", "--timeout", "-1"),
        ("wait", "ready", "--commit", "text"),
        ("wait", "ready", "--branch", "agent-a"),
        ("wait", "--commit", "", "--branch", "agent-a"),
        ("emit",),
        ("emit", "two words"),
        ("emit", "ready", "--data", "nothing"),
        ("emit", "ready", "--data", "=value"),
        ("emit", "ready", "--data", "text=" + "x" * 9000),
    ],
)
def test_bad_usage_changes_nothing_and_has_a_hint(box: Sandbox, run: Run, arguments: tuple[str, ...]) -> None:
    ran = run(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert "hint: " in ran.err
    assert box.git("for-each-ref", "refs/gitbot") == ""


def test_who_waits_or_listens_ends_when_told_and_leaves_nothing_behind(box: Sandbox) -> None:
    before = sorted(box.path.rglob("*"))
    with box.start("wait", "ready") as waits, box.start("events", "--follow") as follows:
        assert waits.stderr is not None
        assert waits.stderr.readline() == "waiting for ready\n"
        waits.send_signal(signal.SIGTERM)
        assert waits.wait(timeout=30) == 130
        assert sorted(box.path.rglob("*")) == before
        events.emit(box.repository, "one", now=1.0)
        assert follows.stdout is not None
        assert "one" in follows.stdout.readline()
        events.emit(box.repository, "two", now=0.0)
        assert "two" in follows.stdout.readline()
        follows.send_signal(signal.SIGINT)
        assert follows.wait(timeout=30) == 130


# What integrate tells


@pytest.fixture
def landing(sandbox: SandboxMaker) -> Sandbox:
    return sandbox(base(), step("agent-a", {"x.txt": "x\n"}), step("agent-b", {"y.txt": "y\n"}), step("agent-c"))


def told(box: Sandbox) -> list[tuple[str, str | None, object]]:
    return [(one.event, one.actor, one.data.get("branch")) for one in events.read(box.repository)]


COMMAND = ("integrate", "agent-*", "--gate", "sh gate.sh")
WHOLE = [("landed", "agent-a", "agent-a"), ("landed", "agent-b", "agent-b"), ("run_finished", "gitbot", None)]


def test_integrate_tells_of_every_landing_and_of_its_end(landing: Sandbox, run_landing: Run) -> None:
    before = landing.tip("main")
    document = run_landing(*COMMAND, "--queue", "serial", "--format", "json").document
    assert told(landing) == WHOLE
    first, second, last = events.read(landing.repository)
    assert first.data["before"] == before
    assert (first.data["commit"], second.data["commit"]) == (second.data["before"], landing.tip("main"))
    assert (first.data["tip"], first.target, first.data["plan"]) == (landing.tip("agent-a"), "main", None)
    assert {one.data["run"] for one in (first, second, last)} == {document["run"]}
    assert (last.data["state"], last.data["counts"]) == ("done", {"landed": 2, "empty": 1})
    announce(landing.repository, runs.read(landing.repository, runs.runs(landing.repository)[0]))
    assert told(landing) == WHOLE


def kill(box: Sandbox, moment: int, when: str, *command: str) -> None:
    words = [sys.executable, "-c", MORTAL, str(moment), when, *command]
    done = subprocess.run(words, cwd=box.path, env=box.env, capture_output=True, check=False, timeout=120)
    assert done.returncode == -signal.SIGKILL


@pytest.mark.parametrize(("moment", "when"), [(2, "late"), (3, "early")])
def test_a_run_that_was_killed_and_goes_on_tells_everything_once(
    landing: Sandbox, run_landing: Run, moment: int, when: str
) -> None:
    kill(landing, moment, when, *COMMAND)
    assert told(landing) == WHOLE[:2]
    assert run_landing(*COMMAND).code == 0
    assert told(landing) == WHOLE


def test_a_killed_run_that_another_command_closes_is_told_of_too(landing: Sandbox, run_landing: Run) -> None:
    kill(landing, 1, "early", "integrate", "agent-a", "--no-gate")
    assert told(landing) == []
    assert run_landing("integrate", "agent-b", "--no-gate").code == 0
    assert told(landing) == [WHOLE[0], WHOLE[2], WHOLE[1], WHOLE[2]]
    ends = [one.data["state"] for one in events.read(landing.repository) if one.event == "run_finished"]
    assert ends == ["interrupted", "done"]


def test_a_run_that_can_tell_nobody_lands_all_the_same(landing: Sandbox, run_landing: Run) -> None:
    blob = write_blob(landing.repository, b"no tree")
    own = RefName(f"refs/gitbot/emitted-by/{runs.mark_clone(landing.repository)}")
    refs.append(landing.repository, own, before=None, after=blob)
    assert run_landing("integrate", "agent-a", "--no-gate").code == 0
    assert events.read(landing.repository) == ()
    assert Path(landing.path, "x.txt").exists()
