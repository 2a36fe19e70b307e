"""The reports of branches that need no explaining: landed, would land, nothing to land."""

from __future__ import annotations

import msgspec

from gitbot.model.merge import Candidate
from gitbot.model.run import BranchReport, Entry, Flag, Outcome, Proof


def closed(entry: Entry, outcome: Outcome, why: str) -> BranchReport:
    """A branch that has nothing to land."""
    return BranchReport(branch=entry.name, plan=entry.plan, tip=entry.tip, outcome=outcome, why=why)


def landed(entry: Entry, candidate: Candidate, proof: Proof, flags: tuple[Flag, ...]) -> BranchReport:
    """A branch that lands."""
    return BranchReport(
        branch=entry.name,
        plan=entry.plan,
        tip=entry.tip,
        outcome=Outcome.LANDED,
        strategy=candidate.strategy,
        why=candidate.why,
        commits=candidate.commits,
        resolved=candidate.resolved,
        proof=proof,
        flags=flags,
    )


def would_land(done: BranchReport) -> BranchReport:
    """The same in a dry run, where nothing landed."""
    return msgspec.structs.replace(
        done,
        outcome=Outcome.WAITING,
        why=f"would land by {done.strategy}: {done.why}",
        commits=(),
        proof=None,
        next="run it without --dry-run",
    )


def line(done: BranchReport) -> str:
    """One line for the progress of a run."""
    return f"{done.branch}: {done.outcome}" + (f" ({done.reason})" if done.reason else "")
