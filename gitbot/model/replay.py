"""Past merges made again: what people did with each conflict, and what gitbot would have done.

Texts are cut to what a person reads, and decoded with replacement characters where they are no text.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gitbot.model.git import BranchName, Commit, Oid


class Likeness(StrEnum):
    """gitbot's answer beside the people's, the closest first; the last three are no answer of gitbot's."""

    IDENTICAL = "identical"
    SAME_LINES = "same-lines"  # in another order, or with other white space
    DIFFERENT = "different"
    SET_ASIDE = "set-aside"
    CLEAN = "clean"  # git merged it alone
    UNREADABLE = "unreadable"  # objects are missing here, or the histories have nothing in common


@dataclass(frozen=True, slots=True)
class ReplayedHunk:
    """One conflict of a file. `people` is None where they changed the lines beside it too: not comparable."""

    line: int  # of the target's file, from 1
    base: str
    ours: str  # the target's side
    theirs: str
    people: str | None
    gitbot: str | None  # None: it has no answer
    how: str | None  # the rung
    why: str | None  # that it is right, or why there is no answer
    likeness: Likeness | None  # None: one of the two is missing
    other: str | None = None  # the rung of the other manner, bold or careful, on this conflict by itself
    other_likeness: Likeness | None = None


@dataclass(frozen=True, slots=True)
class ReplayedFile:
    """One path that git could not merge."""

    path: str
    kind: str  # git's word for the conflict
    likeness: Likeness
    why: str | None  # it was set aside
    hunks: tuple[ReplayedHunk, ...] = ()


@dataclass(frozen=True, slots=True)
class ReplayedMerge:
    """One merge of two branches; as like as the least like of its files."""

    commit: Oid
    subject: str
    author: str
    time: int
    likeness: Likeness
    why: str | None = None
    files: tuple[ReplayedFile, ...] = ()
    beyond: tuple[str, ...] = ()  # paths that people changed in the merge though nothing conflicted there


@dataclass(frozen=True, slots=True)
class Replay:
    """The latest merges of a branch, newest first."""

    target: BranchName
    tip: Commit
    manner: str
    merges: tuple[ReplayedMerge, ...]
    octopuses: int = 0  # merges of more than two branches, left out
    forwards: int = 0  # merges that could have been fast-forwards, left out: there was nothing to merge
