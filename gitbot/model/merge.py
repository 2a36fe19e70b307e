"""What a strategy makes of a branch: a candidate to test, or a conflict to explain.

From a candidate on only oids count, never names.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from gitbot.model.git import BranchName, Oid
from gitbot.model.plan import PlanId
from gitbot.model.strategy import Strategy as Strategy


@dataclass(frozen=True, slots=True)
class UnmergedHunk:
    """One place of a file that git could not merge, as a record keeps it: long texts are cut off."""

    line: int  # of the target's file, from 1
    base: str
    ours: str
    theirs: str


@dataclass(frozen=True, slots=True)
class ConflictedPath:
    """One path that git could not merge. `kind` is git's stable word: contents, modify/delete, binary, …"""

    path: str
    kind: str
    base: Oid | None = None
    ours: Oid | None = None
    theirs: Oid | None = None
    refused: str | None = None  # why accept-both left it alone
    hunks: tuple[UnmergedHunk, ...] = field(default=(), kw_only=True)  # the first, where a branch goes back


@dataclass(frozen=True, slots=True)
class Submitted:
    """What makes a branch of a patch: it has no reference, and a name that none could have."""

    file: str  # as the command has it
    digest: str  # of its content
    stands_for: str  # the branch by whose plans it goes
    misfit: ConflictedPath | None = None  # where it does not fit the target; there are no commits then


@dataclass(frozen=True, slots=True)
class Branch:
    """One branch of a run, pinned at its tip."""

    name: BranchName
    tip: Oid
    plan: PlanId | None = None
    title: str | None = None  # of its plan
    strategy: Strategy | None = None  # asked for by plan or configuration
    patch: Submitted | None = None

    @property
    def stands_for(self) -> str:
        """The name by which it has a plan."""
        return self.name if self.patch is None else self.patch.stands_for


@dataclass(frozen=True, slots=True)
class ResolvedHunk:
    """One conflict in which both sides were kept: what there was, what was made of it and why."""

    line: int  # of the target's file, from 1
    how: str
    why: str  # this is right, in words
    base: str  # long texts are cut off
    ours: str
    theirs: str
    result: str


@dataclass(frozen=True, slots=True)
class Resolution:
    """One file in which both sides were kept, and how."""

    path: str
    how: str  # the rung: "line-disjoint", "insert-both", …
    lines: int  # lines of the result that a rung wrote
    ours: Oid  # blob on the target's side
    theirs: Oid  # blob on the branch's side
    hunks: tuple[ResolvedHunk, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A commit that would land, merged and untested."""

    branch: BranchName
    tip: Oid
    base: Oid  # the target commit it stands on
    commit: Oid
    tree: Oid
    commits: tuple[Oid, ...]  # what would be new on the target, oldest first
    strategy: Strategy
    why: str
    resolved: tuple[Resolution, ...] = ()
    signed: tuple[Oid, ...] = ()  # of the commits those that stand for signed ones, themselves not signed yet


@dataclass(frozen=True, slots=True)
class Conflict:
    """The branch does not go onto this target. An expected answer."""

    branch: BranchName
    tip: Oid
    base: Oid
    paths: tuple[ConflictedPath, ...]
    why: str
    commit: Oid | None = None  # the commit of the branch that stopped a rebase


@dataclass(frozen=True, slots=True)
class Nothing:
    """There is nothing to land: `empty` against the merge base, or `already-landed`."""

    branch: BranchName
    tip: Oid
    landed: bool
    why: str
