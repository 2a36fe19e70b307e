"""What tables say: whose a path is, by an owner's cell or an owner's column, and what happens to the paths of a row.

`read` gives the plans of tables that name owners, and of lists that do so line by line; a row of any other table
belongs to the plan it stands in, and `row_claims` says what it claims there. The header decides, and where it is
silent the cells do.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby, islice, pairwise
from operator import itemgetter

from gitbot.model.plan import Claim, Need, NeedKind, Plan, PlanId
from gitbot.plans.document import Block, Document, Kind
from gitbot.plans.lists import listed_paths
from gitbot.plans.merging import ORDER, merge_same
from gitbot.plans.names import AGENT, agent_name, agents_in
from gitbot.plans.needs import phrase_needs
from gitbot.plans.paths import Found, Tree, path_in
from gitbot.plans.phrases import phrase
from gitbot.plans.tasks import whole_path
from gitbot.plans.words import claim, kinds, label_kind, words

_SPLIT = phrase(r"[ \t]*(?:,|;|/|\+|&|<br[ \t]?/?>|[ \t]and[ \t])[ \t]*")
_MARKED = phrase(r"[`*_~]+|\([^()]{0,200}\)")
_NEEDS = phrase(r"[;,.(][ \t]*(?=(?:depends?[ \t]on|after|waits?[ \t]for|blocked[ \t]by|needs|requires)\b)", re.I)
_OWNER_LINE = phrase(
    rf"(?:\*\*(?P<who>[^*\n]{{1,80}})\*\*|`?{AGENT.pattern}`?)[ \t]*(?:→|->|=>)[ \t]*(?P<paths>\S[^\n]{{0,2000}})",
    re.I,
)
_UNTOUCHED = phrase(r"\W{0,8}(?P<label>[^\W\d_][\w'’ -]{0,40})[*_]{0,3}:[*_]{0,3}(?P<paths>[^\n]{1,2000})")
_BRANCH = phrase(r"`([\w.-]{1,40}/[\w./-]{1,80})`")
_INTEGRATOR = phrase(
    r"\W{0,6}(?:only[ \t])?(?:the[ \t])?(?:integrator|integration agent|coordinator|orchestrator|merge agent)\b"
    r"[*:]{0,3}[ \t](?:only[ \t])?(?:wires|owns|merges|edits|updates|touches|changes)\b(?P<paths>[^\n]{1,1000})",
    re.I,
)
_MATRIX = {
    "own": "own owns owner x ✅ ✓ ✔ ✔️ ☑ w rw write writes primary yes ● edit edits modify",
    "shared": "shared secondary append co-own",
    "read": "r read reads read-only ro 👁 review reviews reviewer",
    "": "no none n/a",
}
_CELLS = {"": ""} | {word: kind for kind, listed in _MATRIX.items() for word in listed.split()}


_ARROWS = phrase(
    r"(?:[*_]{0,3}[^\n:→]{0,40}order[^\n:→]{0,20}:[*_]{0,3}[ \t]*)?"
    r"(?P<names>[\w *`-]{1,40}(?:(?:→|->)[\w *`-]{1,40}){1,12})\.?",
    re.I,
)
_UNTOLD = "untold"  # the kind of what a cell of a matrix gives to its agent in words that nobody knows
_MOST_UNTOUCHED = 100  # paths that are forbidden to all owners of a file at once
_SAMPLE = 50  # rows that show what the columns hold


@dataclass(frozen=True, slots=True)
class Columns:
    """What the columns of a table hold."""

    paths: dict[int, str]  # the kind of claim that a column's paths make
    owner: int | None = None
    agents: dict[int, str] | None = None  # of a matrix: whose column it is
    action: int | None = None  # says for each row what is done to its paths


def columns(head: tuple[str, ...], rows: list[Block], tree: Tree) -> Columns:
    """What the header says of the columns; a column of nothing but paths needs no header."""
    rows = rows[:_SAMPLE]
    names = [" ".join(_MARKED.sub(" ", cell).lower().split()) for cell in head]
    owner = next((n for n, name in enumerate(names) if kinds("columns").get(name) == "owner"), None)
    coded = [_MARKED.sub("", row.cells[0]).strip() for row in rows if row.cells]
    if owner is None and all(re.fullmatch("[A-Z]", code) for code in coded) and len({*coded}) == len(coded) > 1:
        owner = 0  # "| **A** | … |"
    action = next((n for n, name in enumerate(names) if kinds("columns").get(name) == "action"), None)
    paths: dict[int, str] = {}
    unknown: list[int] = []
    for place, name in enumerate(names):
        kind = "own" if kinds("columns").get(name) == "path" else _column_kind(name) if name else None
        if action is not None and kind is None and rows and all(_only_path(row, place, tree) for row in rows):
            kind = "own"
        if place not in (owner, action) and (kind or owner is not None):
            full = [row.cells[place] for row in rows if len(row.cells) > place and row.cells[place].strip("- —–")]
            sure = sum(any(True for _ in listed_paths(cell, tree)) for cell in full)
            if kind == "never" or (full and 2 * sure >= len(full) and kinds("columns").get(name) != "other"):
                paths[place] = kind or "own"
                unknown += [] if kind else [place]
    if "own" in (kind for place, kind in paths.items() if place not in unknown):
        paths = {place: kind for place, kind in paths.items() if place not in unknown}
    agents = {n: who for n, cell in enumerate(head) if n not in paths and n != owner and (who := _agent(cell))}
    marks = [_mark(row.cells[n]) for row in rows for n in agents if n < len(row.cells)]
    # A cell or two of other words make no other table of it.
    marked = any(marks) and 3 * marks.count(None) <= len(marks)
    return Columns(paths, owner, agents if marked and paths else None, action)


def _column_kind(name: str) -> str | None:
    """What a header says of its column; one that speaks of reading in whatever words gives nobody a file."""
    said = set(re.findall(r"\w+", name))
    reads = kinds("columns").get(name) != "other" and said & words("reading") and not said & words("writing")
    return "read" if reads else label_kind(name)


def _only_path(row: Block, place: int, tree: Tree) -> bool:
    found = whole_path(row.cells[place]) if place < len(row.cells) else None
    return found is not None and path_in(found[0], tree) is not None


def _agent(cell: str) -> str | None:
    """The owner that a column's header names, also "nobody"."""
    plain = _MARKED.sub("", cell).strip()
    if plain.lower() in words("nobody"):
        return plain
    return (
        next(iter(agents_in(plain)), None)
        if AGENT.match(plain)
        else plain
        if re.fullmatch(r"[A-Z]\d?", plain)
        else None
    )


