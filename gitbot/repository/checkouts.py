"""The user's work trees: looked at, and brought along with a branch only where nothing of the user's is touched."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import subprocess
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Literal

from gitbot.errors import GitError, WorkTreeInTheWayError
from gitbot.model.git import BranchName, Change, ChangeKind, Oid, RefName, WorkTree
from gitbot.report.terminal import some
from gitbot.repository import command
from gitbot.repository.reading import GITLINK, SYMLINK, Repository

_UNDER_WAY = {  # files of a work tree's own git folder
    "MERGE_HEAD": "a merge is under way",
    "CHERRY_PICK_HEAD": "a cherry-pick is under way",
    "REVERT_HEAD": "a revert is under way",
    "rebase-merge": "a rebase is under way",
    "rebase-apply": "a rebase is under way",
    "sequencer": "a cherry-pick or revert is under way",
    "BISECT_LOG": "a bisection is under way",
    "index.lock": "another git is at work",
}
_DETACHED = ("rebase-merge/head-name", "rebase-apply/head-name", "BISECT_START")
_ON_BRANCH = ("MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD")
LARGEST_SAVED, MOST_SAVED = 4 << 20, 2000  # bytes of a file, and how many files, with edits that count in a trial
_MOMENTS = 40  # a twentieth of a second each
NO_HOOKS = ("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false")
_STATUS = ("status", "--porcelain", "-z", "--no-renames", "--ignore-submodules=dirty")


def work_trees(repository: Repository) -> tuple[WorkTree, ...]:
    """Every work tree of the repository, the main one first; those whose folder is gone are left out."""
    found = []
    for record in _listed(repository):
        said = dict(line.partition(" ")[::2] for line in record.split("\0") if line)
        if "worktree" in said and "prunable" not in said and Path(said["worktree"]).is_dir():
            branch = RefName(said["branch"]) if "branch" in said else None
            head = Oid(said.get("HEAD", ""))
            found.append(WorkTree(said["worktree"], head, branch, bare="bare" in said, locked="locked" in said))
    return tuple(found)


def _listed(repository: Repository) -> list[str]:
    """git's records; asked again while a work tree is being made, whose files are there and empty for a moment."""
    words = ("worktree", "list", "--porcelain", "-z")
    for _ in range(_MOMENTS):
        done = repository.attempt(*words)
        if done.returncode == 0:
            return done.stdout.decode("utf-8", "surrogateescape").split("\0\0")
        time.sleep(0.05)
    return repository.git(*words).decode("utf-8", "surrogateescape").split("\0\0")


def interrupted(repository: Repository, trees: Iterable[WorkTree]) -> Iterator[tuple[RefName, str | None]]:
    """Branches that git works on in a detached work tree, and what waits for a person where it met a conflict.

    Also those on which a merge, a cherry-pick or a revert stands in one.
    """
    for tree in trees:
        git = Path(tree.path, ".git")
        with contextlib.suppress(GitError, OSError):
            if tree.bare:
                continue
            named = git if git.is_dir() else Path(tree.path, git.read_text().removeprefix("gitdir:").strip())
            for name in _DETACHED if tree.branch is None else _ON_BRANCH:
                if (named / name).is_file():
                    listed = _git(repository, tree.path, "ls-files", "-u", "-z").decode("utf-8", "surrogateescape")
                    paths = sorted({entry.partition("\t")[2] for entry in listed.split("\0") if entry})
                    doing = _UNDER_WAY.get(name.partition("/")[0], _UNDER_WAY["BISECT_LOG"])
                    why = f"{doing} in {tree.path}, with conflicts in {some(paths)}" if paths else None
                    said = tree.branch or os.fsdecode((named / name).read_bytes()[:4096]).strip()
                    if why is not None or tree.branch is None:
                        yield RefName(said if said.startswith("refs/") else f"refs/heads/{said}"), why


def showing(repository: Repository, ref: RefName) -> tuple[WorkTree, ...]:
    """The work trees in which a branch is checked out."""
    return tuple(tree for tree in work_trees(repository) if tree.branch == ref and not tree.bare)


