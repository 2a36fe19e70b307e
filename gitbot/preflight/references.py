"""What the needs of the plans refer to: edges between plans, pairs to keep apart, and what resolves to nothing.

A need is kept as its author wrote it; only here, with all plans in sight, it gets a meaning.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, groupby, islice, pairwise, product

from gitbot.model.plan import Access, Need, NeedKind, Plan, PlanId, Write
from gitbot.model.preflight import Edge, Finding, Level, Location
from gitbot.patterns import PatternList, compile_patterns
from gitbot.plans import fold
from gitbot.plans.needs import EVERYBODY
from gitbot.preflight.schedule import all_before, untangle

_PHASE = re.compile(r"phase[\s:_-]*0*([0-9]{1,6})", re.IGNORECASE)
_LONGEST_NAME = 80  # of a reference that is shown or compared; plan text has no bound of its own
_MOST_NAMES = 500  # compared for a hint
_MOST_SEARCHES = 50  # for a near name, in one check: each takes milliseconds, and plan text is hostile

Referent = tuple[str, Sequence[Plan]]
"""What a reference turned out to be (plan, phase, task, event or file), and whose."""


@dataclass(frozen=True, slots=True)
class References:
    """All needs, resolved."""

    edges: tuple[Edge, ...]
    apart: tuple[tuple[PlanId, PlanId], ...]
    findings: tuple[Finding, ...]


class Precedence:
    """Which plan has to be done before which, directly or through others; a loop counts in the order of ids."""

    def __init__(self, plans: Sequence[Plan], edges: Iterable[Edge]) -> None:
        self._numbers = {plan.id: number for number, plan in enumerate(plans)}
        strong = [(self._numbers[edge.before], self._numbers[edge.after]) for edge in edges if not edge.pipelined]
        self._before = all_before(len(plans), untangle(len(plans), strong, ()).strong)

    def first(self, left: PlanId, right: PlanId) -> PlanId | None:
        """Which of the two has to be done before the other starts; None where nothing orders them."""
        one, other = self._numbers[left], self._numbers[right]
        if self._before[other] >> one & 1:
            return left
        return right if self._before[one] >> other & 1 else None


def without_loops(plans: Sequence[Plan], needs: Iterable[Edge], creations: Sequence[Edge]) -> Iterator[Edge]:
    """The edges that only claims give reason for, but for those that close a loop: what plans declare stands."""
    if not creations:
        return  # a closure of many plans takes its time
    numbers = {plan.id: number for number, plan in enumerate(plans)}
    declared = [(numbers[edge.before], numbers[edge.after]) for edge in needs]
    inferred = [(numbers[edge.before], numbers[edge.after]) for edge in creations]
    needed, before = all_before(len(plans), declared), all_before(len(plans), [*declared, *inferred])
    for edge, ends in zip(creations, inferred, strict=True):
        # Who needs others has more before itself than they have: going up in that order, no loop is ever closed.
        early, late = ((needed[plan].bit_count(), plan) for plan in ends)
        if early < late or not before[ends[0]] >> ends[1] & 1:
            yield edge


def resolve(plans: Sequence[Plan], branches: Mapping[PlanId, Sequence[str]]) -> References:
    """Give every need of the plans its meaning; `branches` holds the names that a plan's branch may have."""
    names = _Names(plans, branches)
    edges = list(_barriers(plans))
    apart: list[tuple[PlanId, PlanId]] = []
    findings: list[Finding] = []
    for plan in plans:
        needs = [(need, names.find(plan, need.reference)) for need in plan.needs]
        findings += _unknown(plan, [need for need, referent in needs if referent is None and need.strict], names)
        for need, (kind, meant) in _believed(needs):
            others = [other for other in meant if other.id != plan.id]
            if meant and not others:
                words, place = need.reason or need.reference, Location(plan.path, need.line)
                message = f"{plan.id} waits for itself ({words}): that orders its own tasks only"
                findings.append(Finding("dependency-cycle", Level.NOTE, message, (plan.id,), locations=(place,)))
            elif need.kind is NeedKind.APART:
                apart += [(plan.id, other.id) for other in others]
            else:
                edges += _edges(plan, need, kind, others)
    return References(tuple(dict.fromkeys(edges)), tuple(apart), tuple(findings))


