"""The shape that every language in this folder has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Language:
    """One language: which files, and what can be asked of their bytes. No function raises on rubbish."""

    suffixes: tuple[str, ...]  # lower case
    accepts: Callable[[bytes], bool]
    definitions: Callable[[bytes], Counter[str] | None] | None = None
    whole_definitions: Callable[[bytes], tuple[str, ...] | None] | None = None
