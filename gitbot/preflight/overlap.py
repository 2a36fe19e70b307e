"""Where the stakes of two plans meet, and how bad that is.

Decides what may share a phase; the phases themselves come from `gitbot.preflight.schedule`, the words for people
from `gitbot.preflight.rules`.
"""

from __future__ import annotations

import re
import sys
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
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

    @property
    def plans(self) -> tuple[PlanId, PlanId]:
        """The two plans."""
        return self.stakes[0].plan, self.stakes[1].plan

    @property
    def said(self) -> str:
        """The common path, or pattern, in a sentence."""
        whole = WILD.search(self.path) and any(stake.claim.pattern == self.path for stake in self.stakes)
        return f"anything of `{self.path}`" if whole else self.path

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


def contacts(
    stakes: Sequence[Stake], order: Precedence, additive: PatternList, files: Iterable[str]
) -> tuple[Contact, ...]:
    """Where plans meet, the worst first. The stakes come in the order of their plans' ids."""
    grouped: dict[tuple[int, tuple[PlanId, PlanId]], list[Meeting]] = {}
    for meeting in _meetings(stakes, order, additive):
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
    return tuple(found)


def _shown(meeting: Meeting, tracked: Sequence[str]) -> Meeting:
    """The meeting with a tracked path, or the narrower of two patterns, for a path that only wildcards made up."""
    patterns, path = [stake.claim.pattern for stake in meeting.stakes], meeting.path
    if len(path) > LONGEST:
        return replace(meeting, path=shown(path))
    literal = any(path == each or not (_OPEN.search(each) or path.startswith(f"{each}/")) for each in patterns)
    if literal or meeting.kind in (Kind.SPELLING, Kind.SEQUENCE):
        return meeting
    narrower = max(patterns, key=lambda pattern: (len(WILD.split(pattern)[0]), len(pattern)))
    return replace(meeting, path=tracked[0] if tracked else shown(narrower))


def _meetings(stakes: Sequence[Stake], order: Precedence, additive: PatternList) -> Iterator[Meeting]:
    groups = [list(group) for _, group in groupby(stakes, key=lambda stake: stake.plan)]
    keys = [keys_of(stake.paths for stake in group) for group in groups]
    budget = Budget(MOST_PAIRS // 4 + _COST_OF_A_PLAN * len(groups))
    met: set[tuple[PlanId, PlanId]] = set()
    spelled: set[tuple[PlanId, PlanId]] = set()
    for one, other in candidate_pairs(keys):
        for left, right in _pairs(keys[one], keys[other], budget):
            if meeting := _meeting(groups[one][left], groups[other][right], order, additive, budget):
                yield meeting
                if meeting.kind is Kind.SPELLING:
                    spelled.add(meeting.plans)
                else:
                    met.add(meeting.plans)
                    if budget.left < 0:
                        break
    yield from (meeting for meeting in _same_sequence(stakes) if meeting.plans not in met)
    yield from (meeting for meeting in _same_folder(stakes) if meeting.plans not in spelled)


def _pairs(left: Keys, right: Keys, budget: Budget) -> Iterator[tuple[int, int]]:
    """The stakes of two plans that can meet, as indexes and in order; in any order when they are too many."""
    found = candidates(left, right)
    some = sorted(set(islice(found, _MOST_IN_ORDER if budget.left > 0 else 0)))
    for pair in chain(some, found):
        budget.left -= 1
        yield pair


def _meeting(left: Stake, right: Stake, order: Precedence, additive: PatternList, budget: Budget) -> Meeting | None:
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
    elif severity is Severity.BLOCKS and order.first(left.plan, right.plan):
        severity = Severity.ORDERS
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
        for pair in combinations(by_plan.values(), 2):
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
