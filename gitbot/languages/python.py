"""Python, by its own compiler: it sees what a grammar alone does not, such as a `return` outside a function."""

from __future__ import annotations

import ast
import textwrap
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence

from gitbot.languages.language import Language

# What the compiler raises on rubbish; its own limits on nesting bound time and memory.
_RUBBISH = (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError)

_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def accepts(data: bytes) -> bool:
    """Whether the compiler of the Python that runs this accepts the module. UTF-8 only."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(data.decode("utf-8-sig"), "merged", "exec", dont_inherit=True, optimize=0)
    except _RUBBISH:
        return False
    return True


def definitions(data: bytes) -> Counter[str] | None:
    """Functions and classes at top level, and `Class.name` for what a class defines."""
    module = parsed(data)
    return None if module is None else Counter(_names(module.body, ""))


def whole_definitions(data: bytes) -> tuple[str, ...] | None:
    """The names a piece of a module defines, at whatever indentation, if it is all definitions and comments."""
    module = parsed(textwrap.dedent(data.decode("utf-8", "replace")).encode())
    if module is None or not module.body or not all(isinstance(node, _Definition) for node in module.body):
        return None
    return tuple(node.name for node in module.body if isinstance(node, _Definition))


def parsed(data: bytes) -> ast.Module | None:
    """The tree of a module, UTF-8 only; None when it is none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(data.decode("utf-8-sig"))
    except _RUBBISH:
        return None


def _names(body: Sequence[ast.stmt], prefix: str) -> Iterator[str]:
    for node in body:
        if isinstance(node, _Definition):
            yield prefix + node.name
        if isinstance(node, ast.ClassDef):
            yield from _names(node.body, f"{prefix}{node.name}.")


PYTHON = Language((".py", ".pyi"), accepts, definitions, whole_definitions)
