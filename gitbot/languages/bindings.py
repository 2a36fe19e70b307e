"""Which names a piece of a file gives a meaning to, line by line and without its surroundings.

Two insertions that bind one name are two versions of one thing, or the second hides the first. Read roughly, and
rather one name too many: whoever asks wants to be warned.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from gitbot.languages.lines import defined_names, is_import

_QUOTED = re.compile(rb"""(['"`])(.*?)\1""")
_NAME = re.compile(rb"[A-Za-z_$][\w$]*")
_FROM = re.compile(rb"\s*from\s+\S+\s+import\s+(.*)")
_RENAMED = re.compile(rb"[\w$.*]+\s+as\s+(?=[\w$])")
_BOUND = re.compile(
    rb"\s*(?:(?:export|const|let|var|final|static|public|private|self\.)\s*)*([A-Za-z_$][\w$.]*)\s*(?::|=(?!=)|:=|\+=)"
)
_KEY = re.compile(rb"""\s*(['"])([^'"]+)\1\s*(?::|=>)""")
_SPEECH = frozenset(
    b"import export from type as default use using pub crate mod extern static require include typeof global".split()
)


def bound_names(path: str, lines: Iterable[bytes]) -> frozenset[bytes]:
    """What the lines define, assign, import or use as a key; of what is nested in them nothing."""
    found: set[bytes] = set()
    full = [line for line in lines if line.strip()]
    least = min((_indent(line) for line in full), default=0)
    for line in (line for line in full if _indent(line) == least):
        if is_import(path, line):
            found |= _imported(line)
            continue
        found.update(name.encode() for name in defined_names(line))
        for pattern, group in ((_BOUND, 1), (_KEY, 2)):
            match = pattern.match(line[:400])
            if match is not None:
                found.add(match[group])
    return frozenset(found)


def _indent(line: bytes) -> int:
    return len(line) - len(line.lstrip())


def _imported(line: bytes) -> frozenset[bytes]:
    """The names behind `import`, in braces, after `as`; of a bare path its last part."""
    said = _RENAMED.sub(b"", line)
    python = _FROM.match(said)
    if python is not None:
        return frozenset(_NAME.findall(python[1]))
    bare = _QUOTED.sub(b"", said)
    head, brace, inside = bare.partition(b"{")
    named = frozenset(_NAME.findall(inside if brace and re.search(rb"::|\\\\", head) else bare)) - _SPEECH
    if brace or not named:
        quoted = [text.rpartition(b"/")[2] for _, text in _QUOTED.findall(said)]
        return named or frozenset(quoted)
    return frozenset(_NAME.findall(part)[-1] for part in re.split(rb"[,;]", bare) if _NAME.search(part))
