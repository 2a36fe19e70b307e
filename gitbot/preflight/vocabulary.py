"""Words as data: the lists of practice.toml, and what rules.toml explains; each is read once."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def _tables(name: str) -> dict[str, Any]:
    return tomllib.loads(files("gitbot.preflight").joinpath(name).read_text(encoding="utf-8"))


@cache
def words(name: str) -> frozenset[str]:
    """One list of single words."""
    return frozenset(_tables("practice.toml")["lists"][name].split())


@cache
def layers() -> dict[str, tuple[str, ...]]:
    """The words and phrases of each layer, from below."""
    every: dict[str, str] = _tables("practice.toml")["layers"]
    return {layer: tuple(map(str.strip, phrases.split("|"))) for layer, phrases in every.items()}


def said_of(rule: str) -> dict[str, str]:
    """What is the same in all findings of a rule: `explanation`, and in most a `hint`."""
    found: dict[str, str] = _tables("rules.toml")[rule]
    return found
