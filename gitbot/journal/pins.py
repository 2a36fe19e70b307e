"""A branch's own commits kept for ever, or until they are let go, without a reference to a commit.

A pin is a tree: for every commit that the target lacks, its raw text as a blob and its tree. Nothing shows up in
`git log --all`, git's garbage collection keeps all contents, and `restore` makes the very same commits again.
"""

from __future__ import annotations

from datetime import UTC, datetime

from gitbot.model.git import Oid, RefName
from gitbot.repository import Repository, history, refs
from gitbot.repository.reading import TREE
from gitbot.repository.writing import BLOB, write_blob, write_tree

KEEP_SECONDS = 14 * 24 * 3600


def pin(repository: Repository, ref: RefName, tip: Oid, target: Oid) -> None:
    """Keep everything that `tip` has and `target` has not."""
    kept: dict[str, tuple[Oid, int]] = {}
    for number, commit in enumerate(history.own_commits(repository, tip, target)):
        kept[f"{number:06d}-{commit.oid}"] = (write_blob(repository, repository.raw(commit.oid)), BLOB)
        kept[f"{number:06d}-tree"] = (commit.tree, TREE)
    tree = write_tree(repository, None, kept)
    before = refs.read(repository, ref)
    if before != tree:
        refs.append(repository, ref, before=before, after=tree)


def restore(repository: Repository, ref: RefName) -> Oid | None:
    """Write the pinned commits again and give the tip; None when the pin holds none."""
    tree = refs.read(repository, ref)
    tip: Oid | None = None
    for change in repository.changes(None, tree) if tree is not None else ():
        name, _, inside = change.path.partition("/")
        if not inside and not name.endswith("-tree"):
            text = repository.blob(change.new_oid)
            tip = Oid(repository.git("hash-object", "-t", "commit", "-w", "--stdin", feed=text).decode().strip())
    return tip


def let_go(repository: Repository, prefix: str, now: float, spared: str | None = None) -> None:
    """Delete pins or backups whose run started more than 14 days ago, but those of one; names begin with the run."""
    for ref, oid in list(refs.below(repository, prefix)):
        name = ref.removeprefix(prefix).lstrip("/")
        started = run_time(name) if name.partition("/")[0] != spared else None
        if started is not None and now - started > KEEP_SECONDS:
            refs.swap(repository, ref, before=oid, after=None, why="gitbot: expired")


def run_time(name: str) -> float | None:
    """Seconds since the epoch at which the run that a reference is named after started, None for other names."""
    try:
        return datetime.strptime(name[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None
