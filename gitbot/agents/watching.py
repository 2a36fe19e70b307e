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
from dataclasses import dataclass, field, replace
from itertools import islice

import msgspec

from gitbot.agents.landing import land
from gitbot.agents.tidying import runs_onto, taken_back
from gitbot.config import as_table, gate_command
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
_ANY = BranchName("")  # no branch
_OVER = (Outcome.LANDED, Outcome.ALREADY_LANDED, Outcome.EMPTY)
_PASSING = (Reason.INFRA, Reason.INTERRUPTED, Reason.TARGET_RED)  # may be otherwise later, with nothing changed here
_PATIENCE = 60  # seconds
_SILENCE = 600  # seconds in which a remote that did not answer is given little time


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
    gates: bytes  # by which it was judged


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
    known_events = events.read(repository)
    log = of_the_round(known_events)
    over, begun = _last_runs(repository, force.target)
    # A clock that is ahead must not make a request last.
    asked = {one.target: one.time for one in known_events if one.event == URGENT and one.target and one.time <= now}
    urgent = {BranchName(name) for name, time in asked.items() if time > begun.get(BranchName(name), begun[_ANY])}
    target, gates = refs.read(repository, force.target), _gates_now(force)
    known = refs.branches(repository)
    live = live_branches(repository, plans, force.config, force.target)
    there = [name for name, ref in known.items() if ref.startswith(refs.REMOTES) and ref != force.target]
    newer = [name for name in there if plans_of(name, plans, force.config) and _is_news(repository, name, known)]
    behind = {BranchName(name.partition("/")[2]) for name in newer}
    found = []
    for name in dict.fromkeys((*(one for one in live if one not in behind), *newer, *sorted(urgent))):
        tip = refs.read(repository, known[name]) if name in known else None
        if tip is None or target is None or over.get((name, tip)) or history.holds(repository, target, tip):
            continue
        try:
            waits = _in_the_way(repository, name, known[name], is_urgent=name in urgent)
            if waits is None and name not in urgent:
                waits = _unready(repository, force, name, tip, plans_of(name, plans, force.config), log)
                waits = waits or _as_before(tried.get(name), Tried(tip, None, target, now, gates), name, repository)
        except GitError as unreadable:  # as in a partial clone: the others can land
            waits = unreadable.message
        found.append(Candidate(name, tip, waits, name in urgent))
    ready = {one.tip for one in found if one.waits is None and not one.urgent}
    undone = taken_back(repository, force.target, ready)
    back = "its landing was taken back (gitbot undo); it is landed again when it changes"
    return tuple(replace(one, waits=back) if one.tip in undone and not one.urgent else one for one in found)


def tried_before(repository: Repository, target: RefName) -> dict[BranchName, Tried]:
    """What the last runs say of branches that did not land on the target."""
    found: dict[BranchName, Tried] = {}
    for begun, records in runs_onto(target, islice(runs.own(repository), _RECENT)):
        after = next((one.after for one in reversed(records) if isinstance(one, Landing)), begun.before)
        over = next((one.time for one in reversed(records) if isinstance(one, Finished | Delivered)), begun.time)
        for report in (one.report for one in records if isinstance(one, Settled)):
            if report.outcome not in _OVER:
                gates = _gates(begun.request.gate, begun.config)
                found.setdefault(report.branch, Tried(report.tip, report.reason, after, over, gates))
    return found


def _gates(command: object, table: Mapping[str, object]) -> bytes:
    """What the tests of a run are, so that it can be compared."""
    return msgspec.json.encode((command, table.get("gate"), table.get("gates")))


def _gates_now(force: InForce) -> bytes:
    return _gates(gate_command(force.config), as_table(force.config))


def _last_runs(
    repository: Repository, target: RefName
) -> tuple[dict[tuple[BranchName, Oid], bool], dict[BranchName, float]]:
    """Whether the last run with each branch at its tip was the end of it; and when the last with each began.

    What no run is known of may have been in one before `_ANY`.
    """
    over: dict[tuple[BranchName, Oid], bool] = {}
    begun: dict[BranchName, float] = {}
    recent = list(islice(runs.own(repository), _RECENT))
    for started, records in runs_onto(target, recent):
        undone = any(isinstance(record, Undone) for record in records)
        for report in (one.report for one in records if isinstance(one, Settled)):
            over.setdefault((report.branch, report.tip), report.outcome in _OVER and not undone)
            begun.setdefault(report.branch, started.time)
    oldest = recent[-1][1][0] if len(recent) == _RECENT else None
    begun[_ANY] = oldest.time if isinstance(oldest, Started) else 0.0
    return over, begun


