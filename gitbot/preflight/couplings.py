"""What ties plans together although they write different files: who imports whose files, what changes together.

Works on what the repository adds to the plans; what is told of it is decided in `gitbot.preflight.rules.couplings`.
"""

from __future__ import annotations

import sys
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain, groupby, islice, product, zip_longest

from gitbot.fileclasses import file_class
from gitbot.languages.grammars import tongue_of
from gitbot.languages.imports import ImportReader
from gitbot.languages.modules import Modules
from gitbot.model.plan import Access, PlanId
from gitbot.model.preflight import History, Location
from gitbot.patterns import heads_of
from gitbot.preflight.stakes import WILD, Stake

_MOST_READ = 1_000  # files; the reader has a bound of its own
_MOST_TIES = 10_000  # of each kind; where everybody claims everything they would fill the memory
_MOST_COMPARED = 300_000  # paths with the claims of a check, in search of files and of owners
_SUPPORT = 4  # commits that changed both files
# Of the commits that changed the one file, and of those that changed the other. Lower, it is mostly files that change
# in every other commit; docs/decisions/007-structure.md has the figures.
_RARER, _OTHER = 0.5, 0.3


@dataclass(frozen=True, slots=True)
class Tie:
    """What ties two plans: a file of the first imports one of the second, or two files changed together."""

    stakes: tuple[Stake, Stake]
    words: str
    paths: tuple[str, ...]
    place: Location | None = None  # of the import


@dataclass(frozen=True, slots=True)
class Reading:
    """The imports between plans, and what was not read in search of them."""

    found: tuple[Tie, ...]
    missing: tuple[str, ...]  # languages whose parser is not installed
    whole: bool  # False: there were too many files, or too much in them


class Owners:
    """The firm stakes by what they write, asked for one path at a time."""

    def __init__(self, stakes: Mapping[PlanId, Iterable[Stake]], *accesses: Access) -> None:
        every = chain.from_iterable(stakes.values())
        self.stakes = [s for s in every if s.claim.access in accesses and s.firm and s.manifest is None]
        self._by_head: dict[str, list[Stake]] = {}
        for stake in self.stakes:
            for head in stake.paths.heads:
                self._by_head.setdefault(head, []).append(stake)
        self.of: Callable[[str], tuple[Stake, ...]] = cache(self._of)
        self.left = _MOST_COMPARED

    def _of(self, path: str) -> tuple[Stake, ...]:
        """One stake of each plan that writes the path."""
        found: dict[PlanId, Stake] = {}
        for stake in chain.from_iterable(self._by_head.get(head, ()) for head in heads_of(path)):
            if stake.plan not in found and self._compared(stake, path):
                found[stake.plan] = stake
        return tuple(found.values())

    def files(self, tracked: Iterable[str]) -> Iterator[str]:
        """The tracked files that somebody writes, each once: one of each plan in turn."""
        ordered = sorted(tracked)
        found: set[str] = set()
        each = [self._files(list(some), ordered) for _, some in groupby(self.stakes, key=lambda stake: stake.plan)]
        for path in chain.from_iterable(zip_longest(*each)):
            if path is not None and path not in found:
                found.add(path)
                yield path

    def _files(self, stakes: Iterable[Stake], ordered: Sequence[str]) -> Iterator[str]:
        for stake in stakes:
            for start in dict.fromkeys(rule.prefix for rule in stake.paths.rules if not rule.negative):
                first, end = (bisect_left(ordered, text) for text in (start, start + chr(sys.maxunicode)))
                for path in map(ordered.__getitem__, range(first, end) if self.left > 0 else ()):
                    if self._compared(stake, path) and tongue_of(path):
                        yield path
                    elif self.left <= 0:
                        return

    def _compared(self, stake: Stake, path: str) -> bool:
        """Whether the stake has the path; False for all that comes once the comparisons are used up."""
        self.left -= 1
        return self.left >= 0 and stake.paths.matches(path)


def imports_between(owners: Owners, tracked: Iterable[str], read: Callable[[str], bytes | None]) -> Reading:
    """Which files of one plan import files of another, also files that do not exist yet but are claimed by name."""
    tracked = frozenset(tracked)
    new = {stake.claim.pattern for stake in owners.stakes if not WILD.search(stake.claim.pattern)}
    modules, reader = Modules(tracked | new, read), ImportReader()
    candidates = owners.files(tracked)
    found: dict[tuple[PlanId, PlanId, str, str], Tie] = {}
    for path in islice(candidates, _MOST_READ):
        data = read(path) or b""
        for each in reader.read(path, data):
            for target in modules.targets(path, each, data):
                words, place = f"{path}:{each.line} imports {target}", Location(path, each.line)
                for user, maker in islice(product(owners.of(path), owners.of(target)), _MOST_TIES - len(found)):
                    if user.plan != maker.plan:
                        tie = Tie((user, maker), words, (target,), place)
                        found.setdefault((user.plan, maker.plan, path, target), tie)
    whole = reader.effort > 0 and next(candidates, None) is None and owners.left >= 0 and len(found) < _MOST_TIES
    return Reading(tuple(found.values()), tuple(sorted(reader.missing)), whole)


def changed_together(owners: Owners, history: History, tracked: Iterable[str]) -> Iterator[Tie]:
    """Files of different plans that the past has changed together, the surest first."""
    known, steps = frozenset(tracked), iter(range(_MOST_TIES))
    ranked = []
    for paths, both in history.together.items():
        rarer, other = sorted(history.changes.get(path, both) for path in paths)
        if both >= _SUPPORT and both >= _RARER * rarer and both >= _OTHER * other and known.issuperset(paths):
            ranked.append((-both / other, -both, paths, rarer))
    for _, both, paths, rarer in sorted(ranked):
        # What many branches touch anyway, such as changelogs, has rules of its own.
        if not any(map(file_class, paths)):
            for (left, right), _ in zip(product(*map(owners.of, paths)), steps, strict=False):
                if left.plan != right.plan:
                    yield Tie((left, right), f"{' and '.join(paths)} in {-both} of {rarer} commits", paths)


def contested(owners: Owners, history: History, least: int) -> Iterator[tuple[str, int, tuple[Stake, ...]]]:
    """Paths that at least so many merges found changed on both sides, how many, and who writes them now."""
    for path, merges in sorted(history.contested.items(), key=lambda item: (-item[1], item[0])):
        if merges >= least and (stakes := owners.of(path)):
            yield path, merges, stakes
