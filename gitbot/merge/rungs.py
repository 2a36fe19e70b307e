"""accept-both on one file: every hunk takes the first rung of a ladder that can keep what both sides wrote.

A rung proposes and the invariants dispose; one hunk without a rung leaves the whole file to a person. Taking a
side is never a rung: it deletes somebody's work. Which paths are in conflict, and what happens with a resolved
text, is for the strategies; whether it is right, for the gate.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from gitbot.fileclasses import FileClass, file_class
from gitbot.languages import defined_names, is_import, strict_parse, whole_definitions
from gitbot.merge.edits import Edit, Lines
from gitbot.merge.hunks import (
    ConflictedFile,
    Conflicts,
    Hunk,
    Refused,
    apply_edits,
    inner_sides,
    read_conflicts,
)
from gitbot.merge.invariants import excerpt, find_breach

__all__ = ["ConflictedFile", "Manner", "Refused", "Settled", "marker_size_for", "settle"]

_LARGEST = 1_000_000  # bytes of a side; beyond it nothing is proposed
_SMALLEST_MARKER = 31

_MARKER_RUN = re.compile(rb"<+|=+|>+|\|+")
_CHANGELOG = re.compile(
    r"(?:.*/)?(?:changelog|changes|history|news|release[-_]?notes|whatsnew)(?:\.(?:md|rst|txt|adoc|markdown))?", re.I
)
_VERSION = re.compile(
    rb"""\W*(?:__version__|[\w.-]*version|pkgver)\b["']?\s*[:=]|\s*<version>|\W*v?\d+\.\d+\.\d+[\w.+-]*\W*$""", re.I
)


class Manner(StrEnum):
    """How much accept-both dares."""

    CAREFUL = "careful"
    BOLD = "bold"


@dataclass(frozen=True, slots=True)
class Settled:
    """One way to keep both sides."""

    data: bytes
    how: str  # the rungs used, joined by "+"
    lines: int  # lines that the rungs wrote


@dataclass(frozen=True, slots=True)
class Context:
    """What a rung may look at besides its hunk."""

    file: ConflictedFile
    manner: Manner
    kind: FileClass | None
    swapped: bool  # the branch's insertion before the target's


# None: the hunk is not of the shape that the rung is for.
Settle = Callable[[Hunk, Context], Lines | Refused | None]


def settle(file: ConflictedFile, manner: Manner) -> tuple[Settled, ...] | Refused:
    """The texts that keep both sides: the target's insertions first, then, where that differs, the branch's.

    Every one keeps the invariants of `gitbot.merge.invariants`. Never raises on any bytes.
    """
    kind = file_class(file.path)
    why = _untouchable(file, kind)
    if why is not None:
        return Refused(why)
    conflicts = read_conflicts(file)
    if isinstance(conflicts, Refused):
        return conflicts
    answers = [_climb(conflicts, Context(file, manner, kind, swapped)) for swapped in (False, True)]
    settled = {answer.data: answer for answer in reversed(answers) if isinstance(answer, Settled)}
    refused = next((answer for answer in answers if isinstance(answer, Refused)), None)
    return tuple(reversed(settled.values())) or refused or Refused("no rung fits")


def marker_size_for(*texts: bytes) -> int:
    """A marker size that no line of the texts can be mistaken for, at least 31."""
    longest = max((len(run) for text in texts for run in _MARKER_RUN.findall(text)), default=0)
    return max(_SMALLEST_MARKER, longest + 1)


def _untouchable(file: ConflictedFile, kind: FileClass | None) -> str | None:
    """Why nothing may be proposed for this file, in any manner."""
    sides = [side for side in (file.base, file.ours, file.theirs) if side is not None]
    if kind in (FileClass.LOCK, FileClass.GENERATED):
        return f"a {kind} file is made by a tool, not merged"
    if any(b"\0" in side for side in sides):
        return "binary"
    if any(side.startswith(b"version https://git-lfs") for side in sides):
        return "an LFS pointer"
    if max(map(len, sides)) > _LARGEST:
        return f"larger than {_LARGEST} bytes"
    return None


def _climb(conflicts: Conflicts, context: Context) -> Settled | Refused:
    """The file with every hunk settled in one order of insertions."""
    text = list(conflicts.clean[0])
    names: list[str] = []
    written = 0
    for hunk, after in zip(conflicts.hunks, conflicts.clean[1:], strict=True):
        answer = _first_rung(hunk, context)
        if isinstance(answer, Refused):
            return answer
        name, lines = answer
        names.append(name)
        written += len(lines)
        text += (*lines, *after)
    data = b"".join(text)
    breach = find_breach(context.file, conflicts, data)
    return Settled(data, "+".join(dict.fromkeys(names)), written) if breach is None else Refused(breach)


def _first_rung(hunk: Hunk, context: Context) -> tuple[str, Lines] | Refused:
    """What the first rung that settles the hunk makes of it, else the first reason against."""
    refusal: Refused | None = None
    for name, rung in LADDER.items():
        match rung(hunk, context):
            case None:
                pass
            case Refused() as refused:
                refusal = refusal or refused
            case lines:
                return f"{name}-swapped" if context.swapped and rung is insert_both else name, lines
    return refusal or Refused(f"no rung fits the conflict at line {hunk.line}")


