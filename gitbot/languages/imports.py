"""What a file imports, by the parser of its language: Python's own, tree-sitter for the others where it is installed.

Only names come out; which files they mean is the question of `gitbot.languages.modules`. The languages are data, in
imports.toml.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.resources import files
from itertools import islice
from resource import RUSAGE_SELF, getrusage
from typing import TYPE_CHECKING, Any

from gitbot.languages import python

if TYPE_CHECKING:
    from tree_sitter import Node, Parser, Query

LARGEST = 256 << 10  # bytes of a file that is read; larger ones are generated
_EFFORT = 50_000  # for all files: a hundred steps of a parser cost 1, and this much more once the text is in error
_ERROR = 100
_MEMORY = 4 << 10  # KiB that the process may grow by for one file, beside an eighth of one for each byte
_MOST_IMPORTS = 1000  # of one file
_DEEPEST = 100  # names inside braces inside braces


@dataclass(frozen=True, slots=True)
class Import:
    """One import as it is written. `kind` is its capture in imports.toml."""

    kind: str
    name: str
    line: int  # 1-based
    members: int = 0  # so many of the last parts may name something inside the module
    depth: int = 0  # modules written out within the file around it


@dataclass(frozen=True, slots=True)
class Tongue:
    """One language of imports.toml."""

    name: str
    called: str  # by people
    query: str
    grammars: dict[str, str]
    endings: list[str]


def tongue_of(path: str) -> Tongue | None:
    """The language whose imports can be read in a file of this name."""
    dot = path.rfind(".")
    return _tongues().get(path[dot:].lower()) if dot >= 0 else None


class ImportReader:
    """Reads the imports of one file after the other, within bounds for all of them together."""

    def __init__(self) -> None:
        self.effort = _EFFORT
        self.missing: set[str] = set()  # languages whose grammar is not installed

    def read(self, path: str, data: bytes) -> tuple[Import, ...]:
        """The imports of a file in their order; none in what is too large, or no text of its language."""
        tongue = tongue_of(path)
        if tongue is None or len(data) > LARGEST or self.effort <= 0:
            return ()
        grammar = tongue.grammars[path[path.rfind(".") :].lower()]
        if not grammar:
            self.effort -= len(data) // 100
            return tuple(_python(data))[:_MOST_IMPORTS]
        tools = _tools(grammar, tongue.query)
        if tools is None:
            self.missing.add(tongue.called)
            return ()
        text = _scripts(data) if path.endswith((".vue", ".svelte")) else data
        return tuple(sorted(self._parsed(text, *tools), key=lambda found: found.line))[:_MOST_IMPORTS]

    def _parsed(self, data: bytes, parser: Parser, query: Query) -> Iterator[Import]:
        from tree_sitter import QueryCursor

        spent, before = 0, getrusage(RUSAGE_SELF).ru_maxrss

        def give_up(offset: int, has_error: bool) -> bool:
            # What people write moves on by 50 bytes in each hundred steps; hostile text may take time without end.
            nonlocal spent
            spent += _ERROR if has_error else 1
            # What is still open at the end (`a<a<a<` in Java) costs memory by the square of its length: stop early.
            grown = getrusage(RUSAGE_SELF).ru_maxrss - before
            return spent > self.effort or spent > 30 * _ERROR + offset // 25 or grown > _MEMORY + offset // 8

        parser.reset()
        try:
            tree = parser.parse(lambda offset, _: data[offset : offset + (1 << 14)], progress_callback=give_up)
        except ValueError:
            return
        finally:
            self.effort -= spent
        cursor = QueryCursor(query)
        for part in islice(_sound(tree.root_node), _MOST_IMPORTS):
            found = cursor.captures(part)
            inner = [(node.start_byte, node.end_byte) for node in found.pop("inside", ())[:_DEEPEST]]
            for kind, nodes in found.items():
                for node in nodes[: 0 if kind.startswith("_") else _MOST_IMPORTS]:
                    yield from _read(kind, node, sum(start < node.start_byte < end for start, end in inner))


def _sound(root: Node) -> Iterator[Node]:
    """The largest parts of a tree that hold no error: a query takes quadratic time where there is one."""
    rest = [root]
    while rest:
        node = rest.pop()
        if node.has_error:
            rest += [child for child in reversed(node.children) if child.child_count]
        else:
            yield node


def _read(kind: str, node: Node, depth: int) -> Iterator[Import]:
    text = (node.text or b"").decode("utf-8", "replace")
    if "{" not in text and "\n" not in text and not text.startswith("use ") and " as " not in text:
        yield Import(kind, text.strip("\"'`"), node.start_point[0] + 1, depth=depth)
        return
    names = _spread(re.sub(r"^use\s+|\s+as\s+\w+|//[^\n]*|;$", "", text))
    yield from (Import(kind, name, node.start_point[0] + 1, depth=depth) for name in names)


def _spread(text: str) -> list[str]:
    """The names of `a::{b, c::{d, e}}`: what stands before a brace belongs to everything in it."""
    names, heads, word = [], [""], ""
    for piece in re.split(r"([{},])", re.sub(r"\s+", "", text)):
        if piece == "{" and len(heads) < _DEEPEST:
            heads.append(heads[-1] + word)
            word = ""
        elif piece in ("}", ",", "{"):
            names += [heads[-1] + word] if word else []
            word = ""
            if piece == "}" and len(heads) > 1:
                heads.pop()
        else:
            word = piece
    return ([*names, heads[-1] + word] if word else names)[:_MOST_IMPORTS]


def _python(data: bytes) -> Iterator[Import]:
    """Imports at any depth of statements; expressions hold none and are not walked."""
    module = python.parsed(data)
    rest: list[ast.AST] = [module] if module else []
    while rest:
        node = rest.pop()
        if isinstance(node, ast.Import):
            yield from (Import("module", name.name, node.lineno) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            head = "." * node.level + (node.module or "")
            joint = "" if head.endswith(".") or not head else "."
            for name in node.names:
                whole = head if name.name == "*" else f"{head}{joint}{name.name}"
                yield Import("module", whole, node.lineno, members=int(name.name != "*"))
        else:
            bodies = (getattr(node, part, ()) for part in ("body", "orelse", "handlers", "finalbody", "cases"))
            rest += [child for body in bodies if isinstance(body, list) for child in reversed(body)]


def _scripts(data: bytes) -> bytes:
    """The scripts of a page, at their lines."""
    outside = rb"(?s)(?:\A|</script).*?(?:<script[^>]{0,500}>|\Z)"
    return re.sub(outside, lambda found: b"\n" * found[0].count(b"\n"), data)


@cache
def _tongues() -> dict[str, Tongue]:
    data = tomllib.loads(files("gitbot").joinpath("languages/imports.toml").read_text(encoding="utf-8"))
    every = [Tongue(name, **{"query": "", **each}) for name, each in data.items()]
    return {suffix: tongue for tongue in every for suffix in tongue.grammars}


@cache
def _tools(grammar: str, query: str) -> tuple[Any, Any] | None:
    """A parser and the query; None when the extra is not installed, or in a version that does not know the query."""
    package, _, function = grammar.partition(":")
    try:
        tree_sitter = import_module("tree_sitter")
        language = tree_sitter.Language(getattr(import_module(package), function)())
        return tree_sitter.Parser(language), tree_sitter.Query(language, query)
    except (ImportError, AttributeError, ValueError, TypeError):
        return None
