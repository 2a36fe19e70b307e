"""Names that only a merge brings together and that some file systems take for one: a checkout there loses a file."""

from __future__ import annotations

import unicodedata

from gitbot.model.git import ChangeKind, Oid
from gitbot.model.merge import ConflictedPath
from gitbot.repository.reading import Repository


def between(repository: Repository, ours: Oid, theirs: Oid, merged: Oid) -> tuple[ConflictedPath, ...]:
    """The paths that `theirs` adds beside one of `ours` which differs in case or in the form of an accent only."""
    siblings: dict[str, dict[str, list[str]]] = {}
    found: dict[str, ConflictedPath] = {}
    mine, its = repository.tree_of(ours), repository.tree_of(theirs)
    for change in repository.changes(ours, merged):
        if change.kind is not ChangeKind.ADDED:
            continue
        folder, name = _newest(repository, mine, change.path)
        if folder not in siblings:
            siblings[folder] = _alike(repository.names(merged, folder))
        for twin in siblings[folder].get(_plain(name), []):
            if twin != name and repository.entry(its, folder + twin) is None:
                why = f"{folder}{twin} is the same name where case and the form of accents do not count"
                found[folder + name] = ConflictedPath(folder + name, "name collision", refused=why)
    return tuple(found.values())


def _newest(repository: Repository, tree: Oid, path: str) -> tuple[str, str]:
    """The outermost part of a path that a tree does not have, after the folder that it has."""
    folder, rest = "", path
    while "/" in rest:
        name, _, below = rest.partition("/")
        if repository.entry(tree, folder + name) is None:
            return folder, name
        folder, rest = f"{folder}{name}/", below
    return folder, rest


def _alike(names: tuple[str, ...]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name in names:
        found.setdefault(_plain(name), []).append(name)
    return found


def _plain(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
