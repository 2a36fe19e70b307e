"""A plan file as the readers see it: bytes made text, front matter, blocks with their lines, sections by owner.

Only the block rules of CommonMark run; what stands inside a line is left to the readers.
"""

from __future__ import annotations

import codecs
import re
from bisect import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

from gitbot.model.plan import Claim, Phase, Plan, Problem, TaskState, Write
from gitbot.plans.front import read_front
from gitbot.plans.names import Owner, coded, owner_of, roles
from gitbot.plans.paths import Tree
from gitbot.plans.phrases import phrase
from gitbot.plans.words import words

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

_LIMITS = 512, 3_000  # KiB and lines of one plan file: the largest known real one has 94 KB and 1,510 lines
_DATA_LIMITS = 1_024, 20_000  # of one that a program wrote
NO_FILE = b"\0"
"""Given in the place of the bytes of what is no regular file: opening a FIFO would block."""
_ENCODED, _TOO_MUCH = "save the plan as UTF-8 Markdown", "cut it into several plans"
PLAIN_FENCES = ("", "text", "txt", "plaintext", "tree", "files")
_WIDEST = 200  # blanks in a row: drawn trees stay below, and no search for what follows them takes its square
_BLANKS = phrase(rf"[ \t]{{{_WIDEST},}}")
_LONGEST = 20_000  # characters of one block that are looked at: no honest item or paragraph comes near
_MOST_WORDS = 15_000  # outside of fences: the largest known real plan has fewer with them
_MARKS = {"table": "|", "html_block": "<", "blockquote": ">", "reference": "]:"}  # without which none can begin
_WIDEST_TABLE = 100  # bars of a line: beyond that nothing is read as a table
_WIDEST_CELL, _MOST_COLUMNS = 2_000, 30  # of tables that are looked at
_PLAIN = phrase(
    r"(?:(?P<level>#{1,6}) +(?P<heading>(?! ).*[^\s#]) *|- (?P<item>(?:[^\W\d_]|`[^`\s]|\*\*\w|\[[ xX]\] \S).*)"
    r"|(?P<text>[^\W\d_].*(?:\n[^\W\d_].*)*)|(?: *\n)* *)(?:\n|\Z)"
)
_ODD = phrase(r"[^\S \n]|\|")  # rows of tables, and blanks of which Markdown has rules of its own
_LABEL_ALONE = phrase(r"(?:\*\*)?[^\W\d_][^:`*/.]{1,40}:(?:\*\*)?[ \t]*")
_BOX = phrase(r"\[([ xX~/-]?)\](\*?)(?:[ \t]+|$)")
_STATES = {"": TaskState.OPEN, " ": TaskState.OPEN, "x": TaskState.DONE, "-": TaskState.SKIPPED}
_PLAN_FILE = phrase(r"plan-(?P<id>\w[\w.-]*)", re.I)
_OPENING = phrase(r"[ \t]*<([a-z]\w{1,30})(?:[ \t][^<>]{0,300})?>")
_CLOSING = phrase(r"</([a-z]\w{1,30})>")
_BESIDE = phrase(r"\b(?:worktrees?|workers|agents)\b", re.I)
_RELATIVE = phrase(r"\brelative to (?:the )?(?:folder )?`([\w.@/-]{1,200}?)/?`", re.I)
_CROWD = phrase(r"\bagents?\b", re.I)
_ARROW_TO_AGENT = phrase(r"(?:←|⟵|<-{1,2}|✅)[^\n]{0,60}\bagent", re.I)


@dataclass(frozen=True, slots=True)
class Source:
    """One file to read. The path is POSIX, relative to the repository's top."""

    path: str
    data: bytes


class Kind(StrEnum):
    """What a block is in the file."""

    HEADING = "heading"
    ITEM = "item"
    TEXT = "text"
    FENCE = "fence"
    ROW = "row"
    WORK = "work"


@dataclass(frozen=True, slots=True)
class Block:
    """One block of a plan file; `text` keeps its line breaks, so that line + n is the n-th line's number."""

    kind: Kind
    line: int
    text: str
    level: int = 0  # of a heading 1 to 6; of an item its depth in lists, from 1
    state: TaskState | None = None  # only of items with a box
    optional: bool = False
    info: str = ""  # of a fence
    head: tuple[str, ...] = ()  # of a table's row: the cells of the table's first row
    cells: tuple[str, ...] = ()  # of a table's row; of a piece of work in XML, the text of its list of files


