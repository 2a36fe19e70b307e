"""Interrupted while gates run, whatever these do: all of them end, in bounded time, and the run goes on later."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from gitbot.process import Stop
from tests.conftest import step
from tests.faults.world import Child, World, made, settle
from tests.scenarios.beginnings import base
from tests.scenarios.test_concurrency import wait_for

# All together are red at once; two gates look for the culprit then.
BRANCHES = {"agent-a": "a\n", "agent-b": "b\n", "agent-c": "c\n", "agent-d": "BROKEN\n"}
ENDS = {"agent-a": "landed", "agent-b": "landed", "agent-c": "landed", "agent-d": "set-aside"}


@pytest.fixture
def world(tmp_path: Path, sealed_env: Mapping[str, str]) -> Iterator[World]:
    own = [step(name, {f"{name}.txt": text}) for name, text in BRANCHES.items()]
    world = made([base(), *own], tmp_path / "repository", sealed_env, 2)
    yield world
    for pid in world.processes():
        os.kill(pid, signal.SIGKILL)


def under_way(world: World, gate: str = "", *options: str) -> tuple[Child, list[tuple[int, int]]]:
    """A run with two gates that wait for the file `go`: the process ids of each and of its supervisor."""
    there = world.box.path.parent
    new = f"{there}/new-$GITBOT_SLOT"
    waits = f"if grep -q BROKEN *.txt; then exit 1; fi; {gate} echo $$ $PPID >{new}"
    waits += f"; mv {new} {there}/there-$GITBOT_SLOT; while [ ! -e {there}/go ]; do sleep 0.02; done"
    child = world.start("integrate", "agent-*", "--jobs", "2", "--format", "json", *options, "--gate", waits)
    found = []
    for slot in range(2):
        wait_for(there / f"there-{slot}")
        gate_pid, supervisor = map(int, (there / f"there-{slot}").read_text().split())
        found.append((gate_pid, supervisor))
    return child, found


def goes_on(world: World, first: Child) -> None:
    """The same command finishes the same run, and lands all."""
    (run,) = world.box.git("for-each-ref", "--format=%(refname)", "refs/gitbot/runs").splitlines()
    (world.box.path.parent / "go").touch()
    again = world.start(*first.command)
    assert again.wait()
    assert again.status == 1, again.err
    document = json.loads(again.out)
    assert document["run"] == run.split("/")[3]
    assert {branch["branch"]: branch["outcome"] for branch in document["branches"]} == ENDS
    assert world.red() == world.leftovers() == []


def is_alive(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_two_gates_end_with_their_run_and_the_same_command_goes_on(world: World, number: signal.Signals) -> None:
    child, gates = under_way(world)
    os.kill(child.pid, number)
    assert child.wait()
    assert child.status == 130
    assert child.err.lstrip() == "error: interrupted\nhint: run the same command again, it goes on from here\n"
    assert not any(is_alive(pid) for pair in gates for pid in pair)
    assert world.processes() == []
    goes_on(world, child)


def test_two_gates_die_with_a_run_that_is_killed(world: World) -> None:
    child, _ = under_way(world)
    child.kill("group")
    settle(world)
    assert world.processes() == []
    goes_on(world, child)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=lambda number: number.name)
def test_what_a_gate_sent_into_the_background_ends_too(world: World, number: signal.Signals) -> None:
    """In a session of its own, its parent gone, ignoring what can be ignored."""
    daemon = "(setsid sh -c 'trap \"\" INT TERM HUP; sleep 600' >/dev/null 2>&1 &)"
    child, _ = under_way(world, f"{daemon};")
    os.kill(child.pid, number)
    assert child.wait()
    settle(world)
    assert world.processes() == []
    goes_on(world, child)


def test_an_interrupt_ends_gates_whose_supervisors_are_suspended(world: World) -> None:
    child, gates = under_way(world)
    for _, supervisor in gates:
        os.kill(supervisor, signal.SIGSTOP)
    os.kill(child.pid, signal.SIGTERM)
    assert child.wait(60)
    assert child.status == 130
    assert world.processes() == []
    goes_on(world, child)


def test_the_time_limit_of_a_gate_holds_when_its_supervisor_is_suspended(world: World) -> None:
    child, gates = under_way(world, "", "--gate-timeout", "4")
    for _, supervisor in gates:
        os.kill(supervisor, signal.SIGSTOP)
    (world.box.path.parent / "go").touch()
    assert child.wait(60)
    assert child.status == 1, child.err
    assert world.red() == world.leftovers() == []


def test_a_gate_whose_supervisor_is_killed_dies_and_has_not_passed(world: World) -> None:
    child, gates = under_way(world)
    for _, supervisor in gates:
        os.kill(supervisor, signal.SIGKILL)
    for _ in range(500):
        if not any(is_alive(gate) for gate, _ in gates):
            break
        time.sleep(0.02)
    assert not any(is_alive(gate) for gate, _ in gates)
    (world.box.path.parent / "go").touch()
    assert child.wait()
    assert child.status == 1, child.err
    assert {one["branch"]: one["outcome"] for one in json.loads(child.out)["branches"]} == ENDS
    assert world.red() == world.leftovers() == []


def test_a_stop_that_comes_when_the_command_has_just_ended_does_nothing() -> None:
    stop = Stop()
    here, there = socket.socketpair()
    with here, there, stop.reaches(here):
        here.close()
        stop.stop()
    assert stop.asked
