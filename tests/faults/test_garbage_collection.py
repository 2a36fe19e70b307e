"""`git gc` beside a run: it declines while one is under way, and works again however the run ended."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.conftest import Sandbox, SandboxMaker, step
from tests.scenarios.beginnings import base
from tests.scenarios.test_concurrency import wait_for


def collect(box: Sandbox) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["git", "gc", "--prune=now"], cwd=box.path, env=box.env, capture_output=True, text=True, check=False
    )


@pytest.fixture
def box(sandbox: SandboxMaker) -> Sandbox:
    return sandbox(base(), step("agent-a", {"x.txt": "x\n"}), step("agent-b", {"y.txt": "y\n"}))


def test_what_is_about_to_land_is_not_pruned(box: Sandbox, tmp_path: Path) -> None:
    gate = f"touch {tmp_path}/there; while [ ! -e {tmp_path}/go ]; do sleep 0.02; done"
    running = box.start("integrate", "agent-*", "--gate", gate)
    wait_for(tmp_path / "there")
    assert "gc is already running" in collect(box).stderr
    (tmp_path / "go").touch()
    running.communicate()
    assert running.returncode == 0
    assert not (box.path / ".git" / "gc.pid").exists()
    assert collect(box).returncode == 0
    assert box.git("fsck", "--no-dangling") == ""


def test_a_killed_run_keeps_nobody_from_collecting_garbage(box: Sandbox, tmp_path: Path) -> None:
    gate = f"touch {tmp_path}/there; while [ ! -e {tmp_path}/go ]; do sleep 0.02; done"
    running = box.start("integrate", "agent-*", "--gate", gate)
    wait_for(tmp_path / "there")
    os.kill(running.pid, signal.SIGKILL)
    running.communicate()
    assert collect(box).returncode == 0
    (tmp_path / "go").touch()
    assert box.gitbot("integrate", "agent-*", "--gate", gate).code == 0
    assert box.git("log", "--format=%s", "main").count("\n") == 2


def test_a_gc_that_was_first_is_left_alone(box: Sandbox) -> None:
    """Its lock stays as it is; nothing that it could prune was made before it began."""
    lock = box.path / ".git" / "gc.pid"
    lock.write_text(f"{os.getpid()} {os.uname().nodename}\n")
    assert box.gitbot("integrate", "agent-*", "--gate", "true").code == 0
    assert lock.read_text() == f"{os.getpid()} {os.uname().nodename}\n"