@dataclass(frozen=True, slots=True)
class Section:
    """Some blocks that speak of one plan, and its owner where one is named."""

    blocks: tuple[Block, ...]
    owner: Owner | None = None
    heading: Block | None = None  # the one of the blocks that names the owner
    phase: Phase | None = None  # of the phase heading it stands under


@dataclass(frozen=True, slots=True)
class Document:
    """One plan file that could be decoded."""

    path: str
    text: str
    tree: Tree
    head: Plan  # what the front matter says; its id may be empty
    problems: tuple[Problem, ...]  # of the front matter
    blocks: tuple[Block, ...]  # of the body, in order; what XML sections set apart as mere context is left out
    explicit_id: str | None  # that the front matter or a name like PLAN-A.md gives to the whole file
    sections: tuple[Section, ...]  # with an owner: up to the next heading of the level or above, or the next owner
    rest: Section  # what stands in none of them

    @property
    def id(self) -> str:
        """The explicit id, else the file's name; one that every project uses gives the name of its folder."""
        stem, folder = stem_of(self.path), self.path.rpartition("/")[0].rpartition("/")[2]
        kept_apart = not folder or folder.lower() in words("plan-folders") or folder.startswith(".")
        return self.explicit_id or (stem if kept_apart or stem.lower() not in words("plan-stems") else folder)

    def phase_at(self, line: int) -> Phase | None:
        """The phase that holds for a line; only where phases separate agents."""
        at = bisect(self.sections, line, key=lambda section: section.blocks[0].line)
        return self.sections[at - 1].phase if at else None


def read_document(path: str, text: str, tree: Tree) -> Document:
    """Take a file apart; what its parts mean is the readers' business."""
    tree = replace(tree, home=path.rpartition("/")[0], text=text)
    if "relative to" in text.lower() and (said := _RELATIVE.search(text)) and tree.holds(said[1]):
        tree = replace(tree, base=said[1])
    head, body, problems = read_front(path, text, tree.holds)
    claims, never = (tuple(_placed(some, tree)) for some in (head.claims, head.never))
    head = replace(head, claims=claims, never=never)
    named = _PLAN_FILE.fullmatch(stem_of(path))
    id = head.id or (named["id"] if named else None)
    work, body = _elements(_unwrapped(body))
    blocks = tuple(sorted((*_blocks(body), *work), key=lambda block: block.line))
    counted = accumulate(1 + block.text.count(" ") for block in blocks if block.kind is not Kind.FENCE)
    if (most := next((place for place, sum in enumerate(counted) if sum > _MOST_WORDS), None)) is not None:
        line = [block.line for block in blocks if block.kind is not Kind.FENCE][most]
        problems += (_refused(path, f"it has more than {_MOST_WORDS} words", line),)
    sections, rest = _cut(blocks, _owners(blocks, text, id))
    return Document(path, text, tree, head, problems, blocks, id, sections, rest)


def _placed(claims: tuple[Claim, ...], tree: Tree) -> Iterator[Claim]:
    """The claims of the keys seen from the top; where that takes a guess, as they are written and as guessed."""
    for made in claims:
        surely = tree.surely(made.pattern)
        yield replace(made, pattern=surely) if surely and surely != made.pattern else made
        if surely is None and made.write is not Write.CREATE and (path := tree.guessed(made.pattern)) != made.pattern:
            yield replace(made, pattern=path)


def _unwrapped(body: str) -> str:
    """The text with the fences blank around Markdown that holds fences itself: a prompt to be pasted."""
    lines, nested = body.split("\n") if "```" in body else [body], False
    opened: list[int] = []
    for number, line in enumerate(lines):
        mark = line.strip() if line.lstrip().startswith("```") else ""
        if mark and not mark.startswith("````") and (mark != "```" or not opened):
            nested = bool(opened)
            opened.append(number)
        elif mark == "```":
            first = opened.pop()
            if nested and not opened and lines[first].strip() == "```":
                inner = (f"##{line}" if line.startswith("#") else line for line in lines[first + 1 : number])
                lines[first : number + 1] = ["", *inner, ""]  # its headings stand below the one above it
    return "\n".join(lines)


