"""What the end of a test command means: its exit status, its closing lines, or the lack of both.

A runner that says that it ran no test is never "passed". Where the output has no line that is known, the exit
status decides.
"""

from __future__ import annotations

import re
from collections.abc import Callable
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


def _pytest(text: str) -> tuple[int, int] | None:
    """`==== 3 passed, 1 skipped in 0.12s ====`, also without the frame under -q; `no tests ran in 0.01s`."""
    lines = re.findall(r"^=*\s*((?:no tests ran|\d+ [a-z]+)(?:, \d+ [a-z]+)*) in [\d.]+s", text, re.MULTILINE)
    if not lines:
        return None
    counts = {word: int(number) for number, word in re.findall(r"(\d+) ([a-z]+)", lines[-1])}
    ran = sum(counts.get(word, 0) for word in ("passed", "failed", "error", "errors", "xfailed", "xpassed"))
    return ran, counts.get("skipped", 0)


def _unittest(text: str) -> tuple[int, int] | None:
    """`Ran 3 tests in 0.001s`, then `OK (skipped=1)`."""
    ran = re.findall(r"^Ran (\d+) tests? in", text, re.MULTILINE)
    if not ran:
        return None
    skipped = sum(int(number) for number in re.findall(r"^(?:OK|FAILED) \(.*?skipped=(\d+)", text, re.MULTILINE))
    return sum(map(int, ran)) - skipped, skipped


def _cargo(text: str) -> tuple[int, int] | None:
    """`test result: ok. 3 passed; 0 failed; 1 ignored; …`, once per test binary."""
    found = re.findall(r"^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored", text, re.MULTILINE)
    if not found:
        return None
    return sum(int(p) + int(f) for p, f, _ in found), sum(int(i) for _, _, i in found)


def _go(text: str) -> tuple[int, int] | None:
    """`ok  pkg  0.1s`, `FAIL  pkg`, `?  pkg  [no test files]`, `ok  pkg  0.1s [no tests to run]`: packages count."""
    packages = re.findall(r"^(ok|FAIL|---|\?)\s+\S+.*$", text, re.MULTILINE)
    empty = len(re.findall(r"\[no test files\]|\[no tests to run\]", text))
    if not empty:
        return None
    return (0, 0) if len([p for p in packages if p != "---"]) == empty else None


def _jest(text: str) -> tuple[int, int] | None:
    """`Tests:       1 failed, 1 skipped, 3 passed, 5 total`; vitest says `Tests  3 passed (3)`; `No tests found`."""
    if re.search(r"^No tests? found", text, re.MULTILINE) or "No test files found" in text:
        return 0, 0
    lines = re.findall(r"^\s*Tests:?\s+(\d+ .*)$", text, re.MULTILINE)
    if not lines:
        return None
    counts = {word: int(number) for number, word in re.findall(r"(\d+) (passed|failed|skipped|todo)", lines[-1])}
    return counts.get("passed", 0) + counts.get("failed", 0), counts.get("skipped", 0)


def _mocha(text: str) -> tuple[int, int] | None:
    """`  3 passing (8ms)`, `  1 failing`, `  1 pending`."""
    found = {word: int(n) for n, word in re.findall(r"^\s+(\d+) (passing|failing|pending)\b", text, re.MULTILINE)}
    return (found["passing"] + found.get("failing", 0), found.get("pending", 0)) if "passing" in found else None


def _tap(text: str) -> tuple[int, int] | None:
    """node --test: `# tests 3` or `ℹ tests 3`, `# skipped 1`."""
    ran = re.findall(r"^[#ℹ] tests (\d+)", text, re.MULTILINE)
    skipped = re.findall(r"^[#ℹ] skipped (\d+)", text, re.MULTILINE)
    return (int(ran[-1]), int(skipped[-1]) if skipped else 0) if ran else None


_RUNNERS: tuple[Callable[[str], tuple[int, int] | None], ...] = (
    _pytest,
    _unittest,
    _cargo,
    _jest,
    _mocha,
    _tap,
    _go,
)


def counts(log: bytes) -> tuple[int, int] | None:
    """Tests that ran and that were skipped, by the closing lines of every runner that is recognised; else None."""
    text = _ANSI.sub(b"", log[-(1 << 18) :]).decode("utf-8", "replace")
    found = [count for runner in _RUNNERS if (count := runner(text)) is not None]
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
