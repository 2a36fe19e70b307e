"""One writer per repository: a file lock that the kernel frees whatever way its holder dies."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

from gitbot.errors import LockedError
from gitbot.repository import Repository, refs

_LONGEST_MOVE = 5  # seconds; git holds a reference's lock for milliseconds
_LONGEST_HOOK = 60  # seconds that a hook of the user's may keep git at it


def take(path: Path) -> int | None:
    """A descriptor that holds a file as long as anybody has it open; None while somebody else has one."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


@contextlib.contextmanager
def turn(path: Path, seconds: float) -> Iterator[None]:
    """One after the other; who holds it for so long, as a stopped process does, is waited for no longer."""
    deadline = time.monotonic() + seconds
    with path.open("wb") as held:
        while time.monotonic() < deadline:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            time.sleep(0.005)
        yield


@contextlib.contextmanager
def only_writer(repository: Repository) -> Iterator[None]:
    """Hold the repository's lock, and clear away the locks of whoever was killed before.

    Raises:
        LockedError: another process holds it, or a git of a killed run does not end.
    """
    folder = repository.common / "gitbot"
    folder.mkdir(exist_ok=True)
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip()
            raise LockedError(
                f"another run is under way here{f' (process {holder})' if holder.isdigit() else ''}",
                hint="wait for it to end; a dead process never holds this lock",
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        _sweep(repository)
        with _no_gc(repository):
            yield
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _no_gc(repository: Repository) -> Iterator[None]:
    """Keep `git gc` from pruning what is promoted and not yet landed, by git's own lock; a dead holder has none.

    Source: builtin/gc.c, lock_repo_for_gc: `gc.pid` holds process and host. One that is there is left alone.
    """
    lock = repository.common / "gc.pid"
    mine = repository.common / "gitbot" / "gc.pid"
    mine.write_text(f"{os.getpid()} {socket.gethostname()}\n")
    _clear_dead(lock)
    with contextlib.suppress(FileExistsError):  # a gc is under way, which began before anything of ours
        os.link(mine, lock)
    try:
        yield
    finally:
        with contextlib.suppress(FileNotFoundError):
            if lock.samefile(mine):
                lock.unlink()
        mine.unlink(missing_ok=True)


def _clear_dead(lock: Path) -> None:
    """Take the lock of a run away that was killed: its process is gone, or is this one."""
    with contextlib.suppress(FileNotFoundError, ValueError):
        holder, _, host = lock.read_text(errors="replace").strip().partition(" ")
        if host == socket.gethostname() and not _is_alive(int(holder)):
            lock.unlink()


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _sweep(repository: Repository) -> None:
    """Remove the locks that a killed process left on references: only the holder of the lock may.

    Those below refs/gitbot/ that only a run writes are its own. What git holds while it moves a reference counts as
    left behind when such a move was cut short and the lock stays for longer than any move takes.
    """
    ours = repository.common / "refs" / "gitbot"
    for kind in ("pin", "result", "backup", "recorded", "runs"):
        for path in (ours / kind).rglob("*.lock"):
            path.unlink(missing_ok=True)
    (ours / "clone.lock").unlink(missing_ok=True)
    for kind in ("approved", "lease"):  # which others write as well
        for path in (ours / kind).rglob("*.lock"):
            with contextlib.suppress(FileNotFoundError):
                outlast(path)
    moving = repository.common / refs.MOVING
    if moving.exists():
        with moving.open("rb") as marker:
            ref = os.fsdecode(marker.read())
            _until_free(marker.fileno(), ref)
        for name in (ref, "HEAD", "packed-refs"):
            with contextlib.suppress(FileNotFoundError):
                outlast(repository.common / f"{name}.lock")
        moving.unlink(missing_ok=True)


def _until_free(marker: int, ref: str) -> None:
    """Wait for a git that has outlived its run, held up by a hook of the user's: it may still move the reference."""
    deadline = time.monotonic() + _LONGEST_HOOK
    while True:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(marker, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        if time.monotonic() > deadline:
            raise LockedError(
                f"git still moves {ref} for a run that was killed; a hook keeps it waiting",
                hint="run this again when that has ended",
            )
        time.sleep(0.05)


def outlast(lock: Path) -> None:
    """Wait for a lock to go, and remove it when it does not; a clock that was set back makes the wait no longer."""
    found, deadline = lock.stat(), time.monotonic() + _LONGEST_MOVE
    while time.monotonic() < deadline and time.time() - found.st_mtime <= _LONGEST_MOVE:
        time.sleep(0.05)
        if lock.stat().st_mtime_ns != found.st_mtime_ns:
            return  # another git's
    lock.unlink()


def is_held(repository: Repository) -> bool:
    """Whether a run is under way here now."""
    try:
        descriptor = os.open(repository.common / "gitbot" / "lock", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
