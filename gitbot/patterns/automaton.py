"""Rules as one bit-parallel automaton: which rule decides a path, and which paths two automata share.

Every position in every rule is one bit of an integer; the bits of a later rule are higher, so the highest accepting
bit belongs to the rule that wins. A set of positions that can be reached is a state.
"""

from __future__ import annotations

import string
import sys
from bisect import bisect_right
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from itertools import chain, islice

from gitbot.patterns.notation import CharClass, Rule, Tail, Token, Wild

MOST_PAIRS = 200_000  # pairs of states that one search looks at before it answers "maybe"
MOST_STEPS = 2_000_000  # the same counted in characters tried: bounds its time when many need trying
MOST_BITS = 50_000_000  # the same counted in bits of state: bounds the memory
_MOST_REMEMBERED = 10_000_000  # bits that one automaton remembers

_READABLE = "x" + string.ascii_lowercase + string.digits + string.ascii_uppercase


class Automaton:
    """All rules of a list, or of a part of it."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._firsts: list[int] = []  # per rule its first position
        places: defaultdict[Token, list[int]] = defaultdict(list)
        accepting: list[int] = []
        below: list[int] = []
        at = 0
        for rule in rules:
            self._firsts.append(at)
            for token in rule.tokens:
                places[token].append(at)
                at += 2 if token is Wild.FOLDERS else 1  # before a segment and inside it
            if rule.tail is not Tail.BELOW:
                accepting.append(at)
            # A literal file's name still covers what is below it: a path from a tree proves that it is a folder.
            if rule.tail is not Tail.FILE or rule.literal is not None:
                places["/"].append(at)
                below.append(at + 1)
            at += 2
        self.size = at
        self.first = (1 << self._firsts[1]) - 1 if len(rules) > 1 else -1  # the positions of the first rule
        masks = {token: _mask(found) for token, found in places.items()}
        self.literals = {token: mask for token, mask in masks.items() if isinstance(token, str)}
        self.classes = {token: mask for token, mask in masks.items() if isinstance(token, CharClass)}
        self._star, self._folders = masks.get(Wild.STAR, 0), masks.get(Wild.FOLDERS, 0)
        self._any = masks.get(Wild.ANY, 0) | self._folders
        self._inside = self._folders << 1
        self._below = _mask(below)
        self._staying = self._star | self._inside | self._below
        self._known: dict[tuple[int, str], int] = {}
        self._accepting = _mask(accepting) | self._below
        self.start = self._closure(_mask(self._firsts))
        self._folder = "", self.start  # the last one that was read: the files of a tree come folder by folder

    def step(self, state: int, char: str) -> int:
        """The state after one more character; 0 when no rule can match any more."""
        after = self._known.get((state, char))
        if after is None:
            if len(self._known) >= _MOST_REMEMBERED // (self.size + 2_000):
                self._known.clear()
            after = self._known[state, char] = self._closure(self._moved(state, char))
        return after

    def _moved(self, state: int, char: str) -> int:
        on = self.literals.get(char, 0)
        if char == "/":
            return (state & on) << 1 | (state & self._inside) >> 1 | state & self._below
        for group, mask in self.classes.items():
            if state & mask and char in group:
                on |= mask
        return (state & (on | self._any)) << 1 | state & self._staying

    def _closure(self, state: int) -> int:
        state |= (state & self._folders) << 2
        state |= (state & self._star) << 1
        below = (state & self._below).bit_length()
        if below:  # that rule covers everything from here on, so no lower one can win any more
            state = state >> (below - 1) << (below - 1)
        return state

    def read(self, path: str) -> int:
        """The state behind the whole path, which is in normal form C."""
        at = path.rfind("/") + 1
        if path[:at] != self._folder[0]:
            self._folder = path[:at], self._read(self.start, path[:at])
        return self._read(self._folder[1], path[at:])

    def _read(self, state: int, text: str) -> int:
        for char in text:
            state = self.step(state, char)
            if not state:
                break
        return state

    def winner(self, state: int) -> int | None:
        """Index of the last rule that accepts what led to this state."""
        highest = (state & self._accepting).bit_length()
        return bisect_right(self._firsts, highest - 1) - 1 if highest else None


def _mask(positions: list[int]) -> int:
    octets = bytearray(max(positions, default=0) // 8 + 1)
    for position in positions:
        octets[position // 8] |= 1 << position % 8
    return int.from_bytes(octets, "little")


def shortest_common(left: Automaton, right: Automaton, start: str, most: int) -> tuple[str | None, int]:
    """A shortest path that both accept, and what it cost; with no path and from a cost of `most` on it is undecided.

    The whole of what one search may take costs MOST_PAIRS. Of each side the first rule alone is positive, and all its
    paths begin with `start`. Only paths whose segments are neither empty nor `.` nor `..` count.
    """
    alphabet = [*_alphabet(left, right), "/"]
    whole = max(1, min(MOST_PAIRS, MOST_STEPS // len(alphabet), MOST_BITS // (left.size + right.size)))
    bound = whole * most // MOST_PAIRS
    pair = (left.read(start), right.read(start), _segment("", start.rpartition("/")[2]))
    seen = {pair}
    waiting = deque([(pair, start)])
    while waiting and len(seen) <= bound:
        (state, other, segment), path = waiting.popleft()
        if segment == _NAME and left.winner(state) == right.winner(other) == 0:
            return path, len(seen) * MOST_PAIRS // whole
        for char in alphabet if segment == _NAME else alphabet[:-1]:
            after = left.step(state, char)
            if not after & left.first:
                continue
            pair = (after, right.step(other, char), _segment(segment, char))
            if pair[1] & right.first and pair not in seen:
                seen.add(pair)
                waiting.append((pair, path + char))
    return None, most if waiting else min(len(seen) * MOST_PAIRS // whole, most - 1)


_NAME = "name"


def _segment(segment: str, more: str) -> str:
    """What has been read of the segment at hand, as far as it matters."""
    read = "" if more == "/" else segment + more
    return read if read in ("", ".", "..") else _NAME


def _alphabet(left: Automaton, right: Automaton) -> Iterator[str]:
    """A character for everything that the rules of both sides can tell apart, `/` left out, readable ones first."""
    named = (left.literals.keys() | right.literals.keys()) - {"/"}
    ranges = [each for group in (*left.classes, *right.classes) for each in group.ranges]
    chars = chain(_READABLE, map(chr, range(0x4E00, 0x9FFF)))
    outside = (char for char in chars if char not in named and not any(low <= char <= high for low, high in ranges))
    yield from islice(outside, 1)
    # Behaviour can only change at a name, where a range begins and right behind its end.
    for edge in sorted({edge for low, high in ranges for edge in (ord(low), ord(high) + 1)}):
        nearby = map(chr, range(edge, min(edge + len(named) + 64, sys.maxunicode)))
        named.update(islice((char for char in nearby if char.isprintable() and char not in named and char != "/"), 1))
    yield from sorted(named, key=lambda char: (not char.isalnum(), char))
