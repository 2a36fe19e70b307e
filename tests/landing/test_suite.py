"""Tests that a branch takes away, however it does it; and that those which move or are renamed are not missed."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from gitbot.landing.flags import by_counts
from gitbot.landing.suite import SuiteDiff, lost_by_diff, lost_by_name, suite_diff
from gitbot.model.gate import Suite
from gitbot.model.git import Change, ChangeKind, Oid
from gitbot.repository import history
from tests.conftest import SandboxMaker, step

PYTHON = """\
import calc


class TestSums:
    def test_two(self):
        total = calc.add(1, 1)
        assert total == 2

    def test_three(self):
        total = calc.add(1, 2)
        assert total == 3
"""
JS = """\
it('adds', () => {
  expect(add(1, 1)).toBe(2);
});
test("subtracts", () => {
  expect(subtract(3, 1)).toBe(2);
});
"""
GO = "package a\n\nfunc TestAdd(t *testing.T) {\n\tif Add(1, 1) != 2 {\n\t\tt.Fatal()\n\t}\n}\n"
RUST = "fn add() {}\n#[test]\nfn adds() {\n    assert_eq!(add(1, 1), 2);\n}\n"
JAVA = "class A {\n  @Test\n  void adds() {\n    assertEquals(2, add(1, 1));\n  }\n}\n"
FILES = {
    "tests/test_a.py": PYTHON,
    "web/a.test.ts": JS,
    "a_test.go": GO,
    "src/a.rs": RUST,
    "src/test/A.java": JAVA,
    "src/app.py": "def test_connection():\n    return 1\n",
    "tests/test_empty.py": "",
}


def said(sandbox: SandboxMaker, files: Mapping[str, str], *, delete: tuple[str, ...] = ()) -> str:
    """What is said of a branch that makes these changes, where nothing is known of its tests."""
    box = sandbox(step("main", FILES), step("agent", files, delete=delete))
    main, agent = box.tip("main"), box.tip("agent")
    diff = suite_diff(history.patch(box.repository, main, agent))
    return "; ".join(lost_by_diff(box.repository.changes(main, agent), diff)[0])


def without(text: str, *lines: int) -> str:
    return "".join(line for number, line in enumerate(text.splitlines(keepends=True), 1) if number not in lines)


@pytest.mark.parametrize(
    ("files", "text"),
    [
        ({"tests/test_a.py": without(PYTHON, 8, 9, 10, 11)}, "removes tests: test_three"),
        ({"tests/test_a.py": PYTHON.replace("def test_two", "def two")}, "removes tests: test_two"),
        ({"tests/test_a.py": PYTHON.replace("class TestSums", "class Sums")}, "removes tests: TestSums"),
        ({"web/a.test.ts": without(JS, 1, 2, 3)}, "removes tests: adds"),
        ({"web/a.test.ts": JS.replace('test("sub', '// test("sub')}, "removes tests: subtracts"),
        ({"a_test.go": "package a\n"}, "removes tests: TestAdd"),
        ({"src/a.rs": without(RUST, 2, 3, 4, 5)}, "removes tests: adds"),
        ({"src/a.rs": without(RUST, 2)}, "removes tests: #[test"),
        ({"src/test/A.java": without(JAVA, 2, 3, 4, 5)}, "removes tests: adds"),
        ({"conftest.py": "collect_ignore = ['tests/test_a.py']\n"}, "changes which tests are collected: conftest.py"),
        ({"pytest.ini": "[pytest]\npython_files = x\n"}, "changes which tests are collected: pytest.ini"),
        (
            {"web/a.test.ts": JS.replace("it('adds", "it.only('adds")},
            "changes which tests are collected: web/a.test.ts",
        ),
        (
            {"tests/test_a.py": "import pytest\npytest.skip(allow_module_level=True)\n" + PYTHON},
            "marks tests as skip",
        ),
        ({"web/a.test.ts": JS.replace("test(", "test.skipIf(isSlow)(")}, ""),
        ({"tests/data/help.txt": "--ignore\n"}, ""),
        ({"tests/test_b.py": "def test_two_again():\n    assert 1\n"}, ""),
        ({"src/app.py": "x = 1\n", "README": "pytest.skip()\n"}, ""),
        ({"tests/test_a.py": PYTHON.replace("== 3", "== 4")}, ""),
    ],
)
def test_what_a_diff_does_to_tests_is_said(sandbox: SandboxMaker, files: Mapping[str, str], text: str) -> None:
    told = said(sandbox, files)
    assert told.startswith(text)
    assert bool(told) == bool(text)


def test_a_test_that_is_replaced_by_another_is_lost(sandbox: SandboxMaker) -> None:
    other = without(PYTHON, 9, 10, 11) + "    def test_nothing(self):\n        assert True\n"
    assert said(sandbox, {"tests/test_a.py": other}) == "removes tests: test_three"


@pytest.mark.parametrize(
    ("files", "delete"),
    [
        ({"tests/unit/test_b.py": PYTHON.replace("== 3", "== 4")}, ("tests/test_a.py",)),
        (
            {"tests/test_a.py": PYTHON.replace("test_two", "test_both").replace("calc.add(1, 2)", "calc.add(2, 1)")},
            (),
        ),
        ({"tests/test_a.py": PYTHON.replace("TestSums", "TestTotals")}, ()),
        ({"web/b.test.ts": JS.replace("'adds'", "'adds two'")}, ("web/a.test.ts",)),
        ({"src/a.rs": RUST.replace("#[test]", "#[tokio::test]")}, ()),
        ({"src/b.rs": RUST.replace("fn adds", "fn sums"), "src/a.rs": "fn add() {}\n"}, ()),
        ({"b_test.go": GO.replace("TestAdd", "TestSum")}, ("a_test.go",)),
    ],
)
def test_nothing_is_said_of_tests_that_move_or_are_renamed(
    sandbox: SandboxMaker, files: Mapping[str, str], delete: tuple[str, ...]
) -> None:
    assert said(sandbox, files, delete=delete) == ""


def test_a_test_file_whose_new_name_no_runner_looks_for_is_said(sandbox: SandboxMaker) -> None:
    told = said(sandbox, {"tests/checks_a.py": PYTHON}, delete=("tests/test_a.py",))
    assert told == "1 test file deleted; removes tests: TestSums, test_two, test_three"
    told = said(sandbox, {}, delete=("tests/test_empty.py",))
    assert told == "1 test file deleted"


def test_names_that_reports_give_decide_before_any_diff() -> None:
    """What a branch adds does not hide what it took away, and what still runs is not missed."""
    before = Suite(("t.A::test_one", "t.A::test_two", "t.A::test_x[1]", "t.A::test_x[2]"), ())
    after = Suite(("t.A::test_one", "t.B::test_two", "t.A::test_x[9]", "u::test_more", "u::test_most"), ())
    nothing, renamed = SuiteDiff(), SuiteDiff(renamed=frozenset({"test_two"}))
    assert lost_by_name(before, after, nothing) == ["no longer run: t.A::test_x[2]"]
    other_name = Suite(("t.A::test_one", "t.A::test_both", "t.A::test_x[1]", "t.A::test_x[2]"), ())
    assert lost_by_name(before, other_name, renamed) == []
    assert lost_by_name(before, other_name, nothing) == ["no longer run: t.A::test_two"]
    left_out = Suite(("t.A::test_one", "t.A::test_x[1]", "t.A::test_x[2]"), ("t.A::test_two",))
    assert lost_by_name(before, left_out, nothing) == ["now skipped: t.A::test_two"]


def test_of_many_names_a_few_are_said_and_nothing_that_a_terminal_would_obey() -> None:
    gone = Suite(tuple(f"t::{number}\x1b[2J" for number in range(5)), ())
    [text] = lost_by_name(gone, Suite((), ()), SuiteDiff())
    shown = ", ".join(f"t::{number}\N{REPLACEMENT CHARACTER}[2J" for number in range(3))
    assert text == f"no longer run: {shown} and 2 more"


def test_without_names_counts_are_compared() -> None:
    said = ["3 tests ran, 5 on the target", "1 tests skipped, 0 on the target"]
    assert by_counts({"gate": (5, 0)}, {"gate": (3, 1)}) == said
    assert by_counts({"gate": (5, 0), "ui": (9, 0)}, {"ui": (8, 0)}) == ["8 tests ran, 9 on the target (gate ui)"]
    assert by_counts({"gate": (5, None)}, {"gate": (None, 1)}) == by_counts({"gate": (3, 1)}, {"gate": (3, 1)}) == []


def test_a_diff_of_countless_tests_is_read_to_its_end() -> None:
    """Each of them is compared with a few others only."""
    lines = [f"def test_{number % 7}():" for number in range(3000)]
    sides = [("tests/test_a.py", "-", "-1,3000 +0,0"), ("tests/a.txt", "+", "-0,0 +1,3000")]
    patch = "".join(
        f"--- a/{path}\n+++ b/{path}\n@@ {place} @@\n" + "".join(f"{sign}{line}\n" for line in lines)
        for path, sign, place in sides
    )
    assert len(suite_diff(patch).lost) == 3000


@pytest.mark.parametrize("patch", ["no patch", "--- a\n+++ b\n@@ rubbish\n", "--- a\n+++ b\n@@ -1 +1 @@\n", ""])
def test_what_is_no_patch_says_nothing(patch: str) -> None:
    assert suite_diff(patch) == SuiteDiff()


def test_a_file_that_is_deleted_elsewhere_is_no_test() -> None:
    gone = Change(ChangeKind.DELETED, "src/a.py", old_oid=Oid("1" * 40), new_oid=Oid("0" * 40))
    assert lost_by_diff((gone,), SuiteDiff()) == ([], set())
