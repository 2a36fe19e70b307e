"""The merge bot: looks, lands what is ready, sleeps, and never needs to remember anything.

A branch is ready when its plan has nothing left to do, on the event `ready`, or when its last commit carries the
trailer `Gitbot-Ready: yes`. One that went back waits until it changes, and one in whose work tree somebody still
works until that is committed.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from gitbot.agents.landing import land
from gitbot.errors import GitError, LockedError
from gitbot.journal import approvals, attendance, events, pauses, runs
from gitbot.journal.lock import take
from gitbot.model.event import Event, of_the_round
from gitbot.model.git import BranchName, Oid, RefName
from gitbot.model.plan import Plan
from gitbot.model.progress import Progress
from gitbot.model.run import Delivered, Finished, Landing, Outcome, Reason, Run, Settled, Started, Undone
from gitbot.monitor.standing import read_standing
from gitbot.monitor.status import live_branches
from gitbot.planset import InForce, in_force_plans, plans_of
from gitbot.repository import Repository, checkouts, history, refs, remotes

URGENT = "landing_urgent"
"""The event by which `--urgent` asks a service that is under way; its target is the branch."""

_READY = re.compile(r"(?:^|\n)Gitbot-Ready:[ \t]*(yes|true|1)[ \t]*$", re.MULTILINE | re.IGNORECASE)
_RECENT = 50  # runs in which a branch may have gone back
_OVER = (Outcome.LANDED, Outcome.ALREADY_LANDED, Outcome.EMPTY)
_PASSING = (Reason.INFRA, Reason.INTERRUPTED, Reason.TARGET_RED)  # may be otherwise later, with nothing changed here
_PATIENCE = 60  # seconds


@dataclass(frozen=True, slots=True)
class Candidate:
    """A live branch with something to land. `waits`: why it is not landed now; None when it is ready."""

    branch: BranchName
    tip: Oid
    waits: str | None
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class Tried:
    """The last time that a branch was tried and did not land."""

    tip: Oid
    reason: Reason | None
    target: Oid | None  # where it was then
    time: float


@contextlib.contextmanager
def only_watcher(repository: Repository) -> Iterator[None]:
    """One service for a repository; the kernel frees its lock whatever way it ends.

    Raises:
        LockedError: there is one already.
    """
    folder = repository.common / "gitbot"
    folder.mkdir(exist_ok=True)
    descriptor = take(folder / "watching")
    if descriptor is None:
        hint = "one is enough; it hears of `gitbot watch --urgent BRANCH`, `--pause` and `--resume`"
        raise LockedError("another gitbot watch is at work in this repository", hint=hint)
    try:
        yield
    finally:
        os.close(descriptor)


def look(
    repository: Repository, force: InForce, tried: Mapping[BranchName, Tried], now: float
) -> tuple[Candidate, ...]:
    """Every live branch that has something to land, and what it waits for. Reads only."""
    plans = in_force_plans(repository, force.target, force.config)
    log = of_the_round(events.read(repository))
    asked = {(event.target, event.data.get("tip")): event.time for event in log if event.event == URGENT}
    urgent = [BranchName(target) for target, _ in asked if target is not None]
    target = refs.read(repository, force.target)
    known = refs.branches(repository)
    over, taken_back = _last_runs(repository)
    live = live_branches(repository, plans, force.config, force.target)
    there = [name for name, ref in known.items() if ref.startswith(refs.REMOTES) and ref != force.target]
    newer = [name for name in there if plans_of(name, plans, force.config) and _is_news(repository, name, known)]
    behind = {BranchName(name.partition("/")[2]) for name in newer}
    found = []
    for name in dict.fromkeys((*(one for one in live if one not in behind), *newer, *urgent)):
        tip = refs.read(repository, known[name]) if name in known else None
        if tip is None or target is None or _is_there(repository, target, tip):
            continue
        outcome, begun = over.get((name, tip), (None, 0.0))
        if outcome in _OVER:
            continue
        is_urgent = asked.get((name, tip), 0.0) > begun
        try:
            waits = _in_the_way(repository, known[name])
            waits = waits or ("its agent is at work" if attendance.is_at_work(repository, name) else None)
            if waits is None and not is_urgent:
                waits = _unready(repository, force, name, tip, plans_of(name, plans, force.config), log)
                if waits is None and (name, tip) in taken_back:
                    waits = "its landing was taken back (gitbot undo); it is landed again when it changes"
                waits = waits or _as_before(tried.get(name), name, tip, target, repository, now)
        except GitError as unreadable:  # as in a partial clone: the others can land
            waits = unreadable.message
        found.append(Candidate(name, tip, waits, is_urgent))
    return tuple(found)


def tried_before(repository: Repository) -> dict[BranchName, Tried]:
    """What the last runs say of branches that did not land."""
    found: dict[BranchName, Tried] = {}
    for _, records in islice(runs.own(repository), _RECENT):
        begun = records[0]
        assert isinstance(begun, Started)
        after = next((one.after for one in reversed(records) if isinstance(one, Landing)), begun.before)
        over = next((one.time for one in reversed(records) if isinstance(one, Finished | Delivered)), begun.time)
        for report in (one.report for one in records if isinstance(one, Settled)):
            if report.outcome not in _OVER:
                found.setdefault(report.branch, Tried(report.tip, report.reason, after, over))
    return found


def _last_runs(
    repository: Repository,
) -> tuple[dict[tuple[BranchName, Oid], tuple[Outcome, float]], set[tuple[BranchName, Oid]]]:
    """What the last run made of each branch at its tip and when that run began; and what was taken back last."""
    found: dict[tuple[BranchName, Oid], tuple[Outcome, float]] = {}
    taken_back: set[tuple[BranchName, Oid]] = set()
    for _, records in islice(runs.own(repository), _RECENT):
        undone = any(isinstance(record, Undone) for record in records)
        begun = records[0].time if isinstance(records[0], Started) else 0.0
        for report in (one.report for one in records if isinstance(one, Settled)):
            key = (report.branch, report.tip)
            if undone and key not in found and report.outcome is Outcome.LANDED:
                taken_back.add(key)
            elif not undone and key not in taken_back:
                found.setdefault(key, (report.outcome, begun))
    return found, taken_back


def _is_there(repository: Repository, target: Oid, tip: Oid) -> bool:
    try:
        return history.contains(repository, target, tip)
    except GitError:
        return False


def _unready(
    repository: Repository, force: InForce, name: BranchName, tip: Oid, mine: Sequence[Plan], log: Sequence[Event]
) -> str | None:
    """What is missing before a branch counts as ready."""
    if _READY.search(repository.commit(tip).message.rstrip().rpartition("\n\n")[2]):
        return None
    onto = refs.read(repository, force.target)
    found = read_standing(repository, force.config, name, onto, tip, mine, log)
    if found.stuck is not None:
        return f"stuck: {found.stuck}"
    if found.done:
        return None
    done, total = found.tasks or (0, 0)
    return f"{done} of {total} tasks are done" if total else "nobody said that it is ready"


def _is_news(repository: Repository, name: BranchName, known: Mapping[BranchName, RefName]) -> bool:
    """Whether a remote's branch goes on where the local one of its name ends, or there is none."""
    mine = known.get(BranchName(name.partition("/")[2]))
    here = refs.read(repository, mine) if mine is not None else None
    there = refs.read(repository, known[name])
    return here is None or (there is not None and here != there and _is_there(repository, there, here))


