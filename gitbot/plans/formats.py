"""Which tool's notation a plan file is written in, and what that notation means where it differs from the canonical.

The notations are data (`formats.toml`); a file is recognised by what it says, its path only strengthens. Paths,
tasks and labels are found by `extract` in all of them alike.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from itertools import islice

from gitbot.model.plan import Access, Claim, Need, NeedKind, Plan, PlanId, Task, TaskState
from gitbot.plans.document import Block, Document, Kind, Section
from gitbot.plans.extract import Extract, read_section
from gitbot.plans.merging import ORDER, merge
from gitbot.plans.names import Owner
from gitbot.plans.phrases import phrase
from gitbot.plans.tables import row_claims, rows_of
from gitbot.plans.tasks import read_item
from gitbot.plans.words import claim, words

INDEX = "index:"
"""Before the format of a plan that counts only where no other of the tool lies beside or below it."""
_MOST_CLAUSES, _MOST_NAMED = 200, 40  # lines of one file that order plans, and plans of one such line
_LOOKED_AT = 200_000  # characters: the marks of a notation stand everywhere in it
_CHAPTER = phrase(r"phase:\d+|(?:task-?|step-?|us|t)?\d+(?:\.\d+)*[a-z]?", re.I)
_AFTER = phrase(r"\b(?:after|depends?[ \t]on|requires|blocked[ \t]by)[ \t:]+(?P<before>[^():.;]{1,300})", re.I)
_NAMES = phrase(
    r"phases?[ \t]+(?P<numbers>\d{1,3}(?:[ \t]*(?:,|-|–|&|and|phases?)+[ \t]*(?:phases?[ \t]+)?\d{1,3}){0,40})"
    r"|(?<![\w/-])(?P<name>[a-z0-9]+(?:-[a-z0-9]+){1,20})(?![\w/-])",
    re.I,
)
_OWNED_BY_PHASE = phrase(r"\W{0,4}phase[ \t](?P<number>\d{1,3})[^:\n]{0,40}owne\w{1,10}\W{0,4}$", re.I)
_PHASE_HEAD = phrase(r"\W{0,4}phases?\b", re.I)
_KIND = phrase(
    r"^(?:[\w ]{0,40}\b(?:plan|tasks?|prompt)|domain|constraints|epic|story[ \t][\d.]+)[ \t]*[:—–-]+[ \t]*", re.I
)
_ALTERS = phrase(r"(added|modified|removed|renamed)[ \t]", re.I)
_COMMIT = phrase(r"[ \t]+[\[(`]?\b(?=[a-f]*\d)[0-9a-f]{7,40}\b[\])`]?$")
_INTERFACE = phrase(r"^[ \t]*(?:[-*][ \t]+)?[*]{0,2}(consumes|produces)[*]{0,2}:[*]{0,2}([^\n]{1,1000})", re.I | re.M)
_PRODUCT = phrase(r"[`* \t]*(?:([a-z][a-z0-9]*(?:_[a-z0-9]+)+)|[\w.@-]+/[\w.@/-]+)[`* \t.]*")


@dataclass(frozen=True, slots=True)
class Format:
    """One entry of `formats.toml`; there is said what the parts mean."""

    name: str
    marks: tuple[tuple[str, ...], ...]
    enough: int = 2
    path: str = ""
    id: str = ""
    cut: str = "file"
    skip: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    blanks: tuple[str, ...] = ()
    waits: str = ""
    title: str = ""
    status: str = ""
    branch: str = ""
    crowd: bool = False

    def fits(self, path: str, text: str) -> bool:
        """Whether the lower-cased text of a file bears enough marks."""
        wanted, left = max(self.enough - bool(self.path and re.search(self.path, path)), 1), len(self.marks)
        for marks in self.marks:
            if not 0 < wanted <= left:
                break
            wanted, left = wanted - any(mark in text for mark in marks), left - 1
        return wanted <= 0


@cache
def formats() -> tuple[Format, ...]:
    """Every known notation, the most specific first."""
    text = resources.files("gitbot.plans").joinpath("formats.toml").read_text(encoding="utf-8")
    known = tomllib.loads(text)["format"]
    for entry in known:
        entry |= {key: tuple(entry[key].split("|")) for key in ("skip", "ignore", "blanks") if key in entry}
        entry["marks"] = tuple(tuple(mark.split("|")) for mark in entry["marks"])
    return tuple(Format(**entry) for entry in known)


@cache
def names() -> frozenset[str]:
    """The names of the notations whose ids hold only in their own folder: all but gitbot's."""
    return frozenset({format.name for format in formats()} - {"canonical"} | {"task-master", "beads"})


def recognise(document: Document) -> Format | None:
    """The notation of a file, or None for one that no tool writes or that several agents share."""
    owners = {section.owner.id for section in document.sections if section.owner and section.owner.phase is None}
    path, text = f"/{document.path}".lower(), "\n" + document.text[:_LOOKED_AT].lower()
    known = (format for format in formats() if format.crowd or len(owners) < 2)
    return next((format for format in known if format.fits(path, text)), None)


