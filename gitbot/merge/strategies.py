"""The forms in which a branch can land: rebase, squash, merge, accept-both and sequential, and which suits a branch.

Each takes what is known of a branch and gives a candidate, a conflict, or the word that there is nothing to land.
They only write to the workbench. What counts as passing is no business of theirs.
"""

from __future__ import annotations

from collections.abc import Callable

from gitbot.merge.accept_both import accept_both
from gitbot.merge.rebase import rebase
from gitbot.merge.situation import Proposal, Situation, as_conflict, write_candidate
from gitbot.model.merge import Conflict, Strategy
from gitbot.repository import history
from gitbot.repository.workbench import Merged


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
    reason = "asked for" if strategies else "asked for by the plan or the configuration"
    strategies = strategies or (situation.branch.strategy or Strategy.AUTO,)
    found: list[tuple[Strategy, str]] = []
    for strategy in strategies:
        if strategy is Strategy.AUTO:
            form, why = choose_form(situation)
            found.append((form, why))
            if form is Strategy.REBASE:
                whole = Strategy.SQUASH if situation.linear else Strategy.MERGE
                found.append((whole, "its commits apply all at once, not one by one"))
            found.append((Strategy.ACCEPT_BOTH, "both sides can be kept"))
            found.append((Strategy.SEQUENTIAL, "conflict"))
        else:
            found.append((strategy, reason))
    return found


_UNTIDY = ("wip", "fixup!", "squash!", "amend!", "revert", "tmp", "temp", "oops", "checkpoint", "undo", "try ")
MANY = 6  # commits that write the same lines again and again


def choose_form(situation: Situation) -> tuple[Strategy, str]:
    """The form that suits what the branch looks like, and why in one line."""
    own, repository = situation.work.own, situation.bench.repository
    merges = sum(len(commit.parents) > 1 for commit in own)
    untidy = sum(commit.subject.casefold().startswith(_UNTIDY) for commit in own)
    if situation.work.continued:
        return Strategy.SQUASH, "goes on after an earlier landing: only what is new"
    if merges and not situation.linear:
        return Strategy.MERGE, f"{_count(merges, 'merge')} inside the branch"
    if merges:
        return Strategy.SQUASH, f"{_count(merges, 'merge')} inside the branch, and history is linear"
    if untidy:
        return Strategy.SQUASH, f"{_count(len(own), 'commit')}, {untidy} of them trial and error"
    if len(own) >= MANY:
        written = sum(history.lines_written(repository, c.parents[0], c.oid) for c in own if c.parents)
        kept = history.lines_written(repository, situation.work.base, situation.branch.tip)
        if written >= 2 * kept:
            lines = f"{written} written, {kept} left"
            return Strategy.SQUASH, f"{_count(len(own), 'small commit')} on the same lines: {lines}"
    moves = own[0].parents[:1] != (situation.onto,)
    shared = history.carried_elsewhere(repository, own, situation.onto, situation.branch.name) if moves else 0
    if shared and not situation.linear:
        return Strategy.MERGE, f"{_count(shared, 'commit')} that other branches or remotes carry too"
    return Strategy.REBASE, f"{_count(len(own), 'commit')}, clean and linear"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


# The forms


def at_once(situation: Situation, strategy: Strategy, why: str) -> Proposal:
    """The branch's new work in one step: squash, merge, and sequential, which is the dullest that can be had."""
    merged = situation.apply()
    if strategy is Strategy.MERGE and situation.linear:
        strategy, why = Strategy.SQUASH, f"{why}; squashed, since history is linear"
    if isinstance(merged, Merged):
        return (write_candidate(situation, merged.tree, strategy, why),)
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
