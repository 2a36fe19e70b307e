"""TOML; the standard library's parser refuses equal keys by itself."""

from __future__ import annotations

import tomllib

from gitbot.languages.language import Language

# tomllib takes quadratic time for a dotted key; no key that people write comes near.
_DOTS = 100


def accepts(data: bytes) -> bool:
    """Whether this is a TOML document with no more than a hundred dots on a line."""
    if any(line.count(b".") > _DOTS for line in data.split(b"\n")):
        return False
    try:
        # A number's value is of no interest, and converting a long one is refused or slow.
        tomllib.loads(data.decode(), parse_float=str)
    except (ValueError, RecursionError, MemoryError):
        return False
    return True


TOML = Language((".toml",), accepts)