def _unready(
    repository: Repository, force: InForce, name: BranchName, tip: Oid, mine: Sequence[Plan], log: Sequence[Event]
) -> str | None:
    """What is missing before a branch counts as ready."""
    last = repository.commit(tip)
    trailer = _READY.search(last.message.rstrip().rpartition("\n\n")[2]) is not None
    heard = [event for event in log if event.time > last.committer.time] if trailer else log
    found = read_standing(repository, force.config, name, refs.read(repository, force.target), tip, mine, heard)
    if found.stuck is not None:
        return f"stuck: {found.stuck}"
    if found.done or trailer:
        return None
    done, total = found.tasks or (0, 0)
    return f"{done} of {total} tasks are done" if total else "nobody said that it is ready"


def _is_news(repository: Repository, name: BranchName, known: Mapping[BranchName, RefName]) -> bool:
    """Whether a remote's branch goes on where the local one of its name ends, or there is none."""
    mine = known.get(BranchName(name.partition("/")[2]))
    here = refs.read(repository, mine) if mine is not None else None
    there = refs.read(repository, known[name])
    return here is None or (there is not None and here != there and history.holds(repository, there, here))


def _in_the_way(repository: Repository, name: BranchName, ref: RefName, *, is_urgent: bool) -> str | None:
    """What is under way with a branch; of an urgent one, only what git itself is in the middle of."""
    busy = checkouts.busy_with(repository, ref)
    if busy is not None or is_urgent:
        return busy
    for tree in checkouts.showing(repository, ref):
        paths = checkouts.uncommitted(repository, tree.path)
        if paths:
            return f"uncommitted work in {tree.path}: {', '.join(paths[:3])}{' …' if len(paths) > 3 else ''}"
    return "its agent is at work" if attendance.is_at_work(repository, name) else None


def _as_before(last: Tried | None, now: Tried, name: BranchName, repository: Repository) -> str | None:
    """Why another try, as things are now, would come to the same end; None when it may not."""
    if last is None or last.tip != now.tip:
        return None
    words = f"it did not land ({last.reason or 'waiting'})"
    if last.reason in _PASSING:
        return None if now.time > last.time + _PATIENCE else f"{words}; it is tried again in a minute"
    if (last.target, last.gates) != (now.target, now.gates) or approvals.newest(repository, name) > last.time:
        return None
    return f"{words}; it is tried again when it, the target, the gate or an approval changes"


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
    _silent: dict[str, float] = field(default_factory=dict)  # remotes that do not answer, until when that counts

    def round(self, now: float) -> Run | None:
        """Look once and land what is ready; None when nothing was.

        Raises:
            RiskError: it could not go on without risk, as where a local edit is in the way.
        """
        force = self.read_force()
        self._fetch(now)
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
                self.tried[report.branch] = Tried(report.tip, report.reason, then, time.time(), _gates_now(force))
        return run

    def _names(self, ready: Sequence[BranchName]) -> Sequence[BranchName]:
        """The ready ones; those of a run that was killed before, if they all are, so that it is gone on with."""
        _, records = next(runs.own(self.repository), (None, ()))
        if records and isinstance(records[0], Started):
            over = any(isinstance(record, Finished | Delivered | Undone) for record in records)
            if not over and set(records[0].request.names) <= set(ready):
                return [BranchName(name) for name in records[0].request.names]
        return ready

    def _fetch(self, now: float) -> None:
        """Bring remote-tracking branches and what others said up to date; who does not answer is told of, once."""
        for name in self.repository.git("remote").decode("utf-8", "surrogateescape").split():
            known = now < self._silent.get(name, 0.0)
            also = (
                f"+{events.PREFIX}*:{events.FETCHED}{name}/events/*",
                f"+{pauses.REF}*:{events.FETCHED}{name}/paused*",
            )
            why = remotes.follow(self.repository, name, *also, hastily=known)
            if why is None:
                self._silent.pop(name, None)
            elif not known:
                self._silent[name] = now + _SILENCE
            if why is None or not known:
                self.say(f"remote {name}", f"{name} cannot be fetched: {why}" if why is not None else "")

    def say(self, about: str, line: str) -> None:
        """Tell a line, unless it is what was told last about the same thing."""
        if line and self._said.get(about) != line:
            self.tell(line)
        self._said[about] = line
