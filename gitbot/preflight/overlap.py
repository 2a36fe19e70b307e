"""Where the stakes of two plans meet, and how bad that is.

Decides what may share a phase; the phases themselves come from `gitbot.preflight.schedule`, the words for people
from `gitbot.preflight.rules`.
"""

from __future__ import annotations

import re
import sys
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cache
from itertools import chain, combinations, groupby, islice, pairwise

from gitbot.fileclasses import FileClass, file_class
from gitbot.model.plan import Access, PlanId, Write
from gitbot.model.preflight import Severity
from gitbot.patterns import MOST_PAIRS, Budget, Keys, PatternList, candidate_pairs, candidates, keys_of, witness
from gitbot.preflight.references import Precedence
from gitbot.preflight.stakes import LONGEST, WILD, Stake, shown

_MOST_EXAMPLES = 3  # tracked files that a contact names
_MOST_LOOKED_AT = 20_000  # tracked files in search of examples; without one the witness stands alone
_COST_OF_A_PLAN = 300  # that a check may spend on finding common paths, beside a fixed part
_MOST_IN_ORDER = 10_000  # pairs of stakes of two plans
_MOST_OPEN = 300  # of them once all is spent
_MOST_TOLD = 3_000  # pairs of plans that meet; of more only those in which one has met few others
_FEW = 5
_MOST_KNOWN = 100_000  # meetings that are looked up
_MOST_LOOKED_AT_IN_ALL = 200_000
_OPEN = re.compile(r"[*?\[]|/$")  # of what a pattern has more paths than its own names
_ADDITIVE = frozenset({FileClass.WIRING, FileClass.DOCS, FileClass.STRINGS})


class Kind(Enum):
    """In what way two stakes meet."""

    WRITE = "both write a path"
    READ = "one reads what the other writes"
    SHARED = "both may change a path, the landing takes care"
    SPELLING = "both write a path, the two spelled in upper and lower case"
    SEQUENCE = "both create a file in one folder of numbered files"


@dataclass(frozen=True, slots=True)
class Meeting:
    """Two stakes of two plans that meet, in the order of their plans."""

    stakes: tuple[Stake, Stake]
    path: str  # or the folder, for a sequence and its spelling; a pattern where no path is sure to be written
    kind: Kind
    severity: Severity
    words: str
    first: PlanId | None = None  # makes what the other uses: has to go first if this orders, had better otherwise
    exact: bool = True  # False: the lists are too large to tell, they may meet
    example: bool = False  # the path is one of many, and nothing has it yet

    @property
    def plans(self) -> tuple[PlanId, PlanId]:
        """The two plans."""
        return self.stakes[0].plan, self.stakes[1].plan

    @property
    def said(self) -> str:
        """The common path, or pattern, in a sentence."""
        whole = WILD.search(self.path) and any(stake.claim.pattern == self.path for stake in self.stakes)
        return f"anything of `{self.path}`" if whole else f"for example {self.path}" if self.example else self.path

    @property
    def names(self) -> tuple[str, ...]:
        """What the two have in common, in the words that say it best."""
        apart = self.kind in (Kind.SPELLING, Kind.SEQUENCE)
        if apart:
            return tuple(shown(stake.claim.pattern) for stake in self.stakes)
        return (self.path, *(stake.link for stake in self.stakes if stake.link))


@dataclass(frozen=True, slots=True)
class Contact:
    """All meetings of two plans that are equally bad."""

    plans: tuple[PlanId, PlanId]
    severity: Severity
    meetings: tuple[Meeting, ...]
    paths: tuple[str, ...]  # tracked examples, then the witnesses


Crowd = Sequence[tuple[Stake, Stake, str]]
"""What keeps plans apart beside their contacts, where so many meet that not each two of them are told of."""


@dataclass(frozen=True, slots=True)
class _Group:
    """The stakes of one plan, how the paths of each begin, and numbers that are one for stakes of one sort."""

    stakes: Sequence[Stake]
    keys: Keys
    sorts: list[int] = field(default_factory=list)  # once they are asked for

    @property
    def unsorted(self) -> Sequence[Stake]:
        """The stakes whose numbers nobody has asked for."""
        return self.stakes[len(self.sorts) :]


