"""What gitbot knows about the languages that files are written in.

One file per language over one registry: a strict parser, which is a veto and never evidence, and an outline of what
the file consists of, with the names that it defines. `lines` reads single lines of any language.
`imports` and `modules` tell what a file imports and which files that means. Bytes in, values out.
"""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from gitbot.languages import grammars
from gitbot.languages.bindings import bound_names
from gitbot.languages.lines import defined_names, is_import
from gitbot.languages.outline import Body, Language, Part, cut

__all__ = [
    "bound_names",
    "defined_names",
    "definitions",
    "is_data",
    "is_import",
    "outline",
    "strict_parse",
    "whole_definitions",
]

_MOST_KNOWN = 4 << 20  # bytes of the texts whose answers are remembered, each of which may be ten times as large
_PIECE = 1 << 13  # bytes that each of them counts for, beside its own

_Answer = TypeVar("_Answer")


def _language(path: str) -> Language | None:
    from gitbot.languages import json, python, toml, yaml  # who only asks what a file imports has no use for them

    every = (json.JSON, python.PYTHON, toml.TOML, yaml.YAML)
    known = (language for language in every if path.lower().endswith(language.suffixes))
    return next(known, None) or grammars.language(grammars.suffix_of(path))


def is_data(path: str) -> bool:
    """Whether the file holds keys and values."""
    language = _language(path)
    return language is not None and language.is_data


def strict_parse(path: str, data: bytes) -> bool | None:
    """Whether the strictest parser at hand accepts the file; None when there is none for its name."""
    language = _language(path)
    if language is None:
        return None
    return _asked(language.accepts, data) if language.accepts else _asked(language.outline, data) is not None


def definitions(path: str, data: bytes) -> Counter[str] | None:
    """How often each name is defined at top level, or in a class (`Class.name`); None when that cannot be told."""
    language = _language(path)
    root = None if language is None or language.is_data else _asked(language.outline, data)
    return None if root is None else Counter(_names(root, ""))


def whole_definitions(path: str, data: bytes) -> tuple[str, ...] | None:
    """The names that a piece of the file defines, if it consists of nothing but whole definitions and comments.

    None when something else is in it, or where the language's parser cannot tell.
    """
    language = _language(path)
    if language is None or language.is_data:
        return None
    root = language.outline(textwrap.dedent(data.decode("utf-8", "replace")).encode())
    names = () if root is None else tuple(part.name for part in root.parts)
    return names if names and all(names) else None


def outline(path: str, data: bytes) -> Body | None:
    """The items that the file consists of; None where it does not parse, or there is no parser."""
    language = _language(path)
    root = _asked(language.outline, data) if language is not None and strict_parse(path, data) else None
    return None if root is None else cut(data, root)


def _names(part: Part, prefix: str) -> Iterator[str]:
    for each in part.parts:
        if each.name:
            yield prefix + each.name
        yield from _names(each, f"{prefix}{each.name}." if each.name else prefix)


_known: dict[tuple[Callable[[bytes], Any], bytes], Any] = {}


def _asked(question: Callable[[bytes], _Answer], data: bytes) -> _Answer:
    """The answer; the same texts are asked about for every candidate of one merge, and for every pair of branches."""
    key = question, data
    answer: _Answer = _known.pop(key) if key in _known else question(data)
    _known[key] = answer
    while sum(len(text) + _PIECE for _, text in _known) > _MOST_KNOWN:
        del _known[next(iter(_known))]
    return answer
