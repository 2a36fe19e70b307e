"""How the work is divided: what is too small, too much at once, or handed out without saying what it is.

All of it is opinion from practice, so nothing here is an error, and what many plans have in common is said once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from operator import ge

from gitbot.model.plan import Access, Phase, Plan
from gitbot.model.preflight import Level, Location, Severity
from gitbot.plans import fold
from gitbot.preflight.overlap import Contact
from gitbot.preflight.rules.situation import Remark, Situation, Told, is_unknown, listed, named, rule, together
from gitbot.preflight.stakes import WILD
from gitbot.preflight.vocabulary import words

SUBSTANTIAL = 30
"""Minutes of work from which an agent of its own pays."""

_TESTED = re.compile(r"\b(?:tests?|verify|validate|e2e)\b", re.IGNORECASE)
DOCUMENTS = (".md", ".mdx", ".rst", ".adoc", ".txt")

_SIZES = (("large", (20 * 60, 40, 6), None), ("complex", (5 * 60, 12, 4), 5), ("simple", (0, 0, 0), 3))
"""How much work a plan set is: two of minutes, open tasks and folders make it; and the agents that it bears."""


def unfinished(situation: Situation) -> list[Plan]:
    """The plans that have work left, as far as they say."""
    return [plan for plan in situation.plans if situation.works[plan.id].steps]


def with_work(situation: Situation) -> list[Plan]:
    """Those of them that say what there is to do; others only say whose the files are."""
    return [plan for plan in unfinished(situation) if plan.tasks or fold(plan.title) not in ("", fold(plan.id))]


@rule(Level.WARNING)
def no_ownership(situation: Situation) -> Iterator[Told]:
    """No path was found in a plan."""
    unknown = [plan for plan in situation.plans if is_unknown(plan)]
    silent = [plan for plan in unknown if not plan.unresolved]
    free = {plan.id for plan in silent if not plan.needs and plan.phase is None}
    default = any(len(free.intersection(phase)) > 1 for phase in situation.phases)
    why = ", and to start together would be parallel by default" if default else ""
    groups = [
        ([plan], f"; named but not understood: {listed(plan.unresolved)}") for plan in unknown if plan.unresolved
    ]
    for plans, rest in (*groups, (silent, why)):
        whose = "its" if len(plans) == 1 else "their"
        hint = f"name {whose} files under `## Owns`, one per line, or in back-ticks in {whose} tasks"
        yield from together(f"no path found in {{}}: {whose} conflicts are unknown{rest}", named(plans), hint)


@rule(Level.WARNING)
def parallel_hint(situation: Situation) -> Iterator[Told]:
    """The plan says that things can run together and they cannot, or does not say that it had better run alone."""
    yield from together("waves and needs differ: {}", list(_late(situation)))
    yield from together("plans of one wave write the same: {}", list(_colliding(situation)))
    yield from together("marked as parallel, and one file: {}", list(_marked(situation)))
    alone = [plan for plan in _beside_others(situation) if _finds_out(plan, situation)]
    message = "{} finds out what to do while doing it, beside other plans"
    hint = "write `parallel: false` in its front matter: it runs alone, and the others build on what it found"
    yield from together(message, named(alone), hint, Level.NOTE)


_Wave = tuple[Phase | None, int]


def _waves(situation: Situation) -> dict[str, _Wave]:
    """Each declared wave with its phase: they are numbered anew in every phase."""
    return {plan.id: (plan.phase, plan.wave) for plan in situation.plans if plan.wave is not None}


def _late(situation: Situation) -> Iterator[Remark]:
    waves = _waves(situation)
    for edge in situation.edges:
        before, after = waves.get(edge.before), waves.get(edge.after)
        if before and after and before[0] == after[0] and before[1] >= after[1] and not edge.pipelined:
            told = f"{edge.after} (wave {after[1]}) cannot start before {edge.before} (wave {before[1]}) is done"
            yield Remark((edge.before, edge.after), told, Location(edge.path, edge.line))


def _colliding(situation: Situation) -> Iterator[Remark]:
    waves = _waves(situation)
    found: dict[tuple[_Wave, str], list[Contact]] = {}
    for contact in situation.contacts:
        left, right = contact.plans
        if contact.severity is Severity.BLOCKS and left in waves and waves[left] == waves.get(right):
            found.setdefault((waves[left], contact.paths[0]), []).append(contact)
    for (_, path), contacts in found.items():
        plans = tuple(dict.fromkeys(plan for contact in contacts for plan in contact.plans))
        yield Remark(plans, f"{path} ({listed(plans)})", contacts[0].meetings[0].stakes[0].place)


def _marked(situation: Situation) -> Iterator[Remark]:
    for plan in situation.plans:
        lines: dict[str, list[int]] = {}
        for task in situation.works[plan.id].tasks:
            for path in set(task.paths) if task.parallel else ():
                lines.setdefault(path, []).append(task.line)
        for path, at in sorted(lines.items()):
            if len(at) > 1:
                yield Remark((plan.id,), f"{path} ({len(at)} tasks of {plan.id})", Location(plan.path, at[0]))


def _finds_out(plan: Plan, situation: Situation) -> bool:
    """Whether a plan's title, or most of its tasks, begin with a word of finding out."""
    titled, *tasked = (
        re.split(r"[^a-z]", text.lower(), maxsplit=1)[0] in words("finding-out")
        for text in (plan.title or plan.id, *(task.text for task in situation.works[plan.id].tasks))
    )
    return titled or sum(tasked) * 2 > len(tasked)