def contacts(
    stakes: Sequence[Stake], order: Precedence, additive: PatternList, files: Iterable[str]
) -> tuple[tuple[Contact, ...], Crowd]:
    """Where plans meet, the worst first. The stakes come in the order of their plans' ids."""
    grouped: dict[tuple[int, tuple[PlanId, PlanId]], list[Meeting]] = {}
    crowd: list[tuple[Stake, Stake, str]] = []
    for meeting in _meetings(stakes, order, additive, crowd):
        grouped.setdefault((list(Severity).index(meeting.severity), meeting.plans), []).append(meeting)
    examples = _examples_in(files)
    found = []
    for (_, plans), met in sorted(grouped.items(), key=lambda item: item[0]):
        known = [examples(*(stake.paths for stake in each.stakes)) if each.exact else () for each in met]
        meetings = [_shown(each, tracked) for each, tracked in zip(met, known, strict=True)]
        tracked = chain.from_iterable(known)
        names = (name for each in met for name in _shown(each, ()).names)
        paths = dict.fromkeys([*islice(dict.fromkeys(tracked), _MOST_EXAMPLES), *names])
        found.append(Contact(plans, meetings[0].severity, tuple(meetings), tuple(paths)))
    return tuple(found), crowd


def _shown(meeting: Meeting, tracked: Sequence[str]) -> Meeting:
    """The meeting with a tracked path, or with a pattern that lies in the other, for one that wildcards made up."""
    patterns, path = [stake.claim.pattern for stake in meeting.stakes], meeting.path
    if len(path) > LONGEST:
        return replace(meeting, path=shown(path))
    literal = any(path == each or not (_OPEN.search(each) or path.startswith(f"{each}/")) for each in patterns)
    if literal or meeting.kind in (Kind.SPELLING, Kind.SEQUENCE):
        return meeting
    lists = (stake.paths for stake in meeting.stakes)
    wider, narrower = sorted(lists, key=lambda each: (len(WILD.split(each.patterns[0])[0]), len(each.patterns[0])))
    if tracked or not meeting.exact or narrower.lies_plainly_in(wider):
        return replace(meeting, path=tracked[0] if tracked else shown(narrower.patterns[0]))
    return replace(meeting, example=True)


def _meetings(
    stakes: Sequence[Stake], order: Precedence, additive: PatternList, crowd: list[tuple[Stake, Stake, str]]
) -> Iterator[Meeting]:
    each = [list(group) for _, group in groupby(stakes, key=lambda stake: stake.plan)]
    groups = [_Group(some, keys_of(stake.paths for stake in some)) for some in each]
    cost = MOST_PAIRS // 4 + _COST_OF_A_PLAN * len(groups)
    search = _Search(order, additive, Budget(cost, cost))
    met: set[tuple[PlanId, PlanId]] = set()
    spelled: set[tuple[PlanId, PlanId]] = set()
    told = [0] * len(groups)
    for one, other in candidate_pairs([group.keys for group in groups]):
        left, right = groups[one], groups[other]
        if len(met) >= _MOST_TOLD and told[one] >= _FEW and told[other] >= _FEW:
            crowd += islice(search.apart(left, right), 1)
            continue
        before = len(met)
        for meeting in search.between(left, right):
            yield meeting
            (spelled if meeting.kind is Kind.SPELLING else met).add(meeting.plans)
        for at in (one, other):
            told[at] += len(met) - before
    yield from (meeting for meeting in _same_sequence(stakes) if meeting.plans not in met)
    yield from (meeting for meeting in _same_folder(stakes) if meeting.plans not in spelled)


