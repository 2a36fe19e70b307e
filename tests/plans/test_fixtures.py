"""Every set of fixtures/plans is read as the `expected.toml` beside it says; what follows from it is preflight's."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from gitbot.model.plan import Claim, Need, NeedKind, PlanSet
from gitbot.plans import Source, is_plan_file, read_plans

SETS = sorted(path.parent for path in Path(__file__).parents[2].glob("fixtures/plans/*/expected.toml"))


def read_set(folder: Path) -> PlanSet:
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "expected.toml")
    names = [path.relative_to(folder).as_posix() for path in files]
    sources = [Source(name, path.read_bytes()) for name, path in zip(names, files, strict=True) if is_plan_file(name)]
    return read_plans(sources, names)


def said(claim: Claim) -> str:
    return f"{claim.access} {claim.pattern}"


def needed(need: Need) -> set[str]:
    plain = f"{need.kind} {need.reference}"
    return {plain, f"{plain} {need.word}"} if need.kind is NeedKind.PIPELINED else {plain}


@pytest.mark.parametrize("folder", SETS, ids=lambda folder: folder.name)
def test_a_fixture_set_is_read_as_expected(folder: Path) -> None:
    expected: dict[str, Any] = tomllib.loads((folder / "expected.toml").read_text(encoding="utf-8"))
    found = read_set(folder)
    wanted = {plan["id"]: plan for plan in expected["plan"]}
    assert sorted(plan.id for plan in found.plans) == sorted(wanted)
    assert [claim.pattern for claim in found.shared] == expected.get("shared", [])
    assert found.problems == ()
    for plan in found.plans:
        claims = dict.fromkeys(said(claim) for claim in plan.claims)
        assert list(claims) == wanted[plan.id].get("claims", [])
        assert [claim.pattern for claim in plan.never] == wanted[plan.id].get("never", [])
        needs = wanted[plan.id].get("needs", [])
        assert all(any(text in needed(need) for need in plan.needs) for text in needs)
        assert all(needed(need) & set(needs) for need in plan.needs)


def test_every_plan_is_placed_by_its_expected_phases() -> None:
    """The expectation itself is sound: each set names every plan in just one phase."""
    for folder in SETS:
        expected = tomllib.loads((folder / "expected.toml").read_text(encoding="utf-8"))
        placed = sorted(id for phase in expected["phases"] for id in phase)
        assert placed == sorted(plan["id"] for plan in expected["plan"]), folder.name
