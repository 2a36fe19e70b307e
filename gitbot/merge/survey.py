"""What a branch has that the target lacks, before any strategy is asked.

A branch that landed as a squash shares no commit with the target, so ancestry alone would land it twice. Its
landing is known from this repository's own record, or from a `Gitbot-Tip` trailer on the target; a trailer is text
that anybody can write, so it only counts when the commit that carries it provably contains what that tip changed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from gitbot.model.git import Commit, Oid, RefName
from gitbot.model.merge import Branch, Conflict, ConflictedPath, Nothing
from gitbot.repository import Repository, history, refs
from gitbot.repository.workbench import Merged, Workbench

_TIP = re.compile(r"^Gitbot-Tip: ([0-9a-f]{40})$", re.MULTILINE)
_OWN_WORK = ("commit", "cherry-pick", "rebase", "am", "merge", "pull", "revert")


@dataclass(frozen=True, slots=True)
class NewWork:
    """What is left to land: `own` commits on top of `base`, oldest first."""

    base: Oid
    continued: bool  # base is a tip that landed before
    own: tuple[Commit, ...]


def survey(
    bench: Workbench, branch: Branch, onto: Oid, landed: Mapping[Oid, Oid], ref: RefName | None
) -> NewWork | Nothing | Conflict:
    """Compare a branch with the target commit; a conflict when they have no common history, or a shallow one.

    `landed` maps tips that this repository's runs have landed to the commit that carried them; `ref` is where the
    branch lives, for its reflog.
    """
    repository = bench.repository
    if history.contains(repository, onto, branch.tip):
        if branch.tip not in landed and ref is not None and _never_committed(repository, branch.tip, onto, ref):
            return Nothing(branch.name, branch.tip, False, "no commit of its own")
        return Nothing(branch.name, branch.tip, True, f"{branch.tip[:7]} is part of the target")
    merge_base = history.merge_base(repository, onto, branch.tip)
    if merge_base is None:
        cut = (repository.common / "shallow").exists()
        more = "; this clone is shallow: git fetch --unshallow" if cut else ""
        path = ConflictedPath(".", "unrelated histories")
        why = f"it has no common history with the target{more}"
        return Conflict(branch.name, branch.tip, onto, (path,), why)
    base = _landed_before(bench, branch.tip, onto, merge_base, landed) or merge_base
    if base == branch.tip:
        return Nothing(branch.name, branch.tip, True, "its tip has landed before")
    if repository.tree_of(base) == repository.tree_of(branch.tip):
        if base != merge_base:
            return Nothing(branch.name, branch.tip, True, "its tip has landed before, and nothing changed since")
        return Nothing(branch.name, branch.tip, False, "its commits change nothing")
    own = history.own_commits(repository, branch.tip, onto)
    if base != merge_base:
        own = tuple(c for c in own if not history.contains(repository, base, c.oid))
    if _all_there(bench, base, branch.tip, onto, own):
        return Nothing(branch.name, branch.tip, True, "all of its changes are on the target")
    return NewWork(base, base != merge_base, own)


def _never_committed(repository: Repository, tip: Oid, onto: Oid, ref: RefName) -> bool:
    """Whether the branch was only ever created on the target; one without a reflog may have landed.

    A tip beside the target's first-parent line came there by a merge, whoever committed it.
    """
    words = refs.reflog_words(repository, ref)
    own_name = ref.removeprefix(refs.HEADS)
    created = words[-1:] and words[-1].startswith("branch: Created from ") and not words[-1].endswith(f"/{own_name}")
    if not created or any(word.startswith(_OWN_WORK) for word in words):
        return False  # it has worked here, or was copied from where it has
    return tip == onto or any(one.parents[:1] == (tip,) for one in history.first_parents(repository, onto, tip))


def _landed_before(bench: Workbench, tip: Oid, onto: Oid, merge_base: Oid, landed: Mapping[Oid, Oid]) -> Oid | None:
    """The latest ancestor of `tip` whose changes the target provably has."""
    repository = bench.repository
    found = merge_base
    for commit in history.own_commits(repository, onto, merge_base):
        for text in _TIP.findall(commit.message):
            earlier = Oid(text)
            if repository.lib.get(earlier) is None or not history.contains(repository, tip, earlier):
                continue
            if landed.get(earlier) == commit.oid or _carries(bench, found, earlier, commit):
                found = earlier
    for earlier, carrier in landed.items():
        if (
            repository.lib.get(earlier) is not None
            and history.contains(repository, tip, earlier)
            and not history.contains(repository, found, earlier)
            and repository.lib.get(carrier) is not None
            and history.contains(repository, onto, carrier)
        ):
            found = earlier
    return found if found != merge_base else None


def _carries(bench: Workbench, base: Oid, tip: Oid, commit: Commit) -> bool:
    """Whether replaying what `tip` changed since `base` onto this commit changes nothing."""
    if base == tip:
        return True
    if not history.contains(bench.repository, tip, base):
        return False
    again = bench.pick(base, tip, commit.oid)
    return isinstance(again, Merged) and again.tree == commit.tree


def _all_there(bench: Workbench, base: Oid, tip: Oid, onto: Oid, own: tuple[Commit, ...]) -> bool:
    repository = bench.repository
    again = bench.pick(base, tip, onto)
    if isinstance(again, Merged) and again.tree == repository.tree_of(onto):
        return True
    patches = {commit.oid for commit in own if history.touched(repository, commit)}
    merges = any(len(commit.parents) > 1 for commit in own)
    return bool(patches) and not merges and patches <= history.already_there(repository, own, onto, base)
