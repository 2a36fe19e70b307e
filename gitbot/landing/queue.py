"""What to do next, given all that is known: the facts, the steps, and the plain queue.

Pure functions of facts, asked again from scratch after every event, so that a restart loses nothing. The plain queue
takes one branch at a time: slower than `gitbot.landing.groups`, never wrong, and the oracle it is tested against.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import cached_property

from gitbot.model.gate import GateVerdict
from gitbot.model.git import BranchName, Oid
from gitbot.model.merge import Candidate, Conflict, Nothing
from gitbot.model.run import BranchReport, Entry, Outcome, Reason

Examined = tuple[Candidate, ...] | Conflict | Nothing


@dataclass(frozen=True, slots=True)
class Sighting:
    """What one run of the gate said; `branches` made the tree, in this order, on the target of that time."""

    tree: Oid
    branches: tuple[BranchName, ...]
    verdict: GateVerdict
    fresh: bool = True  # from this run of gitbot, in a checkout that held nothing of an earlier one
    whole: bool = True  # all gates ran, and not only those that what was changed asks for
    gate: str = ""  # the one that decided


@dataclass(frozen=True, slots=True)
class Running:
    """A run of the gate under way; no branches: of the bare target."""

    tree: Oid
    branches: tuple[BranchName, ...]


@dataclass(frozen=True)
class Facts:
    """Everything that a decision may rest on."""

    entries: tuple[Entry, ...]  # in landing order
    reports: Mapping[BranchName, BranchReport]  # branches that have come to their end
    examined: Mapping[tuple[BranchName, Oid], Examined]  # by the commit that they were merged onto
    sightings: tuple[Sighting, ...]  # oldest first
    tip: Oid  # the target's commit
    tree: Oid  # and its tree
    gated: bool = True
    confirm: int = 1  # further red runs before a branch is rejected
    trespass: frozenset[tuple[BranchName, Oid]] = field(default_factory=frozenset)  # touches what another plan owns
    unapproved: Mapping[tuple[BranchName, Oid], str] = field(default_factory=dict)  # and why a person has to say yes
    running: tuple[Running, ...] = ()
    workers: int = 1  # gate runs at once

    @cached_property
    def waiting(self) -> tuple[Entry, ...]:
        """The branches of the current phase that have no verdict yet."""
        left = [entry for entry in self.entries if entry.name not in self.reports]
        return tuple(entry for entry in left if entry.phase == left[0].phase)

    @cached_property
    def verdicts(self) -> Mapping[Oid, tuple[Sighting, ...]]:
        """What was seen of each tree, oldest first."""
        found: dict[Oid, tuple[Sighting, ...]] = {}
        for seen in self.sightings:
            found[seen.tree] = (*found.get(seen.tree, ()), seen)
        return found

    def standing(self, tree: Oid) -> Standing:
        """What the gate's sightings of one tree amount to."""
        return standing(self.verdicts.get(tree, ()), self.confirm)


@dataclass(frozen=True, slots=True)
class Link:
    """One branch in a chain: merged onto the link before it, the first one onto the target."""

    entry: Entry
    candidate: Candidate


Chain = tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class Examine:
    """Find out what the branch would be on this commit."""

    entry: Entry
    onto: Oid


@dataclass(frozen=True, slots=True)
class Test:
    """Run the gate on the last link's tree."""

    chain: Chain

    @property
    def tree(self) -> Oid:
        """What is tested."""
        return self.chain[-1].candidate.tree

    @property
    def branches(self) -> tuple[BranchName, ...]:
        """Who is in it, in order."""
        return tuple(link.entry.name for link in self.chain)


@dataclass(frozen=True, slots=True)
class TestTarget:
    """Run the gate on the bare target, before anybody is blamed."""


@dataclass(frozen=True, slots=True)
class Stop:
    """End a run of the gate whose answer nobody needs any more."""

    tree: Oid


@dataclass(frozen=True, slots=True)
class Land:
    """Move the target to the last link, in one step."""

    chain: Chain


@dataclass(frozen=True, slots=True)
class SetAside:
    """Give the branch back. `found` is what was tried last."""

    entry: Entry
    reason: Reason
    found: Candidate | Conflict | None = None
    partner: BranchName | None = None


@dataclass(frozen=True, slots=True)
class Hold:
    """The branch waits for a person's yes."""

    entry: Entry
    why: str


@dataclass(frozen=True, slots=True)
class Close:
    """The branch has nothing to land."""

    entry: Entry
    nothing: Nothing


@dataclass(frozen=True, slots=True)
class TargetRed:
    """The target itself does not pass: land nothing more, blame nobody."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do until a run of the gate ends."""


@dataclass(frozen=True, slots=True)
class Done:
    """Every branch has come to its end."""


Step = Examine | Test | TestTarget | Stop | Land | SetAside | Hold | Close | TargetRed | Wait | Done


class Standing(Enum):
    """What the gate's sightings of one tree amount to."""

    UNKNOWN = auto()
    PASSED = auto()
    AGAIN = auto()  # red, not yet confirmed
    RED = auto()


