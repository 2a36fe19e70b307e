"""The picture as one document, status/1: what the text, the page and programs are told is this and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from gitbot.errors import UnknownBranchError
from gitbot.guard.installation import obstacles
from gitbot.model.git import BranchName, RefName
from gitbot.model.plan import PlanSet
from gitbot.model.run import DriftReport, Hint
from gitbot.monitor.remembered import Edits, fingerprint, read_edits, remember, remembered
from gitbot.planset import InForce, in_force, in_force_plans, unreadable_plans
from gitbot.report.status import SCHEMA
from gitbot.repository import Repository, checkouts, refs
from gitbot.repository.temporary import temporary_folder

if TYPE_CHECKING:
    from gitbot.monitor.status import BranchStatus, Status

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
    force = in_force(repository, into, env.get("GITBOT_CONFIG"))
    trees = checkouts.work_trees(repository)
    edits = read_edits(repository, trees, force.target)
    plans = in_force_plans(repository, force.target, force.config, kept=True)
    busy = dict(checkouts.interrupted(repository, trees))
    key = fingerprint(repository, force.config, plans, trees, edits, branches, force.target, verbose, busy)
    known = remembered(repository, key)
    if known is None:
        found = _read(repository, force, plans, edits(), busy, branches, verbose=verbose)
        known = msgspec.to_builtins(found, str_keys=True)
        remember(repository, key, known)
    for one in known["branches"]:
        one["drift"] = msgspec.convert(one["drift"], DriftReport | None)
        one["hints"] = msgspec.convert(one["hints"], list[Hint])
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
    from gitbot.landing import naming  # like the rest that an answer which was kept does without
    from gitbot.landing.partner import foresee
    from gitbot.monitor.graph import read_graph
    from gitbot.monitor.status import live_branches, read_status
    from gitbot.repository.workbench import Workbench

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
        found = _document(status, [*foresee(bench, ends, status.target, target_tip)])
        mine = set(edits.get(force.target, ("", ()))[1])
        kept_out = {name: mine & repository.changed_paths(base, tip) for name, base, tip in ends} if mine else {}
        for one in found["branches"]:
            one["in_the_way"] = sorted(kept_out.get(one["branch"], ()))
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
            {"branches": list(one.branches), "paths": list(one.paths)} | ({"hunks": one.hunks} if one.hunks else {})
            for one in status.collisions
        ],
        "overall": {"done": done, "total": total, "percent": percent},
    }


def _branch(one: BranchStatus) -> dict[str, object]:
    shown = ("branch", "plan", "tip", "ahead", "behind", "state", "stuck", "drift", "files", "uncommitted")
    return {
        **{name: getattr(one, name) for name in shown},
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
