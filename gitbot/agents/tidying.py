"""Work trees and branches that nobody needs any more: clean, unlocked, lived in by nobody, and proven landed.

Proof is what `integrate` goes by: a record, ancestry, or that all of a branch's changes are on the target. Whatever
cannot be proven stays, with the reason. A branch's tip is kept below refs/gitbot/backup/ before it goes.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gitbot.guard.landed import COMMITTED, landings
from gitbot.journal import attendance, runs
from gitbot.journal.lock import only_writer
from gitbot.merge.survey import survey
from gitbot.model.git import BranchName, Oid, RefName, WorkTree
from gitbot.model.merge import Branch, Conflict, Nothing
from gitbot.model.run import Outcome, Record, Settled, Started, Undone
from gitbot.repository import Repository, checkouts, refs
from gitbot.repository.workbench import Workbench

_BACKUP = "refs/gitbot/backup/"


@dataclass(frozen=True, slots=True)
class Leftover:
    """A branch with its work tree, if it has one, and what is to become of the two."""

    branch: BranchName
    tip: Oid
    work_tree: str | None
    why: str  # the proof that it landed, or why it stays
    goes: bool
    ignored: tuple[str, ...] = ()  # paths in the work tree that git ignores, and that go with it
    backup: RefName | None = None  # where its tip is kept, once it is gone


def leftovers(bench: Workbench, names: Sequence[BranchName], target: RefName, onto: Oid) -> Iterator[Leftover]:
    """What can go and what stays, of the local branches among `names`, in their order. Looks only."""
    repository = bench.repository
    recorded = landings(repository, onto)
    tips = {name: refs.read(repository, RefName(refs.HEADS + name)) for name in names}
    undone = taken_back(repository, target, filter(None, tips.values()))
    main, *linked = checkouts.work_trees(repository)
    for name, tip in tips.items():
        ref = RefName(refs.HEADS + name)
        if tip is None or ref == target:
            continue
        # Only its own: a branch that was just made where another one landed has not begun, and is no leftover.
        landed = {one.report.tip: one.after for one in recorded if one.report.branch == name}
        answer = survey(bench, Branch(name, tip), onto, landed, ref)
        trees = [tree for tree in linked if tree.branch == ref]
        where = trees[0].path if trees else None
        if not (isinstance(answer, Nothing) and answer.landed):
            yield Leftover(name, tip, where, _unlanded(answer), goes=False)
            continue
        kept = "its landing was taken back (gitbot undo)" if tip in undone else None
        worked = any(words.startswith(COMMITTED) for _, words in refs.reflog(repository, ref))
        kept = kept or (None if tip in landed or worked else "nothing here says that it ever had work of its own")
        kept = kept or ("it is checked out in the main work tree" if main.branch == ref else None)
        kept = kept or ("its agent is at work" if attendance.is_at_work(repository, name) else None)
        kept = kept or checkouts.busy_with(repository, ref)
        kept = kept or next(filter(None, (_needed(repository, tree) for tree in trees)), None)
        ignored = checkouts.ignored(repository, where) if where and not kept else ()
        yield Leftover(name, tip, where, kept or answer.why, goes=not kept, ignored=ignored)


def runs_onto(
    target: RefName, some: Iterable[tuple[object, Sequence[Record]]]
) -> Iterator[tuple[Started, Sequence[Record]]]:
    """Those of the runs that were to land on the target, each with its first record."""
    for _, records in some:
        started = records[0]
        if isinstance(started, Started) and started.request.target == target:
            yield started, records


def taken_back(repository: Repository, target: RefName, tips: Iterable[Oid]) -> set[Oid]:
    """Those of the tips whose landing somebody has taken back, by whatever way, and that no later run landed again.

    However long ago: runs are read, from the newest, until it is known of each tip.
    """
    found, unknown = set[Oid](), {*tips}
    for _, records in runs_onto(target, runs.own(repository)) if unknown else ():
        reports = (one.report for one in records if isinstance(one, Settled))
        landed = {report.tip for report in reports if report.outcome is Outcome.LANDED} & unknown
        found |= landed if any(isinstance(record, Undone) for record in records) else set()
        unknown -= landed
        if not unknown:
            break
    return found


def _unlanded(answer: object) -> str:
    if isinstance(answer, Nothing):
        return answer.why
    if isinstance(answer, Conflict):
        return "nothing proves that its work has landed"
    count = len(getattr(answer, "own", ()))
    return f"{count} commit{'' if count == 1 else 's'} of it {'has' if count == 1 else 'have'} not landed"


def _needed(repository: Repository, tree: WorkTree) -> str | None:
    """Why a work tree has to stay, or None."""
    if tree.locked:
        return "its work tree is locked"
    under_way = checkouts.unfinished(repository, tree.path)
    if under_way:
        return f"{under_way} in its work tree"
    edited = checkouts.uncommitted(repository, tree.path) or checkouts.hidden(repository, tree.path)
    if edited:
        return f"its work tree has uncommitted work: {', '.join(edited[:3])}{' …' if len(edited) > 3 else ''}"
    if nested := _nested(repository, tree):
        return f"its work tree holds another repository: {nested}"
    try:
        process = checkouts.living_in(tree.path)
    except OSError:
        return "this system does not tell whether a process lives in its work tree"
    return None if process is None else f"process {process} lives in its work tree"


def _nested(repository: Repository, tree: WorkTree) -> str | None:
    """A repository below what git ignores in a work tree: nobody knows what work would go with it."""
    for path in checkouts.ignored(repository, tree.path):
        for folder, folders, files in os.walk(Path(tree.path, path)):
            if ".git" in (*folders, *files) or ("HEAD" in files and {"objects", "refs"} <= set(folders)):
                return os.path.relpath(folder, tree.path)
    return None


def tidy(repository: Repository, found: Sequence[Leftover], now: float) -> tuple[Leftover, ...]:
    """Take away what goes; what git refuses to, or what moved since, stays with the reason.

    Raises:
        LockedError: a run is under way.
    """
    stamp = time.strftime("tidy-%Y%m%dT%H%M%SZ", time.gmtime(now))
    with only_writer(repository):
        return tuple(
            _clear(repository, one, RefName(f"{_BACKUP}{stamp}/{number:03d}")) if one.goes else one
            for number, one in enumerate(found, 1)
        )


def _clear(repository: Repository, one: Leftover, backup: RefName) -> Leftover:
    ref = RefName(refs.HEADS + one.branch)
    if refs.read(repository, ref) != one.tip:
        return replace(one, goes=False, why="it moved while this looked at it")
    trees = checkouts.showing(repository, ref)
    kept = next(filter(None, (_needed(repository, tree) for tree in trees)), None)
    if kept is None and refs.append(repository, backup, before=refs.read(repository, backup), after=one.tip):
        kept = next(filter(None, (checkouts.remove(repository, tree.path) for tree in trees)), None)
        if kept is None and refs.swap(repository, ref, before=one.tip, after=None, why="gitbot: tidy"):
            return replace(one, backup=backup)
    return replace(one, goes=False, why=kept or "it moved while this looked at it")
