"""`--land`: the tested result goes to a branch beside the target, from which people or a host's queue take it."""

from __future__ import annotations

from itertools import islice

from gitbot.errors import TargetMovedError
from gitbot.guard.landed import MEMORY
from gitbot.journal import runs
from gitbot.model.git import Oid
from gitbot.model.run import Landing, Request, Started
from gitbot.repository import Repository
from gitbot.repository.remotes import landing_place


def publish(repository: Repository, request: Request, after: Oid) -> None:
    """Bring the landing branch to a commit; done already, nothing happens.

    What runs of this clone have put there is replaced. Commits of anybody else stay: then it has to stand on them.

    Raises:
        RiskError: it was refused, cannot be reached, would lose commits of others, or somebody else moved it.
    """
    assert request.land is not None
    place = landing_place(repository, request.target, request.land)
    now = place.read()
    if now == after:
        return
    if not place.move(now, after, "gitbot: --land", rewind=now in _put_there(repository, request)):
        raise TargetMovedError(
            f"somebody else moved {place.name}", hint="look at it, then run the same command again"
        )


def _put_there(repository: Repository, request: Request) -> set[Oid]:
    """Commits that runs of this clone may have brought the same landing branch to."""
    found: set[Oid] = set()
    for _, records in islice(runs.own(repository), MEMORY):
        first = records[0]
        if isinstance(first, Started) and first.request.land == request.land:
            found |= {record.after for record in records if isinstance(record, Landing)}
    return found
