"""That nothing of a branch is lost in a candidate: its diff, replayed onto the result, changes nothing.

Where a file's own lines repeat, git may replay an addition that is there already a second time; there, and in every
file in which both sides were kept, the text is held against the invariants, in the very tree that would land.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace

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
    missing = [
        path for path in sorted(open_paths) if not _kept(bench.repository, candidate, base, path, stages.get(path))
    ]
    if not missing:
        return EMPTY
    return f"{len(missing)} of its paths would still change: {', '.join(missing[:3])}"


def _kept(repository: Repository, candidate: Candidate, base: Oid, path: str, stage: ConflictedPath | None) -> bool:
    """Whether each line that a side added or took away is accounted for, or each word where both wrote on one line.

    A file that was renamed has its old texts only in what git says of the conflict.
    """
    if stage:
        texts = [repository.blob(oid) if oid else b"" for oid in (stage.base, stage.ours, stage.theirs)]
    else:
        texts = [repository.read(tree, path) or b"" for tree in (base, candidate.base, candidate.tip)]
    before, ours, theirs = map(split_lines, texts)
    to_ours, to_theirs = find_edits(before, ours), find_edits(before, theirs)
    found = repository.read(candidate.tree, path)
    if found is None or to_ours is None or to_theirs is None:
        return False
    whole = Hunk(1, before, ours, theirs, to_ours, to_theirs, (), 0, 0)
    grains = (Grain.LINES, Grain.TOKENS) if stage else (Grain.LINES,)
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
