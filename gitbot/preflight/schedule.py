"""The fewest phases in which every plan has a place, and what to do about plans that wait for each other.

Plans are numbers here, in the order that breaks ties. A set of plans is a bit set, and what relates plans to each
other is one set per plan, its row: however many wait for the same plans, they cost one bit each. What restricts the
phases (needs, overlaps, a wish to run alone) is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import accumulate, chain, islice, pairwise
from operator import or_

EXACT_LIMIT = 12
"""Up to this many plans the fewest phases are searched for; above, they are approached greedily."""

_MOST_POSTPONED = 6  # plans that are tried later than they could start, for the sake of a preference

Rows = Sequence[int]
Phases = tuple[tuple[int, ...], ...]


def rows_of(count: int, pairs: Iterable[tuple[int, int]]) -> list[int]:
    """Per plan the set of those that stand in front of it in one of the pairs (earlier, later)."""
    rows = [0] * count
    for earlier, later in pairs:
        rows[later] |= 1 << earlier
    return rows


def all_before(rows: Rows) -> list[int]:
    """The rows with all that stand in front of those in front; who is on a loop is in front of itself.

    Warshall's algorithm over the kinds of rows: plans with the same row have the same plans before them.
    """
    kinds = list(dict.fromkeys(rows))
    kind_of = {row: kind for kind, row in enumerate(kinds)}
    reached, behind = [0] * len(kinds), [0] * len(kinds)
    for kind, row in enumerate(kinds):
        for earlier in {kind_of[rows[plan]] for plan in members(row)}:
            reached[kind] |= 1 << earlier
            behind[earlier] |= 1 << kind
    for kind in range(len(kinds)):
        if reached[kind] and behind[kind]:
            early, late = members(reached[kind]), members(behind[kind])
            for later in late:
                reached[later] |= reached[kind]
            for earlier in early:
                behind[earlier] |= behind[kind]
    whole = {row: reduce(or_, map(kinds.__getitem__, members(reached[kind])), row) for row, kind in kind_of.items()}
    return [whole[row] for row in rows]


def members(plans: int) -> tuple[int, ...]:
    """The plans of a set, in ascending order."""
    if plans.bit_count() * 16 < plans.bit_length():  # the text of a sparse set is long
        found = []
        while plans:
            found.append((plans & -plans).bit_length() - 1)
            plans &= plans - 1
        return tuple(found)
    return tuple(plan for plan, bit in enumerate(reversed(f"{plans:b}")) if bit == "1")


@dataclass(frozen=True, slots=True)
class Untangled:
    """Rows without a loop, and the loops that were cut.

    Each loop is the whole set of plans that wait for each other, in ascending order; `strong` holds a chain
    through them in that order instead of what they wait for in each other. Those of a circle wait weakly only.
    """

    strong: Rows
    weak: Rows
    loops: Phases
    circles: Phases


def untangle(strong: Rows, weak: Rows) -> Untangled:
    """Cut what cannot be ordered: a strong row asks for an earlier phase, a weak one only for no later phase.

    Plans that wait for each other weakly only can but share a phase: they no longer do, and are no loop.
    """
    before = all_before([row | other for row, other in zip(strong, weak, strict=True)])
    knots: dict[int, int] = {}
    for plan, row in enumerate(before):
        if row >> plan & 1:  # who wait for each other have the same plans in front of them, and nobody else has
            knots[row] = knots.get(row, 0) | 1 << plan
    inside = [knots[row] if row >> plan & 1 else 0 for plan, row in enumerate(before)]
    tangled = dict.fromkeys(knot for row, knot in zip(strong, inside, strict=True) if row & knot)
    loops = tuple(members(knot) for knot in knots.values() if knot in tangled)
    circles = tuple(members(knot) for knot in knots.values() if knot not in tangled)
    left, loose = ([row & ~knot for row, knot in zip(rows, inside, strict=True)] for rows in (strong, weak))
    for earlier, later in chain.from_iterable(map(pairwise, loops)):
        left[later] |= 1 << earlier
    return Untangled(left, loose, loops, circles)


@dataclass(frozen=True, slots=True)
class Restrictions:
    """What every plan asks of its phase. `after` and `never_before` together hold no loop; `apart` is symmetric."""

    after: Sequence[int]  # plans in an earlier phase
    never_before: Sequence[int]  # plans in an earlier phase or the same one
    apart: Sequence[int]  # plans in any other phase
    preferred: Sequence[int] = ()  # plans in no later phase, as far as that costs no phase

    def disregarded(self, phase: int, done: int) -> int:
        """How many preferences a phase goes against, with the plans of `done` in earlier ones."""
        return sum((self.preferred[plan] & ~(done | phase)).bit_count() for plan in members(phase) if self.preferred)

    def admits(self, plan: int, done: int, phase: int) -> bool:
        """Whether the plan may join this phase, with the plans of `done` in earlier ones."""
        return not (
            (done | phase) >> plan & 1
            or self.after[plan] & ~done
            or self.never_before[plan] & ~(done | phase)
            or self.apart[plan] & phase
        )


def restrictions(
    after: Rows, never_before: Rows, apart: Rows, preferred: Rows = (), alone: Collection[int] = ()
) -> Restrictions:
    """Restrictions from rows, with loners kept apart from everybody."""
    separate = list(apart)
    loners = sum(1 << plan for plan in alone)
    for plan in range(len(after)) if loners else ():
        separate[plan] |= ((1 << len(after)) - 1 if loners >> plan & 1 else loners) & ~(1 << plan)
    return Restrictions(after, never_before, separate, preferred if any(preferred) else ())


def schedule_circles(wanted: Restrictions, circles: Phases) -> Phases:
    """Phases that keep every restriction, the plans of each circle, none apart from another, in one of them."""
    rows = [list(some) for some in (wanted.after, wanted.never_before, wanted.apart, wanted.preferred)]
    for circle in circles:
        head, plans = circle[0], sum(1 << plan for plan in circle)
        for some in filter(None, rows):
            asked = reduce(or_, map(some.__getitem__, circle)) & ~plans
            some[:] = (row & ~plans | 1 << head if row & plans else row for row in some)
            for plan in circle:
                some[plan] = asked if plan == head else 0  # the first asks for all, the others go where it goes
    behind = {circle[0]: circle[1:] for circle in circles}
    led = set(chain.from_iterable(behind.values()))
    phases = (
        chain.from_iterable((plan, *behind.get(plan, ())) for plan in phase if plan not in led)
        for phase in schedule(Restrictions(*rows))
    )
    return tuple(tuple(sorted(phase)) for phase in phases)


def schedule(wanted: Restrictions, *, exact: bool | None = None) -> Phases:
    """Phases that keep every restriction, each plan once.

    Exact: the fewest there can be, of these the ones that go against the fewest preferences, breadth first over the
    sets of plans that are done. Only phases that cannot be extended are tried, but for plans that would rather wait:
    whoever has done more plans in as many phases is never worse off. Otherwise only the first of them, filled with
    the most constrained plan first.
    """
    count = len(wanted.after)
    exact = count <= EXACT_LIMIT if exact is None else exact
    sequence = _sequence(wanted.never_before, range(count) if exact else _most_constrained(wanted))
    waiting = [plan for plan, row in enumerate(wanted.preferred) if row]
    patient = sum(1 << plan for plan in waiting) if exact and len(waiting) <= _MOST_POSTPONED else 0
    reached: dict[int, tuple[int, tuple[int, ...]]] = {0: (0, ())}
    while (1 << count) - 1 not in reached:
        following: dict[int, tuple[int, tuple[int, ...]]] = {}
        for done, (cost, phases) in reached.items():
            for phase in islice(_full_phases(wanted, done, sequence, patient), None if exact else 1):
                total = cost + (wanted.disregarded(phase, done) if exact else 0)
                if done | phase not in following or total < following[done | phase][0]:
                    following[done | phase] = total, (*phases, phase)
        reached = following
    return tuple(map(members, reached[(1 << count) - 1][1]))


def _full_phases(wanted: Restrictions, done: int, sequence: Iterable[int], patient: int) -> Iterator[int]:
    """All phases that nobody but the patient can join any more; the first takes whoever fits, in sequence."""
    ready = [plan for plan in sequence if not (done >> plan & 1 or wanted.after[plan] & ~done)]
    coming = list(accumulate((1 << plan for plan in reversed(ready)), or_, initial=0))  # by how many are left
    stack = [(len(ready), 0)]
    while stack:
        left, phase = stack.pop()
        if left:
            plan = ready[-left]
            admitted = wanted.admits(plan, done, phase)
            # Leaving out a plan that fits can only pay when one that is still to come cannot stand it.
            if not admitted or wanted.apart[plan] & coming[left - 1] or patient >> plan & 1:
                stack.append((left - 1, phase))
            if admitted:
                stack.append((left - 1, phase | 1 << plan))
        elif phase and not any(wanted.admits(plan, done, phase) for plan in ready if not patient >> plan & 1):
            yield phase


def _sequence(never_before: Sequence[int], ranked: Iterable[int]) -> tuple[int, ...]:
    """The plans as they are ranked, but each behind those that it may not precede."""
    before = all_before(never_before)
    sets = (members(before[plan] | 1 << plan) for plan in ranked)
    return tuple(
        dict.fromkeys(each for group in sets for each in sorted(group, key=lambda each: before[each].bit_count()))
    )


def _most_constrained(wanted: Restrictions) -> list[int]:
    """All plans, first the one behind which the most phases must follow, then the one with the most to avoid."""
    every = range(len(wanted.after))
    rows = [after | weak for after, weak in zip(wanted.after, wanted.never_before, strict=True)]
    depth = [row.bit_count() for row in all_before(rows)]
    heights = [0] * len(rows)
    for plan in sorted(every, key=depth.__getitem__, reverse=True):
        for earlier in members(rows[plan]):
            heights[earlier] = max(heights[earlier], heights[plan] + (wanted.after[plan] >> earlier & 1))
    return sorted(every, key=lambda plan: (-heights[plan], -wanted.apart[plan].bit_count(), plan))
