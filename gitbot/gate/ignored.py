"""Files that git ignores and tests may need: those of the main work tree that are copied, and those that are not."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection
from pathlib import Path, PurePosixPath

from gitbot.errors import GitError
from gitbot.repository import Repository, checkouts, command
from gitbot.repository.pool import discard

MOST_LACKING = 10
_CACHES = frozenset(("__pycache__", ".pytest_cache", ".ruff_cache", ".mypy_cache", ".hypothesis", ".cache"))


def main_work_tree(repository: Repository) -> Path | None:
    """Where ignored files are copied from."""
    return next((Path(tree.path) for tree in checkouts.work_trees(repository) if not tree.bare), None)


def include(main: Path, checkout: Path, wanted: tuple[str, ...], tracked: Collection[str]) -> None:
    """Copy files anew; what is not there is left out, and what the commit has stays as the commit has it.

    Raises:
        GitError: a name leads out of the main work tree.
    """
    for name in wanted:
        source = main / name
        if not Path(os.path.realpath(source)).is_relative_to(os.path.realpath(main)):
            raise GitError(f"gate.include: {name} leads out of the work tree")
        if not source.is_dir():
            _copy(Path(os.path.realpath(source)), checkout, PurePosixPath(name), tracked)
            continue
        for root, folders, files in os.walk(source):
            links = [folder for folder in folders if os.path.islink(os.path.join(root, folder))]
            for file in (*files, *links):
                path = Path(root, file)
                _copy(path, checkout, PurePosixPath(path.relative_to(main)), tracked)


def _copy(source: Path, checkout: Path, name: PurePosixPath, tracked: Collection[str]) -> None:
    """Sockets and the like are passed over; an earlier run's link in the way must not lead the copy elsewhere."""
    if str(name) in tracked or not (source.is_file() or source.is_symlink()):
        return
    for folder in reversed(name.parents[:-1]):
        if (checkout / folder).is_symlink():
            (checkout / folder).unlink()
    goal = checkout / name
    if goal.is_dir() and not goal.is_symlink():
        return
    discard(goal)
    goal.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, goal, follow_symlinks=False)


def lacking(repository: Repository, include: tuple[str, ...] = ()) -> tuple[str, ...]:
    """What of the main work tree a checkout lacks since it is ignored, and that may be why tests fail there: at most
    ten paths, a folder as a whole, caches last.
    """
    main = main_work_tree(repository)
    if main is None:
        return ()
    words = ("ls-files", "-o", "-i", "--exclude-standard", "--directory", "-z")
    found = command.run(*checkouts.NO_HOOKS, *words, cwd=main, env=repository.env).decode("utf-8", "surrogateescape")
    wanted = {"", *(name.strip("/") for name in include)}
    paths = [path for path in found.split("\0") if path.strip("/") not in wanted]
    return tuple(sorted(paths, key=lambda path: (not _CACHES.isdisjoint(path.split("/")), path))[:MOST_LACKING])
