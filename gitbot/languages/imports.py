"""What a file imports, by the parser of its language: Python's own, tree-sitter for the others where it is installed.

Only names come out; which files they mean is the question of `gitbot.languages.modules`. The languages are data, in
imports.toml.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING

from gitbot.languages import python
from gitbot.languages.grammars import PAGES, grammar_of, parse, suffix_of, tongue_of

if TYPE_CHECKING:
    from tree_sitter import Language as Grammar
    from tree_sitter import Node, Query

LARGEST = 256 << 10  # bytes of a file that is read; larger ones are generated
_EFFORT = 50_000  # for all files: a hundred steps of a parser cost 1, and this much more once the text is in error
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
        if tongue.name == "python":
            self.effort -= len(data) // 100
            return tuple(_python(data))[:_MOST_IMPORTS]
        grammar = grammar_of(suffix_of(path))
        query = grammar and _query(grammar, tongue.query)
        if grammar is None or query is None:
            self.missing.add(tongue.called)
            return ()
        text = _scripts(data) if path.endswith(PAGES) else data
        found = self._parsed(text, grammar, query)
        return tuple(sorted(found, key=lambda each: each.line))[:_MOST_IMPORTS]

    def _parsed(self, data: bytes, grammar: Grammar, query: Query) -> Iterator[Import]:
        from tree_sitter import QueryCursor

        tree, spent = parse(grammar, data, self.effort)
        self.effort -= spent
        cursor = QueryCursor(query)
        for part in islice(_sound(tree.root_node), _MOST_IMPORTS) if tree else ():
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
def _query(grammar: Grammar, words: str) -> Query | None:
    """None when the grammar is of a version that does not know all the words."""
    from tree_sitter import Query

    try:
        return Query(grammar, words)
    except ValueError:
        return None
