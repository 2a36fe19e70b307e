"""A run from its first record to its last: started anew, or picked up where a kill left it."""

from __future__ import annotations

import secrets
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import msgspec

from gitbot import preflight
from gitbot.config import Config, as_table, from_table
from gitbot.errors import RiskError, TargetRedError, UnknownBranchError
from gitbot.guard.landed import enforcement_at, landings
from gitbot.journal import pins, results, runs
from gitbot.journal.lock import only_writer, sweep
from gitbot.journal.runs import Journal
from gitbot.landing import document, recovery
from gitbot.landing.examine import Examiner, additive_paths, owned_twice
from gitbot.landing.loop import Loop, Progress
from gitbot.landing.order import Place, landing_order
from gitbot.merge.commands import Commands
from gitbot.merge.rungs import Manner
from gitbot.model.git import BranchName, Oid, Person, RefName
from gitbot.model.merge import Branch, Strategy
from gitbot.model.plan import Plan, PlanId, PlanSet
from gitbot.model.run import (
    Delivered,
    Entry,
    Finished,
    Landing,
    Record,
    Request,
    Run,
    RunId,
    Started,
    Undone,
)
from gitbot.planset import in_force_plans, plans_in, plans_of
from gitbot.process import undisturbed
from gitbot.repository import Repository, checkouts, refs
from gitbot.repository.workbench import Workbench

_ORDERS = ("plan", "event", "commit")  # kinds of edges that make one branch wait for another's landing


def integrate(
    repository: Repository,
    resolve: Callable[[], Sequence[Branch]],
    request: Request,
    config: Config,
    env: Mapping[str, str],
    *,
    dry_run: bool,
    progress: Progress,
    deliver: Callable[[Run], None],
) -> Run:
    """Bring every branch that `resolve` names to its end, and hand the document to `deliver`.

    A killed run of the same request is picked up with the branches as it had pinned them. The run is over when
    `deliver` is: until then the same request gives the same document again.

    Raises:
        LockedError: another run is under way.
        NoIdentityError: git does not know in whose name to write.
    """
    named = _named(repository, resolve, request)
    with ExitStack() as held:
        if dry_run:
            scratch = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="gitbot-"))) / "scratch"
        else:
            held.enter_context(only_writer(repository))
            scratch = repository.common / "gitbot" / "scratch"
            _tidy_up(repository)
        before = refs.read(repository, request.target)
        assert before is not None
        with Workbench(repository, scratch, before) as bench:
            journal = None if dry_run else _picked_up(repository, bench, request, env, progress)
            if journal is None:
                started = _start(repository, bench, named, request, config)
                journal = None if dry_run else _begun(repository, started)
            else:
                started = journal.started
                progress(f"going on with run {started.run}")
                _bring_back(repository, journal, started)
            loop = _loop(repository, bench, started, journal, env, progress)
            if not any(isinstance(record, Finished) for record in loop.records):
                _carry_out(loop)
        run = document.fold(loop.records, dry_run=dry_run, after=loop.tip)
        deliver(run)
        if journal is not None:
            journal.append(Delivered(time=time.time()))
        return run


def _tidy_up(repository: Repository) -> None:
    """Stale locks of a killed run, what has expired, and a checkout that did not follow the last landing."""
    records = next((records for _, records in runs.own(repository)), ())
    sweep(repository, recovery.open_intent(records))
    pins.let_go(repository, "refs/gitbot/pin/", time.time())
    results.let_go(repository, time.time())
    last = next((record for record in reversed(records) if isinstance(record, Landing)), None)
    if last is None or refs.read(repository, last.ref) != last.after:
        return
    for tree in checkouts.showing(repository, last.ref):
        if checkouts.lags(repository, tree.path, last.before):
            with undisturbed():
                checkouts.follow(repository, tree.path, last.before, last.after)


def _named(repository: Repository, resolve: Callable[[], Sequence[Branch]], request: Request) -> Sequence[Branch]:
    """The branches; a name that is gone may still be one that a killed run of this request has pinned."""
    try:
        return resolve()
    except UnknownBranchError:
        _, records = next(runs.own(repository), (None, ()))
        over = any(isinstance(record, Finished | Delivered | Undone) for record in records)
        if over or not records or not isinstance(records[0], Started) or records[0].request != request:
            raise
        return ()