def _mark(cell: str) -> str | None:
    """What a cell of a matrix says: a kind, "" for nothing, None when it is no mark."""
    plain = _MARKED.sub("", cell).strip(" -–—.❌✗·").lower()
    return _CELLS.get(plain, _CELLS.get(plain.partition(" ")[0]))


def rows_of(blocks: Iterable[Block], tree: Tree) -> Iterator[tuple[Columns, list[Block]]]:
    """Every table among some blocks."""
    rows = (block for block in blocks if block.kind is Kind.ROW)
    # Two tables never touch, so that the distance between line and place tells them apart.
    for _, run in groupby(enumerate(rows), key=lambda pair: (pair[1].line - pair[0], pair[1].head)):
        table = [row for _, row in run]
        yield columns(table[0].head, table, tree), table


def row_claims(row: Block, at: Columns, tree: Tree) -> Iterator[tuple[str, Found]]:
    """The paths of a row, each with the kind of claim that its column, the row's action or a word before it says."""
    action = row.cells[at.action] if at.action is not None and at.action < len(row.cells) else ""
    word = next(iter(re.findall(r"\w+", action.lower())), "")
    done = kinds("markers").get(word) or kinds("verbs").get(word)
    for place, kind in at.paths.items():
        if place < len(row.cells):
            for said, found, _ in listed_paths(_NEEDS.split(row.cells[place], maxsplit=1)[0], tree):
                yield said or (done if done and kind == "own" else kind), found


def read(document: Document) -> tuple[tuple[Plan, ...], tuple[Claim, ...]]:
    """A plan per owner that the tables name, and what they call shared."""
    plans: list[Plan] = []
    shared: list[Claim] = []
    for at, rows in rows_of(document.blocks, document.tree):
        if (at.owner is None and not at.agents) or not at.paths:
            continue
        for row in rows:
            for who, held in groupby(_owned(row, at, document.tree), key=itemgetter(0)):
                made = [(kind, found.path) for _, kind, found in held]
                if who.lower() in words("nobody"):
                    shared += _shared(document, row, (path for kind, path in made if kind != _UNTOLD))
                else:
                    plans.append(_plan(document, row, who, made))
            plans += _waiting(document, row, at)
    plans += (_line(document, *found) for found in _owner_lines(document))
    never = tuple(islice(_untouched(document), _MOST_UNTOUCHED)) if plans and not document.sections else ()
    plans = [replace(plan, never=(*plan.never, *never)) for plan in plans]
    shared += _glue(document)
    return (*merge_same(plans), *_arrows(document)), tuple(dict.fromkeys(shared))


def _arrows(document: Document) -> Iterator[Plan]:
    """The order of a line such as "Agent A → Agent B → Agent C"; names that are nobody's say nothing."""
    for block in document.blocks:
        arrow = block.kind in (Kind.TEXT, Kind.ITEM) and ("→" in block.text or "->" in block.text)
        if arrow and (line := _ARROWS.fullmatch(block.text)):
            names = [part.strip(" *`.") for part in re.split("→|->", line["names"])]
            for before, name in pairwise(names):
                need = Need(before, NeedKind.HARD, block.line, block.text.strip(), strict=False)
                yield Plan(id=PlanId(name), path=document.path, format=ORDER, line=block.line, needs=(need,))


