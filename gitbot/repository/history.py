"""How commits hang together: merge bases, what a branch has of its own, and whether a patch is there already."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pygit2
from pygit2.enums import SortMode

from gitbot.errors import GitError
from gitbot.model.git import Commit, Oid
from gitbot.repository.reading import Repository


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
    ahead, behind = repository.lib.ahead_behind(tip, target)
    return int(ahead), int(behind)


def patch_id(repository: Repository, commit: Commit) -> str | None:
    """git's patch id of what a commit changes against its first parent; None for a merge or an empty change.

    Source: git-patch-id(1).
    """
    if len(commit.parents) > 1:
        return None
    diff = repository.diff(_before(commit), commit.oid)
    return str(diff.patchid) if len(diff) else None


def _before(commit: Commit) -> Oid | None:
    return commit.parents[0] if commit.parents else None


def already_there(repository: Repository, own: Sequence[Commit], onto: Oid, base: Oid) -> frozenset[Oid]:
    """Those of the commits whose patch some commit from `base` to `onto` has as well, as git-cherry(1) would say.

    Patch ids are only computed for commits that change the very same paths.
    """
    alike: dict[frozenset[str], list[Commit]] = {}
    for commit in own:
        if len(commit.parents) == 1:
            alike.setdefault(touched(repository, commit), []).append(commit)
    found: set[Oid] = set()
    for there in own_commits(repository, onto, base) if alike else ():
        for commit in alike.get(touched(repository, there), ()) if len(there.parents) == 1 else ():
            if patch_id(repository, commit) == patch_id(repository, there):
                found.add(commit.oid)
    return frozenset(found)


def touched(repository: Repository, commit: Commit) -> frozenset[str]:
    """The paths that a commit changes against its first parent."""
    known = repository.touched.get(commit.oid)
    if known is None:
        known = repository.touched[commit.oid] = repository.changed_paths(_before(commit), commit.oid)
    return known


def patch(repository: Repository, old: Oid, new: Oid) -> str:
    """A unified diff between two commits, without context, undecodable bytes replaced."""
    return repository.diff(old, new, context=0).patch or ""


def differing_lines(old: bytes, new: bytes) -> Iterator[tuple[int, int, int, int]]:
    """Old lines [a, b) became new lines [c, d), from 0 and in order, by git's own algorithm (xdiff in libgit2)."""
    for hunk in pygit2.Patch.create_from(old, new, context_lines=0).hunks:
        a, c = hunk.old_start - (hunk.old_lines > 0), hunk.new_start - (hunk.new_lines > 0)
        yield a, a + hunk.old_lines, c, c + hunk.new_lines
