"""The page of `check` in a real browser: Debian's chromium, which the README says how to install."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from gitbot.model.preflight import Check
from gitbot.report.check_html import check_html
from tests.report.opened import CONTRAST, SCHEMES, WIDTHS, opened

pytestmark = pytest.mark.browser


@pytest.fixture
def saved(tmp_path: Path, full_answer: Check) -> Path:
    path = tmp_path / "page.html"
    path.write_text(check_html(full_answer), encoding="utf-8")
    return path


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_loads_without_complaint_and_fits_its_window(
    browser: Browser, saved: Path, width: int, scheme: str
) -> None:
    page, trouble = opened(browser, saved, width, scheme)
    assert trouble == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.title() == "gitbot check: phased"


def test_the_matrix_has_a_cell_for_each_pair_and_leads_to_the_overlap(browser: Browser, saved: Path) -> None:
    page, _ = opened(browser, saved)
    assert page.locator(".matrix tbody tr").count() == 6
    assert page.locator(".matrix td.blocks").count() == 2
    page.get_by_role("link", name="catalog and theme: blocks", exact=False).click()
    goal = page.locator(":target")
    assert "src/layout.ts" in goal.inner_text()
    assert goal.is_visible()


def test_the_bars_stand_where_the_estimate_puts_them(browser: Browser, saved: Path) -> None:
    page, _ = opened(browser, saved)
    assert page.locator(".bar").count() == 6
    track = page.get_by_role("img", name="theme: 1 h 30 min – 2 h 30 min, on the critical path")
    outer, inner = track.bounding_box(), track.locator(".bar").bounding_box()
    assert outer is not None
    assert inner is not None
    assert (inner["x"] - outer["x"]) / outer["width"] == pytest.approx(0.6, abs=0.01)
    assert inner["width"] / outer["width"] == pytest.approx(0.4, abs=0.01)


def test_light_and_dark_are_both_easy_to_read(browser: Browser, saved: Path) -> None:
    """Text against what it stands on, by the contrast that WCAG 2 asks for (4.5 to 1)."""
    for scheme in SCHEMES:
        page, _ = opened(browser, saved, scheme=scheme)
        assert page.evaluate(CONTRAST) >= 4.5, scheme


def test_all_links_are_reached_by_keyboard(browser: Browser, saved: Path) -> None:
    page, _ = opened(browser, saved)
    links = page.locator("a:visible").count()
    reached = set()
    for _ in range(links + 40):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("[...document.querySelectorAll('a')].indexOf(document.activeElement)"))
    assert len(reached - {-1}) == links


def test_hostile_text_runs_nothing_and_asks_for_nothing(
    browser: Browser, tmp_path: Path, hostile_answer: Check
) -> None:
    path = tmp_path / "hostile.html"
    path.write_text(check_html(hostile_answer), encoding="utf-8")
    page, trouble = opened(browser, path, 400)
    page.on("dialog", lambda dialog: trouble.append(dialog.message))
    assert trouble == []
    assert page.locator("script").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
