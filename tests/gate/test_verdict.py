"""What the end of a test command means, by its status and by the closing lines that runners really print."""

from __future__ import annotations

import pytest

from gitbot.gate.junit import Report
from gitbot.gate.verdict import closing, counts, failing, judge
from gitbot.model.gate import GateVerdict, Suite
from gitbot.process import Ended


def ended(
    log: str = "", status: int | None = 0, *, number: int | None = None, late: bool = False, error: str | None = None
) -> Ended:
    return Ended(status, number, late, error, 1.0, log.encode())


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        ("===== 3 passed, 1 skipped in 0.12s =====", (3, 1)),
        ("3 passed in 0.12s", (3, 0)),
        ("\x1b[32m3 passed\x1b[0m, \x1b[33m2 skipped\x1b[0m in 0.12s", (3, 2)),
        ("== 1 failed, 2 passed, 1 error in 65.10s (0:01:05) ==", (4, 0)),
        ("no tests ran in 0.01s", (0, 0)),
        ("Ran 5 tests in 0.001s\n\nOK (skipped=2)", (3, 2)),
        ("Ran 1 test in 0.001s\n\nFAILED (failures=1)", (1, 0)),
        ("test result: ok. 3 passed; 0 failed; 1 ignored;\ntest result: ok. 1 passed; 0 failed; 0 ignored;",
         (4, 1)),
        ("Tests:       1 failed, 1 skipped, 3 passed, 5 total", (4, 1)),
        ("      Tests  3 passed (3)", (3, 0)),
        ("No tests found, exiting with code 1", (0, 0)),
        ("  3 passing (8ms)\n  1 pending", (3, 1)),
        ("# tests 3\n# skipped 1", (3, 1)),
        ("ok  \tpkg\t0.1s [no tests to run]\n?   \tother\t[no test files]", (0, 0)),
        ("ok  \tpkg\t0.1s\n?   \tother\t[no test files]", None),
        ("everything is fine", None),
        ("3 passed in 0.1s\n2 passed, 1 skipped in 0.1s", (5, 1)),
        ("3 passed in 0.1s\nno tests ran in 0.0s", (3, 0)),
        ("Tests:       3 passed, 3 total\nNo tests found, exiting with code 0", (3, 0)),
        ("Tests:       3 passed, 3 total\nTests:       1 failed, 2 passed, 3 total", (6, 0)),
        ("No test files found, exiting with code 0", (0, 0)),
        ("# tests 3\n# skipped 1\n# tests 0\n# skipped 0", (3, 1)),
        ("  5 passing (8ms)\n  1 pending\n\n  0 passing (1ms)", (5, 1)),
        ("2 deselected in 0.01s", (0, 0)),
        ("No tests found in docs/, skipping it", None),
        ("17 files in 0.05s", None),
    ],
)  # fmt: skip
def test_closing_lines_say_how_many_tests_ran_and_were_skipped(log: str, expected: tuple[int, int] | None) -> None:
    assert counts(closing(log.encode())) == expected


@pytest.mark.parametrize(
    ("end", "verdict", "status"),
    [
        (ended(), GateVerdict.PASSED, 0),
        (ended("3 passed in 0.1s"), GateVerdict.PASSED, 0),
        (ended("no tests ran in 0.01s", 5), GateVerdict.NO_TESTS, 5),
        (ended("Ran 0 tests in 0.000s\n\nOK"), GateVerdict.NO_TESTS, 0),
        (ended("1 failed in 0.1s", 1), GateVerdict.FAILED, 1),
        (ended("3 passed in 0.1s", 1), GateVerdict.FAILED, 1),
        (ended("1 failed in 0.1s"), GateVerdict.FAILED, 0),
        (ended("1 failed in 0.1s\n2 failed in 0.1s"), GateVerdict.FAILED, 0),
        (ended("Ran 1 test in 0.1s\n\nOK\n1 failed in 0.1s"), GateVerdict.FAILED, 0),
        (ended("3 passed in 0.1s\n1 failed, 2 passed in 0.1s"), GateVerdict.PASSED, 0),
        (ended("Ran 1 test in 0.1s\n\nOK\nRan 1 test in 0.1s\n\nFAILED (failures=1)"), GateVerdict.PASSED, 0),
        (ended("1 failed in 0.1s\n17 files in 0.1s"), GateVerdict.FAILED, 0),
        (ended("3 passed in 0.1s\nno tests ran in 0.01s"), GateVerdict.PASSED, 0),
        (ended("no tests ran in 0.01s", 2), GateVerdict.FAILED, 2),
        (ended("sh: x: not found", 127), GateVerdict.NO_START, 127),
        (ended("sh: x: Permission denied", 126), GateVerdict.NO_START, 126),
        (ended(status=None, error="No such file"), GateVerdict.NO_START, 127),
        (ended(status=None, late=True), GateVerdict.TIMED_OUT, 124),
        (ended("3 passed in 0.1s", None, number=9), GateVerdict.KILLED, 137),
    ],
)
def test_every_end_has_one_verdict(end: Ended, verdict: GateVerdict, status: int) -> None:
    judged = judge(end)
    assert (judged.verdict, judged.status) == (verdict, status)


