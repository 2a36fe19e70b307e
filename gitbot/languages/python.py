"""Python, by its own compiler: it sees what a grammar alone does not, such as a `return` outside a function."""

from __future__ import annotations

import ast
import re
import warnings
from codecs import BOM_UTF8
from collections.abc import Sequence
from dataclasses import dataclass, replace

from gitbot.languages.outline import Language, Part, Place, beginning, end_of_comment
from gitbot.languages.values import value

# What the compiler raises on rubbish; its own limits on nesting bound time and memory.
_RUBBISH = (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError)

_LITERALS = (ast.List, ast.Tuple, ast.Set, ast.Dict)
_LINE_END = re.compile(rb"\r\n?|\n")


def accepts(data: bytes) -> bool:
    """Whether the compiler of the Python that runs this accepts the module. UTF-8 only."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(data.decode("utf-8-sig"), "merged", "exec", dont_inherit=True, optimize=0)
    except _RUBBISH:
        return False
    return True


def parsed(data: bytes) -> ast.Module | None:
    """The tree of a module, UTF-8 only; None when it is none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(data.decode("utf-8-sig"))
    except _RUBBISH:
        return None


def outline(data: bytes) -> Part | None:
    """Statements; in classes and `if` their statements, the names of imports, the entries of literals."""
    module = parsed(data)
    if module is None:
        return None
    mark = len(BOM_UTF8) if data.startswith(BOM_UTF8) else 0
    source = _Source(data, (mark, *(found.end() for found in _LINE_END.finditer(data))))
    return Part(0, len(data), "", inner=(mark, len(data)), parts=source.statements(module.body))


@dataclass(frozen=True, slots=True)
class _Source:
    """A module's bytes and where its lines start."""

    data: bytes
    lines: tuple[int, ...]

    def span(self, node: ast.stmt | ast.expr | ast.alias) -> tuple[int, int]:
        """The first byte of a node and the one behind its last."""
        stop = self.lines[(node.end_lineno or 0) - 1] + (node.end_col_offset or 0)
        return self.lines[node.lineno - 1] + node.col_offset, stop

    def statements(self, body: Sequence[ast.stmt]) -> tuple[Part, ...]:
        return tuple(map(self.statement, body))

    def statement(self, node: ast.stmt) -> Part:
        start, stop = self.span(node)
        key, stop = beginning(self.data[start:stop]), end_of_comment(self.data, stop)
        fixed = Part(start, stop, key, place=Place.FIXED)
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                if node.decorator_list:
                    start = self.data.rindex(b"@", 0, self.span(node.decorator_list[0])[0])
                part = Part(start, stop, f"def {node.name}", node.name)
                return self.block(part, node.body) if isinstance(node, ast.ClassDef) else part
            case ast.If(orelse=[]):
                return self.block(fixed, node.body)
            case ast.Import():
                return replace(fixed, place=Place.ANY)
            case ast.ImportFrom():
                return self.names(
                    Part(start, stop, f"from {'.' * node.level}{node.module or ''}", place=Place.ANY), node
                )
            case ast.Assign(targets=[target], value=given) | ast.AnnAssign(target=target, value=ast.expr() as given):
                return self.literal(Part(start, stop, f"{self.data[slice(*self.span(target))].decode()} ="), given)
            case ast.AugAssign(value=given) | ast.Expr(value=given):
                return self.literal(fixed, given)
        return fixed

    def block(self, part: Part, body: Sequence[ast.stmt]) -> Part:
        """With the statements behind the colon, where they do not start on its line."""
        parts = self.statements(body)
        *above, indent = self.data[part.start : parts[0].start].split(b"\n")
        while above and (not above[-1].strip() or above[-1].lstrip().startswith(b"#")):
            del above[-1]
        if indent.strip() or not above:
            return part
        colon = part.start + len(b"\n".join(above).rstrip())
        return replace(part, inner=(colon, part.stop), parts=parts)

    def names(self, part: Part, node: ast.ImportFrom) -> Part:
        spans = [self.span(name) for name in node.names]
        parts = tuple(Part(start, stop, self.data[start:stop].decode()) for start, stop in spans)
        words, bracket, _ = self.data[part.start : spans[0][0]].partition(b"(")
        inner = part.start + len(words.rstrip() + bracket), self.span(node)[1] - len(bracket)
        return replace(part, inner=inner, parts=parts, commas=True)

    def literal(self, part: Part, given: ast.expr) -> Part:
        """With the entries of a list, tuple, set or dictionary, or of the first that a call is given."""
        every = [*given.args, *(word.value for word in given.keywords)] if isinstance(given, ast.Call) else [given]
        found = next((each for each in every if isinstance(each, _LITERALS)), None)
        start, stop = self.span(found) if found else (0, 0)
        literal = value(self.data, start, sets=False) if found else None
        if found is None or literal is None or literal.inner is None or literal.stop != stop:
            return part
        # The commas of a lambda look like those of the list that it is in.
        if len(literal.parts) != len(found.keys if isinstance(found, ast.Dict) else found.elts):
            return part
        key = part.key if part.place is Place.FREE else beginning(self.data[part.start : start])
        return replace(literal.put_into(part), key=key)


PYTHON = Language((".py", ".pyi"), accepts, outline)
