"""A run from its first record to its last: started anew, or picked up where a kill left it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from itertools import islice

import msgspec

from gitbot import preflight
from gitbot.config import Config, as_table, from_table
from gitbot.errors import RiskError, TargetRedError, UnknownBranchError
from gitbot.guard.landed import enforcement_at, landings
from gitbot.journal import pins, results, runs
from gitbot.journal.lock import only_writer
from gitbot.journal.runs import Journal
from gitbot.landing import document, undo
from gitbot.landing.announce import announce
from gitbot.landing.chances import REACH, chances, confirmations, features, past_of
from gitbot.landing.examine import Examiner, additive_paths, owned_twice
from gitbot.landing.following import catch_up
from gitbot.landing.loop import Loop
from gitbot.landing.order import Place, landing_order
from gitbot.landing.submitted import branches_of
from gitbot.landing.testing import Tester
from gitbot.merge.commands import Commands
from gitbot.merge.rungs import Manner
from gitbot.model.git import BranchName, Oid, Person, RefName
from gitbot.model.merge import Branch, Strategy
from gitbot.model.plan import Plan, PlanId, PlanSet
from gitbot.model.progress import Began, Ended, Progress
from gitbot.model.run import (
    Delivered,
    Entry,
    Finished,
    Record,
    Request,
    Run,
    RunId,
    Settled,
    Started,
    Undone,
)
from gitbot.planset import in_force_plans, plans_in, plans_of
from gitbot.repository import Repository, history, pool, refs
from gitbot.repository.patches import Submission
from gitbot.repository.remotes import landing_place, place_of
from gitbot.repository.temporary import temporary_folder
from gitbot.repository.workbench import Workbench

_ORDERS = ("plan", "event", "commit")  # kinds of edges that make one branch wait for another's landing


def integrate(
    repository: Repository,
    resolve: Callable[[], Sequence[Branch]],
    asked: Callable[[Config], Request],
    config: Config,
    env: Mapping[str, str],
    *,
    dry_run: bool,
    progress: Progress,
    deliver: Callable[[Run], None],
    patches: Sequence[Submission] = (),
) -> Run:
    """Bring every branch that `resolve` names, and every patch, to its end, and hand the document to `deliver`.

    `asked` is the request as a configuration completes it. A killed run of the same one is picked up, with its own
    configuration and the branches as it had pinned them. The run is over when `deliver` is: until then the same
    request gives the same document again.

    Raises:
        LockedError: another run is under way.
        NoIdentityError: git does not know in whose name to write.
    """
    request = asked(config)
    named = _named(repository, resolve, asked)
    with ExitStack() as held:
        if dry_run:
            scratch = held.enter_context(temporary_folder()) / "scratch"
        else:
            held.enter_context(only_writer(repository))
            scratch = repository.common / "gitbot" / "scratch"
            _tidy_up(repository)
        place = place_of(repository, request.target)
        before = refs.read(repository, place.ref) if dry_run else place.read()
        if before is None:
            raise UnknownBranchError(f"the target {place.name} is gone", hint="name another with --into")
        with Workbench(repository, scratch, before) as bench:
            if request.land is not None:  # what an earlier run has put there is no other branch's work
                beside = landing_place(repository, request.target, request.land)
                bench.repository.replaced = frozenset({beside.shown})
            journal = None if dry_run else _picked_up(repository, bench, asked, env, progress)
            if journal is None:
                started = _start(repository, bench, named, patches, request, config, before)
                journal = None if dry_run else _begun(repository, bench, started)
            else:
                started = journal.started
                _bring_back(repository, journal, started)
            loop = _loop(repository, bench, started, journal, env, progress)
            _announce(loop)
            if not any(isinstance(record, Finished) for record in loop.records):
                _carry_out(loop)
        run = document.fold(loop.records, dry_run=dry_run, after=loop.tip)
        if journal is not None:
            announce(repository, journal.records)
        deliver(run)
        if journal is not None:
            journal.append(Delivered(time=time.time()))
        return run


def _tidy_up(repository: Repository) -> None:
    """What has expired, an undo that was killed, and a checkout that did not follow the target."""
    pins.let_go(repository, "refs/gitbot/pin/", time.time(), runs.latest(repository))  # which may be gone on with
    results.let_go(repository, time.time())
    pool.sweep(repository, time.time())
    undo.settle(repository)
    catch_up(repository)


def _named(
    repository: Repository, resolve: Callable[[], Sequence[Branch]], asked: Callable[[Config], Request]
) -> Sequence[Branch]:
    """The branches; a name that is gone may still be one that a killed run of this request has pinned."""
    try:
        return resolve()
    except UnknownBranchError:
        _, records = next(runs.own(repository), (None, ()))
        over = any(isinstance(record, Finished | Delivered | Undone) for record in records)
        if over or not records or not isinstance(records[0], Started) or not _is_that_of(records[0], asked):
            raise
        return ()


def _is_that_of(started: Started, asked: Callable[[Config], Request]) -> bool:
    """Whether the same was asked for; what has landed since may have changed the configuration."""
    return asked(from_table(started.config)) == started.request


def _announce(loop: Loop) -> None:
    """Who watches hears what the run is about; of one that goes on also what has ended."""
    started = loop.started
    names = tuple(entry.name for entry in started.entries)
    target = BranchName(refs.shorthand(started.request.target))
    resumed = len(loop.records) > 1
    loop.progress(
        Began(
            run=started.run,
            target=target,
            before=started.before,
            branches=names,
            jobs=loop.workers,
            resumed=resumed,
        )
    )
    for record in loop.records:
        if isinstance(record, Settled):
            loop.progress(Ended(report=record.report))


def _carry_out(loop: Loop) -> None:
    try:
        loop.go()
    except (RiskError, TargetRedError) as stopped:
        loop.finish("stopped", stopped)
    else:
        loop.finish()


def _begun(repository: Repository, bench: Workbench, started: Started) -> Journal:
    journal = Journal(repository, started.run)
    for entry in started.entries:
        if entry.patch is not None:
            bench.promote(entry.tip)
        pins.pin(repository, entry.pin, entry.tip, started.before)
    journal.append(msgspec.structs.replace(started, clone=runs.mark_clone(repository)))
    return journal


def _loop(
    repository: Repository,
    bench: Workbench,
    started: Started,
    journal: Journal | None,
    env: Mapping[str, str],
    progress: Progress,
) -> Loop:
    config = from_table(started.config)
    good, rate = results.flake_rate(repository)
    asked = config.gate.confirm
    return Loop(
        repository=repository,
        bench=bench,
        examiner=_examiner(repository, bench, started, config, env, dry=journal is None),
        started=started,
        tester=Tester(bench, repository, started, config, env, runs.clone_id(repository)),
        place=place_of(repository, started.request.target),
        journal=journal,
        progress=progress,
        confirm=confirmations(good, rate) if asked == "auto" else asked,
        records=list(journal.records) if journal is not None else [started],
        recent=landings(repository, started.before),
        earlier=_earlier(repository, started.run),
        tip=started.before,
    )


def _earlier(repository: Repository, run: RunId | None = None) -> tuple[Sequence[Record], ...]:
    """The records of this clone's runs, newest first, without those of one."""
    return tuple(records for one, records in islice(runs.own(repository), REACH) if one != run)


