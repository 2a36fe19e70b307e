"""What holds for every schedule, whatever restricts it."""

from __future__ import annotations

from collections.abc import Set
from itertools import combinations, pairwise, product
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from gitbot.model.plan import Access, Claim, Need, NeedKind, Phase, Plan, PlanId, PlanSet, Source, Write
from gitbot.model.preflight import Check, Severity
from gitbot.preflight import Surroundings, check
from gitbot.preflight.schedule import (
    Phases,
    Restrictions,
    all_before,
    restrictions,
    rows_of,
    schedule,
    untangle,
)

Pairs = Set[tuple[int, int]]


@st.composite
def pairs_without_loop(draw: st.DrawFn, most: int) -> tuple[int, Pairs, Pairs, Pairs]:
    """A number of plans, and pairs that are strict, weak, and apart; orders follow a drawn permutation."""
    count = draw(st.integers(1, most))
    names = draw(st.permutations(range(count)))
    every = list(combinations(range(count), 2))
    chosen = st.sets(st.sampled_from(every)) if every else st.just(set())
    strict, weak, apart = ({(names[left], names[right]) for left, right in draw(chosen)} for _ in range(3))
    return count, strict, weak, apart


def restricted(count: int, strict: Pairs, weak: Pairs, apart: Pairs, preferred: Pairs = frozenset()) -> Restrictions:
    both_ways = apart | {(right, left) for left, right in apart}
    return restrictions(*(rows_of(count, pairs) for pairs in (strict, weak, both_ways, preferred)))


def keeps(phases: Phases, count: int, strict: Pairs, weak: Pairs, apart: Pairs) -> bool:
    phase_of = {plan: at for at, phase in enumerate(phases) for plan in phase}
    return (
        sorted(plan for phase in phases for plan in phase) == list(range(count))
        and all(phases)
        and all(phase_of[a] < phase_of[b] for a, b in strict)
        and all(phase_of[a] <= phase_of[b] for a, b in weak)
        and all(phase_of[a] != phase_of[b] for a, b in apart)
    )


def fewest_by_trial(count: int, strict: Pairs, weak: Pairs, apart: Pairs) -> int:
    for number in range(1, count + 1):
        for places in product(range(number), repeat=count):
            if (
                all(places[a] < places[b] for a, b in strict)
                and all(places[a] <= places[b] for a, b in weak)
                and all(places[a] != places[b] for a, b in apart)
            ):
                return number
    raise AssertionError("every plan in a phase of its own is always possible")


@given(pairs_without_loop(14))
def test_every_restriction_is_kept_and_every_plan_placed_once(drawn: tuple[int, Pairs, Pairs, Pairs]) -> None:
    wanted = restricted(*drawn)
    assert keeps(schedule(wanted, exact=False), *drawn)
    assert keeps(schedule(wanted), *drawn)


@given(pairs_without_loop(12))
def test_the_search_is_never_worse_than_the_greedy_way(drawn: tuple[int, Pairs, Pairs, Pairs]) -> None:
    wanted = restricted(*drawn)
    assert len(schedule(wanted, exact=True)) <= len(schedule(wanted, exact=False))


@settings(max_examples=60)
@given(pairs_without_loop(6))
def test_the_search_finds_as_few_phases_as_trying_everything(drawn: tuple[int, Pairs, Pairs, Pairs]) -> None:
    assert len(schedule(restricted(*drawn), exact=True)) == fewest_by_trial(*drawn)


def disregarded(places: tuple[int, ...], preferred: Pairs) -> int:
    return sum(places[a] > places[b] for a, b in preferred)


@settings(max_examples=60)
@given(pairs_without_loop(5), st.data())
def test_of_the_shortest_schedules_one_that_goes_against_the_fewest_preferences_is_taken(
    drawn: tuple[int, Pairs, Pairs, Pairs], data: st.DataObject
) -> None:
    count, strict, weak, apart = drawn
    preferred = data.draw(st.sets(st.sampled_from([(a, b) for a in range(count) for b in range(count)])))
    phases = schedule(restricted(*drawn, preferred), exact=True)
    assert keeps(phases, *drawn)
    assert len(phases) == len(schedule(restricted(*drawn), exact=True))
    place = {member: at for at, phase in enumerate(phases) for member in phase}
    possible = [
        places
        for places in product(range(len(phases)), repeat=count)
        if all(places[a] < places[b] for a, b in strict)
        and all(places[a] <= places[b] for a, b in weak)
        and all(places[a] != places[b] for a, b in apart)
    ]
    best = min(disregarded(places, preferred) for places in possible)
    assert disregarded(tuple(place[member] for member in range(count)), preferred) == best


def test_a_thousand_plans_that_all_collide_each_get_a_phase() -> None:
    everyone = (1 << 1000) - 1
    apart = tuple(everyone ^ 1 << plan for plan in range(1000))
    nobody = (0,) * 1000
    assert len(schedule(Restrictions(nobody, nobody, apart))) == 1000


