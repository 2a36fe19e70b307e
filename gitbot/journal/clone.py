"""By what a clone knows its own records again: an id that others may see, and a secret that they may not.

Both are in the file `gitbot/clone` of the git folder, since every reference can be fetched, and be overwritten by a
fetch. Records of this clone carry a digest keyed with the secret; whatever else they say of where they come from is
hearsay. A copy of the whole git folder is the same clone.
"""

from __future__ import annotations

import hmac
import os
import re
import secrets
from contextlib import suppress
from dataclasses import dataclass

from gitbot.repository import Repository

_MARK = re.compile(r"([0-9a-f]{32}) ([0-9a-f]{64})\n")


@dataclass(frozen=True, slots=True)
class Clone:
    """Empty where nothing was recorded yet: then nothing is its own."""

    id: str = ""
    secret: str = ""

    def seal(self, data: bytes, place: str) -> bytes:
        """One line of data that is recorded at a place, so that this clone knows it again there."""
        return data + b"\n" + self._digest(data, place)

    def unseal(self, blob: bytes, place: str) -> tuple[bytes, bool]:
        """The data, and whether this clone has recorded it at this place."""
        data, _, digest = blob.partition(b"\n")
        return data, bool(self.secret) and hmac.compare_digest(digest, self._digest(data, place))

    def _digest(self, data: bytes, place: str) -> bytes:
        return hmac.new(self.secret.encode(), place.encode() + b"\0" + data, "sha256").hexdigest().encode()


def known(repository: Repository) -> Clone:
    """This clone, as far as it has recorded anything."""
    with suppress(FileNotFoundError, UnicodeDecodeError):
        if found := _MARK.fullmatch((repository.common / "gitbot" / "clone").read_text("ascii")):
            return Clone(found[1], found[2])
    return Clone()


def marked(repository: Repository) -> Clone:
    """This clone, made known to itself if it is not yet; of several writers at once the first decides."""
    if not known(repository).id:
        path = repository.common / "gitbot" / "clone"
        path.parent.mkdir(exist_ok=True)
        draft = path.with_name(f"clone-{secrets.token_hex(8)}")
        try:
            draft.write_text(f"{secrets.token_hex(16)} {secrets.token_hex(32)}\n")
            if path.exists() and not known(repository).id:  # a machine that went down while it was written
                os.replace(draft, path)
            with suppress(FileExistsError, FileNotFoundError):
                os.link(draft, path)
        finally:
            draft.unlink(missing_ok=True)
    return known(repository)
