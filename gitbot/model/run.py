"""A run of `integrate`: what was asked, what was written down on the way, and what came of each branch.

The records are the journal. Everything a run knows can be folded from them and the references, so a killed run goes
on from its records alone. Encoded as JSON; fields are only ever added.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal, NewType

import msgspec

from gitbot.model.gate import GateResult
from gitbot.model.git import ZERO, BranchName, Oid, RefName
from gitbot.model.merge import ConflictedPath, Resolution, Strategy, Submitted
from gitbot.model.plan import PlanId

RunId = NewType("RunId", str)
"""`<UTC yyyymmddThhmmssZ>-<4 hex>`."""


class Outcome(StrEnum):
    """What became of a branch; the JSON's words."""

    LANDED = "landed"
    SET_ASIDE = "set-aside"
    ALREADY_LANDED = "already-landed"
    EMPTY = "empty"
    WAITING = "waiting"


class Reason(StrEnum):
    """Why a branch did not land."""

    CONFLICT = "conflict"
    GATE = "gate"
    OWNERSHIP = "ownership"
    BLOCKED = "blocked"
    INFRA = "infra"
    TARGET_RED = "target-red"
    INTERRUPTED = "interrupted"


class _Value(msgspec.Struct, frozen=True, kw_only=True):
    """What every record and report has in common."""


class Patches(_Value, frozen=True, kw_only=True):
    """What became of a branch's commits by git's patch ids; merges among them are not counted."""

    same: int
    adapted: int  # on the target with other lines, or together with others
    dropped: int  # empty, or on the target already


class Proof(_Value, frozen=True, kw_only=True):
    """That nothing of a landed branch was lost: its diff replayed onto the result adds nothing."""

    residual: str
    backup: RefName
    patches: Patches | None = None  # None in records of before it was counted


class Flag(_Value, frozen=True, kw_only=True):
    """What a person would want to know of a branch that lands."""

    kind: str
    paths: tuple[str, ...]
    text: str


class DriftReport(_Value, frozen=True, kw_only=True):
    """What a branch touched and its plans do not claim, and what they claim and it did not touch."""

    foreign: tuple[str, ...]
    shared: tuple[str, ...]
    unowned: tuple[str, ...]
    untouched: tuple[str, ...]
    lines: dict[str, tuple[tuple[int, int], ...]]  # by path the first and last lines of what it wrote, from 1


class Hint(_Value, frozen=True, kw_only=True):
    """A line of the merged tree that two sides' work may have broken together; a note, never a verdict."""

    kind: str  # removed, signature, doubled
    path: str
    line: int
    name: str
    partner: BranchName | None  # whose work landed before; None: it was on the target before the run
    text: str


class BranchReport(_Value, frozen=True, kw_only=True):
    """How one branch ended: one element of `branches` in the integrate document."""

    branch: BranchName
    plan: PlanId | None = None
    tip: Oid
    outcome: Outcome
    strategy: Strategy | None = None
    why: str
    commits: tuple[Oid, ...] = ()
    resolved: tuple[Resolution, ...] = ()
    reason: Reason | None = None
    partner: BranchName | None = None  # of several the likeliest
    partners: tuple[BranchName, ...] = ()  # all of whom it may be, the likeliest first
    suspected: bool = False  # the partners only landed before: nothing says that it is with them, or with one alone
    conflicts: tuple[tuple[ConflictedPath, str], ...] = ()  # with whom: a branch, or the target
    log: str | None = None  # path
    retry: str | None = None  # path
    proof: Proof | None = None
    flags: tuple[Flag, ...] = ()
    hints: tuple[Hint, ...] = ()
    drift: DriftReport | None = None  # None without a plan
    next: str | None = None  # the next step, in words
    order: str | None = None  # why it had its turn when it had it, where conflicts decided that


class Entry(_Value, frozen=True, kw_only=True):
    """One branch of a run as it was resolved and pinned at the start, in landing order."""

    name: BranchName
    tip: Oid
    plan: PlanId | None = None
    title: str | None = None
    strategy: Strategy | None = None
    needs: tuple[BranchName, ...] = ()  # branches that have to land first
    missing: tuple[str, ...] = ()  # dependencies that are neither landed nor in the command
    phase: int = 0
    order: str | None = None  # as in the report
    agent: str | None = None  # whose work it is
    areas: tuple[str, ...] = ()  # folders that it touches
    near: tuple[BranchName, ...] = ()  # branches of the run that touch a file that it touches
    behind: tuple[BranchName, ...] = ()  # those before it that it conflicts with
    chance: float = 0.1  # that it makes a green target red, learnt from earlier runs
    backup: RefName
    patch: Submitted | None = None

    @property
    def words(self) -> tuple[str, ...]:
        """By which the command names it."""
        return (self.name,) if self.patch is None else ("--patch", self.patch.file)

    @property
    def pin(self) -> RefName:
        """What keeps the branch's commits while the run is under way and for a grace time after."""
        return RefName(self.backup.replace("/backup/", "/pin/", 1))


