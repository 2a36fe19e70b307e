"""By what a clone knows its own records again: an id that others may see, and a secret that they may not.

Both are in the file `gitbot/clone` of the git folder, since every reference can be fetched, and be overwritten by a
fetch. Records of this clone carry a digest keyed with the secret; whatever else they say of where they come from is
hearsay.

A copy of the whole git folder is another clone, and the file gives it away: it has another inode in another place
than it says. It gets an id and a secret of its own before it records anything, and what was recorded before it was
made stays its own too: nothing tells it from a repository that was moved to another disk. Only gate results are
found out again.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import os
import re
import secrets
import socket
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from gitbot.repository import Repository

_MARK = re.compile(
    r"([0-9a-f]{32}) ([0-9a-f]{64})(?: (\d{1,20}) ([0-9a-f]{16}))?\n((?:[0-9a-f]{64} \d{1,12}\.\d{1,6}\n)*)"
)
_FORMER = 20  # secrets that are kept: copies of copies


@dataclass(frozen=True, slots=True)
class Clone:
    """Its id and secret are empty where it has recorded nothing yet."""

    id: str = ""
    secret: str = ""
    former: tuple[tuple[str, float], ...] = ()  # secrets of what it was copied from, and until when they were its own

    def seal(self, data: bytes, place: str) -> bytes:
        """One line of data that is recorded at a place, so that this clone knows it again there."""
        return data + b"\n" + _digest(self.secret, data, place)

    def unseal(self, blob: bytes, place: str) -> tuple[bytes, float]:
        """The data, and until when whatever is recorded there like this is this clone's own; 0 where it never is."""
        data, _, digest = blob.partition(b"\n")
        for secret, until in ((self.secret, float("inf")), *self.former):
            if secret and hmac.compare_digest(digest, _digest(secret, data, place)):
                return data, until
        return data, 0.0


def _digest(secret: str, data: bytes, place: str) -> bytes:
    return hmac.new(secret.encode(), place.encode() + b"\0" + data, "sha256").hexdigest().encode()


def known(repository: Repository) -> Clone:
    """This clone, as far as it has recorded anything."""
    path = repository.common / "gitbot" / "clone"
    with suppress(FileNotFoundError, UnicodeDecodeError), path.open(encoding="ascii") as file:
        found, seen = _MARK.fullmatch(file.read()), os.fstat(file.fileno())
        if found is not None:
            lines = (line.split() for line in found[5].splitlines())
            former = tuple((secret, float(until)) for secret, until in lines)
            if found[3] and int(found[3]) != seen.st_ino and found[4] != _whereabouts(path):
                return Clone(former=((found[2], seen.st_ctime), *former))  # the file is as old here as the copy is
            return Clone(found[1], found[2], former)
    return Clone()


def _whereabouts(path: Path) -> str:
    """The machine counts too: folders are copied to the same place on another one."""
    return hashlib.sha256(os.fsencode(f"{socket.gethostname()}\0{path}")).hexdigest()[:16]


def marked(repository: Repository) -> Clone:
    """This clone, made known to itself if it is not yet; of several writers at once the first decides."""
    if not known(repository).id:
        path = repository.common / "gitbot" / "clone"
        path.parent.mkdir(exist_ok=True)
        with path.with_name("clone-turn").open("wb") as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)
            here, draft = known(repository), path.with_name("clone-draft")
            if not here.id:
                with draft.open("w") as file:
                    place = f"{os.fstat(file.fileno()).st_ino} {_whereabouts(path)}"
                    file.write(f"{secrets.token_hex(16)} {secrets.token_hex(32)} {place}\n")
                    file.writelines(f"{secret} {until:.6f}\n" for secret, until in here.former[:_FORMER])
                os.replace(draft, path)
    return known(repository)
