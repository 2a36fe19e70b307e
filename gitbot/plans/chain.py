"""A checklist whose items wait for each other: `- [ ] Create schema ← Must finish first`.

Each item is a step with its own plan, held to the others by what the arrows say.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gitbot.model.plan import Need, NeedKind, Plan, PlanId
from gitbot.plans.document import Block, Document, Kind, Section
from gitbot.plans.extract import read_section
from gitbot.plans.merging import defaults
from gitbot.plans.names import agents_in, slug
from gitbot.plans.needs import Builders
from gitbot.plans.tasks import ARROW
from gitbot.plans.trees import AFTER, FIRST

_LONGEST = 200  # items; a list beyond that is no chain of steps but somebody's backlog


def recognises(document: Document) -> bool:
    """Two items or more, of which one's arrow names an order and none an agent, in a file that is no agent's own."""
    if document.sections or document.explicit_id or not ARROW.search(document.text):
        return False
    arrows = [words for _, words in _steps(document)]
    ordered = any(FIRST.search(words) or AFTER.match(words) for words in arrows)
    return 1 < len(arrows) <= _LONGEST and ordered and not any(map(agents_in, arrows))


def read(document: Document) -> Iterator[Plan]:
    """One plan per item."""
    steps = _steps(document)
    ids: list[PlanId] = []
    for block, _ in steps:
        id = PlanId(slug(block.text))
        ids.append(PlanId(f"{id}-{block.line}") if id in ids else id)
    plans = [
        replace(
            read_section(document, Section((block,)), "chain"), id=id, title=block.text.strip()[:200], line=block.line
        )
        for id, (block, _) in zip(ids, steps, strict=True)
    ]
    builders = Builders(plans)
    firsts = [place for place, (_, words) in enumerate(steps) if FIRST.search(words)]
    for place, (plan, (_, words)) in enumerate(zip(plans, steps, strict=True)):
        waits = [(first, first) for first in firsts if first != place]  # for whom, and whose line says so
        if place and (match := AFTER.match(words)):
            maker = builders.of(match["what"], apart_from=place)
            # An arrow that names nothing known still says "not before": the item above is the safe reading.
            waits.append((maker if maker is not None and maker < place else place - 1, place))
        needs = (Need(ids[other], NeedKind.HARD, plans[at].line, steps[at][1]) for other, at in waits)
        yield defaults(document.head, replace(plan, needs=(*plan.needs, *needs)))


def _steps(document: Document) -> list[tuple[Block, str]]:
    """Every item with a box, and what stands behind its arrow."""
    items = [block for block in document.blocks if block.kind is Kind.ITEM and block.state is not None]
    parts = [ARROW.split(block.text, maxsplit=1) for block in items]
    return [
        (replace(block, text=part[0]), "".join(part[1:]).strip()) for block, part in zip(items, parts, strict=True)
    ]
