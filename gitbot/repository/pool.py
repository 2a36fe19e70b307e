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
import os
import shutil
import stat
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from gitbot.errors import GitError
from gitbot.model.git import Oid
from gitbot.repository import command
from gitbot.repository.checkouts import NO_HOOKS
from gitbot.repository.reading import GITLINK, Repository

MOST_NESTED = 20  # ignore files within folders that are ignored by such
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


@dataclass(frozen=True, slots=True)
class Origin:
    """The repository that checkouts are made of, as plain values: any thread can carry it."""

    git_dir: Path
    env: Mapping[str, str]  # for git (`command.surrounding`)
    stores: tuple[Path, ...]  # object folders that checkouts borrow from


class Record(msgspec.Struct, frozen=True):
    """What is known of a slot that nobody uses."""

    second: int  # no file of it was changed later than in this second since the epoch
    setups: dict[str, str]  # as in `Slot`


@dataclass(frozen=True, slots=True)
class Slot:
    """A checkout in use, by the holder of its lock."""

    origin: Origin
    folder: Path
    held: int | None = None  # descriptor of the lock, which what is started here inherits
    setups: dict[str, str] = field(default_factory=dict)  # by command: for which files' contents it ran here last

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

    def make_again(self, commit: Oid, last: int) -> int | None:
        """Turn the checkout into that of another commit: the newest second given to a file, None where that fails.

        Files that change never keep a second that they may have had before: bytecode is found by second and size.
        """
        begun = int(time.time() - _TICK)
        try:
            self._check_out(commit)
            self._forget_ignore_files()
            self.git("clean", "-ffdq")
            self.git("diff-files", "--quiet", "--ignore-submodules=all")
            files = [(path, self.checkout / path, mode) for path, (mode, _) in self.listing().items()]
            if any(mode == GITLINK and any(path.iterdir()) for _, path, mode in files):
                return None  # a submodule's own state is nothing that can be cleaned from here
            if begun > last:
                return begun
            now = time.time()
            for path in (path for _, path, mode in files if mode != GITLINK):
                found = path.lstat()
                if stat.S_ISREG(found.st_mode) and begun <= found.st_mtime <= now:
                    os.utime(path, (last + 1, last + 1))
            self.git("update-index", "-q", "--refresh")
        except (GitError, OSError):
            return None
        return last + 1

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
            said = msgspec.json.decode(record.read_bytes(), type=Record)
            record.unlink()
        except (OSError, msgspec.DecodeError):
            return None
        return said

    def lay_down(self, record: Record) -> None:
        """Leave the slot for another commit; without its record where a command took that much away."""
        with contextlib.suppress(FileNotFoundError, PermissionError):
            (self.folder / "record").write_bytes(msgspec.json.encode(record))
            self.log.unlink(missing_ok=True)  # last: where that made room, a full disk would not be noticed


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
        second = slot.make_again(commit, record.second) if record is not None else None
        if record is not None and second is not None:
            slot.setups.update(record.setups)
        else:
            slot.make(commit)
        try:
            yield slot
            if not fresh:
                slot.lay_down(Record(max(int(time.time()), second or 0), slot.setups))
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


def discard(folder: Path) -> None:
    """Remove a folder or file, also where permissions were taken away; never follows a link out of it."""
    if not os.path.lexists(folder):
        return
    if folder.is_symlink() or not folder.is_dir():
        folder.unlink()
        return
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        os.chmod(folder, 0o700)
        for root, folders, _ in os.walk(folder):
            for path in (os.path.join(root, name) for name in folders):
                if not os.path.islink(path):
                    os.chmod(path, 0o700)
        shutil.rmtree(folder)


def cache_folder(repository: Repository) -> Path:
    """What is this repository's in the user's cache folder, outside every work tree."""
    base = repository.env.get("XDG_CACHE_HOME") or str(Path(repository.env.get("HOME", "/tmp")) / ".cache")
    return Path(base) / "gitbot" / hashlib.sha256(os.fsencode(repository.common)).hexdigest()[:16]
