"""A branch and a work tree for an agent: made where there is none, gone on with where there is, never overwritten."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from gitbot.errors import FileExistsInTheWayError, RiskError, WorkTreeInTheWayError
from gitbot.journal import attendance
from gitbot.journal.lock import turn
from gitbot.model.git import BranchName, Oid
from gitbot.repository import Repository, checkouts, refs

_LONGEST = 600  # seconds that another start may need for a work tree
INCLUDE = ".worktreeinclude"
"""At the top of the main work tree: patterns as in .gitignore. What they match and git ignores is copied."""


def place(repository: Repository, branch: BranchName, folder: Path, start: Oid) -> tuple[BranchName, Path, bool]:
    """The work tree of a branch, and whether it was made now: at `folder`, the branch from `start` on if it is new.

    A branch that is there under the same name in another case is meant; so is one that only a remote has, from whose
    tip it is begun.

    Raises:
        WorkTreeInTheWayError: the branch is checked out in the main work tree.
        FileExistsInTheWayError: something is at `folder`.
        RiskError: git refused.
    """
    (repository.common / "gitbot").mkdir(exist_ok=True)
    with turn(repository.common / "gitbot" / "placing", _LONGEST):
        return _place(repository, branch, folder, start)


def _place(repository: Repository, branch: BranchName, folder: Path, start: Oid) -> tuple[BranchName, Path, bool]:
    known = refs.branches(repository)
    local = {name.casefold(): name for name, ref in known.items() if ref.startswith(refs.HEADS)}
    branch = branch if branch in local.values() else local.get(branch.casefold(), branch)
    there = [ref for name, ref in known.items() if ref.startswith(refs.REMOTES) and name.partition("/")[2] == branch]
    if branch.casefold() not in local and there:
        start = refs.read(repository, there[0]) or start
    main = checkouts.work_trees(repository)[0]
    if main.branch == refs.HEADS + branch:
        hint = "git switch to another branch there, then start again"
        raise WorkTreeInTheWayError(f"{branch} is checked out in the main work tree", hint=hint)
    found, refused = _tree_of(repository, branch), None
    made = found is None
    if found is None:
        folder = _free(repository, folder, branch)
        refused = checkouts.add(repository, str(folder), branch, None if branch.casefold() in local else start)
        found = folder if refused is None else _tree_of(repository, branch)  # another start was faster
    if found is None:
        hint = "git worktree prune, where its folder was removed by hand; then the same command again"
        raise RiskError(f"no work tree for {branch}: {refused}", hint=hint)
    if not main.bare:
        _copy_ignored(repository, Path(main.path), found)
    return branch, found, made and refused is None


def _tree_of(repository: Repository, branch: BranchName) -> Path | None:
    """The linked work tree of a branch; one in whose making git was killed is taken away."""
    for tree in checkouts.work_trees(repository)[1:]:
        if tree.branch == refs.HEADS + branch:
            if tree.locked and checkouts.is_half_made(repository, tree.path):
                return None
            return Path(tree.path)
    return None


def _free(repository: Repository, folder: Path, branch: BranchName) -> Path:
    """The folder, or one beside it where another branch has its work tree there."""
    others = {tree.path for tree in checkouts.work_trees(repository)}
    if str(folder) in others:
        folder = folder.with_name(f"{folder.name}-{attendance.digest(branch)}")
    if os.path.lexists(folder) and not (folder.is_dir() and not any(folder.iterdir())):
        raise FileExistsInTheWayError(
            f"{folder} exists, and is no work tree of {branch}",
            hint="move it away, or name another place with --trees",
        )
    return folder


def _copy_ignored(repository: Repository, source: Path, folder: Path) -> None:
    """Bring the ignored files that agents need; what is there already stays as it is."""
    if not (source / INCLUDE).is_file():
        return
    for path in checkouts.ignored_and_listed(repository, str(source), INCLUDE):
        if (source / path).is_file() or (source / path).is_symlink():
            _copy(source, folder, Path(path))


def _copy(source: Path, folder: Path, path: Path) -> None:
    goal = folder / path
    above = [folder / parent for parent in path.parents]
    # A folder that is a link on the branch leads to where the branch says, which can be anywhere; or it is a file.
    if os.path.lexists(goal) or any(one.is_symlink() or (one.exists() and not one.is_dir()) for one in above):
        return
    goal.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source / path, goal, follow_symlinks=False)
