"""Ordered lists of patterns: what one covers, whether two share a path, and which of many can share one at all."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import chain, starmap, takewhile

from gitbot.patterns.automaton import MOST_PAIRS, Automaton, shortest_common
from gitbot.patterns.notation import Rule, Tail, Wild, lower, normalise, rules_of

_LEAST = 2  # costs of a search in which no automaton is run
_OPEN, _MANY = "\0", "\1/"  # in place of what wildcards stand for within a segment, and of any folders
_SMALL = 1_000  # that any search may cost, whatever others have cost before it
_FEW_RULES = 16  # that are tried one by one
_MOST_AUTOMATA = 128  # that are kept at a time
_OUTER_DOT = re.compile(r"(?:^|/)\.|\.(?:/|$)")
MOST_RULES = 20_000  # readings of one list; beyond it braces count as `*`: hostile ones would fill the memory


Keys = list[tuple[str, int]]
"""How the paths of some lists begin, in lower case and with a `/` put behind, each with its list's index."""


@dataclass(slots=True)
class Budget:
    """What looking for common paths may still cost, over any number of pairs of lists."""

    left: int = MOST_PAIRS  # what one search may cost at most
    small: int = MOST_PAIRS  # for the first _SMALL of each search, so that large ones leave something to the others


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
        path = path if path.isascii() else unicodedata.normalize("NFC", path)
        if len(self.rules) <= _FEW_RULES and all(isinstance(rule.tokens, str) for rule in self.rules):
            decisive = (index for index, rule in enumerate(self.rules) if rule.covers(path))
            index = max(decisive, default=None)
        else:
            index = self._automaton.winner(self._automaton.read(path))
        return None if index is None else self.origins[index]

    @cached_property
    def folded(self) -> PatternList:
        """The list in lower case, for a file system that does not tell cases apart; matches lower-case paths."""
        return _read(self.patterns, fold_case=True)

    def lies_plainly_in(self, other: PatternList) -> bool:
        """Whether every path is one of the other's, as far as that needs no search."""
        folder, pattern = other.rules[0], other.patterns[0]
        below = isinstance(folder.tokens, str) and all(rule.prefix.startswith(folder.key) for rule in self.rules)
        return len(other.patterns) == 1 and (below or pattern in ("**", self.patterns[0]))

    @property
    def heads(self) -> set[str]:
        """The folders and files in which all its paths lie, or which they are: one of each rule that adds paths."""
        return {rule.head for rule in self.rules if not rule.negative}

    @property
    def positive(self) -> list[int]:
        """The rules that add paths, as indexes."""
        return [index for index, rule in enumerate(self.rules) if not rule.negative]

    def without(self, taken: PatternList, since: int = 0) -> PatternList:
        """The list and behind it an exclusion of each pattern, from `since` on, that might take something away."""
        if not any(taken.begins_like(rule.key) for rule in self.rules if not rule.negative):
            return self
        near = {at for _, other in _related(self, taken) if (at := taken.origins[other]) >= since}
        exclusions = ["!" + taken.patterns[at] for at in sorted(near)]
        return compile_patterns([*self.patterns, *exclusions]) if near else self

    @cached_property
    def _keys(self) -> tuple[str, ...]:
        return tuple(sorted(self.rules[index].key for index in self.positive))

    def begins_like(self, key: str) -> bool:
        """Whether a path of the list may begin as those do that have this key; looked up, not searched."""
        at = bisect_left(self._keys, key)
        return key.startswith(self._keys) or any(each.startswith(key) for each in self._keys[at : at + 1])

    def with_exclusions(self, index: int) -> tuple[Rule, ...]:
        """The positive rule of this index, and the later exclusions that may take some of it away."""
        rule = self.rules[index]
        later = (other for other in self.rules[index + 1 :] if other.negative)
        return (rule, *(other for other in later if _begin_alike(rule, other)))

    @cached_property
    def _automaton(self) -> Automaton:
        _with_automaton.append(self)
        if len(_with_automaton) > _MOST_AUTOMATA:
            vars(_with_automaton.popleft()).pop("_automaton", None)
        return Automaton(self.rules)


_with_automaton: deque[PatternList] = deque()  # what the automata of hostile lists remember would fill the memory


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


def witness(
    left: PatternList, right: PatternList, *, fold_case: bool = False, budget: Budget | None = None
) -> Witness | None:
    """A shortest path that both lists cover, or None when there is none.

    It need not exist yet. With `fold_case` it is in lower case and covered by both `folded` lists. What it costs is
    taken from the budget; where that ends, the lists may overlap.
    """
    left, right = sorted((left, right), key=lambda each: each.patterns)
    if fold_case:
        left, right = left.folded, right.folded
    budget = budget or Budget()
    free = max(0, min(budget.small, _SMALL))
    most, spent = min(max(budget.left, free, _LEAST), MOST_PAIRS), 0
    best: str | None = None
    for first, second in _related(left, right):
        rule, other = left.rules[first], right.rules[second]
        if best is not None and max(len(rule.prefix), len(other.prefix)) > len(best):
            continue
        path, cost = _shared(rule, other, most)
        single = len(left.rules) == len(right.rules) == 1
        if not (path is None or single or (most > _LEAST and left.matches(path) and right.matches(path))):
            path, more = _shortest(left.with_exclusions(first), right.with_exclusions(second), most)
            cost += more
        if path is not None and (best is None or (len(path), path) < (len(best), best)):
            best = path
        spent += cost
        if spent >= most:
            break
    budget.small -= min(spent, free)
    budget.left -= max(0, spent - free)
    if best is not None:
        return Witness(_with_name(best, left, right))
    if spent < most:
        return None
    sources = (left.patterns[left.origins[first]], right.patterns[right.origins[second]])
    return Witness(max(zip((len(rule.head), len(other.head)), sources, strict=True))[1], exact=False)