@given(st.integers(1, 8), st.data())
def test_untangled_pairs_have_no_loop_and_lose_only_what_lies_in_one(count: int, data: st.DataObject) -> None:
    plan = st.integers(0, count - 1)
    pairs = st.sets(st.tuples(plan, plan).filter(lambda pair: pair[0] != pair[1]))
    strong, weak = data.draw(pairs), data.draw(pairs)
    free = untangle(rows_of(count, strong), rows_of(count, weak))
    before = all_before([one | other for one, other in zip(free.strong, free.weak, strict=True)])
    assert not any(row >> plan & 1 for plan, row in enumerate(before))
    looped = {plan: loop for loop in free.loops for plan in loop}
    kept = {(a, b) for a, b in strong if free.strong[b] >> a & 1}
    assert all(looped.get(a, -1) == looped.get(b, -2) for a, b in strong - kept)
    assert all(free.strong[b] >> a & 1 for loop in free.loops for a, b in pairwise(loop))


PATHS = ("src/a.ts", "src/b.ts", "src/**", "src/*.ts", "docs/", "package.json", "README.md", "readme.md", "!src/b.ts")

claims = st.builds(
    Claim,
    pattern=st.sampled_from(PATHS),
    access=st.sampled_from(Access),
    source=st.sampled_from(Source),
    line=st.integers(1, 9),
    confidence=st.sampled_from((0.3, 0.8, 1.0)),
    write=st.sampled_from(Write),
)
needs = st.builds(
    Need,
    reference=st.sampled_from(("A", "B", "C", "phase:1", "ready", "src/a.ts", "nobody")),
    kind=st.sampled_from(NeedKind),
    line=st.integers(1, 9),
    reason=st.just("because"),
    strict=st.booleans(),
    word=st.sampled_from((None, "ready")),
)


@st.composite
def plan_sets(draw: st.DrawFn) -> PlanSet:
    count = draw(st.integers(1, 5))
    return PlanSet(
        tuple(
            Plan(
                id=PlanId("ABCDE"[number]),
                path=f"plans/{'ABCDE'[number]}.md",
                format="canonical",
                phase=draw(st.sampled_from((None, None, Phase((1,)), Phase((1, 5))))),
                priority=draw(st.integers(0, 1)),
                claims=tuple(draw(st.lists(claims, max_size=4))),
                never=tuple(draw(st.lists(claims, max_size=1))),
                needs=tuple(draw(st.lists(needs, max_size=2))),
                emits=(("ready", 1),) if draw(st.booleans()) else (),
                parallel=draw(st.sampled_from((True, True, True, False))),
            )
            for number in range(count)
        ),
        shared=tuple(draw(st.lists(claims, max_size=1))),
    )


AROUND = Surroundings(files=("src/a.ts", "package.json"), shared=("package.json",))


@given(plan_sets())
def test_the_phases_hold_every_plan_once_and_no_blocking_pair_together(plans: PlanSet) -> None:
    answer = check(plans, AROUND)
    assert sorted(plan for phase in answer.phases for plan in phase) == [plan.id for plan in answer.plans.plans]
    phase_of = {plan: at for at, phase in enumerate(answer.phases) for plan in phase}
    for overlap in answer.overlaps:
        left, right = overlap.plans
        assert left != right
        assert overlap.paths
        assert overlap.same_phase == (phase_of[left] == phase_of[right])
        assert overlap.severity is not Severity.BLOCKS or not overlap.same_phase
    assert answer.why.keys() == phase_of.keys()


@given(plan_sets())
def test_edges_lead_forward_unless_plans_wait_in_a_circle(plans: PlanSet) -> None:
    answer = check(plans, AROUND)
    looped = [set(f.plans) for f in answer.findings if f.rule == "dependency-cycle" and len(f.plans) > 1]
    phase_of = {plan: at for at, phase in enumerate(answer.phases) for plan in phase}
    for edge in answer.edges:
        if not edge.pipelined and not any({edge.before, edge.after} <= loop for loop in looped):
            assert phase_of[edge.before] < phase_of[edge.after]


@given(plan_sets(), st.randoms(use_true_random=False))
def test_the_answer_does_not_depend_on_the_order_of_the_plans(plans: PlanSet, random: Random) -> None:
    shuffled = list(plans.plans)
    random.shuffle(shuffled)
    assert check(PlanSet(tuple(shuffled), shared=plans.shared), AROUND) == check(plans, AROUND)


@given(plan_sets())
def test_overlaps_are_symmetric_in_the_names_of_the_plans(plans: PlanSet) -> None:
    """Exchanging the contents of two plans exchanges nothing but their names."""

    def pairs(answer: Check) -> set[tuple[frozenset[str], Severity]]:
        return {(frozenset(overlap.plans), overlap.severity) for overlap in answer.overlaps}

    mirrored = {plan.id: PlanId(chr(ord("Z") - ord(plan.id) + ord("A"))) for plan in plans.plans}
    bare = [Plan(id=plan.id, path=plan.path, format="", claims=plan.claims) for plan in plans.plans]
    renamed = [Plan(id=mirrored[plan.id], path=plan.path, format="", claims=plan.claims) for plan in bare]
    straight = check(PlanSet(tuple(bare)), AROUND)
    turned = check(PlanSet(tuple(renamed)), AROUND)
    assert {(frozenset(mirrored[PlanId(p)] for p in pair), s) for pair, s in pairs(straight)} == pairs(turned)
