"""`gitbot runs`: what a person looks for first, and the flakes of the gate."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gitbot.model.gate import Flake, GateVerdict
from gitbot.model.git import BranchName, Oid
from gitbot.model.run import GateUse, Run, RunId
from gitbot.report.runs import flaky_text, run_line
from tests.conftest import Sandbox, SandboxMaker, step
from tests.scenarios.beginnings import base


def without_times(text: str) -> str:
    text = re.sub(r"\d{8}T\d{6}Z-[0-9a-f]{4}", "RUN", text)
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d", "WHEN", text)
    return re.sub(r" +\d+:\d\d  ", " TOOK  ", text)


@pytest.fixture
def box(sandbox: SandboxMaker) -> Sandbox:
    return sandbox(base(), step("agent-a", {"x.txt": "x\n"}), step("agent-b\u202e", {"b.txt": "BROKEN\n"}))


def test_without_a_run_there_is_none(box: Sandbox) -> None:
    assert box.gitbot("runs").out == "no run yet\n"


def test_the_newest_run_stands_on_top_with_who_went_back(box: Sandbox) -> None:
    box.integrate("agent-*")
    box.integrate("agent-a")
    box.gitbot("undo", "last")
    assert without_times(box.gitbot("runs").out) == (
        "RUN  WHEN TOOK  main  1 already-landed\n"
        "RUN  WHEN TOOK  main  undone: 1 landed, 1 set-aside (agent-b)\n"
        "\n"
        "one of them in full: gitbot runs RUN, taken back: gitbot undo RUN\n"
    )


def test_one_run_is_told_with_when_it_was_and_how_long_it_took(box: Sandbox) -> None:
    box.integrate("agent-a")
    first, second, *_ = without_times(box.gitbot("runs", "last").out).splitlines()
    assert first == "RUN  WHEN TOOK  main  1 landed"
    assert second.startswith("1 of 1 landed on main")


def test_a_person_is_shown_the_last_twenty_and_a_program_all_of_them(box: Sandbox) -> None:
    box.integrate("agent-a", "--no-gate", gate="")
    name, journal = box.git("for-each-ref", "--format=%(refname) %(objectname)", "refs/gitbot/runs").split()
    for number in range(24):
        box.git("update-ref", re.sub(r"runs/.*/", f"runs/20200101T0000{number:02}Z-abcd/", name), journal)
    lines = box.gitbot("runs").out.splitlines()
    assert (len(lines), lines[20]) == (23, "… and 5 before them, all of them with --format json")
    assert len(box.gitbot("runs", "--format", "json").document["runs"]) == 25


def test_a_run_and_its_flakes_are_not_asked_for_together(box: Sandbox) -> None:
    assert box.gitbot("runs", "last", "--flaky").code == 2


def test_one_run_is_a_page_or_markdown_with_both_sides_of_a_conflict_and_when_the_gate_was_where(
    sandbox: SandboxMaker, tmp_path: Path
) -> None:
    box = sandbox(
        base(),
        step("agent-a", {"a.txt": ["one", "<b>A</b>", "three"]}),
        step("agent-b", {"a.txt": ["one", "<b>B</b>", "three"]}),
        step("agent-c", {"c.txt": "c\n"}),
    )
    box.integrate("agent-*", "--jobs", "2")
    box.git("update-ref", "-d", "refs/heads/agent-b")
    saved = tmp_path / "run.html"
    assert box.gitbot("runs", "last", "--format", "html", "-o", str(saved)).out == ""
    page = saved.read_text()
    assert '<span class="ours">&lt;b&gt;A&lt;/b&gt;\n</span>' in page
    assert '<span class="theirs">&lt;b&gt;B&lt;/b&gt;\n</span>' in page
    assert '<span class="name">worker 1</span>' in page
    told = box.gitbot("runs", "last", "--format", "markdown").out
    assert told.startswith("**`2 of 3 landed on main, ")
    assert told.endswith("```text\n<b>A</b>\n```\n\n```text\n<b>B</b>\n```\n\n</details>\n")


def test_a_page_is_of_one_run_and_all_else_can_be_written_to_a_file(box: Sandbox, tmp_path: Path) -> None:
    assert box.gitbot("runs", "--format", "html").code == 2
    assert box.gitbot("runs", "-o", str(tmp_path / "list.txt")).out == ""
    assert (tmp_path / "list.txt").read_text() == "no run yet\n"


def test_a_gate_that_flaked_is_told_with_its_tests_its_rate_and_what_that_means(sandbox: SandboxMaker) -> None:
    box = sandbox(base(), step("agent-a", {"x.txt": "x\n"}))
    mark = box.path / ".git" / "flaked"
    gate = (
        f"if test -e '{mark}'; then exit 0; fi; touch '{mark}'; echo 'FAILED tests/test_x.py::test_y - boom'; exit 1"
    )
    ran = box.integrate("agent-a", gate=gate)
    assert ran.outcomes == {"agent-a": "landed by rebase"}
    document = box.gitbot("runs", "--flaky", "--format", "json").document
    [flake] = document["flaky"]
    assert flake["verdicts"] == ["failed", "passed"]
    assert flake["failing"] == ["tests/test_x.py::test_y"]
    assert flake["tree"] == box.git("rev-parse", "main^{tree}")
    assert document["gate"]["confirm"] == 1
    assert [run["run"] for run in document["runs"]] == [ran.document["run"]]
    said = without_times(box.gitbot("runs", "--flaky").out).splitlines()
    assert said[0].startswith("red in 1 of ")
    assert said[1] == f"   1×  WHEN  {flake['tree'][:10]}  tests/test_x.py::test_y"
    assert said[3] == (
        'confirm = "auto": a red branch is run once more before it is rejected '
        "(at once from 100 such runs on, while at most 1% of them are red)"
    )


@pytest.mark.parametrize("time", [1e300, -1e300, float("inf")])
def test_a_run_of_somebody_else_may_say_anything_of_its_time(time: float) -> None:
    nothing = GateUse(command=None, runs=0, cached=0, failed=0, seconds=0)
    run = Run(
        run=RunId("20260101T000000Z-0000"),
        dry_run=False,
        target=BranchName("ma\x1b[2Jin"),
        before=Oid("1" * 40),
        after=None,
        branches=(),
        gate=nothing,
        state="running",
        started=time,
        finished=-time,
    )
    assert run_line(run).endswith("  ma[2Jin  running: ")


def test_the_tests_that_flake_most_stand_first_and_none_of_their_names_is_obeyed() -> None:
    red, green = GateVerdict.FAILED, GateVerdict.PASSED
    flakes = [
        Flake(tree=Oid(digit * 40), verdicts=(red, green), failing=failing, when=0.0)
        for digit, failing in (("1", ("a\x1b[2J",)), ("2", ("b", "c")), ("3", ("b",)), ("4", ()))
    ]
    assert without_times(flaky_text(flakes, 200, 0.02)) == (
        "red in 4 of 200 runs on trees that pass (2.0%)\n"
        "   2×  WHEN  3333333333  b\n"
        "   1×  WHEN  1111111111  a[2J\n"
        "   1×  WHEN  2222222222  c\n"
        "   1×  WHEN  4444444444  (the gate named no test)"
    )
