"""What must hold for every text that gitbot resolved, whichever rung wrote it.

The rungs are not trusted: a resolution counts only when nothing that either side wrote is lost, doubled, brought
back or made up, when git's own text is untouched, and when the strictest parser has nothing against it. Whether
the resolution is any good is for the gate.
"""

from __future__ import annotations

import re
from collections import Counter
from enum import IntEnum
from typing import NamedTuple

from gitbot.languages import definitions, strict_parse
from gitbot.merge.edits import Edit, Lines, apply_edits, split_lines
from gitbot.merge.hunks import ConflictedFile, Conflicts, Hunk

_BOM = b"\xef\xbb\xbf"
_TOKEN = re.compile(rb"[A-Za-z0-9_\x80-\xff]+|\s+|[^\sA-Za-z0-9_\x80-\xff]")
_MARKER = re.compile(rb"^(?:<{7}|\|{7}|>{7})", re.MULTILINE)


class Grain(IntEnum):
    """In which pieces it is counted that nothing was lost, the strictest first."""

    LINES = 0
    TOKENS = 1  # white space and the commas that an addition needs do not count
    LOOSE = 2  # lines, but new ones may join them: what a tool wrote
    DECIDED = 3  # not at all: a person decided


class Sides(NamedTuple):
    """The three texts of a file that has to be merged."""

    path: str
    base: bytes | None
    ours: bytes
    theirs: bytes


def find_breach(file: ConflictedFile, conflicts: Conflicts, result: bytes, grain: Grain = Grain.LINES) -> str | None:
    """The first invariant that `result` breaks, in words, or None when it keeps them all."""
    base = split_lines(file.base or b"")
    return (
        _lines_breach(base, conflicts.to_ours, conflicts.to_theirs, split_lines(result), grain)
        or _outside_breach(conflicts, result)
        or text_breach(Sides(file.path, file.base, file.ours, file.theirs), result)
    )


def hunk_breach(hunk: Hunk, lines: Lines, grain: Grain) -> str | None:
    """What `lines` in place of one conflict would lose, double, bring back or make up; None when nothing."""
    return _lines_breach(hunk.base, hunk.ours_edits, hunk.theirs_edits, lines, grain)


def text_breach(sides: Sides, result: bytes) -> str | None:
    """What is wrong with the result as a text of its kind: its bytes, its syntax, its definitions."""
    return _bytes_breach(sides, result) or _syntax_breach(sides, result)


def _lines_breach(
    base: Lines, to_ours: tuple[Edit, ...], to_theirs: tuple[Edit, ...], result: Lines, grain: Grain
) -> str | None:
    """Every piece that a side added is there as often as added, none that a side deleted, none from nowhere."""
    if grain is Grain.DECIDED:
        return None
    if grain in (Grain.LINES, Grain.LOOSE):
        least = most = _expected_lines(base, to_ours, to_theirs)
        found, what = Counter(result), "line"
    else:
        least, most = _expected_tokens(base, to_ours, to_theirs)
        found, what = _tokens(result), "word"
    for piece in sorted(most.keys() | found.keys()):
        if found[piece] < least[piece]:
            return f"a {what} would be lost: {excerpt(piece)}"
        if found[piece] > most[piece] and (grain is not Grain.LOOSE or piece in base):
            return f"a {what} would be doubled, brought back or made up: {excerpt(piece)}"
    return None


def _expected_lines(base: Lines, to_ours: tuple[Edit, ...], to_theirs: tuple[Edit, ...]) -> Counter[bytes]:
    """How often each line has to be there: the base with what both sides added and took away.

    What both deleted is taken away once, and an edit that both made alike is made once.
    """
    expected = Counter(base)
    expected.subtract(base[at] for at in _deleted(to_ours) | _deleted(to_theirs))
    for edit in dict.fromkeys(to_ours + to_theirs):
        expected.update(edit.lines)
    return expected


