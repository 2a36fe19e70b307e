"""YAML by libyaml's events, with equal keys refused. Nothing is built, so aliases cannot blow up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import yaml

from gitbot.languages.language import Language

_DEPTH = 100  # deeper than any file that people write; bounds what the parser keeps


@dataclass(slots=True)
class _Open:
    """A mapping or sequence whose end has not come yet."""

    mapping: bool
    keys: set[tuple[str | None, str, bool]] = field(default_factory=set)
    nodes: int = 0

    def takes(self, scalar: tuple[str | None, str, bool] | None) -> bool:
        """Counts one more node, None for anything but a scalar; False if it is a key that is there already."""
        is_key = self.mapping and self.nodes % 2 == 0
        self.nodes += 1
        if not is_key or scalar is None:
            return True
        known = len(self.keys)
        self.keys.add(scalar)
        return len(self.keys) > known


def accepts(data: bytes) -> bool:
    """Whether this is a stream of YAML documents whose mappings have distinct scalar keys."""
    try:
        return _keys_are_distinct(yaml.parse(data, Loader=yaml.CSafeLoader))
    except (yaml.YAMLError, ValueError, RecursionError, MemoryError):
        return False


def _keys_are_distinct(events: Iterable[yaml.Event]) -> bool:
    stack: list[_Open] = []
    for event in events:
        if isinstance(event, yaml.CollectionEndEvent):
            stack.pop()
        elif isinstance(event, yaml.NodeEvent):
            scalar = None
            if isinstance(event, yaml.ScalarEvent):
                # Plain or quoted matters: 1 and "1" are two keys.
                scalar = (event.tag, event.value, bool(event.implicit[0]))
            if stack and not stack[-1].takes(scalar):
                return False
            if isinstance(event, yaml.CollectionStartEvent):
                stack.append(_Open(isinstance(event, yaml.MappingStartEvent)))
            if len(stack) > _DEPTH:
                return False
    return True


YAML = Language((".yaml", ".yml"), accepts)
