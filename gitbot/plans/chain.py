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
    steps = _steps(document)
    return (
        1 < len(steps) <= _LONGEST
        and any(FIRST.search(words) or AFTER.match(words) for _, words in steps)
        and not any(agents_in(words) for _, words in steps)
        and not document.sections
        and not document.explicit_id
    )


def read(document: Document) -> Iterator[Plan]:
    """One plan per item."""
    steps = _steps(document)
    ids = _ids([block for block, _ in steps])
    plans = [read_section(document, Section((block,)), "chain") for block, _ in steps]
    plans = [replace(p, title=block.text.strip()[:200]) for p, (block, _) in zip(plans, steps, strict=True)]
    builders = Builders(plans)
    firsts = [place for place, (_, words) in enumerate(steps) if FIRST.search(words)]
    for place, (plan, (block, words)) in enumerate(zip(plans, steps, strict=True)):
        needs = [_need(ids[first], *steps[first]) for first in firsts if first != place]
        if place and (match := AFTER.match(words)):
            maker = builders.of(match["what"], apart_from=place)
            # An arrow that names nothing known still says "not before": the item above is the safe reading.
            before = maker if maker is not None and maker < place else place - 1
            needs.append(_need(ids[before], block, words))
        step = replace(plan, id=PlanId(ids[place]), line=block.line, needs=(*plan.needs, *needs))
        yield defaults(document.head, step)


def _need(id: str, block: Block, words: str) -> Need:
    return Need(id, NeedKind.HARD, block.line, words)


def _steps(document: Document) -> list[tuple[Block, str]]:
    """Every item with a box, and what stands behind its arrow."""
    found = []
    for block in document.blocks:
        if block.kind is Kind.ITEM and block.state is not None:
            text, *words = ARROW.split(block.text, maxsplit=1)
            found.append((replace(block, text=text), "".join(words).strip()))
    return found


def _ids(blocks: list[Block]) -> list[str]:
    ids: list[str] = []
    for block in blocks:
        id = slug(block.text)
        ids.append(id if id not in ids else f"{id}-{block.line}")
    return ids
