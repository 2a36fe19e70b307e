"""Where two texts differ, line by line, aligned as git aligns them.

A merge of two insertions has to know where each begins. Among equal lines that is a matter of convention, so edits
are slid up and then down as git's own diff does. What to make of the edits is for the rungs and the invariants.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt

Lines = tuple[bytes, ...]

_Gap = tuple[int, int, int, int]  # base lines [a, b) became side lines [c, d)

# Bounds one comparison to about a second and 12 MB; texts further apart than this are no work for a rung.
_STEPS = 1_500_000
_DEPTH = isqrt(2 * _STEPS)

_LINE = re.compile(rb"[^\n]*\n|[^\n]+")


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """Base lines start to stop (half-open, from 0) are replaced by `lines`."""

    start: int
    stop: int
    lines: Lines


def split_lines(data: bytes) -> Lines:
    """Lines as git counts them: each ends with LF, and keeps it; a carriage return is part of its line."""
    return tuple(_LINE.findall(data))


def find_edits(base: Lines, side: Lines) -> tuple[Edit, ...] | None:
    """A smallest set of edits that turns `base` into `side`, in order, none touching the next.

    None when the two are too different to be compared in bounded time.
    """
    matches = _matches(base, side)
    if matches is None:
        return None
    gaps = _gaps(matches, len(base), len(side))
    up = _slid_down(_mirrored(gaps, base, side), base[::-1], side[::-1])
    down = _slid_down(_mirrored(up, base, side), base, side)
    return tuple(Edit(a, b, side[c:d]) for a, b, c, d in down)


def _matches(base: Lines, side: Lines) -> list[tuple[int, int]] | None:
    """Pairs of equal lines, a longest common subsequence.

    Lines that the other text does not have cannot match, so the search leaves them out: what is new costs nothing,
    however long it is.
    """
    shorter = min(len(base), len(side))
    head = next((i for i in range(shorter) if base[i] != side[i]), shorter)
    tail = next((i for i in range(shorter - head) if base[-1 - i] != side[-1 - i]), shorter - head)
    known, wanted = set(side[head : len(side) - tail]), set(base[head : len(base) - tail])
    left = [i for i in range(head, len(base) - tail) if base[i] in known]
    right = [j for j in range(head, len(side) - tail) if side[j] in wanted]
    inner = _shortest_path([base[i] for i in left], [side[j] for j in right])
    if inner is None:
        return None
    return [
        *((i, i) for i in range(head)),
        *((left[x], right[y]) for x, y in inner),
        *((len(base) - i, len(side) - i) for i in range(tail, 0, -1)),
    ]


def _shortest_path(left: Sequence[bytes], right: Sequence[bytes]) -> list[tuple[int, int]] | None:
    """Matched positions of a shortest edit script.

    Source: E. W. Myers, An O(ND) Difference Algorithm and Its Variations, 1986, the greedy algorithm.
    """
    n, m = len(left), len(right)
    limit = min(n + m, _DEPTH)
    furthest = array("i", [0]) * (2 * limit + 3)  # at [k + limit + 1]: how far diagonal k was followed
    trace: list[array[int]] = []
    steps = 0
    for depth in range(limit + 1):
        trace.append(furthest[limit - depth : limit + depth + 3])
        for k in range(-depth, depth + 1, 2):
            at = k + limit + 1
            down = k == -depth or (k != depth and furthest[at - 1] < furthest[at + 1])
            x = start = furthest[at + 1] if down else furthest[at - 1] + 1
            while x < n and x - k < m and left[x] == right[x - k]:
                x += 1
            if x == n and x - k == m:
                return _walk_back(trace, n, m)
            furthest[at] = x
            steps += x - start + 1
        if steps > _STEPS:
            return None
    return None


def _walk_back(trace: list[array[int]], n: int, m: int) -> list[tuple[int, int]]:
    """The matches on the way to (n, m); trace[d] holds the diagonals -d-1 to d+1 as they were before depth d."""
    pairs: list[tuple[int, int]] = []
    x, y = n, m
    for depth in range(len(trace) - 1, -1, -1):
        k, known = x - y, trace[depth]
        at = k + depth + 1
        down = k == -depth or (k != depth and known[at - 1] < known[at + 1])
        start = 0 if depth == 0 else known[at + 1] if down else known[at - 1] + 1
        while x > start:
            x, y = x - 1, y - 1
            pairs.append((x, y))
        x, y = (x, y - 1) if down else (x - 1, y)
    pairs.reverse()
    return pairs


def _gaps(matches: list[tuple[int, int]], base: int, side: int) -> list[_Gap]:
    """What lies between the matches."""
    gaps: list[_Gap] = []
    a = c = 0
    for b, d in [*matches, (base, side)]:
        if a < b or c < d:
            gaps.append((a, b, c, d))
        a, c = b + 1, d + 1
    return gaps


def _mirrored(gaps: list[_Gap], base: Lines, side: Lines) -> list[_Gap]:
    """The same gaps in the reversed texts."""
    n, m = len(base), len(side)
    return [(n - b, n - a, m - d, m - c) for a, b, c, d in reversed(gaps)]


def _slid_down(gaps: list[_Gap], base: Lines, side: Lines) -> list[_Gap]:
    """Pure insertions and deletions moved down over equal lines as far as they go, joined with what they meet."""
    done: list[_Gap] = []  # the last gap first
    for a, b, c, d in reversed(gaps):
        while True:
            if done and b == done[-1][0]:
                _, b, _, d = done.pop()
            if b < len(base) and (side[c] == side[d] if a == b else c == d and base[a] == base[b]):
                a, b, c, d = a + 1, b + 1, c + 1, d + 1
            else:
                break
        done.append((a, b, c, d))
    done.reverse()
    return done
