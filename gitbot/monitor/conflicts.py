"""Who will conflict with whom: trial merges by git, of those pairs only whose changed files meet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

from gitbot.model.git import BranchName, Oid
from gitbot.repository import history
from gitbot.repository.workbench import Unmerged, Workbench


@dataclass(frozen=True, slots=True)
class Collision:
    """Two branches (or a branch and the target) that git cannot merge, and in which paths."""

    branches: tuple[BranchName, BranchName]
    paths: tuple[str, ...]


def find_collisions(
    bench: Workbench, tips: Mapping[BranchName, Oid], target: BranchName, target_tip: Oid
) -> tuple[Collision, ...]:
    """All pairs, each once, in the order of `tips`; the target counts as one of them."""
    everything = {**tips, target: target_tip}
    touched = {name: touched_paths(bench, tip, target_tip) for name, tip in tips.items()}
    found: list[Collision] = []
    for first, second in combinations(everything, 2):
        if second != target and not touched[first] & touched[second]:
            continue
        paths = conflicting_paths(bench, everything[first], everything[second])
        if paths:
            found.append(Collision((first, second), paths))
    return tuple(found)


def touched_paths(bench: Workbench, tip: Oid, target: Oid) -> frozenset[str]:
    """The paths that a branch changed since it left the target."""
    repository = bench.repository
    base = history.merge_base(repository, tip, target)
    before = repository.tree_of(base) if base is not None else None
    changes = repository.changes(before, repository.tree_of(tip))
    return frozenset(path for change in changes for path in change.paths)


def conflicting_paths(bench: Workbench, first: Oid, second: Oid) -> tuple[str, ...]:
    """The paths in which git cannot merge two commits; () when it can, or when they share no history."""
    if history.merge_base(bench.repository, first, second) is None:
        return ()
    merged = bench.merge(first, second)
    return tuple(path.path for path in merged.paths) if isinstance(merged, Unmerged) else ()
