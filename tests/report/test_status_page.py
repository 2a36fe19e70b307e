"""The picture of all branches as a page: what it says, what it says has changed, and how it looks when saved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from gitbot.report.status_page import changes, headline, status_html
from tests.conftest import SandboxMaker, step
from tests.report.opened import CONTRAST, SCHEMES, WIDTHS, opened

TEXT = "one\ntwo\nthree\n"


def branch(name: str, state: str = "running", **more: object) -> dict[str, Any]:
    """One of a document's branches, with what has to be there."""
    last = {"oid": "0" * 40, "subject": "feat: it", "time": 1_700_000_000}
    known = {"branch": name, "plan": None, "tip": "1", "ahead": 1, "behind": 0, "state": state, "stuck": None}
    left = {"drift": None, "files": ["a.txt"], "uncommitted": [], "uncounted": [], "hints": [], "tasks": None}
    progress = {"percent": None, "since": None, "at_work": False}
    left |= {"in_the_way": [], "gate": None}
    return {**known, **left, "last": last, "progress": progress, **more}


def document(*branches: dict[str, Any], conflicts: tuple[tuple[str, str], ...] = ()) -> dict[str, Any]:
    met = [{"branches": [*pair], "paths": ["a.txt"]} for pair in conflicts]
    overall = {"done": 0, "total": 0, "percent": None}
    return {"target": "main", "branches": [*branches], "conflicts": met, "overall": overall}


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (document(), "No branch of a plan and no linked work tree here yet"),
        (document(branch("a")), "1 branch: 1 running; no conflict is coming"),
        (
            document(branch("a", "idle"), branch("b", "landed"), branch("c"), conflicts=(("a", "c"), ("a", "main"))),
            "3 branches: 1 landed, 1 running, 1 idle; 2 conflicts coming",
        ),
    ],
)
def test_the_headline_counts_who_is_how_far(seen: dict[str, Any], words: str) -> None:
    assert headline(seen) == words


def test_a_change_is_told_in_words_and_many_in_few() -> None:
    tasks = {"done": 1, "total": 2}
    before = document(branch("a"), branch("b", tasks=tasks), branch("c"), branch("\x1b[2Jd"), conflicts=(("a", "b"),))
    after = document(branch("a", "landed"), branch("b", tasks={"done": 2, "total": 2}), branch("c", tip="2"))
    assert changes(before, before) == ()
    assert changes(before, after) == (
        "a has landed",
        "b: 2 of 2 tasks",
        "c has a new commit",
        "[2Jd is gone",
        "and 1 more",
    )
    stuck = document(branch("a", "stuck", stuck="no key"), conflicts=(("a", "main"),))
    assert changes(document(), stuck) == ("a is stuck: no key", "a and main will conflict")


def test_hundreds_of_branches_that_all_meet_fit_on_one_page() -> None:
    names = [f"agent-{number}" for number in range(400)]
    pairs = tuple((one, "main") for one in names) + tuple((names[0], one) for one in names[1:])
    page = status_html(document(*map(branch, names), conflicts=pairs))
    assert len(page) < 2_000_000
    assert "and 100 more branches" in page
    assert "and 192 more pairs" in page
    assert "and 599 more pairs: " in page
    assert page.count('scope="row" title=') == 40


def test_a_page_says_which_tests_fail_and_that_what_the_gate_said_is_kept() -> None:
    known = status_html(document(branch("a", gate={"verdict": "failed"})))
    assert "<p>Nothing was written to the repository. " in known
    gate = {"verdict": "failed", "finished": 1.0, "failing": ["tests/test_a.py::test_it"], "said": None}
    tested = status_html(document(branch("a", gate=gate)))
    assert "does not pass the gate by itself: <code>tests/test_a.py::test_it</code>" in tested
    assert "<p>What the gate said is kept; nothing else was written to the repository. " in tested


def test_work_trees_that_are_not_guarded_for_one_reason_are_named_together() -> None:
    seen = document(branch("a")) | {"unguarded": [{"work_tree": f"/w{at}", "why": "none"} for at in range(12)]}
    seen["unguarded"].append({"work_tree": "/odd", "why": "another"})
    page = status_html(seen)
    assert page.count("are not guarded") == 2
    assert "12 work trees</code>" in page
    assert "<code>/w0</code>, <code>/w1</code>" in page
    assert "<code>/odd</code>" in page


@pytest.mark.browser
def test_the_page_of_status_stands_alone_and_shows_who_wrote_what(
    browser: Browser, sandbox: SandboxMaker, tmp_path: Path
) -> None:
    box = sandbox(
        step("main", {"list.txt": TEXT}, "base"),
        step("agent-a", {"list.txt": TEXT.replace("two", "zwei")}, start="main"),
        step("agent-b", {"list.txt": TEXT.replace("two", "deux")}, start="main"),
        step("agent-c", {"list.txt": TEXT.replace("two", "due"), "c.txt": "c\n"}, start="main"),
        step("agent-d", {"d.txt": "d\n"}, start="agent-a"),
    )
    saved = tmp_path / "page.html"
    words = ("status", "agent-*", "--format", "html", "-o", str(saved))
    assert box.gitbot(*words, "--watch").code == 2
    with box.watched(dry=True):
        assert box.gitbot(*words).out == ""
    for width, scheme in zip(WIDTHS, SCHEMES, strict=True):
        page, trouble = opened(browser, saved, width, scheme)
        assert trouble == []
        assert page.locator("script, nav").count() == 0
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(CONTRAST) >= 4.5
    sides = [(side.text_content() or "").strip() for side in page.locator("#conflict-1 pre").all()]
    assert [side.split("\n") for side in sides] == [
        ["@@ -2,1 +2,1 @@", "-two", f"+{word}"] for word in ("zwei", "deux")
    ]
    stacked = page.locator("#branches").get_by_role("row").filter(has=page.get_by_role("rowheader", name="agent-d"))
    assert stacked.get_by_role("cell").nth(2).inner_text() == "2 ahead, upon agent-a"
    page.get_by_role("link", name="agent-b and agent-c collide in list.txt").click()
    assert page.locator(":target").get_by_text("agent-b × agent-c").is_visible()
