"""Plans of one line each: "Agent A: Refactoring src/parser.ts".

A heading above the lines that names a file ("Both agents editing package.json") speaks of every agent below it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from gitbot.model.plan import Claim, Plan, PlanId, Source, Task
from gitbot.plans.document import PLAIN_FENCES, Block, Document, Kind
from gitbot.plans.extract import Extract
from gitbot.plans.merging import merge_same
from gitbot.plans.names import AGENT, agent_name, fold
from gitbot.plans.needs import bracket_needs
from gitbot.plans.paths import path_in, tokens
from gitbot.plans.words import claim

_REST = re.compile(r"(?:\*\*)?[ \t]*(?:\([^()]{0,100}\))?[ \t]*:(?:\*\*)?[ \t]*(?P<work>\S.*)")


def recognises(document: Document) -> bool:
    """Two lines that give work to different agents, in a file without sections of agents."""
    return not document.sections and len({fold(id) for id, *_ in _lines(document)}) > 1


def read(document: Document) -> tuple[Plan, ...]:
    """One plan per agent, in the order of the lines."""
    return merge_same(_plan(document, *line) for line in _lines(document))


def _lines(document: Document) -> Iterator[tuple[str, str, int, Block | None]]:
    """Each agent's id, its work, the line, and the heading above."""
    heading: Block | None = None
    for block in document.blocks:
        if block.kind is Kind.HEADING:
            heading = block
        elif block.kind is not Kind.FENCE or block.info in PLAIN_FENCES:
            for number, text in enumerate(block.text.split("\n"), block.line):
                name = AGENT.match(text, len(text) - len(text.lstrip(" \t*\"'-")))
                rest = _REST.match(text, name.end()) if name else None
                if name and rest and (id := agent_name(name, "")):
                    work = rest["work"].strip()
                    yield id, work.rstrip('"') if work.count('"') % 2 else work, number, heading


def _plan(document: Document, id: str, work: str, line: int, heading: Block | None) -> Plan:
    extract = Extract(document)
    needs, work = bracket_needs(work, line, products=True)
    text = " ".join(work.split())
    extract.needs += needs
    extract.tasks.append(Task(text, line, paths=extract.sentence(work, line)))
    extract.claims += _files_of(heading, document)
    return replace(extract.plan("roster"), id=PlanId(id), agent=id, line=line, title=text[:200])


def _files_of(heading: Block | None, document: Document) -> Iterator[Claim]:
    """The files that a heading says its agents work on."""
    for token in tokens(heading.text) if heading else ():
        if heading and (found := path_in(token, document.tree)) and not found.bare:
            yield claim("own", found.path, heading.line, 0.64, Source.INFERRED)
