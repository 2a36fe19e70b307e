"""One branch before one target commit, and the three things that a form can make of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

from gitbot.merge.commands import Commands
from gitbot.merge.messages import merge_message, speaks_conventionally, squash_message, with_resolved
from gitbot.merge.rungs import Manner
from gitbot.merge.survey import NewWork
from gitbot.model.git import Oid, Person
from gitbot.model.merge import Branch, Candidate, Conflict, ConflictedPath, Nothing, Resolution, Strategy
from gitbot.repository import history
from gitbot.repository.workbench import Merged, Unmerged, Workbench

LOOKED_AT = 50  # of the target's commits, for the form of their subjects
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
    rebase_merges: bool = False  # a rebase makes merges inside the branch again, instead of flattening them
    commands: Commands | None = None  # None: none may run, and nothing that was decided before counts
    owned_twice: Callable[[str], str | None] = lambda _: None  # by which plans, in words: nothing is settled there
    trial: bool = False  # it is only asked whether the branch would go on: the first refusal is enough

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
    if strategy is Strategy.SQUASH or situation.linear:
        last = history.first_parents(bench.repository, situation.onto, None)
        conventional = speaks_conventionally([one.subject for one in islice(last, LOOKED_AT)])
        message = with_resolved(squash_message(branch, own, conventional=conventional), resolved)
        commit = bench.write_commit(tree, (situation.onto,), own[-1].author, me, message)
        return as_candidate(situation, commit, tree, (commit,), strategy, why, resolved)
    message = with_resolved(merge_message(branch, own, me), resolved)
    commit = bench.write_commit(tree, (situation.onto, branch.tip), me, me, message)
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
    signed: tuple[Oid, ...] = (),
) -> Candidate:
    """A commit of the workbench that can be tested and landed; `commits` is what would be new on the target."""
    branch, onto = situation.branch, situation.onto
    return Candidate(branch.name, branch.tip, onto, commit, tree, commits, strategy, why, resolved, signed)


def as_conflict(
    situation: Situation, paths: tuple[ConflictedPath, ...], why: str, commit: Oid | None = None
) -> Conflict:
    """The answer that the branch does not go onto this target, with the commit that stopped it if one did."""
    branch = situation.branch
    return Conflict(branch.name, branch.tip, situation.onto, paths, why, commit)
