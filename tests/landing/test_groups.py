"""The queue that tests branches together, played on paper against its rules and against the plain queue."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from statistics import fmean

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitbot.landing import groups, queue, search
from gitbot.landing.queue import Facts, Land, Running, SetAside, Sighting, Stop, Test, TestTarget, Wait
from gitbot.model.gate import GateVerdict
from gitbot.model.git import BranchName, Oid
from gitbot.model.run import Entry, Outcome, Reason
from tests.landing.simulated import MAIN, World, entry, merged, play, report

PASSED, FAILED, LATE = GateVerdict.PASSED, GateVerdict.FAILED, GateVerdict.TIMED_OUT


def names(*numbers: int) -> tuple[BranchName, ...]:
    return tuple(BranchName(str(number)) for number in numbers)


def chain(*numbers: int) -> Oid:
    return Oid("+".join(["main", *map(str, numbers)]))


def red(*numbers: int) -> Sighting:
    return Sighting(chain(*numbers), names(*numbers), FAILED)


def green(*numbers: int) -> Sighting:
    return Sighting(chain(*numbers), names(*numbers), PASSED)


def facts(number: int, *seen: Sighting, running: tuple[Running, ...] = (), workers: int = 1) -> Facts:
    """So many branches, all of which merge with each other in their order and in no other."""
    entries = tuple(entry(one, 0.1) for one in range(number))
    examined = {}
    for start in range(number):
        onto = MAIN
        for one in entries[start:]:
            examined[one.name, onto] = merged(World(), one.name, onto)
            onto = Oid(f"{onto}+{one.name}")
    known = (Sighting(MAIN, (), PASSED), *seen)
    return Facts(entries, {}, examined, known, MAIN, MAIN, confirm=0, running=running, workers=workers)


def asked(*steps: queue.Step) -> list[tuple[BranchName, ...]]:
    assert all(isinstance(step, Test) for step in steps), steps
    return [step.branches for step in steps if isinstance(step, Test)]


def test_what_is_left_counts_what_is_known_to_be_red() -> None:
    """A red group has to be searched; with its culprit found the others are left."""
    nothing, searched, found = (
        groups.expected_runs(facts(8, *seen)) for seen in ([], [red(0, 1, 2, 3)], [red(0), green(1, 2)])
    )
    assert nothing == search.expected_runs([0.1] * 8)
    assert searched == search.expected_runs([0.1] * 8, 4) > nothing
    assert found == search.expected_runs([0.1] * 8, 1) < nothing
    apart = groups.expected_runs(facts(8, red(0, 1), red(2, 3, 4)))
    assert apart == search.expected_runs([0.1] * 5, 2) + search.expected_runs([0.1] * 3, 3)


def test_branches_are_tested_together_and_a_red_group_is_searched() -> None:
    assert asked(*groups.decide(facts(5))) == [names(0, 1, 2, 3, 4)]
    assert asked(*groups.decide(facts(5, red(0, 1, 2, 3, 4)))) == [names(0, 1)]
    assert asked(*groups.decide(facts(5, red(0, 1, 2, 3, 4), red(0, 1)))) == [names(0)]


def test_a_green_group_lands_in_one_step() -> None:
    [step] = groups.decide(facts(3, green(0, 1)))
    assert isinstance(step, Land)
    assert [link.entry.name for link in step.chain] == [*names(0, 1)]


def test_the_longest_green_prefix_lands_even_if_a_shorter_one_was_red() -> None:
    """Its own tree was tested; a successor may have mended what was wrong, or the shorter one flaked."""
    [step] = groups.decide(facts(4, red(0, 1), green(0, 1, 2)))
    assert isinstance(step, Land)
    assert len(step.chain) == 3


def test_the_last_one_of_a_red_group_is_known_to_be_the_culprit_without_a_run() -> None:
    """What landed before it makes its red tree that of the target and this branch alone."""
    before = facts(2, red(0, 1), green(0))
    landed = {names(0)[0]: report(names(0)[0], Outcome.LANDED)}
    now = replace(before, reports=landed, tip=chain(0), tree=chain(0))
    [step] = groups.decide(now)
    assert isinstance(step, SetAside)
    assert (step.entry.name, step.reason) == ("1", Reason.GATE)


def test_a_group_that_came_to_a_strange_end_is_not_searched_on_one_sighting() -> None:
    """The bare target is asked first, then the same group again; only then is it evidence."""
    late = Sighting(chain(0, 1, 2, 3, 4), names(0, 1, 2, 3, 4), LATE)
    unknown = replace(facts(5, late), sightings=(late,))
    assert groups.decide(unknown) == (TestTarget(),)
    assert asked(*groups.decide(facts(5, late))) == [names(0, 1, 2, 3, 4)]
    assert asked(*groups.decide(facts(5, late, late))) == [names(0, 1)]


def test_two_workers_test_prefixes_at_once_while_few_are_expected_to_be_red() -> None:
    assert asked(*groups.decide(facts(8, workers=2))) == [names(0, 1, 2, 3), names(0, 1, 2, 3, 4, 5, 6, 7)]


def test_what_a_red_prefix_makes_useless_is_stopped() -> None:
    longer = Running(chain(0, 1, 2, 3), names(0, 1, 2, 3))
    assert groups.decide(facts(8, red(0, 1), running=(longer,), workers=2)) == (Stop(longer.tree),)


def test_a_run_that_can_still_land_something_goes_on() -> None:
    shorter = Running(chain(0, 1), names(0, 1))
    steps = groups.decide(facts(8, red(0, 1, 2, 3), running=(shorter,), workers=2))
    assert not any(isinstance(step, Stop) for step in steps)


def test_no_more_runs_than_workers() -> None:
    running = tuple(Running(chain(number), names(number)) for number in range(2))
    assert groups.decide(facts(30, running=running, workers=2)) == (Wait(),)


def test_branches_that_touch_one_file_go_to_one_worker() -> None:
    before = facts(30, workers=2)
    near = (replace_near(before.entries[0], names(15, 16)), *before.entries[1:])
    shared = [replace_near(one, names(0)) if one.name in names(15, 16) else one for one in near]
    share = groups._share(replace(before, entries=tuple(shared)), names(15, 16, 17, 18), set(names(0, 1, 2)), 3)
    assert share == names(17, 18)


def replace_near(one: Entry, near: tuple[BranchName, ...]) -> Entry:
    return msgspec.structs.replace(one, near=near)


def test_a_semantic_pair_lands_its_first_half() -> None:
    played = play(World(pairs=frozenset([frozenset([1, 3])])), [0.1] * 5)
    assert (sorted(played.landed), played.returned) == ([0, 1, 2, 4], [3])


def test_a_branch_blocked_only_by_one_that_went_back_comes_in_by_itself() -> None:
    played = play(World(bad=frozenset([0]), conflicts=frozenset([frozenset([0, 2])])), [0.1] * 3)
    assert (sorted(played.landed), played.returned) == ([1, 2], [0])


@st.composite
def worlds(draw: st.DrawFn) -> tuple[World, int]:
    number = draw(st.integers(1, 10))
    branch = st.integers(0, number - 1)
    bad = draw(st.frozensets(branch, max_size=6))
    if number == 1:
        return World(bad), number
    pair = st.frozensets(branch, min_size=2, max_size=2)
    pairs, conflicts = draw(st.frozensets(pair, max_size=2)), draw(st.frozensets(pair, max_size=3))
    return World(bad, pairs, conflicts), number


@settings(max_examples=60)
@given(worlds())
def test_one_worker_lands_what_the_plain_queue_lands(drawn: tuple[World, int]) -> None:
    world, number = drawn
    plain = play(world, [0.1] * number, decide=queue.decide)
    played = play(world, [0.1] * number)
    assert (sorted(played.landed), sorted(played.returned)) == (sorted(plain.landed), sorted(plain.returned))


@settings(max_examples=60)
@given(worlds(), st.integers(2, 8), st.sampled_from([0.02, 0.1, 0.3]))
def test_many_workers_give_every_branch_its_verdict(drawn: tuple[World, int], workers: int, chance: float) -> None:
    """Who lands of a pair that is only red together may be another; whoever is in none has the plain queue's."""
    world, number = drawn
    played = play(world, [chance] * number, workers=workers)
    assert sorted(played.landed + played.returned) == [*range(number)]
    if not world.pairs:
        plain = play(world, [chance] * number, decide=queue.decide)
        assert sorted(played.landed) == sorted(plain.landed)
    alone = set(range(number)).difference(*world.pairs, *world.conflicts)
    assert alone & set(played.returned) == alone & world.bad
    assert not world.is_red(played.landed)


