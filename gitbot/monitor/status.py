"""One line per live branch: how far, on what, and which conflicts are coming."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice, permutations
from typing import NamedTuple

from gitbot.config import Config
from gitbot.errors import GitError
from gitbot.guard.enforcement import Enforcement
from gitbot.guard.landed import Surveyed, enforcement_at, landings
from gitbot.guard.places import drift_report
from gitbot.journal import attendance, events, runs
from gitbot.merge.survey import NewWork, survey
from gitbot.model.event import Event, of_the_round
from gitbot.model.git import ZERO, BranchName, Change, Commit, Oid, Person, RefName
from gitbot.model.merge import Branch, Conflict, Nothing
from gitbot.model.plan import Plan, PlanId, PlanSet, fold
from gitbot.model.run import DriftReport, Landing, Outcome, Reason, Settled, Started, Undone
from gitbot.monitor.clashes import Clashes, Known, find_clashes
from gitbot.monitor.remembered import Remembered
from gitbot.monitor.standing import Standing, read_standing
from gitbot.patterns import compile_patterns
from gitbot.planset import owners, plans_in_files, plans_of, spelled
from gitbot.repository import Repository, checkouts, collisions, history, refs
from gitbot.repository.workbench import Merged, Workbench

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
    drift: DriftReport | None
    files: tuple[str, ...]
    progress: Standing  # what its agent says, and the tasks that it has done
    at_work: bool  # something of its agent's command is alive
    subjects: tuple[str, ...]  # of its own commits, the oldest first
    gate: str | None  # what the last run that tested it said: passed, failed
    uncommitted: tuple[str, ...]  # in its work tree
    uncounted: tuple[str, ...]  # those of them that the trial merges do without
    work: Oid  # the tip, or in the scratch store a commit of what is uncommitted on top of it
    new: Oid  # the same, or a commit on the target of what is new in it, where the rest has landed as other commits
    readable: bool = True


@dataclass(frozen=True, slots=True)
class Collision:
    """Two branches (or a branch and the target) that git cannot merge, and in which paths."""

    branches: tuple[BranchName, BranchName]
    paths: tuple[str, ...]
    clashes: Clashes


@dataclass(frozen=True, slots=True)
class Status:
    """The whole picture."""

    target: BranchName
    branches: tuple[BranchStatus, ...]
    collisions: tuple[Collision, ...]


def live_branches(repository: Repository, plans: PlanSet, config: Config, target: RefName) -> tuple[BranchName, ...]:
    """Every branch of a plan and every branch of a linked work tree, the target left out."""
    known = refs.branches(repository)
    folded = defaultdict[str, list[BranchName]](list)
    for name in known:
        folded[name.casefold()].append(name)
    of_plans = [name for plan in plans.plans for one in sorted(spelled(plan, config)) for name in folded[one]]
    linked = checkouts.work_trees(repository)[1:]
    of_trees = [BranchName(tree.branch.removeprefix(refs.HEADS)) for tree in linked if tree.branch is not None]
    names = dict.fromkeys(name for name in (*of_plans, *of_trees) if name in known)
    return tuple(name for name in names if known[name] != target)


def read_status(
    bench: Workbench,
    names: Sequence[BranchName],
    plans: PlanSet,
    config: Config,
    target: RefName,
    edits: Mapping[RefName, tuple[str, Sequence[str]]],
    busy: Mapping[RefName, str | None],
    *,
    hunks: bool = False,
) -> Status:
    """Look at each branch and at every pair. Writes to the workbench only.

    `edits` are the work trees and their uncommitted paths by branch, `busy` what stands still in a conflict there;
    `hunks`: which lines collide is wanted too.
    """
    repository = bench.repository
    target_tip = refs.read(repository, target)
    assert target_tip is not None
    short = BranchName(refs.shorthand(target))
    recorded = landings(repository, target_tip)
    surveyed: Surveyed = {}
    force = enforcement_at(bench, config, plans, short, target_tip, recorded, surveyed, bench.answers)
    landed = {landing.report.tip: landing.after for landing in recorded}
    known, past = refs.branches(repository), _past(repository, target, target_tip)
    log, of = of_the_round(events.read(repository)), owners(plans, config)

    def look_at(one: Branch) -> BranchStatus:
        ref = known[one.name]
        try:
            work = surveyed.get(ref) or survey(bench, one, target_tip, landed, ref)
            before = past.get((one.name, one.tip), _Past(None, None))
            found = _branch(bench, force, work, one, of(one.name), before, log, edits.get(ref, ("", ())))
            return replace(found, state="stuck", stuck=why) if (why := busy.get(ref)) else found
        except GitError as damage:
            return _unreadable(one, damage.message)

    tips = {name: refs.read(repository, known[name]) for name in names}
    there = [Branch(name, tip) for name, tip in tips.items() if tip is not None]
    branches = tuple(bench.answers(look_at, there))
    alive = [one for one in branches if one.state in ("running", "stuck", "done") or one.uncommitted]
    return Status(short, branches, tuple(_collisions(bench, alive, (short, target_tip), hunks=hunks)))


class _Past(NamedTuple):
    """What the last run that came to an end with a branch at this tip made of it."""

    aside: str | None  # why it went back
    gate: str | None  # passed or failed


def _past(repository: Repository, target: RefName, tip: Oid) -> dict[tuple[BranchName, Oid], _Past]:
    """By branch and tip, of the runs onto this target."""
    found: dict[tuple[BranchName, Oid], _Past] = {}
    for run, records in islice(runs.own(repository), RECENT):
        started = next(one for one in records if isinstance(one, Started))
        if started.request.target != target:
            continue
        left = next((one.after for one in reversed(records) if isinstance(one, Landing)), started.before)
        since = "" if left == tip else f" onto {refs.shorthand(target)} as it was then"
        undone = any(isinstance(record, Undone) for record in records)
        gated = started.request.gate is not None
        for report in (one.report for one in records if isinstance(one, Settled) and not undone):
            brief = f"; brief: {runs.file_path(repository, run, report.retry)}" if report.retry else ""
            back = report.outcome is Outcome.SET_ASIDE
            text = f"set aside by run {run}{since}: {report.why}{brief}" if back else None
            red = "failed" if report.reason is Reason.GATE else None
            gate = "passed" if report.outcome is Outcome.LANDED and gated else red
            found.setdefault((report.branch, report.tip), _Past(text, gate))
    return found


def _branch(
    bench: Workbench,
    force: Enforcement,
    work: NewWork | Nothing | Conflict,
    one: Branch,
    established: tuple[Plan, ...],
    past: _Past,
    log: Sequence[Event],
    edits: tuple[str, Sequence[str]],
) -> BranchStatus:
    repository, target, name, tip = bench.repository, force.tips[0], one.name, one.tip
    ahead, behind = history.ahead_behind(repository, tip, target)
    changes = force.changes(tip)
    history.must_be_whole(repository, tip, changes)
    mine, theirs = _plans(force, name, tip, changes, established)
    progress = read_standing(repository, force.config, name, target, tip, mine, log, theirs)
    aside = None if isinstance(work, Nothing) else past.aside
    apart = work.why if isinstance(work, Conflict) else None  # no common history
    stuck = None if isinstance(work, Nothing) and work.landed else aside or progress.stuck or apart
    at_work = attendance.is_at_work(repository, name)
    whole, left_out = _with_edits(bench, tip, *edits) if edits[1] else (tip, ())
    return BranchStatus(
        branch=name,
        plan=mine[0].id if mine else None,
        tip=tip,
        ahead=ahead,
        behind=behind,
        last=repository.commit(tip),
        tasks=progress.tasks or ((0, 0) if mine else None),
        state="stuck" if stuck else _state(work, progress, at_work=at_work),
        stuck=stuck,
        base=work.base if isinstance(work, NewWork) else None,
        drift=drift_report(repository, force.judge(mine, tip, changes)[0], changes) if mine else None,
        files=tuple(sorted({path for change in changes for path in change.paths} | {*edits[1]})),
        progress=progress,
        at_work=at_work,
        subjects=tuple(commit.subject for commit in work.own) if isinstance(work, NewWork) else (),
        gate=past.gate,
        uncommitted=tuple(edits[1]),
        uncounted=left_out,
        work=whole,
        new=_as_it_would_land(bench, work, whole, tip, target),
    )


def _as_it_would_land(bench: Workbench, work: NewWork | Nothing | Conflict, new: Oid, tip: Oid, target: Oid) -> Oid:
    """What is new of a branch, on the target, where the rest has landed as other commits; else as it is."""
    landed = tip if isinstance(work, Nothing) and work.landed and new != tip else None
    base = work.base if isinstance(work, NewWork) and work.continued else landed
    again = bench.pick(base, new, target) if base is not None else None
    if not isinstance(again, Merged):
        return new
    person = bench.repository.commit(new).committer
    return bench.write_commit(again.tree, (target,), person, person, "what is new\n")


def _unreadable(one: Branch, why: str) -> BranchStatus:
    nobody = Person("", "", 0, 0)
    return BranchStatus(
        branch=one.name,
        plan=None,
        tip=one.tip,
        ahead=0,
        behind=0,
        last=Commit(one.tip, ZERO, (), nobody, nobody, ""),
        tasks=None,
        state="stuck",
        stuck=f"unreadable: {why}",
        base=None,
        drift=None,
        files=(),
        progress=Standing(),
        at_work=False,
        subjects=(),
        gate=None,
        uncommitted=(),
        uncounted=(),
        work=one.tip,
        new=one.tip,
        readable=False,
    )


def _with_edits(bench: Workbench, tip: Oid, work_tree: str, paths: Sequence[str]) -> tuple[Oid, tuple[str, ...]]:
    """A commit in the scratch store of what a work tree holds, else the tip, and the paths that are not in it."""
    tree, left_out = checkouts.saved(bench.keeper, work_tree, bench.objects, paths)
    person = bench.repository.commit(tip).committer
    saved = bench.write_commit(tree, (tip,), person, person, "uncommitted\n") if tree is not None else tip
    return saved, tuple(sorted(left_out))


def _plans(
    force: Enforcement, name: BranchName, tip: Oid, changes: Sequence[Change], established: tuple[Plan, ...]
) -> tuple[tuple[Plan, ...], tuple[Plan, ...]]:
    """The plans that a branch goes by, and as they stand on it. Only files that differ from the target's are read.

    `established` are those that it has on the target.
    """
    repository, plans = force.repository, force.plans
    files, places = {*plans.files}, compile_patterns(force.config.plans)
    other = {path for path in repository.changed_paths(force.tips[0], tip) if path in files or places.matches(path)}
    if not other:
        return established, established
    files = other | {plan.path for plan in established}
    theirs = plans_of(name, plans_in_files(repository, repository.tree_of(tip), files), force.config)
    if {fold(plan.id) for plan in theirs} <= {fold(plan.id) for plan in plans.plans}:
        return established, theirs
    return force.mine(name, tip, changes).plans, theirs


def _collisions(
    bench: Workbench, alive: Sequence[BranchStatus], target: tuple[BranchName, Oid], *, hunks: bool
) -> Iterator[Collision]:
    """All pairs that collide, each once, in order, and each branch with the target."""
    near = defaultdict[int, list[BranchStatus]](list)
    for at, other in collisions.may_meet([_touched(bench.repository, one) for one in alive]):
        near[at].append(alive[other])
    pairs: list[tuple[BranchName, BranchName, tuple[Oid, Oid]]] = []
    for number, one in enumerate(alive):
        pairs += [(one.branch, two.branch, _sides(bench.repository, one, two)) for two in near[number]]
        pairs.append((one.branch, target[0], (one.new, target[1])))
    tried = Remembered(bench, target[1]).conflicting_paths([sides for _, _, sides in pairs])
    known: Known = {}
    for (first, second, sides), paths in zip(pairs, tried, strict=True):
        if paths:
            clashes = find_clashes(bench, *sides, known) if hunks and paths != (".",) else Clashes()
            yield Collision((first, second), paths, clashes)


def _sides(repository: Repository, one: BranchStatus, other: BranchStatus) -> tuple[Oid, Oid]:
    """What of two branches is merged: all where one stands on the other and has its changes too."""
    apart = one.new == one.work and other.new == other.work
    stacked = not apart and any(history.contains(repository, *tips) for tips in permutations((one.tip, other.tip)))
    return (one.work, other.work) if stacked else (one.new, other.new)


def _touched(repository: Repository, one: BranchStatus) -> set[str]:
    """The paths that a branch touches, and the folders which it leaves nothing of: what others add there may move."""
    folders = {folder for path in one.files for folder in collisions.folders_of(path)}
    tree = repository.tree_of(one.work) if folders else ZERO
    return {*one.files, *(folder for folder in folders if repository.entry(tree, folder) is None)}


def _state(work: object, progress: Standing, *, at_work: bool) -> str:
    if isinstance(work, Nothing):
        return "landed" if work.landed else "running" if at_work else "idle"
    return "done" if progress.done else "running"