def busy_with(repository: Repository, ref: RefName) -> str | None:
    """What is under way in some work tree that a move of this branch would break, in words; None when nothing is."""
    folders = [repository.common, *sorted((repository.common / "worktrees").glob("*"))]
    for folder in folders:
        for name in ("rebase-merge/head-name", "rebase-apply/head-name"):
            path = folder / name
            if path.is_file() and path.read_text(errors="replace").strip() == ref:
                return f"a rebase of it is under way ({folder})"
        head = folder / "HEAD"
        on_it = head.is_file() and head.read_text(errors="replace").strip() == f"ref: {ref}"
        if on_it and (folder / "MERGE_HEAD").exists():
            return f"a merge into it is under way ({folder})"
    return None


def uncommitted(
    repository: Repository, work_tree: str, *, untracked: Literal[True, False, "all"] = True
) -> tuple[str, ...]:
    """Paths with edits that are in no commit, staged or not, sorted; untracked folders as one unless "all"."""
    mode = "all" if untracked == "all" else "normal" if untracked else "no"
    return edited(_git(repository, work_tree, *_STATUS, f"--untracked-files={mode}"))


def start_uncommitted(repository: Repository, work_tree: str, *, untracked: bool) -> subprocess.Popen[bytes]:
    """The same begun: a git whose output is for `edited`. It has one thread, as there are others beside it."""
    mode, quiet = f"--untracked-files={'all' if untracked else 'no'}", subprocess.DEVNULL
    words = ("git", "-C", work_tree, *NO_HOOKS, "-c", "core.preloadIndex=false", *_STATUS, mode)
    return subprocess.Popen(words, env=repository.env, stdin=quiet, stdout=subprocess.PIPE, stderr=quiet)


def edited(said: bytes, *, untracked: bool = True) -> tuple[str, ...]:
    """The paths that `git status` said."""
    fields = said.decode("utf-8", "surrogateescape").split("\0")
    return tuple(sorted({field[3:] for field in fields if field and (untracked or not field.startswith("??"))}))


def hidden(repository: Repository, work_tree: str) -> tuple[str, ...]:
    """Edited files that git was told not to look at (skip-worktree, assume-unchanged), sorted."""
    known: dict[str, str] = {}
    for entry in _git(repository, work_tree, "ls-files", "-v", "-s", "-z").split(b"\0"):
        facts, _, name = entry.decode("utf-8", "surrogateescape").partition("\t")
        if facts and (facts[0] == "S" or facts[0].islower()) and os.path.lexists(Path(work_tree, name)):
            known[name] = facts.split()[2]
    files = [name for name in known if "\n" not in name and Path(work_tree, name).is_file()]
    feed = b"".join(os.fsencode(name) + b"\n" for name in files)
    hashed = _git(repository, work_tree, "hash-object", "--stdin-paths", feed=feed).decode().split() if files else []
    return tuple(sorted({*known} - {name for name, oid in zip(files, hashed, strict=True) if known[name] == oid}))


def saved(repository: Repository, work_tree: str, objects: Path, paths: Sequence[str]) -> tuple[Oid | None, set[str]]:
    """A tree of what the work tree holds, with its edits of some paths, in another folder of objects.

    git works on a copy of the index. Also the paths that are left out, being too large or too many, files that git
    knows last; None and all where git cannot read them.
    """
    from gitbot.repository.workbench import quoted  # which a look at work trees does without

    top = Path(work_tree)
    chosen = [path for path in paths if not path.endswith("/") and _size(top / path) <= LARGEST_SAVED]
    if len(chosen) > MOST_SAVED:
        known = set(_git(repository, work_tree, "ls-files", "-z").decode("utf-8", "surrogateescape").split("\0"))
        chosen = sorted(chosen, key=lambda path: path not in known)[:MOST_SAVED]
    copy, index = objects.parent / f"index.{os.getpid()}", _index(repository, work_tree)
    with contextlib.suppress(FileNotFoundError):
        shutil.copy2(index, copy)  # its time too: by that git tells which entries are too young to be trusted
    store = {
        "GIT_OBJECT_DIRECTORY": str(objects),
        "GIT_ALTERNATE_OBJECT_DIRECTORIES": quoted(repository.common / "objects"),
    }
    env = repository.env | store | {"GIT_INDEX_FILE": str(copy)}
    feed = b"".join(os.fsencode(path) + b"\0" for path in chosen)
    try:
        words = (*NO_HOOKS, "update-index", "-z", "--add", "--remove", "--replace", "--stdin")
        done = command.attempt(*words, cwd=top, env=env, feed=feed)
        done = command.attempt(*NO_HOOKS, "write-tree", cwd=top, env=env) if done.returncode == 0 else done
    finally:
        copy.unlink(missing_ok=True)
    if done.returncode != 0:
        return None, set(paths)
    return Oid(done.stdout.decode().strip()), set(paths) - set(chosen)


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:  # deleted
        return 0


