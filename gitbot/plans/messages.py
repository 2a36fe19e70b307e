"""Plans of one line each, as a message hands them out to several agents.

"Agent A: Refactoring src/parser.ts", "1. agent-backend: Create the schema", `<Task agent="agent-docs">…</Task>`, and
"Cycle 11-20: Backend (agent-backend)": ranges that follow each other are phases, those that overlap are one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

from gitbot.model.plan import Need, NeedKind, Phase, Plan, PlanId, Source, Task
from gitbot.plans.document import PLAIN_FENCES, Block, Document, Kind
from gitbot.plans.extract import Extract
from gitbot.plans.front import DURATION, minutes
from gitbot.plans.merging import merge_same
from gitbot.plans.names import AGENT, agent_name, agents_in, fold, slug
from gitbot.plans.needs import bracket_needs, prose_needs
from gitbot.plans.paths import path_in, tokens
from gitbot.plans.phrases import phrase
from gitbot.plans.tasks import estimated
from gitbot.plans.words import claim

_LEAD = phrase(r"[ \t*\"'-]*(?P<number>\d{1,3}[.)][ \t]+)?[*`]{0,3}")
_REST = phrase(r"[*`]{0,3}[ \t]*(?:\([^()]{0,100}\))?[ \t]*:[*`]{0,3}[ \t]*(?P<work>\S.*)")
_TASK = phrase(r"<Task\b[^<>]{0,400}?\b(?:agent|subagent_type)=[\"'{]{1,2}(?P<agent>[\w-]{1,80})[^<>]{0,400}>")
_CYCLE = phrase(
    r"[ \t*>-]*cycles?[ \t]+(?P<first>\d{1,4})[ \t]*[-–][ \t]*(?P<last>\d{1,4})[*]{0,2}[ \t]*:[*]{0,2}"
    r"(?P<work>[^\n]{1,400})",
    re.I,
)
_STEP = phrase(
    rf"[ \t*`]*(?:(?P<role>[A-Z][\w&]{{0,30}}(?:[ ][A-Z&][\w&]{{0,30}}){{0,2}})[ -]Agent\b|(?i:{AGENT.pattern}))"
    rf"[*` \t]*(?:\([ \t]*~?[ \t]?{DURATION}[ \t]*\))?[ \t]*(?:=[^\n]*)?"
)
_BRACE = phrase(r"[ \t]*(?:[\\/]|(?:→|->).*)[ \t]*$")  # what joins lines that run side by side
_CODE = ("md", "markdown", "ts", "typescript", "js", "javascript")
_MOST = 200  # agents of one message


@dataclass(frozen=True, slots=True)
class _Job:
    """What one line gives to one agent."""

    id: str
    work: str
    line: int
    numbered: bool = False  # in a numbered list each entry is an agent of its own, whatever it is called
    heading: Block | None = None
    phase: Phase | None = None
    minutes: tuple[float, float] | None = None
    after: tuple[Need, ...] = ()


def recognises(document: Document) -> bool:
    """Work for two agents or more, in a file without sections of agents."""
    return not document.sections and len(_jobs(document)) > 1


def read(document: Document) -> tuple[Plan, ...]:
    """One plan per agent, in the order of the lines."""
    return merge_same(_plan(document, job) for job in _jobs(document))


def _jobs(document: Document) -> list[_Job]:
    """The jobs of the first way to hand out work that names two agents."""
    for found in (_lines(document), _tasks(document), _cycles(document), _chained(document)):
        jobs: list[_Job] = []
        taken: set[str] = set()
        for job in islice(found, _MOST):
            ids = (job.id, *(f"{job.id}-{n}" for n in range(2, _MOST + 2)))
            jobs.append(replace(job, id=next(id for id in ids if fold(id) not in taken)) if job.numbered else job)
            taken.add(fold(jobs[-1].id))
        if len(taken) > 1:
            return jobs
    return []


def _lines(document: Document) -> Iterator[_Job]:
    """Lines that begin with an agent; in a fence of code only numbered ones."""
    heading: Block | None = None
    for block in document.blocks:
        heading = block if block.kind is Kind.HEADING else heading
        plain = block.kind is not Kind.FENCE or block.info in PLAIN_FENCES
        if block.kind is Kind.HEADING or not (plain or block.info in _CODE):
            continue
        for line, text in enumerate(block.text.split("\n"), block.line):
            lead = _LEAD.match(text) if ":" in text else None
            name = AGENT.match(text, lead.end()) if lead else None
            rest = _REST.match(text, name.end()) if name else None
            if lead and name and rest and (lead["number"] or plain) and (id := agent_name(name, "")):
                work = rest["work"].strip()
                work = work.rstrip('"') if work.count('"') % 2 else work
                yield _Job(id, work, line, bool(lead["number"]) or "-" in name["joint"], heading)


def _tasks(document: Document) -> Iterator[_Job]:
    """Calls that each start an agent."""
    text = document.text
    for start in islice(_TASK.finditer(text), _MOST):
        name, (work, end, _) = AGENT.fullmatch(start["agent"]), text[start.end() :].partition("</Task>")
        if end:
            line = text.count("\n", 0, start.start()) + 1
            yield _Job(name["name"] if name else start["agent"], work.strip()[:20_000], line, True)


def _cycles(document: Document) -> Iterator[_Job]:
    """Ranges of work that name agents, in phases."""
    lines = document.text.split("\n") if "cycle" in document.text.lower() else ()
    found = ((line, _CYCLE.match(text)) for line, text in enumerate(lines, 1))
    ranges = [(int(match["first"]), int(match["last"]), line, match["work"]) for line, match in found if match]
    phase, reached = 0, -1
    for first, last, line, said in sorted(ranges[:_MOST]):
        phase, reached = (phase, max(reached, last)) if first <= reached else (phase + 1, last)
        work, equals, time = (part.strip() for part in said.partition("="))
        for agent in agents_in(work) or map(slug, re.split(r"\+|,", re.split(r"\(| simul| in par", work)[0])):
            yield _Job(agent, work, line, phase=Phase((phase,)), minutes=estimated(f"{equals and '~'}{time}")[0])


def _chained(document: Document) -> Iterator[_Job]:
    """Agents one after the other, two or more with their times: "Shop Agent (2h) → Till Agent (1h) = 3 hours".

    Never in a file with a checklist, which only speaks of agents.
    """
    checklist = any(block.state is not None for block in document.blocks)
    plain = (block for block in document.blocks if block.kind is not Kind.FENCE or block.info in PLAIN_FENCES)
    for block in () if checklist else plain:
        rows = [_BRACE.sub("", text) for text in block.text.split("\n")] if "\\\n" in block.text else []
        if rows and all(beside := [_STEP.fullmatch(row) for row in rows]):  # "Shop Agent (2h) \" above others
            yield from (_step(step, line) for line, step in enumerate(beside, block.line) if step)
        for line, text in enumerate(block.text.split("\n"), block.line):
            parts = re.split("→|->", text[:2_000])
            steps = [step for part in parts if (step := _STEP.fullmatch(part))]
            ids = [_step(step, line).id for step in steps]
            if len(parts) != len({*ids} - {""}) or sum(step["low"] is not None for step in steps) < 2:
                continue
            for before, step in zip(("", *ids), steps, strict=False):
                needs = (Need(before, NeedKind.HARD, line, text.strip()[:200], strict=False),) if before else ()
                yield replace(_step(step, line), after=needs)


def _step(step: re.Match[str], line: int) -> _Job:
    id = slug(step["role"]) if step["role"] else agent_name(step, "") or ""
    work = re.split(r"[(=]", step[0], maxsplit=1)[0].strip(" *`")
    return _Job(id, work, line, minutes=minutes(step) if step["low"] else None)


def _plan(document: Document, job: _Job) -> Plan:
    extract = Extract(document)
    needs, work = bracket_needs(job.work, job.line, products=True)
    text = " ".join(work.split())
    extract.needs += needs or prose_needs(work, job.line)
    extract.needs += job.after
    extract.tasks.append(Task(text, job.line, paths=extract.sentence(work, job.line)))
    for token in tokens(job.heading.text) if job.heading else ():  # the files that its agents work on
        if job.heading and (found := path_in(token, document.tree)) and not found.bare:
            extract.claims.append(claim("own", found.path, job.heading.line, 0.64, Source.INFERRED))
    plan = extract.plan("roster")
    return replace(
        plan, id=PlanId(job.id), agent=job.id, line=job.line, title=text[:200], phase=job.phase, minutes=job.minutes
    )
