"""Front matter for plans that declare nothing: what was found in them, as they could say it themselves.

Nothing is invented: each line stands on a claim, an edge or a phase of the answer. A path that was only guessed keeps
its place and its confidence beside it, and one that is too unsure to count is a comment.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain, takewhile

from gitbot.fileclasses import FileClass, file_class
from gitbot.model.plan import BLOCKING_CONFIDENCE, Access, Claim, NeedKind, Plan, PlanId, Source, Write
from gitbot.model.preflight import Check, Severity


def suggest(check: Check) -> str:
    """A block of YAML front matter per plan without a declared claim, behind a comment with the file it is for."""
    plans = undeclared(check)
    if not plans:
        return "# every plan declares its claims: there is nothing to suggest\n"
    in_file = Counter(plan.path for plan in check.plans.plans)
    # A declared number is a barrier: computed ones beside it would order what nobody ordered.
    bare = {plan.id for plan in plans}
    phased = [plan.id for plan in check.plans.plans if plan.phase is not None]
    numbered = bool(phased) and bare.issuperset(phased)
    blocks = []
    for plan in plans:
        roster = f":{plan.line}, as a file of its own beside the others" if in_file[plan.path] > 1 else ""
        lines = [*_keys(plan, check, numbered=numbered), *_claims(plan, check)]
        blocks.append("\n".join([f"# {_plain(plan.path)}{roster}", "---", *lines, "---", ""]))
    return "\n".join(blocks)


def undeclared(check: Check) -> list[Plan]:
    """The plans without a declared claim."""
    return [plan for plan in check.plans.plans if all(claim.source is Source.INFERRED for claim in plan.claims)]


def _collides(plan: Plan, check: Check) -> Iterator[PlanId]:
    """The plans of earlier phases beside which this one cannot run."""
    earlier = set(chain.from_iterable(takewhile(lambda phase: plan.id not in phase, check.phases)))
    blocking = (each.plans for each in check.overlaps if each.severity is Severity.BLOCKS and plan.id in each.plans)
    yield from (other for other in chain.from_iterable(blocking) if other in earlier)


def _keys(plan: Plan, check: Check, *, numbered: bool) -> Iterator[str]:
    kinds = ("plan", "file") if numbered else ("plan", "phase", "file")
    edges = [edge for edge in check.edges if edge.after == plan.id and not edge.pipelined and edge.kind in kinds]
    minutes = "-".join(dict.fromkeys(f"{round(end, 2):.9g}" for end in plan.minutes or ()))
    lists: dict[str, Iterable[str]] = {
        "depends_on": [*(edge.before for edge in edges), *_collides(plan, check)],
        "conflicts_with": [need.reference for need in plan.needs if need.kind is NeedKind.APART],
        "waits_for": [need.reference for need in plan.needs if need.kind is NeedKind.PIPELINED and need.word is None],
        "emits": [event for event, _ in plan.emits],
        "tests": plan.tests,
    }
    keys: dict[str, object] = {
        "plan": plan.id,
        "title": plan.title,
        "agent": plan.agent,
        "branch": check.branches.get(plan.id),
        "phase": next(at for at, phase in enumerate(check.phases, 1) if plan.id in phase) if numbered else None,
        "priority": plan.priority or None,
        "strategy": plan.strategy,
        "parallel": None if plan.parallel else False,
        "estimate": minutes and f"{minutes}m",
        **{key: list(dict.fromkeys(names)) for key, names in lists.items()},
    }
    yield from (f"{key}: {_yaml(value)}" for key, value in keys.items() if value or value is False)


def _claims(plan: Plan, check: Check) -> Iterator[str]:
    shared = plan.patterns(Access.SHARED)
    elsewhere = {claim.pattern for claim in shared}
    owned = [claim for claim in plan.patterns(Access.OWN) if claim.pattern not in elsewhere]
    lists = {"owns": owned, "shared": shared, "reads": plan.patterns(Access.READ), "never": plan.never}
    for key, claims in lists.items():
        lines = list(dict.fromkeys(_entry(claim, plan, check) for claim in claims))
        if any(not line.startswith("  #") for line in lines):
            yield f"{key}:"
        yield from lines
    if not owned and not shared:
        yield "# no path to write was found: list them under owns"


def _entry(claim: Claim, plan: Plan, check: Check) -> str:
    pattern = _yaml(claim.pattern)
    if claim.write is not Write.ANY and claim.access is Access.OWN:
        there = claim.write is Write.CREATE and claim.pattern in check.existing
        pattern = f"{Write.MODIFY if there else claim.write}: {pattern}"
    place = f"{_plain(claim.path or plan.path)}:{claim.line}"
    span = f" ({_plain(claim.span)})" if claim.span else ""
    unsure = claim.confidence < BLOCKING_CONFIDENCE or file_class(claim.pattern) is FileClass.COORDINATION
    mark, words = ("# ", "too unsure to claim, ") if unsure else ("", "")
    return f"  {mark}- {pattern}  # {words}confidence {claim.confidence:g}, {place}{span}"


def _yaml(value: object) -> str:
    """A value in YAML's flow style: quoted, so that no pattern and no name is taken for anything else."""
    return json.dumps(value, ensure_ascii=False)


def _plain(text: str) -> str:
    """Text that stays inside its comment."""
    return "".join(character if character.isprintable() else "?" for character in text)
