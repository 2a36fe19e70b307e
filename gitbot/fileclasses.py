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


@lru_cache(maxsize=1 << 16)
def file_class(path: str) -> FileClass | None:
    """The class of a path that is relative to the repository's top; None for an ordinary file."""
    name, (order, exact, like, rooted) = path.rpartition("/")[2], _classes()
    found = [match.lastgroup or "" for match in (like.fullmatch(name), rooted.fullmatch(path)) if match]
    found += [exact[name]] if name in exact else []
    return FileClass(min(found, key=order.index)) if found else None


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
def _classes() -> tuple[list[str], dict[str, str], re.Pattern[str], re.Pattern[str]]:
    """The classes in order of precedence, base names, what other base names look like, and what paths look like."""
    data = _data()
    implied = {"manifest": data["locks"], "lock": chain(*data["locks"].values())}
    exact: dict[str, str] = {}
    wild: tuple[list[str], list[str]] = ([], [])
    order = [name for name in data if name != "locks"]
    for each in order:
        patterns = [*data[each]["patterns"], *implied.get(each, ())]
        like = [pattern for pattern in patterns if "/" not in pattern and re.search(r"[*\[]", pattern)]
        rooted = [pattern for pattern in patterns if "/" in pattern]
        exact = dict.fromkeys(set(patterns).difference(like, rooted), each) | exact
        for expressions, some in zip(wild, (like, rooted), strict=True):
            expressions.append(f"(?P<{each}>{'|'.join(map(_expression, some)) or '(?!)'})")
    names, paths = (re.compile("|".join(some), re.DOTALL) for some in wild)
    return order, exact, names, paths


def _expression(pattern: str) -> str:
    pieces = re.split(r"(\*\*/|\*\*|\*|\[[^\]]+\])", pattern)
    wild = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*"}
    return "".join(wild.get(piece) or (piece if piece.startswith("[") else re.escape(piece)) for piece in pieces)
