"""Text of strangers, made fit for a terminal.

Branch names, plan text, commit messages and the output of other programs may carry control characters that move
the cursor, change colours or turn the reading direction around; none of them gets through.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate

_CONTROLS = (*range(0x20), *range(0x7F, 0xA0))
_DIRECTION = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_INVISIBLE = (0x200B, 0x2060, 0xFEFF, *range(0xE0000, 0xE0080))
_BREAKS = (0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x85, 0x2028, 0x2029)

_ONE_LINE: dict[int, str | None] = {
    **dict.fromkeys((*_CONTROLS, *_DIRECTION, *_INVISIBLE)),
    **dict.fromkeys(_BREAKS, " "),
    **dict.fromkeys(range(0xD800, 0xE000), "\N{REPLACEMENT CHARACTER}"),  # cannot be encoded for output
}
_LINES = {**_ONE_LINE, 0x0A: "\n"}
_ESCAPES = {
    code: f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
    for code in (*_CONTROLS, *_DIRECTION, *_INVISIBLE, *_BREAKS)
    if code != 0x0A
} | dict.fromkeys(range(0xD800, 0xE000), "\N{REPLACEMENT CHARACTER}")


def printable(text: str, *, newlines: bool = False) -> str:
    """The text without anything that a terminal would obey; line breaks become spaces unless kept."""
    return text.translate(_LINES if newlines else _ONE_LINE)


def escaped(quoted: str) -> str:
    """The same for text that stands in quotes and knows `\\u` escapes, such as TOML's: nothing of it is lost."""
    return quoted.translate(_ESCAPES)


def some(names: Sequence[str], most: int = 3) -> str:
    """The first of them, printable, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(map(printable, names[:most])) + more


def cells(text: str) -> int:
    """Columns that a terminal gives to a printable text: two for East Asian signs and emoji, none for accents."""
    return len(text) if text.isascii() else sum(map(_cells, text))


@lru_cache(maxsize=4096)
def _cells(char: str) -> int:
    if unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def cut(text: str, room: int, *, middle: bool = False) -> str:
    """The text in at most so many columns, an ellipsis where something is left out: at its end or in its middle."""
    if cells(text) <= room:
        return text
    behind = (room - 1) // 2 if middle else 0
    return _first(text, room - 1 - behind) + "…"[:room] + _first(text[::-1], behind)[::-1]


def wrapped(text: str, room: int) -> list[str]:
    """Indented lines of at most so many columns; only a word that no line has room for is broken."""
    lines, margin = [" "], "   "
    for word in text.split(" "):
        if cells(f"{lines[-1]} {word}") > room and lines[-1].strip():
            lines.append(margin)
        while cells(f"{lines[-1]} {word}") > room:
            head = _first(word, room - 1 - cells(lines[-1])) or word[0]
            lines[-1] += f" {head}"
            lines.append(margin)
            word = word.removeprefix(head)
        lines[-1] += f" {word}"
    return [line.rstrip() for line in lines]


def _first(text: str, room: int) -> str:
    taken = accumulate(map(_cells, text))
    return "".join(char for char, end in zip(text, taken, strict=False) if end <= room)