def ignored(repository: Repository, work_tree: str) -> tuple[str, ...]:
    """Paths that git ignores there, a folder as one."""
    words = ("status", "--porcelain", "-z", "--ignored=traditional", "--untracked-files=normal")
    said = _git(repository, work_tree, *words).decode("utf-8", "surrogateescape")
    return tuple(sorted(field[3:] for field in said.split("\0") if field.startswith("!! ")))


def ignored_and_listed(repository: Repository, work_tree: str, listing: str) -> tuple[str, ...]:
    """Files that git ignores in a work tree and that the patterns in its file `listing` match, sorted."""
    words = ("ls-files", "-z", "--others", "--ignored")
    chosen = (_git(repository, work_tree, *words, how) for how in (f"--exclude-from={listing}", "--exclude-standard"))
    names = set.intersection(*(set(said.decode("utf-8", "surrogateescape").split("\0")) for said in chosen))
    return tuple(sorted(names - {""}))


def unfinished(repository: Repository, work_tree: str) -> str | None:
    """What git has under way in a work tree, in words; None when nothing is."""
    said = _git(repository, work_tree, "rev-parse", "--path-format=absolute", "--git-dir")
    folder = Path(said.decode("utf-8", "surrogateescape").rstrip("\n"))
    return next((words for name, words in _UNDER_WAY.items() if (folder / name).exists()), None)


def is_half_made(repository: Repository, work_tree: str) -> bool:
    """Whether git was killed while it made a work tree; such a one is taken away, unless a process lives in it."""
    record = next((one for one in _listed(repository) if f"worktree {work_tree}\0" in f"{one}\0"), "")
    if "locked initializing" not in record.split("\0") or living_in(work_tree) is not None:
        return False
    done = repository.attempt("worktree", "remove", "--force", "--force", "--", work_tree)
    return done.returncode == 0


def living_in(work_tree: str) -> int | None:
    """A process that has its current folder, or a file open, in a work tree; None when there is none.

    Raises:
        OSError: this system does not tell (there is no /proc).
    """
    top = os.path.realpath(work_tree)
    for process in (int(name) for name in os.listdir("/proc") if name.isdigit()):
        places = [Path("/proc", str(process), "cwd")]
        with contextlib.suppress(OSError):  # somebody else's, or gone
            places += Path("/proc", str(process), "fd").iterdir()
        for place in places:
            with contextlib.suppress(OSError):
                if f"{os.readlink(place)}/".startswith(f"{top}/"):
                    return process
    return None


def add(repository: Repository, folder: str, branch: BranchName, start: Oid | None) -> str | None:
    """Make a linked work tree of a branch, that one anew from `start` where it is given; None, or git's words."""
    words = ("--", folder, branch) if start is None else ("--no-track", "-b", branch, "--", folder, start)
    done = repository.attempt("worktree", "add", "--quiet", *words)
    return None if done.returncode == 0 else " ".join(done.stderr.decode("utf-8", "replace").split())


def remove(repository: Repository, work_tree: str) -> str | None:
    """Take a linked work tree away where git finds nothing that would be lost; None when done, else its words."""
    done = repository.attempt("worktree", "remove", "--", work_tree)
    return None if done.returncode == 0 else " ".join(done.stderr.decode("utf-8", "replace").split())


def must_be_free(repository: Repository, ref: RefName, before: Oid, after: Oid) -> None:
    """Refuse to go on where a work tree that shows a branch could not follow it, before anything moves.

    Raises:
        WorkTreeInTheWayError: a rebase or merge is under way there, or something of the user's would be overwritten.
    """
    busy = busy_with(repository, ref)
    if busy is not None:
        raise WorkTreeInTheWayError(
            f"{ref.removeprefix('refs/heads/')}: {busy}", hint="finish or abort it, then run this again"
        )
    for tree in showing(repository, ref):
        paths = in_the_way(repository, tree.path, before, after)
        if paths:
            raise WorkTreeInTheWayError(
                f"{tree.path}: {', '.join(paths[:5])}{' …' if len(paths) > 5 else ''} would be overwritten",
                hint="commit, stash or move it, then run the same command again",
            )


