"""What the needs of the plans refer to: edges between plans, pairs to keep apart, and what resolves to nothing.

A need is kept as its author wrote it; only here, with all plans in sight, it gets a meaning.
"""

from __future__ import annotations

import difflib
import operator
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain, compress, groupby, islice, pairwise

from gitbot.model.plan import Access, Need, NeedKind, Phase, Plan, PlanId, Write
from gitbot.model.preflight import Edge, Finding, Level, Location
from gitbot.patterns import PatternList, compile_patterns, heads_of
from gitbot.plans import fold
from gitbot.plans.needs import EVERYBODY
from gitbot.preflight.schedule import all_before, rows_of, untangle

_PHASE = re.compile(r"phase[\s:_-]*0*([0-9]{1,6}(?:\.[0-9]{1,6}){0,3})", re.IGNORECASE)
_LONGEST_NAME = 80  # of a reference that is shown or compared; plan text has no bound of its own
_MOST_NAMES = 500  # compared for a hint
_MOST_SEARCHES = 50  # for a near name, in one check: each takes milliseconds, and plan text is hostile
_MOST_STEPS = 5_000_000  # plans looked at in search of loops
_MOST_EDGES = 20_000  # that name both their plans: two phases of 5,000 plans would make 25 million

Referent = tuple[str, Sequence[Plan]]
"""What a reference turned out to be (plan, phase, task, event or file), and whose."""


@dataclass(slots=True)
class Barrier:
    """Some plans that all of others come after, or stay apart from: what it costs is their sum, not their product."""

    early: Sequence[Plan]
    late: list[PlanId] = field(default_factory=list)


