"""A page that stays open: what happens beside it is seen and told without a reload."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.cli.terminals import Watched
from tests.conftest import Sandbox, SandboxMaker, step
from tests.scenarios import test_agents
from tests.web.served import looking, serving
from tests.web.team import team

pytestmark = pytest.mark.browser

box = test_agents.box  # four scripted agents
LONG = 60_000  # milliseconds; it is the first moment that counts, and the machine may be busy
HEAR = """() => {
  window.heard = []
  const news = document.getElementById("news")
  new MutationObserver(() => news.textContent && heard.push(news.textContent)).observe(news, {childList: true})
}"""
WATCH = """
import os, sys
from gitbot.cli import main
os.dup2(2, 1)  # all of it on the terminal
os.chdir(sys.argv[1])
sys.exit(main(["status", "--watch"]))
"""
STATES = [["agent-a", "landed"], ["agent-b", "stuck"]]
SEEN = """(seen) => {
  Object.defineProperty(document, "hidden", {value: !seen, configurable: true})
  document.dispatchEvent(new Event("visibilitychange"))
}"""


def test_what_happens_is_seen_and_told_and_the_reader_stays_where_he_was(
    browser: Browser, tmp_path: Path, sealed_env: dict[str, str]
) -> None:
    shop = team(tmp_path, sealed_env)
    with serving(shop) as address:
        page, trouble = looking(browser, address, 400)
        runs, more = looking(browser, address + "runs")
        page.evaluate(HEAR)
        page.locator("details[open] summary").click()
        page.locator("td.blocks a").first.focus()
        page.evaluate("scrollTo(0, 300)")
        assert page.locator('tr[data-key="agent-auth"] .tag').first.inner_text() == "done"
        assert shop.gitbot("integrate", "agent-auth").code == 0
        expect(page.locator('tr[data-key="agent-auth"] .tag').first).to_have_text("landed", timeout=LONG)
        expect(runs.locator("tbody tr")).to_have_count(1, timeout=LONG)
        expect(page.get_by_role("heading", level=1)).to_have_text(
            "4 branches: 1 landed, 1 done, 1 running, 1 stuck; 1 conflict coming"
        )
        assert "agent-auth has landed" in "; ".join(page.evaluate("heard"))
        assert page.evaluate("[scrollY, document.activeElement.getAttribute('href')]") == [300, "#conflict-1"]
        assert page.locator("details[open]").count() == 0

        # A picture that cannot be made is the one of before, with the reason, until it can.
        good = (shop.path / "gitbot.toml").read_text()
        for text, shown in ((good + "[gate2]\n", 1), (good, 0)):
            (shop.path / "gitbot.toml").write_text(text)
            shop.git("commit", "--quiet", "--all", "--message", "configure")
            expect(page.get_by_role("alert")).to_have_count(shown, timeout=LONG)
            assert page.locator("tbody tr").first.is_visible()
        assert trouble == more == []


def test_the_scripted_agents_are_shown_while_they_work(browser: Browser, box: Sandbox) -> None:
    on_screen = Watched(WATCH, str(box.path), columns=400, rows=40, env={**box.env, "TERM": "xterm"})
    with serving(box) as address, test_agents.watching(box), on_screen:
        test_agents.soon(lambda: on_screen.look()[0].startswith("no branch of a plan and no linked work tree"))
        page, trouble = looking(browser, address)
        expect(page.get_by_role("heading", level=1)).to_have_text(
            "No branch of a plan and no linked work tree here yet"
        )
        page.evaluate(HEAR)
        code, states = test_agents.start(box, "plans")
        assert (code, states) == (0, {"A": "done", "B": "done"})
        expect(page.locator('tr[data-key="agent-a"] .tag').first).to_have_text("landed", timeout=LONG)
        expect(page.locator('article[data-key="agent-b"]').first).to_contain_text("set aside by run", timeout=LONG)
        heard = "; ".join(page.evaluate("heard"))
        assert "agent-a has landed" in heard
        assert "agent-b is stuck: set aside by run" in heard
        assert trouble == []

        def rows() -> list[list[str]]:
            return [line.split()[:2] for line in on_screen.look() if line.startswith("agent-")]

        test_agents.soon(lambda: rows() == STATES)
        assert any(line.startswith("  agent-b: set aside by run ") for line in on_screen.look())
        assert on_screen.interrupt() == 130
        assert rows() == STATES, "what was seen last stays"


def test_all_tabs_of_a_browser_share_one_stream_and_a_hidden_one_catches_up(
    browser: Browser, sandbox: SandboxMaker
) -> None:
    """A browser has six connections to a server: a stream for each tab would leave none for the pages."""
    shop = sandbox(step("main", {"a.txt": "one\n"}), step("agent-a", {"b.txt": "b\n"}, start="main"))
    shop.git("worktree", "add", "--quiet", "../a", "agent-a")
    with serving(shop) as address:
        first, trouble = looking(browser, address)
        pages = [first, *(first.context.new_page() for _ in range(6))]
        streams: list[str] = []
        for page in pages[1:]:
            page.on("request", lambda asked: streams.append(asked.url) if "/events" in asked.url else None)
            page.goto(address)
            expect(page.locator("#link")).to_have_text("live", timeout=LONG)
        assert streams == []
        first.evaluate(SEEN, False)
        shop.git("worktree", "add", "--quiet", "../b", "-b", "agent-b", "main")
        for page in pages[1:]:
            expect(page.locator("#branches tbody tr")).to_have_count(2, timeout=LONG)
        assert len(streams) == 1  # another tab has taken over
        assert first.locator("#branches tbody tr").count() == 1
        first.evaluate(SEEN, True)
        expect(first.locator("#branches tbody tr")).to_have_count(2, timeout=LONG)
        assert trouble == []


def test_a_page_whose_server_does_not_answer_says_that_it_is_old(browser: Browser, shop: str) -> None:
    page, _ = looking(browser, shop)
    page.route("**/*", lambda asked: asked.abort())
    page.evaluate("hear({number: 'another', words: [], state: 'live'})")
    expect(page.locator("#link")).to_have_text("not up to date")
    page.unroute("**/*")
    expect(page.locator("#link")).to_have_text("live")


def test_a_stream_that_was_refused_is_asked_for_again(browser: Browser, shop: str) -> None:
    page, _ = looking(browser, shop)
    page.route("**/events*", lambda asked: asked.fulfill(status=503))
    page.evaluate("stop(); watch()")
    expect(page.locator("#link")).to_have_text("not connected")
    page.unroute("**/events*")
    expect(page.locator("#link")).to_have_text("live", timeout=LONG)


def test_without_scripts_the_page_says_that_it_stands_still(browser: Browser, shop: str) -> None:
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(shop)
    assert page.locator("nav").inner_text().endswith("does not update by itself without JavaScript")
