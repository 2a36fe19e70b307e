"""Watching a run: a screen on a terminal, lines and events elsewhere, silence where nobody looks."""

from __future__ import annotations

import json
import signal
from collections.abc import Mapping

import pytest

from tests.cli.terminals import Watched
from tests.conftest import Sandbox, SandboxMaker, step
from tests.scenarios.beginnings import base

# A watcher that is told of a run, one happening for each line on stdin.
PROGRAM = """
import os, sys, time
from contextlib import closing
from gitbot.cli.progress import PAUSE, Watch
from gitbot.model.git import BranchName, Oid
from gitbot.model.progress import Began, Ended, Merging, Testing
from gitbot.model.run import BranchReport, Outcome, RunId

names = tuple(BranchName(f"agent-{number}") for number in range(int(sys.argv[1])))
TIP = Oid("1" * 40)
began = Began(run=RunId("run"), target="main", before=TIP, branches=names, jobs=1, resumed=False)
ends = [Ended(report=BranchReport(branch=name, tip=TIP, outcome=Outcome.LANDED, why="")) for name in names]
print("$ gitbot integrate", file=sys.stderr)
try:
    with closing(Watch(sys.argv[2], "text", str, os.environ)) as watch:
        test = Testing(slot=0, branches=names, expected=None)
        for happening in (began, Merging(branch=names[0]), None, test, *ends):
            sys.stdin.readline()
            time.sleep(1.1 * PAUSE)
            watch(happening) if happening is not None else watch.tick()
            print("done", flush=True)
        sys.stdin.readline()
except KeyboardInterrupt:
    sys.exit(130)
print("done", flush=True)
"""


@pytest.fixture
def terminal_env(sealed_env: Mapping[str, str]) -> dict[str, str]:
    return {**sealed_env, "TERM": "xterm-256color"}


def without_times(lines: list[str]) -> list[str]:
    return [line for line in lines if "so far" not in line and not line.startswith("gate ")]


def test_the_screen_is_drawn_in_place_and_wiped_away(terminal_env: dict[str, str]) -> None:
    with Watched(PROGRAM, "2", "auto", columns=60, rows=20, env=terminal_env) as watched:
        assert watched.step() == [
            "$ gitbot integrate",
            "0 of 2 done, 0 landed on main",
            "0:00 so far",
            ". agent-0  queued",
            ". agent-1  queued",
        ]
        assert watched.step()[3:] == ["> agent-0  merging", ". agent-1  queued"]
        assert watched.step()[3:] == [". agent-0  queued", ". agent-1  queued"]  # a tick: nobody is merging now
        testing = watched.step()
        assert testing[3].startswith("gate 1  0:0")
        assert testing[4:] == ["> agent-0  testing with agent-1, gate 1", "> agent-1  testing with agent-0, gate 1"]
        watched.step()
        assert without_times(watched.step()) == [
            "$ gitbot integrate",
            "2 of 2 done, 2 landed on main",
            "+ agent-0  landed",
            "+ agent-1  landed",
        ]
        assert watched.step() == ["$ gitbot integrate"]
        assert watched.terminal.history == []
        assert watched.terminal.wraps
        assert watched.terminal.coloured


@pytest.mark.parametrize(("columns", "rows"), [(40, 10), (20, 4), (5, 2), (1, 1), (160, 50)])
def test_a_screen_never_scrolls_away_what_stood_above_it_but_for_its_own_room(
    terminal_env: dict[str, str], columns: int, rows: int
) -> None:
    with Watched(PROGRAM, "120", "auto", columns=columns, rows=rows, env=terminal_env) as watched:
        for _ in range(7):
            watched.terminal.wraps = False  # the first line may be longer than this terminal
            shown = watched.step()
            assert len(shown) <= rows
            assert set(watched.terminal.history) <= {"$ gitbot integrate"}


def test_an_interrupted_run_leaves_nothing_on_the_screen(terminal_env: dict[str, str]) -> None:
    with Watched(PROGRAM, "3", "auto", columns=60, rows=20, env=terminal_env) as watched:
        assert len(watched.step()) > 3
        assert watched.interrupt() == 130
        assert [line.replace("^C", "") for line in watched.look()] == ["$ gitbot integrate"]
        assert watched.terminal.wraps


def test_a_terminal_that_was_made_narrower_gets_a_narrower_picture_in_the_old_ones_place(
    terminal_env: dict[str, str],
) -> None:
    with Watched(PROGRAM, "2", "auto", columns=60, rows=30, env=terminal_env) as watched:
        for _ in range(4):
            watched.step()
        watched.narrow(25)
        assert without_times(watched.step()) == [
            "$ gitbot integrate",
            "1 of 2 done, 1 landed o…",
            "+ agent-0  landed",
            "> agent-1  testing with…",
        ]