def read(document: Document, format: Format) -> Iterator[Plan]:
    """The plans of a file in a notation that is not cut into sections; () when it belongs to a tool and is none."""
    if format.cut == "delta":
        yield from _delta(document)
    if format.cut in ("order", "index"):
        yield from _order(document)
        yield from _owned_by_phases(document)
        yield from _rows_of_phases(document)
    if format.cut in ("file", "index"):
        plan = _whole(document, format)
        if plan.claims or plan.tasks or plan.needs or document.head.id:
            yield replace(plan, format=(INDEX if format.cut == "index" else "") + format.name)
        elif plan.never:
            yield replace(plan, format=ORDER)


def _whole(document: Document, format: Format) -> Plan:
    """The file as one plan; its chapters are no plans, and what they wait for in each other orders nothing."""
    head, text, extract = document.head, document.text, Extract(document)
    own = (block for block in document.blocks if format.cut != "index" or not _PHASE_HEAD.match(" ".join(block.head)))
    body = read_section(document, Section(tuple(_kept(own, format.skip))), format.name)
    made, used = _interfaces(extract)
    todos = tuple(replace(task, paths=extract.sentence(task.text, task.line)) for task in head.tasks)
    id = _id_from(format.id, document.path) or head.id or document.id
    heading = next((block.text for block in document.blocks if block.kind is Kind.HEADING and block.level == 1), "")
    status = re.search(format.status, text[:4_000]) if format.status else None
    plan = merge(replace(head, tasks=todos), extract.plan(format.name), body)
    # Among finished ones, or with a summary of the work beside it.
    summary, index = re.sub(r"PLAN\.md$", "SUMMARY.md", document.path), document.tree.index
    away = re.search(r"/(?:archived?|done)/", document.path) or (
        summary != document.path and index is not None and summary in index.files
    )
    finished = head.finished or bool(away or (status and status[1].lower() in words("finished")))
    ticked = bool(plan.tasks) and all(task.state in (TaskState.DONE, TaskState.SKIPPED) for task in plan.tasks)
    titled = re.search(format.title, text) if format.title else None
    # No tool promises that a bracket names a plan.
    outside = (replace(need, strict=False) for need in body.needs if not _CHAPTER.fullmatch(need.reference))
    waits = (
        Need(name, NeedKind.HARD, line, reason, strict=False)
        for match, line, reason in (_found(re.compile(format.waits), text) if format.waits else ())
        for name in _named(match[1]) or [match[1]]
    )
    return replace(
        plan,
        id=PlanId(id),
        format=format.name,
        finished=finished or ticked,
        title=head.title or (head.id if " " in head.id else "") or (titled[1] if titled else _KIND.sub("", heading)),
        phase=None if "phase" in format.ignore else head.phase,
        branch=head.branch or (named[1] if format.branch and (named := re.search(format.branch, text)) else None),
        parallel="parallel" in format.ignore or plan.parallel,
        claims=tuple(made for made in plan.claims if not any(blank in made.pattern for blank in format.blanks)),
        needs=(*(_among_siblings(need, id) for need in head.needs), *outside, *waits, *used),
        emits=(*plan.emits, *made),
        tasks=tuple(_task(task, finished) for task in plan.tasks or _headed(document, plan.claims)),
    )


def _headed(document: Document, claims: Iterable[Claim]) -> Iterator[Task]:
    """The tasks that are headings, "### Task 2: Till", each with the paths below it."""
    headings = [block for block in document.blocks if block.kind is Kind.HEADING]
    lines, below = [block.line for block in headings], defaultdict[int, dict[str, None]](dict)
    for made in claims:
        if made.access is not Access.READ and not made.path:
            below[bisect(lines, made.line) - 1][made.pattern] = None
    for place, block in enumerate(headings):
        if re.match(r"task[ \t]\d{1,3}[:.]", block.text, re.I):
            yield replace(read_item(replace(block, kind=Kind.ITEM))[0], paths=tuple(below[place]))


def _interfaces(extract: Extract) -> tuple[list[tuple[str, int]], list[Need]]:
    """The events that tasks are said to produce, and those to consume from others; a path produced is a claim."""
    made: dict[str, int] = {}
    used: dict[str, Need] = {}
    for match, line, reason in _found(_INTERFACE, extract.document.text):
        produces = match[1].lower() == "produces"
        for product in filter(None, map(_PRODUCT.fullmatch, match[2].split(","))):
            if not product[1]:
                extract.listed(product[0].strip(" .") if produces else "", line, "create", 0.8)
            elif produces:
                made.setdefault(product[1], line)
            else:
                used.setdefault(product[1], Need(product[1], NeedKind.PIPELINED, line, reason, strict=False))
    return list(made.items()), [need for event, need in used.items() if event not in made]


def _found(pattern: re.Pattern[str], text: str) -> Iterator[tuple[re.Match[str], int, str]]:
    """Every match with the number of its line and what stands there from the match on."""
    for match in islice(pattern.finditer(text), _MOST_CLAUSES):
        start, end = match.start() + (match[0][:1] == "\n"), text.find("\n", match.end())
        yield match, text.count("\n", 0, start) + 1, text[start : end if end >= 0 else None].strip()[:200]


