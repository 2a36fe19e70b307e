"""Why landing is paused, for every clone that shares the reference: `refs/gitbot/paused`, a blob.

The end of a pause is a blob too, so that it travels as the pause did: of all that is known the newest counts.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from gitbot.errors import GitError
from gitbot.journal.events import FETCHED
from gitbot.model.event import LAST
from gitbot.model.git import Oid, RefName
from gitbot.report.terminal import printable
from gitbot.repository import Repository, refs
from gitbot.repository.writing import write_blob

REF = RefName("refs/gitbot/paused")
LONGEST = 1000  # characters of a reason


class Pause(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who paused, when and why; or, `over`, who ended that."""

    reason: str
    by: str
    time: Annotated[float, msgspec.Meta(ge=0, le=LAST)]  # seconds since the epoch
    over: bool = False


def read(repository: Repository) -> Pause | None:
    """The pause that is on, also by the word of remotes; one that cannot be read is one all the same."""
    newest = _newest(repository)
    return None if newest is None or newest.over else newest


def _newest(repository: Repository) -> Pause | None:
    fetched = [oid for ref, oid in refs.below(repository, FETCHED) if ref.endswith("/paused")]
    own = refs.read(repository, REF)
    found = [_read(repository, oid) for oid in (*((own,) if own is not None else ()), *fetched)]
    return max(found, key=lambda one: one.time, default=None)


def _read(repository: Repository, oid: Oid) -> Pause:
    try:
        found = msgspec.json.decode(repository.blob(oid), type=Pause)
    except (GitError, msgspec.DecodeError):
        return Pause(reason=f"{REF} cannot be read", by="", time=0)
    reason, by = printable(found.reason)[:LONGEST], printable(found.by)[:LONGEST]
    return msgspec.structs.replace(found, reason=reason, by=by)


def pause(repository: Repository, reason: str, now: float, *, over: bool = False) -> Pause:
    """Pause landing, whether it is or not: the newest reason counts, also where the clock of another is ahead."""
    name, email = repository.identity()
    known = _newest(repository)
    time = max(now, known.time + 1) if known is not None else now
    new = Pause(reason=printable(reason)[:LONGEST], by=f"{name} <{email}>", time=time, over=over)
    blob = write_blob(repository, msgspec.json.encode(new))
    while not refs.append(repository, REF, before=refs.read(repository, REF), after=blob):
        continue
    return new


def resume(repository: Repository, now: float) -> Pause | None:
    """End the pause; the one that was, or None."""
    known = read(repository)
    if known is not None:
        pause(repository, "", now, over=True)
    return known
