"""What follows the target: checkouts, and with --update-branches the agent's own branch, where that harms nothing."""

from __future__ import annotations

from collections.abc import Mapping

from gitbot.errors import GitbotError, WorkTreeInTheWayError
from gitbot.journal import pins, runs
from gitbot.model.git import BranchName, Oid, RefName
from gitbot.model.run import Landed, Landing
from gitbot.process import undisturbed
from gitbot.repository import Repository, checkouts, history, refs

UNDO = "gitbot: undo "  # begins what the reflog says of a run that was taken back


def update_branch(repository: Repository, known: Mapping[BranchName, RefName], step: Landed) -> str | None:
    """Move a branch to what landed, its old commits being in the backup; else why not."""
    report = step.report
    ref = known.get(report.branch, RefName(refs.HEADS + report.branch))
    if not ref.startswith(refs.HEADS):
        return "only a remote has it"
    backed_up = report.proof is not None and refs.read(repository, report.proof.backup) is not None
    if not backed_up and refs.read(repository, ref) != step.after:
        return "its commits could not be backed up"
    return _move(repository, ref, report.tip, step.after, "gitbot: --update-branches")


def put_back(repository: Repository, step: Landed) -> str | None:
    """Move a branch that followed its landing back to what the agent had; else why not."""
    report, ref = step.report, RefName(refs.HEADS + step.report.branch)
    now = refs.read(repository, ref)
    try:
        if now not in (step.after, report.tip):
            on_it = now is not None and history.contains(repository, now, step.after)
            return "it has gone on from there" if on_it else None
        if not repository.has(report.tip) and report.proof is not None:
            pins.restore(repository, report.proof.backup)
        return _move(repository, ref, step.after, report.tip, "gitbot: undo of --update-branches")
    except GitbotError as refused:
        return refused.message


def _move(repository: Repository, ref: RefName, before: Oid, after: Oid, why: str) -> str | None:
    trees = checkouts.showing(repository, ref)
    if refs.read(repository, ref) == after:  # moved before a kill, or there from the start
        for tree in trees:
            if checkouts.lags(repository, tree.path, before):
                checkouts.follow(repository, tree.path, before, after)
        return None
    if any(checkouts.uncommitted(repository, tree.path) for tree in trees):
        return "its work tree has edits that are in no commit"
    try:
        checkouts.must_be_free(repository, ref, before, after)
    except WorkTreeInTheWayError as busy:
        return busy.message
    if not refs.swap(repository, ref, before=before, after=after, why=why):
        return "it has gone on meanwhile"
    return next(iter(checkouts.follow_all(repository, ref, before, after)), None)


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
