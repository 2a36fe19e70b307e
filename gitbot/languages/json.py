"""JSON, as RFC 8259 has it and with equal keys refused: what a merge doubles, most parsers pass over silently."""

from __future__ import annotations

import json
from typing import Never

from gitbot.languages.language import Language


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


JSON = Language((".json", ".ipynb", ".webmanifest", ".geojson"), accepts)
