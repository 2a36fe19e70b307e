"""What became of an intent that a kill left open: read from the reference, never from memory."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto

from gitbot.model.git import BranchName, Oid
from gitbot.model.run import Landing, Moved, Record, Settled


class Fate(Enum):
    """The three ways in which an intended landing can have ended."""

    HAPPENED = auto()
    DID_NOT = auto()
    OVERTAKEN = auto()  # somebody else moved the target instead


def open_intent(records: Sequence[Record]) -> Landing | None:
    """The landing that was announced and neither settled for every branch nor given up."""
    settled: set[BranchName] = set()
    for record in reversed(records):
        match record:
            case Landing():
                return None if settled.issuperset(step.report.branch for step in record.steps) else record
            case Settled():
                settled.add(record.report.branch)
            case Moved():
                return None
            case _:
                continue
    return None


def fate(intent: Landing, target: Oid, *, contains_after: bool) -> Fate:
    """`target` is where the reference is now, `contains_after` whether it descends from the intended commit."""
    if target == intent.after or contains_after:
        return Fate.HAPPENED
    return Fate.DID_NOT if target == intent.before else Fate.OVERTAKEN