def _id_from(pattern: str, path: str) -> str:
    """The id that a path gives, "" for none: the name of a folder that holds all kinds of plans is none."""
    match = re.search(pattern, path) if pattern else None
    id = "-".join(match.groups()) if match else ""
    return "" if id.lower() in words("plan-folders") or id.startswith(".") else id


def _kept(blocks: Iterable[Block], skip: tuple[str, ...]) -> Iterator[Block]:
    """The blocks less those below headings that begin so."""
    level = 7
    for block in blocks:
        if block.kind is Kind.HEADING and block.level <= level:
            level = block.level if skip and block.text.strip("*# ").lower().startswith(skip) else 7
        if level == 7:
            yield block


def _among_siblings(need: Need, id: str) -> Need:
    """A need of a numbered plan for a mere number: another plan of its series."""
    series, _, number = id.rpartition("-")
    said = re.sub(r"(?i)-plan(?:\.md)?$", "", need.reference)
    match = re.fullmatch(
        r"(?:(?:phase|task|issue|back)[ :-]?)?0*(\d{1,6}(?:\.\d{1,6})*)(?:-[a-z][\w-]*)?", said, re.I
    )
    if series and match and (own := re.match(r"(0?)\d+", number)):
        return replace(need, reference=f"{series}-{match[1].zfill(len(own[0]) if own[1] else 1)}")
    return replace(need, reference=said)


def _task(task: Task, finished: bool) -> Task:
    state = TaskState.DONE if finished and task.state is not TaskState.SKIPPED else task.state
    return replace(task, text=_COMMIT.sub("", task.text), state=state)


def _order(document: Document) -> Iterator[Plan]:
    """What comes after what, line by line: "Parallel group A (after Phase 1): Phase 2, Phase 3"."""
    lines = enumerate((text[:1_000] for text in document.text.split("\n")), 1)
    clauses = ((line, text, clause) for line, text in lines if (clause := _AFTER.search(text)))
    for line, text, clause in islice(clauses, _MOST_CLAUSES):
        before = _named(clause["before"])
        for name in _named(text[: clause.start()] + ";" + text[clause.end() :]):
            needs = (Need(other, NeedKind.HARD, line, text.strip()[:200], strict=False) for other in before)
            yield Plan(id=PlanId(name), path=document.path, format=ORDER, line=line, needs=tuple(needs))


def _named(text: str) -> list[str]:
    """The ids of the phases and changes that a text names; "Phases 2-4" are three."""
    found: list[str] = []
    for match in _NAMES.finditer(text):
        found += [match["name"]] if match["name"] else []
        for first, last in re.findall(r"(\d+)(?:[ \t]*[-–][ \t]*(\d+))?", match["numbers"] or ""):
            numbers = range(int(first), int(last or first) + 1)
            found += [f"phase-{number}" for number in numbers[:_MOST_NAMED]]
    return found[:_MOST_NAMED]


def _owned_by_phases(document: Document) -> Iterator[Plan]:
    """Lists below "Phase 2 ownership:"."""
    number, items = "", []
    for block in (*document.blocks, Block(Kind.TEXT, 0, "")):
        if block.kind is Kind.ITEM and number:
            items.append(block)
            continue
        if items:
            section = Section(tuple(items), Owner(f"phase-{int(number)}", owns=True))
            yield replace(read_section(document, section, ORDER), line=items[0].line)
        match = _OWNED_BY_PHASE.match(block.text[:200])
        number, items = match["number"] if match else "", []


def _rows_of_phases(document: Document) -> Iterator[Plan]:
    """Tables such as `| Phase | Files |`: a row belongs to its phase."""
    for at, rows in rows_of(document.blocks, document.tree):
        for row in rows if _PHASE_HEAD.match(" ".join(rows[0].head)) else ():
            if number := re.match(r"\W{0,4}(?:phase[ \t])?(\d{1,3})\b", row.cells[0], re.I):
                said = ((kind, found.path) for kind, found in row_claims(row, at, document.tree) if kind != "never")
                named = ((kind, path) for kind, path in said if not re.search(r"phase-\d[^/]*\.md$", path))
                claims = tuple(claim(kind, path, row.line, 0.9) for kind, path in named)
                id = PlanId(f"phase-{int(number[1])}")
                yield Plan(id=id, path=document.path, format=ORDER, line=row.line, claims=claims)


def _delta(document: Document) -> Iterator[Plan]:
    """A change claims each specification that it alters: of two that modify one, the later drops the earlier."""
    match = re.search(r"^(.*?)changes/(?:archive/)?([^/]+)/(specs/[^/]+/[^/]+)$", document.path)
    headings = (block for block in document.blocks if block.kind is Kind.HEADING)
    kinds = [(found[1].lower(), block.line) for block in headings if (found := _ALTERS.match(block.text))]
    if match and kinds:
        kind, line = next(((kind, line) for kind, line in kinds if kind != "added"), kinds[0])
        made = claim("shared" if kind == "added" else "modify", f"{match[1]}{match[3]}", line, 0.8)
        yield Plan(id=PlanId(match[2]), path=document.path, format=ORDER, line=line, claims=(made,))