@settings(max_examples=60)
@given(worlds(), st.integers(1, 3), st.integers(0, 10_000))
def test_flakes_cost_runs_and_never_a_red_target(drawn: tuple[World, int], workers: int, seed: int) -> None:
    world, number = drawn
    world.flaky = 0.2
    played = play(world, [0.1] * number, workers=workers, confirm=1, seed=seed)
    assert sorted(played.landed + played.returned) == [*range(number)]


@pytest.mark.parametrize(("broken", "most"), [((), 2), ((6,), 5), ((1, 6, 10), 12)], ids=["none", "one", "three"])
def test_twelve_independent_branches_take_few_runs(broken: tuple[int, ...], most: int) -> None:
    assert play(World(bad=frozenset(broken)), [0.1] * 12).runs <= most


def test_two_workers_take_little_more_than_half_of_the_rounds() -> None:
    """Three broken of twelve: no worker is without work, and nothing that is known is asked again."""
    placed = list(combinations(range(12), 3))[::5]
    played = [play(World(frozenset(broken)), [0.1] * 12, workers=2) for broken in placed]
    assert fmean(one.time for one in played) < 6.9
    assert max(one.time for one in played) <= 8
    assert play(World(frozenset((1, 6, 10))), [0.1] * 12, workers=2).time <= 7


