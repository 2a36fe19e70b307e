"""Work trees: the user's are looked at, and follow a branch only where nothing of the user's is touched; the gate's
are made for one exact commit and thrown away.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from gitbot.errors import GitError
from gitbot.model.git import Change, ChangeKind, Oid, RefName, WorkTree
from gitbot.repository import command
from gitbot.repository.reading import GITLINK, Repository

NO_HOOKS = ("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false")


def work_trees(repository: Repository) -> tuple[WorkTree, ...]:
    """Every work tree of the repository, the main one first; those whose folder is gone are left out."""
    listed = repository.git("worktree", "list", "--porcelain", "-z").decode("utf-8", "surrogateescape")
    found = []
    for record in listed.split("\0\0"):
        said = dict(line.partition(" ")[::2] for line in record.split("\0") if line)
        if "worktree" in said and "prunable" not in said and Path(said["worktree"]).is_dir():
            branch = RefName(said["branch"]) if "branch" in said else None
            found.append(WorkTree(said["worktree"], Oid(said.get("HEAD", "")), branch, bare="bare" in said))
    return tuple(found)


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


def uncommitted(repository: Repository, work_tree: str, *, untracked: bool = True) -> tuple[str, ...]:
    """Paths with edits that are in no commit, staged or not, sorted."""
    mode = "--untracked-files=normal" if untracked else "--untracked-files=no"
    said = _git(repository, work_tree, "status", "--porcelain=v2", "-z", "--ignore-submodules=dirty", mode)
    return tuple(sorted(_status_paths(said)))


def _status_paths(said: bytes) -> set[str]:
    """Source: git-status(1), "Porcelain Format Version 2"; with -z a rename's old name is a field of its own."""
    found: set[str] = set()
    fields = iter(said.decode("utf-8", "surrogateescape").split("\0"))
    for field in fields:
        match field[:1]:
            case "1":
                found.add(field.split(" ", 8)[8])
            case "2":
                found.update((field.split(" ", 9)[9], next(fields)))
            case "u":
                found.add(field.split(" ", 10)[10])
            case "?":
                found.add(field[2:])
    return found


def in_the_way(repository: Repository, work_tree: str, before: Oid, after: Oid) -> tuple[str, ...]:
    """Paths of the user's that going from `before` to `after` would touch: edited, staged, deleted or untracked.

    git is asked on a copy of the index; nothing is changed.
    """
    changes = repository.changes(repository.tree_of(before), repository.tree_of(after))
    changed = {path for change in changes for path in change.paths}
    mine = changed & set(uncommitted(repository, work_tree, untracked=False))
    mine |= set(_overwritten(Path(work_tree), changes))
    if mine:
        return tuple(sorted(mine))
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "index")
        index = _git(repository, work_tree, "rev-parse", "--path-format=absolute", "--git-path", "index")
        original = Path(index.decode("utf-8", "surrogateescape").rstrip("\n"))
        if original.exists():
            shutil.copyfile(original, copy)
        env = repository.env | {"GIT_INDEX_FILE": str(copy)}
        command.attempt(*NO_HOOKS, "update-index", "-q", "--refresh", cwd=Path(work_tree), env=env)
        done = command.attempt(
            *(*NO_HOOKS, "read-tree", "-n", "-m", "-u", before, after), cwd=Path(work_tree), env=env
        )
    if done.returncode == 0:
        return ()
    words = done.stderr.decode("utf-8", "replace")
    named = [path for path in sorted(changed) if f"'{path}'" in words or f"\t{path}\n" in words]
    return tuple(named) or (" ".join(words.split())[:200],)


def follow(repository: Repository, work_tree: str, before: Oid, after: Oid) -> str | None:
    """Bring a checkout from `before` to `after`; None when done, else git's words (nothing is lost then).

    Also finishes what a kill left half done: a changed file that holds the new contents already counts as unedited.
    """
    where = Path(work_tree)
    done = _read_tree(repository, where, before, after)
    if done is None:
        return None
    fresh = [
        path
        for _, path, oid, mode in _targets(repository, before, after)
        if oid is not None and mode.startswith("100") and _content(repository, where, path) == oid
    ]
    if not fresh:
        return done
    feed = "".join(
        f"{mode} {oid}\t{path}\0" for _, path, oid, mode in _targets(repository, before, after) if path in set(fresh)
    )
    _git(repository, work_tree, "update-index", "-z", "--index-info", feed=feed.encode("utf-8", "surrogateescape"))
    return _read_tree(repository, where, before, after)


