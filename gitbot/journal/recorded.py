"""Answers to conflicts, kept by what was asked: what people decided, and what configured commands made.

`refs/gitbot/recorded/<key>` is a blob. A key is a digest of the question, so that two clones that fetch from each
other never disagree about a name; the first answer stands. Nothing expires: a conflict may come back next year.
"""

from __future__ import annotations

import hashlib

from gitbot.errors import GitError
from gitbot.model.git import RefName
from gitbot.repository import Repository, refs
from gitbot.repository.writing import write_blob

PREFIX = "refs/gitbot/recorded/"


def key_of(*asked: bytes | str) -> str:
    """40 hexadecimal digits for a question; each part counts with its length."""
    parts = [part.encode("utf-8", "surrogateescape") if isinstance(part, str) else part for part in asked]
    return hashlib.sha256(b"".join(b"%d\0%b" % (len(part), part) for part in parts)).hexdigest()[:40]


def read(repository: Repository, key: str) -> bytes | None:
    """The answer; None when there is none, or one that cannot be read."""
    oid = refs.read(repository, RefName(PREFIX + key))
    try:
        return repository.blob(oid) if oid is not None else None
    except GitError:
        return None


def keep(repository: Repository, key: str, data: bytes) -> None:
    """Record an answer unless there is one."""
    refs.append(repository, RefName(PREFIX + key), before=None, after=write_blob(repository, data))
