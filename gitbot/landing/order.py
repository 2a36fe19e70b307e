"""In which order branches land: phase, dependency, priority, then what lands most; ties as on the command line.

Of branches that conflict with each other some go back. Here the largest set that gets along is found. Whoever may not
fit others though git merges them comes after those that raise no doubt. Every branch that was moved hears why. Which
pairs these are is tried out elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from gitbot.model.git import BranchName

ODDS = (0.03, 0.08, 0.15, 0.25)
EXACT = 20  # of more that hang together by conflicts those with fewest rivals are taken, until so few are left


@dataclass(frozen=True, slots=True)
class Place:
    """What decides a branch's place. `rivals` are branches of the run whose changes conflict with its own."""

    name: BranchName
    phase: int = 0
    needs: tuple[BranchName, ...] = ()
    priority: int = 0  # larger first
    rivals: frozenset[BranchName] = frozenset()
    hints: frozenset[BranchName] = frozenset()  # those that it may not fit though git merges them
    chance: float = 0.1  # that it makes a green target red; who is likely to goes last, so that fewer wait for it

    @property
    def doubt(self) -> tuple[int, int]:
        """The class of its chance (small differences are not worth another order than the user's), and its hints."""
        return sum(self.chance > bound for bound in ODDS), len(self.hints)


def landing_order(places: Sequence[Place]) -> dict[BranchName, str | None]:
    """Every branch once, in order, and why it is where it is if conflicts or hints decided that.

    A need takes the place of the best that needs it; one that is not among the places, or that closes a circle,
    holds nobody up. One branch of an earlier phase or higher priority outweighs all that come after.
    """
    field = _Field(places)
    chosen = field.most(field.everyone)
    ranked = sorted(range(len(places)), key=lambda i: (field.rank[i], not chosen >> i & 1, places[i].doubt, i))
    found: dict[BranchName, str | None] = {}
    waiting = field.everyone
    while ranked:
        free = next((i for i in ranked if not field.taken[i] & waiting & ~(1 << i)), ranked[0])
        found[places[free].name] = field.reason(free, chosen)
        ranked.remove(free)
        waiting &= ~(1 << free)
    return found


class _Field:
    """The branches as bits: landing one takes all that it needs along, and is `against` whatever conflicts with that.

    So the largest set without a conflict has every need of its members, and needs no rule of its own.
    """

    def __init__(self, places: Sequence[Place]) -> None:
        self.places = places
        self.everyone = (1 << len(places)) - 1
        bit = {place.name: 1 << index for index, place in enumerate(places)}
        rivals = [sum(bit.get(name, 0) for name in place.rivals) for place in places]
        needs = [sum(bit.get(name, 0) for name in set(place.needs)) for place in places]
        self.taken = [_reached(needs, 1 << index) for index in range(len(places))]
        hit = [_union(rivals, taken) for taken in self.taken]
        self.against = [sum(1 << i for i, taken in enumerate(self.taken) if taken & mine) for mine in hit]
        self.rank = [
            min((p.phase, -p.priority) for p, taken in zip(places, self.taken, strict=True) if taken >> i & 1)
            for i in range(len(places))
        ]
        steps = sorted(set(self.rank), reverse=True)
        self.weight = [1 << len(places).bit_length() * steps.index(rank) for rank in self.rank]

    def most(self, among: int) -> int:
        """The heaviest set without a conflict; of equally heavy ones the first on the command line."""
        found, groups = 0, list(self._groups(among))
        while groups:
            group = groups.pop()
            if group.bit_count() <= EXACT:
                found |= self._heaviest(group)
            else:
                best = min(_bits(group), key=lambda i: (self.rank[i], (self.against[i] & group).bit_count(), i))
                found |= 1 << best
                groups += self._groups(group & ~self.against[best] & ~(1 << best))
        return found

    def _groups(self, among: int) -> Iterator[int]:
        """What hangs together by conflicts; a branch that conflicts with its own need is in none."""
        among &= ~sum(1 << i for i in _bits(among) if self.against[i] >> i & 1)
        while among:
            group = _reached(self.against, among & -among, among)
            yield group
            among &= ~group

    def _heaviest(self, group: int) -> int:
        def value(chosen: int) -> tuple[int, list[int]]:
            return sum(self.weight[i] for i in _bits(chosen)), [-i for i in _bits(chosen)]

        @cache
        def heaviest(among: int) -> int:
            busiest = max(_bits(among), key=lambda i: (self.against[i] & among).bit_count(), default=0)
            if not self.against[busiest] & among:
                return among
            rest = among & ~(1 << busiest)
            return max(heaviest(rest & ~self.against[busiest]) | 1 << busiest, heaviest(rest), key=value)

        return heaviest(group)

    def reason(self, index: int, chosen: int) -> str | None:
        """Why a branch that conflicts or may not fit stands where it does, in one line."""
        against = self.against[index]
        if chosen >> index & 1:
            before = f"goes before {self._names(against)}: they cannot land beside it"
            return before if against else self._doubt(index, chosen)
        if against >> index & 1:
            return "goes last: it conflicts with what it needs"
        first = list(_bits(against & chosen))
        said = f"goes after {self._names(against & chosen)}: they cannot land together"
        if min(self.rank[i] for i in first) < self.rank[index]:
            return f"{said}, and phase or priority decides"
        group = _reached(self.against, 1 << index)
        least = (self.most(group & ~against) | chosen & ~group).bit_count() if group.bit_count() <= EXACT else 0
        if least == chosen.bit_count():
            return f"{said}, and it was named later"
        with_it = f", with it {least}" if least else ""
        return f"{said}; without it {chosen.bit_count()} of {len(self.places)} can land{with_it}"

    def _doubt(self, index: int, chosen: int) -> str | None:
        """That others of the same rank, named later, go first because they raise less doubt."""
        me, later = self.places[index], (i for i in _bits(chosen & -2 << index) if self.rank[i] == self.rank[index])
        first = sum(1 << i for i in later if me.doubt[:1] <= self.places[i].doubt < me.doubt)
        others = sum(1 << i for i, place in enumerate(self.places) if place.name in me.hints)
        fits = f"it may not fit {self._names(others)}, though git merges them"
        return f"goes after {self._names(first)}: {fits}" if first else None

    def _names(self, chosen: int) -> str:
        names: list[str] = [self.places[i].name for i in _bits(chosen)]
        shown = names if len(names) <= 3 else [*names[:2], f"{len(names) - 2} more"]
        return " and ".join([", ".join(shown[:-1]), shown[-1]] if shown[1:] else shown)


def _reached(edges: Sequence[int], start: int, within: int = -1) -> int:
    """All that edges lead to from `start`, itself included."""
    found, edge = 0, start
    while edge:
        found |= edge
        edge = _union(edges, edge) & within & ~found
    return found


def _union(sets: Sequence[int], chosen: int) -> int:
    found = 0
    for index in _bits(chosen):
        found |= sets[index]
    return found


def _bits(chosen: int) -> Iterator[int]:
    while chosen:
        low = chosen & -chosen
        yield low.bit_length() - 1
        chosen ^= low
