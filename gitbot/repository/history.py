"""How commits hang together: merge bases, what a branch has of its own, and what one changes."""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

import pygit2
from pygit2.enums import SortMode

from gitbot.errors import GitError
from gitbot.model.git import ZERO, BranchName, Change, Commit, Oid
from gitbot.repository import refs
from gitbot.repository.reading import GITLINK, Repository

_PLACES = re.compile(rb"^(index |@@ ).*\n", re.MULTILINE)


def merge_base(repository: Repository, left: Oid, right: Oid) -> Oid | None:
    """The best common ancestor; None when the histories are unrelated (or cut off in a shallow clone)."""
    try:
        found = repository.lib.merge_base(left, right)
    except (pygit2.GitError, KeyError, ValueError) as refused:
        raise GitError(f"merge base of {left[:12]} and {right[:12]}: {refused}") from None
    return Oid(str(found)) if found is not None else None


def contains(repository: Repository, commit: Oid, ancestor: Oid) -> bool:
    """Whether `ancestor` is reachable from `commit` (a commit contains itself)."""
    if commit == ancestor:
        return True
    try:
        return repository.lib.descendant_of(commit, ancestor)
    except (pygit2.GitError, KeyError, ValueError) as refused:
        raise GitError(f"ancestry of {commit[:12]}: {refused}") from None


def holds(repository: Repository, commit: Oid, ancestor: Oid) -> bool:
    """The same, as far as it is known here: nothing stands on what is not here."""
    try:
        return contains(repository, commit, ancestor)
    except GitError:
        return False


@lru_cache(maxsize=512)
def own_commits(repository: Repository, tip: Oid, target: Oid) -> tuple[Commit, ...]:
    """Commits reachable from `tip` and not from `target`, oldest first, parents before children."""
    try:
        walker = repository.lib.walk(pygit2.Oid(hex=tip), SortMode.TOPOLOGICAL | SortMode.REVERSE)
        walker.hide(pygit2.Oid(hex=target))
        return tuple(repository.commit(Oid(str(found.id))) for found in walker)
    except (pygit2.GitError, KeyError, ValueError) as refused:
        raise GitError(f"the history of {tip[:12]} is incomplete here: {refused}") from None


def first_parents(repository: Repository, tip: Oid, stop: Oid | None) -> Iterator[Commit]:
    """The first-parent chain from `tip` down to and without `stop`."""
    oid: Oid | None = tip
    while oid is not None and oid != stop:
        commit = repository.commit(oid)
        yield commit
        oid = commit.parents[0] if commit.parents else None


def ahead_behind(repository: Repository, tip: Oid, target: Oid) -> tuple[int, int]:
    """How many commits `tip` has that `target` has not, and the other way round."""
    with _all_here(tip):
        ahead, behind = repository.lib.ahead_behind(tip, target)
    return int(ahead), int(behind)


def must_be_whole(repository: Repository, tip: Oid, changes: Iterable[Change]) -> None:
    """Raise GitError unless `tip` is a commit and all that it changes is here, or can still be fetched."""
    if repository.commit(tip).oid != tip:
        raise GitError(f"{tip[:12]} is no commit")
    try:
        for change in changes:
            if change.new_oid != ZERO and change.new_mode != GITLINK:
                repository.size(change.new_oid)
    except GitError:
        if not repository.is_partial:
            raise


def patch_id(repository: Repository, commit: Commit) -> str | None:
    """What a commit changes against its first parent, line numbers aside; None for a merge or an empty change.

    Unlike git-patch-id(1) it tells white space apart, and unlike libgit2's two changes to one binary file.
    """
    if len(commit.parents) > 1:
        return None
    found = hashlib.sha256()
    diff = repository.diff(_before(commit), commit.oid)
    with _all_here(commit.oid):
        for one in filter(None, diff):
            found.update(_PLACES.sub(b"", one.data))
            found.update(f"{one.delta.old_file.id} {one.delta.new_file.id}".encode() if one.delta.is_binary else b"")
    return found.hexdigest() if len(diff) else None


def lines_written(repository: Repository, old: Oid | None, new: Oid) -> int:
    """How many lines are in a tree that the one before it has not, moved files left out."""
    diff = repository.diff(old, new, context=0)
    with _all_here(new):
        diff.find_similar()
        return int(diff.stats.insertions)


def carried_elsewhere(repository: Repository, own: Sequence[Commit], onto: Oid, name: BranchName) -> int:
    """How many commits of a linear branch other branches or remotes have too.

    Its own namesakes do not count, nor what the run replaces.
    git is asked once: what others carry changes little while a run lasts.
    """
    beside = repository.beside
    if not beside:
        less = [f"--exclude={refs.shorthand(ref)}" for ref in repository.replaced]
        listed = repository.attempt("rev-list", "--parents", *less, "--branches", *less, "--remotes", f"^{onto}")
        for line in listed.stdout.decode().splitlines():
            child, *parents = line.split()
            for parent in parents:
                beside.setdefault(Oid(parent), set()).add(child)
        for prefix in (refs.HEADS, refs.REMOTES):
            for ref, oid in refs.below(repository, prefix):
                if ref in repository.replaced:
                    continue
                beside.setdefault(oid, set()).add(ref)
    mine = {commit.oid for commit in own}
    shared = [any(not o.endswith(f"/{name}") for o in beside.get(c.oid, set()) - mine) for c in own]
    return max((number for number, is_shared in enumerate(shared, 1) if is_shared), default=0)


def _before(commit: Commit) -> Oid | None:
    return commit.parents[0] if commit.parents else None


def touched(repository: Repository, commit: Commit) -> frozenset[str]:
    """The paths that a commit changes against its first parent."""
    return _touched(repository, _before(commit), commit.oid)


@lru_cache(maxsize=4096)
def _touched(repository: Repository, before: Oid | None, commit: Oid) -> frozenset[str]:
    return repository.changed_paths(before, commit)


def patch(repository: Repository, old: Oid, new: Oid, *, context: int = 0) -> str:
    """A unified diff between two commits, undecodable bytes replaced."""
    with _all_here(new):
        return repository.diff(old, new, context=context).patch or ""


@contextlib.contextmanager
def _all_here(commit: Oid) -> Iterator[None]:
    try:
        yield
    except (pygit2.GitError, KeyError) as lacking:
        raise GitError(f"what {commit[:12]} changes is not in this repository: {lacking}") from None


def differing_lines(old: bytes, new: bytes) -> Iterator[tuple[int, int, int, int]]:
    """Old lines [a, b) became new lines [c, d), from 0 and in order, by git's own algorithm (xdiff in libgit2)."""
    for hunk in pygit2.Patch.create_from(old, new, context_lines=0).hunks:
        a, c = hunk.old_start - (hunk.old_lines > 0), hunk.new_start - (hunk.new_lines > 0)
        yield a, a + hunk.old_lines, c, c + hunk.new_lines
