"""What must hold for every text that gitbot resolved, whichever rung wrote it.

The rungs are not trusted: a resolution counts only when nothing that either side wrote is lost, doubled, brought
back or made up, when git's own text is untouched, and when the strictest parser has nothing against it. Whether
the resolution is any good is for the gate.
"""

from __future__ import annotations

import re
from collections import Counter

from gitbot.languages import definitions, strict_parse
from gitbot.merge.edits import Edit, split_lines
from gitbot.merge.hunks import ConflictedFile, Conflicts

_BOM = b"\xef\xbb\xbf"
_MARKER = re.compile(rb"^(?:<{7}|\|{7}|>{7})", re.MULTILINE)


def find_breach(file: ConflictedFile, conflicts: Conflicts, result: bytes) -> str | None:
    """The first invariant that `result` breaks, in words, or None when it keeps them all."""
    return (
        _lines_breach(file, conflicts, result)
        or _outside_breach(conflicts, result)
        or _bytes_breach(file, result)
        or _syntax_breach(file, result)
    )


def _lines_breach(file: ConflictedFile, conflicts: Conflicts, result: bytes) -> str | None:
    """Every line that a side added is there as often as added, none that a side deleted, none from nowhere."""
    expected = _expected_lines(file, conflicts)
    found = Counter(split_lines(result))
    for line in sorted(expected.keys() | found.keys()):
        if found[line] < expected[line]:
            return f"a line would be lost: {excerpt(line)}"
        if found[line] > expected[line]:
            return f"a line would be doubled, brought back or made up: {excerpt(line)}"
    return None


def _expected_lines(file: ConflictedFile, conflicts: Conflicts) -> Counter[bytes]:
    """How often each line has to be in the result: the base with what both sides added and took away.

    What both deleted is taken away once, and an edit that both made alike is made once.
    """
    base = split_lines(file.base or b"")
    expected = Counter(split_lines(file.ours))
    expected.update(split_lines(file.theirs))
    expected.subtract(base)
    theirs = frozenset(conflicts.to_theirs)
    for edit in conflicts.to_ours:
        if edit in theirs:
            expected.subtract(edit.lines)
    deleted_by_theirs = _deleted(conflicts.to_theirs)
    expected.update(base[at] for at in _deleted(conflicts.to_ours) & deleted_by_theirs)
    return expected


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


def _bytes_breach(file: ConflictedFile, result: bytes) -> str | None:
    """Line ends, byte order mark, encoding and marker-like lines are as in the parents."""
    parents = (file.ours, file.theirs)
    if all(len(_line_ends(parent)) < 2 for parent in parents) and len(_line_ends(result)) > 1:
        return "line ends would be mixed"
    if result.count(_BOM) > max(parent.count(_BOM) for parent in parents) or all(
        result.startswith(_BOM) != parent.startswith(_BOM) for parent in parents
    ):
        return "the byte order mark would move"
    if not _is_utf8(result) and any(_is_utf8(parent) and not parent.isascii() for parent in parents):
        return "encodings would be mixed"
    if _markers(result) > max(map(_markers, parents)):
        return "lines that look like conflict markers would come together"
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


def _syntax_breach(file: ConflictedFile, result: bytes) -> str | None:
    """What parsed still parses, and defines what the sides define, each name as often as they do."""
    parents = tuple(text for text in (file.base, file.ours, file.theirs) if text is not None)
    if not all(strict_parse(file.path, parent) for parent in parents):
        return None
    if not strict_parse(file.path, result):
        return "the result does not parse, or doubles a key"
    base, ours, theirs = (definitions(file.path, text or b"") for text in (file.base, file.ours, file.theirs))
    found = definitions(file.path, result)
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
