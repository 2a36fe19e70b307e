"""One writer per repository: a file lock that the kernel frees whatever way its holder dies."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator

from gitbot.errors import LockedError
from gitbot.model.run import Landing
from gitbot.repository import Repository

_LONGEST_MOVE = 5  # seconds; git holds a reference's lock for milliseconds


@contextlib.contextmanager
def only_writer(repository: Repository) -> Iterator[None]:
    """Hold the repository's lock.

    Raises:
        LockedError: another process holds it.
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
        yield
    finally:
        os.close(descriptor)


def sweep(repository: Repository, intent: Landing | None) -> None:
    """Remove the locks that a killed run left on references: only the holder of the run's lock may.

    Those below refs/gitbot/ that only a run writes are its own. The target's is, when the last intent to move it is
    open and the lock is older than any move takes.
    """
    ours = repository.common / "refs" / "gitbot"
    for kind in ("pin", "result", "backup", "runs"):
        for path in (ours / kind).rglob("*.lock"):
            path.unlink(missing_ok=True)
    (ours / "clone.lock").unlink(missing_ok=True)
    if intent is not None:
        left = repository.common / f"{intent.ref}.lock"
        with contextlib.suppress(FileNotFoundError):
            if time.time() - left.stat().st_mtime > _LONGEST_MOVE:
                left.unlink()


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
