"""Reading and moving references. Nothing is ever moved but by compare-and-swap."""

from __future__ import annotations

import fcntl
import fnmatch
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pygit2

from gitbot.errors import RiskError, UnwritableError
from gitbot.model.git import ZERO, BranchName, Oid, RefName
from gitbot.repository.reading import Repository

HEADS = "refs/heads/"
REMOTES = "refs/remotes/"
LEASES = RefName("refs/gitbot/lease/table")  # known here so that where there is none, no more of them is imported
ATTEMPTS = 50  # a second, as long as git waits by itself
MOVING = "gitbot/moving"  # there while git moves the reference that it names, and when that was cut short


def shorthand(ref: str) -> str:
    """A branch as people write it: `main`, or `origin/main` for what follows a remote's."""
    return ref.removeprefix(HEADS).removeprefix(REMOTES)


def read(repository: Repository, ref: RefName) -> Oid | None:
    """What a reference holds, symbolic ones followed; None when it does not exist."""
    try:
        found = repository.lib.references.get(ref)
        return None if found is None else Oid(str(found.resolve().target))
    except (pygit2.GitError, KeyError, ValueError, OSError):
        return None


def checked_out(git_dir: Path) -> RefName | None:
    """The branch that the work tree with this git folder is on; None when its HEAD is detached."""
    found = re.fullmatch(rb"ref:\s*(refs/heads/\S+)\s*", (git_dir / "HEAD").read_bytes())
    return RefName(found[1].decode("utf-8", "surrogateescape")) if found is not None else None


def below(repository: Repository, prefix: str) -> Iterator[tuple[RefName, Oid]]:
    """Every reference whose name starts with `prefix`, sorted by name."""
    listed = repository.git("for-each-ref", "--format=%(objectname) %(refname)", prefix.rstrip("/"))
    for line in listed.decode("utf-8", "surrogateescape").splitlines():
        oid, _, name = line.partition(" ")
        yield RefName(name), Oid(oid)


def swap(repository: Repository, ref: RefName, *, before: Oid | None, after: Oid | None, why: str) -> bool:
    """Move one reference from `before` to `after` if it still is at `before`; False when it is not.

    None stands for "does not exist". git itself does it, under its own lock.

    Raises:
        RiskError: git refused for another reason than a lost race, such as a lock that a killed git left.
    """
    line = f"update {ref}\0{after or ZERO}\0{before or ZERO}\0" if after else f"delete {ref}\0{before}\0"
    # git expects commits in a reflog, and gitbot's own references are to blobs and trees.
    kept = ("--create-reflog",) if ref.startswith((HEADS, REMOTES)) else ()
    words = ("update-ref", "-m", why, *kept, "-z", "--stdin")
    moving = repository.common / MOVING
    moving.parent.mkdir(exist_ok=True)
    with moving.open("wb") as marker:
        fcntl.flock(marker, fcntl.LOCK_SH)  # which git and its hooks go on holding when this process is killed
        marker.write(ref.encode("utf-8", "surrogateescape"))
        marker.flush()
        done = repository.attempt(*words, feed=line.encode("utf-8", "surrogateescape"), held=(marker.fileno(),))
    moving.unlink(missing_ok=True)
    if done.returncode == 0:
        return True
    if read(repository, ref) != before:
        return False
    said = done.stderr.decode(errors="replace").strip()
    raise RiskError(f"{ref} could not be moved: {said}", hint="mend that, then run the same command again")


def append(repository: Repository, ref: RefName, *, before: Oid | None, after: Oid) -> bool:
    """The same for gitbot's own references, in-process: thousands of them are written in a run."""
    words = ""
    for _ in range(ATTEMPTS):
        try:
            if before is None:
                repository.lib.references.create(ref, after)
                return True
            found = repository.lib.references[ref]
            if str(found.target) != before:
                return False
            found.set_target(pygit2.Oid(hex=after))
            return True
        except (pygit2.GitError, KeyError, ValueError, OSError) as refused:
            if read(repository, ref) != before:
                return False
            words = str(refused)
        time.sleep(0.02)  # git waits for whoever packs references just now; libgit2 does not
    raise UnwritableError(f"{ref} could not be written: {words}", hint="mend that, then run the same command again")


def branches(repository: Repository) -> dict[BranchName, RefName]:
    """Every local and remote-tracking branch by the name that people use, local ones first."""
    found: dict[BranchName, RefName] = {}
    for prefix in (HEADS, REMOTES):
        for ref, _ in below(repository, prefix):
            if not ref.endswith("/HEAD"):
                found.setdefault(BranchName(ref.removeprefix(prefix)), ref)
    return found


def remotes(repository: Repository) -> list[str]:
    """The names of the configured remotes; git is not started."""
    try:
        return [name for name in repository.lib.remotes.names() if name is not None]
    except (pygit2.GitError, ValueError):
        return []


def branch_names(repository: Repository) -> list[RefName]:
    """The same as full names, sorted, remotes' HEADs among them; git is not started."""
    names = (name.decode("utf-8", "surrogateescape") for name in repository.lib.raw_listall_references())
    return sorted(RefName(name) for name in names if name.startswith((HEADS, REMOTES)))


def pattern(glob: str) -> re.Pattern[str]:
    """A pattern over branch names as `git branch --list` has it: `*` and `?` match `/` too."""
    return re.compile(fnmatch.translate(glob.replace("[^", "[!")))


def reflog(repository: Repository, ref: RefName) -> tuple[tuple[Oid, str], ...]:
    """Where a reference went, and the messages to that, newest first; () when it has no reflog."""
    try:
        found = repository.lib.references.get(ref)
        return () if found is None else tuple((Oid(str(e.oid_new)), e.message or "") for e in found.log())
    except (pygit2.GitError, KeyError, ValueError, OSError, UnicodeDecodeError):
        return ()


def reflog_words(repository: Repository, ref: RefName) -> tuple[str, ...]:
    """The messages of a reference's reflog, newest first; () when it has none."""
    return tuple(words for _, words in reflog(repository, ref))


def last_move(repository: Repository, ref: RefName) -> tuple[Oid, str]:
    """Where a reference was before, and what its reflog says of the move; `ZERO` and nothing where it has none."""
    words = reflog_words(repository, ref)
    entry = next(repository.lib.references[ref].log(), None) if words else None
    return (Oid(str(entry.oid_old)), words[0]) if entry is not None else (ZERO, "")


def default_target(repository: Repository) -> RefName | None:
    """The branch that work lands on when nobody says: origin/HEAD's, else main, else master.

    A bare repository's own HEAD is what its clones have as origin/HEAD.
    """
    head = repository.lib.references.get("refs/remotes/origin/HEAD")
    if head is None and repository.lib.is_bare:
        head = repository.lib.references.get("HEAD")
    names = [str(head.target).removeprefix("refs/remotes/origin/").removeprefix(HEADS)] if head is not None else []
    for name in (*names, "main", "master"):
        if read(repository, RefName(HEADS + name)) is not None:
            return RefName(HEADS + name)
    return None