def in_the_way(repository: Repository, work_tree: str, before: Oid, after: Oid) -> tuple[str, ...]:
    """Paths of the user's that going from `before` to `after` would touch: edited, staged, deleted or untracked.

    git is asked on a copy of the index; nothing is changed.

    Raises:
        WorkTreeInTheWayError: git cannot do it at all, as where its index is locked or holds conflicts.
    """
    changes = repository.changes(before, after)
    changed = {change.path for change in changes}
    mine = changed & set(uncommitted(repository, work_tree, untracked=False))
    mine |= set(overwritten(Path(work_tree), *added_and_gone(changes)))
    if mine:
        return tuple(sorted(mine))
    index = _index(repository, work_tree)
    if _locked(index):
        hint = "wait until it is done, or close its editor; then run the same command again"
        raise WorkTreeInTheWayError(f"{work_tree}: {_UNDER_WAY['index.lock']} ({index}.lock)", hint=hint)
    copy = repository.common / "gitbot" / "index"  # only ever one, by the holder of the run's lock
    copy.parent.mkdir(exist_ok=True)
    try:
        if index.exists():
            shutil.copy2(index, copy)
        env = repository.env | {"GIT_INDEX_FILE": str(copy)}
        _refresh(Path(work_tree), env)
        done = command.attempt(
            *(*NO_HOOKS, "read-tree", "-n", "-m", "-u", before, after), cwd=Path(work_tree), env=env
        )
    finally:
        copy.unlink(missing_ok=True)
    if done.returncode == 0:
        return ()
    words = done.stderr.decode("utf-8", "replace")
    named = [path for path in sorted(changed) if f"'{path}'" in words or f"\t{path}\n" in words]
    if not named:
        said = " ".join(words.split()).removeprefix("fatal: ").removeprefix("error: ")[:200]
        hint = "`git status` there shows what is the matter; mend that, then run the same command again"
        raise WorkTreeInTheWayError(f"{work_tree}: git cannot bring it along: {said}", hint=hint)
    return tuple(named)


def lags(repository: Repository, work_tree: str, before: Oid) -> bool:
    """Whether a checkout's index still is exactly that of `before`."""
    done = command.attempt(
        *(*NO_HOOKS, "diff-index", "--cached", "--quiet", before), cwd=Path(work_tree), env=repository.env
    )
    return done.returncode == 0


def follow_all(repository: Repository, ref: RefName, before: Oid, after: Oid) -> list[str]:
    """Bring every checkout of a branch along; those that could not follow, with git's words."""
    found = ((tree.path, follow(repository, tree.path, before, after)) for tree in showing(repository, ref))
    return [f"{path}: {words}" for path, words in found if words is not None]


def follow(repository: Repository, work_tree: str, before: Oid, after: Oid) -> str | None:
    """Bring a checkout from `before` to `after`; None when done, else git's words (nothing is lost then).

    git works on a copy of the index, while index.lock is held as a link to a marker of ours: whatever a kill leaves
    can be told from another git's lock and is finished the next time. A changed file that holds the new contents, or
    the beginning of them, is what a killed git had been writing.
    """
    index = _index(repository, work_tree)
    marker, copy = index.with_name("gitbot-follow"), index.with_name("gitbot-index")
    lock = index.with_name(index.name + ".lock")
    if _locked(index):
        return f"{lock} exists: another git is at work there"
    where, env = Path(work_tree), repository.env | {"GIT_INDEX_FILE": str(copy)}
    try:
        marker.touch()
        if not lock.exists():
            os.link(marker, lock)
        if index.exists():
            shutil.copy2(index, copy)
        words = _read_tree(where, env, before, after)
        if words is not None and _finish_writing(repository, where, env, before, after):
            words = _read_tree(where, env, before, after)
        if words is None:
            os.replace(copy, index)
        return words
    finally:
        for path in (copy, lock, marker):
            path.unlink(missing_ok=True)


def _index(repository: Repository, work_tree: str) -> Path:
    path = _git(repository, work_tree, "rev-parse", "--path-format=absolute", "--git-path", "index")
    return Path(path.decode("utf-8", "surrogateescape").rstrip("\n"))


def _locked(index: Path) -> bool:
    """Whether somebody else holds the index; a lock that a killed run of ours left does not count."""
    lock, marker = index.with_name(index.name + ".lock"), index.with_name("gitbot-follow")
    return lock.exists() and not (marker.exists() and lock.samefile(marker))


