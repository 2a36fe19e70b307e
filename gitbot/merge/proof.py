"""That nothing of a branch is lost in a candidate: its diff, replayed onto the result, changes nothing.

Where a file's own lines repeat, git may replay an addition that is there already a second time; there the lines are
counted instead: every line that the branch added is in the result on top of those that the target had.
"""

from __future__ import annotations

from collections import Counter

from gitbot.model.git import Oid
from gitbot.model.merge import Candidate
from gitbot.repository import Repository
from gitbot.repository.workbench import Merged, Workbench

EMPTY = "empty"


def residual(bench: Workbench, candidate: Candidate, base: Oid) -> str:
    """`empty`, or in words what of the branch's work since `base` the candidate does not hold.

    Files in which both sides were kept are left out here: each was checked line by line when it was settled.
    """
    repository = bench.repository
    settled = {resolution.path for resolution in candidate.resolved}
    again = bench.pick(base, candidate.tip, candidate.commit)
    if isinstance(again, Merged):
        tree, conflicts = again.tree, set[str]()
    else:
        tree, conflicts = again.frame, {path.path for path in again.paths}
    open_paths = (repository.changed_paths(candidate.tree, tree) | conflicts) - settled
    trees = (base, candidate.tip, candidate.base, candidate.tree)
    missing = sorted(path for path in open_paths if not _accounted(repository, path, trees))
    if not missing:
        return EMPTY
    return f"{len(missing)} of its paths would still change: {', '.join(missing[:3])}"


def _accounted(repository: Repository, path: str, trees: tuple[Oid, ...]) -> bool:
    """Whether every line that the branch added or took away in a file is accounted for in the result.

    `trees` are those of base, branch, target and result.
    """
    before, branch, target, after = (_lines(repository, tree, path) for tree in trees)
    if before is None or branch is None or target is None or after is None:
        return False
    added, removed = branch - before, before - branch
    both_added = added & (target - before)  # the target made the same addition itself
    kept = not (target + added - both_added - removed) - after
    gone = all(after[line] <= max(target[line] - count, branch[line]) for line, count in removed.items())
    return kept and gone and not (after - target) - added


def _lines(repository: Repository, tree: Oid, path: str) -> Counter[bytes] | None:
    data = repository.read(tree, path)
    return None if data is None or b"\0" in data else Counter(data.splitlines())
