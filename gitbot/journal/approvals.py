"""A person's yes to what a branch changes, bound to the patch: it survives a rebase, and no changed line.

`refs/gitbot/approved/<key>` is a blob. The key is a digest of the whole difference from where the branch's new work
begins to its tip, three lines around each change and white space included; how that is cut into commits, and what
they say, is left open. As with runs, what this clone has recorded itself counts; what was fetched from another one
only where `trust-remote` says so.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import replace

import msgspec

from gitbot.config import Config
from gitbot.errors import GitError
from gitbot.journal import clone, lock, recorded
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
    if oid is None:
        return None
    try:
        data, until = clone.known(repository).unseal(repository.blob(oid), patch)
        found = msgspec.json.decode(data, type=Approval)
    except (GitError, msgspec.DecodeError):
        return None
    return found if found.patch == patch and (found.time <= until or trust_remote) else None


def newest(repository: Repository, branch: BranchName) -> float:
    """When somebody said yes to a branch last, whatever it was then; 0 when nobody did."""
    found = (
        read(repository, ref.removeprefix(PREFIX), trust_remote=True) for ref, _ in refs.below(repository, PREFIX)
    )
    return max((one.time for one in found if one is not None and one.branch == branch), default=0.0)


def approve(repository: Repository, branch: BranchName, tip: Oid, patch: str, now: float) -> Approval:
    """Record a yes, unless there is one: the one that counts.

    Raises:
        NoIdentityError: git does not know who says it.
    """
    name, email = repository.identity()
    here, by = clone.marked(repository), f"{name} <{email}>"
    new = Approval(branch=BranchName(printable(branch)), tip=tip, patch=patch, by=by, time=now, clone=here.id)
    blob, ref = write_blob(repository, here.seal(msgspec.json.encode(new), patch)), RefName(PREFIX + patch)
    while (known := read(repository, patch)) is None:
        _move(repository, ref, blob, "gitbot: approve")
    return known


def revoke(repository: Repository, patch: str) -> Approval | None:
    """Take a yes back; None when there is none."""
    ref, known = RefName(PREFIX + patch), read(repository, patch)
    if known is not None:
        _move(repository, ref, None, "gitbot: approve --revoke")
    return known


def _move(repository: Repository, ref: RefName, after: Oid | None, why: str) -> None:
    with contextlib.suppress(FileNotFoundError):  # of a git that was killed, or is about to be done
        lock.outlast(repository.common / f"{ref}.lock")
    refs.swap(repository, ref, before=refs.read(repository, ref), after=after, why=why)