def _read_tree(repository: Repository, where: Path, before: Oid, after: Oid) -> str | None:
    command.attempt(*NO_HOOKS, "update-index", "-q", "--refresh", cwd=where, env=repository.env)
    done = command.attempt(*NO_HOOKS, "read-tree", "-m", "-u", before, after, cwd=where, env=repository.env)
    return None if done.returncode == 0 else " ".join(done.stderr.decode("utf-8", "replace").split())


def _targets(repository: Repository, before: Oid, after: Oid) -> list[tuple[str, str, Oid | None, str]]:
    changes = repository.changes(repository.tree_of(before), repository.tree_of(after))
    return [(c.kind, c.path, c.new_oid if c.new_mode else None, f"{c.new_mode:o}") for c in changes]


def _content(repository: Repository, where: Path, path: str) -> Oid | None:
    if not (where / path).is_file() or (where / path).is_symlink():
        return None
    done = command.attempt("hash-object", "--", path, cwd=where, env=repository.env)
    return Oid(done.stdout.decode().strip()) if done.returncode == 0 else None


def _overwritten(work_tree: Path, changes: Iterable[Change]) -> Iterator[str]:
    """Files that stand where a change adds one: git asks for untracked ones, but takes ignored ones as expendable."""
    gone = {change.path for change in changes if change.kind is ChangeKind.DELETED}
    for change in changes:
        if change.kind is not ChangeKind.ADDED or change.new_mode == GITLINK:
            continue
        for path in (*reversed(PurePosixPath(change.path).parents[:-1]), PurePosixPath(change.path)):
            whole = work_tree / path
            if whole.is_symlink() or whole.is_file():
                yield from {path.as_posix()} - gone
                break
        else:
            inside = (found for found in whole.rglob("*") if found.is_symlink() or not found.is_dir())
            yield from {found.relative_to(work_tree).as_posix() for found in inside} - gone


def _git(repository: Repository, work_tree: str, *arguments: str, feed: bytes | None = None) -> bytes:
    return command.run(*NO_HOOKS, *arguments, cwd=Path(work_tree), env=repository.env, feed=feed)


# The gate's


def make(repository: Repository, folder: Path, commit: Oid, stores: Sequence[Path]) -> None:
    """A new repository in `folder` with `commit` checked out, its objects borrowed, registered nowhere.

    It is made from nothing each time: what the tests of one branch left behind, configuration included, must not
    reach the next. Tags come along, for builds that read their version from them.

    Raises:
        GitError: git could not check the commit out.
    """
    discard(folder)
    folder.mkdir(parents=True)
    command.run("init", "-q", "--template=", cwd=folder, env=repository.env)
    alternates = folder / ".git" / "objects" / "info" / "alternates"
    alternates.parent.mkdir(parents=True, exist_ok=True)
    alternates.write_bytes(b"".join(os.fsencode(_quoted(store)) + b"\n" for store in stores))
    tags = repository.git("for-each-ref", "--format=%(objectname) %(refname)", "refs/tags")
    (folder / ".git" / "packed-refs").write_bytes(tags)
    command.run(*NO_HOOKS, "checkout", "-q", "--detach", commit, cwd=folder, env=repository.env)


def _quoted(store: Path) -> str:
    text = os.fsdecode(store)
    if "\n" in text:
        raise GitError(f"{text!r}: a line break in the repository's path")
    return text


def discard(folder: Path) -> None:
    """Remove a checkout, also where its tests took permissions away; never follows a link out of it."""
    if folder.is_symlink() or folder.is_file():
        folder.unlink()
    if not folder.exists():
        return
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        for root, _, _ in os.walk(folder):
            os.chmod(root, 0o700)
        shutil.rmtree(folder)


def cache_folder(repository: Repository) -> Path:
    """Where this repository's checkouts are made: the user's cache folder, outside every work tree."""
    import hashlib

    base = repository.env.get("XDG_CACHE_HOME") or str(Path(repository.env.get("HOME", "/tmp")) / ".cache")
    return Path(base) / "gitbot" / hashlib.sha256(os.fsencode(repository.common)).hexdigest()[:16]
