"""JSON, as RFC 8259 has it and with equal keys refused: what a merge doubles, most parsers pass over silently."""

from __future__ import annotations

import json
from codecs import BOM_UTF8
from dataclasses import replace
from typing import Never

from gitbot.languages.outline import Language, Part
from gitbot.languages.values import value


def _distinct(pairs: list[tuple[str, object]]) -> None:
    if len({key for key, _ in pairs}) < len(pairs):
        raise ValueError("equal keys")


def _refuse(constant: str) -> Never:
    raise ValueError(constant)


def accepts(data: bytes) -> bool:
    """Whether this is one JSON text, UTF-8 with or without BOM, whose objects have distinct keys."""
    try:
        # Numbers stay text: converting a long one takes quadratic time, or is refused.
        json.loads(
            data.decode("utf-8-sig"),
            object_pairs_hook=_distinct,
            parse_int=str,
            parse_float=str,
            parse_constant=_refuse,
        )
    except (ValueError, RecursionError, MemoryError):
        return False
    return True


def outline(data: bytes) -> Part | None:
    """The members of objects, and the entries of arrays of distinct scalars."""
    found = value(data, len(BOM_UTF8) if data.startswith(BOM_UTF8) else 0)
    return replace(found, start=0, stop=len(data)) if found else None


JSON = Language((".json", ".ipynb", ".webmanifest", ".geojson"), accepts, outline, is_data=True)
