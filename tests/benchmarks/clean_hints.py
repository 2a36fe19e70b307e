"""How often hints and flags speak on real merges: `python -m tests.benchmarks.clean_hints REPOSITORY… [--sample N]`.

Replays real merges that git calls clean, in random order, as if the second parent were a branch that lands on the
first. People merged them as they are, so that a hint counts as false, and so does a `lost-lines` flag on the branch's
own merges or on what it deleted of the twenty commits before it began. The bound is that of 95 % on the true rate
(Clopper-Pearson, one-sided). With --show every hit is printed.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections import Counter
from itertools import islice, pairwise
from math import comb
from pathlib import Path

from gitbot.errors import GitError
from gitbot.landing.partner import find_hints
from gitbot.merge.losses import Landed, deleted_landings, dropped_by_merges
from gitbot.model.git import BranchName, Oid
from gitbot.repository import Repository, history, open_repository
from gitbot.repository.workbench import Merged, Workbench
from tests.benchmarks.clean_merges import SEALED, real_merges

KINDS = ("removed", "signature", "doubled", "any hint", "dropped", "deleted")
RECENT = 20
MAIN = BranchName("main")


def upper_bound(hits: int, of: int) -> float:
    """The rate of which so few hits or fewer are seen in one sample of twenty."""
    low, high = hits / max(of, 1), 1.0
    for _ in range(40):
        rate = (low + high) / 2
        seen = sum(comb(of, k) * rate**k * (1 - rate) ** (of - k) for k in range(hits + 1))
        low, high = (rate, high) if seen > 0.05 else (low, rate)
    return high


def landed_before(repository: Repository, base: Oid) -> list[Landed]:
    """The commits of the main line before a branch began, as if each had been a branch that landed."""
    line = islice(history.first_parents(repository, base, None), RECENT)
    return [(BranchName(one.oid[:8]), one.parents[0], one.oid) for one in line if one.parents]


def said(
    repository: Repository, scratch: Path, ours: Oid, theirs: Oid, base: Oid
) -> tuple[list[str], list[float]] | None:
    """What is said of one merge, each with its kind in front, and the CPU seconds of hints and of flags."""
    with Workbench(repository, scratch, ours) as bench:
        merged = bench.merge(ours, theirs)
        if not isinstance(merged, Merged):
            return None
        viewer, clock = bench.repository, [time.process_time()]
        hints = find_hints(viewer, (base, theirs), [(None, base, ours)], merged.tree, MAIN)
        clock.append(time.process_time())
        own = history.own_commits(viewer, theirs, ours)
        dropped = dropped_by_merges(bench, own, ours, merged.tree, ())
        deleted = deleted_landings(viewer, base, theirs, merged.tree, landed_before(viewer, base))
        clock.append(time.process_time())
    told = [f"{hint.kind}: {hint.text}" for hint in hints]
    told += [
        f"{kind}: {one.path}: {one.lines[:3]}"
        for kind, of in (("dropped", dropped), ("deleted", deleted))
        for one in of
    ]
    return told, [after - before for before, after in pairwise(clock)]


def measure(path: Path, sample: int, *, show: bool) -> tuple[Counter[str], list[list[float]]]:
    """Merges with a hit, by kind, and the times of each merge."""
    repository = open_repository(path, SEALED)
    merges = real_merges(repository)
    random.Random(0).shuffle(merges)
    tally, times = Counter[str](), list[list[float]]()
    for commit, ours, theirs in merges:
        base = history.merge_base(repository, ours, theirs)
        if len(times) == sample or base in (ours, theirs, None):
            continue
        with tempfile.TemporaryDirectory(prefix="clean-hints-") as folder:
            try:
                answer = said(repository, Path(folder) / "scratch", ours, theirs, Oid(base or ""))
            except GitError:  # an object that a snapshot lacks
                continue
        if answer is not None:
            kinds = {line.partition(":")[0] for line in answer[0]}
            tally.update(kinds | ({"any hint"} if kinds & set(KINDS[:3]) else set()))
            times.append(answer[1])
            for line in answer[0] if show else ():
                print(f"  {commit[:10]} {line}")
    return tally, times


def main() -> None:
    """Print a row for each repository and one for all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("repositories", nargs="+", type=Path)
    parser.add_argument("--sample", type=int, default=50, help="clean merges of each")
    parser.add_argument("--show", action="store_true")
    asked = parser.parse_args()
    print(
        f"{'repository':<28}{'merges':>7}"
        + "".join(f"{kind:>16}" for kind in KINDS)
        + "   CPU ms mean/p95: hints, flags"
    )
    every, all_times = Counter[str](), list[list[float]]()
    for path in asked.repositories:
        tally, times = measure(path.resolve(), asked.sample, show=asked.show)
        every, all_times = every + tally, all_times + times
        print_row(str(path)[-28:], tally, times)
    print_row("all", every, all_times)


def print_row(name: str, tally: Counter[str], times: list[list[float]]) -> None:
    """Hits and bound by kind, then the times."""
    of = len(times)
    hits = "".join(f"{tally[kind]:>5} (<{100 * upper_bound(tally[kind], of):5.1f} %)" for kind in KINDS)
    spent = ((sum(column) / max(of, 1), sorted(column)[int(0.95 * of)]) for column in zip(*times, strict=True))
    print(
        f"{name:<28}{of:>7}{hits}   {', '.join(f'{1000 * mean:.0f}/{1000 * p95:.0f}' for mean, p95 in spent)}",
        flush=True,
    )


if __name__ == "__main__":
    main()
