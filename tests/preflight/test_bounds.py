"""Large or hostile sets cost what their size says, and no order and no pattern is lost in silence."""

from __future__ import annotations

import pytest

from gitbot.model.plan import Need, NeedKind, Plan
from gitbot.plans import Source, read_plans
from tests.preflight.plan_sets import checked, plan, waits

MANY = 160  # whose square is more than the most edges


def _halves(kind: str) -> list[Plan]:
    """Plans of which the second half waits for the whole first half."""
    phase = kind == "phase"
    early = [plan(f"A{at:03}", phase=1 if phase else None, agent="early") for at in range(MANY)]
    more: dict[str, object] = {"phase": 2} if phase else {"needs": (waits(kind),)}
    return [*early, *(plan(f"B{at:03}", **more) for at in range(MANY))]


@pytest.mark.parametrize("kind", ["phase", "all", "early"])
def test_the_schedule_is_exact_where_waits_are_too_many_to_be_named(kind: str) -> None:
    answer = checked(*_halves(kind))
    assert [{id[0] for id in phase} for phase in answer.phases] == [{"A"}, {"B"}]
    assert [len(phase) for phase in answer.phases] == [MANY, MANY]
    assert len(answer.edges) < 20_000 + MANY
    assert {edge.after for edge in answer.edges} == {f"B{at:03}" for at in range(MANY)}
    assert any(edge.reason.endswith(f"(one of {MANY} plans)") for edge in answer.edges)


def test_a_loop_through_many_waits_holds_only_who_waits_in_it() -> None:
    """One of the first half waits for one of the second: these two are the loop, and nobody else."""
    plans = _halves("phase")
    plans[3] = plan("A003", phase=1, needs=(waits(f"B{MANY - 1:03}"),))
    (cycle,) = (each for each in checked(*plans).findings if each.rule == "dependency-cycle")
    assert cycle.plans == ("A003", f"B{MANY - 1:03}")


def test_plans_kept_apart_from_many_never_share_a_phase_with_them() -> None:
    early = [plan(f"A{at:03}", agent="crowd") for at in range(MANY)]
    apart = (Need("crowd", NeedKind.APART, 3, "conflicts_with: crowd"),)
    phases = checked(*early, *(plan(f"B{at:03}", needs=apart) for at in range(MANY))).phases
    assert [{id[0] for id in phase} for phase in phases] == [{"A"}, {"B"}]


def _of_globs(name: str, globs: list[str]) -> Source:
    listed = [f'  - "{each}"' for each in globs]
    return Source(f"plans/{name}.md", "\n".join(["---", f"plan: {name}", "owns:", *listed, "---"]).encode())


def test_patterns_with_too_many_readings_in_all_are_widened_and_named_in_a_finding() -> None:
    """The simple ones stay as they are."""
    hostile = [f"src/*[a-m]*[b-z]*[c-y]*{{a,b,c,d,e,f,g,h}}*{at}.ts" for at in range(50)]
    found = read_plans([*(_of_globs(f"H{at:02}", hostile) for at in range(20)), _of_globs("Plain", ["src/{a,b}.ts"])])
    patterns = {str(plan.id): {claim.pattern for claim in plan.claims} for plan in found.plans}
    assert patterns["Plain"] == {"src/{a,b}.ts"}
    assert "src/*********49.ts" in patterns["H00"]
    (problem,) = found.problems
    assert (problem.rule, problem.level, problem.path) == ("unreadable-plan", "warning", "plans/H00.md")


def test_a_long_pattern_is_told_of_without_its_middle() -> None:
    long = f"src/{'a' * 700}/*.ts"
    (overlap,) = checked(plan("A", long), plan("B", long)).overlaps
    assert max(map(len, overlap.paths)) < 200
    assert len(overlap.reason) < 600