def test_without_colour_the_screen_is_the_same(terminal_env: dict[str, str]) -> None:
    with Watched(PROGRAM, "2", "auto", columns=60, rows=20, env=terminal_env | {"NO_COLOR": "1"}) as watched:
        assert watched.step()[3] == ". agent-0  queued"
        assert not watched.terminal.coloured


def test_from_the_background_nothing_is_drawn_over_what_others_write(terminal_env: dict[str, str]) -> None:
    behind = "import os\nif pid := os.fork():\n    os.waitpid(pid, 0)\n    os._exit(0)\nos.setpgrp()\n"
    with Watched(behind + PROGRAM, "2", "auto", columns=60, rows=20, env=terminal_env) as watched:
        for _ in range(7):
            assert watched.step() == ["$ gitbot integrate"]


LOG = ["$ gitbot integrate", "run run: 2 branches onto main", "gate 1: testing agent-0, agent-1"]


@pytest.mark.parametrize(("how", "term"), [("plain", "xterm"), ("auto", "dumb")])
def test_a_terminal_that_can_only_write_lines_gets_lines(sealed_env: Mapping[str, str], how: str, term: str) -> None:
    with Watched(PROGRAM, "2", how, columns=60, rows=20, env={**sealed_env, "TERM": term}) as watched:
        for _ in range(6):
            watched.step()
        assert watched.step() == [*LOG, "agent-0: landed", "agent-1: landed"]


def test_who_wants_no_progress_gets_none(terminal_env: dict[str, str]) -> None:
    with Watched(PROGRAM, "2", "none", columns=60, rows=20, env=terminal_env) as watched:
        for _ in range(7):
            assert watched.step() == ["$ gitbot integrate"]


# The whole program


@pytest.fixture
def box(sandbox: SandboxMaker) -> Sandbox:
    """One branch that lands and one whose tests fail, with a name that is made to be obeyed."""
    red = step("agent-b\u202e", {"b.txt": "BROKEN\n"})
    return sandbox(base(), step("agent-a", {"x.txt": "x\n"}), red)


INTEGRATE = ("integrate", "agent-*", "--gate", "sh gate.sh")


def test_where_nobody_watches_nothing_is_said(box: Sandbox) -> None:
    ran = box.gitbot(*INTEGRATE)
    assert (ran.code, ran.err) == (1, "")


def test_a_log_is_written_where_one_is_asked_for(box: Sandbox) -> None:
    ran = box.gitbot(*INTEGRATE, "--progress", "plain")
    lines = ran.err.splitlines()
    assert lines[0].endswith(": 2 branches onto main")
    assert {"agent-a: landed by rebase", "agent-b: set-aside: gate"} <= set(lines)
    assert any(line.startswith("gate 1: testing ") for line in lines)
    assert any(line.startswith("gate 1: passed after 0:0") for line in lines)


def test_events_come_as_lines_of_ascii_and_the_last_is_the_document(box: Sandbox) -> None:
    with box.watched():
        ran = box.gitbot(*INTEGRATE, "--format", "jsonl")
    assert (ran.code, ran.err) == (1, "")
    assert ran.out.isascii()
    *events, last = map(json.loads, ran.out.splitlines())
    assert {event["schema"] for event in events} == {"gitbot.integrate-event/1"}
    assert events[0]["event"] == "began"
    assert {event["event"] for event in events} >= {"merging", "testing", "tested", "ended"}
    assert [event["time"] for event in events] == sorted(event["time"] for event in events)
    assert (last.pop("schema"), last.pop("event"), last.pop("time") > 0) == ("gitbot.integrate/1", "document", True)
    document = box.gitbot("runs", "last", "--format", "json").document
    assert last == {key: value for key, value in document.items() if key != "schema"}
    ended = {event["branch"]: event for event in events if event["event"] == "ended"}
    for branch in document["branches"]:
        assert {key: ended[branch["branch"]][key] for key in branch} == branch


def test_a_run_that_is_interrupted_ends_its_events_without_a_document(box: Sandbox) -> None:
    process = box.start("integrate", "agent-a", "--gate", "sleep 60", "--format", "jsonl")
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(json.loads(line))
        if lines[-1]["event"] == "testing":
            break
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert "document" not in [event["event"] for event in lines + [json.loads(line) for line in out.splitlines()]]


def test_who_stops_reading_events_does_not_stop_the_run(box: Sandbox) -> None:
    process = box.start(*INTEGRATE, "--format", "jsonl")
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["event"] == "began"
    process.stdout.close()
    assert process.wait(60) == 1
    assert process.stderr is not None
    assert process.stderr.read() == ""
    process.stderr.close()
    assert box.gitbot("runs", "last", "--format", "json").document["state"] == "done"
