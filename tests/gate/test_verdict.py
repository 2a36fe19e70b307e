"""What the end of a test command means, by its status and by the closing lines that runners really print."""

from __future__ import annotations

import pytest

from gitbot.gate.verdict import counts, judge
from gitbot.model.gate import GateVerdict
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
    ],
)  # fmt: skip
def test_closing_lines_say_how_many_tests_ran_and_were_skipped(log: str, expected: tuple[int, int] | None) -> None:
    assert counts(log.encode()) == expected


@pytest.mark.parametrize(
    ("end", "verdict", "status"),
    [
        (ended(), GateVerdict.PASSED, 0),
        (ended("3 passed in 0.1s"), GateVerdict.PASSED, 0),
        (ended("no tests ran in 0.01s", 5), GateVerdict.NO_TESTS, 5),
        (ended("Ran 0 tests in 0.000s\n\nOK"), GateVerdict.NO_TESTS, 0),
        (ended("1 failed in 0.1s", 1), GateVerdict.FAILED, 1),
        (ended("3 passed in 0.1s", 1), GateVerdict.FAILED, 1),
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
    assert counts(b"\xff\xfe\x00" * 1000 + b"\n3 passed in 0.1s\n") == (3, 0)
