"""How many branches to test together, so that the expected number of gate runs is least.

Nested group testing on a queue in a fixed order: a green prefix lands whole; a red one is known to hold a culprit,
and a part of it is asked next. Here are only chances and sizes; whose they are is the queue's business.

Source: Sobel and Groll, "Group testing to eliminate efficiently all defectives in a binomial sample", Bell System
Technical Journal 38 (1959), procedure R1, here with a chance of its own for every branch. Ungar (1960): beyond a
chance of .382 nothing beats one by one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from itertools import accumulate
from math import log2
from operator import mul

LEAST, MOST = 0.005, 0.45  # chances are kept between them: nothing is certain, and beyond it singles are best anyway
REACH = 2.2  # expected culprits beyond which no group is worth a run
LONGEST = 256  # branches that a table looks ahead
MOST_STEPS = 1_000_000  # of work in one table, some tenths of a second; beyond it the simple rule decides
TIE = 1e-12


def group(chances: Sequence[float]) -> int:
    """How many of the first branches, of which nothing is known, to test together: at least 1."""
    kept = _kept(chances)
    found = _table(kept)
    return found[0].first[found[1]] if found else _halfway(_clean(kept), 0)


def split(chances: Sequence[float], red: int) -> int:
    """How many of the first `red` branches, known to hold a culprit, to test together: from 1 to `red` - 1.

    `red` is 2 or more.
    """
    kept = _kept(chances)
    found = _table(kept)
    sizes = found[0].split[found[1]] if found else []
    return sizes[red] if red < len(sizes) else _halfway(_clean(kept), red)


def expected_runs(chances: Sequence[float], red: int = 0) -> float:
    """Gate runs to be expected until every branch has its verdict, confirmations left out."""
    kept = _kept(chances)
    found = _table(kept)
    if found is None:
        return sum(-p * log2(p) - (1 - p) * log2(1 - p) for p in kept)
    table, at = found
    return table.tainted[at][min(red, len(table.tainted[at]) - 1)] if red else table.unknown[at]


def cuts(chances: Sequence[float], red: int, workers: int) -> tuple[int, ...]:
    """Sizes of prefixes to test at once, such that the first culprit is equally likely in each part; ascending.

    With `red` of the first known to hold one all lie below it.
    """
    clean = _clean(_kept(chances))
    mass = 1 - clean[red] if red else 1.0
    sizes = range(1, red or len(clean))
    goals = [part / (workers + 1) * mass for part in range(1, workers + 1)]
    return tuple(sorted({min(sizes, key=lambda size: abs(1 - clean[size] - goal)) for goal in goals}))


def _kept(chances: Sequence[float]) -> tuple[float, ...]:
    return tuple(min(max(chance, LEAST), MOST) for chance in chances)


def _clean(chances: Sequence[float]) -> tuple[float, ...]:
    """For each size the chance that so many of the first are all good."""
    return tuple(accumulate((1 - chance for chance in chances), mul, initial=1.0))


def _halfway(clean: Sequence[float], red: int) -> int:
    """The simple rule: the size whose chance to be green is nearest to one half."""
    floor = clean[red] if red else 0.0
    return min(range(1, red or len(clean)), key=lambda size: abs((clean[size] - floor) / (1 - floor) - 0.5))


_recent: deque[tuple[tuple[float, ...], _Table]] = deque(maxlen=8)
"""Tables made last: a queue mostly grows shorter from its head, and then its table is a tail of one of them."""


def _table(chances: tuple[float, ...]) -> tuple[_Table, int] | None:
    """A table and the position in it from which it is about these chances; None where one costs too much."""
    for known, table in _recent:
        if known[len(known) - len(chances) :] == chances:
            return table, len(known) - len(chances)
    reach = _reach(chances)
    if len(chances) > LONGEST or sum(size * size // 2 for size in reach) > MOST_STEPS:
        return None
    _recent.appendleft((chances, _Table(chances, reach)))
    return _recent[0][1], 0


def _reach(chances: Sequence[float]) -> list[int]:
    """From each position on how many branches a group may have, at least one."""
    found: list[int] = []
    end, total = 0, 0.0
    for at, chance in enumerate(chances):
        while end < len(chances) and (end <= at or total + chances[end] <= REACH):
            total += chances[end]
            end += 1
        found.append(end - at)
        total -= chance
    return found


class _Table:
    """The best sizes for a queue and for every tail of it.

    `unknown[i]`: expected runs from position i on; `tainted[i][m]`: the same when the m branches from i on hold a
    culprit (with one it is known, and costs no run); `first[i]` and `split[i][m]`: the sizes that give them.
    """

    def __init__(self, chances: tuple[float, ...], reach: Sequence[int]) -> None:
        self.unknown = [0.0] * (len(chances) + 1)
        self.first = [1] * (len(chances) + 1)
        self.tainted: list[list[float]] = [[] for _ in range(len(chances) + 1)]
        self.split: list[list[int]] = [[] for _ in range(len(chances) + 1)]
        for at in range(len(chances) - 1, -1, -1):
            self._fill(at, _clean(chances[at : at + reach[at]]))

    def _fill(self, at: int, clean: Sequence[float]) -> None:
        costs, sizes = [0.0, self.unknown[at + 1]], [0, 1]
        for red in range(2, len(clean)):
            floor, best, size = clean[red], float("inf"), 1
            for part in range(1, red):
                green = (clean[part] - floor) / (1 - floor)
                cost = green * self.tainted[at + part][red - part] + (1 - green) * costs[part]
                if cost < best - TIE:
                    best, size = cost, part
            costs.append(1 + best)
            sizes.append(size)
        best, size = float("inf"), 1
        for part in range(1, len(clean)):
            cost = clean[part] * self.unknown[at + part] + (1 - clean[part]) * costs[part]
            if cost < best - TIE:
                best, size = cost, part
        self.unknown[at], self.first[at] = 1 + best, size
        self.tainted[at], self.split[at] = costs, sizes
