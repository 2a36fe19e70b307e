"""Interrupted while the remote is spoken to, and cut off from it: what became of a push is asked, never guessed."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.conftest import Sandbox, SandboxMaker, step
from tests.scenarios.beginnings import base
from tests.scenarios.test_concurrency import wait_for
from tests.scenarios.test_remote_target import clone, hook

COMMAND = ("integrate", "agent-x", "--into", "origin/main", "--gate", "sh gate.sh", "--format", "json")


@pytest.fixture
def origin(sandbox: SandboxMaker) -> Sandbox:
    """The bare repository that is pushed to."""
    return sandbox(base(), *(step(f"agent-{name}", {f"{name}.txt": f"{name}\n"}) for name in "xy"), bare=True)


def test_a_push_that_takes_long_can_be_interrupted_and_is_done_again(origin: Sandbox, tmp_path: Path) -> None:
    """No lock of git's is left there, though it held one."""
    mine, before, there = clone(origin, "mine"), origin.tip("main"), tmp_path / "there"
    slow = hook(origin, "reference-transaction", f'[ "$1" = committed ] || {{ touch {there}; sleep 300; }}')
    running = mine.start(*COMMAND)
    wait_for(there)
    os.kill(running.pid, signal.SIGINT)
    running.communicate(timeout=20)
    assert (running.returncode, origin.tip("main")) == (130, before)
    slow.unlink()
    ran = mine.gitbot(*COMMAND)
    assert (ran.code, ran.outcomes) == (0, {"agent-x": "landed by rebase"}), ran.err
    assert (origin.tip("main"), ran.document["gate"]["runs"]) == (ran.document["after"], 1)
    assert len(mine.gitbot("runs", "--format", "json").document["runs"]) == 1


def test_a_push_that_arrived_while_nobody_can_say_so_is_settled_by_the_next_command(
    origin: Sandbox, tmp_path: Path
) -> None:
    mine, before, away = clone(origin, "mine"), origin.tip("main"), tmp_path / "away"
    goes = f'[ "$1" = committed ] && grep -q refs/heads/main && mv {origin.path} {away} && kill -9 $PPID; exit 0'
    cut = hook(origin, "reference-transaction", goes)
    ran = mine.gitbot(*COMMAND)
    assert ran.code == 4
    assert "whether origin/main was moved is not known" in ran.err
    assert mine.gitbot(*COMMAND).code == 4  # it still cannot be asked
    away.rename(origin.path)
    cut.unlink()
    assert origin.tip("main") != before
    other = mine.gitbot("integrate", "agent-y", *COMMAND[2:])
    assert (other.code, other.outcomes) == (0, {"agent-y": "landed by rebase"}), other.err
    first, second = mine.gitbot("runs", "--format", "json").document["runs"]
    assert (first["counts"], second["counts"]) == ({"landed": 1}, {"landed": 1})
    assert set(origin.git("ls-tree", "--name-only", "main").split()) == {"a.txt", "gate.sh", "x.txt", "y.txt"}
