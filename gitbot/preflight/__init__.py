"""The check before anybody starts: which plans collide, who waits for whom, and in which phases they can run.

Pure: plans and facts in, one `Check` out. Rooms inside: `references` (needs → edges), `stakes` and `overlap`
(claims → contacts), `placement` and `schedule` (edges and contacts → phases), `rules` (all of it → findings).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from operator import attrgetter

from gitbot.model.plan import Plan, PlanId, PlanSet, Write
from gitbot.model.preflight import Check, Edge, Severity, Verdict
from gitbot.patterns import compile_patterns
from gitbot.plans import fold, usual_branches
from gitbot.preflight.decision import questions
from gitbot.preflight.estimate import estimate, works_of
from gitbot.preflight.overlap import Contact, Kind, Meeting, contacts
from gitbot.preflight.placement import overlaps, place
from gitbot.preflight.references import Precedence, resolve, without_loops
from gitbot.preflight.rules import RULES, Rule, Situation, Surroundings, findings, is_unknown
from gitbot.preflight.stakes import stakes_of

__all__ = ["RULES", "Rule", "Surroundings", "check"]

_BY_ENDS = attrgetter("before", "after", "kind", "path", "line", "reason")


def check(plans: PlanSet, around: Surroundings) -> Check:
    """Everything that can be said about a plan set before it runs; the order of its plans does not matter.

    Raises:
        PatternError: a pattern of the configuration is outside the notation.
    """
    members, renamed = _with_unique_ids(plans.plans)
    usual = ((plan, usual_branches(plan, around.branch_patterns)) for plan in members)
    branches = {plan.id: (plan.branch, *names) if plan.branch else names for plan, names in usual}
    needs = resolve(members, branches)
    order = Precedence(members, needs)
    tracked = frozenset(around.files or ())
    stakes = {plan.id: stakes_of(plan, around.links, tracked) for plan in members}
    every = [stake for plan in members for stake in stakes[plan.id]]
    met, crowd = contacts(every, order, compile_patterns(around.additive), around.files or ())
    inferred = {edge: meeting for meeting, edge in _creations(met, order)}
    creations = set(without_loops(members, needs, tuple(inferred)))
    if dropped := [meeting for edge, meeting in inferred.items() if edge not in creations]:
        met = _parted(met, dropped, Precedence(members, needs, creations))
    edges = tuple(sorted({*needs.edges, *creations}, key=_BY_ENDS))
    phases, loops, why = place(members, edges, met, crowd, needs)
    works = works_of(members, around.assumptions)
    situation = Situation(
        plans, around, members, renamed, stakes, met, crowd, edges, loops, tuple(needs.findings), order, phases, works
    )
    found = findings(situation)
    return Check(
        verdict=_verdict(phases),
        plans=replace(plans, plans=members),
        overlaps=overlaps(met, members, edges, order, phases),
        edges=edges,
        phases=phases,
        findings=found,
        unknown=tuple(plan.id for plan in members if is_unknown(plan)),
        why=why,
        branches={plan: names[0] for plan, names in branches.items()},
        estimate=estimate(members, works, phases, edges, around.assumptions),
        questions=questions(situation, found),
        existing=tracked.intersection(c.pattern for plan in members for c in plan.claims if c.write is Write.CREATE),
    )


def _with_unique_ids(plans: Iterable[Plan]) -> tuple[tuple[Plan, ...], tuple[tuple[Plan, Plan], ...]]:
    """The plans by id; one whose id is taken goes by id and place, beside the one that has it."""
    first: dict[str, Plan] = {}
    members, renamed = [], []
    for plan in sorted(plans, key=lambda plan: (plan.id.casefold(), plan.id, plan.path, plan.line)):
        holder = first.setdefault(fold(plan.id), plan)
        if holder is not plan:
            plan = replace(plan, id=PlanId(f"{plan.id} ({plan.path}:{plan.line})"))
            renamed.append((plan, holder))
        members.append(plan)
    return tuple(members), tuple(renamed)


def _creations(met: Iterable[Contact], order: Precedence) -> Iterator[tuple[Meeting, Edge]]:
    """Who needs a file comes after its creator, unless needs or phases say something else."""
    for contact in met:
        for meeting in contact.meetings if contact.severity is Severity.ORDERS else ():
            if meeting.first is not None and not order.first(*contact.plans):
                user = next(stake for stake in meeting.stakes if stake.plan != meeting.first)
                reason = f"{meeting.words}: {meeting.said}"
                yield meeting, Edge(meeting.first, user.plan, "file", reason, user.place.path, user.place.line)


def _parted(met: Iterable[Contact], dropped: Iterable[Meeting], order: Precedence) -> tuple[Contact, ...]:
    """The contacts, those of plans of which the creator cannot go first as bad as if both had written a path at will.

    A reader that something else keeps apart from the creator stays: it is told of by that.
    """
    lost = {each.plans for each in dropped if each.kind is Kind.WRITE or not order.first(*each.plans)}
    lost -= {contact.plans for contact in met if contact.severity is Severity.BLOCKS}
    worst, loudest = Severity.BLOCKS, list(Severity)
    found = (
        replace(
            each, severity=worst, meetings=tuple(sorted(each.meetings, key=lambda meeting: meeting.first is None))
        )
        if each.plans in lost and each.severity is Severity.ORDERS
        else each
        for each in met
    )
    return tuple(sorted(found, key=lambda each: (loudest.index(each.severity), each.plans)))


def _verdict(phases: Sequence[Sequence[PlanId]]) -> Verdict:
    if len(phases) == 1 and len(phases[0]) > 1:
        return Verdict.PARALLEL
    return Verdict.PHASED if any(len(phase) > 1 for phase in phases) else Verdict.SEQUENTIAL