def _related(left: PatternList, right: PatternList) -> Iterator[tuple[int, int]]:
    """The positive rules of both lists that can share a path, as indexes."""
    if len(left.rules) * len(right.rules) <= _FEW_RULES:
        some, others = ([pair for pair in enumerate(each.rules) if not pair[1].negative] for each in (left, right))
        return ((at, by) for at, rule in some for by, other in others if _begin_alike(rule, other))
    return candidates(*([(each.rules[index].key, index) for index in each.positive] for each in (left, right)))


def candidates(left: Keys, right: Keys) -> Iterator[tuple[int, int]]:
    """Every index of one side with every index of the other where one key begins with the other; some twice."""
    above: tuple[Keys, Keys] = ([], [])
    entries = [(key, at, side) for side, keys in enumerate((left, right)) for key, at in keys]
    for key, at, side in sorted(entries):
        for each in above:
            while each and not key.startswith(each[-1][0]):
                each.pop()
        yield from ((other, at) if side else (at, other) for _, other in above[1 - side])
        above[side].append((key, at))


@lru_cache(maxsize=1 << 12)
def _shared(rule: Rule, other: Rule, most: int) -> tuple[str | None, int]:
    """A shortest path of two positive rules, and what it cost to find out; from `most` on it is undecided."""
    if not _begin_alike(rule, other):
        return None, 1
    if isinstance(rule.tokens, str) and isinstance(other.tokens, str):
        return max(rule, other, key=lambda each: (len(each.key), each.tail is Tail.BELOW)).sample, 1
    if any(starmap(_differ, chain.from_iterable(map(zip, _names(rule), _names(other))))):
        return None, 1
    for one, two in ((rule, other), (other, rule)) if most > _LEAST else ():
        if one.literal is not None and (automaton := _automaton(two)).winner(automaton.read(one.literal)) == 0:
            return one.literal, 1
    return _shortest((rule,), (other,), most)


def _differ(one: str, other: str) -> bool:
    """Whether no name can be what both segments stand for."""
    if _OPEN not in one + other:
        return one != other
    starts = sorted((one.partition(_OPEN)[0], other.partition(_OPEN)[0]), key=len)
    ends = sorted((one.rpartition(_OPEN)[2], other.rpartition(_OPEN)[2]), key=len)
    return not (starts[1].startswith(starts[0]) and ends[1].endswith(ends[0]))


@lru_cache(maxsize=1 << 12)
def _names(rule: Rule) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The segments whose place in a path is known: counted from the top, and from its end where the rule has one."""
    texts = (each if isinstance(each, str) else _MANY if each is Wild.FOLDERS else _OPEN for each in rule.tokens)
    segments = "".join(texts).split("/")
    ending = segments[::-1] if rule.tail is Tail.FILE and rule.literal is None else []
    first, last = (tuple(takewhile(_MANY[0].__ne__, side)) for side in (segments, ending))
    return first, last


def heads_of(path: str) -> tuple[str, ...]:
    """Where the rules have their `head` that may cover a path: the path, and the folders above it."""
    return (path, *(path[:at] for at, char in enumerate(path) if char == "/"), "")


def _begin_alike(rule: Rule, other: Rule) -> bool:
    return rule.key.startswith(other.key) or other.key.startswith(rule.key)


def _shortest(rules: tuple[Rule, ...], others: tuple[Rule, ...], most: int) -> tuple[str | None, int]:
    """A shortest path of the first rules alone, which are the positive ones, and what it cost to find out."""
    if most == _LEAST:
        return None, most
    for one, two in ((rules[0], others[0]), (others[0], rules[0])):
        if one.literal is not None and one.tail is Tail.FILE and not two.prefix.startswith(one.literal + "/"):
            return None, 1
    start = max(rules[0].prefix, others[0].prefix, key=len)
    return shortest_common(_automaton(*rules), _automaton(*others), start, most)


@lru_cache(maxsize=_MOST_AUTOMATA)
def _automaton(*rules: Rule) -> Automaton:
    return Automaton(rules)


def _with_name(path: str, left: PatternList, right: PatternList) -> str:
    """The path with a letter at a segment's outer dot where both lists leave that open: `src/x.ts` for `src/.ts`."""
    for place in range(len(path), -1, -1) if _OUTER_DOT.search(path) else ():
        before, after = path[:place], path[place:]
        leading, trailing = after.startswith("."), before.endswith(".")
        if (leading and before[-1:] in ("", "/")) or (trailing and after[:1] in ("", "/")):
            named = f"{before}x{after}"
            if left.matches(named) and right.matches(named):
                path = named
    return path


def keys_of(lists: Iterable[PatternList]) -> Keys:
    """The keys of a group of lists."""
    return sorted({(lower(each.rules[index].key), at) for at, each in enumerate(lists) for index in each.positive})


def candidate_pairs(groups: Sequence[Keys]) -> list[tuple[int, int]]:
    """Index pairs (lower first, sorted) of the groups of which two lists can share a path, case folded or not."""
    pairs: set[tuple[int, int]] = set()
    above: list[tuple[str, int]] = []
    present: Counter[int] = Counter()
    for key, group in sorted({(key, group) for group, keys in enumerate(groups) for key, _ in keys}):
        while above and not key.startswith(above[-1][0]):
            gone = above.pop()[1]
            present[gone] -= 1
            if not present[gone]:
                del present[gone]
        pairs.update((min(group, other), max(group, other)) for other in present if other != group)
        above.append((key, group))
        present[group] += 1
    return sorted(pairs)
