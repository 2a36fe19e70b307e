"""The page of a run in a real browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from gitbot.landing.document import fold
from gitbot.model.gate import GateVerdict
from gitbot.model.git import BranchName
from gitbot.model.merge import ConflictedPath, Resolution
from gitbot.model.run import DriftReport, Flag, Hint, Reason, Record
from gitbot.report.integrate import integrate_text
from gitbot.report.run_page import run_html
from tests.report.opened import CONTRAST, SCHEMES, WIDTHS, opened
from tests.report.told import MAIN, aside, full, gate_run, hostile, run_of

pytestmark = pytest.mark.browser


def saved(folder: Path, records: tuple[Record, ...]) -> Path:
    path = folder / "page.html"
    path.write_text(run_html(fold(records), records, "/repository/.git/gitbot/runs/x"), encoding="utf-8")
    return path


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_of_a_run_loads_without_complaint_and_fits_its_window_with_everything_unfolded(
    browser: Browser, tmp_path: Path, width: int, scheme: str
) -> None:
    page, trouble = opened(browser, saved(tmp_path, full()), width, scheme)
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })")
    assert trouble == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(CONTRAST) >= 4.5
    assert page.title() == "gitbot run: main"


def test_both_sides_of_a_conflict_and_whose_each_line_is_are_there_to_see(browser: Browser, tmp_path: Path) -> None:
    page, _ = opened(browser, saved(tmp_path, full()))
    panes = page.locator(".sides pre")
    lines = [
        [(line.get_attribute("class"), (line.text_content() or "").strip()) for line in pane.locator("span").all()]
        for pane in panes.all()
    ]
    assert lines == [
        [("gone", "two")],
        [("ours", "two by a")],
        [("theirs", "two by b")],
        [],
        [("ours", "- from a")],
        [("theirs", "- from c")],
        [("ours", "- from a"), ("theirs", "- from c")],
    ]
    assert [pane.is_visible() for pane in panes.all()] == [True] * 3 + [False] * 4


def test_each_run_of_the_gate_stands_on_its_worker_where_it_began_and_leads_to_its_words(
    browser: Browser, tmp_path: Path
) -> None:
    page, _ = opened(browser, saved(tmp_path, full()))
    assert [lane.inner_text().split() for lane in page.locator(".chart li").all()] == [
        ["worker", "1", "1", "4", "6"],
        ["worker", "2", "2", "3", "5"],
        ["0", "s", "8.2", "s"],
    ]
    lane = page.locator(".chart li", has_text="worker 2")
    outer, inner = lane.locator(".track").bounding_box(), lane.locator(".bar").nth(1).bounding_box()
    assert outer is not None
    assert inner is not None
    assert (inner["x"] - outer["x"]) / outer["width"] == pytest.approx(1 / 8.25, abs=0.01)
    assert inner["width"] / outer["width"] == pytest.approx(2.25 / 8.25, abs=0.01)
    lane.get_by_role("link", name="5").click()
    assert (
        page.locator(":target").inner_text() == "5 passed the bare target 2.0 s, after 4.0 s on worker 2, tests: 12"
    )


def test_hostile_text_in_a_run_does_nothing_and_widens_nothing(browser: Browser, tmp_path: Path) -> None:
    page, trouble = opened(browser, saved(tmp_path, hostile(8)), 400)
    page.on("dialog", lambda dialog: trouble.append(dialog.message))
    assert trouble == []
    assert page.locator("script, img").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= 400


def test_a_page_that_would_be_too_long_says_whose_lines_it_leaves_out() -> None:
    records = hostile(80)
    page = run_html(fold(records), records, "")
    assert len(page) < 5_000_000
    assert 20 < page.count("the lines of its conflicts are left out") < 70


def test_whatever_is_left_out_is_counted_on_page_and_screen() -> None:
    paths = tuple(f"{at}.txt" for at in range(52))
    conflicts = tuple((ConflictedPath(path, "contents"), BranchName("main")) for path in paths)
    hints = tuple(Hint(kind="removed", path=path, line=1, name="f", partner=None, text=path) for path in paths)
    resolved = tuple(Resolution(path, "insert-both", 1, MAIN, MAIN, ()) for path in paths)
    more: dict[str, object] = {
        "conflicts": conflicts,
        "hints": hints,
        "resolved": resolved,
        "flags": (Flag(kind="protected", paths=paths, text="x"),),
    }
    strayed = aside(
        "b", Reason.OWNERSHIP, "y", drift=DriftReport(foreign=paths, shared=(), unowned=(), untouched=(), lines={})
    )
    gates = tuple(gate_run("3", GateVerdict.PASSED, 0, at, *paths) for at in range(502))
    records = run_of(aside("a", Reason.CONFLICT, "z", **more), strayed, between=gates)
    run = fold(records)
    page = run_html(run, records, "")
    for words in ("conflicts", "notes", "files in which both sides were kept", "runs"):
        assert f"and 2 more {words}, all of them in the JSON document" in " ".join(page.split()), words
    assert page.count("and 44 more") == 501  # names of flags and groups
    assert "</code> and 2 more</p>" in page
    screen = integrate_text(run, "", colour=False, width=100)
    assert "    and 47 more conflicts, all of them in the JSON document\n" in screen
