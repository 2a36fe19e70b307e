"""The gate's runs of one run of integrate: when each was on which worker, and what one branch at a time would cost.

Everything comes from the records; who shows it decides how.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from gitbot.model.run import Record, Run, Started, Stopped, Tested
from gitbot.report.progress import clock
from gitbot.report.runs import LAST


@dataclass(frozen=True, slots=True)
class GateRun:
    """One run of the gate, or an answer that was known before."""

    number: int
    record: Tested | Stopped
    test: Tested | None  # None: it was stopped
    worker: int | None  # from 1; None: nobody wrote down when and where it was
    start: float  # seconds since the epoch, with the checkout
    end: float
    seconds: float  # without it
    again: bool  # to confirm what this run had seen
    verdict: str  # a GateVerdict, or "stopped"


def gate_runs(records: Sequence[Record]) -> tuple[GateRun, ...]:
    """All of them, in the order in which their answers came."""
    found, trees = list[GateRun](), set[str]()
    for record in records:
        if isinstance(record, Tested | Stopped):
            test = record if isinstance(record, Tested) else None
            took = record.result.seconds if isinstance(record, Tested) else record.seconds
            start = min(max(record.began or 0, 0), LAST)  # records of other clones say what they like
            end = min(max(test.result.finished if test else start + took, start), LAST)
            worker = record.slot + 1 if record.began is not None else None
            again = test is not None and not test.cached and test.result.tree in trees
            verdict = test.result.verdict if test else "stopped"
            found.append(GateRun(len(found) + 1, record, test, worker, start, end, took, again, verdict))
            trees.update([test.result.tree] if test else [])
    return tuple(found)


def cost_lines(run: Run, records: Sequence[Record]) -> list[str]:
    """What the gate cost, and about what it would have cost to take one branch at a time."""
    use, first, gates = run.gate, records[0], gate_runs(records)
    if use.command is None:
        return ["no gate (--no-gate): nothing was tested"]
    more = [(use.failed, "red"), (use.stopped, "stopped"), (use.cached, "known from before")]
    told = ", ".join([_runs(use.runs), *(f"{number} {word}" for number, word in more if number)])
    lines = [f"{told}; {seconds(use.seconds)} of tests in {seconds(_busy(gates))}" if use.runs else told]
    if isinstance(first, Started) and first.request.queue == "serial":
        return [*lines, "one branch at a time, as --queue serial asks"]
    made = [one for one in gates if one.test and not one.test.cached]
    judged = sum(one.proof is not None or one.log is not None for one in run.branches)
    target = sum(not one.record.branches for one in made)
    again = sum(one.again and bool(one.record.branches) for one in made)
    if not made or not judged:
        return lines
    parts = [(judged, "for the branches"), (again, "to confirm"), (target, "of the bare target")]
    why, runs = ", ".join(f"{number} {word}" for number, word in parts if number), judged + again + target
    cost = seconds(runs * fmean(one.seconds for one in made))
    return [*lines, f"one branch at a time: about {_runs(runs)} ({why}), {cost}"]


def _busy(gates: Sequence[GateRun]) -> float:
    """Seconds in which at least one run was under way; where nobody kept when, one after the other."""
    total = sum(one.seconds for one in gates if one.worker is None and one.test and not one.test.cached)
    reached = 0.0
    for one in sorted((one for one in gates if one.worker is not None), key=lambda one: one.start):
        total += max(0, one.end - max(one.start, reached))
        reached = max(reached, one.end)
    return total


def seconds(time: float) -> str:
    """`12.3 s`, from a minute on `2:05`."""
    return f"{time:.1f} s" if time < 60 else clock(time)


def _runs(number: int) -> str:
    return f"{number} run{'' if number == 1 else 's'}"
