"""Folders for what is gone with the command: whoever makes one takes away what others left who were killed.

The owner holds the folder itself by a lock that the kernel frees whatever way he dies.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

_START, _END = "gitbot-", ".scratch"
_NAME = re.compile(rf"{_START}[a-z0-9_]{{8}}{re.escape(_END)}")


@contextlib.contextmanager
def temporary_folder() -> Iterator[Path]:
    """An empty folder in the system's place for such, until the end of the block."""
    _sweep()
    held: int | None = None
    path = Path()
    while held is None and not path.name:  # swept in the moment before it was held
        path = Path(tempfile.mkdtemp(prefix=_START, suffix=_END))
        held = _take(path, fcntl.LOCK_EX)
        path = path if path.exists() else Path()
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        if held is not None:
            os.close(held)


def _take(path: Path, how: int) -> int | None:
    """A descriptor that holds a folder; None where another does, it is gone, or the file system has no locks."""
    with contextlib.suppress(OSError), contextlib.ExitStack() as opened:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        opened.callback(os.close, descriptor)
        fcntl.flock(descriptor, how)
        if os.path.samestat(os.fstat(descriptor), os.lstat(path)):
            opened.pop_all()
            return descriptor
    return None


def _sweep() -> None:
    """Take away the folders of this user whose owner is dead."""
    with os.scandir(tempfile.gettempdir()) as entries:
        found = [Path(entry.path) for entry in entries if _NAME.fullmatch(entry.name)]
    for path in found:
        with contextlib.suppress(OSError):
            held = _take(path, fcntl.LOCK_EX | fcntl.LOCK_NB) if path.lstat().st_uid == os.getuid() else None
            if held is not None:
                shutil.rmtree(path, ignore_errors=True)
                os.close(held)
