"""TOML; the standard library's parser refuses equal keys by itself."""

from __future__ import annotations

import re
import tomllib
from codecs import BOM_UTF8
from dataclasses import replace

from gitbot.languages.outline import Language, Part, Place, end_of_comment
from gitbot.languages.values import value

# tomllib takes quadratic time for a dotted key; no key that people write comes near.
_DOTS = 100

_QUOTED = rb"""|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'"""
_SPACE = re.compile(rb"(?:\s|#[^\n]*)+")
_HEADER = re.compile(rb"\[+(?:[^\]\"'\n]" + _QUOTED + rb")*\]+")
_KEY = re.compile(rb"(?:[^=\"'\n]" + _QUOTED + rb")+=")


def accepts(data: bytes) -> bool:
    """Whether this is a TOML document with no more than a hundred dots on a line."""
    if any(line.count(b".") > _DOTS for line in data.split(b"\n")):
        return False
    try:
        # A number's value is of no interest, and converting a long one is refused or slow.
        tomllib.loads(data.decode(), parse_float=str)
    except (ValueError, RecursionError, MemoryError):
        return False
    return True


def outline(data: bytes) -> Part | None:
    """Tables, the first one without a header, and in them the keys with their values."""
    mark = len(BOM_UTF8) if data.startswith(BOM_UTF8) else 0
    table = Part(mark, mark, "", inner=(mark, mark))
    tables: list[Part] = []
    entries: list[Part] = []
    at = mark
    while at < len(data):
        if space := _SPACE.match(data, at):
            at = space.end()
        elif header := _HEADER.match(data, at):
            tables.append(_closed(table, entries))
            at, name = header.end(), header[0].decode()
            place = Place.FIXED if name.startswith("[[") else Place.FREE
            table, entries = Part(header.start(), at, name, "", place, (at, at)), []
        elif (key := _KEY.match(data, at)) and (found := value(data, key.end())):
            stop = end_of_comment(data, found.stop)
            entries.append(replace(found, start=at, stop=stop, key=key[0][:-1].decode().strip()))
            at = stop
        else:
            return None
    return Part(0, len(data), "", inner=(mark, len(data)), parts=(*tables, _closed(table, entries)))


def _closed(table: Part, entries: list[Part]) -> Part:
    assert table.inner
    stop = entries[-1].stop if entries else table.stop
    return replace(table, stop=stop, inner=(table.inner[0], stop), parts=tuple(entries))


TOML = Language((".toml",), accepts, outline, is_data=True)