def line_disjoint(hunk: Hunk, context: Context) -> Lines | Refused | None:
    """Both sides' edits, when no line of the base was edited by both.

    Replacements may touch. Two insertions at one point, or an insertion beside the other side's change, may not:
    nothing says which comes first.
    """
    if not hunk.base:
        return None
    edits = sorted(hunk.ours_edits + hunk.theirs_edits)
    for before, after in pairwise(edits):
        touching = before.stop == after.start
        if after.start < before.stop or (touching and (_inserts(before) or _inserts(after))):
            return Refused(f"both sides changed line {_target_line(hunk, after.start)}")
    if context.manner is Manner.CAREFUL:
        if context.kind is FileClass.MANIFEST:
            return Refused("careful leaves manifests to a person")
        if any(_VERSION.match(line) for line in _changed(hunk.base, edits)):
            return Refused("careful leaves version lines to a person")
    return apply_edits(hunk.base, edits)


def _target_line(hunk: Hunk, at: int) -> int:
    """Where line `at` of the hunk's base is, or was, in the target's file."""
    gained = sum(len(e.lines) - (e.stop - e.start) for e in hunk.ours_edits if e.stop <= at)
    return hunk.line + at + gained


def _inserts(edit: Edit) -> bool:
    return edit.start == edit.stop


def _changed(base: Lines, edits: Iterable[Edit]) -> Iterable[bytes]:
    for edit in edits:
        yield from base[edit.start : edit.stop]
        yield from edit.lines


def shared_union(hunk: Hunk, context: Context) -> Lines | Refused | None:
    """Both insertions in a file that was declared to take them."""
    if hunk.base or not context.file.additive:
        return None
    return _both(hunk, context)


def insert_both(hunk: Hunk, context: Context) -> Lines | Refused | None:
    """Both insertions at one point, one after the other."""
    if hunk.base:
        return None
    if context.manner is Manner.CAREFUL and not _is_careful(hunk, context):
        return Refused(
            f"both sides inserted at line {hunk.line}, and careful keeps both only where order hardly matters"
        )
    return _both(hunk, context)


def _both(hunk: Hunk, context: Context) -> Lines | Refused:
    why = guard(hunk)
    if why is not None:
        return Refused(why)
    first, second = (hunk.theirs, hunk.ours) if context.swapped else (hunk.ours, hunk.theirs)
    if not first[-1].endswith(b"\n"):
        return Refused("nothing can follow a last line without a line end")
    return first + second


def guard(hunk: Hunk) -> str | None:
    """Why two insertions look like two versions of one thing (measured: such pairs are rarely both wanted).

    Lines that git moved out of the hunk are whole insertions' first and last ones. Two definitions may well begin
    with the same decorator and end with the same return; anything else that does is one thing written twice.
    """
    ours, theirs = (
        frozenset(name for line in side for name in defined_names(line)) for side in (hunk.ours, hunk.theirs)
    )
    if ours & theirs:
        return f"guard: both sides define {min(ours & theirs)}"
    inner_ours, inner_theirs = (hunk.ours, hunk.theirs) if not (ours and theirs) else inner_sides(hunk)
    common = _telling(inner_ours) & _telling(inner_theirs)
    if common:
        return f"guard: common line {excerpt(min(common))}"
    if not (_is_balanced(hunk.ours) and _is_balanced(hunk.theirs)):
        return "guard: an insertion opens a bracket that it does not close, or the reverse"
    return None


def _telling(lines: Lines) -> set[bytes]:
    """Lines long enough to say something: five bytes or more without white space around them."""
    return {line.strip() for line in lines if len(line.strip()) > 4}


def _is_balanced(lines: Lines) -> bool:
    text = b"".join(lines)
    return all(text.count(opening) == text.count(closing) for opening, closing in (b"()", b"{}", b"[]"))


def _is_careful(hunk: Hunk, context: Context) -> bool:
    """Whether keeping both insertions is right about as often as a colleague would be."""
    file = context.file
    if file.base is None:
        return False
    return (
        context.kind is FileClass.WIRING
        or _CHANGELOG.fullmatch(file.path) is not None
        or all(is_import(file.path, line) for line in hunk.ours + hunk.theirs if line.strip())
        or (
            bool(strict_parse(file.path, file.ours) and strict_parse(file.path, file.theirs))
            and _both_define(file.path, hunk)
        )
    )


def _both_define(path: str, hunk: Hunk) -> bool:
    """Whether both insertions are whole new definitions with distinct names.

    git slides an insertion down as far as equal lines allow, so that it may begin after its own decorator and end
    with the next one's. Both are turned back together, or the second would take the first one's place.
    """
    ours, theirs, above = hunk.ours, hunk.theirs, hunk.above
    while True:
        names = whole_definitions(path, b"".join(ours)), whole_definitions(path, b"".join(theirs))
        if names[0] and names[1]:
            return not set(names[0]) & set(names[1])
        if not above or not ours[-1] == theirs[-1] == above[-1]:
            return False
        ours, theirs, above = (above[-1], *ours[:-1]), (above[-1], *theirs[:-1]), above[:-1]


# Under the names that reports give them.
LADDER: Mapping[str, Settle] = {
    "line-disjoint": line_disjoint,
    "shared-union": shared_union,
    "insert-both": insert_both,
}
