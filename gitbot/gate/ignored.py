"""Files that git ignores and tests may need: those of the main work tree that are copied, and those that are not."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Collection, Iterator
from pathlib import Path, PurePosixPath

from gitbot.errors import InputError
from gitbot.repository import Repository, checkouts, command
from gitbot.repository.pool import discard

MOST_LACKING = 10
_CACHES = frozenset(("__pycache__", ".pytest_cache", ".ruff_cache", ".mypy_cache", ".hypothesis", ".cache"))


def main_work_tree(repository: Repository) -> Path | None:
    """Where ignored files are copied from."""
    return next((Path(tree.path) for tree in checkouts.work_trees(repository) if not tree.bare), None)


def must_be_copyable(main: Path, wanted: tuple[str, ...]) -> None:
    """Say what cannot be copied as it is named; what is not there is no matter.

    In folders a link may lead to a program elsewhere, as those of virtual environments do.

    Raises:
        InputError: a name leads out of the work tree or nowhere, or means all of it or git's own; or a link in a
            folder leads out.
    """
    inside = os.path.realpath(main)
    for name in wanted:
        parts, place = PurePosixPath(name).parts, os.path.realpath(main / name)
        wrong = None
        if not parts or parts[0].lower() == ".git":
            wrong = "is no file or folder of the work tree"
        elif not Path(place).is_relative_to(inside):
            wrong = "leads out of the work tree"
        elif not os.path.exists(place) and place != os.path.join(inside, *parts):
            wrong = "is a broken link"
        if wrong is not None:
            hint = "name files and folders that are in the main work tree, or leave it out"
            raise InputError(f"gate.include: {name!r} {wrong}", hint=hint)
    for path, inner in found(main, wanted):
        place = os.path.realpath(path) if path.is_symlink() else inside
        program = os.path.isfile(place) and os.access(place, os.X_OK)
        if os.path.exists(place) and not Path(place).is_relative_to(inside) and not program:
            hint = "take the link away, or make the file anew with [gate] setup"
            raise InputError(f"gate.include: {str(inner)!r} leads out of the work tree", hint=hint)


def found(main: Path, wanted: tuple[str, ...]) -> Iterator[tuple[Path, PurePosixPath]]:
    """Files and links to copy, each with its path in the checkout; sockets and the like are passed over."""
    for name in wanted:
        source = main / name
        if not source.is_dir() and (real := Path(os.path.realpath(source))).is_file():
            yield real, PurePosixPath(name)
        for root, folders, files in os.walk(source):
            for path in (Path(root, each) for each in (*files, *folders)):
                if path.is_symlink() or path.is_file():
                    yield path, PurePosixPath(path.relative_to(main))


def include(
    main: Path, checkout: Path, wanted: tuple[str, ...], tracked: Collection[str], included: set[str]
) -> None:
    """Copy files anew, and take away what was `included` earlier; what the commit has stays as the commit has it.

    Raises:
        InputError: as `must_be_copyable`.
    """
    must_be_copyable(main, wanted)
    some = [(source, name) for source, name in found(main, wanted)]
    new = {str(name): source for source, name in some if not any(str(p) in tracked for p in (name, *name.parents))}
    for gone in included - new.keys() - set(tracked):
        _take_away(checkout, PurePosixPath(gone))
    included.clear()
    included.update(new)
    for path, source in new.items():
        _copy(source, checkout, PurePosixPath(path))


def _take_away(checkout: Path, name: PurePosixPath) -> None:
    """A file, and the folders that are empty without it; not what a link that tests left leads to."""
    if any((checkout / folder).is_symlink() for folder in name.parents):
        return
    with contextlib.suppress(OSError):  # gone already, or a folder now
        (checkout / name).unlink()
    for folder in name.parents[:-1]:
        with contextlib.suppress(OSError):
            (checkout / folder).rmdir()


def _copy(source: Path, checkout: Path, name: PurePosixPath) -> None:
    """A link or file that an earlier run left in the way must neither lead the copy elsewhere nor stop it."""
    for folder in (checkout / each for each in reversed(name.parents[:-1])):
        if folder.is_symlink() or folder.is_file():
            folder.unlink()
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
