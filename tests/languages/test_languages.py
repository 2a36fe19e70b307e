"""The strict parsers refuse what a merge doubles or tears, and survive rubbish."""

from __future__ import annotations

import pytest

from gitbot.languages import defined_names, definitions, is_import, strict_parse, whole_definitions


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("a.py", b"def f():\n    return 1\n"),
        ("a.py", b"\xef\xbb\xbfx = '\\d'\n"),
        ("a.pyi", b"def f() -> int: ...\n"),
        ("a.json", b'{"a": {"b": 1}, "b": [1e9, null]}'),
        ("a.toml", b"[a]\nb = 1\n[c]\nb = 2\n"),
        ("a.yaml", b"a: &x {b: 1}\nc: *x\n---\na: 2\n"),
        ("A.YML", b'1: a\n"1": b\n? [x]\n: 1\n'),
    ],
)
def test_sound_files_are_accepted(path: str, data: bytes) -> None:
    assert strict_parse(path, data) is True


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("a.py", b"def f(a, a): pass\n"),
        ("a.py", b"return 1\n"),
        ("a.py", b"<<<<<<< ours\n"),
        ("a.py", b"x = '\xe9'\n"),
        ("a.py", b"\0"),
        ("a.json", b'{"a": 1, "a": 2}'),
        ("a.json", b'{"a": 1,}'),
        ("a.json", b"[NaN]"),
        ("a.toml", b"a = 1\na = 2\n"),
        ("a.yaml", b"a: 1\nb: 2\na: 3\n"),
        ("a.yaml", b"- {a: 1, a: 2}\n"),
        ("a.yaml", b"a:\n  b\n c: d\n"),
        ("a.yaml", b"\xff\xfe\0"),
    ],
)
def test_doubled_and_torn_files_are_refused(path: str, data: bytes) -> None:
    assert strict_parse(path, data) is False


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("a.py", b"-" * 300_000 + b"1"),
        ("a.py", b"x" + b".a" * 300_000),
        ("a.py", b"(" * 300_000),
        ("a.json", b"[" * 300_000),
        ("a.toml", b"a = " + b"[" * 300_000),
        ("a.toml", b"a" + b".a" * 300_000 + b" = 1"),
        ("a.yaml", b"[" * 300_000),
        ("a.yaml", b"- " * 300_000),
    ],
)
def test_texts_nested_to_hurt_are_refused(path: str, data: bytes) -> None:
    assert strict_parse(path, data) is False


def test_files_of_other_languages_have_no_parser() -> None:
    assert strict_parse("a.go", b"}{") is None
    assert definitions("a.json", b"{}") is None
    assert whole_definitions("a.rs", b"fn a() {}") is None


def test_definitions_count_functions_classes_and_members() -> None:
    data = b"def f(): pass\ndef f(): pass\nclass A:\n  def f(self): pass\n  class B:\n    async def g(self): pass\n"
    assert definitions("a.py", data) == {"f": 2, "A": 1, "A.f": 1, "A.B": 1, "A.B.g": 1}
    assert definitions("a.py", b"def\n") is None


@pytest.mark.parametrize(
    ("data", "names"),
    [
        (b"\n\ndef a():\n    pass\n\n# b\nclass B: pass\n", ("a", "B")),
        (b"    @x\n    def a(self):\n        pass\n", ("a",)),
        (b"def a(): pass\nx = 1\n", None),
        (b"# only words\n", None),
        (b"    return 1\n\n\ndef a():\n", None),
        (b"\xe9", None),
    ],
)
def test_whole_definitions_are_nothing_else(data: bytes, names: tuple[str, ...] | None) -> None:
    assert whole_definitions("a.py", data) == names


@pytest.mark.parametrize(
    ("line", "names"),
    [
        (b"    async def load(self):\n", ("load",)),
        (b"export default class Page {\n", ("Page",)),
        (b"pub(crate) const fn size() -> u8 {\n", ("size",)),
        (b"func (r *Repo[T]) Save(x int) error {\n", ("Repo.Save",)),
        (b"func Save() {\n", ("Save",)),
        (b"const LIMIT = 1;\n", ("LIMIT",)),
        (b"macro_rules! each {\n", ("each",)),
        (b"define(x)\n", ()),
        (b"class: wide\n", ()),
        (b"\xff\n", ()),
    ],
)
def test_a_line_names_what_it_defines(line: bytes, names: tuple[str, ...]) -> None:
    assert defined_names(line) == names


@pytest.mark.parametrize(
    ("path", "line", "expected"),
    [
        ("a.py", b"from .a import b, c as d\n", True),
        ("a.py", b"import os.path\n", True),
        ("a.py", b"from a import (\n", False),
        ("a.py", b"important = 1\n", False),
        ("a.ts", b"import type { A } from './a';\n", True),
        ("a.js", b"const a = require('a');\n", True),
        ("a.js", b"const a = 1;\n", False),
        ("a.go", b'\tlog "github.com/x/log"\n', True),
        ("a.rs", b"pub use crate::a;\n", True),
        ("a.java", b"import static a.B.*;\n", True),
        ("a.c", b"#include <stdio.h>\n", True),
        ("a.cs", b"using (var x = y())\n", False),
        ("a.md", b"import a\n", False),
    ],
)
def test_imports_are_told_by_the_language_of_the_file(path: str, line: bytes, expected: bool) -> None:
    assert is_import(path, line) is expected
