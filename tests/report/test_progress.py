"""A run as it is watched: the picture on a terminal, the line in a log, the event for a program."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitbot.model.gate import GateVerdict
from gitbot.model.git import BranchName, Oid
from gitbot.model.merge import Strategy
from gitbot.model.progress import Began, Ended, Happening, Left, Merging, TargetMoved, TestEnded, Testing
from gitbot.model.run import BranchReport, Outcome, Reason, RunId
from gitbot.report.progress import Picture, clock, event_document, log_line
from gitbot.report.terminal import cells, cut, printable
from tests.conftest import ROOT

TIP = Oid("1" * 40)


def began(*names: str, jobs: int = 1) -> Began:
    branches = tuple(map(BranchName, names))
    run = RunId("20260101T000000Z-0000")
    return Began(run=run, target=BranchName("main"), before=TIP, branches=branches, jobs=jobs, resumed=False)


def gate_starts(*names: str, slot: int = 0, expected: float | None = None, again: bool = False) -> Testing:
    return Testing(slot=slot, branches=tuple(map(BranchName, names)), expected=expected, again=again)


def gate_ends(*names: str, slot: int | None = 0, verdict: GateVerdict | None = GateVerdict.PASSED) -> TestEnded:
    return TestEnded(slot=slot, branches=tuple(map(BranchName, names)), verdict=verdict, seconds=62.4)


def landed(name: str) -> Ended:
    return Ended(
        report=BranchReport(
            branch=BranchName(name), tip=TIP, outcome=Outcome.LANDED, why="clean", strategy=Strategy.SQUASH
        )
    )


def set_aside(name: str, reason: Reason = Reason.GATE, partner: str | None = None) -> Ended:
    whom = BranchName(partner) if partner else None
    outcome = Outcome.SET_ASIDE
    return Ended(
        report=BranchReport(branch=BranchName(name), tip=TIP, outcome=outcome, why="red", reason=reason, partner=whom)
    )


def picture(*happenings: Happening) -> Picture:
    """What is known when these happened, one a second."""
    found = Picture()
    for second, happening in enumerate(happenings):
        found.see(happening, float(second))
    return found


def screen(shown: Picture, now: float, columns: int = 79, rows: int = 23) -> list[str]:
    return [line for line, _ in shown.screen(now, columns, rows)]


def test_the_screen_tells_the_sums_the_running_gates_and_where_each_branch_is() -> None:
    shown = picture(
        began("agent-a", "agent-b", "agent-c", "agent-d", "agent-e", jobs=2),
        landed("agent-a"),
        set_aside("agent-b", Reason.CONFLICT, "agent-a"),
        Left(runs=3.2, branches=3),
        gate_starts("agent-c", expected=60.0),
        gate_starts("agent-c", "agent-d", slot=1),
        Merging(branch=BranchName("agent-e")),
    )
    assert screen(shown, 34.0) == [
        "2 of 5 done, 1 landed on main",
        "0:34 so far, ~4 gate runs left, ~1:36",
        "gate 1  ━━━━━╌╌╌╌╌ 0:30 of ~1:00  agent-c",
        "gate 2  0:29  agent-c, agent-d",
        "+ agent-a  landed by squash",
        "! agent-b  set-aside: conflict with agent-a",
        "> agent-c  testing, gate 1",
        "> agent-d  testing with agent-c, gate 2",
        "> agent-e  merging",
    ]


def test_what_is_over_is_no_longer_shown_as_running() -> None:
    names = ("agent-a", "agent-b", "agent-c")
    shown = picture(
        began(*names), gate_starts(*names), gate_ends(*names, verdict=GateVerdict.FAILED), Left(runs=0, branches=3)
    )
    assert screen(shown, 65.0) == [
        "0 of 3 done, 0 landed on main",
        "1:05 so far, ~0 gate runs left",
        ". agent-a  queued",
        ". agent-b  queued",
        ". agent-c  queued",
    ]


def test_a_known_answer_ends_no_running_gate() -> None:
    shown = picture(began("agent-a"), gate_starts(again=True), gate_ends("agent-a", slot=None))
    assert screen(shown, 9.0)[2] == "gate 1 again  0:08  main"


def test_where_not_all_have_room_each_kind_has_its_share_and_the_rest_is_counted() -> None:
    names = [f"agent-{number:02}" for number in range(40)]
    happenings: list[Happening] = [
        began(*names),
        *map(landed, names[:8]),
        *map(set_aside, names[8:16]),
        gate_starts(*names[16:24]),
    ]
    assert screen(picture(*happenings), 20.0, 60, 13) == [
        "16 of 40 done, 8 landed on main",
        "0:20 so far",
        f"gate 1  0:0{20 - 17}  agent-16, agent-17 and 6 more",
        "+ agent-06  landed by squash",
        "+ agent-07  landed by squash",
        "! agent-14  set-aside: gate",
        "! agent-15  set-aside: gate",
        "> agent-16  testing with 7 others, gate 1",
        "> agent-17  testing with 7 others, gate 1",
        "> agent-18  testing with 7 others, gate 1",
        ". agent-24  queued",
        ". agent-25  queued",
        "… and 31 more: 6 landed, 14 queued, 6 set-aside, 5 testing",
    ]


def test_names_that_are_too_long_lose_their_middle_and_wide_ones_stay_in_line() -> None:
    names = ("agent-" + "x" * 50 + "-1", "枝" * 30, "e\u0301te\u0301")
    lines = screen(picture(began(*names)), 0.0, 50)[2:]
    assert lines == [
        ". agent-xxxx…xxxxxxx-1  queued",
        ". 枝枝枝枝枝…枝枝枝枝   queued",
        ". e\u0301te\u0301                   queued",
    ]
    assert len({cells(line) for line in lines}) == 1


NAMES = st.text(min_size=1, max_size=30)
HAPPENINGS = st.one_of(
    st.lists(NAMES, unique=True, max_size=40).map(lambda names: began(*names)),
    st.builds(lambda name: Merging(branch=BranchName(name)), NAMES),
    st.builds(
        lambda names, slot: gate_starts(*names, slot=slot, expected=3.0),
        st.lists(NAMES, max_size=5),
        st.integers(0, 70),
    ),
    st.builds(lambda slot: gate_ends(slot=slot), st.none() | st.integers(0, 70)),
    NAMES.map(landed),
    NAMES.map(set_aside),
    st.builds(lambda runs: Left(runs=runs, branches=1), st.none() | st.floats(0, 1e6)),
    st.just(TargetMoved(before=TIP, after=TIP)),
)


@given(st.lists(HAPPENINGS, max_size=30), st.integers(1, 200), st.integers(1, 60))
def test_no_screen_is_larger_than_the_terminal_and_nothing_in_it_is_obeyed(
    happenings: Sequence[Happening], columns: int, rows: int
) -> None:
    lines = screen(picture(*happenings), 99.0, columns, rows)
    assert len(lines) <= rows
    assert all(cells(line) <= columns for line in lines)
    assert lines == [printable(line) for line in lines]


@given(st.lists(HAPPENINGS, max_size=30))
def test_on_a_large_terminal_every_branch_is_shown(happenings: Sequence[Happening]) -> None:
    shown = picture(*happenings)
    lines = screen(shown, 99.0, 500, 5000)
    assert len(lines) >= 2 + len(shown.branches) + len(shown.tests)
    assert not any(line.startswith("… and") for line in lines)


@given(st.text(), st.integers(0, 40), st.booleans())
def test_a_text_that_is_cut_fits_and_one_that_fits_is_not_cut(text: str, room: int, middle: bool) -> None:
    short = cut(printable(text), room, middle=middle)
    assert cells(short) <= room
    assert (short == printable(text)) == (cells(printable(text)) <= room)


def test_a_log_has_a_line_for_what_costs_time_and_for_each_end() -> None:
    happenings: list[Happening] = [
        began("agent-a", "agent-b", "agent-c\x1b[2J"),
        Merging(branch=BranchName("agent-a")),
        Left(runs=2.0, branches=3),
        gate_starts("agent-a", "agent-b", "agent-c\x1b[2J", expected=70.0),
        gate_ends("agent-a", verdict=None),
        gate_starts(slot=1, again=True),
        gate_ends(slot=1, verdict=GateVerdict.TIMED_OUT),
        gate_ends("agent-a", slot=None),
        TargetMoved(before=TIP, after=Oid("2" * 40)),
        landed("agent-a"),
        set_aside("agent-c\x1b[2J", Reason.CONFLICT, "agent-a"),
    ]
    assert [line for line in map(log_line, happenings) if line is not None] == [
        "run 20260101T000000Z-0000: 3 branches onto main",
        "gate 1: testing agent-a, agent-b and 1 more, ~1:10",
        "gate 1: stopped after 1:02",
        "gate 2: testing the bare target again",
        "gate 2: timed-out after 1:02",
        "the target was moved from 1111111 to 2222222; merging again",
        "agent-a: landed by squash",
        "agent-c[2J: set-aside: conflict with agent-a",
    ]


def test_an_event_has_the_schema_its_kind_the_time_and_what_happened() -> None:
    assert event_document(gate_ends("agent-a", slot=None), 1.23456, "") == {
        "schema": "gitbot.integrate-event/1",
        "event": "tested",
        "time": 1.235,
        "slot": None,
        "branches": ("agent-a",),
        "verdict": "passed",
        "seconds": 62.4,
    }


def test_the_end_of_a_branch_is_told_as_in_the_document_with_whole_paths() -> None:
    report = BranchReport(branch=BranchName("a"), tip=TIP, outcome=Outcome.SET_ASIDE, why="red", log="gate-001.log")
    told = event_document(Ended(report=report), 0.0, "/runs/1")
    assert list(told)[:4] == ["schema", "event", "time", "branch"]
    assert (told["event"], told["outcome"], told["log"], told["retry"]) == (
        "ended",
        "set-aside",
        "/runs/1/gate-001.log",
        None,
    )


@pytest.mark.parametrize("kind", get_args(Happening))
def test_the_documentation_names_every_event(kind: type[Happening]) -> None:
    documentation = (ROOT / "docs" / "documents.md").read_text().partition("## gitbot.integrate-event/1")[2]
    assert f"`{kind.__struct_config__.tag}`" in documentation
    assert all(f"`{key}`" in documentation for key in kind.__struct_fields__ if key != "report")


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0:00"), (41.6, "0:42"), (725, "12:05"), (3723, "1:02:03"), (-1, "0:00")]
)
def test_a_duration_reads_like_a_clock(seconds: float, words: str) -> None:
    assert clock(seconds) == words


@given(NAMES)
def test_no_name_breaks_a_line_of_json(name: str) -> None:
    told = event_document(Merging(branch=BranchName(name)), 0.0, "")
    assert json.loads(json.dumps(told))["branch"] == name