def _examiner(
    repository: Repository, bench: Workbench, started: Started, config: Config, env: Mapping[str, str], *, dry: bool
) -> Examiner:
    request = started.request
    plans = _plans(repository, request, config, started.before)
    recorded = landings(repository, started.before)
    force = enforcement_at(bench, config, plans, refs.shorthand(request.target), started.before, recorded)
    force.landed.update((entry.plan, False) for entry in started.entries if entry.plan is not None)
    return Examiner(
        repository=bench.repository,
        bench=bench,
        force=force,
        strategies=request.strategies,
        manner=Manner(request.accept_both),
        committer=Person(*started.identity, int(started.time), started.offset),
        landed={landing.report.tip: landing.after for landing in recorded},  # the run's own come to it
        refs=refs.branches(repository),
        commands=Commands(repository, bench, config, env, dry),
        additive=additive_paths(config, plans),
        owned_twice=owned_twice(plans),
        patches={entry.name: entry.patch for entry in started.entries if entry.patch is not None},
    )


def _plans(repository: Repository, request: Request, config: Config, before: Oid) -> PlanSet:
    if request.plans is not None:
        root = repository.work_tree or repository.common
        return plans_in(repository, root, (request.plans,), config)
    return in_force_plans(repository, request.target, config, at=before)


