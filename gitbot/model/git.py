"""What git is made of, as far as gitbot speaks of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

Oid = NewType("Oid", str)
"""A full object id, 40 lower-case hexadecimal digits."""

RefName = NewType("RefName", str)
"""A full reference name, `refs/…`."""

BranchName = NewType("BranchName", str)
"""A branch as people write it: `agent-a`, or `origin/agent-a` for one that only a remote has."""

ZERO = Oid("0" * 40)
"""git's own word for "no object": a reference that does not exist."""


_UNSEEN = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")
_STREAM = re.compile(r"[:\\]|[. ]+$")


def fits_checkout(path: str) -> bool:
    """Whether git makes the path in a checkout: no `..`, nothing that some file system takes for .git.

    Source: git-config(1), core.protectHFS and core.protectNTFS.
    """
    parts = path.split("/")
    plain = {_STREAM.split(_UNSEEN.sub("", part).casefold())[0] for part in parts}
    return not ({"", ".", ".."} & set(parts) or {".git", "git~1"} & plain)


class ChangeKind(StrEnum):
    """How a path differs between two trees; the letters are those of git-diff(1) --name-status."""

    ADDED = "A"
    MODIFIED = "M"
    DELETED = "D"
    RENAMED = "R"
    TYPE = "T"


@dataclass(frozen=True, slots=True)
class Change:
    """One path that differs between two trees."""

    kind: ChangeKind
    path: str
    old_path: str | None = None  # only for a rename
    old_oid: Oid = ZERO
    new_oid: Oid = ZERO
    old_mode: int = 0
    new_mode: int = 0

    @property
    def paths(self) -> tuple[str, ...]:
        """Every path the change touches: a rename counts on both names."""
        return (self.path,) if self.old_path is None else (self.old_path, self.path)


@dataclass(frozen=True, slots=True)
class Person:
    """Author or committer. `time` is seconds since the epoch, `offset` minutes east of UTC."""

    name: str
    email: str
    time: int
    offset: int

    def __str__(self) -> str:
        return f"{self.name} <{self.email}>"


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit as git stores it; `message` decoded with replacement characters where it is not text."""

    oid: Oid
    tree: Oid
    parents: tuple[Oid, ...]
    author: Person
    committer: Person
    message: str

    @property
    def subject(self) -> str:
        """First line of the message."""
        return self.message.strip().split("\n", 1)[0].strip()


@dataclass(frozen=True, slots=True)
class WorkTree:
    """A checked-out work tree, main or linked. `branch` is None when its HEAD is detached."""

    path: str
    head: Oid
    branch: RefName | None
    bare: bool = False
    locked: bool = False  # by `git worktree lock`
