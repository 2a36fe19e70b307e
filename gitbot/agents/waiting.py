"""Waiting for events and commits of others, and learning at once of a failure that makes waiting pointless.

What happened before counts: whoever comes late has not missed it. A round begins with the event `round_started`, and
what was before it counts no more; a failure that cancels stands until its actor emits anything else.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from gitbot.errors import GitError
from gitbot.guard.landed import COMMITTED
from gitbot.journal import events
from gitbot.model.event import REPORTS, Event, of_the_round
from gitbot.model.git import Commit, Oid, RefName
from gitbot.model.plan import fold
from gitbot.monitor.standing import ENDED
from gitbot.repository import Repository, history, refs

PAUSE = 0.2  # seconds between two looks
_MOST = 1000  # merges of the target, and entries of a reflog, that are looked at
_PARENTS = re.compile(r"([0-9a-f]{40} )+")
_RANGE = re.compile(r"([0-9a-f]{40})\.\.([0-9a-f]{40})")


class End(StrEnum):
    """How a wait can end."""

    SEEN = "seen"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed-out"


@dataclass(frozen=True, slots=True)
class NamedCommit:
    """A commit by a text in its subject; what `target` has is not the branch's work unless it landed from there."""

    text: str
    branch: str  # of here, or of any remote
    target: RefName


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody waits for."""

    events: tuple[str, ...] = ()
    commit: NamedCommit | None = None
    every: bool = True  # False: one of all is enough
    source: str | None = None  # the plan that emits them
    group: str | None = None  # outside of which nothing counts


@dataclass(frozen=True, slots=True)
class Waited:
    """How it stands or has ended: what was seen, what was not, and the failure that cancelled it."""

    end: End
    seen: tuple[Event, ...] = ()
    commit: Commit | None = None
    missing: tuple[str, ...] = ()
    failure: Event | None = None


def wait(
    repository: Repository,
    wanted: Wanted,
    *,
    seconds: float | None = None,
    waiting: Callable[[tuple[str, ...]], None] = lambda missing: None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Waited:
    """Come back when it was seen, when a failure cancels, or after so many seconds (None: never; 0: after one look).

    `waiting` hears what is missing: when the wait begins, and when that becomes less.
    """
    deadline = None if seconds is None else clock() + seconds
    places = _places(repository, wanted.commit.branch) if wanted.commit is not None else ()
    before: object = None
    told: tuple[str, ...] = ()
    while True:
        tips = {place: tip for place in places if (tip := refs.read(repository, place)) is not None}
        now = events.state(repository), tips, wanted.commit and refs.read(repository, wanted.commit.target)
        if now != before:
            before, known = now, events.read(repository)
            found = _find(repository, wanted.commit, tips, known) if wanted.commit is not None else None
            answer = look(known, wanted, found)
        if answer.end is not End.TIMED_OUT:
            return answer
        if answer.missing != told and seconds != 0:
            told = answer.missing
            waiting(told)
        left = PAUSE if deadline is None else min(PAUSE, deadline - clock())
        if left <= 0:
            return answer
        sleep(left)


def look(known: Sequence[Event], wanted: Wanted, commit: Commit | None = None) -> Waited:
    """What a wait makes of all events there are, in their order; `TIMED_OUT` means that it goes on."""
    counting = of_the_round(known, wanted.group)
    source = None if wanted.source is None else fold(wanted.source)
    heard = {one.event.casefold(): one for one in counting if source in (None, fold(one.actor or ""))}
    names = {name.casefold(): name for name in wanted.events}
    seen = tuple(heard[name] for name in names if name in heard)
    missing = [word for name, word in names.items() if name not in heard]
    if wanted.commit is not None and commit is None:
        missing.append(f"a commit “{wanted.commit.text}” on {wanted.commit.branch}")
    failure = next(
        (one for one in {one.actor: one for one in counting if one.event not in REPORTS}.values() if one.cancels),
        None,
    )
    enough = not missing or (not wanted.every and (seen or commit is not None))
    end = End.CANCELLED if failure is not None else End.SEEN if enough else End.TIMED_OUT
    return Waited(end, seen, commit, tuple(missing), failure)


def _places(repository: Repository, branch: str) -> list[RefName]:
    remotes = repository.git("remote").decode("utf-8", "surrogateescape").split()
    return [
        RefName(place + branch) for place in (refs.HEADS, refs.REMOTES, *(f"{refs.REMOTES}{r}/" for r in remotes))
    ]


def _find(
    repository: Repository, wanted: NamedCommit, tips: Mapping[RefName, Oid], known: Sequence[Event]
) -> Commit | None:
    """The newest commit with the text: of those that the target has not, and of those that landed from the branch."""
    ranges = [f"{refs.read(repository, wanted.target)}..{tip}" for tip in tips.values()]
    of_branch = [one for one in known if one.data.get("branch") == wanted.branch and one.event in ("landed", ENDED)]
    for data in (one.data for one in of_branch):
        ranges += [f"{data.get('before')}..{data.get(end)}" for end in ("tip", "commit")]
    ranges += _merged_by_hand(repository, wanted, tips.values())
    for found in filter(None, map(_RANGE.fullmatch, ranges)):
        with contextlib.suppress(GitError):
            for commit in reversed(history.own_commits(repository, Oid(found[2]), Oid(found[1]))):
                if wanted.text.casefold() in commit.subject.casefold():
                    return commit
    return _committed(repository, wanted, tips)


def _merged_by_hand(repository: Repository, wanted: NamedCommit, tips: Iterable[Oid]) -> Iterator[str]:
    """What merges of the target brought that name the branch, and that the branch as it is does not stand on."""
    name = re.escape(wanted.branch)
    named = re.compile(rf"'{name}'|branch '[^/']+/{name}'|pull request #\d+ from [^/ ]+/{name}$|Merged in {name} ")
    words = ("log", "--first-parent", "--merges", f"-n{_MOST}", "--format=%P %s", wanted.target)
    for line in repository.attempt(*words, *(f"^{tip}" for tip in tips)).stdout.decode(errors="replace").splitlines():
        parents = _PARENTS.match(line)
        if parents is not None and named.search(line, parents.end()):
            onto, *merged = parents[0].split()
            yield from (f"{onto}..{tip}" for tip in merged)


def _committed(repository: Repository, wanted: NamedCommit, tips: Mapping[RefName, Oid]) -> Commit | None:
    """What was committed on the branch here, also where the target was merely forwarded to it since."""
    for place, tip in tips.items():
        for oid, words in refs.reflog(repository, place)[:_MOST]:
            with contextlib.suppress(GitError):
                commit = repository.commit(oid) if words.startswith(COMMITTED) else None
                meant = commit is not None and wanted.text.casefold() in commit.subject.casefold()
                if meant and history.contains(repository, tip, oid):
                    return commit
    return None
