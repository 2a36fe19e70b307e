"""What git could not merge in one file, cut into whole hunks.

`git merge-file --zdiff3` moves lines that both sides begin or end with out of a hunk, and its diff may have slid a
line of one insertion into the next. Here every hunk gets back what belongs to it, checked against git's own text.
How to settle a hunk is for the rungs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from gitbot.merge.edits import Edit, Lines, Refused, apply_edits, find_edits, line_by_line, split_lines

MAX_HUNKS = 50
_MARKER_RUN = re.compile(rb"<+|=+|>+|\|+")
_ABOVE = 8  # a decorator and its like: how far up an insertion may be turned to find its first line


@dataclass(frozen=True, slots=True)
class ConflictedFile:
    """One text file with conflicts, as all sides have it and as git marked it."""

    path: str
    base: bytes | None  # None: both sides added the file
    ours: bytes  # the target's side
    theirs: bytes  # the branch's side
    marked: bytes  # what `git merge-file -p --zdiff3 --marker-size=N` printed
    marker_size: int
    additive: bool  # declared shared or additive by a plan or the configuration


@dataclass(frozen=True, slots=True)
class Hunk:
    """One conflict, with every line that either side changed in it."""

    line: int  # of the target's file, from 1
    base: Lines
    ours: Lines
    theirs: Lines
    ours_edits: tuple[Edit, ...]  # base to ours; positions within `base`
    theirs_edits: tuple[Edit, ...]
    above: Lines  # up to eight lines before it that all three sides have
    head: int  # how many first and last lines of ours and theirs are the same, which git had moved out
    foot: int


@dataclass(frozen=True, slots=True)
class Conflicts:
    """clean[0], hunks[0], clean[1], … hunks[-1], clean[-1] is the file; the clean text is git's own."""

    clean: tuple[Lines, ...]
    hunks: tuple[Hunk, ...]
    to_ours: tuple[Edit, ...]  # of the whole base
    to_theirs: tuple[Edit, ...]


def read_conflicts(file: ConflictedFile) -> Conflicts | Refused:
    """The file's conflicts, or why they cannot be told apart with certainty."""
    marked = read_markers(file)
    if marked is None:
        return Refused("git's conflict markers are incomplete")
    clean, shown = marked
    if not shown:
        return Refused("there is no conflict in the text")
    if len(shown) > MAX_HUNKS:
        return Refused(f"{len(shown)} conflicts in one file, more than {MAX_HUNKS}")
    base = split_lines(file.base or b"")
    to_ours, to_theirs = find_edits(base, split_lines(file.ours)), find_edits(base, split_lines(file.theirs))
    if to_ours is None or to_theirs is None:
        return Refused("the sides are too long to be compared")
    to_ours, to_theirs = line_by_line(to_ours), line_by_line(to_theirs)
    # Where lines repeat, git may have merged cleanly what looks like a conflict here: such hunks are passed over.
    found = iter(_whole_hunks(base, to_ours, to_theirs))
    hunks: list[Hunk] = []
    for one in shown:
        hunk = next((candidate for candidate in found if _is_shown(candidate, one)), None)
        if hunk is None:
            return Refused(f"both sides changed the text around line {one.line}")
        hunks.append(hunk)
    kept = _cut_out(clean, tuple(hunks))
    if kept is None:
        return Refused("the edits can be aligned in more than one way")
    return Conflicts(kept, tuple(hunks), to_ours, to_theirs)


def marker_size_for(*texts: bytes) -> int:
    """A marker size that no line of the texts can be mistaken for, at least 31."""
    return max((31, *(len(run) + 1 for text in texts for run in _MARKER_RUN.findall(text))))


class Shown(NamedTuple):
    """One conflict as git shows it."""

    line: int  # of the target's file, from 1
    base: Lines
    ours: Lines
    theirs: Lines


