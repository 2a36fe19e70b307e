"""A browser for the pages that are served, and one shop that is only looked at."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.conftest import Sandbox
from tests.report.opened import chromium
from tests.web.served import serving
from tests.web.team import team


@pytest.fixture(scope="package")
def opened_browser() -> Iterator[Browser]:
    """One for all pages."""
    with chromium() as started:
        yield started


@pytest.fixture
def browser(opened_browser: Browser) -> Iterator[Browser]:
    """The same, its pages closed after each test: as long as one is open, its server looks at the repository."""
    yield opened_browser
    for context in opened_browser.contexts:
        context.close()


@pytest.fixture(scope="package")
def shop(tmp_path_factory: pytest.TempPathFactory, sealed_env: dict[str, str]) -> Iterator[str]:
    """The address of a shop in which two branches have landed and one has come back. Nobody changes it."""
    box: Sandbox = team(tmp_path_factory.mktemp("shop"), sealed_env)
    assert box.gitbot("integrate", "agent-auth", "agent-catalog", "agent-theme").code == 1
    with serving(box) as address:
        yield address
