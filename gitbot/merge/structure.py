"""Merging by what a file consists of: keys of data, declarations of code.

Three versions of a container are merged item by item, by their keys; what both sides changed in one item is merged
inside it, or line by line where the edits do not touch. No text is printed anew: every byte is one side's, but for a
comma between two entries. Pure functions on bytes. When they are used, and whether the result keeps the invariants,
is for the ladder.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import replace
from itertools import pairwise
from typing import TypeVar

from gitbot.languages import outline, strict_parse
from gitbot.languages.outline import Body, Item, Place
from gitbot.merge.edits import Refused, apply_edits, find_edits, first_clash, line_by_line, split_lines
from gitbot.merge.invariants import excerpt

Items = Mapping[str, Item]
_T = TypeVar("_T", bytes, bool)

_FREE = {Place.ANY, Place.FREE}


class _LeftError(Exception):
    """Why the file is left to a person."""


def merge_items(path: str, base: bytes, ours: bytes, theirs: bytes) -> bytes | Refused | None:
    """Data merged key by key, code declaration by declaration; None where no parser for it is at hand."""
    if strict_parse(path, ours) is None:
        return None
    b, o, t = (outline(path, text) for text in (base, ours, theirs))
    if b is None or o is None or t is None:
        return Refused("a side does not parse, or cannot be told apart into items")
    try:
        result = _body(b, o, t, "the file").text()
    except _LeftError as left:
        return Refused(str(left))
    return result if strict_parse(path, result) else Refused("the result does not parse, or doubles a key")


def _body(base: Body, ours: Body, theirs: Body, where: str) -> Body:
    if ours == base or theirs in (base, ours):
        return theirs if ours == base else ours
    b, o, t = _keyed(base.items, ours.items, theirs.items)
    _check_order(b, o, t, where)
    _check_places(b, o, t, where)
    merged = {key: item for key in (o | t) if (item := _item(b.get(key), o.get(key), t.get(key)))}
    return Body(
        _text(base.head, ours.head, theirs.head, f"how {where} begins"),
        tuple(_spaced(_in_order(merged, o, t), (b, o, t), ours.commas)),
        _text(base.foot, ours.foot, theirs.foot, f"how {where} ends"),
        ours.commas,
    )


def _keyed(*sides: Sequence[Item]) -> list[dict[str, Item]]:
    """Every side's items by distinct keys. Equal keys are counted through, or told apart by their texts."""
    counts = [Counter(item.key for item in side) for side in sides]
    doubled = {key for count in counts for key, times in count.items() if times > 1}
    uneven = {key for key in doubled if len({count[key] for count in counts}) > 1}
    keyed: list[dict[str, Item]] = []
    for side in sides:
        seen: Counter[str] = Counter()
        found: dict[str, Item] = {}
        for item in side:
            key = f"{item.key}\0{item.text!r}" if item.key in uneven else item.key
            place = Place.FIXED if item.key in uneven and item.place in _FREE else item.place
            found[f"{key}\0{seen[key]}"] = replace(item, place=place)
            seen[key] += 1
        keyed.append(found)
    return keyed


def _check_order(base: Items, ours: Items, theirs: Items, where: str) -> None:
    """What the target has kept in order stays in its order; a branch that moved something else is not followed."""
    common = {key for key in base.keys() & ours.keys() & theirs.keys() if base[key].place is not Place.ANY}
    old, left, right = ([key for key in side if key in common] for side in (base, ours, theirs))
    if right not in (old, left):
        raise _LeftError(f"one side moved something in {where}")


def _check_places(base: Items, ours: Items, theirs: Items, where: str) -> None:
    """Nothing whose place counts was put or taken away where the other side did so too."""
    kept = base.keys() & ours.keys() & theirs.keys()
    to_ours, to_theirs = _changes(base, ours, kept), _changes(base, theirs, kept)
    for anchor in to_ours.keys() & to_theirs.keys():
        if _in_the_way(to_ours[anchor], to_theirs[anchor]):
            raise _LeftError(f"both sides changed the same place in {where}")


def _changes(base: Items, side: Items, kept: Set[str]) -> dict[str | None, Sequence[dict[str, Place]]]:
    """What a side puts and what it takes away, behind each item that both sides keep."""
    changes: dict[str | None, Sequence[dict[str, Place]]] = {}
    for which, here, there in ((0, side, base), (1, base, side)):
        anchor = None
        for key, item in here.items():
            if key in kept:
                anchor = key
            elif key not in there:
                changes.setdefault(anchor, ({}, {}))[which][key] = item.place
    return changes


