"""What follows the target: checkouts, and with --update-branches the agent's own branch, where that harms nothing."""

from __future__ import annotations

from collections.abc import Mapping

from gitbot.errors import WorkTreeInTheWayError
from gitbot.journal import runs
from gitbot.model.git import BranchName, RefName
from gitbot.model.run import Landed, Landing
from gitbot.process import undisturbed
from gitbot.repository import Repository, checkouts, refs

UNDO = "gitbot: undo "  # begins what the reflog says of a run that was taken back


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


def catch_up(repository: Repository) -> None:
    """Bring checkouts along that a kill kept from following the last landing, or the undo of a run."""
    records = next((records for _, records in runs.own(repository)), ())
    last = next((record for record in reversed(records) if isinstance(record, Landing)), None)
    now = refs.read(repository, last.ref) if last is not None else None
    if last is None or now is None:
        return
    before, words = (last.before, UNDO) if now == last.after else refs.last_move(repository, last.ref)
    for tree in checkouts.showing(repository, last.ref) if words.startswith(UNDO) else ():
        if checkouts.lags(repository, tree.path, before):
            with undisturbed():
                checkouts.follow(repository, tree.path, before, now)