def _carry_out(loop: Loop) -> None:
    try:
        loop.go()
    except (RiskError, TargetRedError) as stopped:
        loop.finish("stopped", stopped)
    else:
        loop.finish()


def _begun(repository: Repository, started: Started) -> Journal:
    journal = Journal(repository, started.run)
    for entry in started.entries:
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
    examiner = _examiner(repository, bench, started, config, env, dry=journal is None)
    records: list[Record] = list(journal.records) if journal is not None else [started]
    loop = Loop(repository, bench, examiner, started, config, env, journal, progress, records, tip=started.before)
    loop.recent = landings(repository, started.before)
    return loop


def _examiner(
    repository: Repository, bench: Workbench, started: Started, config: Config, env: Mapping[str, str], *, dry: bool
) -> Examiner:
    request = started.request
    plans = _plans(repository, request, config, started.before)
    recorded = landings(repository, started.before)
    force = enforcement_at(bench, config, plans, request.target.removeprefix(refs.HEADS), started.before, recorded)
    force.landed.update((entry.plan, False) for entry in started.entries if entry.plan is not None)
    return Examiner(
        repository=repository,
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
    )


def _plans(repository: Repository, request: Request, config: Config, before: Oid) -> PlanSet:
    if request.plans is not None:
        root = repository.work_tree or repository.common
        return plans_in(repository, root, (request.plans,), config)
    return in_force_plans(repository, request.target, config, at=before)


# Starting


def _start(
    repository: Repository, bench: Workbench, named: Sequence[Branch], request: Request, config: Config
) -> Started:
    now = time.time()
    run = RunId(time.strftime("%Y%m%dT%H%M%SZ-", time.gmtime(now)) + secrets.token_hex(2))
    before = refs.read(repository, request.target)
    assert before is not None
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
    entries = _entries(_examiner(repository, bench, draft, config, {}, dry=True), named, before, run)
    return msgspec.structs.replace(draft, entries=entries)


def _entries(examiner: Examiner, named: Sequence[Branch], before: Oid, run: RunId) -> tuple[Entry, ...]:
    plans, config = examiner.force.plans, examiner.force.config
    around = preflight.Surroundings(files=None, shared=config.shared, additive=config.additive)
    checked = preflight.check(plans, around) if plans.plans else None
    phase_of = {plan: number for number, phase in enumerate(checked.phases if checked else ()) for plan in phase}
    mine = {one.name: plans_of(one.name, plans, config) for one in named}
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
            )
        )
    return _ordered(examiner, drafts, mine, before)


def _ordered(
    examiner: Examiner, drafts: Sequence[Entry], mine: Mapping[BranchName, tuple[Plan, ...]], before: Oid
) -> tuple[Entry, ...]:
    rivals = examiner.rivals([Branch(e.name, e.tip, e.plan, e.title, e.strategy) for e in drafts], before)
    places = [
        Place(e.name, e.phase, e.needs, max((p.priority for p in mine[e.name]), default=0), rivals[e.name])
        for e in drafts
    ]
    by_name = {entry.name: entry for entry in drafts}
    return tuple(msgspec.structs.replace(by_name[name], order=why) for name, why in landing_order(places).items())


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
    repository: Repository, bench: Workbench, request: Request, env: Mapping[str, str], progress: Progress
) -> Journal | None:
    """The killed run that this request goes on with; a killed run of another request is closed first."""
    run = runs.latest(repository)
    journal = Journal(repository, run) if run is not None else None
    if journal is None or any(isinstance(record, Delivered | Undone) for record in journal.records):
        return None
    started = journal.started
    finished = next((record for record in journal.records if isinstance(record, Finished)), None)
    if finished is None and started.request == request:
        return journal
    if finished is None:
        _loop(repository, bench, started, journal, env, progress).close_interrupted()
        return None
    same = started.request == request and finished.state != "interrupted"
    return journal if same and _nothing_new(repository, started, finished) else None


def _nothing_new(repository: Repository, started: Started, finished: Finished) -> bool:
    """Whether target and branches are where a run that nobody was told of has left them."""
    known = refs.branches(repository)
    tips = {entry.name: refs.read(repository, known[entry.name]) for entry in started.entries if entry.name in known}
    return refs.read(repository, started.request.target) == finished.after and all(
        tips.get(entry.name) in (entry.tip, finished.after) for entry in started.entries
    )
