"""Patches handed in beside the branches of a run: what each is called, whose work it is, and its commits."""

from __future__ import annotations

from collections.abc import Sequence

from gitbot.config import Config
from gitbot.errors import InputError
from gitbot.model.git import BranchName, Oid, Person
from gitbot.model.merge import Branch, ConflictedPath, Submitted
from gitbot.model.plan import PlanSet, fold
from gitbot.model.run import Record, Started
from gitbot.planset import branch_of
from gitbot.repository.patches import Submission, commit_patches
from gitbot.repository.workbench import Workbench


def branches_of(
    bench: Workbench,
    patches: Sequence[Submission],
    onto: Oid,
    committer: Person,
    plans: PlanSet,
    config: Config,
    earlier: Sequence[Sequence[Record]],
) -> tuple[Branch, ...]:
    """A branch for each, its commits in the scratch folder; one that an earlier run had keeps those.

    Raises:
        InputError: a patch says that it belongs to a plan which there is not.
    """
    known = {
        entry.patch.digest: entry.tip
        for records in reversed(earlier)
        if isinstance(records[0], Started)
        for entry in records[0].entries
        if entry.patch is not None and entry.patch.misfit is None and bench.repository.has(entry.tip)
    }
    found: dict[BranchName, Branch] = {}
    for patch in {each.digest: each for each in patches}.values():
        made = known.get(patch.digest) or commit_patches(bench, patch, onto, committer)
        misfit = made if isinstance(made, ConflictedPath) else None
        # No reference can be called so, and no real branch is taken for it, moved along or said to be elsewhere.
        name = BranchName(f"patch:{patch.name}")
        name = name if name not in found else BranchName(f"{name}:{patch.digest[:7]}")
        submitted = Submitted(patch.file, patch.digest, _stands_for(patch, plans, config), misfit)
        found[name] = Branch(name, onto if isinstance(made, ConflictedPath) else made, patch=submitted)
    return tuple(found.values())


def _stands_for(patch: Submission, plans: PlanSet, config: Config) -> str:
    """The branch whose plan it goes by: that of the plan that it names, else the one that it is called after."""
    if patch.plan is None:
        return patch.name
    for plan in plans.plans:
        if fold(plan.id) == fold(patch.plan):
            return branch_of(plan, config)
    raise InputError(
        f"{patch.file}: it says Gitbot-Plan: {patch.plan}, and there is no such plan",
        hint=f"plans: {', '.join(plan.id for plan in plans.plans) or 'none'}",
    )
