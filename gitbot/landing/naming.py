"""What the user typed, turned into branches before anything starts."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path

from gitbot.errors import UnknownBranchError
from gitbot.model.git import BranchName, RefName
from gitbot.model.merge import Branch
from gitbot.repository import Repository, checkouts, refs


def resolve(repository: Repository, names: Sequence[str], target: RefName) -> tuple[Branch, ...]:
    """Branches in the order of the command line, within a pattern by name; each once, the target left out.

    Raises:
        UnknownBranchError: a name that is no branch, or a pattern that matches none.
    """
    known = refs.branches(repository)
    found: dict[BranchName, Branch] = {}
    for name in names:
        matching = _matching(name, known, target)
        if not matching:
            raise _unknown(name, known, target)
        for branch in matching:
            tip = refs.read(repository, known[branch])
            if tip is not None:
                found.setdefault(branch, Branch(branch, tip))
    return tuple(found.values())


def of_work_trees(repository: Repository, target: RefName) -> tuple[Branch, ...]:
    """Every branch that a linked work tree has checked out, by name.

    Raises:
        UnknownBranchError: there is none.
    """
    trees = checkouts.work_trees(repository)
    linked = {tree.branch for tree in trees[1:] if tree.branch is not None and tree.branch != target}
    names = sorted(ref.removeprefix(refs.HEADS) for ref in linked)
    if not names:
        raise UnknownBranchError("no linked work tree has a branch checked out", hint="git worktree list shows them")
    return resolve(repository, names, target)


def _matching(name: str, known: Mapping[BranchName, RefName], target: RefName) -> list[BranchName]:
    plain = BranchName(name.removeprefix(refs.HEADS).removeprefix(refs.REMOTES))
    if plain in known:
        return [plain] if known[plain] != target else []
    if not any(sign in name for sign in "*?["):
        return []
    matcher = refs.pattern(plain)
    matching = [branch for branch in known if matcher.match(branch)]
    local = [branch for branch in matching if known[branch].startswith(refs.HEADS)]
    return sorted(branch for branch in local or matching if known[branch] != target)


def _unknown(name: str, known: Mapping[BranchName, RefName], target: RefName) -> UnknownBranchError:
    if known.get(BranchName(name)) == target:
        return UnknownBranchError(f"{name!r} is the target itself", hint="name the branches that are to land on it")
    if any(sign in name for sign in "*?["):
        return UnknownBranchError(f"no branch matches {name!r}", hint="git branch --list --all shows what there is")
    if Path(name).exists():
        return UnknownBranchError(
            f"{name!r} is no branch but a file here: the shell may have replaced your pattern",
            hint="quote the pattern: gitbot integrate 'agent-*'",
        )
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}?" if near else "git branch --list --all shows what there is"
    return UnknownBranchError(f"there is no branch {name!r}", hint=hint)
