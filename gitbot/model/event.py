"""What agents tell each other. Events come from other clones too, so every text in them is a stranger's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec

ROUND = "round_started"
"""The event that makes what its writer had seen the past."""

LAST = 253_402_214_400  # seconds; the year 9999, the last that can be shown as a date

Scalar = str | int | float | bool | None
Value = Scalar | dict[str, Scalar] | list[Scalar]
Data = dict[str, Value]


REPORTS = frozenset({"landed", "run_finished", "agent_ended"})
"""What gitbot tells of a plan by itself: it takes nothing back that the plan's agent has said."""


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Kept as JSON, to which keys are only ever added; `id` is by where it is kept, never by what it says itself."""

    id: str = ""  # `<clone>-<number>`
    time: Annotated[float, msgspec.Meta(ge=0, le=LAST)]  # by the clock of who emitted it
    event: str
    actor: str | None = None  # a plan, or a branch that has none
    target: str | None = None
    group: str | None = None
    data: Data = {}
    seen: dict[str, int] | None = None  # of a round: how many events of each clone were there

    @property
    def number(self) -> int:
        """Which one it is of its clone's, from 0."""
        return int(self.id.rpartition("-")[2] or 0)

    @property
    def clone(self) -> str:
        """Who keeps it."""
        return self.id.partition("-")[0]

    @property
    def cancels(self) -> bool:
        """Whether it is a failure that whoever waits is to stop for; words such as "true" say so as well."""
        said = (self.data.get("should_cancel"), self.data.get("shouldCancelParallel"))
        return any(str(value).strip().casefold() in ("true", "yes", "1") for value in said)


def of_the_round(known: Sequence[Event], group: str | None = None) -> tuple[Event, ...]:
    """The events, only those of a group if one is given, that no round for all or for that group has left behind.

    That is what its writer had seen; a round that does not say so, as others may write one, goes by its place.
    """
    first, over = 0, dict[str, int]()
    for at, one in enumerate(known):
        if one.event == ROUND and one.group in (None, group):
            first = at if one.seen is None else first
            for clone, count in (*(one.seen or {}).items(), (one.clone, one.number)):
                over[clone] = max(over.get(clone, 0), count)
    return tuple(one for one in known[first:] if group in (None, one.group) and one.number >= over.get(one.clone, 0))
