"""Checkouts in which commands run: of one exact commit, in the user's cache folder, registered nowhere.

A slot is used again and again, so that what builds have cached stays warm; what else one commit's tests left does not
reach the next. What git knows of a slot is in `own`, a git folder beside the checkout: commands get a copy of it as
`.git`, made anew each time, and git is never run on that copy. A slot that is in use has no `record`, so one that a
kill left, like one that does not come out clean, is made from nothing.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import stat
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

import msgspec

from gitbot.errors import GitbotError, GitError
from gitbot.model.git import Oid
from gitbot.repository import command
from gitbot.repository.checkouts import NO_HOOKS
from gitbot.repository.reading import GITLINK, Repository

MOST_NESTED = 20  # ignore files within folders that are ignored by such
OWN_FILE = stat.S_IRUSR | stat.S_IWUSR
KEEP_SECONDS = 14 * 24 * 3600  # for which a slot is kept that nobody uses
PATIENCE = 60  # seconds; who is killed leaves a slot in use until what it had started is gone
_TICK = 0.05  # seconds by which a file's time may lag behind the clock

# What is ignored is said by the commit alone, and the index is one file that can be copied.
_SEALED = (
    *NO_HOOKS,
    *("-c", "core.excludesFile=/dev/null", "-c", "core.splitIndex=false", "-c", "core.untrackedCache=false"),
    *("-c", "core.logAllRefUpdates=false", "-c", "submodule.recurse=false", "-c", "core.sparseCheckout=false"),
)

Listing = dict[str, tuple[int, str]]  # by path: mode and object id
Files = Sequence[tuple[str, Path, int]]  # path in the checkout and as a whole, mode


@dataclass(frozen=True, slots=True)
class Origin:
    """The repository that checkouts are made of, as plain values: any thread can carry it."""

    git_dir: Path
    env: Mapping[str, str]  # for git (`command.surrounding`)
    stores: tuple[Path, ...]  # object folders that checkouts borrow from


class SetUp(msgspec.Struct, frozen=True):
    """A command that has prepared a checkout."""

    key: str  # of all that it depends on; empty where it has to run again
    touched: frozenset[str]  # ignored files, or folders of such, that it has ever made or changed here


class Record(msgspec.Struct, frozen=True):
    """What is known of a slot that nobody uses."""

    second: int  # no file of it was changed later than in this second since the epoch
    setups: dict[str, SetUp]  # as in `Slot`
    included: frozenset[str]  # likewise


@dataclass(frozen=True, slots=True)
class Slot:
    """A checkout in use, by the holder of its lock."""

    origin: Origin
    folder: Path
    held: int | None = None  # descriptor of the lock, which what is started here inherits
    setups: dict[str, SetUp] = field(default_factory=dict)  # by command
    included: set[str] = field(default_factory=set)  # files that are here for `[gate] include`
    fresh: bool = False  # nothing was in it that an earlier commit's tests left

    @property
    def checkout(self) -> Path:
        """Where the commit's files are."""
        return self.folder / "checkout"

    @property
    def log(self) -> Path:
        """Where output may go."""
        return self.folder / "log"

    def git(self, *arguments: str) -> bytes:
        """Run git on the checkout, by our own knowledge of it."""
        where = ("--git-dir", str(self.folder / "own"), "--work-tree", str(self.checkout))
        held = () if self.held is None else (self.held,)
        return command.run(*where, *_SEALED, *arguments, cwd=self.checkout, env=self.origin.env, held=held)

    def listing(self) -> Listing:
        """Mode and object id of every file that is checked out."""
        found = {}
        for line in self.git("ls-files", "-s", "-z").decode("utf-8", "surrogateescape").split("\0")[:-1]:
            words, _, path = line.partition("\t")
            found[path] = (int(words[:6], 8), words.split(" ")[1])
        return found

    def unclean(self) -> bytes:
        """What git calls modified or untracked."""
        return self.git("status", "--porcelain", "-z", "--no-renames", "--ignore-submodules=all")

    def ignored(self) -> dict[str, str]:
        """A digest of what is ignored, by file or by folder as a whole, without a look into any file."""
        words = ("ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory")
        names = self.git(*words).decode("utf-8", "surrogateescape").split("\0")[:-1]
        return {name: _glance(self.checkout / name) for name in names}

    def make(self, commit: Oid) -> None:
        """Check out from nothing.

        Raises:
            GitError: git could not check the commit out.
        """
        discard(self.folder)
        self.checkout.mkdir(parents=True)
        init = ("init", "-q", "--template=", "--separate-git-dir", str(self.folder / "own"))
        command.run(*init, cwd=self.checkout, env=self.origin.env)
        self._check_out(commit)

    def _forget_pipes(self) -> None:
        """Remove pipes, sockets and devices: git neither names nor cleans them away, and waits for one it reads."""
        left = [str(self.checkout)]
        while left:
            with os.scandir(left.pop()) as found:
                for one in found:
                    if one.is_dir(follow_symlinks=False):
                        left.append(one.path)
                    elif not (one.is_symlink() or one.is_file()):
                        os.unlink(one)

    def _forget_folders(self, before: Listing, now: Listing) -> None:
        """Remove what is ignored in a folder that the commit no longer has: a package of bytecode can be imported."""
        for folder in _folders(before) - _folders(now):
            if (self.checkout / folder).is_dir():
                discard(self.checkout / folder)
                self.setups.clear()  # perhaps a part of their work

    def _forget_ignore_files(self) -> None:
        """Remove those that are in no commit, else they would keep what they name from being cleaned away.

        Those in folders that the commit ignores stay with them.
        """
        for _ in range(MOST_NESTED):
            found = self.git("ls-files", "-z", "--others", "--", ":(glob)**/.gitignore").split(b"\0")[:-1]
            folders = {path: os.path.dirname(path) for path in found}
            asked = b"".join(folder + b"\0" for folder in set(folders.values()) if folder)
            ignored = self._ignored(asked) if asked else set()
            left = [path for path, folder in folders.items() if folder not in ignored]
            for path in left:
                os.unlink(os.path.join(os.fsencode(self.checkout), path))
            if not left:
                return

    def _ignored(self, asked: bytes) -> set[bytes]:
        where = ("--git-dir", str(self.folder / "own"), "--work-tree", str(self.checkout))
        words = (*where, *_SEALED, "check-ignore", "-z", "--stdin", "--no-index")
        done = command.attempt(*words, cwd=self.checkout, env=self.origin.env, feed=asked)
        return set(done.stdout.split(b"\0"))

    def make_again(self, commit: Oid, last: int) -> tuple[int, bool] | None:
        """Turn the checkout into that of another commit: the newest second given to a file, and whether nothing else
        is there any more; None where that fails.

        Files that change never keep a second that they may have had before: bytecode is found by second and size.
        """
        begun = int(time.time() - _TICK)
        try:
            self._forget_pipes()
            before = self.listing()
            self._check_out(commit)
            self._forget_folders(before, self.listing())
            self._forget_ignore_files()
            self.git("clean", "-ffdq")
            self.git("diff-files", "--quiet", "--ignore-submodules=all")
            files = [(path, self.checkout / path, mode) for path, (mode, _) in self.listing().items()]
            folders = {self.checkout / folder for folder in _folders(name for name, _, _ in files)} | {self.checkout}
            if not self._as_made(files, folders):
                return None
            fresh = self._is_alone(files, folders)
            if begun > last:
                return begun, fresh
            now = time.time()
            for path in (path for _, path, mode in files if mode != GITLINK):
                found = path.lstat()
                if stat.S_ISREG(found.st_mode) and begun <= found.st_mtime <= now:
                    os.utime(path, (last + 1, last + 1))
            self.git("update-index", "-q", "--refresh")
        except (GitbotError, OSError):  # a disk that is full may have room once the slot is gone
            return None
        return last + 1, fresh

    def _is_alone(self, files: Files, folders: set[Path]) -> bool:
        """Whether nothing is beside the commit's files, bytecode apart, which Python holds against its source."""
        known = folders.union(path for _, path, _ in files)
        there = (path for folder in folders for path in folder.iterdir() if path.name not in (".git", "__pycache__"))
        return all(path in known for path in there)

    def _as_made(self, files: Files, folders: set[Path]) -> bool:
        """Whether nothing is as git neither sees nor mends it: a folder or file that cannot be written to, a folder
        that became a repository of its own, a submodule that was filled in.
        """
        for _, path, mode in files:
            found = path.lstat().st_mode
            if any(path.iterdir()) if mode == GITLINK else stat.S_ISREG(found) and found & OWN_FILE != OWN_FILE:
                return False
        inner = (folder / ".git" for folder in folders - {self.checkout})
        return not any(map(os.path.lexists, inner)) and all(
            folder.stat().st_mode & stat.S_IRWXU == stat.S_IRWXU for folder in folders
        )

    def _check_out(self, commit: Oid) -> None:
        if any("\n" in str(store) for store in self.origin.stores):
            raise GitError(f"{str(self.origin.stores[0])!r}: a line break in the repository's path")
        own = self.folder / "own"
        (own / "objects" / "info").mkdir(parents=True, exist_ok=True)
        alternates = b"".join(os.fsencode(store) + b"\n" for store in self.origin.stores)
        (own / "objects" / "info" / "alternates").write_bytes(alternates)
        # For builds that read their version from tags.
        words = ("for-each-ref", "--format=%(objectname) %(refname)", "refs/tags")
        tags = command.run("--git-dir", str(self.origin.git_dir), *words, cwd=self.checkout, env=self.origin.env)
        (own / "packed-refs").write_bytes(tags)
        self.git("checkout", "-q", "-f", "--detach", commit)
        discard(self.checkout / ".git")
        shutil.copytree(own, self.checkout / ".git")

    def pick_up(self) -> Record | None:
        """Take the record of a slot away that can be used again; None when it has to be made from nothing."""
        record = self.folder / "record"
        try:
            if self.folder.is_symlink() or self.checkout.is_symlink() or not self.checkout.is_dir():
                return None
            said = msgspec.convert(json.loads(record.read_bytes()), Record)
            record.unlink()
        except (OSError, ValueError):
            return None
        return said

    def lay_down(self, record: Record) -> None:
        """Leave the slot for another commit; without its record where a command took that much away."""
        with contextlib.suppress(FileNotFoundError, PermissionError):
            # msgspec's own has no way to write names that are no UTF-8.
            (self.folder / "record").write_text(json.dumps(msgspec.to_builtins(record)))
            discard(self.log)  # last: where that made room, a full disk would not be noticed


