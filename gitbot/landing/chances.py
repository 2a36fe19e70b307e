"""What earlier runs teach: who is likely to break a green target, and what to expect of the gate.

A chance only steers which branches are tested together; a wrong one costs runs, never a verdict. What counts is a
rejection by the gate against a landing past it: conflicts, failures of the machine and waiting say nothing of a work.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from statistics import fmean, median

from gitbot.landing.search import LEAST, MOST
from gitbot.model.gate import GateVerdict
from gitbot.model.git import BranchName
from gitbot.model.run import Outcome, Reason, Record, Settled, Started, Tested

REDS, BRANCHES = 1.0, 10.0  # before anything is known: one of ten is red, and ten branches weigh as much as that
HALF_LIFE = 30  # runs after which evidence counts half
REACH = 150  # runs; what is older weighs less than a thirtieth
MOST_AREAS = 8
LATELY = 5  # passes of the gate that tell how long it takes
MEASURED, RELIABLE = 100, 0.01  # runs that tell how often the gate flakes, and a share of flakes that is none
_NESTING = frozenset(["src", "lib", "packages", "apps", "crates"])  # folders that say little without the next one

Runs = Iterable[Sequence[Record]]  # newest first


@dataclass(frozen=True, slots=True)
class Features:
    """What a branch's chance is guessed by: whose work it is, and the folders that it touches most."""

    agent: str
    areas: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Past:
    """How the gate judged a branch of an earlier run."""

    features: Features
    red: bool
    age: int  # runs since then; 0 for the latest


def features(name: BranchName, agent: str | None, paths: Iterable[str]) -> Features:
    """By a branch's name, its plan's agent if it has one, and the paths that it changes."""
    areas = Counter(map(_area, paths)).most_common(MOST_AREAS)
    return Features(_text(agent or re.split(r"[/_-]", name)[0]), tuple(area for area, _ in areas))


def _area(path: str) -> str:
    *folders, _ = path.split("/")
    return _text("/".join(folders[: 2 if _NESTING.intersection(folders[:1]) else 1])) or "."


def _text(name: str) -> str:
    """Such that it can be written down."""
    return name[:100].encode("utf-8", "replace").decode()


def chances(past: Sequence[Past], branches: Sequence[Features]) -> tuple[float, ...]:
    """For each branch the probability that it makes a green target red.

    An agent's rate is shrunk to that of the repository, which is shrunk to one in ten. An area multiplies it by the
    red branches it had over those that were to be expected of their agents, shrunk to one: so nobody pays for a
    folder because a careless agent works there too, nor twice for one in which nobody else does.
    """
    weighed = [(one.features, one.red * 0.5 ** (one.age / HALF_LIFE), 0.5 ** (one.age / HALF_LIFE)) for one in past]
    red, seen, found, expected = (defaultdict[str, float](float) for _ in range(4))
    for one, reds, weight in weighed:
        red[one.agent] += reds
        seen[one.agent] += weight
    base = (REDS + sum(red.values())) / (BRANCHES + sum(seen.values()))

    def rate(agent: str) -> float:
        return (BRANCHES * base + red[agent]) / (BRANCHES + seen[agent])

    for one, reds, weight in weighed:
        for area in one.areas:
            found[area] += reds
            expected[area] += weight * rate(one.agent)

    def chance(branch: Features) -> float:
        factors = [(REDS + found[area]) / (REDS + expected[area]) for area in branch.areas]
        return min(MOST, max(LEAST, rate(branch.agent) * fmean(factors or (1,))))

    return tuple(map(chance, branches))


def past_of(runs: Runs) -> tuple[Past, ...]:
    """What the gate said of branches of earlier runs, as far as it was asked and answered for good."""
    return tuple(one for age, records in enumerate(islice(runs, REACH)) for one in _judged(records, age))


def _judged(records: Sequence[Record], age: int) -> Iterator[Past]:
    started = records[0]
    assert isinstance(started, Started)
    entries = {entry.name: entry for entry in started.entries if started.request.gate is not None}
    for report in (record.report for record in records if isinstance(record, Settled)):
        red = report.outcome is Outcome.SET_ASIDE and (
            report.reason is Reason.GATE
            # Both sides of a conflict were kept, and that failed: else there would be no output of the tests.
            or (report.reason is Reason.CONFLICT and report.log is not None)
        )
        entry = entries.get(report.branch)
        if entry is not None and (red or report.outcome is Outcome.LANDED):
            yield Past(Features(entry.agent or "", entry.areas), red, age)


def expected_seconds(runs: Runs, command: str | tuple[str, ...] | None) -> float | None:
    """How long this gate takes, by its latest passes in runs, the current one among them; None if there is none."""
    same = (run for run in runs if isinstance(run[0], Started) and run[0].request.gate == command)
    tests = (record for run in same for record in reversed(run) if isinstance(record, Tested) and not record.cached)
    passes = (test.result.seconds for test in tests if test.result.verdict is GateVerdict.PASSED)
    lately = list(islice(passes, LATELY))
    return median(lately) if lately else None


def confirmations(good: int, rate: float) -> int:
    """`confirm = "auto"`: further red runs before a rejection, by runs on trees that pass and the share of red."""
    return 0 if good >= MEASURED and rate <= RELIABLE else 1