def _elements(body: str) -> tuple[list[Block], str]:
    """The pieces of work that a plan writes in XML, and the text with them and all mere context blank."""
    lines, work = body.split("\n") if "</" in body else [body], []
    closed = {tag: number for number, line in enumerate(lines) for tag in _CLOSING.findall(line[:_LONGEST])}
    tag, first, fenced = "", 0, False
    for number, line in enumerate(lines):
        if not tag:
            fenced ^= line.lstrip().startswith(("```", "~~~"))
            opening = None if fenced else _OPENING.match(line)
            if opening and opening[1] in words("elements") and closed.get(opening[1], -1) >= number:
                tag, first = opening[1], number
        if tag and f"</{tag}>" in line:
            if tag in ("task", "feature"):
                work.append(_work("\n".join(lines[first : number + 1]), first + 1))
            lines[first : number + 1] = [""] * (number + 1 - first)
            tag = ""
    return work, "\n".join(lines)


def _work(text: str, line: int) -> Block:
    """A piece of work by its name, with its list of files."""
    name, files = (text.partition(f"<{tag}>")[2].partition(f"</{tag}>")[0] for tag in ("name", "files"))
    at = line + text.partition("<files>")[0].count("\n")
    return Block(Kind.WORK, at, " ".join(name.split())[:400], state=TaskState.OPEN, cells=(files[:_LONGEST],))


def stem_of(path: str) -> str:
    """The file's name without folder and ending."""
    return path.rpartition("/")[2].rpartition(".")[0] or path


def text_of(source: Source) -> str | Problem:
    """The text with plain line ends, or why there is none."""
    data = source.data
    if data == NO_FILE:
        return _refused(source.path, "it is no regular file that can be read", hint="name a plain file")
    largest, most_lines = _DATA_LIMITS if source.path.lower().endswith((".json", ".jsonl")) else _LIMITS
    if len(data) > largest * 1024:
        return _refused(source.path, f"it is larger than {largest} KiB")
    encoding = "utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        before = data[: error.start]
        place = before.count(b"\n") + 1, error.start - before.rfind(b"\n")
        return _refused(source.path, f"it is no {encoding.upper().removesuffix('-SIG')} text", *place, _ENCODED)
    text = _BLANKS.sub(" " * _WIDEST, text.replace("\r\n", "\n").replace("\r", "\n"))
    if (nul := text.find("\0")) >= 0:
        place = text.count("\n", 0, nul) + 1, nul - text.rfind("\n", 0, nul)
        return _refused(source.path, "it holds a NUL character", *place, _ENCODED)
    if text.count("\n") >= most_lines:
        return _refused(source.path, f"it has more than {most_lines} lines", most_lines + 1)
    return text


def _refused(path: str, reason: str, line: int = 1, column: int = 1, hint: str = _TOO_MUCH) -> Problem:
    message = f"{path} cannot be read as a plan: {reason}"
    return Problem("unreadable-plan", "error", message, path, line, column, hint)


@cache
def _markdown(absent: tuple[str, ...]) -> MarkdownIt:
    """The parser of blocks without those that are absent; making one takes as long as a short plan."""
    from markdown_it import MarkdownIt  # most canonical plans have no use for it

    markdown = MarkdownIt("commonmark").enable("table").disable(absent)
    markdown.core.ruler.disable(["inline", "text_join"], True)
    return markdown


def _plain_blocks(body: str) -> list[Block] | None:
    """The blocks of headings, paragraphs and flat lists with a line per item; None for a text that holds more."""
    found: list[Block] = []
    at, line, above = 0, 1, None
    while at < len(body):
        match = _PLAIN.match(body, at)
        if match is None or (match.lastgroup == "text" and above == "item"):
            return None
        if above := match.lastgroup:
            text, heading = match[above].rstrip(" ")[:_LONGEST], len(match["level"] or "")
            found.append(_inline(text, line, heading, int(above == "item")))
        at, line = match.end(), line + match[0].count("\n")
    return found