STRANGE_ENDS = 2  # a time-out, a crash or an empty run that repeats is the tree's, while the bare target passes
MOST_RUNS = 3


def standing(seen: Sequence[Sighting], confirm: int) -> Standing:
    """One pass lands a tree; a red one counts when the same gate confirmed it, a strange end when it came twice.

    What an earlier run of gitbot saw, or a checkout in which something was left, may confirm; on their word alone
    nobody is rejected.
    """
    if not seen:
        return Standing.UNKNOWN
    if any(one.verdict is GateVerdict.PASSED for one in seen):
        return Standing.PASSED
    by_gate = ([one for one in seen if one.gate == gate] for gate in {one.gate for one in seen})
    return Standing.RED if any(_is_confirmed(same, confirm) for same in by_gate) else Standing.AGAIN


def _is_confirmed(seen: Sequence[Sighting], confirm: int) -> bool:
    """Whether one gate's sightings, none of them green, are enough to say that the tree is red."""
    red = sum(one.verdict is GateVerdict.FAILED for one in seen)
    enough = red > confirm or len(seen) - red >= STRANGE_ENDS or len(seen) >= MOST_RUNS
    return enough and any(one.fresh for one in seen)


def decide(facts: Facts) -> tuple[Step, ...]:
    """The next step of the plain queue, as a tuple of one: it never does two things at once."""
    if facts.running:
        return (Wait(),)
    if not facts.waiting:
        return (Done(),)
    return (phase_gate(facts) or first(facts) or alone(facts, facts.waiting[0]),)


def phase_gate(facts: Facts) -> Step | None:
    """Between two phases the target has to pass; it usually has, as the last tree that landed."""
    phase = facts.waiting[0].phase
    begins = not any(entry.phase == phase and entry.name in facts.reports for entry in facts.entries)
    if not facts.gated or not begins or phase == facts.entries[0].phase:
        return None
    return target_must_pass(facts)


def first(facts: Facts) -> Step | None:
    """What becomes of the branch at the head unless it merges: only there is the last word said on a conflict.

    None when it merges, and the gate has to say.
    """
    entry = facts.waiting[0]
    back = blocker(facts, entry)
    if back is not None:
        return SetAside(entry, Reason.BLOCKED, partner=back or None)
    found = facts.examined.get((entry.name, facts.tip))
    match found:
        case None:
            return Examine(entry, facts.tip)
        case Nothing():
            return Close(entry, found)
        case _ if (entry.name, facts.tip) in facts.trespass:
            return SetAside(entry, Reason.OWNERSHIP, found if isinstance(found, Conflict) else None)
        case Conflict():
            return SetAside(entry, Reason.CONFLICT, found)
        case _:
            why = facts.unapproved.get((entry.name, facts.tip))
            return Hold(entry, why) if why is not None else None


def blocker(facts: Facts, entry: Entry) -> BranchName | None:
    """A dependency that did not land; the empty name for one that has no branch here. None: nothing blocks."""
    if entry.missing:
        return BranchName("")
    for need in entry.needs:
        report = facts.reports.get(need)
        if report is not None and _keeps_back(report):
            return need
    return None


def _keeps_back(report: BranchReport) -> bool:
    """Whether what needs a branch cannot land: a would-land of a dry run does not."""
    return report.outcome is Outcome.SET_ASIDE or (
        report.outcome is Outcome.WAITING and report.reason is Reason.BLOCKED
    )


def alone(facts: Facts, entry: Entry) -> Step:
    """What the gate has to say of one branch on the target as it is; only on this evidence is one rejected."""
    found = facts.examined.get((entry.name, facts.tip))
    if found is None:
        return Examine(entry, facts.tip)
    if not isinstance(found, tuple):
        return Wait()  # it comes back when what it conflicts with has its verdict
    if not facts.gated:
        return Land((Link(entry, found[0]),))
    for candidate in found:
        match facts.standing(candidate.tree):
            case Standing.PASSED:
                return Land((Link(entry, candidate),))
            case Standing.UNKNOWN:
                return Test((Link(entry, candidate),))
            case Standing.AGAIN:
                return target_must_pass(facts) or Test((Link(entry, candidate),))
            case Standing.RED:
                blameless = target_must_pass(facts)
                if blameless is not None:
                    return blameless
    last = found[-1]
    if {seen.verdict for seen in facts.verdicts.get(last.tree, ())} == {GateVerdict.BROKEN}:
        return SetAside(entry, Reason.INFRA, last)
    return SetAside(entry, Reason.CONFLICT if last.resolved else Reason.GATE, last)


def target_must_pass(facts: Facts) -> Step | None:
    """None when the bare target is known to pass."""
    seen = [one for one in facts.verdicts.get(facts.tree, ()) if one.whole]
    match standing(seen, facts.confirm):
        case Standing.PASSED:
            return None
        case Standing.RED:
            return TargetRed()
        case _:
            return TestTarget()