def _beside_others(situation: Situation) -> list[Plan]:
    """The plans that share their phase and have work left."""
    shared = {plan for phase in situation.phases if len(phase) > 1 for plan in phase}
    return [plan for plan in unfinished(situation) if plan.id in shared]


@rule(Level.WARNING)
def tiny_task(situation: Situation) -> Iterator[Told]:
    """A plan that runs beside others is less than 30 minutes of work."""
    works = situation.works
    small = [
        Remark((plan.id,), f"{plan.id} ({works[plan.id].minutes():.0f} minutes)", Location(plan.path, plan.line))
        for plan in _beside_others(situation)
        if not works[plan.id].guessed and 0 < works[plan.id].minutes() < SUBSTANTIAL
    ]
    yield from together(f"less than {SUBSTANTIAL} minutes of work in {{}}", small)


@rule(Level.WARNING)
def too_many_agents(situation: Situation) -> Iterator[Told]:
    """More agents at one time than the work bears."""
    active = {plan.id: plan for plan in unfinished(situation)}
    known = [situation.works[plan.id] for plan in active.values() if plan.tasks or any(plan.minutes or ())]
    together_now = ([active[plan] for plan in phase if plan in active] for phase in situation.phases)
    phase = max(together_now, key=len, default=[])
    if 2 * len(known) <= len(active):
        return  # how much work it is stands nowhere
    minutes, tasks = sum(work.minutes() for work in known), sum(len(work.tasks) for work in known)
    claims = (claim for plan in active.values() for claim in plan.claims if claim.access is not Access.READ)
    written = (WILD.split(claim.pattern)[0].split("/")[:-1] for claim in claims if not claim.pattern.startswith("!"))
    folders = len({tuple(folder[:2]) for folder in written})  # files of the top count together
    amounts = (minutes, tasks, folders)
    size, bears = next((size, bears) for size, least, bears in _SIZES if sum(map(ge, amounts, least)) >= 2)
    if bears is not None and len(phase) > bears:
        amount = f"hours: {minutes / 60:.1f}, open tasks: {tasks}, folders: {folders}"
        message = f"{len(phase)} agents at one time ({{}}) for {size} work ({amount}), which bears {bears}"
        level = Level.NOTE if all(work.guessed for work in known) else None  # the hours are assumed ones
        yield from together(message, named(phase), level=level)


@rule(Level.NOTE)
def missing_context(situation: Situation) -> Iterator[Told]:
    """Plans that nobody told what the whole is."""
    beside = {path.rpartition("/")[2].lower().partition(".")[0] for path in situation.around.beside}
    if beside.isdisjoint(words("context-files")):
        yield from _lacking("no shared context in {}", _has_context, situation)


@rule(Level.NOTE)
def missing_acceptance(situation: Situation) -> Iterator[Told]:
    """Plans that do not say how to know that they are done."""
    yield from _lacking("no acceptance criteria and no tests in {}", _has_acceptance, situation)


def _lacking(message: str, has: Callable[[Plan], bool], situation: Situation) -> Iterator[Told]:
    """What several plans lack that share their files with no plan that has it."""
    plans = with_work(situation)
    spoken = {plan.path for plan in plans if has(plan)}
    silent = [plan for plan in plans if plan.path not in spoken]
    return together(message, named(silent) if len(plans) > 1 else [])


def _has_context(plan: Plan) -> bool:
    reads = (claim.pattern.lower() for claim in plan.patterns(Access.READ))
    return "context" in plan.topics or any(path.endswith(DOCUMENTS) for path in reads)


def _has_acceptance(plan: Plan) -> bool:
    tested = any(_TESTED.search(task.text, 0, 400) for task in plan.tasks[:1000])
    return "acceptance" in plan.topics or bool(plan.tests) or tested


@rule(Level.NOTE)
def no_gate(situation: Situation) -> Iterator[Told]:
    """No tests are configured that a branch must pass to land."""
    if not situation.around.gate:
        yield Told("no gate is configured: nothing would test these branches before they land")
