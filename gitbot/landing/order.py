"""In which order branches land: phase, dependency, priority, then what lands most; ties as on the command line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gitbot.model.git import BranchName


@dataclass(frozen=True, slots=True)
class Place:
    """What decides a branch's place. `rivals` are branches of the run whose changes conflict with its own."""

    name: BranchName
    phase: int = 0
    needs: tuple[BranchName, ...] = ()
    priority: int = 0  # larger first
    rivals: frozenset[BranchName] = frozenset()


def landing_order(places: Sequence[Place]) -> tuple[BranchName, ...]:
    """Every branch once. A need that is not among the places, or that closes a circle, holds nobody up.

    Fewest rivals first: landing a branch costs at most its rivals, so this greedy rule lands at least
    n / (average rivals + 1) of n (Turán's bound for independent sets).
    """
    waiting = list(places)
    given = {place.name: index for index, place in enumerate(places)}
    landed: list[BranchName] = []
    while waiting:
        open_names = {place.name for place in waiting}
        ready = [place for place in waiting if not open_names & set(place.needs)] or waiting
        chosen = min(
            ready,
            key=lambda place: (
                place.phase,
                -place.priority,
                len(place.rivals & open_names),
                given[place.name],
            ),
        )
        landed.append(chosen.name)
        waiting = [place for place in waiting if place is not chosen]
    return tuple(landed)
