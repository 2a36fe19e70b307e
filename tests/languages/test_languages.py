"""The strict parsers refuse what a merge doubles or tears, and survive rubbish."""

from __future__ import annotations

from collections import Counter

import pytest

from gitbot.languages import defined_names, definitions, is_import, outline, strict_parse, whole_definitions
from gitbot.languages.outline import Body


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
        ("a.ts", b"export const a = <T>(x: T): T => x;\n"),
        ("a.jsx", b"const a = <b>c</b>;\n"),
        ("a.go", b"package a\n\nfunc (x *X[T]) A() {}\n"),
        ("a.rs", b"impl<'a> A<'a> { fn b(&self) {} }\n"),
        ("A.java", b"record A(int b) {}\n"),
        ("a.cs", b"namespace A;\nrecord B(int C);\n"),
        ("a.rb", b"def a = 1\n"),
        ("a.php", b"<?php enum A: string { case B = 'b'; }\n"),
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
        ("a.ts", b"<<<<<<< ours\n"),
        ("a.js", b"function a( {}\n"),
        ("a.go", b"package a\nfunc a() {\n"),
        ("a.rs", b"fn a() }\n"),
        ("A.java", b"class A {"),
        ("a.cs", b"class A { void b( }"),
        ("a.rb", b"def a\n"),
        ("a.php", b"<?php function ("),
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
        ("a.ts", b"a<" * 300_000),
        ("a.js", b"[" * 300_000),
        ("A.java", b"a<" * 300_000),
        ("a.go", b"(" * 300_000),
        ("a.rs", b"{" * 300_000),
        ("a.cs", b"a<" * 300_000),
        ("a.rb", b"<<A;" * 200_000),
        ("a.php", b"<?php " + b"[" * 300_000),
    ],
)
def test_texts_nested_to_hurt_are_refused(path: str, data: bytes) -> None:
    assert strict_parse(path, data) is False


def test_files_of_other_languages_have_no_parser() -> None:
    assert strict_parse("a.c", b"}{") is None
    assert outline("a.c", b"") is None
    assert definitions("a.json", b"{}") is None
    assert whole_definitions("a.c", b"int a;") is None


def test_definitions_count_functions_classes_and_members() -> None:
    data = b"def f(): pass\ndef f(): pass\nclass A:\n  def f(self): pass\n  class B:\n    async def g(self): pass\n"
    assert definitions("a.py", data) == {"f": 2, "A": 1, "A.f": 1, "A.B": 1, "A.B.g": 1}
    assert definitions("a.py", b"def\n") is None


@pytest.mark.parametrize(
    ("path", "data", "names"),
    [
        ("a.ts", b"const a = 1;\nexport class B { c() {} d = 1 }\n", ["a", "B", "B.c", "B.d"]),
        ("a.js", b"const a = 1;\nconst a = 2;\n", ["a", "a"]),
        ("a.go", b"package p\nfunc a() {}\nfunc (x *X) a() {}\nfunc a() {}\n", ["a", "(x *X) a", "a"]),
        ("a.rs", b"mod a { fn b() {} }\nimpl C { fn d() {} }\nuse e::f;\n", ["a", "a.b", "d"]),
        ("A.java", b"import a.B;\nclass A { int b; void c() {} void c(int d) {} }\n", ["A", "A.b", "A.c", "A.c"]),
        ("a.cs", b"namespace A { class B { int C { get; } } }\n", ["A", "A.B", "A.B.C"]),
        ("a.rb", b"module A\n  def b\n  end\n  C = 1\nend\n", ["A", "A.b", "A.C"]),
        ("a.php", b"<?php class A { public $b; function c() {} }\n", ["A", "A.$b", "A.c"]),
    ],
)
def test_definitions_by_a_grammar_are_counted_in_their_containers(path: str, data: bytes, names: list[str]) -> None:
    """A parser accepts a name that is defined twice, so that only the count can tell."""
    assert definitions(path, data) == Counter(names)


def test_a_piece_of_whole_definitions_is_told_from_one_with_statements() -> None:
    assert whole_definitions("a.go", b"// A.\nfunc A() {}\n\nfunc B() {}\n") == ("A", "B")
    assert whole_definitions("a.js", b"function a() {}\na();\n") is None
    assert whole_definitions("a.rs", b"fn a() {") is None


TEXTS = {
    "a.py": b"#!x\n# y\n\nimport a  # b\nfrom c import (d, # e\n  f,)\nx: X = {**g, 'h': (1), # i\n"
    b"}\n\n@j(1)\n@k\nclass L(\n M):\n"
    b"    # n\n    o = [(1), 2]; p = 1\n    if q:\n        r()\n# s\n",
    "a.json": b'\xef\xbb\xbf{ "a" : [ ], "b": {"c": [1, [2]]}\r\n}\r\n',
    "a.toml": b"# a\nb.c = 1 # d\n'e=' = [ 1, # f\n]\n['g.h]']\ni = { j = 'k = [' }\n[[l]]\n",
    "a.yaml": "# a\nb: &c\n  - d\n  - 'é'\ne:\n- f\ng: |\n  h\n\ni: {j: [k, l]}\n".encode(),
    "a.tsx": b"#!a\n/* b\n\n c */\nimport d, { e } from 'f'; import 'g'\n"
    b"export default { h, i() {}, [j]: [1, , 2] } // k",
}


@pytest.mark.parametrize("path", TEXTS)
def test_the_items_put_together_are_the_file(path: str) -> None:
    body = outline(path, TEXTS[path])
    assert body is not None
    assert body.items
    _is_whole(body, TEXTS[path])


def _is_whole(body: Body, text: bytes) -> None:
    assert body.text() == text
    for item in body.items:
        if item.body is not None:
            _is_whole(item.body, item.text)


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