@dataclass(frozen=True, slots=True)
class _Search:
    """For where plans meet, within what it may cost."""

    order: Precedence
    additive: PatternList
    budget: Budget
    sorts: dict[tuple[object, ...], int] = field(default_factory=dict)
    known: dict[tuple[int, int], str | None] = field(default_factory=dict)  # by the sorts of two stakes

    def between(self, left: _Group, right: _Group) -> Iterator[Meeting]:
        """Where two plans meet; once all is spent no longer everywhere, but in every way, until none can be worse."""
        ways = set()
        for one, other in _pairs(left, right, self.budget):
            self.budget.left -= 2
            meeting = _meeting(left.stakes[one], right.stakes[other], self.additive, self.budget)
            if meeting is None:
                continue
            if meeting.severity is Severity.BLOCKS and self.order.first(*meeting.plans):
                meeting = replace(meeting, severity=Severity.ORDERS)
            way = meeting.kind, meeting.severity, meeting.first
            if self.budget.left >= 0 or way not in ways:
                yield meeting
            ways.add(way)
            if self.budget.left < 0 and meeting.severity is Severity.BLOCKS:
                return

    def apart(self, left: _Group, right: _Group) -> Iterator[tuple[Stake, Stake, str]]:
        """The stakes and paths that keep two plans apart which nothing orders."""
        for group in (left, right):
            group.sorts.extend([self.sorts.setdefault(each.sort, len(self.sorts)) for each in group.unsorted])
        ordered = self.order.first(left.stakes[0].plan, right.stakes[0].plan)
        for one, other in () if ordered else _pairs(left, right, self.budget):
            stakes, sorts = (left.stakes[one], right.stakes[other]), (left.sorts[one], right.sorts[other])
            if sorts not in self.known:
                if len(self.known) > _MOST_KNOWN:
                    self.known.clear()
                found = _meeting(*stakes, self.additive, self.budget)
                bad = found and found.severity is not Severity.NOTES and found.kind is not Kind.SHARED
                self.known[sorts] = found.path if found and bad else None
            if path := self.known[sorts]:
                yield *stakes, path
            self.budget.left -= 2


def _pairs(left: _Group, right: _Group, budget: Budget) -> Iterator[tuple[int, int]]:
    """The stakes of two plans that can meet, as indexes and in order; in any order when they are too many.

    Once all is spent those that need no search, and a few of the others.
    """
    if len(left.keys) == len(right.keys) == 1:
        yield 0, 0
        return
    found = candidates(left.keys, right.keys)
    yield from sorted(set(islice(found, _MOST_IN_ORDER))) if budget.left > 0 else islice(found, _MOST_OPEN)
    while budget.left > 0 and (pair := next(found, None)):
        yield pair
    if next(found, None):
        yield from candidates(
            *([(key, at) for key, at in each.keys if each.stakes[at].plain] for each in (left, right))
        )


def _meeting(left: Stake, right: Stake, additive: PatternList, budget: Budget) -> Meeting | None:
    """Where two stakes meet, while nothing orders their plans."""
    # Two lock files that follow one manifest meet where the manifests do, and two uses of one link at the link.
    if (left.manifest and left.manifest == right.manifest) or (left.link and left.link == right.link):
        return None
    reading = [stake.claim.access is Access.READ for stake in (left, right)]
    if all(reading):
        return None
    common = witness(left.paths, right.paths, budget=budget)
    if common is None:
        return None if any(reading) else _same_but_for_case(left, right, budget)
    kind, severity, words, first = _ruling(left, right, common.path, additive)
    if not (left.firm and right.firm):
        severity, words = Severity.NOTES, f"{words}, if a guess is right"
    return Meeting((left, right), common.path, kind, severity, words, first, common.exact)


def _ruling(left: Stake, right: Stake, path: str, additive: PatternList) -> tuple[Kind, Severity, str, PlanId | None]:
    """What a common path of two sure claims means while nothing orders the plans; last who had better go first."""
    accesses = {left.claim.access, right.claim.access}
    writes = {left.claim.write, right.claim.write}
    if Access.READ in accesses:
        writer, reader = sorted((left, right), key=lambda stake: stake.claim.access is Access.READ)
        if writer.claim.write is Write.DELETE:
            return Kind.READ, Severity.BLOCKS, f"{writer.plan} deletes what {reader.plan} reads", None
        if writer.claim.write is Write.CREATE:
            return Kind.READ, Severity.ORDERS, f"{writer.plan} creates what {reader.plan} reads", writer.plan
        return Kind.READ, Severity.NOTES, f"{writer.plan} writes what {reader.plan} reads", writer.plan
    if left.manifest and right.manifest:
        return Kind.SHARED, Severity.ORDERS, "both change a manifest that it follows", None
    if accesses == {Access.SHARED}:
        return Kind.SHARED, Severity.ORDERS, "both list it as shared", None
    if Access.SHARED in accesses:
        owner, other = sorted((left, right), key=lambda stake: stake.claim.access is Access.SHARED)
        return Kind.WRITE, Severity.BLOCKS, f"{owner.plan} owns what {other.plan} calls shared", None
    if Write.DELETE in writes:
        deleter, other = sorted((left, right), key=lambda stake: stake.claim.write is not Write.DELETE)
        return Kind.WRITE, Severity.BLOCKS, f"{deleter.plan} deletes what {other.plan} writes", None
    if writes == {Write.CREATE}:
        return Kind.WRITE, Severity.BLOCKS, "both add it", None
    if Write.CREATE in writes and Write.ANY not in writes:
        creator, other = sorted((left, right), key=lambda stake: stake.claim.write is not Write.CREATE)
        return Kind.WRITE, Severity.ORDERS, f"{creator.plan} creates what {other.plan} changes", creator.plan
    if writes == {Write.APPEND} and (file_class(path) in _ADDITIVE or additive.matches(path)):
        return Kind.SHARED, Severity.ORDERS, "both append to it", None
    return Kind.WRITE, Severity.BLOCKS, "both write it", None


