"""accept-both on one file: every conflict takes the first rung of a ladder that can keep what both sides wrote.

A rung proposes and the invariants dispose, on each conflict by itself with every other one as the target has it, and
once more on the whole file. One conflict without a rung leaves the file to a person. Taking a side is never a rung:
it deletes somebody's work. How a rung merges is in `gitbot.merge.ladder`; which paths are in conflict, and what
happens with a resolved text, is for accept-both; whether it is right, for the gate.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import chain, zip_longest

from gitbot.fileclasses import FileClass, file_class
from gitbot.merge.edits import Lines, Refused
from gitbot.merge.hindsight import in_place_of
from gitbot.merge.hunks import ConflictedFile, Conflicts, Hunk, read_conflicts
from gitbot.merge.invariants import Grain, find_breach, hunk_breach, text_breach
from gitbot.merge.ladder import LADDER, Context, Manner, Recorded, Rung, bound_twice, hunk_key, recorded_as
from gitbot.model.merge import ResolvedHunk

__all__ = [
    "Answer",
    "ConflictedFile",
    "Manner",
    "Refused",
    "Settled",
    "answers",
    "hunk_key",
    "marker_size_for",
    "settle",
    "settle_as",
]

MOST = 3  # texts that are offered for one file
_LARGEST = 1_000_000  # bytes of a side; beyond it nothing is proposed
_MOST_PARSED = 2_000_000  # bytes of a file times its conflicts: twenty seconds of Python
_SMALLEST_MARKER = 31
_SHOWN = 4_000  # characters of one text in a report

_MARKER_RUN = re.compile(rb"<+|=+|>+|\|+")


@dataclass(frozen=True, slots=True)
class Way:
    """One way to keep both sides of one conflict."""

    rung: Rung
    lines: Lines


@dataclass(frozen=True, slots=True)
class Answer:
    """What the ladder makes of one conflict: a rung and its lines, or why it is left to a person."""

    hunk: Hunk
    how: str | None = None
    lines: Lines | None = None
    why: str | None = None  # this is right, in words
    refused: str | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """One way to keep both sides of a file."""

    data: bytes
    how: str  # the rungs used, joined by "+"
    lines: int  # lines that the rungs wrote
    hunks: tuple[ResolvedHunk, ...] = ()


def settle(
    file: ConflictedFile, manner: Manner, recorded: Recorded = lambda _: None
) -> tuple[Settled, ...] | Refused:
    """Up to three texts that keep both sides, the likeliest first: the target's insertions before the branch's.

    Every one keeps the invariants of `gitbot.merge.invariants`. Never raises on any bytes.
    """
    conflicts = _conflicts(file)
    if isinstance(conflicts, Refused):
        return conflicts
    refused = Refused("")
    for checked in (False, True)[: 1 + _is_small(file, conflicts)]:
        ways: list[tuple[Way, ...]] = []
        for number in range(len(conflicts.hunks)):
            way = _ways(file, conflicts, number, manner, recorded, checked=checked)
            if isinstance(way, Refused):
                return way
            ways.append(way)
        found = _texts(file, conflicts, ways)
        settled = tuple(answer for answer in found if isinstance(answer, Settled))
        if settled:
            return settled
        refused = next(answer for answer in found if isinstance(answer, Refused))
    return refused


def _texts(file: ConflictedFile, conflicts: Conflicts, ways: list[tuple[Way, ...]]) -> list[Settled | Refused]:
    """The different texts with the first way of each conflict, with the second, with the third."""
    found: dict[bytes, Settled | Refused] = {}
    for choice in range(max(map(len, ways))):
        chosen = [way[min(choice, len(way) - 1)] for way in ways]
        data = _written(conflicts, [way.lines for way in chosen])
        if data not in found:
            breach = find_breach(file, conflicts, data, max(way.rung.grain for way in chosen))
            found[data] = _settled(conflicts, chosen, data) if breach is None else Refused(breach)
    return list(found.values())


def _is_small(file: ConflictedFile, conflicts: Conflicts) -> bool:
    """Whether the whole file may be parsed for each of its conflicts."""
    return len(conflicts.hunks) * len(file.ours) <= _MOST_PARSED


def settle_as(file: ConflictedFile, data: bytes, how: str, why: str) -> Settled | Refused:
    """A whole file that somebody else wrote, if it keeps every line that a side wrote and adds at most new ones."""
    conflicts = _conflicts(file)
    if isinstance(conflicts, Refused):
        return conflicts
    breach = find_breach(file, conflicts, data, Grain.LOOSE)
    if breach is not None:
        return Refused(breach)
    rung, places = Rung(how, lambda hunk, context: None, why), in_place_of(conflicts.clean, data)
    return _settled(conflicts, [Way(rung, lines or ()) for lines in places], data)


def answers(
    file: ConflictedFile, manner: Manner, recorded: Recorded = lambda _: None
) -> tuple[Answer, ...] | Refused:
    """What each conflict would get by itself, whatever becomes of the others; for looking at the ladder."""
    conflicts = _conflicts(file)
    if isinstance(conflicts, Refused):
        return conflicts
    found: list[Answer] = []
    for number, hunk in enumerate(conflicts.hunks):
        ways = _ways(file, conflicts, number, manner, recorded, checked=_is_small(file, conflicts))
        if isinstance(ways, Refused):
            found.append(Answer(hunk, refused=ways.why))
        else:
            found.append(Answer(hunk, ways[0].rung.name, ways[0].lines, ways[0].rung.why))
    return tuple(found)


def marker_size_for(*texts: bytes) -> int:
    """A marker size that no line of the texts can be mistaken for, at least 31."""
    longest = max((len(run) for text in texts for run in _MARKER_RUN.findall(text)), default=0)
    return max(_SMALLEST_MARKER, longest + 1)


def _conflicts(file: ConflictedFile) -> Conflicts | Refused:
    """The conflicts of a file for which something may be proposed, in any manner."""
    sides = [side for side in (file.base, file.ours, file.theirs) if side is not None]
    kind = file_class(file.path)
    if kind in (FileClass.LOCK, FileClass.GENERATED):
        return Refused(f"a {kind} file is made by a tool, not merged")
    if any(b"\0" in side for side in sides):
        return Refused("binary")
    if any(side.startswith(b"version https://git-lfs") for side in sides):
        return Refused("an LFS pointer")
    if max(map(len, sides)) > _LARGEST:
        return Refused(f"larger than {_LARGEST} bytes")
    return read_conflicts(file)


def _written(conflicts: Conflicts, chosen: list[Lines]) -> bytes:
    text = list(conflicts.clean[0])
    for lines, after in zip(chosen, conflicts.clean[1:], strict=True):
        text += (*lines, *after)
    return b"".join(text)


def _ways(
    file: ConflictedFile, conflicts: Conflicts, number: int, manner: Manner, recorded: Recorded, *, checked: bool
) -> tuple[Way, ...] | Refused:
    """The ways that the ladder finds for one conflict, in its order; else the first reason against.

    `checked`: each is parsed with the file around it. Without, that is for the text as a whole to show.
    """
    hunk = conflicts.hunks[number]
    context = _context(file, conflicts, number, manner)
    ways: dict[Lines, Way] = {}
    twice = bound_twice(hunk, file.path)
    refusal = Refused(twice) if twice is not None else None
    for rung in (recorded_as(recorded), *(LADDER if twice is None else ())):
        if len(ways) == MOST or (rung.costly and (ways or not _is_small(file, conflicts))):
            break
        lines = rung.settle(hunk, context)
        if lines is not None and not isinstance(lines, Refused):
            breach = hunk_breach(hunk, lines, rung.grain)
            if breach is None and checked:
                breach = text_breach(context.sides, context.filled(lines))
            lines = lines if breach is None else Refused(breach)
        if isinstance(lines, Refused):
            refusal = refusal or lines
        elif lines is not None:
            ways.setdefault(lines, Way(rung, lines))
    return tuple(ways.values()) or refusal or Refused(f"no rung fits the conflict at line {hunk.line}")


def _settled(conflicts: Conflicts, chosen: list[Way], data: bytes) -> Settled:
    shown = tuple(
        ResolvedHunk(
            hunk.line, way.rung.name, way.rung.why, *map(_shown, (hunk.base, hunk.ours, hunk.theirs, way.lines))
        )
        for hunk, way in zip(conflicts.hunks, chosen, strict=True)
    )
    how = "+".join(dict.fromkeys(way.rung.name for way in chosen))
    return Settled(data, how, sum(len(way.lines) for way in chosen), shown)


def _shown(lines: Lines) -> str:
    """A text as a report shows it: decoded, its end cut off where it is long."""
    text = b"".join(lines).decode("utf-8", "replace")
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}\n… {len(text) - _SHOWN} more characters\n"


def _context(file: ConflictedFile, conflicts: Conflicts, number: int, manner: Manner) -> Context:
    """One conflict with every other one as the target has it."""
    text = [
        b"".join(part)
        for part in chain(*zip_longest(conflicts.clean, [hunk.ours for hunk in conflicts.hunks], fillvalue=()))
    ]
    before, after = b"".join(text[: 2 * number + 1]), b"".join(text[2 * number + 2 :])
    return Context(file, manner, file_class(file.path), conflicts.hunks[number], before, after)
