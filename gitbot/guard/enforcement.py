"""What is in force for the branches of one repository, and what a branch may do under it: at push, at integrate."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from gitbot.config import Config
from gitbot.errors import InputError
from gitbot.guard.drift import Drift, Judgement, Trespass, find_drift, judge, unowned_text, widened
from gitbot.model.git import Change, ChangeKind, Oid, RefName
from gitbot.model.plan import Plan, PlanId, PlanSet
from gitbot.patterns import compile_patterns
from gitbot.planset import InForce, in_force, in_force_plans, plans_at, plans_of
from gitbot.repository import Repository, history, refs
from gitbot.repository.workbench import Workbench

_REASON = re.compile(r"^Gitbot-Reason:[ \t]*(\S[^\n]*)$", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Mine:
    """The plans that a branch goes by, and lines about them for people."""

    plans: tuple[Plan, ...] = ()
    notes: tuple[str, ...] = ()
    wider: tuple[str, ...] = ()  # what the branch's version of its plan claims beyond the one in force


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether a branch may touch one path, and what it is to the branch; `free`: the branch belongs to no plan."""

    path: str
    kind: Literal["own", "foreign", "shared", "unowned", "outside", "free"]
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
    tips: tuple[Oid, ...]  # where the target is here and, as far as it is known, on the remote
    notes: tuple[str, ...]
    landed: dict[PlanId, bool] = field(default_factory=dict)  # as far as anybody asked

    def changes(self, tip: Oid) -> tuple[Change, ...]:
        """What the branch at `tip` has different from everything that it took from the target, sorted by path.

        The whole branch counts and not the commits of one push: several pushes, or a forced one, cannot let a change
        slip by. A path that is at `tip` as it is at one of the best merge bases came from there, so merging the
        target into the branch touches nothing, also where both were merged into each other. Without any common
        history a path counts when it differs from the target itself.
        """
        bases = self.repository.attempt("merge-base", "--all", tip, *self.tips).stdout.decode().split()
        tree = self.repository.tree_of(tip)
        first, *others = (self.repository.changes(Oid(base), tree) for base in bases or self.tips)
        also = [{change.path for change in changes} for changes in others]
        return tuple(change for change in first if all(change.path in paths for paths in also))

    def mine(self, name: str, tip: Oid | None, changes: Iterable[Change]) -> Mine:
        """The plans of a branch: those in force, and those that only the branch has yet (`tip` None: it has none)."""
        established = plans_of(name, self.plans, self.config)
        on_branch = plans_of(name, self._plans_on(tip, changes), self.config)
        if name == self.target or not (established or on_branch):
            return Mine()
        from gitbot.plans import fold  # takes long to import, and is there already when there are plans

        known = {fold(plan.id) for plan in self.plans.plans}
        new = tuple(plan for plan in on_branch if fold(plan.id) not in known)
        notes = [f"plan {p.id} ({p.path}) is not on {self.target} yet; it counts as it is on the branch" for p in new]
        if wider := widened(established, on_branch):
            ids = " and ".join(plan.id for plan in established)
            more = ", ".join(wider[:5]) + (", …" if len(wider) > 5 else "")
            notes.append(f"plan {ids} claims more on the branch than on {self.target}, which is what counts: {more}")
        return Mine((*established, *new), tuple(notes), wider)

    def _plans_on(self, tip: Oid | None, changes: Iterable[Change]) -> PlanSet:
        """The plans that stand at `tip`; none unless it changed a plan file, for then they are the target's."""
        places = compile_patterns(self.config.plans)
        paths = (path for change in changes for path in change.paths)
        if tip is not None and any(path in self.plans.files or places.matches(path) for path in paths):
            return plans_at(self.repository, tip, self.config)
        return PlanSet()

    def judge(self, mine: tuple[Plan, ...], tip: Oid | None, changes: Iterable[Change]) -> tuple[Drift, Judgement]:
        """What a branch with these plans touches and does not claim, and what of that is refused.

        The commits up to `tip` may give a reason, the newest one counts.
        """
        drift = find_drift(self.plans, mine, changes, shared=self.config.shared, active=self._is_active)
        reasons: list[str] = []
        if tip is not None and (drift.shared or drift.unowned):
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

    def _is_active(self, plan: Plan) -> bool:
        if plan.id not in self.landed:
            from gitbot.guard.landed import landed_plans, landings  # most pushes meet no other plan's claim

            tip = self.tips[0]
            with (
                tempfile.TemporaryDirectory(prefix="gitbot-") as folder,
                Workbench(self.repository, Path(folder, "scratch"), tip) as bench,
            ):
                found = landed_plans(bench, [plan], tip, self.config, landings(self.repository, tip))
            self.landed[plan.id] = bool(found)
        return not self.landed[plan.id]


def enforcement(repository: Repository, remote: str, config_file: str | None) -> Enforcement | None:
    """What is in force here; None when there is no target to compare with. `config_file` is GITBOT_CONFIG's.

    A configuration that cannot be read is said in a note, and the defaults are in force instead: it must neither
    stand in the way of branches that have no plan, nor open the files of those that have one.
    """
    default = refs.default_target(repository)
    # A clone of one branch has the target only as the remote's.
    there = (RefName(f"{refs.REMOTES}{remote}/{name}") for name in ("main", "master"))
    target = default or next((name for name in there if refs.read(repository, name) is not None), None)
    try:
        found = in_force(repository, target if default is None else None, config_file)
        compile_patterns(found.config.shared)
    except InputError as broken:
        if target is None:
            return None
        found = InForce(Config(), target, (f"{broken.message}; the defaults are in force until this is mended",))
    plans = in_force_plans(repository, found.target, found.config)
    name = found.target.removeprefix(refs.HEADS).removeprefix(f"{refs.REMOTES}{remote}/")
    tips = (refs.read(repository, ref) for ref in (found.target, RefName(f"{refs.REMOTES}{remote}/{name}")))
    return Enforcement(
        repository=repository,
        config=found.config,
        plans=plans,
        target=name,
        tips=tuple(dict.fromkeys(tip for tip in tips if tip is not None)),
        notes=(*found.notes, *(f"{p.path}:{p.line}: {p.message}" for p in plans.problems if p.level == "error")),
    )


def checked_out(repository: Repository) -> str | None:
    """The branch that this work tree is on; None when its HEAD is detached."""
    ref = repository.attempt("symbolic-ref", "--quiet", "HEAD").stdout.decode("utf-8", "surrogateescape").strip()
    return ref.removeprefix(refs.HEADS) or None
