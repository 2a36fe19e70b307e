"""Who works on what just now: leases on paths and patterns, for what the plans leave open.

`refs/gitbot/lease/table` is a blob that holds all of them. Leases with different patterns can overlap, so they are
judged and written together: whoever moves the one reference from what he judged by has won, and of any number of
claimants that is one. A lease ends by itself; its holder makes it longer by claiming again.

Times are by the clock of who claimed. Another machine's may be off, so a lease counts for `APART` seconds longer; one
that would stand for more than `LONGEST` from now is from a clock that is further off than that, and does not count.

Others may push anything there. Who only looks takes a table that cannot be read for an empty one; who would write
leaves it alone, as leases that others count on may stand in it.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import msgspec

from gitbot.errors import DamagedRecordError, GitError, InputError, PatternError, UnwritableError
from gitbot.journal import lock
from gitbot.model.git import ZERO, Oid
from gitbot.patterns import Budget, PatternList, compile_patterns, normalise, witness
from gitbot.patterns.notation import lower
from gitbot.report.terminal import printable
from gitbot.repository import Repository, refs
from gitbot.repository.writing import write_blob

TABLE = refs.LEASES
LONGEST = 24 * 3600.0  # seconds of a lease
APART = 60.0  # seconds that two clocks may be apart
MOST = 1000  # leases at a time
_BEGINNING = re.compile(r"[^*?\[{\\]*(?<!/)")  # of all paths that a pattern covers
_WORDS = 200  # characters of a holder or a reason
_LONGEST_PATTERN = 4096  # bytes
_LARGEST = 4 << 20  # bytes of a table
_PATIENCE = 10.0  # seconds of trying; a hundred claimants need one


class Lease(msgspec.Struct, frozen=True, kw_only=True):
    """One pattern that somebody works on. Times are seconds since the epoch."""

    pattern: str
    holder: str  # a branch, or any other name
    reason: str = ""
    since: float
    until: float

    def stands(self, now: float) -> bool:
        """Whether it still counts for others."""
        return now - APART < self.until <= now + LONGEST + APART


@dataclass(frozen=True, slots=True)
class Held:
    """Somebody else's lease that covers a path, or shares one with what is wanted."""

    path: str
    lease: Lease

    @property
    def text(self) -> str:
        """What to tell a person."""
        until = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(self.lease.until))
        why = f": {self.lease.reason}" if self.lease.reason else ""
        return printable(f"{self.path} is held by {self.lease.holder} ({self.lease.pattern}) until {until}{why}")


def standing(repository: Repository, now: float) -> tuple[Lease, ...]:
    """The leases that count, the oldest first; what cannot be read is none."""
    known = kept(repository, refs.read(repository, TABLE)) or ()
    return tuple(lease for lease in known if lease.stands(now))


def held_by_others(leases: Iterable[Lease], holder: str | None, paths: Iterable[str]) -> dict[str, Held]:
    """Of the paths those on which somebody else has a lease, spelled in whatever case."""
    spelled = {path: lower(unicodedata.normalize("NFC", path)) for path in paths}
    known = sorted(spelled.values())

    def is_near(lease: Lease) -> bool:  # to compile hundreds of patterns takes longer than all else that `guard` does
        beginning = _BEGINNING.match(lower(normalise(lease.pattern).text))
        at = bisect_left(known, beginning[0]) if beginning else len(known)
        return beginning is not None and at < len(known) and known[at].startswith(beginning[0])

    others = [(lease, _compiled(lease).folded) for lease in leases if lease.holder != holder and is_near(lease)]
    found = ((path, lease) for path in spelled for lease, covered in others if covered.matches(spelled[path]))
    return {path: Held(path, lease) for path, lease in found}


def claim(
    repository: Repository, patterns: Sequence[str], holder: str, *, seconds: float, now: float, reason: str = ""
) -> tuple[Lease, ...] | Held:
    """Take leases on all of the patterns, or on none where somebody else has one that shares a path with them.

    What the holder has of them already is made to last `seconds` from now.

    Raises:
        InputError: no patterns, names or times that could be meant; or there is no room for so many leases.
        DamagedRecordError: the table cannot be read, so that nobody knows who holds what.
        UnwritableError: the table cannot be written.
    """
    mine = compile_patterns(patterns)
    wanted = dict.fromkeys(mine.patterns)
    new = tuple(Lease(pattern=each, holder=holder, reason=reason, since=now, until=now + seconds) for each in wanted)
    _check(new, seconds)
    for before, known in _attempts(repository, now):
        budget = Budget()
        for lease in known:
            shared = (
                witness(mine, _compiled(lease), fold_case=True, budget=budget) if lease.holder != holder else None
            )
            if shared is not None:
                return Held(shared.path, lease)
        kept = (lease for lease in known if lease.holder != holder or lease.pattern not in wanted)
        if _write(repository, before, (*kept, *new)):
            return new
    raise _unwritable()


