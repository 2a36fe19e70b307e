"""What is wrong between plans as they are written: collisions, waits that mean nothing, claims that contradict."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from gitbot.model.plan import Access, Claim, Source
from gitbot.model.preflight import Finding, Level, Location, Severity
from gitbot.patterns import PatternList, compile_patterns, witness
from gitbot.preflight.advice import owner_of, way_out
from gitbot.preflight.overlap import Kind
from gitbot.preflight.rules.situation import Situation, Told, about, listed, of_kind, rule
from gitbot.preflight.stakes import Stake, inside

_MOST_CROWDED = 50  # paths by which plans are told of that meet in too many pairs


@rule(Level.ERROR)
def unreadable_plan(situation: Situation) -> Iterator[Finding]:
    """A plan's text could not be read."""
    for problem in situation.given.problems:
        place = Location(problem.path, problem.line, problem.column)
        yield Finding(problem.rule, Level(problem.level), problem.message, locations=(place,), hint=problem.hint)


@rule(Level.ERROR)
def duplicate_plan(situation: Situation) -> Iterator[Told]:
    """Two plans have the same id."""
    known = {(problem.path, problem.line) for problem in situation.given.problems if problem.rule == "duplicate-plan"}
    for later, first in situation.renamed:
        places = (Location(later.path, later.line), Location(first.path, first.line))
        if (later.path, later.line) not in known:
            yield Told(f"two plans are called {first.id}", (first.id, later.id), (), places)


@rule(Level.ERROR)
def dependency_cycle(situation: Situation) -> Iterator[Told]:
    """Plans wait for each other in a circle."""
    for loop in situation.loops:
        circle = set(loop)
        edges = [edge for edge in situation.edges if edge.before in circle and edge.after in circle]
        places = tuple(dict.fromkeys(Location(edge.path, edge.line) for edge in edges))
        waits = listed(dict.fromkeys(f"{edge.after} for {edge.before}" for edge in edges))
        yield Told(f"{listed(loop)} wait for each other: {waits}", loop, (), places)


@rule(Level.ERROR)
def unknown_dependency(situation: Situation) -> Iterable[Finding]:
    """A plan waits for something that nothing here is called."""
    return situation.unresolved


@rule(Level.ERROR)
def overlap(situation: Situation) -> Iterator[Told]:
    """Two plans write the same path and nothing orders them."""
    for contact in situation.contacts:
        sure = contact.severity is Severity.BLOCKS
        meetings = [each for each in contact.meetings if sure or each.kind in (Kind.WRITE, Kind.SHARED)]
        ordered = contact.severity is Severity.ORDERS or situation.precedence.first(*contact.plans)
        if meetings and not ordered:
            met = dict.fromkeys(meeting.path for meeting in meetings)
            common = listed(dict.fromkeys(meeting.said for meeting in meetings))
            message = f"{' and '.join(contact.plans)}: {meetings[0].words}: {common}"
            stakes = [stake for meeting in meetings for stake in meeting.stakes]
            hint = way_out(contact.plans, met, situation.stakes, situation.precedence)
            if any(stake.claim.span for stake in stakes):
                hint += "; line ranges do not help, lines move"
            yield about(message, stakes, contact.paths, hint, level=None if sure else Level.WARNING)
    crowded: dict[str, dict[str, Stake]] = {}
    for left, right, path in situation.crowd:
        which = path if path in crowded or len(crowded) < _MOST_CROWDED else "other paths"
        crowded.setdefault(which, {}).update({left.plan: left, right.plan: right})
    for path, members in crowded.items():
        message = f"{len(members)} plans meet in {path}, in more pairs than are told of: {listed(members)}"
        yield about(message, list(members.values()), (path,), "give it to one plan that the others wait for")


@rule(Level.ERROR)
def shared_file(situation: Situation) -> Iterator[Told]:
    """A file that everybody needs and nobody owns."""
    nobodys = compile_patterns([*(claim.pattern for claim in situation.given.shared), *situation.around.shared])
    for plan in situation.plans if nobodys.patterns else ():
        for stake in situation.stakes[plan.id] if not situation.precedence.alone_before(plan.id) else ():
            if stake.claim.access is Access.OWN and stake.manifest is None and stake.firm:
                yield from _owned(stake, nobodys, situation.given.shared)
    by_path: dict[str, list[Stake]] = {}
    for meeting in of_kind(situation, Kind.SHARED):
        if meeting.severity is Severity.ORDERS:
            by_path.setdefault(meeting.path, []).extend(meeting.stakes)
    for path, stakes in by_path.items():
        plans = list(dict.fromkeys(stake.plan for stake in stakes))
        owner = owner_of(plans, path, situation.stakes, situation.precedence)
        hint = owner or "land one after the other, each on top of the last"
        yield about(f"{listed(plans)} change {path}, a shared file", stakes, (path,), hint, level=Level.WARNING)


def _owned(stake: Stake, nobodys: PatternList, claims: Sequence[Claim]) -> Iterator[Told]:
    if common := witness(stake.paths, nobodys):
        deciding = nobodys.decided_by(common.path)
        where = [Location(claim.path or "", claim.line) for at, claim in enumerate(claims) if at == deciding]
        wholly = inside(stake.paths, nobodys)
        covers = "" if wholly else f" through {stake.claim.pattern}"
        message = f"{stake.plan} owns {common.path}{covers}, which is shared: nobody's own"
        hint = f"list it under `shared` in {stake.plan}, or leave it to a plan that runs alone before the others"
        known = (place for place in where if place.path)
        yield about(message, [stake], (common.path,), hint, *known, level=None if wholly else Level.WARNING)


@rule(Level.ERROR)
def own_never(situation: Situation) -> Iterator[Told]:
    """A plan claims what it says it never touches."""
    for plan in situation.plans:
        never = compile_patterns(claim.pattern for claim in plan.never)
        for stake in situation.stakes[plan.id] if never.patterns else ():
            if stake.claim.access is not Access.READ and inside(stake.paths, never):
                pattern = stake.claim.pattern
                line = plan.never[never.decided_by(pattern) or 0]
                level = None if stake.claim.source is Source.DECLARED else Level.WARNING
                message = f"{plan.id} claims {pattern}, which it says it never touches"
                place = Location(line.path or plan.path, line.line)
                yield about(message, [stake], (pattern,), None, place, level=level)


@rule(Level.WARNING)
def case_collision(situation: Situation) -> Iterator[Told]:
    """Paths that differ in upper and lower case only."""
    for meeting in of_kind(situation, Kind.SPELLING):
        left, right = (f"{stake.claim.pattern} of {stake.plan}" for stake in meeting.stakes)
        apart = "lie in folders that differ in case only" if meeting.path.endswith("/") else "differ in case only"
        yield about(f"{left} and {right} {apart}", meeting.stakes, meeting.names)


@rule(Level.WARNING)
def sequence_folder(situation: Situation) -> Iterator[Told]:
    """Two plans add a file to one folder of numbered files."""
    for meeting in of_kind(situation, Kind.SEQUENCE):
        if not situation.precedence.first(*meeting.plans):
            message = f"{' and '.join(meeting.plans)} both add a numbered file to {meeting.path}"
            yield about(message, meeting.stakes, meeting.names)
