"""What a plan says: who may write what, in which order, and what is left to do.

A plan is a promise. Whether a branch kept it is `gitbot.guard`'s question, whether two promises collide that of
`gitbot.preflight`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import NewType, Self

PlanId = NewType("PlanId", str)
"""As written by the author; compared in the form that `fold` gives."""

_PREFIX = re.compile(r"^(?:plan|agent)[-/]#?(?=[^\s/-])")


@lru_cache(maxsize=1 << 15)
def fold(id: str) -> str:
    """The form in which ids are compared: "Agent A", "agent-a", "PLAN-A" and "PLAN-A.md" are all "a"."""
    folded = re.sub(r"[\s_]+", "-", unicodedata.normalize("NFC", id).strip().casefold())
    return _PREFIX.sub("", folded.removesuffix(".md") or folded, count=1)


class Phase(tuple[int, ...]):
    """A declared phase such as 2 or 2.1, which comes between 2 and 3; ordered part by part."""

    @classmethod
    def of(cls, number: str) -> Self:
        """The phase of a text that opens with a number; 2.0 is 2."""
        parts = [int(part) for part in number.split(".")]
        while len(parts) > 1 and not parts[-1]:
            parts.pop()
        return cls(parts)

    def __str__(self) -> str:
        return ".".join(map(str, self))


class Access(StrEnum):
    """What a claim allows."""

    OWN = "own"
    SHARED = "shared"
    READ = "read"


class Write(StrEnum):
    """What kind of write an owned or shared path is for, where the plan says it."""

    ANY = "any"
    CREATE = "create"
    MODIFY = "modify"
    DELETE = "delete"
    APPEND = "append"


class Source(StrEnum):
    """Whether somebody declared the claim or gitbot found the path in a task."""

    DECLARED = "declared"
    INFERRED = "inferred"


BLOCKING_CONFIDENCE = 0.45
"""Below this an inferred claim is only a note (measured, docs/plans.md)."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One pattern that a plan claims. POSIX, relative to the repository's top, no `..`; `!` first excludes."""

    pattern: str
    access: Access
    source: Source
    line: int  # 1-based, in the plan's file
    confidence: float = 1.0  # 0 to 1
    write: Write = Write.ANY
    span: str | None = None  # a line range or symbol that was cut off the pattern: words for messages only
    path: str | None = None  # the file the claim stands in, when it is not the plan's own


class TaskState(StrEnum):
    """The box of a task."""

    OPEN = "open"
    DOING = "doing"
    DONE = "done"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Task:
    """One item of a plan's checklist."""

    text: str  # without box, id and marks
    line: int
    state: TaskState = TaskState.OPEN
    id: str | None = None
    paths: tuple[str, ...] = ()
    optional: bool = False
    minutes: tuple[float, float] | None = None  # estimate, low and high
    parallel: bool = False  # its author says that it can run beside the others so marked: checked, never obeyed


class NeedKind(StrEnum):
    """How strongly a need orders.

    HARD waits for the whole plan. PIPELINED waits for a named commit, task or event: the same phase is allowed,
    only the waiting task is held and the landing ordered. APART is symmetric: never in one phase.
    """

    HARD = "hard"
    PIPELINED = "pipelined"
    APART = "apart"


@dataclass(frozen=True, slots=True)
class Need:
    """A dependency as written, before anybody looked whether it resolves."""

    reference: str  # "B", "C#T3", "phase:1", "schema_ready", "Agent A"
    kind: NeedKind
    line: int
    reason: str  # the words of the plan, shown as they stand
    strict: bool = True  # from a key or a bracket: unresolved is an error; from prose: silent
    word: str | None = None  # "parser" in "wait for Agent A to commit parser"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something about a plan's text that a person should hear of. Line and column are 1-based."""

    rule: str
    level: str  # "error", "warning" or "note"
    message: str
    path: str
    line: int = 1
    column: int = 1
    hint: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One agent's plan."""

    id: PlanId
    path: str  # POSIX, relative to the repository's top where there is one
    format: str
    line: int = 1  # where its section starts, for rosters
    title: str = ""
    agent: str | None = None
    branch: str | None = None  # only when declared
    phase: Phase | None = None  # after every plan with a smaller number
    priority: int = 0  # larger lands earlier
    strategy: str | None = None
    claims: tuple[Claim, ...] = ()
    never: tuple[Claim, ...] = ()
    tasks: tuple[Task, ...] = ()
    needs: tuple[Need, ...] = ()
    emits: tuple[tuple[str, int], ...] = ()  # event, line
    parallel: bool = True  # False: has a phase to itself
    wave: int | None = None  # the layer its author worked out: checked, never obeyed
    minutes: tuple[float, float] | None = None
    tests: tuple[str, ...] = ()
    confidence: str = "unknown"  # declared, high, medium, low, unknown
    topics: tuple[str, ...] = ()  # of "context", "acceptance" and "failure" those that it speaks of
    relies: tuple[str, ...] = ()  # what it says in passing that it needs: evidence, and no need
    unresolved: tuple[str, ...] = ()  # names that look like files and belong nowhere
    finished: bool = False  # its author says that nothing is left to do, and it is merged

    def patterns(self, access: Access, source: Source | None = None) -> tuple[Claim, ...]:
        """The claims of one access, in order, optionally of one source only."""
        return tuple(c for c in self.claims if c.access is access and (source is None or c.source is source))


def usual_branches(plan: Plan, patterns: Iterable[str]) -> tuple[str, ...]:
    """The names that a plan's branch may have where it declares none; the first is the one to use."""
    own = (plan.id,) if plan.format == "spec-kit" else ()  # whose branches are called as their folders
    return (*(pattern.replace("{id}", fold(plan.id)) for pattern in patterns), *own)


@dataclass(frozen=True, slots=True)
class PlanSet:
    """All plans of one commit or of the paths given, and what was wrong with their texts."""

    plans: tuple[Plan, ...] = ()
    shared: tuple[Claim, ...] = ()  # the set's "shared, agents don't touch"
    problems: tuple[Problem, ...] = ()
    files: tuple[str, ...] = field(default=())  # every file that was read as a plan
