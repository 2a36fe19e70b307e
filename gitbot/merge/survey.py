"""What a branch has that the target lacks, before any strategy is asked.

A branch that landed as a squash shares no commit with the target, so ancestry alone would land it twice. Its
landing is known from this repository's own record, or from a `Gitbot-Tip` trailer on the target; a trailer is text
that anybody can write, so it only counts when the commit that carries it provably contains what that tip changed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from gitbot.errors import GitError
from gitbot.model.git import Commit, Oid, RefName
from gitbot.model.merge import Branch, Conflict, ConflictedPath, Nothing
from gitbot.repository import Repository, history, refs
from gitbot.repository.target import Target
from gitbot.repository.workbench import Merged, Workbench

MOST_REVERTS = 300  # of the target's latest commits are asked whether they took a landing back
_REVERTS = re.compile(r"^This reverts (.*)", re.MULTILINE)
_SPAN = re.compile(r"(?:([0-9a-f]{7,40})\.\.)?([0-9a-f]{7,40})")
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
    try:
        return _compare(bench, branch, onto, landed, ref)
    except GitError as refused:
        path = ConflictedPath(".", "cannot be merged")
        return Conflict(branch.name, branch.tip, onto, (path,), refused.message)


def _compare(
    bench: Workbench, branch: Branch, onto: Oid, landed: Mapping[Oid, Oid], ref: RefName | None
) -> NewWork | Nothing | Conflict:
    repository = bench.repository
    target = bench.target(onto)
    if target.contains(branch.tip):
        if branch.tip not in landed and ref is not None and _never_committed(repository, branch.tip, onto, ref):
            return Nothing(branch.name, branch.tip, False, "no commit of its own")
        since = _reverted(repository, onto, landed.get(branch.tip, branch.tip))
        return Nothing(branch.name, branch.tip, True, f"{branch.tip[:7]} is part of the target{since}")
    merge_base = target.merge_base(branch.tip)
    if merge_base is None:
        cut = (repository.common / "shallow").exists()
        more = "; this clone is shallow: git fetch --unshallow" if cut else ""
        path = ConflictedPath(".", "unrelated histories")
        why = f"it has no common history with the target{more}"
        return Conflict(branch.name, branch.tip, onto, (path,), why)
    own = target.own_commits(branch.tip)
    done = _landed_before(bench, own, target, merge_base, landed)
    if done == branch.tip:
        since = _reverted(repository, onto, landed.get(done, done))
        return Nothing(branch.name, branch.tip, True, f"its tip has landed before{since}")
    base = done if done is not None and history.contains(repository, done, merge_base) else merge_base
    if done is not None:  # what landed with it is not new, even where the branch has merged the target since
        there = {commit.oid for commit in target.own_commits(done)}
        own = tuple(commit for commit in own if commit.oid not in there)
    if repository.tree_of(base) == repository.tree_of(branch.tip):
        if done is not None:
            return Nothing(branch.name, branch.tip, True, "its tip has landed before, and nothing changed since")
        return Nothing(branch.name, branch.tip, False, "its commits change nothing")
    known = _all_there(bench, base, branch.tip, target, own)
    if known is not None:
        return Nothing(branch.name, branch.tip, True, known)
    return NewWork(base, done is not None, own)


def _reverted(repository: Repository, onto: Oid, carrier: Oid) -> str:
    """That the target's later commits took a landing back, in words; "" when none of the latest says so."""
    for commit in islice(history.first_parents(repository, onto, carrier), MOST_REVERTS):
        for start, end in _SPAN.findall(" ".join(_REVERTS.findall(commit.message))):
            first, last = (repository.resolve(name) if name else None for name in (start, end))
            inside = last is not None and first is not None and history.contains(repository, last, carrier)
            if last == carrier or (inside and first and not history.contains(repository, first, carrier)):
                return f", and {commit.oid[:7]} reverted it: `git revert {commit.oid[:7]}` brings it back"
    return ""


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


def _landed_before(
    bench: Workbench, own: Sequence[Commit], target: Target, merge_base: Oid, landed: Mapping[Oid, Oid]
) -> Oid | None:
    """The latest of a branch's commits, oldest first, whose changes the target provably has, by whatever name.

    The target is searched from where the branch began, which is before the merge base if it has merged the target.
    """
    repository = bench.repository
    mine = {commit.oid for commit in own}
    found: Oid | None = None
    for carrier, earlier in target.carriers(mine, next(iter(own[0].parents), merge_base)):
        if landed.get(earlier) == carrier or _carries(bench, found, earlier, carrier):
            found = earlier
    for earlier, carrier in landed.items():
        if (
            earlier in mine
            and not (found is not None and history.contains(repository, found, earlier))
            and repository.lib.get(carrier) is not None
            and target.contains(carrier)
        ):
            found = earlier
    return found


def _carries(bench: Workbench, before: Oid | None, tip: Oid, commit: Oid) -> bool:
    """Whether replaying what `tip` changed (since it landed `before`) onto this commit changes nothing."""
    repository = bench.repository
    base = before if before is not None and history.contains(repository, tip, before) else None
    base = base or history.merge_base(repository, commit, tip)
    again = bench.pick(base, tip, commit) if base is not None else None
    return isinstance(again, Merged) and again.tree == repository.tree_of(commit)


def _all_there(bench: Workbench, base: Oid, tip: Oid, target: Target, own: tuple[Commit, ...]) -> str | None:
    """That everything which the branch changed has come to the target, in words; None when something is new."""
    repository = bench.repository
    again = bench.pick(base, tip, target.tip)
    if isinstance(again, Merged) and again.tree == repository.tree_of(target.tip):
        return "all of its changes are on the target"
    if any(len(commit.parents) > 1 for commit in own):
        return None
    patches = (commit for commit in own if history.touched(repository, commit))
    known = (bool(target.already_there((commit,), base)) for commit in patches)  # asked up to the first that is new
    if not (next(known, False) and all(known)):
        return None
    return "all of its changes came to the target before; later commits there took back or changed some of them"
