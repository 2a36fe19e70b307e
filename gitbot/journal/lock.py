"""One writer per repository: a file lock that the kernel frees whatever way its holder dies."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator

from gitbot.errors import LockedError
from gitbot.repository import Repository


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
