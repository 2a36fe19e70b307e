"""What belongs to the user, looked at before and after a run: everything but the target's own move is the same.

Agent branches, index, stash, files, hooks and configuration are compared byte for byte. Used around every call of
integrate in the scenarios, so that each of them proves it.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

CONTROL = ("config", "config.worktree", "hooks", "info", "description")


@dataclass(frozen=True, slots=True)
class Checkout:
    """One work tree of the user's: where its HEAD points, every index entry, every file."""

    head: str
    index: frozenset[str]
    files: Mapping[str, tuple[int, bytes]]
    status: str

    def without(self, moved: frozenset[str]) -> tuple[object, ...]:
        """What has to stay when these paths of a checkout of the target follow it."""
        index = {entry for entry in self.index if entry.partition("\t")[2] not in moved}
        return self.head, index, {path: held for path, held in self.files.items() if path not in moved}


@dataclass(frozen=True, slots=True)
class Belongings:
    """Everything of the user's in one repository."""

    refs: frozenset[str]  # all but the target and gitbot's own
    stash: str
    control: Mapping[str, tuple[int, bytes]]  # configuration, hooks and the like
    trees: Mapping[str, Checkout]
    commits: frozenset[str]  # what `git log --all` shows
    target: str


@dataclass(frozen=True, slots=True)
class Watch:
    """One repository whose owner's things are watched."""

    path: Path
    env: Mapping[str, str]
    target: str

    def git(self, *arguments: str, cwd: Path | None = None) -> str:
        env = {**self.env, "GIT_OPTIONAL_LOCKS": "0"}
        done = subprocess.run(["git", *arguments], cwd=cwd or self.path, env=env, capture_output=True, check=False)
        return done.stdout.decode("utf-8", "surrogateescape")

    @property
    def common(self) -> Path:
        return Path(self.git("rev-parse", "--path-format=absolute", "--git-common-dir").rstrip("\n"))

    def belongings(self) -> Belongings:
        """Everything as it is now."""
        listed = self.git("for-each-ref", "--format=%(refname) %(objectname)").splitlines()
        theirs = self._following()
        own = (f"refs/heads/{self.target} ", "refs/gitbot/", theirs)
        return Belongings(
            refs=frozenset(line for line in listed if not line.startswith(own)),
            stash=self.git("reflog", "refs/stash"),
            control=contents(self.common, CONTROL),
            trees={str(folder): self._checkout(folder) for folder in self._folders()},
            commits=frozenset(self.git("rev-list", f"--exclude={theirs}*", "--all").split()),
            target=self.git("rev-parse", "--verify", "-q", self.target).strip(),
        )

    def _following(self) -> str:
        """How the names of what follows a remote here begin, for a target that is one's; a push moves these."""
        there = self.git("rev-parse", "--verify", "-q", f"refs/remotes/{self.target}")
        return f"refs/remotes/{self.target.partition('/')[0]}/" if there else "none"

    def _folders(self) -> list[Path]:
        lines = self.git("worktree", "list", "--porcelain").splitlines()
        folders = [Path(line.removeprefix("worktree ")) for line in lines if line.startswith("worktree ")]
        return [folder for folder in folders if (folder / ".git").exists()]

    def _checkout(self, folder: Path) -> Checkout:
        return Checkout(
            head=self.git("rev-parse", "--symbolic-full-name", "HEAD", cwd=folder),
            index=frozenset(self.git("ls-files", "-s", "-v", "-z", cwd=folder).split("\0")),
            files=contents(folder),
            status=self.git("status", "--porcelain", cwd=folder),
        )

    def compare(self, before: Belongings, *, settled: bool = True) -> None:
        """Assert that only the target has moved; `settled`: the run ended by itself, checkouts have followed."""
        after = self.belongings()
        assert after.refs == before.refs
        assert after.stash == before.stash
        assert after.control == before.control
        assert after.trees.keys() == before.trees.keys()
        moved = self._between(before.target, after.target)
        for folder, tree in before.trees.items():
            follows = tree.head.strip() == f"refs/heads/{self.target}"
            gone = moved if follows else frozenset[str]()
            assert after.trees[folder].without(gone) == tree.without(gone)
            if settled:
                assert after.trees[folder].status == tree.status
        reachable = set(self.git("rev-list", after.target).split())
        assert after.commits <= before.commits | reachable
        self._sound(settled=settled)

    def _between(self, old: str, new: str) -> frozenset[str]:
        return frozenset(self.git("diff-tree", "-r", "-z", "--name-only", old, new).split("\0")) - {""}

    def _sound(self, *, settled: bool) -> None:
        kinds = self.git("for-each-ref", "--format=%(objecttype)", "refs/gitbot").split()
        assert set(kinds) <= {"blob", "tree"}
        fsck = subprocess.run(
            ["git", "fsck", "--no-dangling"], cwd=self.path, env=self.env, capture_output=True, text=True, check=False
        )
        assert (fsck.returncode, fsck.stdout) == (0, ""), fsck.stderr
        if settled:
            assert not (self.common / "gitbot" / "scratch").exists()

    def everything(self) -> dict[str, object]:
        """Every file of repository and work trees, times included: for what may write nothing.

        The lock is left out: names are resolved under it, and its file stays. So is what is only remembered, and may
        be deleted at any time.
        """
        folders = {self.common, *self._folders()}
        beside = {self.common / "gitbot" / name for name in ("lock", "plans", "status", "merges")}
        found = ((path, held) for folder in folders for path, held in _walk(folder, ()) if path not in beside)
        return {str(path): (held, _time(path)) for path, held in found}


def _time(path: Path) -> int:
    """git marks an object that it would have written again as used: that is no writing."""
    return 0 if "objects" in path.parts else path.lstat().st_mtime_ns


def contents(folder: Path, names: tuple[str, ...] = ()) -> dict[str, tuple[int, bytes]]:
    """Mode and bytes of every file below a folder, git's own left out unless named."""
    return {path.relative_to(folder).as_posix(): held for path, held in _walk(folder, names or None)}


def _walk(folder: Path, names: tuple[str, ...] | None) -> Iterator[tuple[Path, tuple[int, bytes]]]:
    """`names`: only these at the top; () for everything; None for everything but `.git`."""
    for current, folders, files in os.walk(folder):
        if Path(current) == folder and names:
            folders[:] = [name for name in folders if name in names]
            files = [name for name in files if name in names]
        if names is None:
            folders[:] = [name for name in folders if name != ".git"]
            files = [name for name in files if name != ".git"]
        for name in files:
            path = Path(current, name)
            data = os.readlink(path).encode() if path.is_symlink() else path.read_bytes()
            yield path, (path.lstat().st_mode, data)
