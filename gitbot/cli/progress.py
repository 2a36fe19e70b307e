"""Watches a run of integrate: as a screen on a terminal, as lines of a log, as events for a program.

What is said is made in `gitbot.report.progress`; here is how it gets out.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

from gitbot.cli import console
from gitbot.model.progress import Began, Happening
from gitbot.model.run import RunId
from gitbot.report.progress import Line, Picture, event_document, log_line
from gitbot.report.terminal import cells

PAUSE = 0.1  # seconds between two pictures


class Watch:
    """A `Progress` by the options `--progress` and `--format`; `folder` is where a run's files are.

    The screen is drawn in place on stderr and wiped away at the end. No mode of the terminal outlasts a frame and
    the cursor stays visible, so that even a kill leaves it usable.
    """

    def __init__(self, how: str, form: str, folder: Callable[[RunId], str], env: Mapping[str, str]) -> None:
        terminal = how == "auto" and form != "jsonl" and sys.stderr.isatty()  # events are progress enough
        live = terminal and env.get("TERM", "dumb") != "dumb"
        self.picture = Picture() if live else None
        self.log = how == "plain" or (terminal and not live)
        self.folder_of = folder if form == "jsonl" else None
        self.folder = ""
        self.screen = Screen(colour=not env.get("NO_COLOR"))
        self.next = 0.0

    def __call__(self, happening: Happening, /) -> None:
        """Hear what happened."""
        if self.folder_of is not None:
            self.folder = self.folder_of(happening.run) if isinstance(happening, Began) else self.folder
            console.data(json_line(event_document(happening, time.time(), self.folder)))
        line = log_line(happening) if self.log else None
        with suppress(OSError):  # nobody reads it any more; the run goes on
            if line is not None:
                console.talk(line)
        if self.picture is not None:
            self.picture.see(happening, time.monotonic())
            self._show(self.picture)

    def tick(self) -> None:
        """Time has passed, and whoever waits is not merging."""
        if self.picture is not None:
            self.picture.merging = ()
            self._show(self.picture)

    def close(self) -> None:
        """Leave nothing on the screen; for the end of a run and for whatever breaks it off."""
        self.screen.draw([])

    def _show(self, picture: Picture) -> None:
        now = time.monotonic()
        if now >= self.next:
            self.next = now + PAUSE
            columns, rows = size()
            # The last column and row stay free: a terminal may wrap or scroll when something is written there.
            self.screen.draw(picture.screen(now, columns - 1, rows - 1))


def screen_for(env: Mapping[str, str], *, whole: bool = False) -> Screen | None:
    """One where stderr can show it."""
    live = sys.stderr.isatty() and env.get("TERM", "dumb") != "dumb"
    return Screen(colour=not env.get("NO_COLOR"), whole=whole) if live else None


class Screen:
    """Lines drawn in place on stderr, each time over those before.

    `whole`: on the second screen that a terminal has, for what stays long: who changes the window's size meanwhile
    finds the first as it was.
    """

    def __init__(self, *, colour: bool, whole: bool = False) -> None:
        self.colour, self.whole = colour, whole
        self.drawn: list[Line] = []

    def draw(self, lines: list[Line]) -> None:
        """Show these lines and nothing else; none: wipe them away."""
        if _in_background():  # others are writing there
            self.drawn = []
        elif lines != self.drawn or (lines and self.whole):
            columns, rows = size()
            # A terminal that was made narrower has folded what stood in it.
            height = min(rows, sum(max(1, -(-cells(line) // columns)) for line, _ in self.drawn))
            up = f"\x1b[{height - 1}A" if height > 1 else ""
            body = "\n".join(f"\x1b[{code * self.colour}m{line}\x1b[0m\x1b[K" for line, code in lines)
            first, last = (f"\r{up}", "\x1b[J")
            if self.whole:
                first, last = "\x1b[?1049h" * (not self.drawn) + "\x1b[H", "\x1b[J" if lines else "\x1b[?1049l"
            self.drawn = lines
            with suppress(OSError):  # the terminal is gone; the run goes on
                print(f"\x1b[?7l{first}{body}{last}\x1b[?7h", end="", file=sys.stderr, flush=True)


def json_line(document: Mapping[str, object]) -> str:
    """One line of ASCII; as in whole documents, nothing in it that a terminal obeys."""
    return json.dumps(document).replace("\x7f", "\\u007f")


def _in_background() -> bool:
    with suppress(OSError):  # a terminal that controls nobody
        return os.tcgetpgrp(sys.stderr.fileno()) != os.getpgrp()
    return False


def size() -> tuple[int, int]:
    """Columns and rows of the terminal."""
    with suppress(OSError):
        found = os.get_terminal_size(sys.stderr.fileno())
        return max(2, found.columns or 80), max(2, found.lines or 24)
    return 80, 24
