"""A section per agent or workstream, a section per phase, or both; a file without sections is one plan.

The last reader of the list: it takes every file. Where a file holds several plans, its front matter gives defaults
to all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gitbot.model.plan import Access, Plan, PlanId, Source
from gitbot.plans import tables
from gitbot.plans.document import Document, Kind, Section
from gitbot.plans.extract import read_section
from gitbot.plans.merging import defaults, merge
from gitbot.plans.names import Owner, fold

PREAMBLE = "preamble"
"""The format of what stands above the sections: no plan, and its shared files are the set's."""


def recognises(document: Document) -> bool:
    """Every file."""
    return True


def read(document: Document) -> Iterator[Plan]:
    """The plans of a roster, or the one plan of the file."""
    sections = document.sections
    roster = len(sections) > 1 or any(section.phase is not None for section in sections)
    return _roster(document) if roster else _single(document)


def _roster(document: Document) -> Iterator[Plan]:
    """One plan per section; a phase that says nothing itself is only an order for the agents below it."""
    for section in document.sections:
        owner = section.owner
        by_phase = owner is not None and owner.phase is not None
        plan = read_section(document, section, "phases" if by_phase else "roster")
        if plan.claims or plan.tasks or plan.never or plan.agent or not by_phase:
            yield defaults(document.head, plan)
    rest = read_section(document, document.rest, "generic")
    if not rest.tasks:  # rules and remarks: they name the files of the sections without being anybody's work
        rest = replace(rest, claims=tuple(c for c in rest.claims if c.source is Source.DECLARED))
        first = document.sections[0].blocks[0].line
        above = tuple(c for c in rest.claims if c.access is Access.SHARED and c.line < first)
        yield Plan(id=PlanId(document.id), path=document.path, format=PREAMBLE, claims=above)
        rest = replace(rest, claims=tuple(c for c in rest.claims if c.line > first))
    if rest.claims:
        yield replace(rest, id=PlanId(document.id))


def _single(document: Document) -> Iterator[Plan]:
    """The file's plan, or none when it holds neither task nor claim nor the name of an agent."""
    head, id, named = document.head, document.explicit_id, next(iter(document.sections), Section(()))
    if named.owner is None or (id is not None and fold(id) != fold(named.owner.id)):
        named = Section((), Owner(id) if id else None)
    body = read_section(document, replace(named, blocks=document.blocks), "generic")
    if tables.name_owners(document):  # what the rest says of the owners' files is nobody's work
        body = replace(body, claims=tuple(c for c in body.claims if c.source is Source.DECLARED))
    if not (named.owner or head.claims or head.needs or head.agent or body.claims or body.tasks):
        return
    declared = named.owner or any(claim.source is Source.DECLARED for claim in head.claims + body.claims)
    titles = (b.text.strip()[:200] for b in document.blocks if b.kind is Kind.HEADING and b.level == 1)
    plan = merge(head, body)
    yield replace(
        plan,
        id=PlanId(head.id or body.id or document.id),
        format="canonical" if declared else "generic",
        title=plan.title or ("" if named.heading else next(titles, "")),
    )
