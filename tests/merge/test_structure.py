"""Merging by structure: what both sides add is there, what both changed is left to a person."""

from __future__ import annotations

import pytest

from gitbot.languages import strict_parse
from gitbot.merge.edits import Refused
from gitbot.merge.structure import merge_items

# path, base, then what is replaced for what on each side, and the result.
MERGES = {
    "both append to a dictionary": (
        "a.py",
        'COMMANDS = {\n    "a": run_a,\n}\n',
        'COMMANDS = {\n    "a": run_a,\n    "b": run_b,\n}\n',
        'COMMANDS = {\n    "a": run_a,\n    "c": run_c,\n}\n',
        'COMMANDS = {\n    "a": run_a,\n    "b": run_b,\n    "c": run_c,\n}\n',
    ),
    "both append to a list on one line without a last comma": (
        "a.py",
        "__all__ = ['a']\n",
        "__all__ = ['a', 'b']\n",
        "__all__ = ['a', 'c']\n",
        "__all__ = ['a', 'b', 'c']\n",
    ),
    "both import one more name, and one more module": (
        "a.py",
        "import os\nfrom a import (\n    b,\n)\n",
        "import os\nimport re\nfrom a import (\n    b,\n    c,\n)\n",
        "import ast\nimport os\nfrom a import (\n    b,\n    d,\n)\n",
        "import ast\nimport os\nimport re\nfrom a import (\n    b,\n    c,\n    d,\n)\n",
    ),
    "both append a method with its comment and its decorator": (
        "a.py",
        "class A:\n    def a(self):\n        return 1\n\n\nx = A()\n",
        "class A:\n    def a(self):\n        return 1\n\n    # b\n    @one\n    def b(self):\n"
        "        return 1\n\n\nx = A()\n",
        "class A:\n    def a(self):\n        return 1\n\n    # c\n    @one\n    def c(self):\n"
        "        return 1\n\n\nx = A()\n",
        "class A:\n    def a(self):\n        return 1\n\n    # b\n    @one\n    def b(self):\n        return 1\n\n"
        "    # c\n    @one\n    def c(self):\n        return 1\n\n\nx = A()\n",
    ),
    "one changes the function beside which the other puts one": (
        "a.py",
        "def a():\n    return 1\n",
        "def a():\n    return 2\n",
        "def a():\n    return 1\n\n\ndef b():\n    pass\n",
        "def a():\n    return 2\n\n\ndef b():\n    pass\n",
    ),
    "both put something first": (
        "a.py",
        "def a(): pass\n",
        "def b(): pass\n\n\ndef a(): pass\n",
        "def c(): pass\n\n\ndef a(): pass\n",
        "def b(): pass\n\n\ndef c(): pass\n\n\ndef a(): pass\n",
    ),
    "one deletes beside what the other changes": (
        "a.py",
        "A = 1\nB = 1\nC = 1\n",
        "A = 1\nC = 1\n",
        "A = 1\nB = 1\nC = 2\n",
        "A = 1\nC = 2\n",
    ),
    "a file with CRLF, a byte order mark and no last line end": (
        "a.py",
        "\ufeffA = 1\r\nB = 1",
        "\ufeffA = 1\r\nB = 1\r\nC = 1",
        "\ufeffA = 1\r\nB = 1\r\nD = 1",
        "\ufeffA = 1\r\nB = 1\r\nC = 1\r\nD = 1",
    ),
    "both add a member, and a comma is needed": (
        "a.json",
        '{\n  "a": 1\n}\n',
        '{\n  "a": 1,\n  "b": {"x": 1}\n}\n',
        '{\n  "a": 1,\n  "c": 2\n}\n',
        '{\n  "a": 1,\n  "b": {"x": 1},\n  "c": 2\n}\n',
    ),
    "members of members, and one side's value": (
        "a.json",
        '{"s": {"a": "1", "b": "1"}, "f": ["x"]}',
        '{"s": {"a": "2", "b": "1"}, "f": ["x", "y"]}',
        '{"s": {"a": "1", "b": "2"}, "f": ["w", "x"]}',
        '{"s": {"a": "2", "b": "2"}, "f": ["w", "x", "y"]}',
    ),
    "one deletes the last member, the other adds behind it": (
        "a.json",
        '{\n  "a": 1,\n  "b": 2\n}\n',
        '{\n  "a": 1\n}\n',
        '{\n  "a": 1,\n  "b": 2,\n  "c": 3\n}\n',
        '{\n  "a": 1,\n  "c": 3\n}\n',
    ),
    "dependencies and tables": (
        "a.toml",
        '[project]\ndependencies = [\n  "a", # first\n]\n\n[tool.x]\ny = 1\n',
        '[project]\ndependencies = [\n  "a", # first\n  "b",\n]\n\n[tool.x]\ny = 1\nz = 1\n',
        '[project]\ndependencies = [\n  "a", # first\n  "c",\n]\n\n[tool.x]\ny = 2\n\n[tool.w]\nv = 1\n',
        '[project]\ndependencies = [\n  "a", # first\n  "b",\n  "c",\n]\n\n[tool.x]\ny = 2\nz = 1\n\n'
        "[tool.w]\nv = 1\n",
    ),
    "a key without a table does not fall into a new one": (
        "a.toml",
        "a = 1\n",
        "a = 1\n\n[t]\nx = 1\n",
        "a = 1\nb = 1\n",
        "a = 1\nb = 1\n\n[t]\nx = 1\n",
    ),
    "mappings and sequences by indentation": (
        "a.yaml",
        "on:\n  - push # always\njobs:\n  a:\n    run: é\n",
        "on:\n  - push # always\n  - tag\njobs:\n  a:\n    run: é\n  b:\n    run: 1\n",
        "on:\n  - push # always\n  - hand\njobs:\n  a:\n    run: é\n    if: x\n  c:\n    run: 1\n",
        "on:\n  - push # always\n  - tag\n  - hand\njobs:\n  a:\n    run: é\n    if: x\n  b:\n    run: 1\n"
        "  c:\n    run: 1\n",
    ),
    "a document with its mark and a list in brackets": (
        "a.yaml",
        "---\na: [x] # b\nc: |\n  d: e\n",
        "---\na: [x, y] # b\nc: |\n  d: e\n\ng: 1\n",
        "---\nf: 1\na: [x, z] # b\nc: |\n  d: e\n",
        "---\nf: 1\na: [x, y, z] # b\nc: |\n  d: e\n\ng: 1\n",
    ),
    "routes of a module": (
        "a.ts",
        "import { a } from './a';\nexport const routes = [\n  { path: '/a', run: a },\n];\n",
        "import { a } from './a';\nimport { b } from './b';\nexport const routes = [\n  { path: '/a', run: a },\n"
        "  { path: '/b', run: b },\n];\n",
        "import { a } from './a';\nimport { c } from './c';\nexport const routes = [\n  { path: '/a', run: a },\n"
        "  { path: '/c', run: c },\n];\n",
        "import { a } from './a';\nimport { b } from './b';\nimport { c } from './c';\nexport const routes = [\n"
        "  { path: '/a', run: a },\n  { path: '/b', run: b },\n  { path: '/c', run: c },\n];\n",
    ),
    "exported names and methods": (
        "a.js",
        "class A {\n  a() {}\n}\nmodule.exports = { A };\n",
        "class A {\n  a() {}\n\n  b() {}\n}\nmodule.exports = { A, B };\n",
        "class A {\n  a() {}\n\n  c() {}\n}\nmodule.exports = { A, C };\n",
        "class A {\n  a() {}\n\n  b() {}\n\n  c() {}\n}\nmodule.exports = { A, B, C };\n",
    ),
    "imports, a map and methods of two types": (
        "a.go",
        'package a\n\nimport (\n\t"fmt"\n)\n\nvar all = map[string]F{\n\t"a": a,\n}\n\nfunc (x *X) Run() {}\n',
        'package a\n\nimport (\n\t"fmt"\n\t"os"\n)\n\nvar all = map[string]F{\n\t"a": a,\n'
        '\t"b": b,\n}\n\nfunc (x *X) Run() {}\n\n'
        "func (y *Y) Run() {}\n",
        'package a\n\nimport (\n\t"fmt"\n\t"net"\n)\n\nvar all = map[string]F{\n\t"a": a,\n'
        '\t"c": c,\n}\n\nfunc (x *X) Run() {}\n\n'
        "// Run z.\nfunc (z *Z) Run() {}\n",
        'package a\n\nimport (\n\t"fmt"\n\t"os"\n\t"net"\n)\n\nvar all = map[string]F{\n\t"a": a,\n'
        '\t"b": b,\n\t"c": c,\n}\n\n'
        "func (x *X) Run() {}\n\nfunc (y *Y) Run() {}\n\n// Run z.\nfunc (z *Z) Run() {}\n",
    ),
    "variants, attributes and an impl": (
        "a.rs",
        "use a::{b, c};\nenum E {\n    A,\n}\nimpl E {\n    fn a() {}\n}\n",
        "use a::{b, c, d};\nenum E {\n    A,\n    B,\n}\nimpl E {\n    fn a() {}\n    #[x]\n    fn b() {}\n}\n",
        "use a::{b, c, e};\nenum E {\n    A,\n    C,\n}\nimpl E {\n    fn a() {}\n    /// c\n    fn c() {}\n}\n",
        "use a::{b, c, d, e};\nenum E {\n    A,\n    B,\n    C,\n}\nimpl E {\n    fn a() {}\n"
        "    #[x]\n    fn b() {}\n"
        "    /// c\n    fn c() {}\n}\n",
    ),
    "a class and its enum": (
        "A.java",
        "class A {\n    enum E { X }\n    void a() {}\n}\n",
        "class A {\n    enum E { X, Y }\n    void a() {}\n    void b() {}\n}\n",
        "class A {\n    enum E { X, Z }\n    void a() {}\n    @T void c() {}\n}\n",
        "class A {\n    enum E { X, Y, Z }\n    void a() {}\n    void b() {}\n    @T void c() {}\n}\n",
    ),
    "a namespace": (
        "a.cs",
        "using A;\nnamespace N\n{\n    class C\n    {\n        int x;\n    }\n}\n",
        "using A;\nusing B;\nnamespace N\n{\n    class C\n    {\n        int x;\n        int y;\n    }\n}\n",
        "using A;\nusing C;\nnamespace N\n{\n    class C\n    {\n        int x;\n        int z;\n    }\n}\n",
        "using A;\nusing B;\nusing C;\nnamespace N\n{\n    class C\n    {\n        int x;\n        int y;\n"
        "        int z;\n    }\n}\n",
    ),
    "a module and a constant": (
        "a.rb",
        "module A\n  ALL = [:a].freeze\n  def a\n  end\nend\n",
        "module A\n  ALL = [:a, :b].freeze\n  def a\n  end\n\n  def b\n  end\nend\n",
        "module A\n  ALL = [:a, :c].freeze\n  def a\n  end\n\n  # c\n  def c\n  end\nend\n",
        "module A\n  ALL = [:a, :b, :c].freeze\n  def a\n  end\n\n  def b\n  end\n\n  # c\n  def c\n  end\nend\n",
    ),
    "an array that is returned": (
        "a.php",
        "<?php\nreturn [\n    'a' => 1,\n];\n",
        "<?php\nreturn [\n    'a' => 1,\n    'b' => 1,\n];\n",
        "<?php\nreturn [\n    'a' => 1,\n    'c' => 1,\n];\n",
        "<?php\nreturn [\n    'a' => 1,\n    'b' => 1,\n    'c' => 1,\n];\n",
    ),
}

