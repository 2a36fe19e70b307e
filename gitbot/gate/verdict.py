"""What the end of a test command means: its exit status, its closing lines, or the lack of both.

A runner that says that it ran no test is never "passed". Where the output has no line that is known, the exit
status decides.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from gitbot.gate.junit import Report
from gitbot.model.gate import GateVerdict, Suite
from gitbot.process import Ended


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict, and what the runner said of its tests: how many ran, were skipped, and which failed."""

    verdict: GateVerdict
    status: int
    tests: int | None = None
    skipped: int | None = None
    failing: tuple[str, ...] = ()
    suite: Suite | None = None


MOST_FAILING = 50
MOST_NAMED = 100_000  # tests of a suite
LONGEST_NAME = 200  # characters
_LONGEST_LINE = 500

_ANSI = re.compile(rb"\x1b\[[0-9;]*m")
_FAILING = re.compile(
    r"^(?:(?:FAILED|ERROR) (\S+::.+?)(?: - .*)?"  # pytest
    r"|[ \t]*--- FAIL: (\S+) \([\d.]+s\)"  # go
    r"|test (\S+) \.\.\. FAILED"  # cargo
    r"|(?:FAIL|ERROR): (\w+ \([\w.]+\))"  # unittest
    r"|[ \t]*not ok \d+ - (.+)"  # TAP
    r"|  ● (\S.* › .*))$",  # jest
    re.MULTILINE,
)

_RAN = ("passed", "failed", "error", "errors", "xfailed", "xpassed", "passing", "failing")
_SKIPPED = ("skipped", "ignored", "pending")
_OF_TESTS = re.compile(rf"no tests ran|\d (?:{'|'.join((*_RAN, *_SKIPPED, 'deselected'))})\b")  # linters count files


def _numbered(text: str) -> tuple[int, int]:
    """Tests that ran and that were skipped, by the words behind the numbers."""
    said = re.findall(r"(?<!\d)(\d{1,9}) ([a-z]+)", text)
    return sum(int(n) for n, word in said if word in _RAN), sum(int(n) for n, word in said if word in _SKIPPED)


def _pytest(text: str) -> Iterator[tuple[int, int]]:
    """`==== 3 passed, 1 skipped in 0.12s ====`, also without the frame under -q; `no tests ran in 0.01s`."""
    lines = re.findall(r"^=*[ \t]*((?:no tests ran|\d+ [a-z]+)(?:, \d+ [a-z]+)*) in [\d.]+s", text, re.MULTILINE)
    yield from (_numbered(line) for line in lines if _OF_TESTS.search(line))


def _cargo(text: str) -> Iterator[tuple[int, int]]:
    """`test result: ok. 3 passed; 0 failed; 1 ignored; …`, once per test binary."""
    yield from map(_numbered, re.findall(r"^test result: \w+\. (.* ignored)", text, re.MULTILINE))


def _jest(text: str) -> Iterator[tuple[int, int]]:
    """`Tests:       1 failed, 1 skipped, 3 passed, 5 total`; vitest says `Tests  3 passed (3)`; `No tests found`."""
    if re.search(r"^No tests? found(?:[.!]?$|, exiting| related)|No test files found, exiting", text, re.MULTILINE):
        yield 0, 0
    yield from map(_numbered, re.findall(r"^[ \t]*Tests:?[ \t]+(\d+ .*)$", text, re.MULTILINE))


def _mocha(text: str) -> Iterator[tuple[int, int]]:
    """`  3 passing (8ms)`, `  1 pending`, `  1 failing`."""
    lines = r"^[ \t]+\d+ passing\b.*(?:\s+\d+ (?:failing|pending)\b.*)*"
    yield from map(_numbered, re.findall(lines, text, re.MULTILINE))


def _unittest(text: str) -> Iterator[tuple[int, int]]:
    """`Ran 3 tests in 0.001s`, then `OK (skipped=1)`."""
    ran = re.findall(r"^Ran (\d{1,9}) tests? in", text, re.MULTILINE)
    skipped = sum(map(int, re.findall(r"^(?:OK|FAILED) \(.*?skipped=(\d{1,9})", text, re.MULTILINE)))
    if ran:
        yield sum(map(int, ran)) - skipped, skipped


def _tap(text: str) -> Iterator[tuple[int, int]]:
    """node --test: `# tests 3` or `ℹ tests 3`, `# skipped 1`."""
    ran, skipped = (re.findall(rf"^[#ℹ] {word} (\d{{1,9}})", text, re.MULTILINE) for word in ("tests", "skipped"))
    if ran:
        yield sum(map(int, ran)), sum(map(int, skipped))