def _blocks(body: str) -> tuple[Block, ...]:
    if (plain := None if _ODD.search(body) else _plain_blocks(body)) is not None:
        return tuple(plain)
    found: list[Block] = []
    heading, depth, fresh = 0, 0, False
    row: list[str] | None = None
    head: tuple[str, ...] = ()
    lines = [line if line.count("|") <= _WIDEST_TABLE else line.replace("|", " ") for line in body.split("\n")]
    absent = tuple(rule for rule, mark in _MARKS.items() if mark not in body)
    for token in _markdown(absent).parse("\n".join(lines)):
        line = token.map[0] + 1 if token.map else 1
        match token.type:
            case "heading_open" | "heading_close":
                heading = int(token.tag[1]) if token.nesting == 1 else 0
            case "table_open":
                head = ()
            case "tr_open":
                row, row_line = [], line
            case "tr_close" if row is not None:
                cells = tuple(row)
                if head:
                    found.append(Block(Kind.ROW, row_line, " | ".join(cells), head=head, cells=cells))
                head, row = head or cells, None
            case "list_item_open" | "list_item_close":
                depth += token.nesting
                fresh = token.nesting == 1
            case "inline" if row is not None:
                row.extend([token.content[:_WIDEST_CELL].strip()] if len(row) < _MOST_COLUMNS else [])
            case "inline":
                for text, at in _parts(token.content[:_LONGEST], line, lines if fresh else ()):
                    found.append(_inline(text, at, heading, depth if fresh and at == line else 0))
                fresh = False
            case "fence" | "code_block":
                first = line + (token.type == "fence")
                found.append(Block(Kind.FENCE, first, token.content, info=token.info.strip().lower()))
    return tuple(found)


def _parts(text: str, line: int, lines: Sequence[str]) -> Iterator[tuple[str, int]]:
    """An item cut before each label at the margin: Markdown counts a line below a list to its last item."""
    rows = text.split("\n")
    below = [at for at, row in enumerate(rows) if at and lines and _LABEL_ALONE.fullmatch(row)]
    starts = [0, *(at for at in below if not lines[line - 1 + at][:1].isspace())]
    for start, end in pairwise((*starts, len(rows))):
        yield "\n".join(rows[start:end]), line + start


def _inline(text: str, line: int, heading: int, depth: int) -> Block:
    if heading:
        return Block(Kind.HEADING, line, text, heading)
    if not depth:
        return Block(Kind.TEXT, line, text)
    if box := _BOX.match(text):
        state = _STATES.get(box[1].lower(), TaskState.DOING)
        return Block(Kind.ITEM, line, text[box.end() :], depth, state, box[2] == "*")
    return Block(Kind.ITEM, line, text, depth)


def _owners(blocks: tuple[Block, ...], text: str, id: str | None) -> dict[int, Owner]:
    """The headings that open a section, by line."""
    headings = [block for block in blocks if block.kind is Kind.HEADING]
    # "P1" is a priority as often as a part: only a plan that speaks of working side by side means the latter.
    texts = [block.text for block in headings]
    codes = coded(texts)
    codes = roles(texts) | (codes if codes and _BESIDE.search(text) else {})
    named = [(b, owner) for b in headings if (owner := owner_of(b.text) or codes.get(b.text))]
    phases = [block for block, owner in named if owner.phase is not None]
    agents = len(named) - len(phases)
    # In most plans phases are only the chapters of one agent's work; here they must separate agents.
    separate = (agents > 1 or not id) and (
        agents
        or any(block.level == 1 or _CROWD.search(block.text) for block in phases)
        or _ARROW_TO_AGENT.search(text)
    )
    return {block.line: owner for block, owner in named if separate or owner.phase is None}


def _cut(blocks: tuple[Block, ...], owners: dict[int, Owner]) -> tuple[tuple[Section, ...], Section]:
    cut: list[tuple[Owner, Phase | None, list[Block]]] = []
    rest: list[Block] = []
    phase: tuple[int, Phase | None] = (7, None)
    run, level = rest, 7  # a heading of the level or above ends what it belongs to
    for block in blocks:
        if block.kind is Kind.HEADING:
            if block.level <= phase[0]:
                phase = (7, None)
            if block.level <= level:
                run, level = rest, 7
            if owner := owners.get(block.line):
                phase = phase if owner.phase is None else (block.level, owner.phase)
                run, level = [], block.level
                cut.append((owner, phase[1], run))
        run.append(block)
    return tuple(Section(tuple(run), owner, run[0], phase) for owner, phase, run in cut), Section(tuple(rest))