def _same_but_for_case(left: Stake, right: Stake, budget: Budget) -> Meeting | None:
    if all(pattern == pattern.lower() for stake in (left, right) for pattern in stake.paths.patterns):
        return None
    folded = witness(left.paths, right.paths, fold_case=True, budget=budget)
    if folded is None or not folded.exact:
        return None
    words = "the same file on macOS and Windows"
    return Meeting((left, right), folded.path, Kind.SPELLING, Severity.NOTES, words)


def _same_folder(stakes: Iterable[Stake]) -> Iterator[Meeting]:
    """Two spellings of one folder, the outermost, each by the first plan that writes below it."""
    written: dict[str, Stake] = {}
    for stake in stakes:
        if stake.claim.access is not Access.READ:
            written.setdefault(WILD.split(stake.claim.pattern)[0].rpartition("/")[0], stake)
    spellings: dict[str, dict[str, Stake]] = {}
    for folder, stake in written.items():
        for end in (at for at in range(1, len(folder) + 1) if folder[at : at + 1] in ("/", "")):
            known = spellings.setdefault(folder[:end].casefold(), {})
            known.setdefault(folder[:end], stake)
            if len(known) > 1:
                break  # what lies below differs too
    for folder, known in spellings.items():
        for left, right in pairwise(sorted(known.values(), key=lambda stake: stake.plan)):
            if left.plan != right.plan:
                words = "below one folder on macOS and Windows"
                yield Meeting((left, right), f"{folder}/", Kind.SPELLING, Severity.NOTES, words)


def _same_sequence(stakes: Iterable[Stake]) -> Iterator[Meeting]:
    """Plans that both create a numbered file in one ordered folder, one meeting per pair and folder."""
    creators: dict[str, dict[PlanId, Stake]] = {}
    for stake in stakes:
        folder = _sequence_folder(stake.claim.pattern)
        if folder and stake.claim.access is not Access.READ and stake.claim.write in (Write.CREATE, Write.ANY):
            creators.setdefault(folder, {}).setdefault(stake.plan, stake)
    words = "both add a numbered file to one ordered folder"
    for folder, by_plan in creators.items():
        some = by_plan.values()
        for pair in combinations(some, 2) if len(some) ** 2 < _MOST_TOLD else pairwise(some):
            yield Meeting(pair, folder, Kind.SEQUENCE, Severity.NOTES, words)


def _sequence_folder(pattern: str) -> str | None:
    """The outermost folder of a pattern in which every file is one of a sequence."""
    if file_class(pattern) is not FileClass.SEQUENCE:
        return None
    head = WILD.split(pattern)[0]
    folders = [head[: at + 1] for at, char in enumerate(head) if char == "/"]
    ordered = (folder for folder in folders if file_class(folder + "x") is FileClass.SEQUENCE)
    return next(ordered, folders[-1] if folders else None)


def _examples_in(files: Iterable[str]) -> Callable[[PatternList, PatternList], tuple[str, ...]]:
    """A search for tracked files that two lists share; the same two lists are looked up once."""
    ordered = sorted(files)
    steps = iter(range(_MOST_LOOKED_AT_IN_ALL))

    @cache
    def examples(left: PatternList, right: PatternList) -> tuple[str, ...]:
        head = max((WILD.split(paths.patterns[0])[0] for paths in (left, right)), key=len)
        start, end = (bisect_left(ordered, text) for text in (head, head + chr(sys.maxunicode)))
        nearby = (ordered[at] for at, _ in zip(range(start, min(end, start + _MOST_LOOKED_AT)), steps, strict=False))
        return tuple(islice((path for path in nearby if left.matches(path) and right.matches(path)), _MOST_EXAMPLES))

    return examples