def test_output_that_is_no_text_is_no_obstacle() -> None:
    assert counts(closing(b"\xff\xfe\x00" * 1000 + b"\n3 passed in 0.1s\n")) == (3, 0)


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        (
            "FAILED tests/a.py::test_x[1 - 2] - assert 1 == 2\nERROR tests/b.py::test_y\nFAILED (failures=1)",
            ("tests/a.py::test_x[1", "tests/b.py::test_y"),
        ),
        ("FAILED tests/a.py::T::test_x\nFAILED tests/a.py::T::test_x", ("tests/a.py::T::test_x",)),
        ("--- FAIL: TestX (0.00s)\n    --- FAIL: TestX/sub (0.00s)\nFAIL", ("TestX", "TestX/sub")),
        ("test foo::bar ... FAILED\ntest foo::ok ... ok", ("foo::bar",)),
        (
            "FAIL: test_x (mod.Case)\nERROR: test_y (mod.Case.test_y)",
            ("test_x (mod.Case)", "test_y (mod.Case.test_y)"),
        ),
        ("  ● suite › does it\n\n  ● Console", ("suite › does it",)),
        ("ok 1 - fine\nnot ok 2 - broken", ("broken",)),
        ("\x1b[31mFAILED\x1b[0m a.py::x\x9b31m\x07", ("a.py::x31m",)),
        ("everything is fine", ()),
    ],
)
def test_failing_tests_have_the_names_that_the_runner_gives_them(log: str, expected: tuple[str, ...]) -> None:
    assert failing(closing(log.encode())) == expected


def test_names_of_failing_tests_are_few_and_short() -> None:
    log = "".join(f"FAILED a.py::test_{n}{'x' * 300}\n" for n in range(90))
    found = failing(closing(log.encode()))
    assert (len(found), max(map(len, found))) == (50, 200)


@pytest.mark.parametrize(
    "unit", ["\n", " ", "=", "1", "1 a, ", "FAILED ::", "1 passing ", "--- FAIL: ", "\t\n", "a::b - "]
)
def test_no_output_takes_long_to_read(unit: str) -> None:
    """Each would take a matcher that looks at everything from everywhere hours."""
    text = closing((unit * (1 << 18)).encode())
    assert counts(text) in (None, (0, 0))
    assert len(failing(text)) <= 50


def test_a_report_counts_before_the_output_and_names_what_failed() -> None:
    report = Report(ran=["a::x", "a::y", "a::z"], skipped=["a::later"], failing=["a::x", "a::y"])
    judged = judge(ended("9 passed in 0.1s\nFAILED z.py::z", 1), report)
    assert (judged.verdict, judged.tests, judged.skipped, judged.failing) == (
        GateVerdict.FAILED,
        3,
        1,
        ("a::x", "a::y"),
    )
    assert judge(ended("9 passed in 0.1s"), Report()).verdict is GateVerdict.NO_TESTS
    assert judge(ended("0 failing"), report).verdict is GateVerdict.FAILED  # whatever its status was
    assert judged.suite == Suite(("a::x", "a::y", "a::z"), ("a::later",))
    assert judge(ended("1 passed in 0.1s"), Report(ran=["a"], whole=False)).suite is None


@pytest.mark.parametrize(
    ("status", "verdict"), [(125, GateVerdict.NO_START), (137, GateVerdict.KILLED), (1, GateVerdict.FAILED)]
)
def test_a_container_speaks_for_what_is_in_it(status: int, verdict: GateVerdict) -> None:
    assert judge(ended(status=status), walled=True).verdict is verdict
    assert judge(ended(status=status)).verdict is GateVerdict.FAILED


def test_a_run_that_was_stopped_or_had_no_space_is_neither_red_nor_green() -> None:
    assert judge(Ended(0, None, False, None, 1.0, b"", full=True)).verdict is GateVerdict.BROKEN
    assert judge(Ended(None, None, False, None, 1.0, b"", stopped=True)).verdict is GateVerdict.BROKEN
