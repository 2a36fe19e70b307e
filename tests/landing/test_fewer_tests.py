"""Counts of tests in groups and in gates that run for some paths only: who is told of what is missing."""

from __future__ import annotations

from typing import Any

from tests.conftest import Ran, Sandbox, SandboxMaker, step
from tests.scenarios.beginnings import base

COUNT = "ls {folder} | wc -l | sed 's/.*[^0-9]//; s/$/ passed in 0.1s/'"


def told(ran: Ran) -> dict[str, Any]:
    flags = {name: [one["text"] for one in branch["flags"]] for name, branch in ran.branches.items()}
    return {name: texts for name, texts in flags.items() if texts}


REPORTS = (
    "mkdir -p rep; (echo '<testsuite>'; for t in $(cat {folder}/*); do echo \\\"<testcase name='$t'/>\\\"; done;"
    "echo '</testsuite>') >rep/{folder}.xml"
)


def known(box: Sandbox, *more: str, gate: str) -> None:
    """The target has been tested: it is what a run has landed."""
    assert box.integrate(*more, gate=gate).code == 0


def test_what_a_group_lost_is_said_of_its_last_branch_with_the_others(sandbox: SandboxMaker) -> None:
    """Data is what is tested here: no diff shows a test."""
    cases = {f"cases/{number}.txt": "x\n" for number in range(9)}
    gone = step("agent-b", delete=["cases/1.txt", "cases/2.txt"])
    first = step("agent-0", {"cases/9.txt": "x\n"})
    box = sandbox(base(cases), first, step("agent-a", {"a1.txt": "a\n"}), gone, step("agent-c", {"c.txt": "c\n"}))
    gate = COUNT.format(folder="cases")
    known(box, "agent-0", gate=gate)
    ran = box.integrate("agent-a", "agent-b", "agent-c", gate=gate)
    assert ran.document["gate"]["runs"] == 1
    assert told(ran) == {"agent-c": ["with agent-a, agent-b: 8 tests ran, 10 on the target"]}


def test_a_branch_with_a_result_of_its_own_in_the_group_is_told_apart(sandbox: SandboxMaker) -> None:
    cases = {f"cases/{number}.txt": "x\n" for number in range(9)}
    box = sandbox(
        base(cases),
        step("agent-0", {"cases/9.txt": "x\n"}),
        step("agent-a", delete=["cases/1.txt"]),
        step("agent-b", {"b.txt": "b\n"}),
    )
    gate = COUNT.format(folder="cases")
    known(box, "agent-0", gate=gate)
    ran = box.integrate("agent-a", "agent-b", "--queue", "serial", gate=gate)
    assert told(ran) == {"agent-a": ["9 tests ran, 10 on the target"]}


def test_a_gate_for_some_paths_is_compared_with_itself(sandbox: SandboxMaker) -> None:
    """On the target both gates ran, for the branch only one."""
    unit, ui = (COUNT.format(folder=folder) for folder in ("unit", "ui"))
    config = (
        f'[gates.unit]\ncommand = "{unit}"\npaths = ["unit/**"]\n[gates.ui]\ncommand = "{ui}"\npaths = ["ui/**"]\n'
    )
    cases = {f"{folder}/{number}.txt": "x\n" for folder in ("unit", "ui") for number in range(5)}
    box = sandbox(
        base({"gitbot.toml": config.replace("\\", "\\\\"), **cases}),
        step("agent-0", {"ui/9.txt": "x\n", "unit/9.txt": "x\n"}),
        step("agent-a", {"ui/10.txt": "x\n"}, delete=["ui/1.txt", "ui/2.txt"]),
    )
    known(box, "agent-0", gate="")
    assert told(box.integrate("agent-a", gate="")) == {"agent-a": ["5 tests ran, 6 on the target (gate ui)"]}


def test_names_are_compared_gate_by_gate_where_some_gates_are_for_some_paths(sandbox: SandboxMaker) -> None:
    """What is added does not hide what is gone, in the gate for all and in one that did not always run."""
    unit, ui = (REPORTS.format(folder=folder) for folder in ("unit", "ui"))
    config = f'[gate]\njunit = "rep/*.xml"\ncommand = "{unit}"\n[gates.ui]\ncommand = "{ui}"\npaths = ["ui/**"]\n'
    files = {"unit/a": "one two\n", "ui/a": "red blue\n", ".gitignore": "rep/\n", "gitbot.toml": config}
    box = sandbox(
        base(files),
        step("agent-0", {"ui/b": "green\n"}),
        step("agent-1", {"unit/a": "one three four\n"}),
        step("agent-2", {"unit/c": "five\n"}, start="agent-1"),
        step("agent-3", {"unit/a": "one four five\n", "ui/c": "x\n"}, start="agent-2"),
    )
    said = [told(box.integrate(f"agent-{number}", gate="")) for number in range(4)]
    assert said == [
        {},
        {"agent-1": ["no longer run: two"]},
        {},
        {"agent-3": ["no longer run: three"]},
    ]
