"""Whether a plan's work has landed: from then on its claims stand no longer, and others may build on it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

from gitbot.config import Config
from gitbot.errors import GitError
from gitbot.guard.enforcement import Enforcement
from gitbot.journal import runs
from gitbot.merge.survey import survey
from gitbot.model.git import BranchName, Oid, RefName
from gitbot.model.merge import Branch, Nothing
from gitbot.model.plan import Plan, PlanId, PlanSet, TaskState
from gitbot.model.run import Landed, Landing, Undone
from gitbot.planset import plans_of
from gitbot.repository import Repository, history, refs
from gitbot.repository.workbench import Workbench

MEMORY = 100  # newest runs that are searched for landings


def landings(repository: Repository, target: Oid) -> tuple[Landed, ...]:
    """What runs recorded as landing, `target` still has and nobody took back, oldest first."""
    found: list[Landed] = []
    for _, records in islice(runs.own(repository), MEMORY):
        if not any(isinstance(record, Undone) for record in records):
            for record in reversed(records):
                if isinstance(record, Landing) and _has(repository, target, record.after):
                    found += reversed(record.steps)
    return tuple(reversed(found))


def _has(repository: Repository, target: Oid, commit: Oid) -> bool:
    try:
        return history.contains(repository, target, commit)
    except GitError:  # pruned since
        return False


def landed_plans(
    bench: Workbench, plans: Iterable[Plan], target: Oid, config: Config, recorded: Sequence[Landed]
) -> frozenset[PlanId]:
    """Those of the plans whose work the commit `target` has; `recorded` are its `landings`.

    All of a plan's branch has to be there: of a local one if there is one, else of a remote's. Where the branch is
    gone, a recorded landing or a plan with every task ticked (it is the target's) says so. A branch without a commit
    of its own has not begun.
    """
    known = refs.branches(bench.repository)
    tips = {landing.report.tip: landing.after for landing in recorded}

    def is_there(name: BranchName, ref: RefName) -> bool:
        tip = refs.read(bench.repository, ref)
        answer = survey(bench, Branch(name, tip), target, tips, ref) if tip is not None else None
        return isinstance(answer, Nothing) and answer.landed

    def has_landed(plan: Plan) -> bool:
        only = PlanSet((plan,))
        branches = {name: ref for name, ref in known.items() if plans_of(name, only, config)}
        local = {name: ref for name, ref in branches.items() if ref.startswith(refs.HEADS)}
        if branches:
            return all(is_there(name, ref) for name, ref in (local or branches).items())
        if any(plans_of(landing.report.branch, only, config) for landing in recorded):
            return True
        return bool(plan.tasks) and all(task.state in (TaskState.DONE, TaskState.SKIPPED) for task in plan.tasks)

    return frozenset(plan.id for plan in plans if has_landed(plan))


def enforcement_at(
    bench: Workbench, config: Config, plans: PlanSet, target: str, commit: Oid, recorded: Sequence[Landed]
) -> Enforcement:
    """What is in force on one commit of the target, with nothing left to look up."""
    landed = landed_plans(bench, plans.plans, commit, config, recorded)
    return Enforcement(
        repository=bench.repository,
        config=config,
        plans=plans,
        target=target,
        tips=(commit,),
        notes=(),
        landed={plan.id: plan.id in landed for plan in plans.plans},
    )