# Starting


def _start(
    repository: Repository,
    bench: Workbench,
    named: Sequence[Branch],
    patches: Sequence[Submission],
    request: Request,
    config: Config,
    before: Oid,
) -> Started:
    now = time.time()
    run = runs.fresh_id(repository, now)
    draft = Started(
        run=run,
        time=now,
        request=request,
        before=before,
        identity=repository.identity(),
        offset=time.localtime(now).tm_gmtoff // 60,
        entries=(),
        config=as_table(config),
    )
    examiner = _examiner(repository, bench, draft, config, {}, dry=True)
    plans, earlier = examiner.force.plans, _earlier(repository)
    named = (*named, *branches_of(bench, patches, before, examiner.committer, plans, config, earlier))
    entries = _entries(examiner, named, before, run)
    return msgspec.structs.replace(draft, entries=entries)


def _entries(examiner: Examiner, named: Sequence[Branch], before: Oid, run: RunId) -> tuple[Entry, ...]:
    plans, config = examiner.force.plans, examiner.force.config
    around = preflight.Surroundings(files=None, shared=config.shared, additive=config.additive)
    checked = preflight.check(plans, around) if plans.plans else None
    phase_of = {plan: number for number, phase in enumerate(checked.phases if checked else ()) for plan in phase}
    mine = {one.name: plans_of(one.stands_for, plans, config) for one in named}
    branch_of_plan = {plan.id: one.name for one in named for plan in mine[one.name]}
    landed = {plan for plan, done in examiner.force.landed.items() if done}
    needed: dict[BranchName, list[PlanId]] = {one.name: [] for one in named}
    for edge in checked.edges if checked else ():
        if edge.kind in _ORDERS and edge.after in branch_of_plan:
            needed[branch_of_plan[edge.after]].append(edge.before)
    drafts: list[Entry] = []
    for number, one in enumerate(named, 1):
        plan = next(iter(mine[one.name]), None)
        needs = {branch_of_plan[p] for p in needed[one.name] if p in branch_of_plan} - {one.name}
        missing = [p for p in dict.fromkeys(needed[one.name]) if p not in branch_of_plan and p not in landed]
        drafts.append(
            Entry(
                name=one.name,
                tip=one.tip,
                plan=plan.id if plan else None,
                title=(plan.title or None) if plan else None,
                strategy=_strategy(one.name, plan, config),
                needs=tuple(sorted(needs)),
                missing=tuple(f"plan {p}" for p in missing),
                phase=max((phase_of.get(p.id, 0) for p in mine[one.name]), default=0),
                backup=RefName(f"refs/gitbot/backup/{run}/{number:03d}"),
                patch=one.patch,
            )
        )
    return _ordered(examiner, drafts, mine, before)


