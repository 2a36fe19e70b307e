"""The served pages in a real browser: what a person sees, by eye, by ear and by keyboard."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page

from tests.conftest import SandboxMaker, step
from tests.report.opened import CONTRAST, SCHEMES, WIDTHS
from tests.web.served import looking, serving

pytestmark = pytest.mark.browser


def fits_and_is_easy_to_read(page: Page) -> bool:
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })")
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, page.url
    for scheme in SCHEMES:
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
        assert page.evaluate(CONTRAST) >= 4.5, (page.url, scheme)
    return True


def test_the_pages_lead_to_each_other_without_complaint_fit_their_window_and_are_easy_to_read(
    browser: Browser, shop: str
) -> None:
    page, trouble = looking(browser, shop)
    assert page.get_by_role("heading", level=1).inner_text() == "4 branches: 2 landed, 2 stuck; 2 conflicts coming"
    assert fits_and_is_easy_to_read(page)
    links: dict[str | re.Pattern[str], str] = {
        "Runs": "gitbot runs",
        re.compile(r"Z-[0-9a-f]{4}$"): "gitbot run: main",
        "Plans": "gitbot check: parallel",
    }
    for link, title in links.items():
        page.get_by_role("link", name=link, exact=True).click()
        page.wait_for_load_state()
        assert page.title() == title
        assert fits_and_is_easy_to_read(page)
    assert page.get_by_role("link", name="Plans", exact=True).get_attribute("aria-current") == "page"
    assert trouble == []


def test_everything_is_reached_by_keyboard_and_the_way_past_the_links_comes_first(
    browser: Browser, shop: str
) -> None:
    page, _ = looking(browser, shop)
    page.keyboard.press("Tab")
    first = page.locator(":focus")
    assert first.inner_text() == "Skip to the content"
    box = first.bounding_box()
    assert box is not None
    assert box["y"] >= 0
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.evaluate("document.activeElement.blur()")
    page.locator(".skip").focus()
    wanted = page.locator("a:visible, summary:visible, .scroll:visible").count()
    seen = set()
    for _ in range(wanted + 1):
        page.keyboard.press("Tab")
        seen.add(
            page.evaluate("[...document.querySelectorAll('a, summary, .scroll')].indexOf(document.activeElement)")
        )
    assert len(seen - {-1}) == wanted


def test_tables_say_aloud_what_they_show(browser: Browser, shop: str) -> None:
    """At 400 pixels the rows look like cards and are read as rows all the same."""
    page, _ = looking(browser, shop, 400)
    branches = page.get_by_role("table", name="Where each branch is")
    heads = [head.inner_text() for head in branches.get_by_role("columnheader").all()]
    assert heads == ["Branch", "State", "Tasks", "Commits", "Files", "Tests", "Last commit"]
    row = branches.get_by_role("row").filter(has=page.get_by_role("rowheader", name="agent-search"))
    assert [cell.inner_text() for cell in row.get_by_role("cell").all()][:2] == ["stuck", "1 of 3"]
    matrix = page.get_by_role("table", name="For each pair of branches")
    assert matrix.get_by_role("link", name="agent-theme and main collide in shop/books.py").count() == 1
    assert matrix.get_by_role("img", name="agent-search and agent-theme merge: shop/books.py").count() == 1


def test_hostile_names_and_subjects_are_text(browser: Browser, sandbox: SandboxMaker) -> None:
    name = "agent-<img/src=x/onerror=alert(1)>" + "x" * 150
    script = "</script><script>alert(1)</script>{{ 7*7 }}\x1b[2J"
    plan = f"---\nplan: a\nbranch: '{name}'\nowns: ['<b>.txt']\n---\n# {script}\n- [ ] {script}\nSTUCK: {script}\n"
    box = sandbox(
        step("main", {"a.txt": "one\n", "plans/a.md": plan}, "base"),
        step(name, {"a.txt": f"{script}\n", "<b>.txt": "x"}, script, start="main"),
        step("agent-b", {"a.txt": "b\n"}, script, start="main"),
    )
    box.git("worktree", "add", "--quiet", "../b", "agent-b")
    with serving(box) as address:
        for path in ("", "check", "runs/<img src=x>"):
            page, trouble = looking(browser, address + path, 400, live="<" not in path)
            page.on("dialog", lambda dialog: trouble.append(dialog.message))  # noqa: B023 - of this very page
            assert [words for words in trouble if "404" not in words] == []
            assert page.locator("img, main script").count() == 0
            assert page.evaluate("document.documentElement.scrollWidth") <= 400
            if not path:
                assert "<img/src=x/onerror=alert(1)>" in page.locator("main").inner_text()
            page.context.close()
