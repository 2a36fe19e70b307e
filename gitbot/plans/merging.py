"""Many plans made one set: one plan per id, patterns in their normal form, confidence summed up.

Nothing that any plan claims is ever lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import fields, replace
from itertools import accumulate, chain
from typing import Any

from gitbot.errors import PatternError
from gitbot.model.plan import Access, Claim, Need, Plan, PlanId, PlanSet, Problem, Source, Task
from gitbot.patterns import PatternList, compile_patterns, normalise, readings, starred
from gitbot.plans.names import fold
from gitbot.plans.needs import is_riddle, resolve_products

_LISTS = ("tasks", "needs", "emits", "tests", "topics", "relies", "unresolved")
_SINGLE = {
    field.name: field.default
    for field in fields(Plan)
    if field.name in ("title", "agent", "branch", "phase", "wave", "priority", "strategy", "minutes", "finished")
}
ORDER = "order"
"""The format of what one file says about the plans of others: it is nothing where there is no such plan."""
_DRAWN = ("tree", "table")  # plans of owners that a drawing names, by id or by title
_SURE, _MOSTLY = 0.8, 0.8
_MOST_COMPARED = 40_000  # pairs of a pattern and an exclusion
_MOST_READINGS, _READINGS_EACH = 20_000, 20  # of the patterns of all plans beyond one each: so many, and per plan


def merge(first: Plan, *others: Plan) -> Plan:
    """All plans as one: lists joined, single values from the first plan that has one."""
    plans = (first, *(_located(plan, first.path) for plan in others))
    merged: dict[str, Any] = {
        name: tuple(dict.fromkeys(chain.from_iterable(getattr(plan, name) for plan in plans))) for name in _LISTS
    }
    merged |= {name: united(getattr(plan, name) for plan in plans) for name in ("claims", "never")}
    for name, default in _SINGLE.items():
        merged[name] = next((v for plan in plans if (v := getattr(plan, name)) != default), default)
    return replace(first, parallel=all(plan.parallel for plan in plans), **merged)


def united(lists: Iterable[Sequence[Claim]]) -> tuple[Claim, ...]:
    """The claims of several lists, in an order in which no `!` takes from what another list claims.

    A claim that a later list would take from goes behind it; where a `!` of its own list takes from it too, those of
    the later lists give way. Of too many the later lists' all give way.
    """
    every = [claims for claims in lists if claims]
    plain = tuple(dict.fromkeys(chain.from_iterable(every)))
    exclusions = sum(claim.pattern.startswith("!") for claim in plain)
    if len(every) < 2 or not exclusions:
        return plain
    if exclusions * len(plain) > _MOST_COMPARED:
        return (*every[0], *(claim for claims in every[1:] for claim in claims if not claim.pattern.startswith("!")))
    gone: set[Claim] = set()
    last: dict[Claim, None] = {}
    for access in Access:
        known = [[(claim, _text(claim)) for claim in claims if claim.access is access] for claims in every]
        for place, claims in enumerate(known):
            rest = {claim: text for later in known[place + 1 :] for claim, text in later if text.startswith("!")}
            own = compile_patterns(text[1:] for _, text in claims if text.startswith("!"))
            others, passed = compile_patterns(text[1:] for text in rest.values()), 0
            for claim, text in claims:
                passed += text.startswith("!")
                if text and not text.startswith("!") and (taking := _near(text, others)):
                    kept = _near(text, own, passed)
                    gone |= {each for each, taken in rest.items() if kept and taken in taking and taken not in kept}
                    last |= {} if kept else {claim: None}
    return (*(claim for claim in plain if claim not in gone and claim not in last), *last)


def _text(claim: Claim) -> str:
    """The pattern in its normal form; nothing where it has none, which is reported later."""
    try:
        return normalise(claim.pattern).text
    except PatternError:
        return ""


def _near(text: str, others: PatternList, since: int = 0) -> tuple[str, ...]:
    """Those of the others, each behind a `!`, that may have a path in common with a pattern."""
    return compile_patterns([text]).without(others, since).patterns[1:]


def _located(plan: Plan, path: str) -> Plan:
    """The plan with claims that keep the name of its file, where it is another one."""
    if plan.path == path:
        return plan
    located = [tuple(replace(c, path=c.path or plan.path) for c in some) for some in (plan.claims, plan.never)]
    return replace(plan, claims=located[0], never=located[1])


def merge_same(plans: Iterable[Plan]) -> tuple[Plan, ...]:
    """One plan per id, in the order in which the ids come first."""
    groups: dict[str, list[Plan]] = {}
    for plan in plans:
        groups.setdefault(fold(plan.id), []).append(plan)
    return tuple(merge(*group) if len(group) > 1 else group[0] for group in groups.values())


def defaults(head: Plan, section: Plan) -> Plan:
    """A section of a roster with the file's front matter as its defaults: what it says itself wins."""
    return merge(section, replace(head, claims=(), never=()) if section.claims else head)


def assemble(readings: Iterable[PlanSet]) -> PlanSet:
    """The set of the plans of these files, in the order given."""
    known = tuple(readings)
    problems = [problem for reading in known for problem in reading.problems]
    plans = resolve_products(_by_id([plan for reading in known for plan in reading.plans], problems))
    problems += (_misheard(plan, need) for plan in plans for need in plan.needs if is_riddle(need))
    finished = tuple(_finished(plan, problems) for plan in plans)
    return PlanSet(
        _bounded(finished, problems),
        _normal((claim for reading in known for claim in reading.shared), "", problems),
        tuple(dict.fromkeys(problems)),
        tuple(dict.fromkeys(path for reading in known for path in reading.files)),
    )


