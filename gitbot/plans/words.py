"""The word lists of the plan readers, read once from `words.toml`, and the claims that their kinds of words make."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Any

from gitbot.model.plan import Access, Claim, Source, Write

_WRITES = {write.value for write in Write if write is not Write.ANY}


@cache
def _lists() -> dict[str, Any]:
    return tomllib.loads(resources.files("gitbot.plans").joinpath("words.toml").read_text(encoding="utf-8"))


@cache
def words(name: str) -> frozenset[str]:
    """One list of single words."""
    return frozenset(_lists()[name].split())


@cache
def table(name: str) -> dict[str, tuple[str, ...]]:
    """One table of lists, in the order of the file; phrases are divided by `|`, single words by spaces."""
    lists = {key: text.split("|") if "|" in text else text.split() for key, text in _lists()[name].items()}
    return {key: tuple(" ".join(part.split()) for part in parts) for key, parts in lists.items()}


@cache
def kinds(name: str) -> dict[str, str]:
    """One table the other way round: which kind of claim a word makes."""
    return {word: kind for kind, listed in table(name).items() for word in listed}


def claim(kind: str, pattern: str, line: int, confidence: float = 1.0, source: Source = Source.DECLARED) -> Claim:
    """A claim of the kind own, create, modify, delete, append, test, shared, read or never."""
    access = Access(kind) if kind in ("shared", "read") else Access.OWN
    return Claim(pattern, access, source, line, confidence, Write(kind) if kind in _WRITES else Write.ANY)
