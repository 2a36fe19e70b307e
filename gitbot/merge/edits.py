"""Where two texts differ, line by line, aligned as git aligns them.

A merge of two insertions has to know where each begins. Among equal lines that is a matter of convention, so git's
own diff is asked. What to make of the edits is for the rungs and the invariants.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from gitbot.repository.history import differing_lines

Lines = tuple[bytes, ...]

MOST_LINES = 200_000  # of both texts; two of that length with nothing in common take a few seconds

_LINE = re.compile(rb"[^\n]*\n|[^\n]+")


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a file or a hunk is left to a person, in the report's words."""

    why: str


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """Base lines start to stop (half-open, from 0) are replaced by `lines`."""

    start: int
    stop: int
    lines: Lines


def split_lines(data: bytes) -> Lines:
    """Lines as git counts them: each ends with LF, and keeps it; a carriage return is part of its line."""
    return tuple(_LINE.findall(data))


def find_edits(base: Lines, side: Lines) -> tuple[Edit, ...] | None:
    """Edits that turn `base` into `side`, in order, none touching the next.

    None when the texts are too long to be compared in bounded time.
    """
    if len(base) + len(side) > MOST_LINES:
        return None
    # Numbers stand for the lines: no byte in them, nor the lack of a last line end, can bend the comparison.
    numbers: dict[bytes, int] = {}
    old, new = (
        b"".join(b"%d\n" % numbers.setdefault(line, len(numbers)) for line in lines) for lines in (base, side)
    )
    return tuple(Edit(a, b, side[c:d]) for a, b, c, d in differing_lines(old, new))


def line_by_line(edits: Iterable[Edit]) -> tuple[Edit, ...]:
    """The same edits, but one of n lines to n lines as n of one: what both sides changed alike is then seen."""
    found: list[Edit] = []
    for edit in edits:
        single = [Edit(at, at + 1, (line,)) for at, line in enumerate(edit.lines, edit.start)]
        found += single if edit.stop - edit.start == len(single) else [edit]
    return tuple(found)


def first_clash(edits: Iterable[Edit]) -> tuple[Edit, Edit] | None:
    """The first two of sorted edits that share a line, or of which one inserts beside the other."""
    for before, after in pairwise(edits):
        beside = before.stop == after.start and (before.start == before.stop or after.start == after.stop)
        if beside or after.start < before.stop:
            return before, after
    return None


def apply_edits(base: Lines, edits: Iterable[Edit]) -> Lines:
    """`base` with edits made that are in order and do not overlap."""
    made: list[bytes] = []
    at = 0
    for edit in edits:
        made += base[at : edit.start] + edit.lines
        at = edit.stop
    return (*made, *base[at:])
