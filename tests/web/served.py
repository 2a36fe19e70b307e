"""`gitbot serve` as a person starts it, and what a browser gets from it."""

from __future__ import annotations

import re
import signal
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from playwright.sync_api import Browser, Page

from tests.conftest import Sandbox

FIRST = "Looking for the first time"


@contextmanager
def serving(box: Sandbox, *words: str) -> Iterator[str]:
    """The address; it ends by Ctrl-C, at once, whatever is open."""
    with box.start("serve", *words) as server:
        assert server.stdout is not None
        try:
            address = server.stdout.readline().strip()
            assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", address), server.stderr and server.stderr.read()
            yield address
            server.send_signal(signal.SIGINT)
            assert server.wait(20) == 130
            assert server.stderr is not None
            assert server.stderr.read() == "until Ctrl-C\n"
        finally:
            server.kill()


def answer(address: str, headers: Mapping[str, str] | None = None, method: str = "GET") -> tuple[int, str]:
    """Status and text of one request, after the first look."""
    asked = urllib.request.Request(address, headers=dict(headers or {}), method=method)
    try:
        with urllib.request.urlopen(asked) as got:
            text = got.read().decode()
            return answer(address, headers, method) if FIRST in text else (got.status, text)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read().decode()


def looking(
    browser: Browser, address: str, width: int = 1400, scheme: str = "light", *, live: bool = True
) -> tuple[Page, list[str]]:
    """The open page with its stream, and all that a person would not want: complaints, requests that go elsewhere."""
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme="dark" if scheme == "dark" else "light"
    )
    page, trouble = context.new_page(), list[str]()
    page.on("console", lambda message: trouble.append(message.text))
    page.on("pageerror", lambda error: trouble.append(str(error)))
    home = re.match(r"http://[^/]+/", address)
    assert home is not None
    page.on(
        "request", lambda asked: trouble.append(asked.url) if not asked.url.startswith((home[0], "data:")) else None
    )
    page.goto(address)
    page.locator("h1", has_not_text=FIRST).wait_for()
    if live and not address.endswith("/check"):
        page.locator("#link", has_text="live").wait_for()
    return page, trouble
