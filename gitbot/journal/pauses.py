"""Why landing is paused, for every clone that shares the reference: `refs/gitbot/paused`, a blob."""

from __future__ import annotations

import msgspec

from gitbot.errors import GitError
from gitbot.model.git import RefName
from gitbot.report.terminal import printable
from gitbot.repository import Repository, refs
from gitbot.repository.writing import write_blob

REF = RefName("refs/gitbot/paused")
LONGEST = 1000  # characters of a reason


class Pause(msgspec.Struct, frozen=True, kw_only=True):
    """Who paused, when and why."""

    reason: str
    by: str
    time: float  # seconds since the epoch


def read(repository: Repository) -> Pause | None:
    """The pause that is on; one that cannot be read is one all the same."""
    oid = refs.read(repository, REF)
    if oid is None:
        return None
    try:
        found = msgspec.json.decode(repository.blob(oid), type=Pause)
    except (GitError, msgspec.DecodeError):
        return Pause(reason=f"{REF} cannot be read", by="", time=0)
    return Pause(reason=printable(found.reason)[:LONGEST], by=printable(found.by)[:LONGEST], time=found.time)


def pause(repository: Repository, reason: str, now: float) -> Pause:
    """Pause landing, whether it is or not: the newest reason counts."""
    name, email = repository.identity()
    new = Pause(reason=printable(reason)[:LONGEST], by=f"{name} <{email}>", time=now)
    blob = write_blob(repository, msgspec.json.encode(new))
    while not refs.append(repository, REF, before=refs.read(repository, REF), after=blob):
        continue
    return new


def resume(repository: Repository) -> Pause | None:
    """Take the pause away; the one that was, or None."""
    known, before = read(repository), refs.read(repository, REF)
    if before is not None:
        refs.swap(repository, REF, before=before, after=None, why="gitbot: resume")
    return known
