"""What an agent is handed before it starts: its part of the work, and what the others do meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gitbot.model.plan import Plan, PlanId, Task
from gitbot.model.preflight import Edge


@dataclass(frozen=True, slots=True)
class Paper:
    """A document that agents are given word for word, or as much of its beginning as there is room for."""

    path: str
    text: str
    left_out: int = 0  # bytes


@dataclass(frozen=True, slots=True)
class Holding:
    """What another plan owns; `more` patterns had no room."""

    plan: PlanId
    branch: str
    path: str  # of the file that says so
    line: int
    patterns: tuple[str, ...]
    more: int


@dataclass(frozen=True, slots=True)
class Signal:
    """What one agent says and others wait for: an event, or a commit with these words in its subject."""

    kind: str  # "event" or "commit"
    name: str
    plans: tuple[PlanId, ...]  # of the others: who says it, or who waits for it
    command: str = ""  # for a shell; none where the commit itself says it
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """One plan, as its agent should know it."""

    plan: Plan
    branch: str
    work_tree: str  # an absolute path, whether anything is there or not; "" outside of git
    set_up: str  # the command that makes branch and work tree; "" when they are there
    target: str  # "" outside of git
    phase: int  # from 1
    phases: int
    beside: int  # other plans in the phase
    tasks: tuple[Task, ...]  # those left to do
    done: int
    total: int
    owns: tuple[str, ...]
    shared: Mapping[str, tuple[PlanId, ...]]  # by pattern: who else may change it
    reads: tuple[str, ...]
    never: tuple[str, ...]  # also what is shared by everybody and not listed by the plan
    forbidden: tuple[Holding, ...]
    holders: int  # further plans, for which there was no room
    after: tuple[Edge, ...]  # what has to have landed
    waits: tuple[Signal, ...]
    emits: tuple[Signal, ...]
    acceptance: str
    gate: str
    again: str  # the command that prints this brief
    context: tuple[Paper, ...]


@dataclass(frozen=True, slots=True)
class Briefs:
    """The briefs of a plan set by phase, the papers that stand in all of them, and remarks for people."""

    phases: tuple[tuple[Brief, ...], ...]
    context: tuple[Paper, ...] = ()
    notes: tuple[str, ...] = ()
    every: int = 900  # seconds from one turn of a timed job to the next
