"""Putting the pre-push hook where git will run it, taking it out again, and telling where it would fire.

Somebody else's hook is kept beside ours and run after it. Only a file with our mark is ever removed, and a hooks
folder that a tool keeps inside the work tree is never written to.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from gitbot.errors import FileExistsInTheWayError, HooksManagedError, RiskError
from gitbot.repository import Repository, checkouts, command

NAME = "pre-push"
MARK = b"# gitbot hook:"
CALL = f"gitbot hook run {NAME}"


@dataclass(frozen=True, slots=True)
class Place:
    """Where git looks for hooks, seen from one work tree."""

    folder: Path
    hook: Path  # the file that git would run
    previous: Path  # where the hook that was there before is kept
    managed: bool  # inside a work tree and so in people's commits: husky, lefthook and the like write it

    @property
    def is_ours(self) -> bool:
        """Whether the hook is gitbot's."""
        return MARK in _content(self.hook)[:400]

    @property
    def is_anothers(self) -> bool:
        """Whether the hook is somebody else's."""
        return os.path.lexists(self.hook) and not self.is_ours

    @property
    def obstacle(self) -> str | None:
        """Why gitbot would not run for a push from this work tree; None when it would."""
        if not os.path.lexists(self.hook):
            return f"there is no {self.hook}"
        if CALL.encode() not in _content(self.hook):
            return f"{self.hook} does not call gitbot"
        return None if os.access(self.hook, os.X_OK) else f"{self.hook} is not executable, so git passes it over"


def place_of(repository: Repository, work_tree: str | Path | None = None) -> Place:
    """Where git looks for hooks when it runs in this work tree, by default the one that `repository` is seen from.

    A relative core.hooksPath is another folder in each of them.
    """
    where = Path(work_tree or repository.work_tree or repository.common)
    # Not --path-format=absolute, which fails where core.hooksPath leads through the .git file of a linked work tree.
    said = command.run("rev-parse", "--git-path", "hooks", cwd=where, env=repository.env)
    folder = Path(os.path.realpath(where / said.decode("utf-8", "surrogateescape").removesuffix("\n")))
    inside = any(folder.is_relative_to(os.path.realpath(tree.path)) for tree in checkouts.work_trees(repository))
    managed = inside and not folder.is_relative_to(os.path.realpath(repository.common))
    return Place(folder, folder / NAME, folder / f"{NAME}.gitbot-prev", managed)


def obstacles(repository: Repository) -> dict[str, str | None]:
    """For every work tree, why the hook would not fire there, or None."""
    return {tree.path: place_of(repository, tree.path).obstacle for tree in checkouts.work_trees(repository)}


def install(repository: Repository, interpreter: str) -> Place:
    """Write the hook, keeping one that is there; once more changes nothing. `interpreter` is used off PATH.

    Raises:
        HooksManagedError: the folder is another tool's, or hooks are switched off.
        FileExistsInTheWayError: a hook of somebody else's is there, and another one is kept from before.
        RiskError: the folder cannot be written to.
    """
    place = place_of(repository)
    if place.folder.exists() and not place.folder.is_dir():
        raise HooksManagedError(
            f"core.hooksPath is {place.folder}, which is no folder: hooks are switched off",
            hint="git config --show-origin --get core.hooksPath says where; unset it there",
        )
    with _changing(place, "add this line to"):
        if place.is_anothers and os.path.lexists(place.previous):
            raise FileExistsInTheWayError(
                f"{place.hook} is not gitbot's, and {place.previous.name} is kept beside it from before",
                hint="make one of the two, then install again",
            )
        place.folder.mkdir(parents=True, exist_ok=True)
        if place.is_anothers:
            place.hook.rename(place.previous)
        _write(place.hook, _shim(interpreter))
    return place


def uninstall(repository: Repository) -> tuple[Place, bool]:
    """Remove the hook if it is there and give back the one that was there before; says whether it was there.

    Raises:
        HooksManagedError: the folder is another tool's, or the hook is somebody else's.
        RiskError: the folder cannot be written to.
    """
    place = place_of(repository)
    was_there = place.is_ours
    with _changing(place, "take this line out of"):
        if place.is_anothers:
            raise HooksManagedError(f"{place.hook} is not gitbot's; it was left alone")
        if was_there:
            place.hook.unlink()
        if os.path.lexists(place.previous):
            place.previous.rename(place.hook)
    return place, was_there


@contextlib.contextmanager
def _changing(place: Place, deed: str) -> Iterator[None]:
    if place.managed:
        # husky's core.hooksPath is .husky/_, which it writes anew; people's own hooks are one folder up.
        file = (place.folder.parent if place.folder.name == "_" else place.folder) / NAME
        raise HooksManagedError(
            f"core.hooksPath is {place.folder}, inside the work tree: another tool keeps the hooks, "
            "nothing was written",
            hint=f'{deed} {file}: {CALL} "$@"',
        )
    try:
        yield
    except OSError as refused:
        raise RiskError(f"{place.folder}: {refused.strerror or refused}") from None


def _shim(interpreter: str) -> bytes:
    """The hook as it is shipped, with the interpreter that has gitbot written in."""
    shipped = resources.files("gitbot") / "hooks" / NAME
    if not shipped.is_file():  # a checkout has the folder beside the package, a wheel inside it
        shipped = Path(__file__).parents[2] / "hooks" / NAME
    filled = f"\npython={shlex.quote(interpreter)}\n".encode("utf-8", "surrogateescape")
    return shipped.read_bytes().replace(b"\npython=''\n", filled, 1)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all: git may start the hook at any moment."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    os.chmod(name, 0o755)
    os.replace(name, path)