class _Names:
    """Everything that a reference can name, as (kind, name) in lower case."""

    def __init__(self, plans: Sequence[Plan], branches: Mapping[PlanId, Sequence[str]]) -> None:
        self._plans = plans
        self._named: dict[tuple[str, str], dict[PlanId, Plan]] = {}
        for plan in plans:
            for name in _names_of(plan, branches[plan.id]):
                self._named.setdefault(name, {})[plan.id] = plan
        events = ((plan.id, event) for plan in plans for event, _ in plan.emits)
        tasks = ((plan.id, f"{plan.id}#{task.id}") for plan in plans for task in plan.tasks if task.id)
        self._shown = list(islice(chain(((plan.id, plan.id) for plan in plans), events, tasks), _MOST_NAMES))
        self._searches = 0

    def find(self, plan: Plan, reference: str) -> Referent | None:
        """What `reference` means in `plan`; a task of the plan itself is nobody else's."""
        text = reference.strip()
        if not text or len(text) > _LONGEST_NAME * 4:
            return None
        if _task(plan, text) in self._named:
            return "task", ()
        if text in EVERYBODY and self._by_name(text) is None:
            return "plan", self._eager
        whose, mark, task = text.partition("#")
        _, owners = (self._by_name(whose.strip()) if mark else None) or ("", ())
        having = [owner for owner in owners if _task(owner, task.strip()) in self._named]
        return ("task", having) if having else self._by_name(text) or self._by_file(text.removeprefix("./"))

    def _by_name(self, text: str) -> Referent | None:
        phase = _PHASE.fullmatch(text)
        folded, lower = fold(text), text.casefold()
        names = {
            "id": folded,
            "agent": folded,
            "branch": lower,
            "title": _slug(text),
            "phase": phase[1] if phase else "",
        }
        for kind, name in {**names, "event": lower}.items():
            if name and (kind, name) in self._named:
                return kind if kind in ("phase", "event") else "plan", tuple(self._named[kind, name].values())
        return None

    @cached_property
    def _eager(self) -> tuple[Plan, ...]:
        """Every plan that does not itself wait for all others."""
        return tuple(p for p in self._plans if not any(need.reference in EVERYBODY for need in p.needs))

    @cached_property
    def _made(self) -> list[tuple[Plan, PatternList]]:
        kinds = (Write.CREATE, Write.ANY)
        claims = ((plan, [each for each in plan.patterns(Access.OWN) if each.write in kinds]) for plan in self._plans)
        return [(plan, compile_patterns(each.pattern for each in made)) for plan, made in claims]

    def _by_file(self, path: str) -> Referent | None:
        makers = [plan for plan, made in self._made if made.matches(path)] if "/" in path or "." in path else []
        return ("file", makers) if makers else None

    def nearest(self, plan: Plan, reference: str) -> str:
        """A way out of a reference that names nothing."""
        self._searches += 1
        if self._searches <= _MOST_SEARCHES:
            known = {name.casefold(): name for owner, name in self._shown if owner != plan.id}
            near = difflib.get_close_matches(reference[:_LONGEST_NAME].casefold(), known, n=3, cutoff=0.65)
            if near:
                return f"did you mean {' or '.join(map(known.__getitem__, near))}?"
        others = [other.id for other in self._plans if other.id != plan.id]
        listed = ", ".join(others[:8]) or "none but this one"
        return f"plans here: {listed}; an event needs a plan that lists it under `emits`"


def _names_of(plan: Plan, branches: Iterable[str]) -> Iterator[tuple[str, str]]:
    yield "id", fold(plan.id)
    yield "agent", fold(plan.agent or "")
    yield "title", _slug(plan.title)
    yield "phase", str(plan.phase)
    yield from (("branch", branch.casefold()) for branch in branches)
    yield from (("event", event.casefold()) for event, _ in plan.emits)
    yield from (_task(plan, task.id) for task in plan.tasks if task.id)


def _task(plan: Plan, id: str) -> tuple[str, str]:
    return "task", f"{plan.id}#{id.casefold()}"


def _slug(text: str) -> str:
    return "-".join(re.findall(r"\w+", text[: _LONGEST_NAME * 2].casefold()))


def _believed(needs: Iterable[tuple[Need, Referent | None]]) -> Iterator[tuple[Need, Referent]]:
    """Needs that order something: in prose only where every name of the phrase means something."""
    for (_, _, strict), phrase in groupby(needs, key=lambda found: (found[0].line, found[0].reason, found[0].strict)):
        members = list(phrase)
        known = [(need, referent) for need, referent in members if referent is not None]
        if strict or len(known) == len(members):
            yield from known


def _edges(plan: Plan, need: Need, kind: str, makers: Sequence[Plan]) -> Iterator[Edge]:
    whole = kind in ("plan", "phase")
    pipelined = need.kind is NeedKind.PIPELINED and (need.word is not None or not whole)
    if pipelined and whole:
        makers, kind = _carriers(makers, (need.word or "").casefold())
    elif kind == "task":
        kind = "commit" if pipelined else "plan"
    for maker in makers:
        reason = need.reason or f"needs {need.reference}"
        yield Edge(maker.id, plan.id, kind, reason, plan.path, need.line, pipelined)


def _carriers(plans: Sequence[Plan], word: str) -> tuple[Sequence[Plan], str]:
    """The plans among these that emit or commit what the word says; all of them where none says it."""
    emitting = [plan for plan in plans if any(word in event.casefold() for event, _ in plan.emits)]
    if emitting:
        return emitting, "event"
    return [plan for plan in plans if any(word in task.text.casefold() for task in plan.tasks)] or plans, "commit"


def _barriers(plans: Sequence[Plan]) -> Iterator[Edge]:
    """A declared phase comes after every smaller one."""
    by_phase: dict[int, list[Plan]] = {}
    for plan in plans:
        if plan.phase is not None:
            by_phase.setdefault(plan.phase, []).append(plan)
    for earlier, later in pairwise(sorted(by_phase)):
        reason = f"phase {later} comes after phase {earlier}"
        for after, before in product(by_phase[later], by_phase[earlier]):
            yield Edge(before.id, after.id, "phase", reason, after.path, after.line)


def _unknown(plan: Plan, needs: Iterable[Need], names: _Names) -> Iterator[Finding]:
    places: dict[str, list[Location]] = {}
    for need in needs:
        places.setdefault(need.reference, []).append(Location(plan.path, need.line))
    for reference, where in places.items():
        message = f"{plan.id} waits for “{reference[:_LONGEST_NAME]}”, which nothing here is called"
        hint = names.nearest(plan, reference)
        yield Finding("unknown-dependency", Level.ERROR, message, (plan.id,), (), tuple(where), hint)
