"""One line per live branch: how far, on what, and which conflicts are coming."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from gitbot.config import Config
from gitbot.guard.drift import Drift
from gitbot.guard.enforcement import Enforcement
from gitbot.guard.landed import enforcement_at, landings
from gitbot.journal import runs
from gitbot.merge.survey import NewWork, survey
from gitbot.model.git import BranchName, Commit, Oid, RefName
from gitbot.model.merge import Branch, Nothing
from gitbot.model.plan import Plan, PlanId, PlanSet, TaskState
from gitbot.model.run import Outcome, Settled, Undone
from gitbot.planset import branch_of, plans_at, plans_of
from gitbot.repository import Repository, checkouts, history, refs
from gitbot.repository.workbench import Workbench

RECENT = 20  # runs that may have set a branch aside


@dataclass(frozen=True, slots=True)
class BranchStatus:
    """Where one branch is. `tasks` is (done, total), None without a plan."""

    branch: BranchName
    plan: PlanId | None
    tip: Oid
    ahead: int
    behind: int
    last: Commit
    tasks: tuple[int, int] | None
    state: str  # idle, running, stuck, done, landed
    stuck: str | None  # why, in words
    base: Oid | None  # where its new work starts; None when it has none that could land
    drift: Drift | None
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Collision:
    """Two branches (or a branch and the target) that git cannot merge, and in which paths."""

    branches: tuple[BranchName, BranchName]
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Status:
    """The whole picture."""

    target: BranchName
    branches: tuple[BranchStatus, ...]
    collisions: tuple[Collision, ...]


def live_branches(repository: Repository, plans: PlanSet, config: Config, target: RefName) -> tuple[BranchName, ...]:
    """Every branch of a plan and every branch of a linked work tree, the target left out."""
    known = refs.branches(repository)
    of_plans = [branch_of(plan, config) for plan in plans.plans]
    linked = checkouts.work_trees(repository)[1:]
    of_trees = [BranchName(tree.branch.removeprefix(refs.HEADS)) for tree in linked if tree.branch is not None]
    names = dict.fromkeys(name for name in (*of_plans, *of_trees) if name in known)
    return tuple(name for name in names if known[name] != target)


def read_status(
    bench: Workbench, names: Sequence[BranchName], plans: PlanSet, config: Config, target: RefName
) -> Status:
    """Look at each branch and at every pair. Writes to the workbench only."""
    repository = bench.repository
    target_tip = refs.read(repository, target)
    assert target_tip is not None
    short = BranchName(refs.shorthand(target))
    recorded = landings(repository, target_tip)
    force = enforcement_at(bench, config, plans, short, target_tip, recorded)
    landed = {landing.report.tip: landing.after for landing in recorded}
    known, aside = refs.branches(repository), _set_aside(repository)
    branches = tuple(
        _branch(bench, force, landed, Branch(name, tip), known[name], aside.get((name, tip)))
        for name in names
        if (tip := refs.read(repository, known[name])) is not None
    )
    alive = [one for one in branches if one.state in ("running", "stuck", "done")]
    return Status(short, branches, tuple(_collisions(bench, alive, (short, target_tip))))


def _set_aside(repository: Repository) -> dict[tuple[BranchName, Oid], str | None]:
    """What the latest run that came to an end with a branch at this tip says against it; None: it did not go back."""
    found: dict[tuple[BranchName, Oid], str | None] = {}
    for run, records in islice(runs.own(repository), RECENT):
        undone = any(isinstance(record, Undone) for record in records)
        for report in (one.report for one in records if isinstance(one, Settled) and not undone):
            brief = f"; brief: {runs.file_path(repository, run, report.retry)}" if report.retry else ""
            back = report.outcome is Outcome.SET_ASIDE
            text = f"set aside by run {run}: {report.why}{brief}" if back else None
            found.setdefault((report.branch, report.tip), text)
    return found


def _branch(
    bench: Workbench, force: Enforcement, landed: Mapping[Oid, Oid], one: Branch, ref: RefName, aside: str | None
) -> BranchStatus:
    repository, target, name, tip = bench.repository, force.tips[0], one.name, one.tip
    ahead, behind = history.ahead_behind(repository, tip, target)
    work = survey(bench, one, target, landed, ref)
    changes = force.changes(tip)
    mine = force.mine(name, tip, changes).plans
    theirs = plans_of(name, plans_at(repository, tip, force.config), force.config) or mine
    tasks = _tasks(theirs) if theirs else None
    stuck = None if isinstance(work, Nothing) else aside
    return BranchStatus(
        branch=name,
        plan=mine[0].id if mine else None,
        tip=tip,
        ahead=ahead,
        behind=behind,
        last=repository.commit(tip),
        tasks=tasks,
        state="stuck" if stuck else _state(work, tasks),
        stuck=stuck,
        base=work.base if isinstance(work, NewWork) else None,
        drift=force.judge(mine, tip, changes)[0] if mine else None,
        files=tuple(sorted({path for change in changes for path in change.paths})),
    )


def _tasks(plans: Sequence[Plan]) -> tuple[int, int]:
    counted = [task for plan in plans for task in plan.tasks if task.state is not TaskState.SKIPPED]
    return sum(task.state is TaskState.DONE for task in counted), len(counted)


def _collisions(
    bench: Workbench, alive: Sequence[BranchStatus], target: tuple[BranchName, Oid]
) -> Iterator[Collision]:
    """All pairs that collide, each once, in order, and each branch with the target."""
    for number, one in enumerate(alive):
        mine = set(one.files)
        near = [other for other in alive[number + 1 :] if not mine.isdisjoint(other.files)]
        for name, tip in [*((other.branch, other.tip) for other in near), target]:
            paths = bench.conflicting_paths(one.tip, tip)
            if paths:
                yield Collision((one.branch, name), paths)


def _state(work: object, tasks: tuple[int, int] | None) -> str:
    if isinstance(work, Nothing):
        return "landed" if work.landed else "idle"
    return "done" if tasks and tasks[1] and tasks[0] == tasks[1] else "running"
