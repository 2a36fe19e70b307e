"""YAML by libyaml's events, with equal keys refused. Nothing is built, so aliases cannot blow up."""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

import yaml

from gitbot.languages.outline import Language, Part, Place
from gitbot.languages.values import value

_DEPTH = 100  # deeper than any file that people write; bounds what the parser keeps

_LINE = re.compile(rb"^( *)([^\s#][^\n]*)", re.MULTILINE)
_KEY = re.compile(rb"""("[^"\\\n]*"|'[^'\n]*'|[^]\s"'&*!|>%@`[{}?,#-](?:[^:#\n]|:(?=\S))*?)( *:)(?=\s|$)\s*""")
_ENTRY = re.compile(rb"- +(?![-&*!|>[{])((?:[^\s:#]|[:#](?=\S)|\s(?!\s*#))+)(?:\s+#.*)?\s*")

_Lines = Sequence[re.Match[bytes]]


def accepts(data: bytes) -> bool:
    """Whether this is a stream of YAML documents whose mappings have distinct scalar keys."""
    try:
        return _keys_are_distinct(yaml.parse(data, Loader=yaml.CSafeLoader))
    except (yaml.YAMLError, ValueError, RecursionError, MemoryError):
        return False


def _keys_are_distinct(events: Iterable[yaml.Event]) -> bool:
    stack: list[tuple[bool, list[object]]] = []  # what is open: whether a mapping, and its nodes, None for no scalar
    for event in events:
        if isinstance(event, yaml.CollectionEndEvent):
            is_mapping, nodes = stack.pop()
            keys = [key for key in nodes[::2] if key is not None]
            if is_mapping and len(set(keys)) < len(keys):
                return False
        elif isinstance(event, yaml.NodeEvent):
            scalar = None
            if isinstance(event, yaml.ScalarEvent):
                # Plain or quoted matters: 1 and "1" are two keys.
                scalar = (event.tag, event.value, bool(event.implicit[0]))
            if stack:
                stack[-1][1].append(scalar)
            if isinstance(event, yaml.CollectionStartEvent):
                stack.append((isinstance(event, yaml.MappingStartEvent), []))
            if len(stack) > _DEPTH:
                return False
    return True


def outline(data: bytes) -> Part | None:
    """The keys of mappings and the entries of sequences of distinct scalars, by their indentation; one document."""
    lines = list(_LINE.finditer(data))
    start = lines.pop(0).end() if lines and lines[0][2].rstrip() == b"---" else 0
    parts = () if data.startswith(BOM_UTF8) else _block(data, lines)
    return Part(0, len(data), "", inner=(start, len(data)), parts=parts) if parts else None


def _block(data: bytes, lines: _Lines) -> tuple[Part, ...]:
    """What the lines consist of; nothing where that cannot be told."""
    if not lines or min(line[1] for line in lines) != lines[0][1]:
        return ()
    is_list = lines[0][2].startswith(b"- ")
    # The list behind a key may be no deeper than the key.
    heads = [at for at, line in enumerate(lines) if line[1] == lines[0][1] and line[2].startswith(b"- ") == is_list]
    groups = [lines[first:last] for first, last in pairwise((*heads, len(lines)))]
    parts = [_entry(group) if is_list else _member(data, group) for group in groups]
    found = tuple(part for part in parts if part)
    return found if len({part.key for part in found}) == len(groups) else ()


def _entry(lines: _Lines) -> Part | None:
    found = _ENTRY.fullmatch(lines[0][2])
    if found is None or len(lines) > 1:
        return None
    return Part(lines[0].start(2), _end(lines[0]), found[1].decode("utf-8", "replace"), place=Place.LISTED)


def _member(data: bytes, lines: _Lines) -> Part | None:
    found = _KEY.match(lines[0][2])
    if found is None:
        return None
    start, stop = lines[0].start(2), _end(lines[-1])
    part, behind = Part(start, stop, found[1].decode("utf-8", "replace")), lines[0][2][found.end() :]
    if behind.startswith((b"[", b"{")):
        flow = value(data, start + found.end())
        return flow.put_into(part) if flow and flow.inner and flow.stop <= stop else part
    parts = () if behind and not behind.startswith(b"#") else _block(data, lines[1:])
    return replace(part, inner=(start + found.end(2), stop), parts=parts) if parts else part


def _end(line: re.Match[bytes]) -> int:
    return line.start(2) + len(line[2].rstrip())


YAML = Language((".yaml", ".yml"), accepts, outline, is_data=True)
