"""What is wrong between plans as they are written: collisions, waits that mean nothing, claims that contradict."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from gitbot.fileclasses import advice, file_class
from gitbot.model.plan import Access, Claim, Source
from gitbot.model.preflight import Finding, Level, Location, Severity
from gitbot.patterns import PatternList, compile_patterns, witness
from gitbot.preflight.overlap import Kind
from gitbot.preflight.rules.situation import Situation, about, is_unknown, listed, of_kind, rule
from gitbot.preflight.stakes import Stake, inside


@rule(Level.ERROR)
def unreadable_plan(situation: Situation) -> Iterator[Finding]:
    """A plan's text could not be read.

    The other plans were checked all the same, but conflicts with this one are unknown.
    """
    for problem in situation.given.problems:
        place = Location(problem.path, problem.line, problem.column)
        yield Finding(problem.rule, Level(problem.level), problem.message, locations=(place,), hint=problem.hint)


@rule(Level.ERROR)
def duplicate_plan(situation: Situation) -> Iterator[Finding]:
    """Two plans have the same id.

    Ids are compared without case and without `PLAN-`, `Agent ` and `agent-` in front. Files in one folder
    with the same id are parts of one plan; anywhere else one of them needs another `plan:` key.
    """
    known = {(problem.path, problem.line) for problem in situation.given.problems if problem.rule == "duplicate-plan"}
    hint = "give one of them another id: `plan: …` in its front matter"
    for later, first in situation.renamed:
        places = (Location(later.path, later.line), Location(first.path, first.line))
        if (later.path, later.line) not in known:
            message, pair = f"two plans are called {first.id}", (first.id, later.id)
            yield Finding("duplicate-plan", Level.ERROR, message, pair, locations=places, hint=hint)


@rule(Level.ERROR)
def dependency_cycle(situation: Situation) -> Iterator[Finding]:
    """Plans wait for each other in a circle.

    None of these plans could ever start. They are placed one per phase in the order of their ids so that
    each still has a place, but one of the lines that are listed has to go.
    """
    hint = "take one of these lines out, or turn a wait for a whole plan into one for an event"
    for loop in situation.loops:
        circle = set(loop)
        edges = [edge for edge in situation.edges if edge.before in circle and edge.after in circle]
        places = tuple(dict.fromkeys(Location(edge.path, edge.line) for edge in edges))
        waits = listed(dict.fromkeys(f"{edge.after} for {edge.before}" for edge in edges))
        message = f"{listed(loop)} wait for each other: {waits}"
        yield Finding("dependency-cycle", Level.ERROR, message, loop, locations=places, hint=hint)


@rule(Level.ERROR)
def unknown_dependency(situation: Situation) -> Iterable[Finding]:
    """A plan waits for something that nothing here is called.

    A key such as `depends_on` or a bracket `(waits for …)` must name a plan, `plan#task`, an agent, a branch,
    a title, `phase:N`, an event that some plan emits, or a path that some plan creates.
    """
    return situation.unresolved


@rule(Level.ERROR)
def overlap(situation: Situation) -> Iterator[Finding]:
    """Two plans write the same path and nothing orders them.

    Two agents that write one file produce a merge conflict, or worse a merge that git accepts and that
    nobody meant. Line ranges do not help: lines move with the first edit. Give the path to one plan, let
    one wait for the other with `depends_on`, or list it under `shared` in both. Plans that are ordered may
    write the same files. A claim that was guessed from prose with little confidence is a warning.
    """
    for contact in situation.contacts:
        sure = contact.severity is Severity.BLOCKS
        meetings = [each for each in contact.meetings if sure or each.kind in (Kind.WRITE, Kind.SHARED)]
        ordered = contact.severity is Severity.ORDERS or situation.precedence.first(*contact.plans)
        if meetings and not ordered:
            level = Level.ERROR if sure else Level.WARNING
            paths = listed(dict.fromkeys(meeting.path for meeting in meetings))
            message = f"{' and '.join(contact.plans)}: {meetings[0].words}: {paths}"
            stakes = [stake for meeting in meetings for stake in meeting.stakes]
            hint = "give it to one of them, let one wait for the other (`depends_on`), or list it as `shared` in both"
            if any(stake.claim.span for stake in stakes):
                hint += "; line ranges do not help, lines move"
            yield about("overlap", level, message, stakes, contact.paths, hint)


@rule(Level.ERROR)
def shared_file(situation: Situation) -> Iterator[Finding]:
    """A file that everybody needs and nobody owns.

    Manifests, lock files, registries and changelogs are touched by many plans. A plan that owns a file which
    the configuration or the plan set calls shared is an error, unless its turn is alone and before others.
    Two plans that both list a file as shared may run together; the warning says how such a file lands best.
    """
    nobodys = compile_patterns([*(claim.pattern for claim in situation.given.shared), *situation.around.shared])
    for plan in situation.plans if nobodys.patterns else ():
        turns = {situation.precedence.first(plan.id, other.id) for other in situation.plans if other is not plan}
        for stake in situation.stakes[plan.id] if plan.id not in turns or None in turns else ():
            if stake.claim.access is Access.OWN and stake.manifest is None and stake.firm:
                yield from _owned(stake, nobodys, situation.given.shared)
    by_path: dict[str, list[Stake]] = {}
    for meeting in of_kind(situation, Kind.SHARED):
        if meeting.severity is Severity.ORDERS:
            by_path.setdefault(meeting.path, []).extend(meeting.stakes)
    for path, stakes in by_path.items():
        message = f"{listed(dict.fromkeys(stake.plan for stake in stakes))} change {path}, a shared file"
        kind = file_class(path)
        hint = advice(kind) if kind else "land one after the other, each on top of the last"
        yield about("shared-file", Level.WARNING, message, stakes, (path,), hint)


def _owned(stake: Stake, nobodys: PatternList, claims: Sequence[Claim]) -> Iterator[Finding]:
    common = witness(stake.paths, nobodys)
    if common is not None:
        decided = nobodys.decided_by(common.path)
        places = [Location(claim.path or "", claim.line) for claim in claims]
        where = [place for at, place in enumerate(places) if at == decided and place.path]
        wholly = inside(stake.paths, nobodys)
        covers = "" if wholly else f" through {stake.claim.pattern}"
        message = f"{stake.plan} owns {common.path}{covers}, which is shared: nobody's own"
        hint = f"list it under `shared` in {stake.plan}, or leave it to a plan that runs alone before the others"
        level = Level.ERROR if wholly else Level.WARNING
        yield about("shared-file", level, message, [stake], (common.path,), hint, *where)


@rule(Level.ERROR)
def own_never(situation: Situation) -> Iterator[Finding]:
    """A plan claims what it says it never touches.

    The claim lies wholly inside a path of the plan's own `never` list, so one of the two lines is wrong.
    A `never` path inside a larger claim is fine: it takes that part out.
    """
    for plan in situation.plans:
        never = compile_patterns(claim.pattern for claim in plan.never)
        for stake in situation.stakes[plan.id] if never.patterns else ():
            if stake.claim.access is not Access.READ and inside(stake.paths, never):
                pattern = stake.claim.pattern
                line = plan.never[never.decided_by(pattern) or 0]
                level = Level.ERROR if stake.claim.source is Source.DECLARED else Level.WARNING
                message = f"{plan.id} claims {pattern}, which it says it never touches"
                place = Location(line.path or plan.path, line.line)
                yield about("own-never", level, message, [stake], (pattern,), "take out one of the two lines", place)


@rule(Level.WARNING)
def case_collision(situation: Situation) -> Iterator[Finding]:
    """Paths that differ in upper and lower case only.

    macOS and Windows keep one file where Linux keeps two, and a checkout there loses one of them.
    """
    hint = "macOS and Windows see one file: spell it alike in both plans, or rename one"
    for meeting in of_kind(situation, Kind.SPELLING):
        left, right = (f"{stake.claim.pattern} of {stake.plan}" for stake in meeting.stakes)
        message = f"{left} and {right} differ in case only"
        yield about("case-collision", Level.WARNING, message, meeting.stakes, meeting.names, hint)


@rule(Level.WARNING)
def sequence_folder(situation: Situation) -> Iterator[Finding]:
    """Two plans add a file to one folder of numbered files.

    Migrations and decision records are ordered by number. Two plans pick the same next number, or an order
    that nobody tested, and git sees no conflict. Let one wait for the other, or number when landing.
    """
    hint = "let one wait for the other, or number the files when landing"
    for meeting in of_kind(situation, Kind.SEQUENCE):
        if not situation.precedence.first(*meeting.plans):
            message = f"{' and '.join(meeting.plans)} both add a numbered file to {meeting.path}"
            yield about("sequence-folder", Level.WARNING, message, meeting.stakes, meeting.names, hint)


@rule(Level.WARNING)
def parallel_hint(situation: Situation) -> Iterator[Finding]:
    """The plan says that things can run together, and they cannot.

    Waves and marks such as `[P]` are what an author believed. They are compared with the files and the
    needs, and never obeyed.
    """
    rule, level = "parallel-hint", Level.WARNING
    waves = {plan.id: plan.wave for plan in situation.plans if plan.wave is not None}
    for edge in situation.edges:
        before, after = waves.get(edge.before), waves.get(edge.after)
        if before is not None and after is not None and before >= after and not edge.pipelined:
            message = f"{edge.after} (wave {after}) cannot start before {edge.before} (wave {before}) is done"
            place = Location(edge.path, edge.line)
            yield Finding(rule, level, message, (edge.before, edge.after), locations=(place,))
    for contact in situation.contacts:
        left, right = contact.plans
        if contact.severity is Severity.BLOCKS and left in waves and waves[left] == waves.get(right):
            meeting = contact.meetings[0]
            message = f"{left} and {right} are both of wave {waves[left]}, and {meeting.words}"
            yield about(rule, level, message, meeting.stakes, contact.paths)
    for plan in situation.plans:
        marked: dict[str, list[Location]] = {}
        for task in plan.tasks:
            for path in set(task.paths) if task.parallel else ():
                marked.setdefault(path, []).append(Location(plan.path, task.line))
        for path, places in sorted(marked.items()):
            if len(places) > 1:
                message = f"{len(places)} tasks of {plan.id} that are marked as parallel name {path}"
                yield Finding(rule, level, message, (plan.id,), (path,), tuple(places))


@rule(Level.WARNING)
def no_ownership(situation: Situation) -> Iterator[Finding]:
    """No path was found in a plan.

    Nothing can be said about the conflicts of a plan that names no files, so it is counted as unknown and
    never as free of conflicts. Name its files under `## Owns`, or in the tasks themselves.
    """
    hint = "name its files under `## Owns`, one per line, or in back-ticks in its tasks"
    for plan in filter(is_unknown, situation.plans):
        names = f"; not found in the repository: {listed(plan.unresolved)}" if plan.unresolved else ""
        message = f"no path found in {plan.id}: its conflicts are unknown{names}"
        places = (Location(plan.path, plan.line),)
        yield Finding("no-ownership", Level.WARNING, message, (plan.id,), locations=places, hint=hint)


@rule(Level.NOTE)
def no_gate(situation: Situation) -> Iterator[Finding]:
    """No tests are configured that a branch must pass to land.

    `gitbot integrate` lands nothing without them. Name the command in gitbot.toml: [gate] command = "…".
    """
    if not situation.around.gate:
        message = "no gate is configured: nothing would test these branches before they land"
        hint = 'gitbot.toml: [gate] command = "…", or `gitbot init` guesses it'
        yield Finding("no-gate", Level.NOTE, message, hint=hint)
