"""With whom a branch that was set aside collides, so that somebody can talk to somebody.

A textual partner is found exactly, by trying the branch after each landing. A semantic one is a reading of the
patches: a name that one side took away or changed and the other newly uses. That is a likely partner, never proof.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from unidiff.errors import UnidiffParseError
from unidiff.patch import PatchSet

from gitbot.languages import defined_names
from gitbot.model.git import BranchName

LARGEST_PATCH = 1 << 20  # characters; what is longer says nothing about one name
_WORD = re.compile(r"[^\W\d]\w{2,}")


@dataclass(frozen=True, slots=True)
class Partner:
    """The likely counterpart of a semantic conflict, and what points to it."""

    branch: BranchName
    why: str


@dataclass(frozen=True, slots=True)
class _Reading:
    used: frozenset[str]  # words of the added lines
    gone: frozenset[str]  # names whose definition was taken away and not put back
    changed: frozenset[str]  # names whose definition line is another one now


def likely_partner(patch: str, landed: Sequence[tuple[BranchName, str]]) -> Partner | None:
    """The landed branch whose patch explains best why this one is red; None when nothing points to one.

    `landed` is in landing order, the latest counts most. That failing tests mention a file which a branch changed
    says too little: on real branches it named innocents.
    """
    mine = _read(patch)
    readings = [(name, _read(text)) for name, text in reversed(landed)]
    for name, theirs in readings:
        for word in sorted(theirs.gone & mine.used):
            return Partner(name, f"{name} took `{word}` away, which this branch uses")
        for word in sorted(mine.gone & theirs.used):
            return Partner(name, f"this branch takes `{word}` away, which {name} uses")
    for name, theirs in readings:
        for word in sorted(theirs.changed & mine.used) or sorted(mine.changed & theirs.used):
            return Partner(name, f"`{word}` is defined differently on one side and used on the other")
    return None


def _read(patch: str) -> _Reading:
    try:
        files = PatchSet(patch[:LARGEST_PATCH]) if len(patch) <= LARGEST_PATCH else ()
    except (UnidiffParseError, ValueError):
        files = ()
    added: list[str] = []
    removed: list[str] = []
    for file in files:
        for hunk in file:
            added += [line.value for line in hunk if line.is_added]
            removed += [line.value for line in hunk if line.is_removed]
    defined_before, defined_after = _definitions(removed), _definitions(added)
    both = defined_before.keys() & defined_after.keys()
    return _Reading(
        frozenset(word for line in added for word in _WORD.findall(line)),
        frozenset(defined_before.keys() - defined_after.keys()),
        frozenset(name for name in both if defined_before[name] != defined_after[name]),
    )


def _definitions(lines: Iterable[str]) -> dict[str, str]:
    return {name: " ".join(line.split()) for line in lines for name in defined_names(line.encode())}