def _in_the_way(ours: Sequence[dict[str, Place]], theirs: Sequence[dict[str, Place]]) -> bool:
    """Whether two changes at one place cannot both be made."""
    (put, taken), (put_too, taken_too) = ours, theirs
    if ours == theirs or not (put or put_too):
        return False
    if put and put_too and taken.keys() & taken_too.keys():
        return True
    places = [{*change[0].values(), *change[1].values()} for change in (ours, theirs)]
    if any(found <= _FREE for found in places):
        return False
    return bool(taken or taken_too) or Place.FIXED in places[0] | places[1]


def _item(base: Item | None, ours: Item | None, theirs: Item | None) -> Item | None:
    """One item as both sides want it; None when one deleted it."""
    b, o, t = (item and (item.text, item.after) for item in (base, ours, theirs))
    if o == t or b == t:
        return ours
    if b == o:
        return theirs
    if ours is None or theirs is None:
        left = next(item for item in (ours, theirs) if item is not None)
        raise _LeftError(f"one side changed what the other deleted: {_called(left)}")
    if base is None:
        raise _LeftError(f"both sides added {_called(ours)}, each in its own way")
    called = _called(ours)
    if base.body and ours.body and theirs.body:
        text = _body(base.body, ours.body, theirs.body, called).text()
    else:
        text = _text(base.text, ours.text, theirs.text, called)
    return replace(ours, text=text, after=_text(base.after, ours.after, theirs.after, called))


def _in_order(merged: Items, ours: Items, theirs: Items) -> dict[str, Item]:
    """Theirs' additions behind what they follow on their side, and behind ours' at the same place."""
    waiting: dict[str | None, list[str]] = {}
    anchor = None
    for key in theirs:
        if key in ours:
            anchor = key
        elif key in merged:
            waiting.setdefault(anchor, []).append(key)
    order: list[str] = []
    held = waiting.get(None, [])
    for key in ours:
        if key in theirs:
            order += held
            held = waiting.get(key, [])
        order += [key] if key in merged else []
    return {key: merged[key] for key in (*order, *held)}


def _spaced(items: Items, sides: Sequence[Items], commas: bool) -> Iterator[Item]:
    """The items with the white space that each has in such a place, and the last one with a comma if it had one.

    What stands first has white space of its own only as long as it stands first.
    """
    known = {pair for side in sides for pair in pairwise(side)}
    rows = [tuple(side.values()) for side in sides]
    usual = next((row[1].gap for row in reversed(rows) if len(row) > 1), None)
    comma = bool(_agreed([next((item.comma for item in reversed(row) if not item.note), None) for row in rows]))
    before = None
    for key, item in items.items():
        gaps = [row[0].gap if row else None for row in rows]
        if before is not None:
            gaps = [side[key].gap if key in side and key != next(iter(side)) else None for side in sides]
            gaps = gaps if any(gap is not None for gap in gaps) else [usual] * 3
        gap = _agreed(gaps)
        gap = item.gap if gap is None else gap
        apart = b"\n" in gap or (commas and before and not items[before].after)
        if before and not apart and (before, key) not in known:
            raise _LeftError(f"nothing tells {_called(item)} from what is before it")
        yield replace(item, gap=gap, comma=comma)
        before = key


def _agreed(values: Sequence[_T | None]) -> _T | None:
    """What the sides that have a value make of it."""
    base, ours, theirs = values
    if base is None or ours is None or theirs is None:
        return next((value for value in (ours, theirs, base) if value is not None), None)
    return theirs if ours == base else ours


def _text(base: bytes, ours: bytes, theirs: bytes, what: str) -> bytes:
    """A text that is not taken apart further, merged line by line where the edits do not touch."""
    if ours == base or theirs in (base, ours):
        return theirs if ours == base else ours
    lines = split_lines(base)
    to_ours, to_theirs = find_edits(lines, split_lines(ours)), find_edits(lines, split_lines(theirs))
    if to_ours is None or to_theirs is None:
        raise _LeftError("the sides are too long to be compared")
    edits = sorted({*line_by_line(to_ours), *line_by_line(to_theirs)})
    if first_clash(edits):
        raise _LeftError(f"both sides changed {what}")
    return b"".join(apply_edits(lines, edits))


def _called(item: Item) -> str:
    return excerpt(item.key.encode("utf-8", "replace"))
