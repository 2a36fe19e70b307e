"""What the plans of one run are to each other: which count beside which, and by what name where tools repeat ids."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache

from gitbot.model.plan import Need, NeedKind, Plan, PlanId, PlanSet, Problem
from gitbot.plans.formats import INDEX, names
from gitbot.plans.merging import ORDER
from gitbot.plans.names import fold
from gitbot.plans.paths import Index
from gitbot.plans.phrases import phrase
from gitbot.plans.words import words

_HAND_MADE = ("canonical", "generic", "roster", "phases", "table", "ralph")
_HOME = phrase(
    r"(?:.*/)?(?:(?:\.kiro/specs|openspec/changes(?:/archive)?|epics|kitty-specs|conductor/(?:tracks|archive)"
    r"|\.gsd-t/domains|agent-os/specs|specs(?:/archived?)?)/[^/]+/|\.planning/)"
)
"""The folder of one feature, change or epic where a tool keeps them."""
_PAPER = phrase(r"(?:^|/)specs/[^/\n]+/(?:plan|(?:contracts|checklists)/[^\n]+)\.md$")
_WORD_END = phrase(r"(?<=[^\W_])(?![^\W_])")


def settle(plans: Iterable[Plan], index: Index | None) -> PlanSet:
    """All plans side by side, less those that are finished or mere notes, each under an id of its own.

    Finished plans make way for open ones of their kind; a set that is finished as a whole is shown as it is.
    """
    every = list(plans)
    working = {plan.format for plan in every if not plan.finished}
    left = [plan for plan in every if not (plan.finished and plan.format in working)]
    tools = (plan for plan in every if plan.format not in _HAND_MADE)
    homes = {home[0]: plan.format for plan in tools if plan.format in names() and (home := _HOME.match(plan.path))}
    notes: dict[str, dict[str, None]] = {}
    for plan in left:
        by_hand = plan.format in _HAND_MADE and plan.confidence != "declared"  # by its front matter
        if by_hand and (home := _HOME.match(plan.path)) and home[0] in homes:
            notes.setdefault(home[0], {})[plan.path] = None
    remarks = {path for paths in notes.values() for path in paths}
    detailed = {(INDEX + plan.format, folder) for plan in left for folder in _above(plan.path)}
    kept = (p for p in left if p.path not in remarks and (p.format, next(_above(p.path))) not in detailed)
    known_as = (replace(p, format=p.format[len(INDEX) :]) if p.format.startswith(INDEX) else p for p in kept)
    named = _told_apart(_by_needs(list(known_as)))
    here, known = {fold(plan.id) for plan in named}, {fold(plan.id) for plan in every}
    tracked = cache(lambda: _beginnings(index))

    def is_open(plan: Plan, need: Need) -> bool:
        """Whether a need is not for a tool's plan that is finished, or that has a file and was not given."""
        name = fold(need.reference)
        return (
            plan.format not in names() or name in here or not (name in known or (need.strict and name in tracked()))
        )

    return PlanSet(
        tuple(
            replace(plan, needs=tuple(need for need in plan.needs if is_open(plan, need))) if plan.needs else plan
            for plan in named
        ),
        problems=tuple(
            _remark(home, told)
            for home, paths in notes.items()
            if (told := [path for path in paths if homes[home] != "spec-kit" or not is_paper(path)])
        ),
    )


def _by_needs(plans: list[Plan]) -> list[Plan]:
    """The plans: phases in a folder, a file each, are ordered by their needs and not by number once one has any.

    Of those, one without needs comes after all with smaller numbers.
    """
    waiting = {(next(_above(plan.path)), fold(plan.id)) for plan in plans if plan.needs}
    series: dict[str, list[Plan]] = {}
    for plan in plans:
        if plan.format == "phases" and plan.phase is not None:
            series.setdefault(next(_above(plan.path)), []).append(plan)
    freed: dict[str, Plan] = {}
    for folder, phases in series.items():
        ids = {f"phase:{plan.phase}": plan.id for plan in phases}
        alone = len({plan.path for plan in phases}) == len(phases) == len(ids)
        if not alone or all((folder, fold(plan.id)) not in waiting for plan in phases):
            continue
        before: list[PlanId] = []
        for plan in sorted(phases, key=lambda plan: plan.phase or ()):
            needs = [replace(need, reference=ids.get(need.reference, need.reference)) for need in plan.needs]
            if (folder, fold(plan.id)) not in waiting:
                needs = [Need(id, NeedKind.HARD, plan.line, f"phase {plan.phase}", strict=False) for id in before]
                before = []  # they come before whoever waits for this one
            before.append(plan.id)
            freed[plan.path] = replace(plan, phase=None, needs=tuple(needs))
    return [freed[plan.path] if plan.format == "phases" and plan.path in freed else plan for plan in plans]


def is_paper(path: str) -> bool:
    """Whether spec-kit itself writes such a file beside its tasks."""
    return _PAPER.search(path) is not None


def _remark(home: str, paths: list[str]) -> Problem:
    named = ", ".join(path.removeprefix(home) for path in paths[:8]) + (", …" if len(paths) > 8 else "")
    return Problem("unreadable-plan", "note", f"taken for notes on the plans in {home}: {named}", paths[0])


def _above(path: str) -> Iterator[str]:
    """The folders that a file lies in, the root as ""."""
    while path:
        path = path.rpartition("/")[0]
        yield path


def _beginnings(index: Index | None) -> frozenset[str]:
    """The words that names of tracked plan files begin with: 01-02-PLAN.md with 01, 01-02, 01-02-plan."""
    stems = (name.lower() for name in (index.by_name if index else ()) if name.endswith(".md"))
    return frozenset(stem[: end.start()] for stem in stems for end in _WORD_END.finditer(stem[:80]))


def _told_apart(plans: list[Plan]) -> list[Plan]:
    """Ids that tools use in several places, each with the name of its place: the missions of two packages WP01."""
    places: dict[str, dict[str, None]] = {}
    for plan in plans:
        if plan.format in names():
            places.setdefault(fold(plan.id), {})[_place(plan)] = None

    def name(reference: str, plan: Plan) -> str:
        found = places.get(fold(reference.partition("#")[0]), {})
        return f"{_place(plan)}-{reference}" if len(found) > 1 and _place(plan) in found else reference

    def renamed(plan: Plan) -> Plan:
        needs = tuple(replace(need, reference=name(need.reference, plan)) for need in plan.needs)
        return replace(plan, id=PlanId(name(plan.id, plan)), needs=needs)

    return [renamed(plan) if plan.format in names() or plan.format == ORDER else plan for plan in plans]


def _place(plan: Plan) -> str:
    """The name of the nearest folder that is not just where plans lie."""
    parts = (folder.rpartition("/")[2] for folder in _above(plan.path))
    return next((part for part in parts if part and part.lower() not in words("plan-folders")), "")