def _expected_tokens(
    base: Lines, to_ours: tuple[Edit, ...], to_theirs: tuple[Edit, ...]
) -> tuple[Counter[bytes], Counter[bytes]]:
    """How often each word may be there, at least and at most.

    What one side changed holds. A word that both added, or both took away, may be one change or two.
    """
    words, ours, theirs = _tokens(base), _tokens(apply_edits(base, to_ours)), _tokens(apply_edits(base, to_theirs))
    least, most = Counter[bytes](), Counter[bytes]()
    for word in words.keys() | ours.keys() | theirs.keys():
        one, other = ours[word] - words[word], theirs[word] - words[word]
        together = words[word] + one + other
        alike = words[word] + max(one, other, key=abs) if one * other > 0 else together
        least[word], most[word] = max(0, min(together, alike)), max(together, alike)
    return least, most


def _tokens(lines: Lines) -> Counter[bytes]:
    return Counter(token for line in lines for token in split_tokens(line) if not token.isspace() and token != b",")


def split_tokens(line: bytes) -> Lines:
    """Words and numbers, runs of white space, and single signs; nothing is left out."""
    return tuple(_TOKEN.findall(line))


def _deleted(edits: tuple[Edit, ...]) -> set[int]:
    return {at for edit in edits for at in range(edit.start, edit.stop)}


def _outside_breach(conflicts: Conflicts, result: bytes) -> str | None:
    """git's text between the hunks is all there, in order, from the first byte to the last."""
    first, *others = (b"".join(text) for text in conflicts.clean)
    inner, last = others[:-1], others[-1]
    at = len(first) if result.startswith(first) else -1
    for text in inner:
        found = result.find(text, at) if at >= 0 else -1
        at = found + len(text) if found >= 0 else -1
    if at < 0 or len(result) - len(last) < at or not result.endswith(last):
        return "text outside the conflicts would change"
    return None


def _bytes_breach(sides: Sides, result: bytes) -> str | None:
    """Line ends, byte order mark, encoding and marker-like lines are as in the parents."""
    parents = (sides.ours, sides.theirs)
    if all(len(_line_ends(parent)) < 2 for parent in parents) and len(_line_ends(result)) > 1:
        return "line ends would be mixed"
    if result and not result.endswith(b"\n") and all(parent.endswith(b"\n") for parent in parents if parent):
        return "the last line end would be lost"
    if result.count(_BOM) > max(parent.count(_BOM) for parent in parents) or all(
        result.startswith(_BOM) != parent.startswith(_BOM) for parent in parents
    ):
        return "the byte order mark would move"
    if not _is_utf8(result) and any(_is_utf8(parent) and not parent.isascii() for parent in parents):
        return "encodings would be mixed"
    if _markers(result) > _markers(sides.base or b""):
        return "a side has lines that look like conflict markers"
    return None


def _line_ends(data: bytes) -> set[bytes]:
    crlf = data.count(b"\r\n")
    return {end for end, count in ((b"\r\n", crlf), (b"\n", data.count(b"\n") - crlf)) if count}


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _markers(data: bytes) -> int:
    return sum(1 for _ in _MARKER.finditer(data))


def _syntax_breach(sides: Sides, result: bytes) -> str | None:
    """What parsed still parses, and defines what the sides define, each name as often as they do."""
    parents = tuple(text for text in (sides.base, sides.ours, sides.theirs) if text is not None)
    if not all(strict_parse(sides.path, parent) for parent in parents):
        return None
    if not strict_parse(sides.path, result):
        return "the result does not parse, or doubles a key"
    base, ours, theirs = (definitions(sides.path, text or b"") for text in (sides.base, sides.ours, sides.theirs))
    found = definitions(sides.path, result)
    if base is None or ours is None or theirs is None or found is None:
        return None
    for name in sorted(base.keys() | ours.keys() | theirs.keys() | found.keys()):
        if found[name] != _merged_count(base[name], ours[name], theirs[name]):
            return f"the definition of {name} would be lost, moved or doubled"
    return None


def _merged_count(base: int, ours: int, theirs: int) -> int:
    """How often a name is defined when both sides' changes are made, a change that both made once."""
    return ours if ours == theirs else ours + theirs - base


def excerpt(line: bytes) -> str:
    """A line as it may stand in a message: its beginning, printable."""
    text = line.strip()[:80].decode("utf-8", "replace")
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
