"""The gate on each tip by itself: cached, recorded as results and not as a run, and nothing is left of it."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from gitbot.errors import LockedError
from gitbot.journal.lock import only_writer
from tests.conftest import Sandbox, SandboxMaker, step
from tests.scenarios.beginnings import base


def configured(command: str) -> dict[str, str | list[str]]:
    return {"gitbot.toml": f"[gate]\ncommand = '''{command}'''\n[integrate]\njobs = 2\n"}


def made(sandbox: SandboxMaker, command: str) -> Sandbox:
    """agent-a and agent-b are green by themselves, agent-c is not, agent-d has no work of its own."""
    box = sandbox(
        base(configured(command)),
        step("agent-a", {"a.txt": "green\n"}, start="main"),
        step("agent-b", {"b.txt": "green\n"}, start="main"),
        step("agent-c", {"c.txt": "BROKEN\n"}, start="main"),
    )
    box.git("branch", "agent-d", "main")
    return box


def test_each_tip_is_tested_once_and_no_run_is_recorded(sandbox: SandboxMaker, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    box = made(sandbox, f"echo x >> {ran}; sh gate.sh")
    with box.watched():
        first = box.gitbot("status", "agent-*", "--gate", env={"COLUMNS": "80"})
    assert first.code == 0
    assert len(ran.read_text().splitlines()) == 4, "what is red is confirmed"
    assert [line.split()[:3] for line in first.out.split("\n\n")[0].splitlines()] == [
        ["branch", "state", "gate"],
        ["agent-a", "running", "passed"],
        ["agent-b", "running", "passed"],
        ["agent-c", "running", "failed"],
        ["agent-d", "idle", "-"],
    ]
    again = box.gitbot("status", "agent-*", "--gate", "--format", "json")
    assert len(ran.read_text().splitlines()) == 4
    gates = {name: one["gate"] and one["gate"]["verdict"] for name, one in again.branches.items()}
    assert gates == {"agent-a": "passed", "agent-b": "passed", "agent-c": "failed", "agent-d": None}
    drawn = box.gitbot("status", "agent-*", "--gate", "--graph", env={"COLUMNS": "80"}).out
    lanes = [line.split()[1:5] for line in drawn.splitlines() if "agent-" in line]
    verdicts = {"agent-a": "passed", "agent-b": "passed", "agent-c": "failed"}
    assert lanes == [
        *([name, "+1", "running", said] for name, said in verdicts.items()),
        ["agent-d", "+0", "idle", "-"],
    ]
    assert box.gitbot("runs").out == "no run yet\n"


def test_what_is_red_once_and_then_green_has_passed_here_as_in_a_run(sandbox: SandboxMaker, tmp_path: Path) -> None:
    """What an earlier version had recorded as red once is asked again, and what only prints a line is quoted."""
    ran = tmp_path / "ran"
    flaky = f"test ! -f flaky || test -f {ran} || {{ touch {ran}; echo by chance; exit 1; }}"
    box = sandbox(
        base(configured(f"{flaky}; test ! -f red || ! echo boom")),
        step("agent-a", {"flaky": "\n"}, start="main"),
        step("agent-b", {"red": "\n"}, start="main"),
    )
    assert box.gitbot("integrate", "agent-a", "--dry-run").code == 0
    first = box.gitbot("status", "agent-*", "--gate", env={"COLUMNS": "80"})
    assert sorted(line.rpartition(" (")[0] for line in first.err.splitlines()) == [
        "gate: agent-a failed",
        "gate: agent-a passed",
        "gate: agent-b failed",
        "gate: agent-b failed",
    ]
    assert "\n\ndoes not pass the gate by itself:\n  agent-b: boom\n\n" in first.out
    again = box.gitbot("status", "agent-*", "--gate", "--format", "json")
    assert again.err == ""
    assert [one["gate"]["verdict"] for one in again.branches.values()] == ["passed", "failed"]
    assert [one["gate"]["said"] for one in again.branches.values()] == [None, "boom"]


def test_what_passed_as_a_tip_is_not_tested_again_by_integrate(sandbox: SandboxMaker, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    box = made(sandbox, f"echo x >> {ran}; sh gate.sh")
    box.gitbot("status", "agent-a", "--gate")
    assert box.gitbot("integrate", "agent-a").code == 0
    assert len(ran.read_text().splitlines()) == 1


def test_without_a_gate_it_is_a_mistake_of_usage(sandbox: SandboxMaker) -> None:
    box = sandbox(base(), step("agent-a", {"b.txt": "b\n"}, start="main"))
    ran = box.gitbot("status", "agent-a", "--gate")
    assert (ran.code, ran.out) == (2, "")
    assert box.gitbot("status", "agent-a", "--gate", "--watch").code == 2


def test_it_does_not_mix_with_a_run_that_is_under_way(sandbox: SandboxMaker) -> None:
    box = made(sandbox, "sh gate.sh")
    with only_writer(box.repository):
        ran = box.gitbot("status", "agent-a", "--gate")
    assert (ran.code, ran.out) == (LockedError.exit_code, "")


def test_ctrl_c_leaves_no_gate_alive(sandbox: SandboxMaker, tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    box = made(sandbox, f"echo $$ > {pid}.new; mv {pid}.new {pid}; sleep 300")
    asked = box.start("status", "agent-a", "--gate")
    while not pid.exists():
        assert asked.poll() is None
        time.sleep(0.05)
    asked.send_signal(signal.SIGINT)
    assert asked.wait(60) == 130
    asked.communicate()
    assert not os.path.exists(f"/proc/{pid.read_text().strip()}/cwd")


def test_what_landed_without_a_gate_has_passed_none(sandbox: SandboxMaker) -> None:
    box = made(sandbox, "exit 1")
    assert box.gitbot("integrate", "agent-a", "--no-gate").code == 0
    assert box.gitbot("status", "agent-a", "--format", "json").branches["agent-a"]["gate"] is None
