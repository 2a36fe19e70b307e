"""How long the plans take, one agent after the other against the phases, and what that costs in requests and tokens.

What no plan says stands on an assumption with a name that can be set. Nothing here decides anything: the numbers
show whether running in parallel pays, and the rules of practice warn by them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter
from math import ceil

from gitbot.config import Assumptions, by_name
from gitbot.model.plan import Plan, PlanId, Task, TaskState
from gitbot.model.preflight import Edge, Estimate, Span

_CYCLES = re.compile(r"\bcycles?[ \t]{0,4}(\d{1,4})[ \t]{0,4}(?:-|–|to)[ \t]{0,4}(\d{1,4})", re.IGNORECASE)
_WORDS = re.compile(r"[^\W_]{2,40}")
_LONGEST = 400  # characters of a text that are looked at
_SAID_OF_EVERY_WAIT = frozenset({"agent", "commit", "finish", "for", "has", "the", "to", "wait", "waits"})

Phases = Sequence[Sequence[PlanId]]
_Waits = Mapping[tuple[PlanId, int], Sequence[tuple[PlanId, int]]]  # a plan's step -> steps of others it waits for


@dataclass(frozen=True, slots=True)
class Work:
    """What a plan has left to do: its open tasks in order; one step without a task where it lists none."""

    steps: tuple[tuple[Task | None, float, float], ...]  # minutes, low and high
    guessed: bool  # some of the minutes are assumed

    @property
    def tasks(self) -> tuple[Task, ...]:
        """The open tasks."""
        return tuple(task for task, _, _ in self.steps if task)

    def minutes(self, share: float = 0.5) -> float:
        """At one point between the low (0) and the high end (1)."""
        return sum(low + (high - low) * share for _, low, high in self.steps)


def works_of(plans: Iterable[Plan], assumed: Mapping[str, float]) -> dict[PlanId, Work]:
    """The work of each plan; `assumed` holds what differs from the assumptions that the configuration starts from."""
    numbers = by_name(Assumptions()) | dict(assumed)
    return {plan.id: _work(plan, numbers) for plan in plans}


def _work(plan: Plan, numbers: Mapping[str, float]) -> Work:
    """By the plan's own estimate, else by its tasks', its planning cycles, or the assumed minutes per task."""
    tasks = tuple(task for task in plan.tasks if task.state in (TaskState.OPEN, TaskState.DOING))
    if plan.tasks and not tasks:
        return Work((), guessed=False)
    a_task = (numbers["task-minutes"],) * 2
    parts = [task.minutes or a_task for task in tasks] or [a_task]
    stated = bool(tasks) and all(task.minutes for task in tasks)
    whole = plan.minutes
    if whole is None and (cycles := _CYCLES.search(plan.title)) and not any(task.minutes for task in tasks):
        whole = (max(1, int(cycles[2]) - int(cycles[1]) + 1) * numbers["cycle-minutes"],) * 2
    if whole is not None:  # the tasks divide it among themselves as they would divide their own sum
        low, high = (limit / (sum(part[end] for part in parts) or 1) for end, limit in enumerate(whole))
        parts = [(part[0] * low, part[1] * high) for part in parts]
    steps = ((task, *part) for task, part in zip(tasks or (None,), parts, strict=True))
    return Work(tuple(steps), guessed=plan.minutes is None and not stated)


def estimate(
    plans: Sequence[Plan],
    works: Mapping[PlanId, Work],
    phases: Phases,
    edges: Iterable[Edge],
    assumed: Mapping[str, float],
) -> Estimate | None:
    """The whole estimate; None without plans. Every phase starts when all of the one before it is done."""
    if not plans:
        return None
    numbers = by_name(Assumptions()) | dict(assumed)
    waits = _waits({plan.id: plan for plan in plans}, works, phases, edges)
    low, middle, high = (_played(phases, works, waits, share) for share in (0.0, 0.5, 1.0))
    least, total, most = (sum(work.minutes(share) for work in works.values()) for share in (0.0, 0.5, 1.0))
    sessions = [work.minutes() for work in works.values() if work.steps]
    agents = max(sum(bool(works[plan].steps) for plan in phase) for phase in phases)
    cycles = {"sequential": total, "parallel": middle.minutes, "saved": total - middle.minutes}
    return Estimate(
        sequential=(round(least, 1), round(most, 1)),
        parallel=(round(low.minutes, 1), round(high.minutes, 1)),
        speed_up=round(total / middle.minutes, 2) if middle.minutes else 1.0,
        utilisation=round(total / (agents * middle.minutes), 2) if agents and middle.minutes else 1.0,
        agents=agents,
        timeline=tuple(middle.spans),
        critical_path=_critical(phases, middle),
        requests=_requests(sessions, numbers),
        tokens=_tokens(sessions, numbers),
        cycles={name: round(each / numbers["cycle-minutes"], 1) for name, each in cycles.items()},
        assumptions=numbers,
        guessed=tuple(plan.id for plan in plans if works[plan.id].guessed),
    )


def _requests(sessions: Sequence[float], numbers: Mapping[str, float]) -> dict[str, float]:
    """One per iteration that an agent begins, counted while it works; in parallel each agent has its own."""

    def begun(minutes: float) -> int:
        return ceil(round(minutes / numbers["iteration-minutes"], 6))

    return {"sequential": begun(sum(sessions)), "parallel": sum(map(begun, sessions))}


def _tokens(sessions: Sequence[float], numbers: Mapping[str, float]) -> dict[str, float]:
    """Two accounts: what sessions read that grow with each request, and what it takes to load the context."""

    def read(minutes: float) -> float:
        """The k-th request holds the first context and the growth of k - 1 requests."""
        requests = max(1.0, minutes / numbers["iteration-minutes"]) if minutes else 0.0
        growth = numbers["growth-tokens"] * requests * (requests - 1) / 2
        return round(requests * numbers["context-tokens"] + growth)

    return {
        "one-session": read(sum(sessions)),
        "fresh-sessions": sum(map(read, sessions)),
        "sequential": numbers["shared-context-tokens"] * len(sessions),
        "parallel": numbers["shared-context-tokens"] * bool(sessions),
    }


@dataclass(frozen=True, slots=True)
class _Play:
    """How the phases run: when each plan works, and whose step it last had to wait for."""

    spans: tuple[Span, ...]
    held_by: Mapping[PlanId, PlanId]
    minutes: float


def _played(phases: Phases, works: Mapping[PlanId, Work], waits: _Waits, share: float) -> _Play:
    """The phases at one point between the low (0) and the high end (1) of every estimate."""
    clock, spans = 0.0, []
    ends: dict[PlanId, list[float]] = {}
    held_by: dict[PlanId, PlanId] = {}
    for phase in phases:
        last = clock
        for plan in _providers_first(phase, works, waits):
            now, start = clock, clock
            ends[plan] = []
            for at, (_, low, high) in enumerate(works[plan].steps):
                for provider, step in waits.get((plan, at), ()):
                    ready = ends[provider][step] if provider in ends else clock
                    if ready > now:
                        now, held_by[plan] = ready, provider
                start = now if at == 0 else start
                now += low + (high - low) * share
                ends[plan].append(now)
            spans.append(Span(plan, round(start, 1), round(now, 1)))
            last = max(last, now)
        clock = last
    return _Play(tuple(spans), held_by, clock)


def _providers_first(phase: Sequence[PlanId], works: Mapping[PlanId, Work], waits: _Waits) -> Iterable[PlanId]:
    steps = {plan: range(len(works[plan].steps)) for plan in phase}
    graph = {plan: [other for at in steps[plan] for other, _ in waits.get((plan, at), ())] for plan in phase}
    try:
        return tuple(TopologicalSorter(graph).static_order())
    except CycleError:  # who wait for each other's events start as they stand
        return phase


def _waits(
    plans: Mapping[PlanId, Plan], works: Mapping[PlanId, Work], phases: Phases, edges: Iterable[Edge]
) -> _Waits:
    """Which step waits for which step of a plan in its phase: a wait that no task carries holds the last one."""
    phase_of = {plan: at for at, phase in enumerate(phases) for plan in phase}
    lines = cache(lambda plan: {task.line: at for at, (task, _, _) in enumerate(works[plan].steps) if task})
    spoken = cache(lambda plan: _spoken(works[plan]))
    found: dict[tuple[PlanId, int], list[tuple[PlanId, int]]] = {}
    for edge in edges:
        waiting, providing = len(works[edge.after].steps), len(works[edge.before].steps)
        if edge.pipelined and phase_of[edge.before] == phase_of[edge.after] and waiting and providing:
            own = edge.path == plans[edge.after].path
            held = lines(edge.after).get(edge.line, waiting - 1) if own else waiting - 1
            # The wait ends with the step by which all its words have been said that any step says.
            wanted = set(_WORDS.findall(edge.reason[:_LONGEST].casefold())) - _SAID_OF_EVERY_WAIT
            said = (spoken(edge.before)[word] for word in wanted & spoken(edge.before).keys())
            found.setdefault((edge.after, held), []).append((edge.before, max(said, default=providing - 1)))
    return found


def _spoken(work: Work) -> dict[str, int]:
    """The words of a plan's tasks, with the first step that says each."""
    found: dict[str, int] = {}
    for at, (task, _, _) in enumerate(work.steps):
        for word in _WORDS.findall(f"{task.id or ''} {task.text[:_LONGEST]}".casefold()) if task else ():
            found.setdefault(word, at)
    return found


def _critical(phases: Phases, play: _Play) -> tuple[PlanId, ...]:
    """Per phase the plan that ends last, behind those it was held by."""
    spans = {span.plan: span for span in play.spans}
    path: list[PlanId] = []
    for phase in phases:
        plan: PlanId | None = max(phase, key=lambda plan: spans[plan].end)
        chain = []
        while plan is not None and spans[plan].end > spans[plan].start:
            chain.append(plan)
            plan = play.held_by.get(plan)
        path += reversed(chain)
    return tuple(path)
