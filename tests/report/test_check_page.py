"""The page of `check` in a real browser: Debian's chromium, which the README says how to install."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from gitbot.model.preflight import Check
from gitbot.report.check_html import check_html

pytestmark = pytest.mark.browser

WIDTHS = (400, 1400)
SCHEMES = ("light", "dark")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One for all tests here. A machine without one fails them: nothing else would notice a broken page."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert program, "no chromium on this machine: apt-get install chromium, or leave these out: -m 'not browser'"
    root = ["--no-sandbox"] if os.geteuid() == 0 else []  # chromium's sandbox refuses to run as root
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=root)
        yield started
        started.close()


@pytest.fixture
def saved(tmp_path: Path, full_answer: Check) -> Path:
    path = tmp_path / "page.html"
    path.write_text(check_html(full_answer), encoding="utf-8")
    return path


def opened(browser: Browser, saved: Path, width: int = 1400, scheme: str = "light") -> tuple[Page, list[str]]:
    """The page as loaded, and all that a person would not want to see: complaints, and requests that leave."""
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme="dark" if scheme == "dark" else "light"
    )
    page, trouble = context.new_page(), list[str]()
    page.on("console", lambda message: trouble.append(message.text))
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on(
        "request", lambda asked: trouble.append(asked.url) if not asked.url.startswith(("file:", "data:")) else None
    )
    page.goto(saved.as_uri())
    return page, trouble


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


CONTRAST = """() => {
  const light = (color) => {
    const parts = color.match(/[\\d.]+/g).slice(0, 3).map((part) => {
      const value = part / 255
      return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]
  }
  const behind = (element) => {
    const color = getComputedStyle(element).backgroundColor
    return /, 0\\)$/.test(color) && element.parentElement ? behind(element.parentElement) : color
  }
  const shown = [...document.querySelectorAll("body *")].filter((element) =>
    element.checkVisibility() && !element.closest(".self") &&
    [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
  return Math.min(...shown.map((element) => {
    const pair = [light(getComputedStyle(element).color), light(behind(element))].sort((a, b) => b - a)
    return (pair[0] + 0.05) / (pair[1] + 0.05)
  }))
}"""
