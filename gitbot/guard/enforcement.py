"""What is in force for the branches of one repository, and what a branch may do under it: at push, at integrate."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from gitbot.config import Config
from gitbot.errors import GitError, InputError
from gitbot.guard.drift import Claimants, Drift, Judgement, Trespass, find_drift, judge, unowned_text, widened
from gitbot.model.git import Change, ChangeKind, Oid, RefName
from gitbot.model.plan import Plan, PlanId, PlanSet, fold
from gitbot.patterns import compile_patterns
from gitbot.planset import InForce, in_force, in_force_plans, plans_at, plans_of, unreadable_plans, what_can_be_read
from gitbot.repository import Repository, refs

KEPT = "gitbot/branch-plans"  # in the git folder of a work tree: those of its branch, where it has others
MOST_TIPS = 1000  # of a remote's branches, where there is no target
_OPEN_BOX = rb"\1[ ]"
_BOX = re.compile(
    rb"^([ \t>]*(?:[-*+]|\d{1,9}[.)])[ \t]+)\[[ xX~/]?\](?=[ \t])", re.MULTILINE
)  # a skipped task claims nothing
_REASON = re.compile(r"^Gitbot-Reason:[ \t]*(\S[^\n]*)$", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Mine:
    """The plans that a branch goes by, and lines about them for people."""

    plans: tuple[Plan, ...] = ()
    notes: tuple[str, ...] = ()
    wider: tuple[
        str, ...
    ] = ()  # what the branch's version of its plan claims beyond the one in force, and files of new plans


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether a branch may touch one path, and what it is to the branch; `free`: the branch belongs to no plan."""

    path: str
    kind: Literal["own", "foreign", "shared", "unowned", "outside", "leased", "free"]
    allowed: bool = True
    text: str | None = None  # why not, or what to know
    trespass: Trespass | None = None


