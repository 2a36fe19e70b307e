"""A run taken back: the target returns to where it was by one compare-and-swap, or a commit reverts the run."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from gitbot.errors import InputError, RiskError
from gitbot.journal import runs
from gitbot.journal.lock import only_writer
from gitbot.journal.runs import Journal
from gitbot.landing.document import landed
from gitbot.landing.following import UNDO, catch_up
from gitbot.model.git import Oid, Person, RefName
from gitbot.model.run import Landed, Landing, RunId, Started, Undone
from gitbot.repository import Repository, checkouts, history
from gitbot.repository.remotes import Place, place_of
from gitbot.repository.workbench import Merged, Workbench


@dataclass(frozen=True, slots=True)
class Taken:
    """What an undo did."""

    run: RunId
    target: RefName
    before: Oid
    after: Oid
    by_revert: bool
    branches: tuple[str, ...]


def find(repository: Repository, name: str) -> RunId:
    """The run that an id, a unique prefix of one, or `last` names.

    Raises:
        InputError: none, or more than one.
    """
    known = runs.runs(repository)
    if name == "last" and known:
        return known[-1]
    matching = [run for run in known if run.startswith(name)] if name and name != "last" else []
    if len(matching) == 1:
        return matching[0]
    problem = f"{len(matching)} runs begin with {name!r}" if matching else f"there is no run {name!r}"
    raise InputError(problem, hint="gitbot runs lists them")


def last_that_landed(repository: Repository) -> RunId:
    """The newest run that landed something and was not taken back.

    Raises:
        InputError: there is none.
    """
    for run, records in runs.own(repository):
        undone = any(isinstance(record, Undone) for record in records)
        beside = isinstance(records[0], Started) and records[0].request.land is not None
        if not undone and not beside and any(isinstance(record, Landing) for record in records):
            return run
    raise InputError("no run here landed anything that was not taken back already", hint="gitbot runs lists them")


def undo(repository: Repository, run: RunId, *, revert: bool) -> Taken:
    """Take back what a run landed; the branches themselves were never changed, so all of it can land again.

    A revert stays in history as a commit, and what it takes back as well: as always in git, that comes again by
    reverting the revert.

    Raises:
        InputError: the run landed nothing, or is undone already.
        RiskError: the target was built upon since (without `revert`), a revert conflicts, a checkout is in the way.
    """
    with only_writer(repository):
        catch_up(repository)
        journal = Journal(repository, run)
        started = journal.started
        if any(isinstance(record, Undone) for record in journal.records):
            raise InputError(f"run {run} was undone already")
        landings = landed(journal.records) if started.request.land is None else []
        if not landings:
            raise InputError(f"run {run} landed nothing, so there is nothing to take back")
        target, after = started.request.target, landings[-1].after
        place = place_of(repository, target)
        now = place.read()
        if now is None:
            raise RiskError(f"{place.name} is gone", hint=f"git branch {place.name} {after[:12]}")
        goal = _goal(repository, started, landings, now, revert=revert)
        if goal != now:
            _move(repository, place, now, goal, f"{UNDO}{run}")
        journal.append(Undone(time=time.time(), to=goal, by_revert=goal != landings[0].before))
        names = tuple(landing.report.branch for landing in landings)
        return Taken(run, target, now, goal, goal != landings[0].before, names)


def _goal(repository: Repository, started: Started, landings: Sequence[Landed], now: Oid, *, revert: bool) -> Oid:
    before, after = landings[0].before, landings[-1].after
    if now == before:
        return now  # taken back already, and killed or cut off from the remote before that was written down
    if not history.contains(repository, now, after):
        raise RiskError(
            "the target no longer contains what this run landed; nothing was changed",
            hint="git reflog shows who moved it",
        )
    if revert:
        with Workbench(repository, repository.common / "gitbot" / "scratch", now) as bench:
            return _reverting_commit(bench, started, landings, now)
    # Others may have committed between two landings as well as after the last one.
    own = sum(history.ahead_behind(repository, one.after, one.before)[0] for one in landings)
    extra = history.ahead_behind(repository, now, before)[0] - own
    if extra:
        raise RiskError(
            f"the target was built upon since: {extra} commit{'s' if extra > 1 else ''} would be lost with it",
            hint=f"gitbot undo {started.run} --revert makes a commit that takes only this run back",
        )
    return before


def _reverting_commit(bench: Workbench, started: Started, landings: Sequence[Landed], now: Oid) -> Oid:
    """What each landing changed taken back, the last one first, on top of what the target is now."""
    repository = bench.repository
    nobody = Person("gitbot", "gitbot@localhost", int(started.time), 0)
    me = Person(*repository.identity(), int(time.time()), time.localtime().tm_gmtoff // 60)
    spans = ", ".join(f"{one.before[:12]}..{one.after[:12]}" for one in landings)
    message = f"Revert gitbot run {started.run}\n\nThis reverts {spans}.\n"
    commit = now
    for one in reversed(landings):
        back = bench.write_commit(repository.tree_of(one.before), (one.after,), nobody, nobody, "back\n")
        merged = bench.pick(one.after, back, commit)
        if not isinstance(merged, Merged):
            paths = ", ".join(path.path for path in merged.paths[:3])
            raise RiskError(
                f"what came later builds on this run in {paths}: a revert conflicts",
                hint="revert by hand: git revert",
            )
        commit = bench.write_commit(merged.tree, (now,), me, me, message)
    bench.promote(commit)
    return commit


def _move(repository: Repository, place: Place, now: Oid, goal: Oid, why: str) -> None:
    checkouts.must_be_free(repository, place.ref, now, goal)
    if not place.move(now, goal, why, rewind=True):
        raise RiskError(f"{place.name} moved while it was being undone; nothing was changed", hint="run it again")
    checkouts.follow_all(repository, place.ref, now, goal)
