"""What `status` found, kept in the common git folder until something that it depends on is another.

Two files, both found out again when they are damaged or gone: the last document as a whole, and which pairs of
commits do not merge, for when some branches have moved and others not.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from gitbot import __version__
from gitbot.config import Config
from gitbot.guard import installation
from gitbot.journal import attendance
from gitbot.model.git import Oid, WorkTree
from gitbot.model.plan import PlanSet
from gitbot.repository import Repository

if TYPE_CHECKING:
    from gitbot.monitor.edits import Edits
    from gitbot.repository.workbench import Workbench

MOST_PAIRS = 50_000  # pairs that are kept
_Pairs = dict[str, tuple[str, ...]]


def fingerprint(
    repository: Repository,
    config: Config,
    plans: PlanSet,
    trees: Sequence[WorkTree],
    edits: Callable[[], Edits],
    *asked: object,
) -> str:
    """Of all that the picture is made from: references, reflogs, plans, who is at work, hooks, uncommitted work."""
    found = hashlib.sha256(repr((__version__, config, asked)).encode("utf-8", "surrogatepass"))
    try:
        found.update(msgspec.msgpack.encode(plans))
    except UnicodeEncodeError:  # a file's name that is no UTF-8
        found.update(repr(plans).encode("utf-8", "surrogatepass"))
    found.update(repository.git("for-each-ref", "--format=%(objectname) %(refname)"))
    common = repository.common
    said, files = installation.what_decides(repository, trees)
    found.update(said + repr(trees).encode("utf-8", "surrogatepass"))
    files += [common / name for name in ("shallow", "info/attributes", "config", "HEAD")]
    for path in [*files, *sorted((common / "logs/refs").rglob("*"))]:
        found.update(_stamp(path))
    for lock in sorted((common / "gitbot/agents").glob("*/lock")):
        found.update(f"{lock} {attendance.is_at_work(repository, lock.parent.name)}".encode())
    for ref, (tree, paths) in edits().items():
        found.update(f"{ref} {tree}\n".encode("utf-8", "surrogatepass"))
        for name in paths:
            found.update(_stamp(Path(tree, name)))
    return found.hexdigest()


def _stamp(path: Path) -> bytes:
    try:
        seen = path.lstat()
    except OSError:
        return os.fsencode(path)
    return b"%s %d %d %d %d" % (os.fsencode(path), seen.st_mtime_ns, seen.st_ctime_ns, seen.st_size, seen.st_mode)


def remembered(repository: Repository, key: str) -> dict[str, Any] | None:
    """The document that was kept under this fingerprint."""
    packed = _read(repository.common / "gitbot/status", key)
    with contextlib.suppress(msgspec.DecodeError):
        return msgspec.json.decode(packed, type=dict[str, Any]) if packed is not None else None
    return None


def remember(repository: Repository, key: str, document: Mapping[str, object]) -> None:
    """Keep a document, instead of the one before."""
    with contextlib.suppress(UnicodeEncodeError):  # a file's name that is no UTF-8
        _write(repository.common / "gitbot/status", key, msgspec.json.encode(document))


class Remembered:
    """Which paths of two commits do not merge under one commit of the target, whose attributes count."""

    def __init__(self, bench: Workbench, target: Oid) -> None:
        self._bench, self._file = bench, bench.keeper.common / "gitbot/merges"
        attributes = _stamp(bench.keeper.common / "info/attributes")
        self._key = f"{__version__} {target} {zlib.crc32(attributes)}"
        self._known: _Pairs = {}
        with contextlib.suppress(msgspec.DecodeError):
            self._known = msgspec.json.decode(_read(self._file, self._key) or b"{}", type=_Pairs)

    def conflicting_paths(self, pairs: Sequence[tuple[Oid, Oid]]) -> list[tuple[str, ...]]:
        """As that of the workbench, of each pair. What was asked is kept, and of earlier answers as many as fit."""
        new = [pair for pair in dict.fromkeys(pairs) if " ".join(pair) not in self._known]
        tried = self._bench.answers(lambda pair: self._bench.conflicting_paths(*pair), new)
        found = self._known | {" ".join(pair): paths for pair, paths in zip(new, tried, strict=True)}
        if new:
            kept = [item for item in found.items() if item[1] != (".",)]  # what kept git from it may pass
            with contextlib.suppress(UnicodeEncodeError):
                _write(self._file, self._key, msgspec.json.encode(dict(kept[-MOST_PAIRS:])))
        return [found[" ".join(pair)] for pair in pairs]


def _read(file: Path, key: str) -> bytes | None:
    try:
        checksum, known, packed = file.read_bytes().split(b"\n", 2)
        return packed if known.decode() == key and int(checksum) == zlib.crc32(packed) else None
    except (OSError, ValueError):  # not there, or damaged
        return None


def _write(file: Path, key: str, packed: bytes) -> None:
    with contextlib.suppress(OSError):  # nowhere to write: found out again, then
        file.parent.mkdir(exist_ok=True)
        written = file.with_name(f"{file.name}.{os.getpid()}")
        written.write_bytes(b"%d\n%s\n%s" % (zlib.crc32(packed), key.encode(), packed))
        written.replace(file)
