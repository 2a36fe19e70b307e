"""The records of a run, folded into what is reported; the same for a run that is over and one that was killed."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, pairwise

from msgspec import structs

from gitbot.model.gate import GateVerdict
from gitbot.model.git import BranchName, Oid
from gitbot.model.run import (
    BranchReport,
    Entry,
    Finished,
    GateUse,
    Landed,
    Landing,
    Moved,
    Outcome,
    Reason,
    Record,
    Run,
    Settled,
    Started,
    Stopped,
    Tested,
    Undone,
)


def fold(records: Sequence[Record], *, dry_run: bool = False, after: Oid | None = None) -> Run:
    """The integrate document of a run. `after` is where the target is, for a run that has not said so itself."""
    started = records[0]
    assert isinstance(started, Started)
    finished = next((record for record in records if isinstance(record, Finished)), None)
    undone = any(isinstance(record, Undone) for record in records)
    ends = reports(records)
    landings = landed(records)
    state = "undone" if undone else finished.state if finished else "running"
    branches = tuple(
        structs.replace(ends.get(entry.name) or _waiting(entry, finished), order=entry.order)
        for entry in started.entries
    )
    return Run(
        run=started.run,
        dry_run=dry_run,
        land=started.request.land,
        target=BranchName(started.request.target.removeprefix("refs/heads/").removeprefix("refs/remotes/")),
        before=started.before,
        after=finished.after if finished else (landings[-1].after if landings else after),
        spans=_spans(landings),
        branches=branches,
        gate=_gate_use(started, records),
        state=state,
        started=started.time,
        finished=finished.time if finished else None,
        exit_code=_exit_code(branches, finished, dry_run=dry_run),
        message=finished.message if finished else None,
        hint=finished.hint if finished else None,
    )


def reports(records: Sequence[Record]) -> dict[BranchName, BranchReport]:
    """How each branch ended: one that somebody took off the target again has two ends, of which the last counts."""
    return {record.report.branch: record.report for record in records if isinstance(record, Settled)}


def moves(records: Sequence[Record]) -> list[Landed | Moved]:
    """How the target moved, oldest first: what the run landed, branch by branch, and what others did meanwhile."""
    found: list[Landed | Moved] = []
    intent: Landing | None = None
    for record in records:
        match record:
            case Landing():
                intent = record
            case Moved():
                found.append(record)
                intent = None
            case Settled() if intent and record.report.branch in {step.report.branch for step in intent.steps}:
                if record.report.outcome is not Outcome.SET_ASIDE:
                    found += intent.steps
                intent = None
            case _:
                pass
    return found


def landed(records: Sequence[Record]) -> list[Landed]:
    """The branches that landed, and were not taken off again during the run; in a dry run those that would have."""
    ends, found = reports(records), [move for move in moves(records) if isinstance(move, Landed)]
    return [one for one in found if ends.get(one.report.branch, one.report).reason is not Reason.BLOCKED]


def _spans(landings: Sequence[Landed]) -> tuple[tuple[Oid, Oid], ...]:
    """From where to where the run took the target, as often as others came between."""
    cuts = [(one.after, other.before) for one, other in pairwise(landings) if one.after != other.before]
    ends = [landings[0].before, *chain(*cuts), landings[-1].after] if landings else []
    return tuple(zip(ends[::2], ends[1::2], strict=True))


def _exit_code(branches: Sequence[BranchReport], finished: Finished | None, *, dry_run: bool) -> int:
    """0 when nothing needs attention, 1 for a branch that did not land, 3 and 4 where the run had to stop."""
    if finished is not None and finished.exit_code:
        return finished.exit_code
    fine = {Outcome.LANDED, Outcome.ALREADY_LANDED, Outcome.EMPTY} | ({Outcome.WAITING} if dry_run else set())
    return 0 if all(report.outcome in fine for report in branches) else 1


def _waiting(entry: Entry, finished: Finished | None) -> BranchReport:
    red = finished is not None and finished.exit_code == 3
    why = finished.message.splitlines()[0] if finished and finished.message else "the run was interrupted"
    step = (finished.hint if finished else None) or "run the same command again"
    return BranchReport(
        branch=entry.name,
        plan=entry.plan,
        tip=entry.tip,
        outcome=Outcome.WAITING,
        why=why,
        reason=Reason.TARGET_RED if red else Reason.INTERRUPTED,
        next=step,
    )


def _gate_use(started: Started, records: Sequence[Record]) -> GateUse:
    tests = [record for record in records if isinstance(record, Tested)]
    fresh = [record for record in tests if not record.cached]
    return GateUse(
        command=started.request.gate,
        runs=len(fresh),
        cached=len(tests) - len(fresh),
        failed=sum(record.result.verdict not in (GateVerdict.PASSED, GateVerdict.BROKEN) for record in fresh),
        seconds=round(sum(record.result.seconds for record in fresh), 3),
        stopped=sum(isinstance(record, Stopped) for record in records),
    )
