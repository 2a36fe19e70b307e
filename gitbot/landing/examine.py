"""One branch before one target commit: what is new in it, whose files it touches, and how it would land."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from operator import itemgetter

from gitbot.config import Config
from gitbot.errors import GitError
from gitbot.guard.drift import Drift, Judgement
from gitbot.guard.enforcement import Enforcement
from gitbot.guard.places import drift_report
from gitbot.journal import approvals
from gitbot.landing.partner import foresee
from gitbot.landing.queue import Examined
from gitbot.merge.commands import Commands
from gitbot.merge.rungs import Manner
from gitbot.merge.situation import Situation
from gitbot.merge.strategies import propose
from gitbot.merge.survey import NewWork, survey
from gitbot.model.git import BranchName, Change, Oid, Person, RefName, fits_checkout
from gitbot.model.merge import Branch, Conflict, ConflictedPath, Strategy, Submitted
from gitbot.model.plan import Access, Plan, PlanSet, Source
from gitbot.model.run import DriftReport
from gitbot.patterns import compile_patterns
from gitbot.repository import Repository
from gitbot.repository.reading import GITLINK
from gitbot.repository.workbench import Workbench

MOST_SETTLED = 4 << 20  # bytes in conflict between pairs that are tried to be settled, about half a minute's work
LEAST = 1 << 14  # bytes that a pair counts for at least; beyond what is tried each conflict keeps the other out
MOST_PAIRS = 4000  # beyond it the order is the command line's: so many trial merges cost more than they give


Near = Mapping[BranchName, frozenset[BranchName]]
"""For each branch the others that something connects it with; none where there is nothing."""


@dataclass(frozen=True, slots=True)
class Examination:
    """What is known of a branch on one target commit."""

    found: Examined
    base: Oid | None = None  # where its new work starts
    changes: tuple[Change, ...] = ()
    drift: Drift | None = None
    widened: tuple[str, ...] = ()
    judgement: Judgement = field(default_factory=Judgement)
    unapproved: str | None = None  # why a person has to say yes first, and nobody has

    def drift_report(self, repository: Repository) -> DriftReport | None:
        """The drift with its lines."""
        return drift_report(repository, self.drift, self.changes) if self.drift is not None else None


@dataclass(frozen=True, slots=True)
class Examiner:
    """Everything about a run that examining a branch needs."""

    repository: Repository
    bench: Workbench
    force: Enforcement  # configuration, plans, and which of them have landed
    strategies: tuple[Strategy, ...]
    manner: Manner
    committer: Person
    landed: dict[Oid, Oid]  # tips that this run and earlier ones have landed, and by which commit
    refs: Mapping[BranchName, RefName]
    commands: Commands
    additive: Callable[[str], bool]  # whether both sides may be kept in a path
    owned_twice: Callable[[str], str | None]
    patches: Mapping[BranchName, Submitted] = field(default_factory=dict)  # the branches that are patches

    def examine(self, branch: Branch, onto: Oid) -> Examination:
        """Survey, ownership and candidates of one branch; what may not land is not merged first."""
        patch = self.patches.get(branch.name)
        if patch is not None and patch.misfit is not None:
            return Examination(_conflict(branch, onto, patch.misfit))
        self.bench.stand_on(onto)
        work = survey(self.bench, branch, onto, self.landed, self.refs.get(branch.name))
        if not isinstance(work, NewWork):
            return Examination(work)
        changes = self.repository.changes(work.base, branch.tip)
        path = next((path for change in changes for path in change.paths if not fits_checkout(path)), None)
        if path is not None:
            impossible = ConflictedPath(path, "path", refused="no checkout can have it")
            return Examination(_conflict(branch, onto, impossible))
        mine = self.force.mine(patch.stands_for if patch is not None else branch.name, branch.tip, changes)
        drift, judgement = self._judge(mine.plans, branch.tip, onto, changes)
        if judgement.refused:
            stopped = Conflict(branch.name, branch.tip, onto, (), judgement.refused[0])
            return Examination(stopped, work.base, changes, drift, mine.wider, judgement)
        found = self._propose(branch, onto, work)
        asked = approvals.needs_approval(self.force.config, changes)
        trusting = self.force.config.gate.trust_remote
        if asked and approvals.is_approved(self.repository, work.base, branch.tip, trust_remote=trusting):
            asked = None
        return Examination(found, work.base, changes, drift, mine.wider, judgement, asked)

    def _judge(
        self, plans: tuple[Plan, ...], tip: Oid, onto: Oid, changes: Sequence[Change]
    ) -> tuple[Drift | None, Judgement]:
        """As at push: also where branch and target were merged into each other, only what is the branch's counts."""
        if not plans:
            return None, Judgement()
        drift, judgement = self.force.judge(plans, tip, changes)
        if not judgement.refused:
            return drift, judgement
        own = {change.path for change in replace(self.force, tips=(onto,)).changes(tip)}
        return self.force.judge(plans, tip, [change for change in changes if change.path in own])

    def _propose(self, branch: Branch, onto: Oid, work: NewWork, *, trial: bool = False) -> Examined:
        situation = Situation(
            bench=self.bench,
            branch=branch,
            onto=onto,
            work=work,
            committer=self.committer,
            linear=self.force.config.integrate.history == "linear",
            manner=self.manner,
            additive=self.additive,
            rebase_merges=self.force.config.integrate.merges == "rebase",
            commands=replace(self.commands, dry=True) if trial else self.commands,
            owned_twice=self.owned_twice,
            trial=trial,
        )
        try:
            return propose(situation, self.strategies)
        except GitError as refused:
            path = ConflictedPath(".", "cannot be merged")
            return Conflict(branch.name, branch.tip, onto, (path,), refused.message)

    def works(self, branches: Sequence[Branch], onto: Oid) -> dict[Branch, NewWork]:
        """What each branch has to land; those that have nothing are left out."""
        found = ((one, survey(self.bench, one, onto, self.landed, self.refs.get(one.name))) for one in branches)
        return {branch: work for branch, work in found if isinstance(work, NewWork)}

    def rivals(self, works: Mapping[Branch, NewWork]) -> Near:
        """For each branch those that it would keep out, by trial merges of those whose files meet."""
        touched = {one.name: self.repository.changed_paths(work.base, one.tip) for one, work in works.items()}
        pairs = [(a, b) for a, b in combinations(works, 2) if touched[a.name] & touched[b.name]]
        tried = pairs if len(pairs) <= MOST_PAIRS else []
        sizes = ((self._conflict(a, b), a, b) for a, b in tried)
        found: list[tuple[BranchName, BranchName]] = []
        left = MOST_SETTLED
        for size, first, second in sorted(filter(itemgetter(0), sizes), key=itemgetter(0)):
            left -= size
            if left < 0 or self._keeps_out(first, second):
                found.append((first.name, second.name))
        return _near(found)

    def hints(self, works: Mapping[Branch, NewWork]) -> Near:
        """For each branch those of the others that it may not fit, though git merges them."""
        ends = [(one.name, work.base, one.tip) for one, work in works.items()]
        found, _ = foresee(self.bench, ends, BranchName(self.force.target))
        return _near((name, hint.partner) for name, hint in found if name and hint.partner)

    def _conflict(self, first: Branch, second: Branch) -> int:
        """How many bytes the files have in which two branches conflict, each pair at least a few; 0 if none do."""
        paths = self.bench.conflicting_paths(first.tip, second.tip)
        found = filter(None, (self.repository.entry(first.tip, path) for path in paths))
        return max(LEAST, sum(self.repository.size(oid) for oid, mode in found if mode != GITLINK)) if paths else 0

    def _keeps_out(self, first: Branch, second: Branch) -> bool:
        work = survey(self.bench, second, first.tip, {}, None)
        return isinstance(work, NewWork) and isinstance(self._propose(second, first.tip, work, trial=True), Conflict)