def release(repository: Repository, holder: str, patterns: Sequence[str] = (), *, now: float) -> tuple[Lease, ...]:
    """Give leases of a holder back, all of them unless some are named; those that there were.

    Raises:
        InputError: a pattern is outside the notation.
        DamagedRecordError: the table cannot be read.
        UnwritableError: the table cannot be written.
    """
    named = compile_patterns(patterns).patterns
    for before, known in _attempts(repository, now):
        gone = tuple(each for each in known if each.holder == holder and (not named or each.pattern in named))
        if not gone or _write(repository, before, [lease for lease in known if lease not in gone]):
            return gone
    raise _unwritable()


def _check(new: Sequence[Lease], seconds: float) -> None:
    words = [word for lease in new for word in (lease.holder, lease.reason)]
    if not new or any(lease.pattern.startswith("!") for lease in new):
        raise InputError("no path to hold", hint="name paths or patterns; one that begins with ! excludes")
    if any(len(lease.pattern.encode(errors="replace")) > _LONGEST_PATTERN for lease in new):
        raise InputError(f"a pattern to hold has at most {_LONGEST_PATTERN} bytes")
    if not new[0].holder or any(len(word) > _WORDS or printable(word) != word for word in words):
        raise InputError(f"a holder's name, and a reason, is one line of at most {_WORDS} characters")
    if not 0 < seconds <= LONGEST:
        raise InputError(f"a lease lasts more than 0 and at most {LONGEST:.0f} seconds", hint="claim again to renew")


def _attempts(repository: Repository, now: float) -> Iterator[tuple[Oid | None, tuple[Lease, ...]]]:
    """The table and the leases in it, until whoever asks has written his own or the time for it is over."""
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        table = refs.read(repository, TABLE)
        known = kept(repository, table)
        if known is None:
            raise DamagedRecordError(
                f"{TABLE} cannot be read, so nobody knows who holds what",
                hint=f"to drop it, and every lease with it: git update-ref -d {TABLE}",
            )
        yield table, tuple(lease for lease in known if lease.stands(now))
        time.sleep(os.urandom(1)[0] / 5000)  # or the same few of a hundred would win every round


def kept(repository: Repository, table: Oid | None) -> tuple[Lease, ...] | None:
    """All that are in a table, also those that are over; None where it cannot be read: others may push anything."""
    try:
        if table is not None and repository.size(table) > _LARGEST:
            return None
        known = msgspec.json.decode(repository.blob(table), type=tuple[Lease, ...]) if table else ()
        for lease in known:
            normalise(lease.pattern)
    except (GitError, msgspec.DecodeError, PatternError):
        return None
    return known if len(known) <= MOST else None


def _compiled(lease: Lease) -> PatternList:
    return compile_patterns([lease.pattern])


def _write(repository: Repository, before: Oid | None, table: Sequence[Lease]) -> bool:
    data = msgspec.json.encode(table)
    if len(table) > MOST or len(data) > _LARGEST:
        most = f"{MOST} leases, or {_LARGEST >> 20} MiB of them"
        raise InputError(f"there is room for {most}", hint="release some, or claim a pattern for many paths")
    after = write_blob(repository, data)
    if before is None:
        # libgit2 looks whether a reference is there before it locks it, so that two could make it; git locks first.
        return repository.attempt("update-ref", TABLE, after, ZERO).returncode == 0
    try:
        return before == after or refs.append(repository, TABLE, before=before, after=after)
    except UnwritableError:  # perhaps somebody was killed while he wrote it
        with contextlib.suppress(FileNotFoundError):
            lock.outlast(repository.common / f"{TABLE}.lock")
        return False


def _unwritable() -> UnwritableError:
    return UnwritableError(f"{TABLE} kept changing", hint="run the same command again")