@dataclass(frozen=True, slots=True)
class Enforcement:
    """Configuration, target and plans that branches are judged by."""

    repository: Repository
    config: Config
    plans: PlanSet
    target: str  # as people write it, without any remote
    tips: tuple[Oid, ...]  # where the target is here and, as far as it is known, on the remotes
    notes: tuple[str, ...]
    landed: dict[PlanId, bool] = field(default_factory=dict)  # as far as anybody asked
    claimants: Claimants | None = None  # where many branches are judged

    def changes(self, tip: Oid) -> tuple[Change, ...]:
        """What the branch at `tip` has different from everything that it took from the target, sorted by path.

        The whole branch counts and not the commits of one push: several pushes, or a forced one, cannot let a change
        slip by. A path that is at `tip` as it is at one of the best merge bases came from there, so merging the
        target into the branch touches nothing, also where both were merged into each other. Without any common
        history a path counts when it differs from the target itself.
        """
        tree, bases = self.repository.tree_of(tip), self._bases(tip)
        first, *others = (self.repository.changes(Oid(base), tree) for base in bases or self.tips)
        also = [{change.path for change in changes} for changes in others]
        return tuple(change for change in first if all(change.path in paths for paths in also))

    def _bases(self, tip: Oid) -> list[str]:
        if self.claimants is not None and len(self.tips) == 1:  # git is not started for each of many branches
            from gitbot.repository import history

            with contextlib.suppress(GitError):  # a shallow history; git says how far it goes
                own = {commit.oid: commit for commit in history.own_commits(self.repository, tip, *self.tips)}
                left = {parent for commit in own.values() for parent in commit.parents} - own.keys()
                if len(left) == 1 and all(commit.parents for commit in own.values()):
                    return list(left)
        return self.repository.attempt("merge-base", "--all", tip, *self.tips).stdout.decode().split()

    def mine(self, name: str, tip: Oid | None, changes: Iterable[Change]) -> Mine:
        """The plans of a branch: those in force, and those that only the branch has yet (`tip` None: it has none)."""
        established = plans_of(name, self.plans, self.config)
        on_branch = plans_of(name, self._plans_on(tip, changes, known=bool(established)), self.config)
        if name == self.target or not (established or on_branch):
            return Mine()
        known = {fold(plan.id) for plan in self.plans.plans}
        new = tuple(plan for plan in on_branch if fold(plan.id) not in known)
        notes = [f"plan {p.id} ({p.path}) is not on {self.target} yet; it counts as it is on the branch" for p in new]
        if wider := widened(established, on_branch):
            ids = " and ".join(plan.id for plan in established)
            more = ", ".join(wider[:5]) + (", …" if len(wider) > 5 else "")
            notes.append(f"plan {ids} claims more on the branch than on {self.target}, which is what counts: {more}")
        return Mine((*established, *new), tuple(notes), (*wider, *(plan.path for plan in new)))

    def _plans_on(self, tip: Oid | None, changes: Iterable[Change], *, known: bool) -> PlanSet:
        """The plans that stand at `tip`; none unless it changed a plan file, for then they are the target's.

        Nor are they read where the branch has its plan on the target too, and all that it changed in plans are ticks.
        """
        places = compile_patterns(self.config.plans)
        of_plans = (c for c in changes if any(path in self.plans.files or places.matches(path) for path in c.paths))
        if tip is None or all(known and self._only_ticks(change) for change in of_plans):
            return PlanSet()
        return plans_at(self.repository, tip, self.config, keep=self.repository.git_dir / KEPT)

    def _only_ticks(self, change: Change) -> bool:
        """Whether a change of a plan leaves its claims as they are: a task that is done claims as one to do."""
        if change.kind is not ChangeKind.MODIFIED or change.path not in self.plans.files:
            return False
        old, new = (_BOX.sub(_OPEN_BOX, self.repository.blob(oid)) for oid in (change.old_oid, change.new_oid))
        return old == new

    def judge(self, mine: tuple[Plan, ...], tip: Oid | None, changes: Iterable[Change]) -> tuple[Drift, Judgement]:
        """What a branch with these plans touches and does not claim, and what of that is refused.

        The commits up to `tip` may give a reason, the newest one counts.
        """
        drift = find_drift(
            *(self.plans, mine, changes),
            shared=self.config.shared,
            active=self.is_active,
            claimants=self.claimants,
        )
        judgement = judge(drift, self.config.ownership, reason=None)
        if tip is None or not judgement.refused or not (drift.shared or drift.unowned):
            return drift, judgement
        from gitbot.repository import history  # like the rest that most pushes do without: they shall be fast

        commits = history.own_commits(self.repository, tip, self.tips[0])
        reasons = [reason for commit in commits for reason in _REASON.findall(commit.message)]
        return drift, judge(drift, self.config.ownership, reason=reasons[-1].strip() if reasons else None)

    def answers(self, mine: Mine, tip: Oid | None, paths: Iterable[str]) -> Iterator[Answer]:
        """What there is to say of paths before they are touched; nothing of the branch's own."""
        touched = [Change(ChangeKind.MODIFIED, path) for path in paths]
        drift, judgement = self.judge(mine.plans, tip, touched)
        refused = set(judgement.refused)
        for each in drift.foreign:
            yield Answer(each.path, "foreign", each.text not in refused, each.text, each)
        for each in drift.shared:
            yield Answer(each.path, "shared", each.text not in refused, each.text, each)
        for path in drift.unowned:
            yield Answer(path, "unowned", unowned_text(path) not in refused, unowned_text(path))

    def is_active(self, plan: Plan) -> bool:
        """Whether the plan's claims still stand: not all of its work has landed."""
        if plan.id not in self.landed:
            from gitbot.guard.remembered import has_landed

            found = has_landed(self.repository, plan, self.tips[0], self.config, lambda: self._has_landed(plan))
            self.landed[plan.id] = found
        return not self.landed[plan.id]

    def _has_landed(self, plan: Plan) -> bool:
        from gitbot.guard.landed import landed_plans, landings
        from gitbot.repository.temporary import temporary_folder
        from gitbot.repository.workbench import Workbench

        tip = self.tips[0]
        with (
            temporary_folder() as folder,
            Workbench(self.repository, Path(folder, "scratch"), tip) as bench,
        ):
            return bool(landed_plans(bench, [plan], tip, self.config, landings(self.repository, tip)))


