"""The forms in which a branch can land: rebase, squash, merge, accept-both, and sequential, which never merges.

Each takes what is known of a branch and gives a candidate, a conflict, or the word that there is nothing to land.
They only write to the workbench. What counts as passing is no business of theirs.
"""

from __future__ import annotations

from collections.abc import Callable

from gitbot.merge.accept_both import accept_both
from gitbot.merge.situation import Proposal, Situation, as_candidate, as_conflict, write_candidate
from gitbot.model.git import Oid
from gitbot.model.merge import Conflict, ConflictedPath, Nothing, Strategy
from gitbot.repository import history
from gitbot.repository.workbench import Merged, Unmerged


def propose(situation: Situation, strategies: tuple[Strategy, ...]) -> Proposal:
    """The first strategy's candidates, from left to right; when there are none the conflict that tells the most.

    Most tells one whose paths carry the reason for which accept-both refused them.
    """
    answer: Conflict | None = None
    for strategy, why in _spelled_out(situation, strategies):
        found = _FORMS[strategy](situation, strategy, why)
        if not isinstance(found, Conflict):
            return found
        if answer is None or any(path.refused for path in found.paths):
            answer = found
    assert answer is not None
    return answer


def _spelled_out(situation: Situation, strategies: tuple[Strategy, ...]) -> list[tuple[Strategy, str]]:
    """`auto` in place of the forms it stands for, each form with its reason."""
    reason = "asked for"
    if situation.branch.strategy is not None and strategies == (Strategy.AUTO,):
        strategies, reason = (situation.branch.strategy,), "asked for by the plan or the configuration"
    found: list[tuple[Strategy, str]] = []
    for strategy in strategies:
        if strategy is Strategy.AUTO:
            found.append(choose_form(situation))
            found.append((Strategy.ACCEPT_BOTH, "both sides can be kept"))
            found.append((Strategy.SEQUENTIAL, "conflict"))
        else:
            found.append((strategy, reason))
    return found


_UNTIDY = ("wip", "fixup!", "squash!", "amend!", "revert", "tmp", "temp", "oops", "checkpoint", "undo", "try ")
MANY = 6  # commits on the same few files that read as trial and error


def choose_form(situation: Situation) -> tuple[Strategy, str]:
    """The form that suits what the branch looks like, and why in one line."""
    own = situation.work.own
    merges = sum(len(commit.parents) > 1 for commit in own)
    untidy = [commit for commit in own if commit.subject.casefold().startswith(_UNTIDY)]
    if merges and not situation.linear:
        return Strategy.MERGE, f"{_count(merges, 'merge')} inside the branch"
    if merges:
        return Strategy.SQUASH, f"{_count(merges, 'merge')} inside the branch, and history is linear"
    if situation.work.continued:
        return Strategy.SQUASH, "goes on after an earlier landing: only what is new"
    if untidy:
        return Strategy.SQUASH, f"{_count(len(own), 'commit')}, {len(untidy)} of them trial and error"
    if len(own) >= MANY and _same_files(situation):
        return Strategy.SQUASH, f"{_count(len(own), 'small commit')} on the same files"
    return Strategy.REBASE, "clean and linear"


def _same_files(situation: Situation) -> bool:
    touched = [history.touched(situation.bench.repository, commit) for commit in situation.work.own]
    return sum(map(len, touched)) >= 3 * len(frozenset().union(*touched))


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


# The forms


def rebase(situation: Situation, strategy: Strategy, why: str) -> Proposal:
    """Every commit of the branch on the target, one by one, author and message kept.

    A commit whose patch the target has already is dropped, merges inside the branch are flattened.
    """
    bench, repository, own = situation.bench, situation.bench.repository, situation.work.own
    there = history.already_there(repository, own, situation.onto, situation.work.base)
    current, tree = situation.onto, repository.tree_of(situation.onto)
    written: list[Oid] = []
    for commit in own:
        if len(commit.parents) != 1 or commit.oid in there or not history.touched(repository, commit):
            continue
        if commit.parents[0] == current:
            current, tree = commit.oid, commit.tree
            written.append(current)
            continue
        picked = bench.pick(commit.parents[0], commit.oid, current)
        if isinstance(picked, Unmerged):
            words = f"commit {commit.oid[:7]} ({commit.subject[:60]}) does not apply"
            return as_conflict(situation, picked.paths, words, commit.oid)
        if picked.tree != tree:
            tree = picked.tree
            current = bench.write_commit(tree, (current,), commit.author, situation.committer, commit.message)
            written.append(current)
    if any(len(commit.parents) != 1 for commit in own):
        whole = situation.apply()
        if isinstance(whole, Unmerged) or whole.tree != tree:
            inside = ConflictedPath(".", "merges inside")
            return as_conflict(situation, (inside,), "its merges hold changes that a rebase would drop")
    if not written:
        return Nothing(situation.branch.name, situation.branch.tip, True, "every commit is on the target already")
    return (as_candidate(situation, current, tree, tuple(written), strategy, why),)


def at_once(situation: Situation, strategy: Strategy, why: str) -> Proposal:
    """The branch's new work in one step: squash, merge, and sequential, which is the dullest that can be had."""
    merged = situation.apply()
    if isinstance(merged, Merged):
        return (write_as_candidate(situation, merged.tree, strategy, why),)
    redo = strategy is Strategy.SEQUENTIAL
    words = "has to be redone on top of what landed before it" if redo else "does not merge cleanly"
    return as_conflict(situation, merged.paths, words)


_FORMS: dict[Strategy, Callable[[Situation, Strategy, str], Proposal]] = {
    Strategy.REBASE: rebase,
    Strategy.SQUASH: at_once,
    Strategy.MERGE: at_once,
    Strategy.ACCEPT_BOTH: accept_both,
    Strategy.SEQUENTIAL: at_once,
}