def _misheard(plan: Plan, need: Need) -> Problem:
    message = f"nothing here tells what {plan.id} waits for: {need.reason[:80]}"
    hint = "name a plan, an agent or an event: `depends_on: …` or (waits for …)"
    return Problem("unknown-dependency", "warning", message, plan.path, need.line, hint=hint)


def _by_id(plans: list[Plan], problems: list[Problem]) -> tuple[Plan, ...]:
    """One plan per id; files of one folder may share one, a tree may name anybody's, by id or title."""
    printable = [plan if plan.id == (id := _printable(plan.id)) else replace(plan, id=PlanId(id)) for plan in plans]
    ordered = [plan for plan in printable if plan.format not in (*_DRAWN, ORDER)]
    names = {fold(plan.title): plan.id for plan in ordered} | {fold(plan.id): plan.id for plan in ordered}
    firsts: dict[str, Plan] = {}
    for plan in ordered:
        first = firsts.setdefault(fold(plan.id), plan)
        if plan.path.rpartition("/")[0] != first.path.rpartition("/")[0]:
            message = f"{plan.path} and {first.path} are both the plan {first.id}; their claims are united"
            hint = "give one of them another id with the key plan"
            problems.append(Problem("duplicate-plan", "error", message, plan.path, plan.line, hint=hint))
    for plan in printable:
        if plan.format in _DRAWN or (plan.format == ORDER and fold(plan.id) in names):
            ordered.append(replace(plan, id=names.get(fold(plan.agent or plan.id), plan.id)))
    return merge_same(ordered)


def _printable(id: str) -> str:
    return "".join(c for c in id if c.isprintable()).strip()[:100] or "plan"


def _finished(plan: Plan, problems: list[Problem]) -> Plan:
    claims = _normal(plan.claims, plan.path, problems)
    never = _normal(plan.never, plan.path, problems)
    paths = (tuple(dict.fromkeys(_normal_paths(task))) for task in plan.tasks)
    tasks = tuple(t if t.paths == p else replace(t, paths=p) for t, p in zip(plan.tasks, paths, strict=True))
    return replace(plan, claims=claims, never=never, tasks=tasks, confidence=_confidence(claims))


def _normal(claims: Iterable[Claim], path: str, problems: list[Problem]) -> tuple[Claim, ...]:
    """The claims in normal form; a pattern outside the notation is dropped, and said so."""
    found: dict[Claim, None] = {}
    for claim in claims:
        where = claim.path or path
        try:
            normal = normalise(claim.pattern)
        except PatternError as error:
            level = "error" if claim.source is Source.DECLARED else "warning"
            problems.append(Problem("unreadable-plan", level, error.message, where, claim.line, hint=error.hint))
        else:
            changed = normal.text != claim.pattern or (normal.span and not claim.span)
            found[replace(claim, pattern=normal.text, span=claim.span or normal.span) if changed else claim] = None
            for remark in normal.remarks:
                problems.append(Problem("unreadable-plan", "warning", f"{normal.text}: {remark}", where, claim.line))
    return tuple(found)


def _bounded(plans: tuple[Plan, ...], problems: list[Problem]) -> tuple[Plan, ...]:
    """The plans with no more readings of braces and brackets in all than can be kept; who has most gives way."""
    claims = [c for plan in plans for c in plan.claims + plan.never if "{" in c.pattern or "[" in c.pattern]
    more = [(readings(claim.pattern) - 1, claim.pattern) for claim in claims]
    total, left = sum(count for count, _ in more), _MOST_READINGS + _READINGS_EACH * len(plans)
    if total <= left:
        return plans
    kept = dict(zip(sorted(more), accumulate(count for count, _ in sorted(more)), strict=False))
    plain = {pattern: starred(pattern) for (_, pattern), sofar in kept.items() if sofar > left}

    def bounded(claims: tuple[Claim, ...]) -> tuple[Claim, ...]:
        return tuple(replace(c, pattern=plain.get(c.pattern, c.pattern)) for c in claims)

    place = next((plan, claim) for plan in plans for claim in plan.claims + plan.never if claim.pattern in plain)
    message = f"the plans' braces and brackets have {total} readings; {len(plain)} patterns count as with * for each"
    where = place[1].path or place[0].path
    problems.append(Problem("unreadable-plan", "warning", message, where, place[1].line))
    return tuple(replace(plan, claims=bounded(plan.claims), never=bounded(plan.never)) for plan in plans)


def _normal_paths(task: Task) -> Iterator[str]:
    for pattern in task.paths:
        with suppress(PatternError):  # its claim is reported already
            yield normalise(pattern).text


def _confidence(claims: Iterable[Claim]) -> str:
    """How far the write claims can be trusted, in one word."""
    writes = [claim for claim in claims if claim.access is not Access.READ]
    if not writes:
        return "unknown"
    if all(claim.source is Source.DECLARED for claim in writes):
        return "declared"
    sure = sum(claim.confidence >= _SURE for claim in writes) / len(writes)
    mean = sum(claim.confidence for claim in writes) / len(writes)
    return "high" if sure >= _MOSTLY else "medium" if sure >= 0.5 or mean >= 0.6 else "low"