def rules(repository: Repository, remote: str, config_file: str | None) -> InForce | None:
    """The configuration and target in force here; None without a target. `config_file` is GITBOT_CONFIG's.

    A configuration that cannot be read is said in a note, and for what cannot be read of it the defaults are in
    force: it must neither stand in the way of branches that have no plan, nor open the files of those that have one.
    """
    default = refs.default_target(repository)
    # A clone of one branch has the target only as the remote's.
    there = (RefName(f"{refs.REMOTES}{remote}/{name}") for name in ("main", "master"))
    target = default or next((name for name in there if refs.read(repository, name) is not None), None)
    try:
        found = in_force(repository, target if default is None else None, config_file)
        compile_patterns((*found.config.shared, *found.config.plans))
    except InputError as broken:
        if target is None:
            return None
        found = what_can_be_read(repository, target)
        why = f"{broken.message}; for what cannot be read the defaults are in force until this is mended"
        found = replace(found, notes=(why, *found.notes))
    return found


def enforcement(repository: Repository, remote: str, config_file: str | None) -> Enforcement | None:
    """What is in force here; None when there is neither a target nor a plan. See `rules`."""
    found = rules(repository, remote, config_file)
    if found is None:
        return _without_target(repository, remote)
    plans = in_force_plans(repository, found.target, found.config, kept=True)
    # Wherever the target was fetched from, what came from there is not the branch's.
    remotes = [f"{refs.REMOTES}{name}/" for name in dict.fromkeys((remote, *refs.remotes(repository)))]
    prefix = next((prefix for prefix in (refs.HEADS, *remotes) if found.target.startswith(prefix)), "")
    name = found.target.removeprefix(prefix)
    tips = (refs.read(repository, RefName(ref)) for ref in (found.target, *(f"{each}{name}" for each in remotes)))
    return Enforcement(
        repository=repository,
        config=found.config,
        plans=plans,
        target=name,
        tips=tuple(dict.fromkeys(tip for tip in tips if tip is not None)),
        notes=(*found.notes, *unreadable_plans(plans)),
    )


def _without_target(repository: Repository, remote: str) -> Enforcement | None:
    """What HEAD has in force in a clone that lacks the target, such as one of an agent's branch alone.

    A branch has changed there what the remote does not have on any other.
    """
    head = refs.checked_out(repository.git_dir)
    tip = refs.read(repository, head) if head is not None else None
    if head is None or tip is None or repository.lib.is_bare:
        return None
    try:
        config = in_force(repository, head).config
    except InputError:
        config = what_can_be_read(repository, head).config
    plans = in_force_plans(repository, head, config, kept=True)
    if not plans.plans:
        return None
    remote = remote if remote in refs.remotes(repository) else "origin"
    there = [ref for ref in refs.branch_names(repository) if ref.startswith(f"{refs.REMOTES}{remote}/")]
    tips = (refs.read(repository, ref) for ref in there[:MOST_TIPS])
    target = config.target.removeprefix(f"{remote}/") or "main"
    note = (
        f"there is no {target} here, so what HEAD has of plans is in force, for what {remote} is not known to have; "
        f"git remote set-branches --add {remote} {target} and git fetch {remote} bring it"
    )
    return Enforcement(
        repository=repository,
        config=config,
        plans=plans,
        target=target,
        tips=tuple(dict.fromkeys(oid for oid in tips if oid is not None)) or (tip,),
        notes=(note, *unreadable_plans(plans)),
    )


def checked_out(repository: Repository) -> str | None:
    """The branch that this work tree is on, also while it is rebased; None when its HEAD is detached otherwise."""
    ref = refs.checked_out(repository.git_dir)
    for name in ("rebase-merge/head-name", "rebase-apply/head-name") if ref is None else ():
        with contextlib.suppress(OSError):
            said = (repository.git_dir / name).read_text("utf-8", "surrogateescape").strip()
            ref = RefName(said) if said.startswith(refs.HEADS) else ref
    return ref.removeprefix(refs.HEADS) if ref is not None else None