@contextlib.contextmanager
def take(origin: Origin, pool: Path, number: int, commit: Oid, *, fresh: bool = False) -> Iterator[Slot]:
    """A checkout of a commit, for the time of the block; `fresh`: one from nothing, gone afterwards.

    Raises:
        GitError: git could not check it out, or another process does not let go of the slot.
    """
    pool.mkdir(parents=True, exist_ok=True)
    with _locked(pool / f"slot-{number}.lock", PATIENCE) as held:
        slot = Slot(origin, pool / f"{'fresh' if fresh else 'slot'}-{number}", held)
        record = None if fresh else slot.pick_up()
        if record is not None:
            slot.setups.update(record.setups)
            slot.included.update(record.included)
        made = slot.make_again(commit, record.second) if record is not None else None
        if made is None:
            slot.setups.clear()
            slot.included.clear()
            slot.make(commit)
        second, alone = made or (0, True)
        try:
            yield replace(slot, fresh=alone)
            if not fresh:
                slot.lay_down(Record(max(int(time.time()), second), slot.setups, frozenset(slot.included)))
        finally:
            if fresh:
                discard(slot.folder)


def make(repository: Repository, folder: Path, commit: Oid, stores: tuple[Path, ...]) -> Path:
    """A checkout of a commit that is used once: where its files are. Whoever made it discards the folder.

    Raises:
        GitError: git could not check the commit out.
    """
    slot = Slot(Origin(repository.common, repository.env, stores), folder)
    slot.make(commit)
    return slot.checkout


