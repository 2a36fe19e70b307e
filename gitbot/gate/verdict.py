"""What the end of a test command means: its exit status, its closing lines, or the lack of both.

A runner that says that it ran no test is never "passed". Where the output has no line that is known, the exit
status decides.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from gitbot.model.gate import GateVerdict
from gitbot.process import Ended


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict, and how many tests ran and were skipped where the runner says it."""

    verdict: GateVerdict
    status: int
    tests: int | None
    skipped: int | None


_ANSI = re.compile(rb"\x1b\[[0-9;]*m")


_RAN = ("passed", "failed", "error", "errors", "xfailed", "xpassed", "passing", "failing")
_SKIPPED = ("skipped", "ignored", "pending")


def _numbered(text: str) -> tuple[int, int]:
    """Tests that ran and that were skipped, by the words behind the numbers."""
    said = re.findall(r"(\d+) ([a-z]+)", text)
    return sum(int(n) for n, word in said if word in _RAN), sum(int(n) for n, word in said if word in _SKIPPED)


def _pytest(text: str) -> Iterator[tuple[int, int]]:
    """`==== 3 passed, 1 skipped in 0.12s ====`, also without the frame under -q; `no tests ran in 0.01s`."""
    lines = re.findall(r"^=*\s*((?:no tests ran|\d+ [a-z]+)(?:, \d+ [a-z]+)*) in [\d.]+s", text, re.MULTILINE)
    yield from map(_numbered, lines[-1:])


def _cargo(text: str) -> Iterator[tuple[int, int]]:
    """`test result: ok. 3 passed; 0 failed; 1 ignored; …`, once per test binary."""
    yield from map(_numbered, re.findall(r"^test result: \w+\. (.* ignored)", text, re.MULTILINE))


def _jest(text: str) -> Iterator[tuple[int, int]]:
    """`Tests:       1 failed, 1 skipped, 3 passed, 5 total`; vitest says `Tests  3 passed (3)`; `No tests found`."""
    if re.search(r"^No tests? found", text, re.MULTILINE) or "No test files found" in text:
        yield 0, 0
    else:
        yield from map(_numbered, re.findall(r"^\s*Tests:?\s+(\d+ .*)$", text, re.MULTILINE)[-1:])


def _mocha(text: str) -> Iterator[tuple[int, int]]:
    """`  3 passing (8ms)`, `  1 pending`, `  1 failing`."""
    lines = r"^\s+\d+ passing\b.*(?:\s+\d+ (?:failing|pending)\b.*)*"
    yield from map(_numbered, re.findall(lines, text, re.MULTILINE)[-1:])


def _unittest(text: str) -> Iterator[tuple[int, int]]:
    """`Ran 3 tests in 0.001s`, then `OK (skipped=1)`."""
    ran = re.findall(r"^Ran (\d+) tests? in", text, re.MULTILINE)
    skipped = sum(map(int, re.findall(r"^(?:OK|FAILED) \(.*?skipped=(\d+)", text, re.MULTILINE)))
    if ran:
        yield sum(map(int, ran)) - skipped, skipped


def _tap(text: str) -> Iterator[tuple[int, int]]:
    """node --test: `# tests 3` or `ℹ tests 3`, `# skipped 1`."""
    ran, skipped = (re.findall(rf"^[#ℹ] {word} (\d+)", text, re.MULTILINE) for word in ("tests", "skipped"))
    if ran:
        yield int(ran[-1]), int(skipped[-1]) if skipped else 0


def _go(text: str) -> Iterator[tuple[int, int]]:
    """`ok  pkg  0.1s`, `FAIL  pkg`, `?  pkg  [no test files]`, `ok  pkg  0.1s [no tests to run]`: packages count."""
    packages = re.findall(r"^(?:ok|FAIL|\?)\s+\S+.*$", text, re.MULTILINE)
    empty = len(re.findall(r"\[no test files\]|\[no tests to run\]", text))
    if empty and empty == len(packages):
        yield 0, 0


_RUNNERS = (_pytest, _unittest, _cargo, _jest, _mocha, _tap, _go)


def counts(log: bytes) -> tuple[int, int] | None:
    """Tests that ran and that were skipped, by the closing lines of every runner that is recognised; else None."""
    text = _ANSI.sub(b"", log[-(1 << 18) :]).decode("utf-8", "replace")
    found = [count for runner in _RUNNERS for count in runner(text)]
    if not found:
        return None
    return sum(ran for ran, _ in found), sum(skipped for _, skipped in found)


def judge(ended: Ended) -> Judgement:
    """The verdict on a finished command; all the ways in which it can end are in `GateVerdict`."""
    known = counts(ended.log)
    tests, skipped = known if known is not None else (None, None)
    if ended.timed_out:
        return Judgement(GateVerdict.TIMED_OUT, 124, tests, skipped)
    if ended.error is not None:
        return Judgement(GateVerdict.NO_START, 127, tests, skipped)
    if ended.signal is not None:
        return Judgement(GateVerdict.KILLED, 128 + ended.signal, tests, skipped)
    status = ended.status or 0
    if status in (126, 127):
        return Judgement(GateVerdict.NO_START, status, tests, skipped)
    if tests == 0 and status in (0, 5):  # pytest and Python 3.12's unittest leave with 5 when nothing ran
        return Judgement(GateVerdict.NO_TESTS, status, tests, skipped)
    return Judgement(GateVerdict.PASSED if status == 0 else GateVerdict.FAILED, status, tests, skipped)
