"""What kind of shared file a path is, as far as its name tells, and what to do about it.

The class never decides anything by itself: it words advice, and tells the merge rungs what may be kept from both
sides. The names are data, in fileclasses.toml.
"""

from __future__ import annotations

import re
import tomllib
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import cache, lru_cache
from importlib.resources import files
from itertools import chain
from typing import Any


class FileClass(StrEnum):
    """The kinds of files that many branches touch."""

    LOCK = "lock"
    MANIFEST = "manifest"
    BUILD = "build"
    CI = "ci"
    SEQUENCE = "sequence"
    WIRING = "wiring"
    STRINGS = "strings"
    GENERATED = "generated"
    DOCS = "docs"
    COORDINATION = "coordination"


@lru_cache(maxsize=1 << 14)
def file_class(path: str) -> FileClass | None:
    """The class of a path that is relative to the repository's top; None for an ordinary file."""
    name = path.rpartition("/")[2]
    for each, (names, like, rooted) in _classes().items():
        if name in names or like.fullmatch(name) or rooted.fullmatch(path):
            return each
    return None


def lock_of(manifest_path: str) -> tuple[str, ...]:
    """The lock files beside a manifest that change when it does, of every tool that might be in use."""
    folder, slash, name = manifest_path.rpartition("/")
    locks = (locks for manifest, locks in _data()["locks"].items() if fnmatchcase(name, manifest))
    return tuple(f"{folder}{slash}{lock}" for lock in next(locks, ()))


def advice(file_class: FileClass) -> str:
    """What to do about a file of this class that several plans need, in one line."""
    words: str = _data()[file_class]["advice"]
    return words


@cache
def _data() -> dict[str, dict[str, Any]]:
    return tomllib.loads(files("gitbot").joinpath("fileclasses.toml").read_text(encoding="utf-8"))


@cache
def _classes() -> dict[FileClass, tuple[frozenset[str], re.Pattern[str], re.Pattern[str]]]:
    """Per class, in order of precedence: base names, what other base names look like, and what paths look like."""
    data = _data()
    implied = {FileClass.MANIFEST: data["locks"], FileClass.LOCK: chain(*data["locks"].values())}
    found = {}
    for each in map(FileClass, (name for name in data if name != "locks")):
        patterns = [*data[each]["patterns"], *implied.get(each, ())]
        like = [pattern for pattern in patterns if "/" not in pattern and re.search(r"[*\[]", pattern)]
        rooted = [pattern for pattern in patterns if "/" in pattern]
        found[each] = (frozenset(patterns).difference(like, rooted), _any_of(like), _any_of(rooted))
    return found


def _any_of(patterns: list[str]) -> re.Pattern[str]:
    return re.compile("|".join(map(_expression, patterns)) or "(?!)", re.DOTALL)


def _expression(pattern: str) -> str:
    pieces = re.split(r"(\*\*/|\*\*|\*|\[[^\]]+\])", pattern)
    wild = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*"}
    return "".join(wild.get(piece) or (piece if piece.startswith("[") else re.escape(piece)) for piece in pieces)