def sweep(repository: Repository, now: float) -> None:
    """Remove what killed runs left of fresh checkouts, and slots that were not used for long, of any repository."""
    for lock in cache_folder(repository).parent.glob("*/slot-*.lock"):
        slot, fresh = lock.with_suffix(""), lock.with_name(lock.stem.replace("slot", "fresh"))
        old = now - lock.stat().st_mtime > KEEP_SECONDS
        if fresh.exists() or (old and slot.exists()):
            with contextlib.suppress(GitError, OSError), _locked(lock, 0):
                discard(fresh)
                if old:
                    discard(slot)


@contextlib.contextmanager
def _locked(path: Path, patience: float) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    deadline = time.monotonic() + patience
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise GitError(f"{path.with_suffix('')} is in use by another process") from None
            time.sleep(0.01)
        os.utime(descriptor)
        yield descriptor
    finally:
        os.close(descriptor)


def _folders(paths: Iterable[str]) -> set[PurePosixPath]:
    """Those that hold them, that of the checkout itself among them."""
    return {folder for path in paths for folder in PurePosixPath(path).parents}


def _glance(path: Path) -> str:
    """A digest of names, sizes and times in a folder, or of one file."""
    seen = hashlib.sha256()
    whole = os.walk(path) if path.is_dir() and not path.is_symlink() else [(str(path.parent), [], [path.name])]
    for root, folders, files in whole:
        folders.sort()
        for place in (os.path.join(root, name) for name in sorted((*folders, *files))):
            with contextlib.suppress(FileNotFoundError):
                found = os.lstat(place)
                told = (place, found.st_mode, found.st_size, found.st_mtime_ns, found.st_ino)
                seen.update(ascii(told).encode())
    return seen.hexdigest()


def discard(folder: Path) -> None:
    """Remove a folder or file, also where permissions were taken away; never follows a link out of it.

    Raises:
        GitError: it is still there.
    """
    if not os.path.lexists(folder):
        return
    if folder.is_symlink() or not folder.is_dir():
        folder.unlink()
        return
    with contextlib.suppress(RecursionError):
        shutil.rmtree(folder, ignore_errors=True)
    # Those go as deep as a folder may be, which Python does not.
    for words in (("chmod", "-R", "u+rwx"), ("rm", "-rf")) if folder.exists() else ():
        subprocess.run((*words, "--", folder), check=False, capture_output=True, stdin=subprocess.DEVNULL)
    if folder.exists():
        raise GitError(f"{folder} cannot be removed")


def cache_folder(repository: Repository) -> Path:
    """What is this repository's in the user's cache folder, outside every work tree."""
    base = repository.env.get("XDG_CACHE_HOME") or str(Path(repository.env.get("HOME", "/tmp")) / ".cache")
    return Path(base) / "gitbot" / hashlib.sha256(os.fsencode(repository.common)).hexdigest()[:16]
