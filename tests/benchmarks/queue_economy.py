"""What the landing queue costs, beside others and the limit: `python -m tests.benchmarks.queue_economy [--seeds N]`.

The real queue plays on paper (`tests.landing.simulated`) against the plain one, bors halving with its best batch and
Zuul's window: independent branches, no false green, one run takes one unit of time. The limit is that of coding
theory: no queue that is never wrong needs fewer runs than the outcome has bits, over the capacity of a flaky gate.

Chance makes worlds dear and cheap for all alike, so means are paired: by what the search of `gitbot.landing.search`,
played by itself on one worker, needs in the very worlds that were drawn, and whose mean is known exactly. Aims are
held against work: all runs last equally long here, so that many are stopped at the very moment at which they began.
"""

from __future__ import annotations

import argparse
import math
import random
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from statistics import fmean

from gitbot.landing import search
from tests.landing.simulated import World, play

CHANCES, LENGTHS = (0.02, 0.05, 0.10, 0.20), (4, 16, 64, 256)
WINDOW, FLOOR = 20, 3  # Zuul's defaults
ENOUGH = 4  # bits from which on the first target counts
PRIORS = {
    "half .02, a third .10, a sixth .30": lambda chance: chance.choice((0.02,) * 3 + (0.10,) * 2 + (0.30,)),
    "Beta(1, 9)": lambda chance: min(max(chance.betavariate(1, 9), search.LEAST), search.MOST),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Case:
    """One line of the table."""

    p: float
    n: int
    workers: int
    flaky: float
    seeds: int

    @property
    def limit(self) -> float:
        """Runs that no queue can do without."""
        return self.n * bits(self.p) / capacity(self.flaky)


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean over worlds, paired with something whose mean is known, and its standard error."""

    value: float
    error: float


@dataclass(frozen=True, slots=True)
class Costs:
    """What one case came to: runs, and time in runs of the gate."""

    runs: Mean
    work: Mean  # a run that was stopped counts for as long as it ran, in the sum of all workers
    time: Mean
    exact: float  # what one worker needs, without flakes
    bors: float
    window: tuple[float, float]  # runs and time
    wrong: float  # share of good branches that were rejected


def bits(p: float) -> float:
    """What one branch's verdict says."""
    return -p * math.log2(p) - (1 - p) * math.log2(1 - p)


def capacity(flaky: float) -> float:
    """Bits that one run can say, when a good tree shows red that often (a Z channel)."""
    return math.log2(1 + (1 - flaky) * flaky ** (flaky / (1 - flaky))) if flaky else 1.0


def surprise(bad: frozenset[int], chances: Sequence[float]) -> float:
    """Bits of one world."""
    return sum(-math.log2(p if number in bad else 1 - p) for number, p in enumerate(chances))


def table(chances: Sequence[float]) -> search._Table:
    """The best sizes; of a long queue too, which gitbot decides by a simpler rule. `unknown[0]` is the exact mean."""
    return search._Table(tuple(chances), search._reach(chances))


def alone(bad: frozenset[int], sizes: search._Table) -> int:
    """Runs of one worker that does nothing but the search."""
    runs, at, red = 0, 0, 0
    while at < len(sizes.first) - 1:
        size = sizes.split[at][red] if red else sizes.first[at]
        if red == 1:
            at, red = at + 1, 0
            continue
        runs += 1
        if bad.isdisjoint(range(at, at + size)):
            at, red = at + size, max(0, red - size)
        else:
            red = size
    return runs


def draw(chances: Sequence[float], seed: int) -> frozenset[int]:
    chance = random.Random(seed)
    return frozenset(number for number, p in enumerate(chances) if chance.random() < p)


def paired(values: Sequence[float], controls: Sequence[float], known: float) -> Mean:
    ratio = sum(values) / sum(controls)
    spread = math.sqrt(sum((value - ratio * control) ** 2 for value, control in zip(values, controls, strict=True)))
    return Mean(ratio * known, spread / sum(controls) * known)


# The others


def best_batch(p: float, n: int) -> int:
    """The power of two with which halving costs least, by its formula."""
    return min((1 << k for k in range(n.bit_length())), key=lambda size: halving_formula(p, size))


def halving_formula(p: float, size: int) -> float:
    """Runs per branch: a batch, and both halves of whatever was red."""
    depth = size.bit_length() - 1
    return (1 + 2 * sum((1 << d) * (1 - (1 - p) ** (size >> d)) for d in range(depth))) / size


def halving(bad: frozenset[int], n: int, size: int) -> int:
    """Runs of bors: batch after batch, and both halves of a red one."""

    def cost(batch: range) -> int:
        if len(batch) == 1 or bad.isdisjoint(batch):
            return 1
        middle = len(batch) // 2
        return 1 + cost(batch[:middle]) + cost(batch[middle:])

    return sum(cost(range(start, min(start + size, n))) for start in range(0, n, size))


def window(bad: frozenset[int], n: int, workers: int) -> tuple[int, int]:
    """Runs and rounds of Zuul: each change on all before it; behind a red one everybody begins anew."""
    runs, rounds, at, size = 0, 0, 0, WINDOW
    while at < n:
        ahead = range(at, min(n, at + min(size, workers)))
        runs, rounds = runs + len(ahead), rounds + 1
        red = next((number for number in ahead if number in bad), None)
        size = size + len(ahead) if red is None else max(FLOOR, (size + red - at) // 2)
        at = ahead.stop if red is None else red + 1
    return runs, rounds


# Measuring


def measure(case: Case) -> Costs:
    """Play one case in as many worlds as asked for."""
    chances, size = [case.p] * case.n, best_batch(case.p, case.n)
    sizes, confirm = table(chances), 1 if case.flaky else 0
    worlds = [draw(chances, seed) for seed in range(case.seeds)]
    played = [
        play(World(bad, flaky=case.flaky), chances, workers=case.workers, confirm=confirm, seed=seed)
        for seed, bad in enumerate(worlds)
    ]
    controls, exact = [alone(bad, sizes) for bad in worlds], sizes.unknown[0]
    others = [window(bad, case.n, case.workers) for bad in worlds]
    wrong = sum(len(set(one.returned) - bad) for one, bad in zip(played, worlds, strict=True))
    return Costs(
        runs=paired([one.runs for one in played], controls, exact),
        work=paired([one.work for one in played], controls, exact),
        time=paired([one.time for one in played], controls, exact),
        exact=exact,
        bors=fmean(halving(bad, case.n, size) for bad in worlds),
        window=(fmean(runs for runs, _ in others), fmean(rounds for _, rounds in others)),
        wrong=wrong / sum(case.n - len(bad) for bad in worlds),
    )


def targets(case: Case, costs: Costs) -> Iterator[tuple[str, bool]]:
    """What is aimed at in this case, and whether it was reached."""
    runs, time = costs.work.value / case.limit, costs.time.value * case.workers / case.limit
    if case.flaky:
        if case.workers == 1 and case.limit >= ENOUGH:
            yield "runs <= 1.25 limit", runs <= 1.25
        yield "wrong <= .1 %", costs.wrong <= 0.001
        return
    if case.workers == 1:
        yield "the exact mean", abs(costs.runs.value - costs.exact) <= 3 * costs.runs.error + 0.001 * costs.exact
        if case.limit >= ENOUGH:
            yield "runs <= 1.05 limit", runs <= 1.05
    if case.workers == 2 and case.n == 64:
        most, longest = (1.25, 1.40) if case.p < 0.05 else (1.20, 1.25)
        yield f"runs <= {most:.2f} limit", runs <= most
        yield f"time <= {longest:.2f} limit", time <= longest
    if case.p == 0.05 and case.n >= 64:
        if case.workers == 1:
            yield "bors needs a third more", costs.runs.value <= 0.75 * costs.bors
        else:
            yield "the window needs thrice", costs.runs.value * 3 <= costs.window[0]


def row(case: Case, costs: Costs) -> str:
    n, limit = case.n, case.limit
    runs, time = costs.runs, costs.time
    said = ", ".join(f"{what}: {'yes' if met else 'NO'}" for what, met in targets(case, costs))
    return (
        f"{case.p:4.2f}{n:5}{case.workers:3} |{n:6}{costs.bors / n:6.2f} ({best_batch(case.p, n):2})"
        f"{costs.window[0] / n:7.2f}{costs.window[1]:7.1f} |{limit:7.2f}{costs.exact:8.2f} |"
        f"{runs.value / n:6.3f}{runs.value / limit:7.3f} ±{runs.error / limit:5.3f}{costs.work.value / limit:7.3f}"
        f"{time.value:8.2f}{time.value * case.workers / limit:7.3f}{costs.wrong:9.3%}  {said}"
    )


HEAD = (
    " p      n  w | serial  bors (b) window   time |  limit   exact | /branch /limit  error   work    time /limit"
    "    wrong  aims"
)


def unequal(name: str, seeds: int) -> str:
    """One line about branches of unequal chances, the likely ones last, held against their bits."""
    prior: Callable[[random.Random], float] = PRIORS[name]
    runs, told, exact, limit = 0.0, 0.0, 0.0, 0.0
    for seed in range(seeds):
        chance = random.Random(seed)
        chances = sorted(prior(chance) for _ in range(64))
        bad = draw(chances, seed + 1_000_000)
        runs += play(World(bad), chances).runs
        told += surprise(bad, chances)
        exact += table(chances).unknown[0]
        limit += sum(map(bits, chances))
    return f"{name}: played {runs / told:.3f} of the bits drawn, exact mean {exact / limit:.3f} of the limit"


def main(argv: Sequence[str] | None = None) -> None:
    """See the module."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=100, help="worlds in each case; those of 256 branches a quarter")
    parser.add_argument("--workers", default="1,2,8", help="runs of the gate at once")
    parser.add_argument("--lengths", default=",".join(map(str, LENGTHS)), help="branches")
    parser.add_argument("--chances", default=",".join(map(str, CHANCES)), help="of a branch to be red")
    parser.add_argument("--flaky", type=float, default=0.0, help="share of runs in which a good tree shows red")
    args = parser.parse_args(argv)
    cases = [
        Case(p, n, w, args.flaky, max(2, args.seeds // 4 if n > 64 else args.seeds))
        for p in map(float, args.chances.split(","))
        for n in map(int, args.lengths.split(","))
        for w in map(int, args.workers.split(","))
    ]
    print(f"{args.seeds} worlds; all means by what the bare search needs there, whose own mean is known")
    print(f"confirmed once, capacity {capacity(args.flaky):.3f}" if args.flaky else "no flakes, nothing confirmed")
    print(HEAD, flush=True)
    with ProcessPoolExecutor(2) as pool:
        missed = 0
        for case, costs in zip(cases, pool.map(measure, cases), strict=True):
            print(row(case, costs), flush=True)
            missed += sum(not met for _, met in targets(case, costs))
        if not args.flaky:
            print("\n64 branches of unequal chances, ascending")
            print("\n".join(pool.map(partial(unequal, seeds=args.seeds), PRIORS)))
    print(f"\n{missed} aims missed")


if __name__ == "__main__":
    main()