def _in_the_way(repository: Repository, ref: RefName) -> str | None:
    busy = checkouts.busy_with(repository, ref)
    if busy is not None:
        return busy
    for tree in checkouts.showing(repository, ref):
        paths = checkouts.uncommitted(repository, tree.path)
        if paths:
            return f"uncommitted work in {tree.path}: {', '.join(paths[:3])}{' …' if len(paths) > 3 else ''}"
    return None


def _as_before(
    last: Tried | None, name: BranchName, tip: Oid, target: Oid, repository: Repository, now: float
) -> str | None:
    """Why another try would come to the same end; None when it may not."""
    if last is None or last.tip != tip:
        return None
    words = f"it did not land ({last.reason or 'waiting'})"
    if last.reason is Reason.GATE:
        return f"{words}; it is tried again when it changes"
    if last.reason in _PASSING:
        return None if now > last.time + _PATIENCE else f"{words}; it is tried again in a minute"
    if last.target != target or approvals.newest(repository, name) > last.time:
        return None
    return f"{words}; it is tried again when it, the target or an approval changes"


@dataclass(slots=True)
class Service:
    """The loop around it all. Whatever it does not know it reads again."""

    repository: Repository
    read_force: Callable[[], InForce]  # the configuration as it is now
    env: Mapping[str, str]
    progress: Progress
    deliver: Callable[[Run], None]
    tell: Callable[[str], None]  # a line for people; the same one twice is said once
    tried: dict[BranchName, Tried] = field(default_factory=dict)
    _said: dict[str, str] = field(default_factory=dict)

    def round(self, now: float) -> Run | None:
        """Look once and land what is ready; None when nothing was.

        Raises:
            RiskError: it could not go on without risk, as where a local edit is in the way.
        """
        force = self.read_force()
        self._fetch()
        found = look(self.repository, force, self.tried, now)
        paused = pauses.read(self.repository)
        for one in found:
            self.say(one.branch, f"{one.branch} waits: {one.waits}" if one.waits else "")
        self.say("", f"paused by {paused.by}: {paused.reason}" if paused is not None else "")
        ready = [one for one in found if one.waits is None and (one.urgent or paused is None)]
        if not ready:
            return None
        names = self._names([one.branch for one in sorted(ready, key=lambda one: not one.urgent)])
        run = land(self.repository, force, names, self.env, progress=self.progress, deliver=self.deliver)
        then = refs.read(self.repository, force.target)
        for report in run.branches:
            if report.outcome not in _OVER:
                self.tried[report.branch] = Tried(report.tip, report.reason, then, time.time())
        return run

    def _names(self, ready: Sequence[BranchName]) -> Sequence[BranchName]:
        """The ready ones; those of a run that was killed before, if they all are, so that it is gone on with."""
        _, records = next(runs.own(self.repository), (None, ()))
        if records and isinstance(records[0], Started):
            over = any(isinstance(record, Finished | Delivered | Undone) for record in records)
            if not over and set(records[0].request.names) <= set(ready):
                return [BranchName(name) for name in records[0].request.names]
        return ready

    def _fetch(self) -> None:
        """Bring remote-tracking branches and others' events up to date; a remote that does not answer is told of."""
        for name in self.repository.git("remote").decode("utf-8", "surrogateescape").split():
            why = remotes.follow(self.repository, name, f"+{events.PREFIX}*:{events.FETCHED}{name}/events/*")
            self.say(f"remote {name}", f"{name} cannot be fetched: {why}" if why is not None else "")

    def say(self, about: str, line: str) -> None:
        """Tell a line, unless it is what was told last about the same thing."""
        if line and self._said.get(about) != line:
            self.tell(line)
        self._said[about] = line
