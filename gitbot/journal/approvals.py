"""A person's yes to what a branch changes, bound to the patch: it survives a rebase, and no changed line.

`refs/gitbot/approved/<key>` is a blob. The key is a digest of the whole difference from where the branch's new work
begins to its tip, three lines around each change and white space included; how that is cut into commits, and what
they say, is left open. As with runs, what this clone has recorded itself counts; what was fetched from another one
only where `trust-remote` says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import msgspec

from gitbot.config import Config
from gitbot.errors import GitError
from gitbot.journal import recorded, runs
from gitbot.model.git import BranchName, Change, Oid, RefName
from gitbot.patterns import compile_patterns
from gitbot.report.terminal import printable
from gitbot.repository import Repository, history, refs
from gitbot.repository.writing import write_blob

PREFIX = "refs/gitbot/approved/"


class Approval(msgspec.Struct, frozen=True, kw_only=True):
    """Who said yes to which patch, and what the branch was then."""

    branch: BranchName
    tip: Oid
    patch: str
    by: str
    time: float  # seconds since the epoch
    clone: str


def needs_approval(config: Config, changes: Iterable[Change]) -> str | None:
    """Why a branch with these changes does not land without a person's yes; None when it may."""
    if config.integrate.require == "approved":
        return "the configuration requires a person's approval"
    protected = compile_patterns(config.gate.protect)
    paths = sorted({path for change in changes for path in change.paths if protected.matches(path)})
    more = f" and {len(paths) - 3} more" if len(paths) > 3 else ""
    return f"it changes what [gate] protect names: {', '.join(paths[:3])}{more}" if paths else None


def patch_of(repository: Repository, base: Oid, tip: Oid) -> str:
    """What an approval of the work from `base` to `tip` is bound to."""
    whole = replace(repository.commit(tip), parents=(base,))
    return recorded.key_of(history.patch_id(repository, whole) or "")


def is_approved(repository: Repository, base: Oid, tip: Oid, *, trust_remote: bool = False) -> bool:
    """Whether a person has said yes to just this work."""
    return read(repository, patch_of(repository, base, tip), trust_remote=trust_remote) is not None


def read(repository: Repository, patch: str, *, trust_remote: bool = False) -> Approval | None:
    """The approval of a patch; None when there is none that counts."""
    oid = refs.read(repository, RefName(PREFIX + patch))
    try:
        found = msgspec.json.decode(repository.blob(oid), type=Approval) if oid is not None else None
    except (GitError, msgspec.DecodeError):
        return None
    if found is None or found.patch != patch:
        return None
    return found if trust_remote or found.clone == runs.clone_id(repository) else None


def approve(repository: Repository, branch: BranchName, tip: Oid, patch: str, now: float) -> Approval:
    """Record a yes, unless there is one: the one that counts.

    Raises:
        NoIdentityError: git does not know who says it.
    """
    name, email = repository.identity()
    clone, by = runs.mark_clone(repository), f"{name} <{email}>"
    new = Approval(branch=BranchName(printable(branch)), tip=tip, patch=patch, by=by, time=now, clone=clone)
    blob, ref = write_blob(repository, msgspec.json.encode(new)), RefName(PREFIX + patch)
    while (known := read(repository, patch)) is None:
        refs.swap(repository, ref, before=refs.read(repository, ref), after=blob, why="gitbot: approve")
    return known


def revoke(repository: Repository, patch: str) -> Approval | None:
    """Take a yes back; None when there is none."""
    ref, known = RefName(PREFIX + patch), read(repository, patch)
    if known is not None:
        refs.swap(repository, ref, before=refs.read(repository, ref), after=None, why="gitbot: approve --revoke")
    return known
