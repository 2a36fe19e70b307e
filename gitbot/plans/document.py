"""A plan file as the readers see it: bytes made text, front matter, blocks with their lines, sections by owner.

Only the block rules of CommonMark run; what stands inside a line is left to the readers.
"""

from __future__ import annotations

import codecs
import re
from bisect import bisect
from dataclasses import dataclass
from enum import StrEnum

from markdown_it import MarkdownIt

from gitbot.model.plan import Plan, Problem, TaskState
from gitbot.plans.front import read_front
from gitbot.plans.names import Owner, owner_of
from gitbot.plans.paths import Tree
from gitbot.plans.words import words

_LARGEST = 1024 * 1024  # bytes of one plan file
_MOST_LINES = 20_000  # the longest known real one has 1,510
PLAIN_FENCES = ("", "text", "txt", "plaintext", "tree", "files")
_WIDEST = 200  # blanks in a row: drawn trees stay below, and no search for what follows them takes its square
_BLANKS = re.compile(rf"[ \t]{{{_WIDEST},}}")
_LONGEST = 100_000  # characters of one block that are looked at: no honest item or paragraph comes near
_BOX = re.compile(r"\[([ xX~/-]?)\](\*?)(?:[ \t]+|$)")
_STATES = {"": TaskState.OPEN, " ": TaskState.OPEN, "x": TaskState.DONE, "-": TaskState.SKIPPED}
_PLAN_FILE = re.compile(r"plan-(?P<id>\w[\w.-]*)", re.I)
_CROWD = re.compile(r"\bagents?\b", re.I)
_ARROW_TO_AGENT = re.compile(r"(?:←|⟵|<-{1,2}|✅)[^\n]{0,60}\bagent", re.I)


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


@dataclass(frozen=True, slots=True)
class Section:
    """Some blocks that speak of one plan, and its owner where one is named."""

    blocks: tuple[Block, ...]
    owner: Owner | None = None
    heading: Block | None = None  # the one of the blocks that names the owner
    phase: int | None = None  # of the phase heading it stands under


@dataclass(frozen=True, slots=True)
class Document:
    """One plan file that could be decoded."""

    path: str
    text: str
    tree: Tree
    head: Plan  # what the front matter says; its id may be empty
    problems: tuple[Problem, ...]  # of the front matter
    blocks: tuple[Block, ...]  # of the body, in order; tables and raw HTML are left out
    explicit_id: str | None  # that the front matter or a name like PLAN-A.md gives to the whole file
    sections: tuple[Section, ...]  # with an owner: up to the next heading of the level or above, or the next owner
    rest: Section  # what stands in none of them

    @property
    def id(self) -> str:
        """The explicit id, else the file's name; one that every project uses gives the name of its folder."""
        stem, folder = stem_of(self.path), self.path.rpartition("/")[0].rpartition("/")[2]
        kept_apart = not folder or folder.lower() in words("plan-folders") or folder.startswith(".")
        return self.explicit_id or (stem if kept_apart or stem.lower() not in words("plan-stems") else folder)

    def phase_at(self, line: int) -> int | None:
        """The phase that holds for a line; only where phases separate agents."""
        at = bisect(self.sections, line, key=lambda section: section.blocks[0].line)
        return self.sections[at - 1].phase if at else None


def read_document(path: str, text: str, tree: Tree) -> Document:
    """Take a file apart; what its parts mean is the readers' business."""
    head, body, problems = read_front(path, text)
    named = _PLAN_FILE.fullmatch(stem_of(path))
    id = head.id or (named["id"] if named else None)
    blocks = _blocks(body)
    sections, rest = _cut(blocks, _owners(blocks, text, id))
    return Document(path, text, tree, head, problems, blocks, id, sections, rest)


def stem_of(path: str) -> str:
    """The file's name without folder and ending."""
    return path.rpartition("/")[2].rpartition(".")[0] or path


def text_of(source: Source) -> str | Problem:
    """The text with plain line ends, or why there is none."""
    data = source.data
    if len(data) > _LARGEST:
        return _refused(source, "it is larger than 1 MiB")
    encoding = "utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        before = data[: error.start]
        place = before.count(b"\n") + 1, error.start - before.rfind(b"\n")
        return _refused(source, f"it is no {encoding.upper().removesuffix('-SIG')} text", *place)
    text = _BLANKS.sub(" " * _WIDEST, text.replace("\r\n", "\n").replace("\r", "\n"))
    if (nul := text.find("\0")) >= 0:
        place = text.count("\n", 0, nul) + 1, nul - text.rfind("\n", 0, nul)
        return _refused(source, "it holds a NUL character", *place)
    if text.count("\n") >= _MOST_LINES:
        return _refused(source, f"it has more than {_MOST_LINES} lines", _MOST_LINES + 1)
    return text


def _refused(source: Source, reason: str, line: int = 1, column: int = 1) -> Problem:
    message = f"{source.path} cannot be read as a plan: {reason}"
    return Problem("unreadable-plan", "error", message, source.path, line, column, "save the plan as UTF-8 Markdown")


def _blocks(body: str) -> tuple[Block, ...]:
    markdown = MarkdownIt("commonmark").enable("table")
    markdown.core.ruler.disable(["inline", "text_join"], True)
    found: list[Block] = []
    heading, depth, table, fresh = 0, 0, 0, False
    for token in markdown.parse(body):
        line = token.map[0] + 1 if token.map else 1
        match token.type:
            case "heading_open" | "heading_close":
                heading = int(token.tag[1]) if token.nesting == 1 else 0
            case "table_open" | "table_close":
                table += token.nesting
            case "list_item_open" | "list_item_close":
                depth += token.nesting
                fresh = token.nesting == 1
            case "inline" if not table:
                found.append(_inline(token.content[:_LONGEST], line, heading, depth if fresh else 0))
                fresh = False
            case "fence" | "code_block":
                first = line + (token.type == "fence")
                found.append(Block(Kind.FENCE, first, token.content, info=token.info.strip().lower()))
    return tuple(found)


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
    named = [(block, owner) for block in headings if (owner := owner_of(block.text))]
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
    cut: list[tuple[Owner, int | None, list[Block]]] = []
    rest: list[Block] = []
    phase: tuple[int, int | None] = (7, None)
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
