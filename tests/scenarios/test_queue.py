"""The toys by which queues are compared: who lands, and in how many runs of a gate that counts them itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gitbot.repository.recipes import Recipe
from tests.conftest import Ran, Sandbox, SandboxMaker
from tests.scenarios import toys

LANDED_OF_NINE = ["agent-1", "agent-2", "agent-5", "agent-6", "agent-8", "agent-9"]


def integrate(box: Sandbox, runs: Path, *more: str) -> Ran:
    ran = box.integrate("agent-*", *more, gate=toys.counting(runs))
    gate = ran.document["gate"]
    assert gate["runs"] <= toys.counted(runs) <= gate["runs"] + gate["stopped"]
    return ran


def landed(ran: Ran) -> list[str]:
    return sorted(name for name, said in ran.outcomes.items() if said.startswith("landed"))


@pytest.mark.parametrize(("confirm", "most"), [("0", 4), ('"auto"', 4 + 1 + 1)])
def test_toy_of_five_lands_three(sandbox: SandboxMaker, tmp_path: Path, confirm: str, most: int) -> None:
    """A confirmation adds at most one run for the rejected branch and one of the bare target."""
    ran = integrate(sandbox(recipe=toys.five(confirm)), tmp_path / "runs")
    assert landed(ran) == ["agent-1", "agent-2", "agent-5"]
    assert ran.outcomes["agent-3"] == "set-aside: conflict"
    assert ran.outcomes["agent-4"] == "set-aside: gate"
    assert toys.counted(tmp_path / "runs") <= most


@pytest.mark.parametrize(("confirm", "most"), [("0", 8), ('"auto"', 8 + 2 + 1)])
def test_toy_of_nine_lands_six_and_names_the_partners(
    sandbox: SandboxMaker, tmp_path: Path, confirm: str, most: int
) -> None:
    ran = integrate(sandbox(recipe=toys.nine(confirm)), tmp_path / "runs")
    assert landed(ran) == LANDED_OF_NINE
    back = {name: branch["partner"] for name, branch in ran.branches.items() if branch["outcome"] == "set-aside"}
    assert back == {"agent-3": "agent-2", "agent-4": "agent-8", "agent-7": "agent-6"}
    assert toys.counted(tmp_path / "runs") <= most


TWELVE = [(frozenset[int](), 2), (frozenset([7]), 5), (frozenset([2, 7, 11]), 12)]


@pytest.mark.parametrize(("broken", "most"), TWELVE, ids=["none broken", "one", "three"])
def test_toy_of_twelve_takes_few_runs(
    sandbox: SandboxMaker, tmp_path: Path, broken: frozenset[int], most: int
) -> None:
    ran = integrate(sandbox(recipe=toys.twelve("0", broken)), tmp_path / "runs")
    assert landed(ran) == [f"agent-{number:02}" for number in range(1, 13) if number not in broken]
    assert toys.counted(tmp_path / "runs") <= most


@pytest.mark.parametrize("recipe", [toys.five, toys.nine])
def test_two_workers_and_the_plain_queue_land_the_same(
    sandbox: SandboxMaker, tmp_path: Path, recipe: Callable[[str], Recipe]
) -> None:
    together = integrate(sandbox(recipe=recipe("0")), tmp_path / "two", "--jobs", "2")
    plain = integrate(sandbox(recipe=recipe("0")), tmp_path / "plain", "--queue", "serial")
    assert landed(together) == landed(plain)


def test_two_workers_land_all_that_is_good_of_twelve(sandbox: SandboxMaker, tmp_path: Path) -> None:
    ran = integrate(sandbox(recipe=toys.twelve("0", (2, 7, 11))), tmp_path / "runs", "--jobs", "2")
    assert landed(ran) == [f"agent-{number:02}" for number in range(1, 13) if number not in (2, 7, 11)]
