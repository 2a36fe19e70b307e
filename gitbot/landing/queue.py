"""What to do next, given all that is known: the plain queue, one branch at a time.

A pure function of facts, asked again from scratch after every step, so that a restart loses nothing. It is the
oracle against which a cleverer queue is tested: slower, and never wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

from gitbot.model.gate import GateVerdict
from gitbot.model.git import BranchName, Oid
from gitbot.model.merge import Candidate, Conflict, Nothing
from gitbot.model.run import BranchReport, Entry, Outcome, Reason

Examined = tuple[Candidate, ...] | Conflict | Nothing


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that a decision may rest on."""

    entries: tuple[Entry, ...]  # in landing order
    reports: Mapping[BranchName, BranchReport]  # branches that have come to their end
    examined: Mapping[BranchName, Examined]  # on the target as it is now
    sightings: Mapping[Oid, tuple[GateVerdict, ...]]  # by tree, oldest first
    target: Oid  # the target's tree
    gated: bool = True
    confirm: int = 1  # further red runs before a branch is rejected
    trespass: frozenset[BranchName] = field(default_factory=frozenset)  # touched what another plan owns


@dataclass(frozen=True, slots=True)
class Examine:
    """Find out what the branch would be on this target."""

    entry: Entry


@dataclass(frozen=True, slots=True)
class Test:
    """Run the gate on this candidate's tree."""

    candidate: Candidate


@dataclass(frozen=True, slots=True)
class TestTarget:
    """Run the gate on the bare target, before anybody is blamed."""


@dataclass(frozen=True, slots=True)
class Land:
    """Move the target to this candidate."""

    entry: Entry
    candidate: Candidate


@dataclass(frozen=True, slots=True)
class SetAside:
    """Give the branch back. `found` is what was tried last."""

    entry: Entry
    reason: Reason
    found: Candidate | Conflict | None = None
    partner: BranchName | None = None


@dataclass(frozen=True, slots=True)
class Close:
    """The branch has nothing to land."""

    entry: Entry
    nothing: Nothing


@dataclass(frozen=True, slots=True)
class TargetRed:
    """The target itself does not pass: land nothing more, blame nobody."""


@dataclass(frozen=True, slots=True)
class Done:
    """Every branch has come to its end."""


Step = Examine | Test | TestTarget | Land | SetAside | Close | TargetRed | Done


class Standing(Enum):
    """What the gate's sightings of one tree amount to."""

    UNKNOWN = auto()
    PASSED = auto()
    AGAIN = auto()  # red, not yet confirmed
    RED = auto()


STRANGE_ENDS = 2  # a time-out, a crash or an empty run that repeats is the tree's, while the bare target passes
MOST_RUNS = 3


def standing(sightings: tuple[GateVerdict, ...], confirm: int) -> Standing:
    """One pass lands a tree; a red one counts when it was confirmed, a strange end when it came twice."""
    if not sightings:
        return Standing.UNKNOWN
    if GateVerdict.PASSED in sightings:
        return Standing.PASSED
    red = sightings.count(GateVerdict.FAILED)
    strange = len(sightings) - red
    if red > confirm or strange >= STRANGE_ENDS or len(sightings) >= MOST_RUNS:
        return Standing.RED
    return Standing.AGAIN


def decide(facts: Facts) -> tuple[Step, ...]:
    """The next step, as a tuple of one: this queue never does two things at once."""
    for entry in facts.entries:
        if entry.name not in facts.reports:
            return (_gate_of_phase(facts, entry) or _next_for(facts, entry),)
    return (Done(),)


def _gate_of_phase(facts: Facts, entry: Entry) -> Step | None:
    """Between two phases the target has to pass; it usually has, as the last tree that landed."""
    begins = next(one for one in facts.entries if one.phase == entry.phase) is entry
    if not facts.gated or not begins or entry is facts.entries[0]:
        return None
    return _target_must_pass(facts)


def _next_for(facts: Facts, entry: Entry) -> Step:
    blocker = _blocker(facts, entry)
    if blocker is not None:
        return SetAside(entry, Reason.BLOCKED, partner=blocker or None)
    found = facts.examined.get(entry.name)
    match found:
        case None:
            return Examine(entry)
        case Nothing():
            return Close(entry, found)
        case _ if entry.name in facts.trespass:
            return SetAside(entry, Reason.OWNERSHIP, found if isinstance(found, Conflict) else None)
        case Conflict():
            return SetAside(entry, Reason.CONFLICT, found)
        case _:
            return _judge(facts, entry, found)


def _blocker(facts: Facts, entry: Entry) -> BranchName | None:
    """A dependency that did not land; the empty name for one that has no branch here. None: nothing blocks."""
    if entry.missing:
        return BranchName("")
    for need in entry.needs:
        report = facts.reports.get(need)
        if report is not None and report.outcome is Outcome.SET_ASIDE:
            return need
    return None


def _judge(facts: Facts, entry: Entry, candidates: tuple[Candidate, ...]) -> Step:
    if not facts.gated:
        return Land(entry, candidates[0])
    for candidate in candidates:
        match standing(facts.sightings.get(candidate.tree, ()), facts.confirm):
            case Standing.PASSED:
                return Land(entry, candidate)
            case Standing.UNKNOWN:
                return Test(candidate)
            case Standing.AGAIN:
                return _target_must_pass(facts) or Test(candidate)
            case Standing.RED:
                blameless = _target_must_pass(facts)
                if blameless is not None:
                    return blameless
    last = candidates[-1]
    if set(facts.sightings.get(last.tree, ())) == {GateVerdict.BROKEN}:
        return SetAside(entry, Reason.INFRA, last)
    return SetAside(entry, Reason.CONFLICT if last.resolved else Reason.GATE, last)


def _target_must_pass(facts: Facts) -> Step | None:
    """None when the bare target is known to pass."""
    match standing(facts.sightings.get(facts.target, ()), facts.confirm):
        case Standing.PASSED:
            return None
        case Standing.RED:
            return TargetRed()
        case _:
            return TestTarget()
