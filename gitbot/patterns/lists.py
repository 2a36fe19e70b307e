"""Ordered lists of patterns: what one covers, whether two share a path, and which of many can share one at all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import product

from gitbot.patterns.automaton import MOST_PAIRS, Automaton, shortest_common
from gitbot.patterns.notation import Rule, Tail, normalise, rules_of

MOST_RULES = 20_000  # readings of one list; beyond it braces count as `*`: hostile ones would fill the memory


class Heads:
    """Numbers by the folder or file that all the paths they stand for lie in or are, and by all folders above it."""

    def __init__(self, heads: Iterable[tuple[int, str]]) -> None:
        self.here: defaultdict[str, list[int]] = defaultdict(list)
        self._below: defaultdict[str, list[int]] = defaultdict(list)
        for number, head in heads:
            self.here[head].append(number)
            while head:
                head = head.rpartition("/")[0]
                self._below[head].append(number)

    def related(self, other: Heads) -> Iterator[tuple[int, int]]:
        """Every number of this side with every one of the other whose head is the same, above or below."""
        for ours, theirs in ((self.here, other.here), (self._below, other.here), (self.here, other._below)):
            for folder in sorted(ours.keys() & theirs.keys()):
                yield from product(ours[folder], theirs[folder])


@dataclass(frozen=True)  # no slots: what is derived is computed once and kept
class PatternList:
    """An ordered list of patterns. A later one wins, `!` excludes, a folder brings what is below it.

    A literal that looks like a file covers what is below it as well, for whoever has such a path knows that it is
    a folder. `witness` does not invent such paths unless the other list goes below it by name.
    """

    patterns: tuple[str, ...]  # normalised
    rules: tuple[Rule, ...] = field(compare=False, repr=False)
    origins: tuple[int, ...] = field(compare=False, repr=False)  # per rule, the index of its pattern

    def matches(self, path: str) -> bool:
        """Whether the list covers the path, which is written as git writes it."""
        index = self.decided_by(path)
        return index is not None and not self.patterns[index].startswith("!")

    def decided_by(self, path: str) -> int | None:
        """Index of the pattern that decides about the path, perhaps an exclusion; None when none covers it."""
        rule = self._automaton.winner(self._automaton.read(path))
        return None if rule is None else self.origins[rule]

    @cached_property
    def folded(self) -> PatternList:
        """The list in lower case, for a file system that does not tell cases apart; matches lower-case paths."""
        return _read(self.patterns, fold_case=True)

    @cached_property
    def heads(self) -> Heads:
        """The rules that add paths, by their index."""
        return Heads((index, rule.head) for index, rule in enumerate(self.rules) if not rule.negative)

    @property
    def positive_by_head(self) -> Mapping[str, Sequence[int]]:
        """The rules that add paths, as indexes, by the folder or file that all their paths lie in or are."""
        return self.heads.here

    def with_exclusions(self, index: int) -> tuple[Rule, ...]:
        """The positive rule of this index, and the later exclusions that may take some of it away."""
        rule = self.rules[index]
        later = (other for other in self.rules[index + 1 :] if other.negative)
        return (rule, *(other for other in later if _begin_alike(rule, other)))

    @cached_property
    def _automaton(self) -> Automaton:
        return Automaton(self.rules)


@dataclass(frozen=True, slots=True)
class Witness:
    """A path that two lists share. Not `exact`: undecided within bounds, counts as shared, `path` is a pattern."""

    path: str
    exact: bool = True


def compile_patterns(patterns: Iterable[str]) -> PatternList:
    """The list of patterns, normalised on the way.

    Raises:
        PatternError: one of them is outside the notation.
    """
    return _read(tuple(normalise(pattern).text for pattern in patterns), fold_case=False)


def _read(texts: tuple[str, ...], *, fold_case: bool) -> PatternList:
    rules: list[Rule] = []
    origins: list[int] = []
    for index, text in enumerate(texts):
        rules += rules_of(text, fold_case=fold_case, braces=len(rules) < MOST_RULES)
        origins += [index] * (len(rules) - len(origins))
    return PatternList(texts, tuple(rules), tuple(origins))


def witness(left: PatternList, right: PatternList, *, fold_case: bool = False) -> Witness | None:
    """A shortest path that both lists cover, or None when there is none.

    It need not exist yet. With `fold_case` it is in lower case and covered by both `folded` lists.
    """
    left, right = sorted((left, right), key=lambda each: each.patterns)
    if fold_case:
        left, right = left.folded, right.folded
    best: str | None = None
    spent = 0
    for first, second in left.heads.related(right.heads):
        rule, other = left.rules[first], right.rules[second]
        if best is not None and max(len(rule.prefix), len(other.prefix)) > len(best):
            continue
        path, cost = _shared(rule, other)
        if path is not None and not (left.matches(path) and right.matches(path)):
            path, more = _shortest(left.with_exclusions(first), right.with_exclusions(second))
            cost += more
        if path is not None and (best is None or (len(path), path) < (len(best), best)):
            best = path
        spent += cost
        if spent >= MOST_PAIRS:
            break
    if best is not None:
        return Witness(_with_name(best, left, right))
    if spent < MOST_PAIRS:
        return None
    sources = (left.patterns[left.origins[first]], right.patterns[right.origins[second]])
    return Witness(max(zip((len(rule.head), len(other.head)), sources, strict=True))[1], exact=False)


@lru_cache(maxsize=1 << 15)
def _shared(rule: Rule, other: Rule) -> tuple[str | None, int]:
    """A shortest path of two positive rules, and what it cost to find out."""
    if not _begin_alike(rule, other):
        return None, 1
    for one, two in ((rule, other), (other, rule)):
        if one.literal is not None and (automaton := _automaton(two)).winner(automaton.read(one.literal)) == 0:
            return one.literal, 1
    return _shortest((rule,), (other,))


def _begin_alike(rule: Rule, other: Rule) -> bool:
    return rule.prefix.startswith(other.prefix) or other.prefix.startswith(rule.prefix)


def _shortest(rules: tuple[Rule, ...], others: tuple[Rule, ...]) -> tuple[str | None, int]:
    """A shortest path of the first rules alone, which are the positive ones, and what it cost to find out."""
    for one, two in ((rules[0], others[0]), (others[0], rules[0])):
        if one.literal is not None and one.tail is Tail.FILE and not two.prefix.startswith(one.literal + "/"):
            return None, 1
    start = max(rules[0].prefix, others[0].prefix, key=len)
    return shortest_common(_automaton(*rules), _automaton(*others), start)


@lru_cache(maxsize=256)
def _automaton(*rules: Rule) -> Automaton:
    return Automaton(rules)


def _with_name(path: str, left: PatternList, right: PatternList) -> str:
    """The path with a letter at a segment's outer dot where both lists leave that open: `src/x.ts` for `src/.ts`."""
    for place in range(len(path), -1, -1):
        before, after = path[:place], path[place:]
        leading, trailing = after.startswith("."), before.endswith(".")
        if (leading and before[-1:] in ("", "/")) or (trailing and after[:1] in ("", "/")):
            named = f"{before}x{after}"
            if left.matches(named) and right.matches(named):
                path = named
    return path


def candidate_pairs(lists: Sequence[PatternList]) -> Iterator[tuple[int, int]]:
    """Index pairs (lower first, sorted) of the lists that can share a path, case folded or not.

    Found through an index of heads; all other pairs share none.
    """
    heads = Heads((index, head.lower()) for index, each in enumerate(lists) for head in each.positive_by_head)
    yield from sorted({(lower, higher) for lower, higher in heads.related(heads) if lower < higher})
