"""The events of a repository: each clone appends to a reference of its own and reads everybody's.

`refs/gitbot/events/<clone>` is a tree of files `<ten thousands>/<number of the first>`, each of at most a hundred
events, one JSON document a line: an append rewrites the last file and two small trees, however many there are.
`refs/gitbot/emitted-by/<clone>` is what this clone really emitted, the other its copy for sharing: `git fetch`
overwrites references to trees without a word, so an older state that comes back from a remote must cost nothing. What
is fetched as `refs/gitbot/fetched/<remote>/events/<clone>` is read as well.

No clock begins a round: `round_started` says how many events of each clone its writer has seen, and those are over.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Container, Iterable, Iterator

import msgspec

from gitbot.errors import GitError, InputError, UnwritableError
from gitbot.journal import lock, runs
from gitbot.model.event import ROUND, Data, Event, Value
from gitbot.model.git import Oid, RefName
from gitbot.report.terminal import printable
from gitbot.repository import Repository, refs
from gitbot.repository.writing import BLOB, write_blob, write_tree

PREFIX = "refs/gitbot/events/"
FETCHED = "refs/gitbot/fetched/"
LARGEST = 8 << 10  # bytes of an event
_OWN = "refs/gitbot/emitted-by/"
_MOST, _FULL = 100, 64 << 10  # events and bytes, from which on a new file is begun
_KEPT = 1000  # files of a clone that are read, the newest: strangers may have pushed any number
_MOST_SEEN = 100  # clones of which an event says so
_PATIENCE = 5.0  # seconds for one's turn
_REF = re.compile(rf"(?:{PREFIX}|{_OWN}|{FETCHED}[^/]+/events/)([0-9a-f]{{32}})")
_FILE = re.compile(r"\d{4,8}/(\d{8,12})")
_PLACES = ("packed-refs", f"{_OWN}*", f"{PREFIX}*", f"{FETCHED}*/events/*")
_decoder = msgspec.json.Decoder(Event)


def emit(
    repository: Repository,
    name: str,
    *,
    now: float,
    actor: str | None = None,
    target: str | None = None,
    group: str | None = None,
    data: Data | None = None,
) -> Event:
    """Append an event to those of this clone, any number of processes at the same time.

    Raises:
        InputError: its name is no word, or all of it is too long.
        UnwritableError: the reference cannot be written.
    """
    if re.fullmatch(r"\S{1,100}", name) is None or printable(name) != name:
        raise InputError(f"{name!r} is no name of an event", hint="one word, such as schema_ready")
    actor, target, group = (text and printable(text) for text in (actor, target, group))
    clean = {printable(key): _printable(value) for key, value in (data or {}).items()}
    event = Event(time=round(now, 3), event=name, actor=actor, target=target, group=group, data=clean)
    if name == ROUND:
        event = msgspec.structs.replace(event, seen=_seen(read(repository)))
    line = msgspec.json.encode(event) + b"\n"
    if len(line) > LARGEST:
        raise InputError(f"the event has {len(line)} bytes", hint=f"{LARGEST} at most; put the rest into a file")
    folder = repository.common / "gitbot"
    folder.mkdir(exist_ok=True)
    with lock.turn(folder / "events-turn", _PATIENCE):  # by the swap alone some of a hundred would starve
        clone, moved = runs.mark_clone(repository), False
        own, shared = RefName(_OWN + clone), RefName(PREFIX + clone)
        while not moved:
            before = refs.read(repository, own)
            number, tree = _with(repository, before or refs.read(repository, shared), line)
            moved = _swap(repository, own, before, tree)
        _swap(repository, shared, refs.read(repository, shared), tree)
    return msgspec.structs.replace(event, id=f"{clone}-{number}")


def read(repository: Repository, after: Container[str] = ()) -> tuple[Event, ...]:
    """The events of all clones but for those with these ids: by time, then clone, then number.

    Events of one clone keep their order when its clock went back. What cannot be read is left out.
    """
    found: list[tuple[float, str, int, Event]] = []
    for clone, trees in _sources(repository).items():
        latest = 0.0
        for number, event in sorted({n: one for tree in trees for n, one in _numbered(repository, tree)}.items()):
            latest = max(latest, event.time)
            found.append((latest, clone, number, msgspec.structs.replace(event, id=f"{clone}-{number}")))
    found.sort(key=lambda one: one[:3])
    return tuple(event for *_, event in found if event.id not in after)


def state(repository: Repository) -> object:
    """Something that is equal as long as no event has come; found out without starting git."""
    try:
        seen = [(path, path.stat()) for place in _PLACES for path in repository.common.glob(place)]
    except FileNotFoundError:  # packed just now
        return object()
    return [(path, stat.st_ino, stat.st_mtime_ns) for path, stat in seen]


def _seen(known: Iterable[Event]) -> dict[str, int]:
    """How many events of each clone there are; of too many clones, those that spoke last."""
    found: dict[str, int] = {}
    for event in known:
        found.pop(event.clone, None)
        found[event.clone] = event.number + 1
    return dict(list(found.items())[-_MOST_SEEN:])


def _printable(value: Value) -> Value:
    return printable(value, newlines=True) if isinstance(value, str) else value


def _swap(repository: Repository, ref: RefName, before: Oid | None, after: Oid) -> bool:
    try:
        return refs.append(repository, ref, before=before, after=after)
    except UnwritableError:  # perhaps somebody was killed while he wrote it
        with contextlib.suppress(FileNotFoundError):
            lock.outlast(repository.common / f"{ref}.lock")
        return refs.append(repository, ref, before=before, after=after)


def _with(repository: Repository, tree: Oid | None, line: bytes) -> tuple[int, Oid]:
    """The events of a tree and one more: its number, and the new tree."""
    files = _files(repository, tree)
    first, lines = (files[-1][0], repository.blob(files[-1][1])) if files else (0, b"")
    number = first + lines.count(b"\n")
    if number - first >= _MOST or len(lines) + len(line) > _FULL:
        first, lines = number, b""
    blob = write_blob(repository, lines + line)
    return number, write_tree(repository, tree, {f"{first // 10_000:04d}/{first:08d}": (blob, BLOB)})


def _sources(repository: Repository) -> dict[str, list[Oid]]:
    """By clone the trees that hold its events; this clone's are those that it has emitted itself."""
    found: dict[str, list[Oid]] = {}
    for place in (PREFIX, FETCHED, _OWN):
        for ref, oid in refs.below(repository, place):
            if match := _REF.fullmatch(ref):
                found.setdefault(match[1], []).append(oid)
    here = runs.clone_id(repository)
    mine = refs.read(repository, RefName(_OWN + here)) if here else None
    return found | ({here: [mine]} if mine is not None else {})


def _files(repository: Repository, tree: Oid | None) -> list[tuple[int, Oid]]:
    """Number of the first event, and blob, in order."""
    with contextlib.suppress(GitError):
        listed = repository.changes(None, tree) if tree is not None else ()
        named = ((_FILE.fullmatch(change.path), change.new_oid) for change in listed)
        return sorted((int(match[1]), oid) for match, oid in named if match)[-_KEPT:]
    return []


def _numbered(repository: Repository, tree: Oid) -> Iterator[tuple[int, Event]]:
    for first, oid in _files(repository, tree):
        with contextlib.suppress(GitError):
            lines = repository.blob(oid).split(b"\n") if repository.size(oid) <= _FULL + LARGEST else []
            for number, line in enumerate(lines, first):
                with contextlib.suppress(ValueError, RecursionError):  # a stranger's
                    yield number, _decoder.decode(line)
