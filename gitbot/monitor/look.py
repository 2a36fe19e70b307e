"""The picture as one document, status/1: what the text, the page and programs are told is this and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from gitbot.errors import UnknownBranchError
from gitbot.monitor.edits import Edits, reading_edits
from gitbot.report.status import SCHEMA
from gitbot.repository import Repository, checkouts, refs

if TYPE_CHECKING:
    from gitbot.model.git import BranchName, RefName
    from gitbot.model.plan import PlanSet
    from gitbot.model.run import Hint
    from gitbot.monitor.status import BranchStatus, Status
    from gitbot.planset import InForce

Document = dict[str, Any]


def look(
    repository: Repository,
    branches: tuple[str, ...],
    into: str | None,
    env: Mapping[str, str],
    *,
    verbose: bool = False,
) -> Document:
    """The picture of `branches` (patterns; none: all that live), as it was kept where nothing has moved since.

    `verbose`: with the lines that collide.

    Raises:
        UnknownBranchError: no such branch, or no commit yet.
    """
    if repository.is_empty:
        raise UnknownBranchError("this repository has no commit yet", hint="commit something first")
    trees = checkouts.work_trees(repository)
    with reading_edits(repository, trees) as edits:
        from gitbot.model.run import DriftReport, Hint  # from here on while git is at work
        from gitbot.monitor.remembered import fingerprint, remember, remembered
        from gitbot.planset import in_force, in_force_plans

        force = in_force(repository, into, env.get("GITBOT_CONFIG"))
        plans = in_force_plans(repository, force.target, force.config, kept=True)
        busy = dict(checkouts.interrupted(repository, trees))
        mine = partial(edits, force.target)
        key = fingerprint(repository, force.config, plans, trees, mine, branches, force.target, verbose, busy)
        known = remembered(repository, key)
        if known is None:
            found = _read(repository, force, plans, mine(), busy, branches, verbose=verbose)
            known = msgspec.to_builtins(found, str_keys=True)
            remember(repository, key, known)
        known = _with_untracked(repository, known, force.target, *mine().get(force.target, ())[:1])
    for one in known["branches"]:
        one["drift"] = msgspec.convert(one["drift"], DriftReport | None)
        one["hints"] = msgspec.convert(one["hints"], list[Hint])
    return known


def _with_untracked(repository: Repository, known: Document, target: RefName, *work_tree: str) -> Document:
    """The document with what stands in the target's checkout, tracked nowhere, where a branch adds a file.

    Looked up each time: git has not been asked for untracked files there.
    """
    moves, tip = known.pop("moves"), refs.read(repository, target)
    for one in known["branches"]:
        added, gone = moves.get(one["branch"], ((), ()))
        for path in [path for tree in work_tree for path in checkouts.overwritten(Path(tree), added, gone)]:
            if tip is not None and repository.entry(tip, path) is None:
                one["in_the_way"] = sorted({*one["in_the_way"], path})
    return known


def _read(
    repository: Repository,
    force: InForce,
    plans: PlanSet,
    edits: Edits,
    busy: Mapping[RefName, str | None],
    branches: tuple[str, ...],
    *,
    verbose: bool,
) -> Document:
    from gitbot.guard.installation import obstacles  # like the rest that an answer which was kept does without
    from gitbot.landing import naming
    from gitbot.landing.partner import foresee
    from gitbot.monitor.graph import read_graph
    from gitbot.monitor.status import live_branches, read_status
    from gitbot.planset import unreadable_plans
    from gitbot.repository import command
    from gitbot.repository.temporary import temporary_folder
    from gitbot.repository.workbench import Workbench

    command.check_version(repository.git("version").decode())  # who had an answer kept has asked before
    if branches:
        names = tuple(one.name for one in naming.resolve(repository, branches, force.target))
    else:
        known = {ref: name for name, ref in refs.branches(repository).items() if ref in busy and ref != force.target}
        live = live_branches(repository, plans, force.config, force.target)
        names = tuple(dict.fromkeys((*live, *known.values())))
    target_tip = refs.read(repository, force.target)
    assert target_tip is not None
    with (
        temporary_folder() as folder,
        Workbench(repository, Path(folder, "scratch"), target_tip) as bench,
    ):
        status = read_status(bench, names, plans, force.config, force.target, edits, busy, hunks=verbose)
        ends = [(one.branch, one.base, one.tip) for one in status.branches if one.base is not None]
        hints, unforeseen = foresee(bench, ends, status.target, target_tip)
        found = _document(status, hints) | {"unforeseen": unforeseen}
        mine = set(edits.get(force.target, ("", ()))[1])
        changes = {name: bench.repository.changes(base, tip) for name, base, tip in ends}
        for one in found["branches"]:
            theirs = changes.get(one["branch"], ())
            one["in_the_way"] = sorted(mine.intersection(path for change in theirs for path in change.paths))
        found["moves"] = {name: checkouts.added_and_gone(theirs) for name, theirs in changes.items()}
        drawn = {one.branch: one.tip for one in status.branches if one.state != "landed" and one.readable}
        found["graph"] = read_graph(bench.repository, drawn, (status.target, target_tip))
    blind = obstacles(repository) if any(plan.claims for plan in plans.plans) else {}
    found["unguarded"] = [{"work_tree": tree, "why": why} for tree, why in blind.items() if why is not None]
    found["unreadable"] = list(unreadable_plans(plans))
    return found


def _document(status: Status, hints: Sequence[tuple[BranchName | None, Hint]]) -> Document:
    counted = [one for one in status.branches if one.tasks]
    done, total = (sum(one.tasks[at] for one in counted if one.tasks) for at in (0, 1))
    known = [(one.progress.percent, one.tasks[1] if one.tasks else 1) for one in status.branches]
    weights = [(percent, max(weight, 1)) for percent, weight in known if percent is not None]
    whole = sum(weight for _, weight in weights)
    percent = round(sum(percent * weight for percent, weight in weights) / whole) if whole else None
    return {
        "schema": SCHEMA,
        "target": status.target,
        "branches": [
            _branch(one) | {"hints": [hint for name, hint in hints if name == one.branch]} for one in status.branches
        ],
        "conflicts": [
            {"branches": list(one.branches), "paths": list(one.paths)}
            | (dict(zip(("hunks", "places", "unread"), one.clashes, strict=True)) if any(one.clashes) else {})
            for one in status.collisions
        ],
        "overall": {"done": done, "total": total, "percent": percent},
    }


def _branch(one: BranchStatus) -> dict[str, object]:
    shown = ("branch", "plan", "tip", "ahead", "behind", "state", "stuck", "drift", "files", "uncommitted")
    return {
        **{name: getattr(one, name) for name in shown},
        "uncounted": one.uncounted,
        "last": {"oid": one.last.oid, "subject": one.last.subject, "time": one.last.committer.time},
        "tasks": {"done": one.tasks[0], "total": one.tasks[1]} if one.tasks else None,
        "gate": one.gate and {"verdict": one.gate},
        "progress": {
            "percent": one.progress.percent,
            "since": one.progress.since,
            "at_work": one.at_work,
            "ended": one.progress.ended and one.progress.ended.data,
            "commits": one.subjects,
            "ticked": one.progress.ticked,
        },
    }