class Request(_Value, frozen=True, kw_only=True):
    """What was asked for; the same request picks a killed run up again."""

    names: tuple[str, ...]
    target: RefName
    strategies: tuple[Strategy, ...] = ()  # (): as plan and configuration say for each branch
    accept_both: Literal["careful", "bold"] = "careful"
    gate: str | tuple[str, ...] | None = None  # None: --no-gate
    gate_timeout: float = 1800
    plans: str | None = None
    update_branches: bool = False
    land: str | None = None
    jobs: int = 1
    queue: Literal["auto", "serial"] = "auto"
    patches: tuple[str, ...] = ()  # digests


class Started(_Value, frozen=True, kw_only=True, tag="started"):
    """The first record of every run; everything later is derived from it and from the repository."""

    run: RunId
    clone: str = ""  # whose run it is: runs of other clones can be fetched
    time: float  # seconds since the epoch; also the committer date of what the run writes
    request: Request
    before: Oid
    identity: tuple[str, str]
    offset: int = 0  # minutes east of UTC, for the dates of what the run writes
    entries: tuple[Entry, ...]
    config: dict[str, object]


class Tested(_Value, frozen=True, kw_only=True, tag="tested"):
    """One run of the gate, or a result that was known already."""

    branches: tuple[BranchName, ...]  # in the order in which they were merged; none: the bare target
    result: GateResult
    cached: bool  # from another run: it cost this one nothing
    log: str | None = None  # name of the run's file with the output
    whole: bool = True  # all gates ran, and not only those that what was changed asks for
    onto: Oid = ZERO  # where the target was
    began: float | None = None  # seconds since the epoch, checkout included; None: no run, or of before it was kept
    slot: int = 0  # the worker, from 0


class Stopped(_Value, frozen=True, kw_only=True, tag="stopped"):
    """A run of the gate that was ended because nobody needed its answer any more."""

    branches: tuple[BranchName, ...]
    seconds: float
    began: float | None = None
    slot: int = 0


class Landed(_Value, frozen=True, kw_only=True):
    """What one branch adds to the target: from one commit to the next; `report` holds when the target has moved."""

    before: Oid
    after: Oid
    report: BranchReport


class Landing(_Value, frozen=True, kw_only=True, tag="landing"):
    """The intent to move the target by one swap from `before` to `after`, written before it is moved."""

    ref: RefName
    steps: tuple[Landed, ...]  # each stands on the one before it

    @property
    def before(self) -> Oid:
        """Where the target has to be."""
        return self.steps[0].before

    @property
    def after(self) -> Oid:
        """Where it will be; the tree of no other step was tested."""
        return self.steps[-1].after


class Settled(_Value, frozen=True, kw_only=True, tag="settled"):
    """The end of one branch."""

    report: BranchReport


class Moved(_Value, frozen=True, kw_only=True, tag="moved"):
    """Somebody else moved the target while the run was under way."""

    before: Oid
    after: Oid


RunEnd = Literal["done", "stopped", "interrupted"]


class Finished(_Value, frozen=True, kw_only=True, tag="finished"):
    """The last record: done, stopped (exit 3 or 4), or interrupted and closed by another command."""

    time: float
    state: RunEnd
    after: Oid | None
    message: str | None = None
    hint: str | None = None
    exit_code: int = 0


class Delivered(_Value, frozen=True, kw_only=True, tag="delivered"):
    """The document of the finished run has been written out; before that a kill leaves nobody informed."""

    time: float


class Undoing(_Value, frozen=True, kw_only=True, tag="undoing"):
    """The intent to take the run back, written before the target is moved from `before` to `to`."""

    before: Oid
    to: Oid
    by_revert: bool


class Undone(_Value, frozen=True, kw_only=True, tag="undone"):
    """The run was taken back by `gitbot undo`, to `to` or by the commit `to`."""

    time: float
    to: Oid
    by_revert: bool


Record = Started | Tested | Stopped | Landing | Settled | Moved | Finished | Delivered | Undoing | Undone


class GateUse(_Value, frozen=True, kw_only=True):
    """What the gate cost in one run."""

    command: str | tuple[str, ...] | None
    runs: int
    cached: int
    failed: int
    seconds: float
    stopped: int = 0  # runs that were begun, and ended when another's answer had made theirs needless


class Run(_Value, frozen=True, kw_only=True):
    """The integrate document, folded from the records."""

    run: RunId
    dry_run: bool
    land: str | None = None  # the target was left alone: where the tested result went
    target: BranchName
    before: Oid
    after: Oid | None
    spans: tuple[tuple[Oid, Oid], ...] = ()  # what the run itself landed; others' commits lie between two of them
    branches: tuple[BranchReport, ...]
    gate: GateUse
    state: str
    started: float
    finished: float | None
    exit_code: int = 0
    message: str | None = None  # what stopped it, if anything did
    hint: str | None = None
