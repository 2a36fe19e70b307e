"""--update-branches: the agent's own branch goes along with what landed of it, where that harms nothing."""

from __future__ import annotations

from collections.abc import Mapping

from gitbot.errors import WorkTreeInTheWayError
from gitbot.model.git import BranchName, RefName
from gitbot.model.run import Landed
from gitbot.repository import Repository, checkouts, refs


def update_branch(repository: Repository, known: Mapping[BranchName, RefName], step: Landed) -> str | None:
    """Move a branch to what landed, its old commits being in the backup; else why not."""
    report, after = step.report, step.after
    ref = known.get(report.branch, RefName(refs.HEADS + report.branch))
    now, trees = refs.read(repository, ref), checkouts.showing(repository, ref)
    if not ref.startswith(refs.HEADS):
        return "only a remote has it"
    if now == after:  # moved before a kill, or there from the start
        for tree in trees:
            if checkouts.lags(repository, tree.path, report.tip):
                checkouts.follow(repository, tree.path, report.tip, after)
        return None
    if report.proof is None or refs.read(repository, report.proof.backup) is None:
        return "its commits could not be backed up"
    if any(checkouts.uncommitted(repository, tree.path) for tree in trees):
        return "its work tree has edits that are in no commit"
    try:
        checkouts.must_be_free(repository, ref, report.tip, after)
    except WorkTreeInTheWayError as busy:
        return busy.message
    if not refs.swap(repository, ref, before=report.tip, after=after, why="gitbot: --update-branches"):
        return "it has gone on meanwhile"
    return next(iter(checkouts.follow_all(repository, ref, report.tip, after)), None)
