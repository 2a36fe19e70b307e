"""The journal of each run: records appended one by one, and the files that belong to the run.

`refs/gitbot/runs/<id>/journal` is a tree: `records/<hundreds>/<number>` holds one JSON record a blob, `files/` what
a person may open (gate logs, retry briefs). An append writes one blob and three small trees, then moves the
reference by compare-and-swap, so that a kill leaves the journal as it was before or after.
"""

from __future__ import annotations

import calendar
import contextlib
import json
import re
import secrets
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from gitbot.errors import DamagedRecordError, GitError
from gitbot.journal import clone
from gitbot.model.git import Oid, RefName
from gitbot.model.run import Record, RunId, Started
from gitbot.repository import Repository, refs
from gitbot.repository.writing import BLOB, write_blob, write_tree

PREFIX = "refs/gitbot/runs/"
_STAMP = "%Y%m%dT%H%M%SZ"
_RUN = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{4}")
_decoder = msgspec.json.Decoder(Record)


def ref_of(run: RunId) -> RefName:
    """Where a run's journal lives."""
    return RefName(f"{PREFIX}{run}/journal")


class Journal:
    """One run's records, read once and then only appended to, by the holder of the lock."""

    def __init__(self, repository: Repository, run: RunId) -> None:
        self.repository = repository
        self.run = run
        self.tree = refs.read(repository, ref_of(run))
        self.records: list[Record] = list(read(repository, run)) if self.tree is not None else []

    @property
    def started(self) -> Started:
        """The first record."""
        first = self.records[0]
        assert isinstance(first, Started)
        return first

    def append(self, record: Record, files: Mapping[str, bytes] | None = None) -> None:
        """Write a record (and files beside it) so that it is still there after a kill.

        Raises:
            GitError: somebody else wrote to this journal.
        """
        number = f"{len(self.records):06d}"
        place = f"{number[:4]}/{number}"
        sealed = clone.marked(self.repository).seal(_encoded(record), f"{self.run}/{place}")
        added = {f"records/{place}": sealed}
        for name, data in (files or {}).items():
            added[f"files/{name}"] = data
            keep_file(self.repository, self.run, name, data)
        blobs = {path: (write_blob(self.repository, data), BLOB) for path, data in added.items()}
        tree = write_tree(self.repository, self.tree, blobs)
        if not refs.append(self.repository, ref_of(self.run), before=self.tree, after=tree):
            raise GitError(f"the journal of run {self.run} was changed by somebody else")
        self.tree = tree
        self.records.append(record)

    def files(self) -> Iterator[tuple[str, bytes]]:
        """The run's files by name: gate logs and retry briefs."""
        return _below(self.repository, self.tree, "files") if self.tree is not None else iter(())


def read(repository: Repository, run: RunId) -> tuple[Record, ...]:
    """All records of a run, oldest first, a `Started` being the first; () when there is no such run.

    Raises:
        DamagedRecordError: the journal is damaged or from a newer gitbot.
    """
    return _read(repository, run, clone.Clone())[0]


def _read(repository: Repository, run: RunId, here: clone.Clone) -> tuple[tuple[Record, ...], bool]:
    """The records, and whether this clone has written all of them."""
    tree = refs.read(repository, ref_of(run))
    if tree is None:
        return (), False
    try:
        read = [here.unseal(blob, f"{run}/{place}") for place, blob in _below(repository, tree, "records")]
        found = tuple(_decoded(data) for data, _ in read)
    except (msgspec.DecodeError, ValueError, RecursionError, GitError) as broken:
        found, why = (), str(broken)
    else:
        why = "it does not begin with a start"
    if not found or not isinstance(found[0], Started):
        raise DamagedRecordError(
            f"the record of run {run} cannot be read: {why}", hint=f"to drop it: git update-ref -d {ref_of(run)}"
        )
    return found, all(found[0].time <= until for _, until in read)


def _encoded(record: Record) -> bytes:
    try:
        return msgspec.json.encode(record)
    except UnicodeEncodeError:  # a file's name that is no UTF-8 comes as half of a surrogate pair
        return json.dumps(msgspec.to_builtins(record)).encode()


def _decoded(data: bytes) -> Record:
    found: Record = msgspec.convert(json.loads(data), Record) if b"\\udc" in data else _decoder.decode(data)
    return found


def runs(repository: Repository) -> tuple[RunId, ...]:
    """Every run that was recorded here, oldest first; a reference with another kind of name is none of ours."""
    names = (ref.removeprefix(PREFIX).removesuffix("/journal") for ref, _ in refs.below(repository, PREFIX))
    return tuple(sorted(RunId(name) for name in names if _RUN.fullmatch(name)))


def own(repository: Repository) -> Iterator[tuple[RunId, tuple[Record, ...]]]:
    """This clone's runs as far as they can be read, newest first.

    Runs that were fetched from elsewhere are there to be read: nobody's work counts as landed on their word, and
    none of them is gone on with.
    """
    here = clone.known(repository)
    for run in reversed(runs(repository)):
        with contextlib.suppress(DamagedRecordError):
            records, mine = _read(repository, run, here)
            if mine:
                yield run, records


def is_own(repository: Repository, run: RunId) -> bool:
    """Whether this clone has made a run: one that was fetched is hearsay.

    Raises:
        DamagedRecordError: as `read`.
    """
    return _read(repository, run, clone.known(repository))[1]


def latest(repository: Repository) -> RunId | None:
    """This clone's newest run, the only one that can still be open: each closes the one before."""
    return next((run for run, _ in own(repository)), None)


def fresh_id(repository: Repository, now: float) -> RunId:
    """A name for a run that starts `now` (seconds since 1970), later by name than each run of this clone.

    Two runs of one second, or a clock put back, take the next second: which run is the newest goes by name.
    """
    before = latest(repository)
    if before is not None:
        now = max(now, calendar.timegm(time.strptime(before.partition("-")[0], _STAMP)) + 1)
    return RunId(f"{time.strftime(_STAMP, time.gmtime(now))}-{secrets.token_hex(2)}")


def clone_id(repository: Repository) -> str:
    """This clone's name in records; empty until its first. It proves nothing (`journal.clone`)."""
    return clone.known(repository).id


def mark_clone(repository: Repository) -> str:
    """The same, made if there is none yet."""
    return clone.marked(repository).id


def keep_file(repository: Repository, run: RunId, name: str, data: bytes) -> Path:
    """Put a copy of a run's file where a person can open it."""
    path = file_path(repository, run, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def file_path(repository: Repository, run: RunId, name: str) -> Path:
    """Where the copy of a run's file is."""
    return repository.common / "gitbot" / "runs" / run / name


def _below(repository: Repository, tree: Oid, folder: str) -> Iterator[tuple[str, bytes]]:
    top = repository.entry(tree, folder)
    for change in repository.changes(None, top[0]) if top is not None else ():
        yield change.path, repository.blob(change.new_oid)
