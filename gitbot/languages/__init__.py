"""What gitbot knows about the languages that files are written in.

One file per language over one registry: a strict parser, which is a veto and never evidence, and where the language
has them the names that a file defines. `lines` reads single lines of any language.
`imports` and `modules` tell what a file imports and which files that means. Bytes in, values out.
"""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from typing import Final

from gitbot.languages import json, python, toml, yaml
from gitbot.languages.language import Language
from gitbot.languages.lines import defined_names, is_import

__all__ = ["defined_names", "definitions", "is_import", "strict_parse", "whole_definitions"]

_LANGUAGES: Final = (json.JSON, python.PYTHON, toml.TOML, yaml.YAML)


def _language(path: str) -> Language | None:
    return next((known for known in _LANGUAGES if path.lower().endswith(known.suffixes)), None)


# The same blobs are asked about for every candidate of one merge.
@lru_cache(maxsize=8)
def strict_parse(path: str, data: bytes) -> bool | None:
    """Whether the strictest parser at hand accepts the file; None when there is none for its name."""
    language = _language(path)
    return None if language is None else language.accepts(data)


@lru_cache(maxsize=8)
def definitions(path: str, data: bytes) -> Counter[str] | None:
    """How often each name is defined at top level, or in a class (`Class.name`); None when that cannot be told."""
    language = _language(path)
    return None if language is None or language.definitions is None else language.definitions(data)


def whole_definitions(path: str, data: bytes) -> tuple[str, ...] | None:
    """The names that a piece of the file defines, if it consists of nothing but whole definitions and comments.

    None when something else is in it, or where the language's parser cannot tell.
    """
    language = _language(path)
    return None if language is None or language.whole_definitions is None else language.whole_definitions(data)
