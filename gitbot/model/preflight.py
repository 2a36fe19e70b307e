"""What the check before the run finds out."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from gitbot.model.plan import PlanId, PlanSet


class Severity(StrEnum):
    """What an overlap does to the schedule: never one phase, one before the other, or only a word."""

    BLOCKS = "blocks"
    ORDERS = "orders"
    NOTES = "notes"


class Level(StrEnum):
    """How loud a finding is; only errors make `check` leave with 1."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Verdict(StrEnum):
    """The answer in one word; `parallel` is said as "no file conflict found", never as "safe"."""

    PARALLEL = "parallel"
    PHASED = "phased"
    SEQUENTIAL = "sequential"


@dataclass(frozen=True, slots=True)
class Overlap:
    """Two plans that claim a common path. Symmetric: `plans` is sorted, never one plan twice."""

    plans: tuple[PlanId, PlanId]
    paths: tuple[str, ...]  # tracked examples first, then the witness; never empty
    severity: Severity
    reason: str
    before: PlanId | None = None  # who goes first, when something orders them
    same_phase: bool = False
    locations: tuple[Location, ...] = ()


@dataclass(frozen=True, slots=True)
class Edge:
    """One plan before another. Kinds: plan, phase, event, commit, file (the JSON's words)."""

    before: PlanId
    after: PlanId
    kind: str
    reason: str
    path: str
    line: int
    pipelined: bool = False


@dataclass(frozen=True, slots=True)
class Location:
    """A place in a file, 1-based."""

    path: str
    line: int = 1
    column: int = 1


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to look at. `rule` is a stable name of `gitbot check --rules`."""

    rule: str
    level: Level
    message: str
    plans: tuple[PlanId, ...] = ()
    paths: tuple[str, ...] = ()
    locations: tuple[Location, ...] = ()
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """The whole answer: every plan once in `phases`, no blocking pair in one of them."""

    verdict: Verdict
    plans: PlanSet
    overlaps: tuple[Overlap, ...]
    edges: tuple[Edge, ...]
    phases: tuple[tuple[PlanId, ...], ...]
    findings: tuple[Finding, ...]
    unknown: tuple[PlanId, ...] = ()  # plans in which no path was found
    why: dict[PlanId, str] = field(default_factory=dict)  # the reason of each placement
    branches: dict[PlanId, str] = field(default_factory=dict)  # declared, else what the configuration gives