def _go(text: str) -> Iterator[tuple[int, int]]:
    """`ok  pkg  0.1s`, `FAIL  pkg`, `?  pkg  [no test files]`, `ok  pkg  0.1s [no tests to run]`: packages count."""
    packages = re.findall(r"^(?:ok|FAIL|\?)[ \t]+\S+.*$", text, re.MULTILINE)
    empty = len(re.findall(r"\[no test files\]|\[no tests to run\]", text))
    if empty and empty == len(packages):
        yield 0, 0


_RUNNERS = (_pytest, _unittest, _cargo, _jest, _mocha, _tap, _go)


def closing(log: bytes) -> str:
    """The end of a log as text: no colours, no lines whose length would cost time."""
    text = _ANSI.sub(b"", log[-(1 << 18) :]).decode("utf-8", "replace").replace("\r\n", "\n")
    return "\n".join(line[:_LONGEST_LINE] for line in text.split("\n"))


def failing(text: str) -> tuple[str, ...]:
    """The tests that failed, as far as a runner that is recognised names them."""
    return named(next(filter(None, found)) for found in _FAILING.findall(text))


def named(tests: Iterable[str], most: int = MOST_FAILING) -> tuple[str, ...]:
    """Names of tests such as may be kept and shown: each once, short, without control characters, not too many."""
    short = ("".join(filter(str.isprintable, test[:LONGEST_NAME])) for test in tests)
    return tuple(islice(dict.fromkeys(short), most))


def counts(text: str) -> tuple[int, int] | None:
    """Tests that ran and that were skipped, by the closing lines of every runner that is recognised; else None.

    One command may run many suites, and one that has no tests is none that failed: all lines are added up.
    """
    found = [count for runner in _RUNNERS for count in runner(text)]
    if not found:
        return None
    return sum(ran for ran, _ in found), sum(skipped for _, skipped in found)


def judge(ended: Ended, report: Report | None = None, *, walled: bool = False) -> Judgement:
    """The verdict on a finished command; all the ways in which it can end are in `GateVerdict`.

    What a report file says of the tests counts before the output. `walled`: the status is of bwrap or a container,
    which tell that they could not start or that the command was killed by theirs.
    """
    text = closing(ended.log)
    tests, skipped = (len(report.ran), len(report.skipped)) if report else counts(text) or (None, None)
    verdict, status = _end(ended, tests, walled)
    if verdict is GateVerdict.PASSED and (report.failing if report else _says_red(text)):
        verdict = GateVerdict.FAILED  # a pipe swallows the status of what runs before it
    red = () if verdict is GateVerdict.PASSED else named(report.failing) if report else failing(text)
    suite = Suite(named(report.ran, MOST_NAMED), named(report.skipped, MOST_NAMED)) if report else None
    known = report is not None and report.whole and max(len(report.ran), len(report.skipped)) <= MOST_NAMED
    return Judgement(verdict, status, tests, skipped, red, suite if known else None)


_CLOSING = re.compile(
    r"^(?:=*[ ]*\d+ [a-z]+(?:, \d+ [a-z]+)* in [\d.]+s|OK(?: \([^\n]*\))?$|FAILED \([^\n]*\)$)", re.MULTILINE
)

_RED = re.compile(r"\d (?:failed|errors?)\b|^FAILED")


def _says_red(text: str) -> bool:
    """Whether the last closing line of pytest or unittest has failures in it, and none of the same runner before it
    is green: of several runs it is not for us to say which one counts.
    """
    lines = [line for line in _CLOSING.findall(text) if line[0] in "OF" or _OF_TESTS.search(line)]
    said = [(line[0] in "OF", bool(_RED.search(line))) for line in lines]
    return bool(said) and said[-1][1] and (said[-1][0], False) not in said


def _end(ended: Ended, tests: int | None, walled: bool) -> tuple[GateVerdict, int]:
    if ended.stopped or ended.full:
        return GateVerdict.BROKEN, 1
    if ended.timed_out:
        return GateVerdict.TIMED_OUT, 124
    if ended.error is not None:
        return GateVerdict.NO_START, 127
    if ended.signal is not None:
        return GateVerdict.KILLED, 128 + ended.signal
    status = ended.status or 0
    if status in (126, 127) or (walled and status == 125):
        return GateVerdict.NO_START, status
    if walled and 128 < status < 160:
        return GateVerdict.KILLED, status
    if tests == 0 and status in (0, 5):  # pytest and Python 3.12's unittest leave with 5 when nothing ran
        return GateVerdict.NO_TESTS, status
    return GateVerdict.PASSED if status == 0 else GateVerdict.FAILED, status
