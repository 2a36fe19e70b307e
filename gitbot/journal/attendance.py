"""Who is at work: where an agent's files are, and a lock that the kernel frees whatever way its command ends."""

from __future__ import annotations

import os
import re
import zlib
from pathlib import Path

from gitbot.journal.lock import take
from gitbot.repository import Repository


def folder(repository: Repository, name: str) -> Path:
    """Where the files of the agent of a branch are."""
    return repository.common / "gitbot" / "agents" / slug(name)


def slug(name: str) -> str:
    """A name as a file can have it; no two names are alike."""
    plain = re.sub(r"[^\w.-]+", "-", name).strip(".-")[:100]
    return plain if plain == name else f"{plain}-{digest(name)}"


def digest(name: str) -> str:
    """By which two names that look alike are told apart."""
    return f"{zlib.crc32(name.encode('utf-8', 'surrogateescape')):08x}"


def attend(repository: Repository, name: str) -> int | None:
    """A descriptor that says so as long as anybody has it open; None while somebody else has one."""
    folder(repository, name).mkdir(parents=True, exist_ok=True)
    return take(folder(repository, name) / "lock")


def is_at_work(repository: Repository, name: str) -> bool:
    """Whether anything of an agent's command is alive."""
    path = folder(repository, name) / "lock"
    lock = take(path) if path.exists() else None
    if lock is not None:
        os.close(lock)
    return lock is None and path.exists()
