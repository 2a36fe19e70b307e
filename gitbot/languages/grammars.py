"""Languages by their tree-sitter grammars, where those are installed.

imports.toml says which grammar reads which files, grammars.toml what holds declarations in them; the fields of names
are the same in most.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from importlib import import_module
from importlib.resources import files
from time import process_time
from typing import TYPE_CHECKING, Any, Final

from gitbot.languages.outline import Language, Part, Place, beginning

if TYPE_CHECKING:
    from tree_sitter import Language as Grammar
    from tree_sitter import Node, Tree

PAGES: Final = (".vue", ".svelte")  # with scripts in them

_LARGEST = 1_000_000  # bytes
_PATIENCE = 3_000  # steps of a parser, and one more for each ten bytes that it has read
_SECONDS = 1.0
_ERROR = 100  # steps that one step counts for, once the text is in error
_MOST_OPEN = 2000  # brackets, comparisons among them
_DEEPEST = 20  # declarations in declarations
_NEAR = 5  # how far below a statement its name and its members are looked for
_MOST = 300  # nodes that are looked at for it

_NAMES = ("name", "key", "property", "left", "source")
_BRACKET = re.compile(rb"[][(){}<>]")
_BRACKETS = frozenset("()[]{}")


@dataclass(frozen=True, slots=True)
class Tongue:
    """One language of imports.toml."""

    name: str
    called: str  # by people
    query: str
    grammars: dict[str, str]  # which reads which suffixes
    endings: list[str]


def tongue_of(path: str) -> Tongue | None:
    """The language whose imports can be read in a file of this name."""
    return tongues().get(suffix_of(path))


@cache
def tongues() -> dict[str, Tongue]:
    """The languages of imports.toml by the suffixes of their files."""
    every = [Tongue(name, **{"query": "", **each}) for name, each in rows("imports").items()]
    return {suffix: tongue for tongue in every for row in tongue.grammars.values() for suffix in row.split()}


def rows(name: str) -> dict[str, Any]:
    """A table of this folder."""
    return tomllib.loads(files("gitbot").joinpath(f"languages/{name}.toml").read_text(encoding="utf-8"))


def suffix_of(path: str) -> str:
    """The end of a file's name, from its last dot on and in lower case."""
    return path[path.rfind(".") :].lower() if "." in path else ""


@lru_cache(maxsize=64)
def grammar_of(suffix: str) -> Grammar | None:
    """The grammar for such files; None when the extra is not installed, or in a version of another shape."""
    tongue = tongues().get(suffix)
    rows = tongue.grammars.items() if tongue else ()
    package, _, function = next((name for name, row in rows if suffix in row.split()), "").partition(":")
    try:
        grammar: Grammar = import_module("tree_sitter").Language(getattr(import_module(package), function)())
    except (ImportError, AttributeError, ValueError, TypeError):
        return None
    return grammar


def parse(grammar: Grammar, data: bytes, effort: int = _LARGEST) -> tuple[Tree | None, int]:
    """The tree of a text and the steps that it took; no tree where those or the memory would have no bound."""
    from tree_sitter import Parser

    spent, last = 0, process_time() + _SECONDS

    def give_up(offset: int, has_error: bool) -> bool:
        # What people write moves on by 50 bytes in each hundred steps; hostile text may take time without end.
        nonlocal spent
        spent += _ERROR if has_error else 1
        return spent > effort or spent > _PATIENCE + offset // 10 or process_time() > last

    if len(data) > _LARGEST or _open(data) > _MOST_OPEN:
        return None, 0
    try:
        tree = Parser(grammar).parse(lambda offset, _: data[offset : offset + (1 << 14)], progress_callback=give_up)
    except ValueError:
        return None, spent
    return tree, spent


def _open(data: bytes) -> int:
    """How many brackets are open at one place: of angles in Java and C# each costs as much as all before it."""
    depth = most = 0
    for sign in _BRACKET.findall(data):
        depth = depth + 1 if sign in b"([{<" else max(0, depth - 1)
        most = max(most, depth)
    return most


@lru_cache(maxsize=64)
def language(suffix: str) -> Language | None:
    """The language of files whose names end so; None when there is no grammar for it."""
    grammar = None if suffix in PAGES else grammar_of(suffix)
    if grammar is None:
        return None

    def outline(data: bytes) -> Part | None:
        tree, _ = parse(grammar, data)
        if tree is None or tree.root_node.has_error:
            return None
        return _Source(data).container(Part(0, len(data), ""), tree.root_node, 0)

    return Language((suffix,), None, outline)


_KINDS: Final = {name: frozenset(kinds) for name, kinds in rows("grammars").items()}


@dataclass(frozen=True, slots=True)
class _Source:
    """The bytes of a file, and how to read its tree."""

    data: bytes

    def container(self, part: Part, body: Node, depth: int) -> Part:
        """The part with the members of its body, in brackets or, of the file and of a bare block, without."""
        signs = [child for child in body.children if child.type in _BRACKETS]
        inner = (body.start_byte, body.end_byte) if depth else (part.start, part.stop)
        if depth and signs:
            inner = signs[0].end_byte, signs[-1].start_byte
        fields = body.type == "field_declaration_list"  # Go has them without commas, Rust with
        commas = body.type in _KINDS["lists"] and (not fields or any(each.type == "," for each in body.children))
        parts: list[Part] = []
        start = None
        for child in body.named_children:
            if not child.is_extra and inner[0] <= child.start_byte < inner[1]:
                start = child.start_byte if start is None else start
                if child.type not in _KINDS["leading"]:
                    parts.append(self.member(child, start, depth + 1, listed=commas))
                    start = None
        return replace(part, inner=inner, parts=tuple(parts), commas=commas)

    def member(self, node: Node, start: int, depth: int, *, listed: bool) -> Part:
        free = node.type in _KINDS["free"]
        name = self.text(node.child_by_field_name("source")) if free else self.name(node)
        body = self.body(node) if depth < _DEEPEST and (name or not listed) else None
        key = name or beginning(self.data[node.start_byte : body.start_byte + 1 if body else node.end_byte])
        place = Place.ANY if free else Place.FREE if name else Place.LISTED if listed else Place.FIXED
        part = Part(start, node.end_byte, f"{node.type} {key}", "" if free else name, place)
        return self.container(part, body, depth) if body else part

    def name(self, node: Node) -> str:
        """What a declaration declares, in its own fields or in what it is a wrapper for."""
        for each in _below(node, lambda kind: kind not in _KINDS["carriers"]):
            if found := next(filter(None, map(each.child_by_field_name, _NAMES)), None):
                return f"{self.text(each.child_by_field_name('receiver'))} {self.text(found)}".strip()
        return ""

    def body(self, node: Node) -> Node | None:
        """The nearest node in it that holds members."""
        held = _KINDS["bodies"] | _KINDS["lists"]
        for each in _below(node, lambda kind: kind in _KINDS["opaque"]):
            bare = each.type == "body_statement"
            if each.type in held and (bare or any(child.type in _BRACKETS for child in each.children)):
                return each
        return None

    def text(self, node: Node | None) -> str:
        return "" if node is None else self.data[node.start_byte : node.end_byte].decode("utf-8", "replace")


def _below(node: Node, closed: Callable[[str], bool]) -> Iterator[Node]:
    """A node and what is near it, level by level, without what is in nodes of the closed kinds."""
    level = [node]
    for _ in range(_NEAR):
        yield from level
        level = [child for each in level if not closed(each.type) for child in each.named_children]
        if len(level) > _MOST:
            return
