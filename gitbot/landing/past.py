"""Earlier runs and the one under way, with what a kill kept from being written down of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from gitbot.journal import lock
from gitbot.landing import document, recovery
from gitbot.model.git import Oid, RefName
from gitbot.model.run import Finished, Record, Run, Settled, Started, Undoing, Undone
from gitbot.repository import Repository, history, refs
from gitbot.repository.remotes import place_of


def folded(repository: Repository, records: Sequence[Record]) -> Run:
    """What the records say; a run without an end is running only while somebody holds the lock.

    What a landing or an undo that was killed has come to is in no record yet, so the target is asked.
    """
    first = records[0]
    now = refs.read(repository, first.request.target) if isinstance(first, Started) else None
    records = (*records, *unwritten(repository, records, lambda _: now))
    found = document.fold(records)
    if undoing(repository, records, now) is not None:
        return msgspec.structs.replace(found, state="undone")
    if found.state == "running" and not lock.is_held(repository):
        return msgspec.structs.replace(found, state="interrupted")
    return found


def unwritten(
    repository: Repository, records: Sequence[Record], ask: Callable[[RefName], Oid | None] | None = None
) -> tuple[Settled, ...]:
    """What a kill kept out of the records of a landing that came about; the target is asked as `Place.ask` does."""
    intent, first = recovery.open_intent(records), records[0]
    beside = isinstance(first, Started) and first.request.land is not None
    if intent is None or beside or any(isinstance(record, Finished) for record in records):
        return ()
    now = ask(intent.ref) if ask is not None else place_of(repository, intent.ref).ask()
    there = now is not None and history.holds(repository, now, intent.after)
    if now is None or recovery.fate(intent, now, contains_after=there) is not recovery.Fate.HAPPENED:
        return ()
    settled = {record.report.branch for record in records if isinstance(record, Settled)}
    return tuple(Settled(report=step.report) for step in intent.steps if step.report.branch not in settled)


def undoing(repository: Repository, records: Sequence[Record], now: Oid | None) -> Undoing | None:
    """The intent to take a run back that came about, by where the target is, and of which no record says so."""
    last = next((record for record in reversed(records) if isinstance(record, Undoing | Undone)), None)
    if not isinstance(last, Undoing) or now is None:
        return None
    gone = last.by_revert or not history.holds(repository, now, document.landed(records)[-1].after)
    return last if gone and history.holds(repository, now, last.to) else None