def _read_tree(where: Path, env: Mapping[str, str], before: Oid, after: Oid) -> str | None:
    Path(env["GIT_INDEX_FILE"] + ".lock").unlink(missing_ok=True)  # of a git of ours that was killed
    _refresh(where, env)
    done = command.attempt(*NO_HOOKS, "read-tree", "-m", "-u", before, after, cwd=where, env=env)
    return None if done.returncode == 0 else " ".join(done.stderr.decode("utf-8", "replace").split())


def _refresh(where: Path, env: Mapping[str, str]) -> None:
    """Have git look at the files anew; the index stays as old as it was.

    Of one of its own age git asks a file's contents, and it passes over those that it was told not to look at: in an
    index that looks younger an edit of such a file, made in the second of the last write, would count as none.
    """
    index = Path(env["GIT_INDEX_FILE"])
    last = index.stat().st_mtime_ns if index.exists() else None
    command.attempt(*NO_HOOKS, "update-index", "-q", "--refresh", cwd=where, env=env)
    if last is not None:
        os.utime(index, ns=(last, last))


def _finish_writing(repository: Repository, where: Path, env: Mapping[str, str], before: Oid, after: Oid) -> bool:
    """Take files that are at `after` already into the index, and half-written ones away; whether there were any."""
    Path(env["GIT_INDEX_FILE"] + ".lock").unlink(missing_ok=True)
    changes = repository.changes(before, after)
    written = [c for c in changes if c.new_mode and (where / c.path).is_file() and "\n" not in c.path]
    links = [c for c in written if (where / c.path).is_symlink()]
    files = [c for c in written if c not in links and c.new_mode not in (GITLINK, SYMLINK)]
    feed = "".join(c.path + "\n" for c in files).encode("utf-8", "surrogateescape")
    hashed = command.run("hash-object", "--stdin-paths", cwd=where, env=env, feed=feed).decode().split()
    done = [c for c, oid in zip(files, hashed, strict=True) if c.new_oid == oid]
    done += [c for c in links if os.fsencode(os.readlink(where / c.path)) == repository.blob(c.new_oid)]
    entries = "".join(f"{c.new_mode:o} {c.new_oid}\t{c.path}\0" for c in done)
    _git(repository, str(where), "update-index", "-z", "--index-info", feed=os.fsencode(entries), env=env)
    half = [c for c in files if c not in done and _begins(where, c.path, after, env)]
    for change in half:
        (where / change.path).unlink()
    return bool(done or half)


def _begins(where: Path, path: str, after: Oid, env: Mapping[str, str]) -> bool:
    """Whether a file is the beginning of what git would write: then all of it is in the new contents."""
    whole = command.attempt("cat-file", "--filters", f"{after}:{path}", cwd=where, env=env)
    return whole.returncode == 0 and whole.stdout.startswith((where / path).read_bytes())


def added_and_gone(changes: Iterable[Change]) -> tuple[list[str], list[str]]:
    """The files that changes add, and those that they take away."""
    added = [change.path for change in changes if change.kind is ChangeKind.ADDED and change.new_mode != GITLINK]
    return added, [change.path for change in changes if change.kind is ChangeKind.DELETED]


def overwritten(work_tree: Path, added: Iterable[str], gone: Collection[str]) -> Iterator[str]:
    """Files that stand where a file is added: git asks for untracked ones, but takes ignored ones as expendable."""
    top, still = os.fspath(work_tree), set(gone)

    @cache
    def is_folder(path: str) -> bool | None:
        with contextlib.suppress(OSError):
            return stat.S_ISDIR(os.lstat(f"{top}/{path}").st_mode)
        return None  # nothing is there

    for path in added:
        ends = [at for at, sign in enumerate(path) if sign == "/"] + [len(path)]
        first = next((path[:end] for end in ends if not is_folder(path[:end])), None)
        if first is None:
            inside = (found for found in Path(work_tree, path).rglob("*") if found.is_symlink() or not found.is_dir())
            yield from {found.relative_to(work_tree).as_posix() for found in inside} - still
        elif is_folder(first) is False:
            yield from {first} - still


def _git(
    repository: Repository,
    work_tree: str,
    *arguments: str,
    feed: bytes | None = None,
    env: Mapping[str, str] | None = None,
) -> bytes:
    return command.run(*NO_HOOKS, *arguments, cwd=Path(work_tree), env=env or repository.env, feed=feed)
