"""What a single line says by the word it begins with, in any language and without a parser."""

from __future__ import annotations

import re
from functools import lru_cache

from gitbot.languages.grammars import rows, suffix_of

_LONGEST = 400  # bytes of a line that are looked at; a declaration that starts later is no line of a person's

_WORDS = rows("lines")
# A Go method's receiver is part of its name: methods of two types may share the rest of it.
_DEFINITION = re.compile(
    rb"\s*(?:(?:%s)\s+)*(?:%s)(?:\s*\*)?\s+"
    rb"(?:\([^()]*?(?P<receiver>\w+)(?:\[[^\]]*\])?\s*\)\s*)?(?P<name>[A-Za-z_$][\w$]*)"
    % tuple("".join(_WORDS[part].split("\n")).encode() for part in ("modifiers", "keywords"))
)

_IMPORT_OF = {
    suffix: re.compile(f"(?:{words})\\s*".encode())
    for suffixes, words in _WORDS["imports"].items()
    for suffix in suffixes.split()
}


@lru_cache(maxsize=1 << 14)  # the two versions of a file have most lines in common
def defined_names(line: bytes) -> tuple[str, ...]:
    """The names that a line of any language defines, by a leading word such as def, class, fn, const or struct."""
    found = _DEFINITION.match(line[:_LONGEST])
    if found is None:
        return ()
    parts = (found["receiver"], found["name"])
    return (".".join(part.decode("ascii", "replace") for part in parts if part),)


def is_import(path: str, line: bytes) -> bool:
    """Whether a line is by itself an import in the language that the file's name tells."""
    words = _IMPORT_OF.get(suffix_of(path))
    return words is not None and len(line) <= _LONGEST and words.fullmatch(line.strip()) is not None