# path, base, ours, theirs
REFUSALS = {
    "one value changed by both": ("a.json", '{"a": 1}', '{"a": 2}', '{"a": 3}'),
    "one key added by both": ("a.toml", "a = 1\n", "a = 1\nb = 1\n", "a = 1\nb = 2\n"),
    "one side deleted what the other changed": ("a.yaml", "a: 1\nb: 1\n", "a: 1\n", "a: 1\nb: 2\n"),
    "the other side deleted what the target changed": ("a.yaml", "a: 1\nb: 1\n", "a: 1\nb: 2\n", "a: 1\n"),
    "a list with an entry twice": ("a.json", "[1, 1]", "[1, 1, 2]", "[1, 1, 3]"),
    "a list of objects": ("a.json", '[{"a": 1}]', '[{"a": 1}, {"b": 1}]', '[{"a": 1}, {"c": 1}]'),
    "a list that both replaced": ("a.json", '["a"]', '["b"]', '["c"]'),
    "a function changed by both": ("a.py", "def f():\n    a()\n", "def f():\n    b()\n", "def f():\n    c()\n"),
    "a function renamed by both": ("a.py", "def f(): pass\n", "def g(): pass\n", "def h(): pass\n"),
    "statements added by both at one place": ("a.py", "a()\n", "a()\nb()\n", "a()\nc()\n"),
    "a function added by both": ("a.py", "x = 1\n", "x = 1\ndef f(): a()\n", "x = 1\ndef f(): b()\n"),
    "a side that moves a function": (
        "a.py",
        "def a(): pass\ndef b(): pass\nx = 1\n",
        "def a(): pass\ndef b(): pass\nx = 2\n",
        "def b(): pass\ndef a(): pass\nx = 1\n",
    ),
    "a side that does not parse": ("a.py", "a = 1\n", "a = 1\nb = (\n", "a = 1\nc = 1\n"),
    "text of another encoding": ("a.py", "a = 'é'\n", "a = 'é'\nb = 1\n", "a = 'é'\nc = 1\n"),
    "aliases of aliases": (
        "a.yaml",
        *(
            "".join(f"x{n}: &a{n} [{f'*a{n - 1}, ' * 9 if n else 1}]\n" for n in range(12)) + f"y: {z}\n"
            for z in (1, 2, 3)
        ),
    ),
    "a list with commas that are a lambda's": (
        "a.py",
        "x = [lambda a, b: a]\n",
        "x = [lambda a, b: a, c]\n",
        "x = [lambda a, b: a, d]\n",
    ),
    "constants of one name": ("a.js", "a();\n", "a();\nconst b = 1;\n", "a();\nconst b = 2;\n"),
}


@pytest.mark.parametrize("name", MERGES)
def test_both_sides_are_in_the_result(name: str) -> None:
    path, *texts, expected = MERGES[name]
    base, ours, theirs = (text.encode() for text in texts)
    assert merge_items(path, base, ours, theirs) == expected.encode()
    assert strict_parse(path, expected.encode())


@pytest.mark.parametrize("name", REFUSALS)
def test_what_both_changed_is_left_to_a_person(name: str) -> None:
    path, *texts = REFUSALS[name]
    encoding = "latin-1" if "encoding" in name else "utf-8"
    base, ours, theirs = (text.encode(encoding) for text in texts)
    assert isinstance(merge_items(path, base, ours, theirs), Refused)


def test_files_of_other_kinds_are_not_merged_by_structure() -> None:
    for path in ("a.txt", "Makefile"):
        assert merge_items(path, b"a", b"b", b"c") is None


def test_a_reason_holds_no_control_characters() -> None:
    sides = (b'{"a\\u001b": %d, "\x7f\xc2\x9b": %d}' % (n, n) for n in (1, 2, 3))
    refused = merge_items("a.json", *sides)
    assert isinstance(refused, Refused)
    assert refused.why.isprintable()
