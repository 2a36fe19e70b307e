"""One branch before one target commit, and the three things that a form can make of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gitbot.merge.messages import merge_message, squash_message
from gitbot.merge.rungs import Manner
from gitbot.merge.survey import NewWork
from gitbot.model.git import Oid, Person
from gitbot.model.merge import Branch, Candidate, Conflict, ConflictedPath, Nothing, Resolution, Strategy
from gitbot.repository.workbench import Merged, Unmerged, Workbench

Proposal = tuple[Candidate, ...] | Conflict | Nothing


@dataclass(frozen=True, slots=True)
class Situation:
    """One branch before one target commit."""

    bench: Workbench
    branch: Branch
    onto: Oid
    work: NewWork
    committer: Person
    linear: bool  # no merge commits wanted
    manner: Manner
    additive: Callable[[str], bool]  # whether a path was declared to take both sides

    def apply(self, *, move_folders: bool = False) -> Merged | Unmerged:
        """The branch's new work, all at once, on the target, as git merges it."""
        ours, tip = self.onto, self.branch.tip
        if self.work.continued:
            ours = self.bench.shim(self.bench.repository.tree_of(self.onto), self.work.base, tip)
        return self.bench.merge(ours, tip, move_folders=move_folders)


def write_candidate(
    situation: Situation, tree: Oid, strategy: Strategy, why: str, resolved: tuple[Resolution, ...] = ()
) -> Candidate:
    """A squash where one is asked for or merge commits are not wanted, else a merge of target and branch."""
    bench, branch, own, me = situation.bench, situation.branch, situation.work.own, situation.committer
    if strategy is Strategy.SQUASH or (situation.linear and strategy is not Strategy.MERGE):
        commit = bench.write_commit(tree, (situation.onto,), own[-1].author, me, squash_message(branch, own))
        return as_candidate(situation, commit, tree, (commit,), strategy, why, resolved)
    commit = bench.write_commit(tree, (situation.onto, branch.tip), me, me, merge_message(branch, own, me))
    commits = (*(one.oid for one in own), commit)
    return as_candidate(situation, commit, tree, commits, strategy, why, resolved)


def as_candidate(
    situation: Situation,
    commit: Oid,
    tree: Oid,
    commits: tuple[Oid, ...],
    strategy: Strategy,
    why: str,
    resolved: tuple[Resolution, ...] = (),
) -> Candidate:
    """A commit of the workbench that can be tested and landed; `commits` is what would be new on the target."""
    branch = situation.branch
    return Candidate(branch.name, branch.tip, situation.onto, commit, tree, commits, strategy, why, resolved)


def as_conflict(
    situation: Situation, paths: tuple[ConflictedPath, ...], why: str, commit: Oid | None = None
) -> Conflict:
    """The answer that the branch does not go onto this target, with the commit that stopped it if one did."""
    branch = situation.branch
    return Conflict(branch.name, branch.tip, situation.onto, paths, why, commit)
