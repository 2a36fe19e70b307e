"""A run under way: a picture of it in so many columns and rows, a line for a log, an event for a program.

What happened and when goes in, text comes out; how it gets onto a terminal is the business of the command line.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import zip_longest

import msgspec

from gitbot.model.git import BranchName
from gitbot.model.progress import Began, Ended, Happening, Left, Merging, TargetMoved, TestEnded, Testing
from gitbot.model.run import BranchReport, Outcome
from gitbot.report.integrate import SIGNS, branch_document, fate
from gitbot.report.terminal import cells, cut, printable, some

SCHEMA = "gitbot.integrate-event/1"
BAR = 10  # columns
LONGEST = 1e9  # seconds; a damaged record may say anything

Line = tuple[str, int]  # with its colour, as SGR counts them
_SIGNS: dict[str, Line] = {**SIGNS, "testing": (">", 36), "merging": (">", 36), "queued": (".", 2)}


@dataclass(slots=True)
class Picture:
    """What is known of a run so far; times are seconds of any clock."""

    target: str = ""
    began: float = 0
    jobs: int = 1
    branches: tuple[BranchName, ...] = ()  # in landing order
    merging: tuple[BranchName, ...] = ()
    tests: dict[int, tuple[Testing, float]] = field(default_factory=dict)  # by slot, with their beginning
    expected: float | None = None  # seconds of a gate run
    left: float | None = None  # gate runs
    reports: dict[BranchName, BranchReport] = field(default_factory=dict)  # in the order of their ends

    def see(self, happening: Happening, now: float) -> None:
        """Take in what happened."""
        self.merging = (happening.branch,) if isinstance(happening, Merging) else ()
        match happening:
            case Began():
                self.target, self.began, self.jobs = printable(happening.target), now, happening.jobs
                self.branches = happening.branches
            case Testing():
                self.tests[happening.slot] = happening, now
                self.expected = happening.expected or self.expected
            case TestEnded() if happening.slot is not None:
                self.tests.pop(happening.slot, None)
            case Ended():
                self.reports[happening.report.branch] = happening.report
            case Left():
                self.left = happening.runs
            case _:
                pass

    def screen(self, now: float, columns: int, rows: int) -> list[Line]:
        """At most so many lines of at most so many columns: sums, running gates, and the branches that matter now."""
        smallest_last = sorted((test for test, _ in self.tests.values()), key=lambda test: -len(test.branches))
        groups = {name: test for test in smallest_last for name in test.branches}
        kinds = dict.fromkeys(self.branches, "queued") | dict.fromkeys(self.merging, "merging")
        kinds |= dict.fromkeys(groups, "testing")
        kinds |= {name: report.outcome.value for name, report in self.reports.items()}
        lines = [(line, 1) for line in self._sums(now)]
        lines += [(self._gate(slot, now, columns), 36) for slot in sorted(self.tests)[: max(1, rows // 4)]]
        shown = self._that_matter(kinds, rows - len(lines))
        width = min(max((cells(printable(name)) for name in shown), default=0), max(12, columns * 2 // 5))
        for name in shown:
            sign, code = _SIGNS[kinds[name]]
            short = cut(printable(name), width, middle=True)
            state = fate(self.reports[name]) if name in self.reports else kinds[name] + _with(name, groups.get(name))
            lines.append((f"{sign} {short}{' ' * (width - cells(short))}  {state}", code))
        hidden = Counter(kinds[name] for name in kinds.keys() - shown)
        if hidden:
            counts = ", ".join(f"{number} {kind}" for kind, number in sorted(hidden.items()))
            lines.append((f"… and {hidden.total()} more: {counts}", 2))
        return [(cut(line, columns), code) for line, code in lines[:rows]]

    def _sums(self, now: float) -> list[str]:
        landed = sum(report.outcome is Outcome.LANDED for report in self.reports.values())
        left = f"{clock(now - self.began)} so far"
        if self.left is not None:
            left += f", ~{math.ceil(self.left)} gate run{'s' * (math.ceil(self.left) != 1)} left"
            rounds = max(self.left / self.jobs, min(1, self.left))
            left += f", ~{clock(rounds * self.expected)}" if self.expected else ""
        return [f"{len(self.reports)} of {len(self.branches)} done, {landed} landed on {self.target}", left]

    def _gate(self, slot: int, now: float, columns: int) -> str:
        test, since = self.tests[slot]
        spent = clock(now - since)
        if test.expected:
            full = int(BAR * min(1, (now - since) / test.expected))
            bar = f"{'━' * full}{'╌' * (BAR - full)} " if columns >= 60 else ""
            spent = f"{bar}{spent} of ~{clock(test.expected)}"
        return f"gate {slot + 1}{' again' * test.again}  {spent}  {some(test.branches, 2) or self.target}"

    def _that_matter(self, kinds: Mapping[BranchName, str], room: int) -> list[BranchName]:
        """All if there is room; else as many of each kind: the first that wait, the last that ended."""
        if len(kinds) <= room:
            return list(kinds)
        takers: dict[str, list[BranchName]] = {}
        waiting = (name for name in kinds if name not in self.reports)
        for name in (*waiting, *reversed(self.reports)):
            takers.setdefault(kinds[name], []).append(name)
        turns = [name for turn in zip_longest(*takers.values()) for name in turn if name is not None]
        chosen = frozenset(turns[: max(0, room - 1)])  # a line counts the others
        return [name for name in kinds if name in chosen]


def _with(name: BranchName, test: Testing | None) -> str:
    if test is None:
        return ""
    others = [other for other in test.branches if other != name]
    whom = printable(others[0]) if len(others) == 1 else f"{len(others)} others"
    return (f" with {whom}" if others else "") + f", gate {test.slot + 1}"


def log_line(happening: Happening) -> str | None:
    """What a log says of a happening; None where that is nothing."""
    match happening:
        case Began():
            how = "going on with run" if happening.resumed else "run"
            return f"{how} {happening.run}: {len(happening.branches)} branches onto {printable(happening.target)}"
        case Testing():
            usual = f", ~{clock(happening.expected)}" if happening.expected else ""
            whom = some(happening.branches, 2) or "the bare target"
            return f"gate {happening.slot + 1}: testing {whom}{' again' * happening.again}{usual}"
        case TestEnded() if happening.slot is not None:
            return f"gate {happening.slot + 1}: {happening.verdict or 'stopped'} after {clock(happening.seconds)}"
        case Ended():
            return f"{printable(happening.report.branch)}: {fate(happening.report)}"
        case TargetMoved():
            return f"the target was moved from {happening.before[:7]} to {happening.after[:7]}; merging again"
        case _:
            return None


def event_document(happening: Happening, time: float, folder: str) -> dict[str, object]:
    """A line of `--format jsonl` (docs/documents.md); `folder` is where the run's files are."""
    told: dict[str, object] = msgspec.to_builtins(happening)
    if isinstance(happening, Ended):
        told = {"event": told["event"], **branch_document(happening.report, folder)}
    return {"schema": SCHEMA, "event": told["event"], "time": round(time, 3), **told}


def clock(seconds: float) -> str:
    """`0:42`, `12:05` or `1:02:03`."""
    minutes, rest = divmod(round(min(max(0, seconds), LONGEST)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
