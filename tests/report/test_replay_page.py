"""The page of `replay` in a real browser."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from gitbot.model.git import BranchName, Commit, Oid, Person
from gitbot.model.replay import Likeness, Replay, ReplayedFile, ReplayedHunk, ReplayedMerge
from gitbot.report.replay import replay_html
from tests.report.opened import CONTRAST, SCHEMES, WIDTHS, opened

pytestmark = pytest.mark.browser

WIDE = "value = " + "x" * 400 + "\n"
HOSTILE = "<script>alert(1)</script><img src=http://example.org/x>\n"


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A page with one merge of each kind, lines far wider than a telephone, and texts that look like code."""
    path = tmp_path / "page.html"
    path.write_text(replay_html(past()), encoding="utf-8")
    return path


def past() -> Replay:
    ada = Person("Ada", "ada@example.org", 1_700_000_000, 0)
    tip = Commit(Oid("a" * 40), Oid("b" * 40), (), ada, ada, "tip")
    merges = tuple(
        ReplayedMerge(
            Oid(f"{number}" * 40),
            f"Merge {HOSTILE}{'long-name-' * 30}",
            f"Ada {HOSTILE}",
            1_700_000_000,
            likeness,
            files=(ReplayedFile("folder/" * 30 + "file.py", "contents", likeness, why_aside(likeness), (hunk,)),),
            beyond=("another/" * 20 + "file.py",),
        )
        for number, likeness in enumerate(Likeness)
        for hunk in (ReplayedHunk(3, "", WIDE, HOSTILE, WIDE, HOSTILE, "insert-both", "both add lines", likeness),)
    )
    return Replay(BranchName("main"), tip, "careful", merges, 1, 2)


def why_aside(likeness: Likeness) -> str | None:
    return "both sides changed line 3" if likeness is Likeness.SET_ASIDE else None


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_loads_without_complaint_and_fits_its_window_with_everything_unfolded(
    browser: Browser, saved: Path, width: int, scheme: str
) -> None:
    page, trouble = opened(browser, saved, width, scheme)
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })")
    assert trouble == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(CONTRAST) >= 4.5
    assert page.locator("script, img").count() == 0


def test_what_differs_is_unfolded_and_shows_both_answers(browser: Browser, saved: Path) -> None:
    page, _ = opened(browser, saved)
    different = page.locator("#different")
    assert different.get_by_text("what people did", exact=True).is_visible()
    assert different.get_by_text("what gitbot would do", exact=True).is_visible()
    assert different.get_by_text("2023-11-14 Ada").is_visible()
    assert not page.locator("#identical").get_by_text("what people did", exact=True).is_visible()


def test_each_line_shows_whose_it_is_and_what_the_other_answer_lacks(browser: Browser, tmp_path: Path) -> None:
    base, ours, theirs = "old\nkept\n", "target\nkept\n", "branch\n"
    hunk = ReplayedHunk(1, base, ours, theirs, "target\nkept\nown\n", "target\nbranch\n", None, None, None)
    file = ReplayedFile("a.txt", "contents", Likeness.DIFFERENT, None, (hunk,))
    merge = ReplayedMerge(Oid("1" * 40), "Merge", "Ada", 1 << 62, Likeness.DIFFERENT, files=(file,))
    path = tmp_path / "page.html"
    path.write_text(replay_html(replace(past(), merges=(merge,))), encoding="utf-8")
    page, _ = opened(browser, path)
    panes = [
        [(line.get_attribute("class"), (line.text_content() or "").strip()) for line in pane.locator("span").all()]
        for pane in page.locator(".sides pre").all()
    ]
    assert panes == [
        [("gone", "old"), ("gone", "kept")],
        [("ours", "target"), ("gone", "kept")],
        [("theirs", "branch")],
        [("ours", "target"), ("gone only", "kept"), ("new only", "own")],
        [("ours", "target"), ("theirs only", "branch")],
    ]
