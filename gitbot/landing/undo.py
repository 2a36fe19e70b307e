"""A run taken back: the target returns to where it was by one compare-and-swap, or a commit reverts the run.

The intent is in the run's journal before the target moves, so that whoever comes after a kill finds out by the target
what came of it; the file `gitbot/undoing` says whose journal that is, until the outcome is in there as well.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gitbot.errors import GitbotError, InputError, RiskError
from gitbot.journal import runs
from gitbot.journal.lock import only_writer
from gitbot.journal.runs import Journal
from gitbot.landing.document import landed
from gitbot.landing.following import UNDO, catch_up, put_back
from gitbot.landing.past import undoing, unwritten
from gitbot.model.git import Oid, Person, RefName
from gitbot.model.run import Landed, RunId, Started, Undoing, Undone
from gitbot.repository import Repository, checkouts, history
from gitbot.repository.remotes import place_of
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
    left: tuple[str, ...] = ()  # branches that still are on what was taken back, and why


def find(repository: Repository, name: str) -> RunId:
    """The run that an id, a unique prefix of one, or `last` names: this clone's newest, if it has made any.

    Raises:
        InputError: none, or more than one.
    """
    known = runs.runs(repository)
    if name == "last" and known:
        return runs.latest(repository) or known[-1]
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
        if not undone and not beside and landed((*records, *unwritten(repository, records))):
            return run
    raise InputError("no run here landed anything that was not taken back already", hint="gitbot runs lists them")


def undo(repository: Repository, run: RunId, *, revert: bool) -> Taken:
    """Take back what a run landed; its branches are what they were before, so all of it can land again.

    A revert stays in history as a commit, and what it takes back as well: as always in git, that comes again by
    reverting the revert.

    Raises:
        InputError: the run landed nothing, is undone already, or another clone's.
        RiskError: the target was built upon since (without `revert`), a revert conflicts, a checkout is in the way.
    """
    with only_writer(repository):
        begun = settle(repository)
        catch_up(repository)
        if begun is not None and begun.run == run:  # by the same command, which was killed before it could say so
            return begun
        journal = Journal(repository, run)
        started = journal.started
        if any(isinstance(record, Undone) for record in journal.records):
            raise InputError(f"run {run} was undone already")
        if not runs.is_own(repository, run):
            hint = "undo it in the clone that landed it, or by hand: git revert"
            raise InputError(f"run {run} was made by another clone, and its record was fetched", hint=hint)
        place = place_of(repository, started.request.target)
        for record in unwritten(repository, journal.records):
            journal.append(record)
        landings = landed(journal.records) if started.request.land is None else []
        if not landings:
            raise InputError(f"run {run} landed nothing, so there is nothing to take back")
        after, now = landings[-1].after, place.read()
        if now is None:
            raise RiskError(f"{place.name} is gone", hint=f"git branch {place.name} {after[:12]}")
        goal = _goal(repository, started, landings, now, revert=revert)
        intent = Undoing(before=now, to=goal, by_revert=goal != landings[0].before)
        if goal != now:
            checkouts.must_be_free(repository, place.ref, now, goal)
            _open(repository).write_text(run)
            journal.append(intent)
            if not place.move(now, goal, f"{UNDO}{run}", rewind=True):
                why = f"{place.name} moved while it was being undone; nothing was changed"
                raise RiskError(why, hint="run it again")
            checkouts.follow_all(repository, place.ref, now, goal)
        return _taken(journal, intent)


def settle(repository: Repository) -> Taken | None:
    """Close an undo that was killed between its intent and its outcome, where the target says that it came about."""
    path = _open(repository)
    with contextlib.suppress(FileNotFoundError, UnicodeDecodeError, GitbotError):  # or a remote that says nothing
        run = RunId(path.read_text("ascii"))
        journal = Journal(repository, run) if run in runs.runs(repository) else None
        now = place_of(repository, journal.started.request.target).ask() if journal is not None else None
        intent = undoing(repository, journal.records, now) if journal is not None else None
        if journal is not None and intent is not None:
            return _taken(journal, intent)
        path.unlink()
    return None


def _taken(journal: Journal, intent: Undoing) -> Taken:
    landings, request = landed(journal.records), journal.started.request
    followed = landings if request.update_branches and not intent.by_revert else []
    told = ((one.report.branch, put_back(journal.repository, one)) for one in followed)
    left = tuple(f"{name}: {why}" for name, why in told if why is not None)
    journal.append(Undone(time=time.time(), to=intent.to, by_revert=intent.by_revert))
    _open(journal.repository).unlink(missing_ok=True)
    names = tuple(one.report.branch for one in landings)
    return Taken(journal.run, request.target, intent.before, intent.to, intent.by_revert, names, left)


def _open(repository: Repository) -> Path:
    return repository.common / "gitbot" / "undoing"


def _goal(repository: Repository, started: Started, landings: Sequence[Landed], now: Oid, *, revert: bool) -> Oid:
    before = landings[0].before
    if now == before:
        return now  # somebody has taken it back by hand
    gone = [one.report.branch for one in landings if not history.holds(repository, now, one.after)]
    if len(gone) == len(landings):
        raise RiskError(
            "the target no longer contains what this run landed; nothing was changed",
            hint="git reflog shows who moved it",
        )
    if revert:
        with Workbench(repository, repository.common / "gitbot" / "scratch", now) as bench:
            return _reverting_commit(bench, started, landings, now)
    # Others may have committed between two landings as well as after the last one.
    extra = {one.oid for one in history.own_commits(repository, now, before)}
    for one in landings:
        extra -= {commit.oid for commit in history.own_commits(repository, one.after, one.before)}
    if not extra and not gone:
        return before
    why = f"the target was built upon since: {len(extra)} commit{'s' if len(extra) > 1 else ''} would be lost with it"
    if gone:
        why = f"the target was set back or rewritten since: as this run landed it, {', '.join(gone)} is not there"
    raise RiskError(why, hint=f"gitbot undo {started.run} --revert makes a commit that takes only this run back")


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
    if repository.tree_of(commit) == repository.tree_of(now):
        raise InputError(f"what run {started.run} landed is taken back already, by hand")
    bench.promote(commit)
    return commit
