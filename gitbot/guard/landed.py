"""Whether a plan's work has landed: from then on its claims stand no longer, and others may build on it."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import islice

from gitbot.config import Config
from gitbot.guard.drift import Claimants
from gitbot.guard.enforcement import Enforcement
from gitbot.journal import runs
from gitbot.merge.survey import NewWork, survey
from gitbot.model.git import BranchName, Oid, RefName
from gitbot.model.merge import Branch, Conflict, Nothing
from gitbot.model.plan import Access, Plan, PlanId, PlanSet, TaskState
from gitbot.model.run import Landed, Landing, Undone
from gitbot.patterns import compile_patterns
from gitbot.planset import plans_of, spelled, spellings
from gitbot.repository import Repository, history, refs
from gitbot.repository.workbench import Workbench

Surveyed = dict[RefName, NewWork | Nothing | Conflict]
Each = Callable[..., Iterable[tuple[bool, Surveyed]]]
MEMORY = 100  # newest runs that are searched for landings
COMMITTED = ("commit", "cherry-pick", "am", "revert")  # in a reflog: what no fast-forward says


def landings(repository: Repository, target: Oid) -> tuple[Landed, ...]:
    """What runs recorded as landing, `target` still has and nobody took back, oldest first."""
    found: list[Landed] = []
    for _, records in islice(runs.own(repository), MEMORY):
        if not any(isinstance(record, Undone) for record in records):
            for record in reversed(records):
                if isinstance(record, Landing) and history.holds(repository, target, record.after):
                    found += reversed(record.steps)
    return tuple(reversed(found))


def landed_plans(
    bench: Workbench,
    plans: Iterable[Plan],
    target: Oid,
    config: Config,
    recorded: Sequence[Landed],
    surveyed: Surveyed | None = None,
    each: Each = map,
) -> frozenset[PlanId]:
    """Those of the plans whose work the commit `target` has; `recorded` are its `landings`.

    All of a plan's branch has to be there: of a local one if there is one, and of a remote's that is ahead of it or
    alone. Where the branch is gone, a recorded landing or a plan with every task ticked (it is the target's) says so.
    A branch without work of its own, such as one stacked on another that landed, has not begun (see `_has_worked`).
    What the branches were found to have is put into `surveyed`; `each` asks a function of many values.
    """
    known = refs.branches(bench.repository)
    by_name = defaultdict[str, list[tuple[BranchName, RefName]]](list)
    for name, ref in known.items():
        for spelling in spellings(name):
            by_name[spelling].append((name, ref))

    def is_there(plan: Plan, name: BranchName, ref: RefName, tip: Oid, mine: dict[Oid, Oid], said: Surveyed) -> bool:
        answer = survey(bench, Branch(name, tip), target, mine, ref)
        proven = tip in mine or _is_ticked(plan)
        if isinstance(answer, Nothing) and answer.landed and not proven:
            worked = _has_worked(bench.repository, plan, ref, tip, target)
            answer = answer if worked else replace(answer, landed=False, why="no commit of its own")
        said[ref] = answer
        return isinstance(answer, Nothing) and (answer.landed or _is_ticked(plan))

    def has_landed(plan: Plan) -> tuple[bool, Surveyed]:
        said: Surveyed = {}
        only = PlanSet((plan,))
        named = {name: ref for spelling in spelled(plan, config) for name, ref in by_name[spelling]}
        branches = _that_count(bench.repository, named)
        mine = {one.report.tip: one.after for one in recorded if plans_of(one.report.branch, only, config)}
        if branches:
            return all(is_there(plan, name, ref, tip, mine, said) for name, (ref, tip) in branches.items()), said
        return bool(mine) or _is_ticked(plan), said

    asked, found = tuple(plans), set[PlanId]()
    for plan, (landed, said) in zip(asked, each(has_landed, asked), strict=True):
        found |= {plan.id} if landed else set()
        if surveyed is not None:
            surveyed |= said
    return frozenset(found)


def _is_ticked(plan: Plan) -> bool:
    return bool(plan.tasks) and all(task.state in (TaskState.DONE, TaskState.SKIPPED) for task in plan.tasks)


def _that_count(repository: Repository, named: dict[BranchName, RefName]) -> dict[BranchName, tuple[RefName, Oid]]:
    """The local branches and what remotes have on top of them; where there is no local one, all remotes' branches."""
    known = {name: (ref, tip) for name, ref in named.items() if (tip := refs.read(repository, ref)) is not None}
    local = {tip for ref, tip in known.values() if ref.startswith(refs.HEADS)}
    return {
        name: (ref, tip)
        for name, (ref, tip) in known.items()
        if not local
        or ref.startswith(refs.HEADS)
        or (tip not in local and any(history.holds(repository, tip, below) for below in local))
    }


def _has_worked(repository: Repository, plan: Plan, ref: RefName, tip: Oid, target: Oid) -> bool:
    """Whether a branch that the target has all of brought work of its own there.

    Ancestry alone does not say so: a branch may have been made where another one was, or only have followed the
    target. Its own reflog says so where it is still on what it committed, else what came with it: something that the
    plan owns. Of a tip on the target's own line nobody knows what came with it.
    """
    committed = (oid for oid, words in refs.reflog(repository, ref) if words.startswith(COMMITTED))
    if any(history.holds(repository, tip, oid) for oid in committed):
        return True
    matcher = compile_patterns(claim.pattern for claim in plan.patterns(Access.OWN))
    before = _began(repository, tip, target)
    came = repository.changed_paths(before, tip) if before is not None else ()
    return any(path == plan.path or matcher.matches(path) for path in came)


def _began(repository: Repository, tip: Oid, target: Oid) -> Oid | None:
    """The commit that a branch began at; None where the target's own line has its tip, which does not say."""
    listed = repository.attempt("rev-list", "--first-parent", target, f"^{tip}").stdout.decode().split()
    if not history.holds(repository, target, tip):
        return history.merge_base(repository, target, tip)
    since = bisect_left(listed, True, key=lambda commit: not history.holds(repository, Oid(commit), tip))
    parents = repository.commit(Oid(listed[since - 1])).parents if since else (tip,)
    if parents[:1] == (tip,) or not parents:
        return None
    return history.merge_base(repository, parents[0], tip)


def enforcement_at(
    bench: Workbench,
    config: Config,
    plans: PlanSet,
    target: str,
    commit: Oid,
    recorded: Sequence[Landed],
    surveyed: Surveyed | None = None,
    each: Each = map,
) -> Enforcement:
    """What is in force on one commit of the target, with nothing left to look up; `surveyed` as above."""
    landed = landed_plans(bench, plans.plans, commit, config, recorded, surveyed, each)
    return Enforcement(
        repository=bench.repository,
        config=config,
        plans=plans,
        target=target,
        tips=(commit,),
        notes=(),
        landed={plan.id: plan.id in landed for plan in plans.plans},
        claimants=Claimants(plans),
    )
