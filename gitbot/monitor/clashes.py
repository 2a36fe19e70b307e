"""Where two sides that do not merge wrote in one place: the hunks of their unified diffs that overlap.

Which paths do not merge is git's to say; here is only why. The diffs have no context, so that each hunk is one
change, and as for git two of them meet where no line stands between them that both have left alone.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from unidiff.patch import Hunk, PatchSet

from gitbot.merge.accept_both import CONTENTS
from gitbot.model.git import Oid
from gitbot.repository.workbench import Unmerged, Workbench

MOST, MOST_LINES = 20, 8  # places of two branches; lines of each list of one, and hunks of a side
LARGEST = 1 << 20  # characters of the diffs of two branches, for which unidiff takes half a second
KEPT = 100  # files of a side


@dataclass(frozen=True, slots=True)
class Clash:
    """Lines that both sides wrote at one place, not more than `MOST_LINES` of each, and of what was there."""

    path: str
    line: int  # of the first side
    base: tuple[str, ...]  # what both began with
    first: tuple[str, ...]
    second: tuple[str, ...]
    sides: tuple[tuple[str, ...], tuple[str, ...]]  # what either did, as hunks of a unified diff; `…` is left out


class Clashes(NamedTuple):
    """Of two sides: the first places, how many there are, and in how many more files they were not looked for."""

    shown: tuple[Clash, ...] = ()
    places: int = 0
    unread: int = 0


class _Change(NamedTuple):
    start: int  # lines of the base, half-open, from 0
    stop: int
    side: int
    hunk: Hunk

    def lines(self, sign: str) -> list[str]:
        """Those that went (-) or came (+)."""
        return [line.value for line in self.hunk if line.line_type == sign]


Known = dict[tuple[Oid | None, Oid], tuple[int, tuple[_Change, ...]]]
"""By blobs what was made of one to become the other, and how long that is as a diff."""


def find_clashes(bench: Workbench, first: Oid, second: Oid, known: Known) -> Clashes:
    """Of two commits that do not merge; `known` is kept for other pairs."""
    merged, room = bench.merge(first, second), LARGEST
    shown: list[Clash] = []
    places = unread = 0
    for path in merged.paths if isinstance(merged, Unmerged) else ():
        if path.kind != CONTENTS or path.ours is None or path.theirs is None:
            continue
        (one, changes), (other, theirs) = (_read(bench, path.base, side, known) for side in (path.ours, path.theirs))
        if one + other > room:
            unread += 1
            continue
        room -= one + other
        found = [*_meeting([*changes, *(change._replace(side=1) for change in theirs)])]
        places += len(found)
        shown += [_clash(path.path, place) for place in found[: MOST - len(shown)]]
    return Clashes(tuple(shown), places, unread)


def _read(bench: Workbench, base: Oid | None, side: Oid, known: Known) -> tuple[int, tuple[_Change, ...]]:
    if (base, side) not in known:
        diff = bench.repository.blob_diff(base, side)
        if len(known) >= KEPT:
            known.clear()
        known[base, side] = len(diff), tuple(_changes(diff)) if len(diff) <= LARGEST else ()
    return known[base, side]


def _changes(diff: str) -> Iterator[_Change]:
    for file in PatchSet(io.StringIO(diff)):
        for hunk in file:
            start = hunk.source_start - bool(hunk.source_length)  # an insertion is counted as after a line
            yield _Change(start, start + hunk.source_length, 0, hunk)


def _meeting(changes: list[_Change]) -> Iterator[list[_Change]]:
    """Changes of both sides with no untouched line between them, unless both did the same."""
    group: list[_Change] = []
    for change in [*sorted(changes, key=lambda one: one[:3]), None]:
        if change is not None and (not group or change.start <= max(one.stop for one in group)):
            group.append(change)
            continue
        if len({one.side for one in group}) > 1 and len({(*one[:2], *one.lines("+")) for one in group}) > 1:
            yield group
        group = [change] if change is not None else []


def _clash(path: str, place: Sequence[_Change]) -> Clash:
    start, first = place[0].start, next(one for one in place if not one.side)
    lines = {one.start + at: line for one in place for at, line in enumerate(one.lines("-"))}
    base = [lines[at] for at in sorted(lines)]  # all of them, as none is untouched
    texts, hunks = ([], []), ([], [])  # type: tuple[list[str], list[str]], tuple[list[str], list[str]]
    for side, text, told in zip((0, 1), texts, hunks, strict=True):
        at, mine = 0, [one for one in place if one.side == side]
        for one in mine:
            text += [*base[at : one.start - start], *one.lines("+")]
            at = one.stop - start
        text += base[at:]
        told += [line for one in mine[:MOST_LINES] for line in _unified(one)]
        told += [f"… {len(mine) - MOST_LINES} more hunks"] if len(mine) > MOST_LINES else []
    line = first.hunk.target_start + (not first.hunk.target_length) - (first.start - start)
    return Clash(path, line, _cut(base), _cut(texts[0]), _cut(texts[1]), (tuple(hunks[0]), tuple(hunks[1])))


def _unified(one: _Change) -> Iterator[str]:
    hunk = one.hunk
    yield f"@@ -{hunk.source_start},{hunk.source_length} +{hunk.target_start},{hunk.target_length} @@"
    for sign in "-+":
        lines = one.lines(sign)
        yield from (f"{sign}{line}" for line in _cut(lines))
        if len(lines) > MOST_LINES:
            yield f"… {len(lines) - MOST_LINES} more lines"


def _cut(lines: Sequence[str]) -> tuple[str, ...]:
    return tuple(line[:200].rstrip("\r\n") for line in lines[:MOST_LINES])
