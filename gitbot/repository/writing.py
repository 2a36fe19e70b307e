"""Blobs and trees written in process: into the store, or into the scratch folder of a workbench's repository."""

from __future__ import annotations

from collections.abc import Mapping

import pygit2
from pygit2.enums import FileMode

from gitbot.model.git import Oid
from gitbot.repository.reading import TREE, Repository

BLOB = int(FileMode.BLOB)


def write_blob(repository: Repository, data: bytes) -> Oid:
    """A blob."""
    return Oid(str(repository.lib.create_blob(data)))


def write_tree(repository: Repository, tree: Oid | None, entries: Mapping[str, tuple[Oid, int]]) -> Oid:
    """The tree (None: the empty one) with objects (oid, mode) put at paths; only folders on the way are rewritten."""
    nested: dict[str, dict[str, tuple[Oid, int]]] = {}
    here: dict[str, tuple[Oid, int]] = {}
    for path, value in entries.items():
        head, slash, rest = path.partition("/")
        if slash:
            nested.setdefault(head, {})[rest] = value
        else:
            here[head] = value
    for name, inner in nested.items():
        child = repository.entry(tree, name) if tree is not None else None
        start = child[0] if child is not None and child[1] == TREE else None
        here[name] = (write_tree(repository, start, inner), TREE)
    builder = repository.lib.TreeBuilder(tree) if tree is not None else repository.lib.TreeBuilder()
    for name, (oid, mode) in here.items():
        builder.insert(name, pygit2.Oid(hex=oid), mode)
    return Oid(str(builder.write()))
