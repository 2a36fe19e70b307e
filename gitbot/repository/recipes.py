"""Whole repositories from a description, for the demo and for tests: commits by branch, dates fixed.

A recipe is TOML (fixtures/repos/README.md):

    target = "main"
    [[commit]]
    branch = "main"          # made here if it is new, from `from` (else from the target's first state)
    from = "main"
    message = "base"
    files = { "src/a.py" = "text" }     # written whole; a list is joined by line breaks
    delete = ["old.txt"]
    append = { "CHANGELOG.md" = "- line" }
    executable = ["run.sh"]
    links = { "CLAUDE.md" = "AGENTS.md" }
    merge = "other"          # a merge commit with that branch as second parent, contents as given
    author = "Ada <ada@example.org>"
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pygit2

from gitbot.errors import InputError
from gitbot.model.git import BranchName, Oid
from gitbot.repository import command
from gitbot.repository.reading import Repository, open_repository

EPOCH = 1_700_000_000  # the first commit's date; each further commit is a minute later


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One commit of a recipe."""

    branch: str
    message: str
    start: str | None = msgspec.field(default=None, name="from")
    files: dict[str, str | list[str]] = {}
    append: dict[str, str | list[str]] = {}
    delete: list[str] = []
    executable: list[str] = []
    links: dict[str, str] = {}
    merge: str | None = None
    author: str = "Ada Lovelace <ada@example.org>"


class Recipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A repository as a list of commits, and what lies uncommitted in its work tree afterwards."""

    commit: list[Step]
    target: str = "main"
    work_tree: dict[str, str | list[str]] = {}
    story: str = ""
    expected: dict[str, Any] = {}


def read_recipe(text: str) -> Recipe:
    """Raises InputError where the text is no recipe."""
    try:
        return msgspec.convert(tomllib.loads(text), Recipe)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as wrong:
        raise InputError(f"no recipe: {wrong}") from None


def build(recipe: Recipe, folder: Path, env: Mapping[str, str], *, bare: bool = False) -> Repository:
    """Make the repository in an empty folder, its target checked out."""
    clean = command.surrounding(env)
    folder.mkdir(parents=True, exist_ok=True)
    kind = ("--bare",) if bare else ()
    command.run("init", "-q", "--template=", f"--initial-branch={recipe.target}", *kind, cwd=folder, env=clean)
    repository = open_repository(folder, env)
    tips: dict[BranchName, Oid] = {}
    for number, step in enumerate(recipe.commit):
        tips[BranchName(step.branch)] = _commit(repository, recipe, step, number, tips)
    for branch, tip in tips.items():
        repository.lib.references.create(f"refs/heads/{branch}", tip)
    if not bare:
        command.run("reset", "-q", "--hard", cwd=folder, env=clean)
        for path, text in recipe.work_tree.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(_joined(text))
    return repository


def _commit(repository: Repository, recipe: Recipe, step: Step, number: int, tips: Mapping[BranchName, Oid]) -> Oid:
    start = tips.get(BranchName(step.branch)) or tips.get(BranchName(step.start or recipe.target))
    parents = [start] if start else []
    index = pygit2.Index()
    if start:
        index.read_tree(repository.lib[start].peel(pygit2.Tree))
    if step.merge:
        parents.append(tips[BranchName(step.merge)])
    for path in step.delete:
        index.remove(path)
    for path, text in step.files.items():
        _add(repository, index, path, _joined(text).encode(), 0o755 if path in step.executable else 0o644)
    for path, text in step.append.items():
        known = repository.read(repository.tree_of(start), path) if start else None
        _add(repository, index, path, (known or b"") + _joined(text).encode(), 0o644)
    for path, goal in step.links.items():
        index.add(pygit2.IndexEntry(path, repository.lib.create_blob(goal.encode()), pygit2.enums.FileMode.LINK))
    name, _, email = step.author.rstrip(">").partition(" <")
    who = pygit2.Signature(name, email, EPOCH + 60 * number, 0, "utf-8")
    tree = index.write_tree(repository.lib)
    return Oid(str(repository.lib.create_commit(None, who, who, step.message, tree, parents)))


def _add(repository: Repository, index: pygit2.Index, path: str, data: bytes, mode: int) -> None:
    kind = pygit2.enums.FileMode.BLOB_EXECUTABLE if mode & 0o100 else pygit2.enums.FileMode.BLOB
    index.add(pygit2.IndexEntry(path, repository.lib.create_blob(data), kind))


def _joined(text: str | list[str]) -> str:
    return text if isinstance(text, str) else "".join(line + "\n" for line in text)
