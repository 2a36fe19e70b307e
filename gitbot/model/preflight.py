"""What the check before the run finds out."""

from __future__ import annotations

from collections.abc import Mapping
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
class History:
    """What some commits before the target's tip say about its files."""

    commits: int = 0  # that were looked at
    changes: Mapping[str, int] = field(default_factory=dict)  # path -> commits that changed it
    together: Mapping[tuple[str, str], int] = field(default_factory=dict)  # sorted pair -> commits that changed both
    contested: Mapping[str, int] = field(default_factory=dict)  # path -> merges whose two sides both changed it
    whole: bool = True  # False: there are older commits that were left out
    merges: int = 0  # that were looked at, besides


@dataclass(frozen=True, slots=True)
class Question:
    """One question of the decision whether to work in parallel at all, answered for this plan set."""

    question: str
    answer: str  # "yes", "no" or "unknown"
    evidence: tuple[str, ...]  # sentences, the strongest first


@dataclass(frozen=True, slots=True)
class Span:
    """When one plan works, in minutes from the start, if every plan takes as long as it is estimated."""

    plan: PlanId
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """One agent after the other against the phases, by the plans' own estimates; low and high ends where two stand.

    Every number that no plan gives is among the assumptions, by its name in the configuration.
    """

    sequential: tuple[float, float]  # minutes
    parallel: tuple[float, float]  # minutes: the longest way through phases and waits
    speed_up: float
    utilisation: float  # 0 to 1: of the time of all agents, how much is work
    agents: int  # at the same time, at most
    timeline: tuple[Span, ...]
    critical_path: tuple[PlanId, ...]  # the plans that no time can be saved around
    requests: Mapping[str, float]  # "sequential", "parallel"
    tokens: Mapping[str, float]  # "one-session", "fresh-sessions"; context loaded: "sequential", "parallel"
    cycles: Mapping[str, float]  # planning cycles: "sequential", "parallel", "saved"
    assumptions: Mapping[str, float]
    guessed: tuple[PlanId, ...]  # plans without an estimate of their own


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
    estimate: Estimate | None = None  # None without plans
    questions: tuple[Question, ...] = ()
    existing: frozenset[str] = frozenset()  # of the paths that plans say they create, those that are tracked