def _owner_lines(document: Document) -> list[tuple[Block, str, re.Match[str]]]:
    """Two or more lines such as "- **TD `feat/td`** → `src/td.js`, `src/ui.js`", each with its owner."""
    found = []
    for block in document.blocks:
        lines = block.text.split("\n") if block.kind in (Kind.ITEM, Kind.TEXT) and block.state is None else ()
        for number, text in enumerate(lines, block.line):
            line = _OWNER_LINE.match(text)
            if line is None or (line["who"] and (block.kind is Kind.TEXT or number > block.line)):
                continue
            bold = " ".join(_MARKED.sub("", (line["who"] or "").partition("`")[0]).split()).strip(" :")[:60]
            # "Agent A → Agent B" is an order, and below headings of agents an arrow to words is a remark.
            passes = agents_in(line["paths"]) or re.search("→|->", line["paths"]) or document.sections
            who = bold if line["who"] else None if passes else agent_name(line, "")
            if who and who.lower() not in words("nobody"):
                found.append((replace(block, line=number), who, line))
    return found if len({who for _, who, _ in found}) > 1 else []


def _line(document: Document, block: Block, who: str, line: re.Match[str]) -> Plan:
    made = [(said or "own", found.path) for said, found, _ in listed_paths(line["paths"], document.tree)]
    branch, title = _BRANCH.search(line["who"] or ""), "" if made else line["paths"].strip()[:200]
    return replace(_plan(document, block, who, made), branch=branch[1] if branch else None, title=title)


def _untouched(document: Document) -> Iterator[Claim]:
    """What a line such as "Untouched: a.js" forbids to all owners."""
    for block in document.blocks:
        line = _UNTOUCHED.match(block.text) if block.kind in (Kind.ITEM, Kind.TEXT) else None
        if line and label_kind(line["label"]) == "never":
            found = listed_paths(line["paths"], document.tree)
            yield from (claim("never", path.path, block.line, 0.9) for _, path, _ in found)


def _shared(document: Document, block: Block, paths: Iterable[str]) -> Iterator[Claim]:
    return (replace(claim("shared", path, block.line, 0.9), path=document.path) for path in paths)


def _glue(document: Document) -> Iterator[Claim]:
    """What only an integrator is to touch: nobody's, and so shared by the set."""
    for block in document.blocks:
        if block.kind in (Kind.ITEM, Kind.TEXT) and (line := _INTEGRATOR.match(block.text)):
            yield from _shared(document, block, (f.path for _, f, _ in listed_paths(line["paths"], document.tree)))


def _owned(row: Block, at: Columns, tree: Tree) -> Iterator[tuple[str, str, Found]]:
    paths = list(row_claims(row, at, tree))
    if at.agents:
        for place, who in at.agents.items():
            mark = _mark(row.cells[place]) if place < len(row.cells) else ""
            yield from ((who, _UNTOLD if mark is None else mark, found) for _, found in paths if mark != "")
    if at.owner is not None and at.owner < len(row.cells):
        owners = _owners(row.cells[at.owner])
        for who in owners:
            yield from (
                (who, "shared" if len(owners) > 1 and kind == "own" else kind, found) for kind, found in paths
            )


def _owners(cell: str) -> list[str]:
    """The owners that a cell names: by their agents' names, else the words as they stand."""
    plain = " ".join(_MARKED.sub(" ", cell).split())
    if agents := agents_in(plain):
        return list(agents[:8])
    parts = [part.strip(" -–—.:") for part in _SPLIT.split(plain)[:8]] if len(plain) > 40 else [plain.strip(" -–—.:")]
    return [part[:60] for part in parts if any(c.isalnum() for c in part)]


def _plan(document: Document, row: Block, who: str, made: Iterable[tuple[str, str]] = ()) -> Plan:
    claims = [(kind, claim(kind, path, row.line, 0.9)) for kind, path in made]
    named = next(iter(agents_in(who)), who)
    return Plan(
        id=PlanId(named),
        path=document.path,
        format="table",
        line=row.line,
        agent=named,
        phase=document.phase_at(row.line),
        claims=tuple(made for kind, made in claims if kind not in ("never", _UNTOLD)),
        unresolved=tuple(made.pattern for kind, made in claims if kind == _UNTOLD),
        never=tuple(made for kind, made in claims if kind == "never"),
    )


def _waiting(document: Document, row: Block, at: Columns) -> Iterator[Plan]:
    """What the owners of a row wait for, said in one of its cells."""
    phrases = [part for cell in row.cells for part in _NEEDS.split(cell)[1:]]
    needs = tuple(need for part in phrases for need in phrase_needs(part.strip(" )"), row.line, bracket=False))
    if needs and at.owner is not None and at.owner < len(row.cells):
        for who in _owners(row.cells[at.owner]):
            yield replace(_plan(document, row, who), needs=needs)


def is_owners(at: Columns) -> bool:
    """Whether the rows of a table belong to the owners that it names and not to the plan it stands in."""
    return bool(at.paths) and (at.owner is not None or bool(at.agents))


def name_owners(document: Document) -> bool:
    """Whether tables or lists give the files to owners by name."""
    owned = (rows for at, rows in rows_of(document.blocks, document.tree) if is_owners(at))
    lines = (listed_paths(line["paths"], document.tree) for _, _, line in _owner_lines(document))
    return any(len(rows) > 1 for rows in owned) or any(map(any, lines))
