"""The pictures in docs/images, of a made-up repository: `python -m tests.web.screenshots [FOLDER]` makes them."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from playwright.sync_api import Browser

from tests.conftest import ROOT, Sandbox
from tests.report.opened import chromium
from tests.web.served import looking, serving
from tests.web.team import team

BEFORE = (("serve", "", 1400, "light"), ("serve-narrow", "", 400, "dark"))  # name, address, width, colours
AFTER = (("run", "runs/last", 1200, "light"), ("check", "check", 1200, "dark"))
WIDTHS_AND_COLOURS = [(width, scheme) for width in (400, 1400) for scheme in ("light", "dark")]
# Where the repository happened to be made says nothing to anybody.
ELSEWHERE = """(folder) => {
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  while (texts.nextNode()) texts.currentNode.data = texts.currentNode.data.replaceAll(folder, "/home/grace")
}"""
Pictures = Sequence[tuple[str, str, int, str]]


def every(*addresses: str) -> Pictures:
    """These pages in both widths and colours."""
    return [
        (f"{one.replace('/', '-') or 'status'}-{at}-{how}", one, at, how)
        for one in addresses
        for at, how in WIDTHS_AND_COLOURS
    ]


def take(browser: Browser, box: Sandbox, folder: Path, pictures: Pictures) -> None:
    """One file for each picture."""
    with serving(box) as address:
        for name, page, width, scheme in pictures:
            shown, trouble = looking(browser, address + page, width, scheme)
            assert trouble == []
            shown.evaluate(ELSEWHERE, str(box.path.parent))
            shown.screenshot(path=folder / f"{name}.png", full_page=len(sys.argv) > 1 or name == "serve")
            shown.context.close()


def main() -> None:
    """With a folder: every page in both widths and colours into it."""
    whole = len(sys.argv) > 1
    goal = Path(sys.argv[1]) if whole else ROOT / "docs" / "images"
    goal.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        home = Path(folder, "home")
        home.mkdir()
        home.joinpath(".gitconfig").write_text("[user]\n\tname = Grace Hopper\n\temail = grace@example.org\n")
        env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": str(home), "LANG": "C.UTF-8", "TZ": "UTC"}
        box = team(Path(folder), env)
        assert box.gitbot("integrate", "agent-auth").code == 0
        take(browser, box, goal, every("") if whole else BEFORE)
        assert box.gitbot("integrate", "agent-catalog", "agent-theme").code == 1
        take(browser, box, goal, every("runs", "runs/last", "check") if whole else AFTER)


if __name__ == "__main__":
    main()