def _conflict(branch: Branch, onto: Oid, path: ConflictedPath) -> Conflict:
    return Conflict(branch.name, branch.tip, onto, (path,), f"{path.path}: {path.refused}")


def _near(pairs: Iterable[tuple[BranchName, BranchName]]) -> Near:
    found = defaultdict[BranchName, set[BranchName]](set)
    for one, other in pairs:
        found[one].add(other)
        found[other].add(one)
    return defaultdict(frozenset, ((name, frozenset(others)) for name, others in found.items()))


def additive_paths(config: Config, plans: PlanSet) -> Callable[[str], bool]:
    """Whether both sides may be kept in a path: declared additive or shared by configuration or by any plan."""
    patterns: Iterable[str] = (
        *config.additive,
        *config.shared,
        *(claim.pattern for claim in plans.shared),
        *(claim.pattern for plan in plans.plans for claim in plan.patterns(Access.SHARED)),
    )
    matcher = compile_patterns(dict.fromkeys(pattern for pattern in patterns if not pattern.startswith("!")))
    return matcher.matches


def owned_twice(plans: PlanSet) -> Callable[[str], str | None]:
    """For a path that several plans declare as their own: their names, as far as two."""
    own = [
        (plan.id, compile_patterns([claim.pattern for claim in plan.patterns(Access.OWN, Source.DECLARED)]))
        for plan in plans.plans
    ]

    def owners(path: str) -> str | None:
        names = [name for name, patterns in own if patterns.matches(path)]
        return f"plans {names[0]} and {names[1]}" if len(names) > 1 else None

    return owners