@dataclass(slots=True)
class References:
    """All needs, resolved: an edge from every plan that each means, and barriers beyond the most of those."""

    edges: list[Edge] = field(default_factory=list)
    apart: list[tuple[PlanId, PlanId]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    barriers: dict[tuple[int, NeedKind], Barrier] = field(default_factory=dict)
    left: int = _MOST_EDGES

    def wait(self, edge: Edge, makers: Sequence[Plan]) -> None:
        """Let the plan behind the edge wait for all the makers but itself."""
        kind = NeedKind.PIPELINED if edge.pipelined else NeedKind.HARD
        if others := self._few(kind, edge.after, makers):
            self.edges += (replace(edge, before=other) for other in others)
        elif first := next((maker.id for maker in makers if maker.id != edge.after), None):
            self.edges.append(replace(edge, before=first, reason=f"{edge.reason} (one of {len(makers)} plans)"))

    def part(self, plan: PlanId, others: Sequence[Plan]) -> None:
        """Keep the plan apart from all the others."""
        self.apart += ((plan, other) for other in self._few(NeedKind.APART, plan, others))

    def _few(self, kind: NeedKind, late: PlanId, early: Sequence[Plan]) -> list[PlanId]:
        """The early plans but for the late one, where they are few enough to be named; else a barrier is set."""
        if len(early) > self.left:
            self.barriers.setdefault((id(early), kind), Barrier(early)).late.append(late)
            return []
        self.left -= len(early)
        return [plan.id for plan in early if plan.id != late]

    def rows(self, plans: Sequence[Plan], edges: Iterable[Edge]) -> dict[NeedKind, list[int]]:
        """Per kind of need and plan the set of the plans that it holds it back from."""
        numbers = {plan.id: number for number, plan in enumerate(plans)}
        pairs: dict[NeedKind, list[tuple[int, int]]] = {kind: [] for kind in NeedKind}
        for edge in edges:
            kind = NeedKind.PIPELINED if edge.pipelined else NeedKind.HARD
            pairs[kind].append((numbers[edge.before], numbers[edge.after]))
        for left, right in self.apart:
            pairs[NeedKind.APART] += ((numbers[left], numbers[right]), (numbers[right], numbers[left]))
        rows = {kind: rows_of(len(plans), some) for kind, some in pairs.items()}
        for (_, kind), barrier in self.barriers.items():
            early, late = [numbers[plan.id] for plan in barrier.early], [numbers[plan] for plan in barrier.late]
            for some, others in ((early, late), (late, early))[: 2 if kind is NeedKind.APART else 1]:
                all_of_them = sum(1 << number for number in dict.fromkeys(some))
                for other in others:
                    rows[kind][other] |= all_of_them & ~(1 << other)
        return rows


class Precedence:
    """Which plan has to be done before which, directly or through others; a loop counts in the order of ids."""

    def __init__(self, plans: Sequence[Plan], needs: References, creations: Iterable[Edge] = ()) -> None:
        self._numbers = {plan.id: number for number, plan in enumerate(plans)}
        rows = needs.rows(plans, (*needs.edges, *creations))
        self._before = all_before(untangle(rows[NeedKind.HARD], rows[NeedKind.PIPELINED]).strong)

    def alone_before(self, plan: PlanId) -> bool:
        """Whether the plan runs alone, before some of the others: they come after it, everybody else before it."""
        number = self._numbers[plan]
        behind = sum(row >> number & 1 for row in self._before)
        return behind > 0 and behind + self._before[number].bit_count() == len(self._numbers) - 1

    def first(self, left: PlanId, right: PlanId) -> PlanId | None:
        """Which of the two has to be done before the other starts; None where nothing orders them."""
        one, other = self._numbers[left], self._numbers[right]
        if self._before[other] >> one & 1:
            return left
        return right if self._before[one] >> other & 1 else None


def without_loops(plans: Sequence[Plan], needs: References, creations: Sequence[Edge]) -> Iterator[Edge]:
    """The edges that only claims give reason for, but for those that close a loop: what plans declare stands.

    What closes one with some of the others is kept as long as it does not with those kept before it.
    """
    if not creations:
        return  # a closure of many plans takes its time
    numbers = {plan.id: number for number, plan in enumerate(plans)}
    inferred = [(numbers[edge.before], numbers[edge.after]) for edge in creations]
    declared, soft, _ = needs.rows(plans, needs.edges).values()
    rows = [one | other for one, other in zip(declared, soft, strict=True)]
    made = rows_of(len(plans), inferred)
    before, every = all_before(rows), all_before([one | other for one, other in zip(rows, made, strict=True)])
    on_loops = [every[early] >> late & 1 for early, late in inferred]
    yield from compress(creations, map(operator.not_, on_loops))
    # Who needs others has more before itself than they have: what goes up in that order goes before the rest.
    rank = [(row.bit_count(), plan) for plan, row in enumerate(before)]
    looped = sorted(
        compress(zip(creations, inferred, strict=True), on_loops),
        key=lambda each: rank[each[1][0]] > rank[each[1][1]],
    )
    for edge, (early, late) in looped[: _MOST_STEPS // len(plans)]:
        if not before[early] >> late & 1:
            yield edge
            for plan, row in enumerate(before):
                if plan == late or row >> late & 1:
                    before[plan] |= before[early] | 1 << early


def resolve(plans: Sequence[Plan], branches: Mapping[PlanId, Sequence[str]]) -> References:
    """Give every need of the plans its meaning; `branches` holds the names that a plan's branch may have."""
    names, found = _Names(plans, branches), References()
    _by_phases(plans, found)
    for plan in plans:
        needs = [(need, names.find(plan, need.reference)) for need in plan.needs]
        found.findings += _unknown(plan, [need for need, meant in needs if meant is None and need.strict], names)
        for need, (kind, meant) in _believed(needs):
            if meant and all(other.id == plan.id for other in meant):
                words, place = need.reason or need.reference, Location(plan.path, need.line)
                message = f"{plan.id} waits for itself ({words}): that orders its own tasks only"
                told = Finding("dependency-cycle", Level.NOTE, message, (plan.id,), locations=(place,))
                found.findings.append(told)
            elif need.kind is NeedKind.APART:
                found.part(plan.id, meant)
            else:
                found.wait(*_edge(plan, need, kind, meant, names))
    found.edges = list(dict.fromkeys(found.edges))
    return found


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
        self._lists: dict[tuple[str, str], Sequence[Plan]] = {}  # one list for all who mean the same
        self._carrying: dict[tuple[int, str], tuple[Sequence[Plan], str]] = {}

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
            if name and (key := (kind, name)) in self._named:
                if key not in self._lists:
                    self._lists[key] = tuple(self._named[key].values())
                return kind if kind in ("phase", "event") else "plan", self._lists[key]
        return None

    def carriers(self, plans: Sequence[Plan], word: str) -> tuple[Sequence[Plan], str]:
        """The plans among these that emit or commit what the word says; all of them where none says it."""
        found = self._carrying.get((id(plans), word))
        if found is None:
            emitting = [plan for plan in plans if any(word in event.casefold() for event, _ in plan.emits)]
            working = (plan for plan in plans if any(word in task.text.casefold() for task in plan.tasks))
            found = (emitting, "event") if emitting else (list(working) or plans, "commit")
            self._carrying[id(plans), word] = found
        return found

    @cached_property
    def _eager(self) -> tuple[Plan, ...]:
        """Every plan that does not itself wait for all others."""
        return tuple(p for p in self._plans if not any(need.reference in EVERYBODY for need in p.needs))

    @cached_property
    def _made(self) -> dict[str, dict[int, PatternList]]:
        """What plans make, by the plans' numbers, under each folder or file that all of it lies in."""
        found: dict[str, dict[int, PatternList]] = {}
        for number, plan in enumerate(self._plans):
            claims = (each for each in plan.patterns(Access.OWN) if each.write in (Write.CREATE, Write.ANY))
            made = compile_patterns(each.pattern for each in claims)
            for head in made.heads:
                found.setdefault(head, {})[number] = made
        return found

    def _by_file(self, path: str) -> Referent | None:
        near = [self._made.get(head, {}) for head in heads_of(path)] if "/" in path or "." in path else []
        numbers = {number for some in near for number, made in some.items() if made.matches(path)}
        return ("file", [self._plans[number] for number in sorted(numbers)]) if numbers else None

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


def _edge(plan: Plan, need: Need, kind: str, makers: Sequence[Plan], names: _Names) -> tuple[Edge, Sequence[Plan]]:
    """What a need says of its plan and of each of the plans that it waits for."""
    whole = kind in ("plan", "phase")
    pipelined = need.kind is NeedKind.PIPELINED and (need.word is not None or not whole)
    if pipelined and whole:
        makers, kind = names.carriers(makers, (need.word or "").casefold())
    elif kind == "task":
        kind = "commit" if pipelined else "plan"
    reason = need.reason or f"needs {need.reference}"
    return Edge(plan.id, plan.id, kind, reason, plan.path, need.line, pipelined), makers


def _by_phases(plans: Iterable[Plan], found: References) -> None:
    """A declared phase comes after every smaller one."""
    by_phase: dict[Phase, list[Plan]] = {}
    for plan in plans:
        if plan.phase is not None:
            by_phase.setdefault(plan.phase, []).append(plan)
    for earlier, later in pairwise(sorted(by_phase)):
        reason = f"phase {later} comes after phase {earlier}"
        for plan in by_phase[later]:
            found.wait(Edge(plan.id, plan.id, "phase", reason, plan.path, plan.line), by_phase[earlier])


def _unknown(plan: Plan, needs: Iterable[Need], names: _Names) -> Iterator[Finding]:
    places: dict[str, list[Location]] = {}
    for need in needs:
        places.setdefault(need.reference, []).append(Location(plan.path, need.line))
    for reference, where in places.items():
        message = f"{plan.id} waits for “{reference[:_LONGEST_NAME]}”, which nothing here is called"
        hint = names.nearest(plan, reference)
        yield Finding("unknown-dependency", Level.ERROR, message, (plan.id,), (), tuple(where), hint)
