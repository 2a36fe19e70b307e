"""`--land`: the tested result goes to a branch beside the target, from which people or a host's queue take it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice

from gitbot.errors import RiskError, TargetMovedError
from gitbot.guard.landed import MEMORY
from gitbot.journal import runs
from gitbot.merge.survey import survey
from gitbot.model.git import Oid
from gitbot.model.merge import Branch, Nothing
from gitbot.model.run import Landed, Landing, Started
from gitbot.report.terminal import printable, some
from gitbot.repository import Repository
from gitbot.repository.remotes import landing_place
from gitbot.repository.workbench import Workbench


def publish(
    repository: Repository, bench: Workbench, started: Started, landed: Mapping[Oid, Oid], after: Oid
) -> None:
    """Bring the landing branch to a commit; done already, nothing happens.

    What runs of this clone have put there is replaced. Commits of anybody else stay: then it has to stand on them.
    `landed` is as in `gitbot.merge.survey`.

    Raises:
        RiskError: it was refused, cannot be reached, would lose work as in `keep_what_waits` or commits of others,
            or somebody else moved it.
    """
    request = started.request
    assert request.land is not None
    place = landing_place(repository, request.target, request.land)
    now = place.read()
    if now == after:
        return
    keep_what_waits(repository, bench, started, landed, (after,))
    rewind = now is not None and _put_there(repository, request.land, now) is not None
    if not place.move(now, after, "gitbot: --land", rewind=rewind):
        raise TargetMovedError(
            f"somebody else moved {place.name}", hint="look at it, then run the same command again"
        )


def keep_what_waits(
    repository: Repository, bench: Workbench, started: Started, landed: Mapping[Oid, Oid], onto: Sequence[Oid]
) -> None:
    """Look whether what an earlier run has put on the landing branch is named again, or part of one of `onto`.

    Raises:
        RiskError: it would be lost with that branch; or the remote cannot be read.
    """
    request, named = started.request, {entry.name for entry in started.entries}
    assert request.land is not None
    place = landing_place(repository, request.target, request.land)
    now = place.read()
    there = _put_there(repository, request.land, now) if now is not None else None
    lost = [
        one.report.branch
        for one in there or ()
        if one.report.branch not in named
        and not any(
            isinstance(survey(bench, Branch(one.report.branch, one.report.tip), commit, landed, None), Nothing)
            for commit in onto
        )
    ]
    if lost:
        raise RiskError(
            f"{place.name} has {some(tuple(lost))}, which would be lost there: neither named nor on the target yet",
            hint=f"name {'it' if len(lost) == 1 else 'them'} as well, "
            f"use another name than {printable(request.land)}, or delete that branch",
        )


def _put_there(repository: Repository, land: str, now: Oid) -> list[Landed] | None:
    """What this clone's run that brought the landing branch to a commit has put there; None when none did."""
    for _, records in islice(runs.own(repository), MEMORY):
        first = records[0]
        if isinstance(first, Started) and first.request.land == land:
            steps: list[Landed] = []
            for record in records:
                steps += record.steps if isinstance(record, Landing) else ()
                if steps and steps[-1].after == now:
                    return steps
    return None
