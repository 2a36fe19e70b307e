"""What a file consists of: items in containers, cut so that their bytes put together are the file again.

The languages say where the parts of a file are; here the text between them gets its owners. A comment belongs to what
follows it on the next line, the rest of a line to what begins it, white space to what comes after it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum

_COMMENT = re.compile(rb"[ \t]*#[^\n]*")
_SIGNS = b"()[]{}<>&*,; \t"
_DEEPEST = 40  # containers in containers


class Place(Enum):
    """What the place of an item among its neighbours means."""

    ANY = "nothing, and it may be moved"
    FREE = "nothing: the item is found by its name"
    LISTED = "an entry of a list, or a comment for itself"
    FIXED = "a statement: what comes first may count"


@dataclass(frozen=True, slots=True)
class Part:
    """Where one item is. `inner` is set for a container: the bytes between its brackets."""

    start: int
    stop: int
    key: str  # its kind and name; of something without a name how it begins
    name: str = ""  # of a definition
    place: Place = Place.FREE
    inner: tuple[int, int] | None = None
    parts: tuple[Part, ...] = ()
    commas: bool = False  # between its parts

    def put_into(self, part: Part) -> Part:
        """The part as the container of what this one holds."""
        return replace(part, inner=self.inner, parts=self.parts, commas=self.commas)


@dataclass(frozen=True)
class Language:
    """What every language in this folder has: which files, and what can be asked of their bytes without an error."""

    suffixes: tuple[str, ...]  # lower case
    accepts: Callable[[bytes], bool] | None  # None: what has an outline is accepted
    outline: Callable[[bytes], Part | None]  # of data: only asked for what is accepted
    is_data: bool = False


@dataclass(frozen=True, slots=True)
class Item:
    """One entry, declaration, statement or comment."""

    key: str
    place: Place
    gap: bytes  # white space before it
    text: bytes  # with the comments that belong to it
    comma: bool = False
    after: bytes = b""  # what follows it on its line
    body: Body | None = None  # what the text consists of
    note: bool = False  # a comment


@dataclass(frozen=True, slots=True)
class Body:
    """The text of a container: head, items, foot."""

    head: bytes
    items: tuple[Item, ...]
    foot: bytes
    commas: bool

    def text(self) -> bytes:
        """The bytes that this was cut from, or that a merge made of it; between two entries is a comma."""
        last = max((at for at, item in enumerate(self.items) if not item.note), default=-1)
        made = [self.head]
        for at, item in enumerate(self.items):
            comma = self.commas and not item.note and (at < last or item.comma)
            made += (item.gap, item.text, b"," if comma else b"", item.after)
        return b"".join((*made, self.foot))


def end_of_comment(data: bytes, stop: int) -> int:
    """The end of a comment as Python, TOML and YAML have them, if one stands behind on the line, else `stop`."""
    found = _COMMENT.match(data, stop)
    return stop + len(found[0].rstrip()) if found else stop


def beginning(text: bytes) -> str:
    """What stands for an item without a name: its first line, or all of it where that says nothing."""
    line = text.partition(b"\n")[0].rstrip()
    return (line if line.strip(_SIGNS) else text).decode("utf-8", "replace")


def cut(data: bytes, part: Part, start: int = 0, depth: int = 0) -> Body | None:
    """The items of a file, or of a part that begins at `start`; None where there are none, or one has no owner."""
    if part.inner is None or depth > _DEEPEST:
        return None
    at, stop = part.inner
    if depth:
        at += len(_rest_of_line(data[at : part.parts[0].start if part.parts else stop]))
    head = data[start:at]
    items: list[Item] = []
    for each, following in zip(part.parts, (*part.parts, None)[1:], strict=True):
        notes, own = _notes(data, at, each.start)
        items += notes
        at += sum(len(note.gap) + len(note.text) for note in notes)
        behind = data[each.stop : following.start if following else stop]
        comma = part.commas and behind.startswith(b",")
        if part.commas and following and not comma:
            return None
        after = _rest_of_line(behind[comma:])
        body = cut(data, each, own, depth + 1)
        items.append(Item(each.key, each.place, data[at:own], data[own : each.stop], comma, after, body))
        at = each.stop + comma + len(after)
    return Body(head, tuple(items), data[at : part.stop], part.commas)


def _rest_of_line(text: bytes) -> bytes:
    """What stands before the line end, without white space at its end; nothing where the line does not end."""
    line, end, _ = text.partition(b"\n")
    return line.rstrip() if end else b""


def _notes(data: bytes, start: int, stop: int) -> tuple[list[Item], int]:
    """Comments with an empty line behind them, and where what belongs to the next item starts."""
    notes: list[Item] = []
    at, behind, first = start, start, None
    for line in data[start:stop].splitlines(keepends=True):
        words = line.strip()
        if words:
            first = at + line.index(words) if first is None else first
            end = at + len(line.rstrip())
        elif first is not None and line.endswith(b"\n"):
            text = data[first:end]
            key = "note " + text.decode("utf-8", "replace")
            notes.append(Item(key, Place.LISTED, data[behind:first], text, note=True))
            behind, first = end, None
        at += len(line)
    return notes, stop if first is None else first
