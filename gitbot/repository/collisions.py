"""Names that only a merge brings together and that some file systems take for one: a checkout there loses a file."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from itertools import combinations

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


def may_meet(touched: Sequence[Collection[str]]) -> Iterator[tuple[int, int]]:
    """The pairs, by number and in order, of those sets of paths between which a merge may find a conflict.

    These have one path, or one has a folder where the other has a file; case and the form of accents do not count.
    """
    folders = [{folder for path in paths for folder in folders_of(path)} for paths in touched]
    spelled: dict[str, set[str]] = {}
    for folder in {folder for inside in folders for folder in inside}:
        spelled.setdefault(_plain(folder), set()).add(folder)
    inner = [{*map(_plain, inside)} for inside in folders]
    outer = [
        {*map(_plain, paths), *(plain for plain in inside if len(spelled[plain]) > 1)}
        for paths, inside in zip(touched, inner, strict=True)
    ]
    for one, other in combinations(range(len(touched)), 2):
        if not (
            outer[one].isdisjoint(outer[other])
            and outer[one].isdisjoint(inner[other])
            and inner[one].isdisjoint(outer[other])
        ):
            yield one, other


def folders_of(path: str) -> Iterator[str]:
    """The folders that a path lies in."""
    return (path[: at.start()] for at in re.finditer("/", path))


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
