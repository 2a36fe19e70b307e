"""From edges and overlaps to phases, with the reason why each plan is where it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from gitbot.model.plan import NeedKind, Plan, PlanId
from gitbot.model.preflight import Edge, Overlap, Severity
from gitbot.preflight.overlap import Contact, Crowd, Meeting
from gitbot.preflight.references import Precedence, References
from gitbot.preflight.schedule import restrictions, rows_of, schedule_circles, untangle

_MOST_EXPLAINED = 3  # meetings that the reason of one overlap tells

Groups = tuple[tuple[PlanId, ...], ...]
_Separation = tuple[PlanId, PlanId, str, str]  # and the words before and behind the name of the one that comes first


def place(
    plans: Sequence[Plan], edges: Sequence[Edge], contacts: Sequence[Contact], crowd: Crowd, needs: References
) -> tuple[Groups, Groups, dict[PlanId, str]]:
    """The fewest phases that edges, blocking contacts, wishes to stay apart and wishes to be alone allow.

    Beside them the plans that wait for each other, and the reason why each plan is where it is.
    """
    ids = [plan.id for plan in plans]
    number = {plan: at for at, plan in enumerate(ids)}
    rows = needs.rows(plans, edges)
    free = untangle(rows[NeedKind.HARD], rows[NeedKind.PIPELINED])
    blocked: list[_Separation] = [
        (*contact.plans, "not beside", f": {contact.meetings[0].words}: {contact.meetings[0].said}")
        for contact in contacts
        if contact.severity is Severity.BLOCKS
    ]
    asked = [(left, right, "apart from", "") for left, right in needs.apart]
    ends = chain(((one, other) for one, other, *_ in blocked), ((left.plan, right.plan) for left, right, _ in crowd))
    both = ((number[left], number[right]) for one, other in ends for left, right in ((one, other), (other, one)))
    apart = [row | asks for row, asks in zip(rows_of(len(ids), both), rows[NeedKind.APART], strict=True)]
    alone = [number[plan.id] for plan in plans if not plan.parallel]
    better = (
        (number[meeting.first], number[plan])
        for contact in contacts
        for meeting in contact.meetings
        if meeting.first and contact.severity is Severity.NOTES
        for plan in contact.plans
        if plan != meeting.first
    )
    wanted = restrictions(free.strong, free.weak, apart, rows_of(len(ids), better), alone)
    torn = {circle for circle in free.circles if any(wanted.apart[at] >> by & 1 for at in circle for by in circle)}
    numbered = schedule_circles(wanted, tuple(circle for circle in free.circles if circle not in torn))
    unorderable = (*free.loops, *(circle for circle in free.circles if circle in torn))
    phases, loops = (tuple(tuple(ids[at] for at in group) for group in groups) for groups in (numbered, unorderable))
    return (
        phases,
        loops,
        _reasons(
            plans,
            phases,
            edges,
            (*blocked, *_behind_alone(plans, phases), *_behind_crowd(crowd, phases), *asked),
        ),
    )


def _behind_alone(plans: Iterable[Plan], phases: Groups) -> Iterator[_Separation]:
    """Each plan with the last one before it that runs alone."""
    alone = {plan.id for plan in plans if not plan.parallel}
    last: PlanId | None = None
    for phase in phases:
        if last is not None:
            yield from ((last, plan, "not beside", ", which runs alone") for plan in phase)
        last = next((plan for plan in phase if plan in alone), last)


def _behind_crowd(crowd: Crowd, phases: Groups) -> Iterator[_Separation]:
    """Each plan of a crowd with those of the phase before it that it may not stand beside."""
    phase_of = {plan: at for at, phase in enumerate(phases) for plan in phase} if crowd else {}
    for left, right, path in crowd:
        if abs(phase_of[left.plan] - phase_of[right.plan]) == 1:
            yield left.plan, right.plan, "not beside", f": many meet in {path}"


def _reasons(
    plans: Iterable[Plan], phases: Groups, edges: Iterable[Edge], separate: Iterable[_Separation]
) -> dict[PlanId, str]:
    """Per plan what keeps it out of an earlier phase: the latest plan that it waits for, or cannot stand."""
    phase_of = {plan: at for at, phase in enumerate(phases) for plan in phase}
    offers: list[tuple[tuple[bool, int], PlanId, str]] = []  # keeps it out, and how late; the plan; the words
    for edge in edges:
        rank = (not edge.pipelined, phase_of[edge.before])
        if edge.pipelined or phase_of[edge.before] < phase_of[edge.after]:
            lands = "lands " if edge.pipelined else ""
            offers.append((rank, edge.after, f"{lands}after {edge.before}: {edge.reason}"))
    for left, right, words, rest in separate:
        first, second = sorted((left, right), key=phase_of.__getitem__)
        offers.append(((True, phase_of[first]), second, f"{words} {first}{rest}"))
    offers.sort(key=lambda offer: offer[0], reverse=True)
    best = {plan: words for _, plan, words in reversed(offers)}
    best |= {plan.id: "runs alone, as it asks" for plan in plans if not plan.parallel}
    return {plan.id: best.get(plan.id, "waits for nobody") for plan in plans}


def overlaps(
    contacts: Iterable[Contact], plans: Iterable[Plan], edges: Iterable[Edge], order: Precedence, phases: Groups
) -> tuple[Overlap, ...]:
    """The contacts as the answer shows them, with who goes first where something says so."""
    phase_of = {plan: at for at, phase in enumerate(phases) for plan in phase}
    turn = {plan.id: (phase_of[plan.id], -plan.priority, number) for number, plan in enumerate(plans)}
    waits = {(edge.before, edge.after) for edge in edges}

    def first(contact: Contact) -> PlanId | None:
        early, late = sorted(contact.plans, key=turn.__getitem__)
        same_phase = phase_of[early] == phase_of[late]
        if (settled := order.first(early, late)) or contact.severity is Severity.BLOCKS:
            return settled  # where nothing orders two that collide, any order will do
        if same_phase and (early, late) not in waits:
            if (late, early) in waits:
                return late
            if contact.severity is Severity.NOTES:
                makers = {meeting.first for meeting in contact.meetings if meeting.first}
                return makers.pop() if len(makers) == 1 else None
        return early

    return tuple(
        Overlap(
            plans=contact.plans,
            paths=contact.paths,
            severity=contact.severity,
            reason=_told(contact.meetings),
            before=first(contact),
            same_phase=phase_of[contact.plans[0]] == phase_of[contact.plans[1]],
            locations=tuple(dict.fromkeys(stake.place for meeting in contact.meetings for stake in meeting.stakes)),
        )
        for contact in contacts
    )


def _told(meetings: Sequence[Meeting]) -> str:
    told = [
        f"{'' if each.exact else 'perhaps '}{each.words}: {each.stakes[0].words}, {each.stakes[1].words}"
        for each in meetings[:_MOST_EXPLAINED]
    ]
    more = len(meetings) - len(told)
    return "; ".join((*told, f"and {more} more paths") if more else told)
