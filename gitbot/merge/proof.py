"""That nothing of a branch is lost in a candidate: its diff, replayed onto the result, changes nothing.

Where a file's own lines repeat, git may replay an addition that is there already a second time, and where one side
renamed a file that the other rewrote, it no longer takes it for the same file; there, and in every file in which both
sides were kept, the text is held against the invariants, in the very tree that would land.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain

from gitbot.errors import GitError
from gitbot.merge.edits import find_edits, split_lines
from gitbot.merge.hunks import Hunk
from gitbot.merge.invariants import Grain, hunk_breach
from gitbot.model.git import Oid
from gitbot.model.merge import Candidate, ConflictedPath
from gitbot.model.run import Patches
from gitbot.repository import Repository, history
from gitbot.repository.workbench import Merged, Unmerged, Workbench

EMPTY = "empty"
_DECIDED = ("recorded", "resolver", "lock-regenerated")  # a person or a tool, whose text may be another


def residual(bench: Workbench, candidate: Candidate, base: Oid) -> str:
    """`empty`, or in words what of the branch's work since `base` the candidate does not hold."""
    decided = {one.path for one in candidate.resolved if any(how in one.how for how in _DECIDED)}
    united = {one.path for one in candidate.resolved} - decided
    again = bench.pick(base, candidate.tip, candidate.commit)
    first = bench.pick(base, candidate.tip, candidate.base) if united else None
    tree = again.tree if isinstance(again, Merged) else again.frame
    refused = set() if isinstance(again, Merged) else {path.path for path in again.paths}
    stages = {path.path: path for path in first.paths} if isinstance(first, Unmerged) else {}
    open_paths = (bench.repository.changed_paths(candidate.tree, tree) | refused) - decided | united
    ours = _renames(bench, base, candidate.base) if open_paths else {}
    theirs = _renames(bench, base, candidate.tip, by_commits=True) if open_paths else {}
    missing = [
        path
        for path in sorted(open_paths)
        if not (
            _is_united(bench.repository, candidate, stages[path])
            if path in stages
            else _is_there(bench.repository, candidate, base, path, ours, theirs)
        )
    ]
    if not missing:
        return EMPTY
    return f"{len(missing)} of its paths would still change: {', '.join(missing[:3])}"


def _renames(bench: Workbench, base: Oid, side: Oid, *, by_commits: bool = False) -> dict[str, str]:
    """The old names of files that a side renamed, with the new ones, as git tells them.

    `by_commits`: as each commit did; of what one renamed and another rewrote, the two ends alone do not say it.
    """
    words, found = ("-r", "-z", "-M", "--diff-filter=R", "--name-status"), dict[str, str]()
    walk = ("log", "-1000", "--first-parent", "--reverse", "--format=", *words, f"{base}..{side}")
    said = bench.git(*walk).stdout if by_commits else b""
    fields = iter((said + bench.git("diff-tree", *words, base, side).stdout).split(b"\0"))
    for _ in filter(None, fields):
        old, new = os.fsdecode(next(fields, b"")), os.fsdecode(next(fields, b""))
        found[next((was for was, now in found.items() if now == old), old)] = new
    names = {*chain(*found.items())}
    before, after = ({name for name in names if bench.repository.entry(tree, name)} for tree in (base, side))
    return {was: now for was, now in found.items() if was in before - after and now in after - before}


def _is_united(repository: Repository, candidate: Candidate, stage: ConflictedPath) -> bool:
    """The same by what git says of a conflict: each word is accounted for where both sides wrote on one line."""
    texts = [repository.blob(oid) if oid else b"" for oid in (stage.base, stage.ours, stage.theirs)]
    found = repository.read(candidate.tree, stage.path)
    return found is not None and _holds(texts, found, Grain.LINES, Grain.TOKENS)


def _is_there(
    repository: Repository,
    candidate: Candidate,
    base: Oid,
    path: str,
    ours: Mapping[str, str],
    theirs: Mapping[str, str],
) -> bool:
    """Whether each line that a side added or took away is accounted for, in the one file that each side has it in.

    A file that a side renamed has to be at its new name, and nowhere else.
    """
    old = next((was for side in (theirs, ours) for was, now in side.items() if now == path), path)
    names = [old, ours.get(old, old), theirs.get(old, old)]
    name = names[1] if names[2] == old else names[2]
    if names[1] not in (old, name) or (name != old and repository.entry(candidate.tree, old) is not None):
        return False
    sides = list(zip((base, candidate.base, candidate.tip), names, strict=True))
    modes = [entry and entry[1] for entry in (repository.entry(*side) for side in (*sides, (candidate.tree, name)))]
    found = repository.read(candidate.tree, name)
    if found is None or modes[3] != (modes[2] if modes[1] == modes[0] else modes[1]):
        return False
    return _holds([repository.read(*side) or b"" for side in sides], found, Grain.LINES)


def _holds(texts: Sequence[bytes], found: bytes, *grains: Grain) -> bool:
    before, ours, theirs = map(split_lines, texts)
    to_ours, to_theirs = find_edits(before, ours), find_edits(before, theirs)
    if to_ours is None or to_theirs is None:
        return False
    whole = Hunk(1, before, ours, theirs, to_ours, to_theirs, (), 0, 0)
    return any(hunk_breach(whole, split_lines(found), grain) is None for grain in grains)


def count_patches(bench: Workbench, candidate: Candidate, base: Oid) -> Patches | None:
    """What became of the branch's commits since `base`, by their patch ids; a squash is compared as a whole.

    None where a partial clone lacks what they change.
    """
    with contextlib.suppress(GitError):
        return _counted(bench, candidate, base)
    return None


def _counted(bench: Workbench, candidate: Candidate, base: Oid) -> Patches:
    repository, onto = bench.repository, bench.repository.tree_of(candidate.base)
    since = {commit.oid for commit in history.own_commits(repository, candidate.tip, base)}
    fresh = history.own_commits(repository, candidate.tip, candidate.base)
    own = [commit for commit in fresh if commit.oid in since and len(commit.parents) < 2]
    landed = [repository.commit(oid) for oid in candidate.commits]
    written = {history.patch_id(repository, one) for one in landed if one.oid not in since} - {None}
    whole = replace(repository.commit(candidate.tip), parents=(base,))
    if len(landed) == 1 and history.patch_id(repository, whole) in written:
        return Patches(same=len(own), adapted=0, dropped=0)
    kept = {one.oid for one in own if one.oid in candidate.commits or history.patch_id(repository, one) in written}
    changed = [one for one in own if one.oid not in kept and one.parents]
    dropped = sum(bench.pick(one.parents[0], one.oid, candidate.base) == Merged(onto) for one in changed)
    return Patches(same=len(kept), adapted=len(own) - len(kept) - dropped, dropped=dropped)