def _ordered(
    examiner: Examiner, drafts: Sequence[Entry], mine: Mapping[BranchName, tuple[Plan, ...]], before: Oid
) -> tuple[Entry, ...]:
    works = examiner.works([Branch(e.name, e.tip, e.plan, e.title, e.strategy) for e in drafts], before)
    rivals, hints = examiner.rivals(works), examiner.hints(works)
    touched = {one.name: examiner.repository.changed_paths(work.base, one.tip) for one, work in works.items()}
    likely = _likely(examiner.repository, drafts, mine, touched)
    priority = {name: max((plan.priority for plan in plans), default=0) for name, plans in mine.items()}
    places = [
        Place(e.name, e.phase, e.needs, priority[e.name], rivals[e.name], hints[e.name], likely[e.name].chance)
        for e in drafts
    ]
    order = landing_order(places)
    names = [*order]
    behind = {name: tuple(one for one in names[:at] if one in rivals[name]) for at, name in enumerate(names)}
    return tuple(msgspec.structs.replace(likely[n], order=why, behind=behind[n]) for n, why in order.items())


def _likely(
    repository: Repository,
    drafts: Sequence[Entry],
    mine: Mapping[BranchName, tuple[Plan, ...]],
    touched: Mapping[BranchName, frozenset[str]],
) -> dict[BranchName, Entry]:
    """The entries with all that tells how likely each is to be red, and with whom it shares files."""
    agents = {e.name: next((plan.agent for plan in mine[e.name] if plan.agent), None) for e in drafts}
    known = [features(e.name, agents[e.name], touched.get(e.name, ())) for e in drafts]
    odds = chances(past_of(_earlier(repository)), known)
    return {
        e.name: msgspec.structs.replace(
            e,
            agent=one.agent,
            areas=one.areas,
            chance=round(chance, 3),
            near=tuple(
                name for name, paths in touched.items() if name != e.name and paths & touched.get(e.name, frozenset())
            ),
        )
        for e, one, chance in zip(drafts, known, odds, strict=True)
    }


def _strategy(name: BranchName, plan: Plan | None, config: Config) -> Strategy | None:
    rule = config.integrate.branches.get(name)
    if rule is not None:
        return rule.strategy
    if plan is not None and plan.strategy in set(Strategy):
        return Strategy(plan.strategy)
    return config.integrate.strategy if config.integrate.strategy is not Strategy.AUTO else None


def _bring_back(repository: Repository, journal: Journal, started: Started) -> None:
    """What a killed run had pinned is there again even if the branch was deleted since; its files too."""
    for entry in started.entries:
        pin = entry.pin
        if repository.resolve(entry.tip) is None and refs.read(repository, pin) is not None:
            pins.restore(repository, pin)
    for name, data in journal.files():
        if not runs.file_path(repository, started.run, name).exists():
            runs.keep_file(repository, started.run, name, data)


# What is known from before


def _picked_up(
    repository: Repository,
    bench: Workbench,
    asked: Callable[[Config], Request],
    env: Mapping[str, str],
    progress: Progress,
) -> Journal | None:
    """The killed run that this request goes on with; a killed run of another request is closed first."""
    run = runs.latest(repository)
    journal = Journal(repository, run) if run is not None else None
    if journal is None or any(isinstance(record, Delivered | Undone) for record in journal.records):
        return None
    started = journal.started
    finished = next((record for record in journal.records if isinstance(record, Finished)), None)
    if finished is None and _is_that_of(started, asked):
        return journal
    if finished is None:
        _loop(repository, bench, started, journal, env, progress).close_interrupted()
    announce(repository, journal.records)
    if finished is None or finished.state == "interrupted" or not _is_that_of(started, asked):
        return None
    return journal if _nothing_new(repository, started, finished) else None


def _nothing_new(repository: Repository, started: Started, finished: Finished) -> bool:
    """Whether the target is where a run that nobody was told of has left it, and the branches bring it no more."""
    known, after = refs.branches(repository), finished.after
    if after is None or place_of(repository, started.request.target).read() != after:
        return False
    entries = [one for one in started.entries if one.patch is None and one.name in known]
    tips = [(one.tip, refs.read(repository, known[one.name])) for one in entries]
    return all(now == tip or history.contains(repository, after, now) for tip, now in tips if now is not None)
