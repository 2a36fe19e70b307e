"""Which of several gates are asked of a branch, and what is said of the runs that are left."""

from __future__ import annotations

import json

import pytest

from tests.conftest import SandboxMaker, step
from tests.scenarios.beginnings import base

WEB = """
[gate]
command = "true"
[gates.web]
command = "test ! -e src/need || test -e web/new"
paths = ["web/**"]
"""


@pytest.mark.parametrize("queue", ["auto", "serial"])
def test_a_gate_applies_though_a_later_branch_takes_back_what_asked_for_it(sandbox: SandboxMaker, queue: str) -> None:
    """The two together leave the gate's paths as they were before the run; what is green apart must not land red."""
    box = sandbox(
        base({"gitbot.toml": WEB}),
        step("agent-a", {"web/new": "x\n"}),
        step("agent-b", {"src/need": "x\n"}, start="agent-a", delete=["web/new"]),
    )
    ran = box.integrate("agent-a", "agent-b", "--queue", queue, gate="")
    assert ran.outcomes == {"agent-a": "landed by rebase", "agent-b": "set-aside: gate"}


def test_a_serial_queue_has_a_run_left_for_each_branch_that_waits(sandbox: SandboxMaker) -> None:
    names = [f"agent-{number}" for number in range(4)]
    box = sandbox(base(), *(step(name, {f"{name}.txt": "x\n"}) for name in names))
    ran = box.gitbot("integrate", *names, "--queue", "serial", "--gate", "true", "--format", "jsonl")
    events = [json.loads(line) for line in ran.out.splitlines()]
    assert [event["runs"] for event in events if event["event"] == "left"] == [4, 3, 2, 1]