def test_who_was_red_alone_goes_back_before_anything_lands() -> None:
    """Once another has landed its red run would be worth nothing."""
    (step,) = groups.decide(facts(4, green(0), red(0, 1), red(2), workers=2))
    assert isinstance(step, SetAside)
    assert step.entry.name == "2"


def test_a_larger_red_group_says_nothing_beside_a_smaller_one() -> None:
    """The prefix that was red first explains the one that holds it."""
    known = groups.learn(facts(4, red(0), red(0, 1, 2)))
    assert [block.names for block in known.blocks] == [names(0)]


def test_what_is_green_before_a_culprit_is_tested_so_that_the_red_run_counts() -> None:
    """One and two passed on a target of before; on that of now both and the culprit are red."""
    seen = (Sighting(Oid("before"), names(0, 1), PASSED), red(0, 1, 2))
    assert asked(*groups.decide(facts(3, *seen, workers=2)))[0] == names(0, 1)


def test_a_small_red_group_leaves_no_worker_idle() -> None:
    assert asked(*groups.decide(facts(6, red(0, 1), workers=2))) == [names(0), names(2, 3, 4, 5)]
    assert asked(*groups.decide(facts(2, red(0, 1), workers=2))) == [names(0), names(1)]


def test_a_branch_that_waits_for_a_yes_is_not_tested_though_it_is_not_at_the_head() -> None:
    asked_for = replace(
        facts(3, red(0, 1, 2), workers=3), unapproved={(names(1)[0], MAIN): "why", (names(1)[0], chain(0)): "why"}
    )
    for seen in ((), (green(0),), (red(0),)):
        steps = groups.decide(replace(asked_for, sightings=(*asked_for.sightings, *seen)))
        assert not any(isinstance(step, Test) and names(1)[0] in step.branches for step in steps)


def test_the_target_has_passed_only_when_all_gates_ran_on_it() -> None:
    """As a candidate it may have been asked less of."""
    late = Sighting(chain(0, 1, 2, 3, 4), names(0, 1, 2, 3, 4), LATE)
    partly = Sighting(MAIN, (), PASSED, whole=False)
    assert groups.decide(replace(facts(5, late), sightings=(partly, late))) == (TestTarget(),)