def read_markers(file: ConflictedFile) -> tuple[tuple[Lines, ...], tuple[Shown, ...]] | None:
    """Clean texts and the conflicts between them; None when markers are missing or out of order."""
    order, size = b"<|=>", file.marker_size
    parts: list[list[bytes]] = [[]]
    for line in split_lines(file.marked):
        expected = order[(len(parts) - 1) % 4 : (len(parts) - 1) % 4 + 1]
        found = line[:1] if line[:size] == line[:1] * size and line[size : size + 1] in b" \r\n" else b""
        if found == expected:
            parts.append([])
        elif found and found in order:
            return None
        else:
            parts[-1].append(line)
    if len(parts) % 4 != 1:
        return None
    whole = [tuple(part) for part in parts]
    shown: list[Shown] = []
    at = 1
    for clean, ours, base, theirs in zip(*(whole[start:-1:4] for start in range(4)), strict=True):
        shown.append(Shown(at + len(clean), base, ours, theirs))
        at += len(clean) + len(ours)
    return tuple(whole[::4]), tuple(shown)


def _whole_hunks(base: Lines, to_ours: tuple[Edit, ...], to_theirs: tuple[Edit, ...]) -> tuple[Hunk, ...]:
    """Where both sides edited the same or touching lines, and not in the same way."""
    hunks: list[Hunk] = []
    shift = end = 0  # lines that ours gained so far; base line where the last group of edits ended
    for ours, theirs in _touching(to_ours, to_theirs):
        start, stop = min(e.start for e in ours + theirs), max(e.stop for e in ours + theirs)
        if ours and theirs and ours != theirs:
            above = base[max(end, start - _ABOVE) : start]
            near = (tuple(Edit(e.start - start, e.stop - start, e.lines) for e in side) for side in (ours, theirs))
            hunks.append(_hunk(above, base[start:stop], start + shift + 1, *near))
        shift += sum(len(e.lines) - (e.stop - e.start) for e in ours)
        end = stop
    return tuple(hunks)


def _touching(to_ours: Iterable[Edit], to_theirs: Iterable[Edit]) -> list[tuple[tuple[Edit, ...], tuple[Edit, ...]]]:
    """The edits of both sides in groups that share no base line and no border with each other."""
    groups: list[tuple[list[Edit], list[Edit]]] = []
    stop = -1
    for edit, side in sorted([*((e, 0) for e in to_ours), *((e, 1) for e in to_theirs)]):
        if edit.start > stop:
            groups.append(([], []))
        groups[-1][side].append(edit)
        stop = max(stop, edit.stop)
    return [(tuple(ours), tuple(theirs)) for ours, theirs in groups]


def _hunk(above: Lines, base: Lines, line: int, ours: tuple[Edit, ...], theirs: tuple[Edit, ...]) -> Hunk:
    left, right = apply_edits(base, ours), apply_edits(base, theirs)
    shorter = min(len(left), len(right))
    head = next((i for i in range(shorter) if left[i] != right[i]), shorter)
    foot = next((i for i in range(shorter - head) if left[-1 - i] != right[-1 - i]), shorter - head)
    return Hunk(line, base, left, right, ours, theirs, above, head, foot)


def _is_shown(hunk: Hunk, shown: Shown) -> bool:
    """Whether this is the hunk that git shows, with the common first and last lines cut off."""
    return all(map(_same, (hunk.base, *inner_sides(hunk)), shown[1:]))


def inner_sides(hunk: Hunk) -> tuple[Lines, Lines]:
    """Ours and theirs without the first and last lines that they have in common."""
    inner = slice(hunk.head, -hunk.foot or None)
    return hunk.ours[inner], hunk.theirs[inner]


def _same(lines: Lines, shown: Lines) -> bool:
    """Equal, but for the line end that git puts between a file's last line and the next marker."""
    if not lines or lines[-1].endswith(b"\n"):
        return lines == shown
    return lines[:-1] == shown[:-1] and len(lines) == len(shown) and lines[-1] == shown[-1].rstrip(b"\r\n")


def _cut_out(clean: tuple[Lines, ...], hunks: tuple[Hunk, ...]) -> tuple[Lines, ...] | None:
    """The clean text without the lines that belong to whole hunks; None where those are not found around them."""
    kept: list[Lines] = []
    for before, text, after in zip((None, *hunks), clean, (*hunks, None), strict=True):
        first = before.ours[len(before.ours) - before.foot :] if before else ()
        last = after.ours[: after.head] if after else ()
        if len(first) + len(last) > len(text) or text[: len(first)] != first or text[len(text) - len(last) :] != last:
            return None
        kept.append(text[len(first) : len(text) - len(last)])
    return tuple(kept)
