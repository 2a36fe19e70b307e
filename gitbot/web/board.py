"""The picture that all viewers share: looked at again while somebody looks, once for all of them.

A look runs in a thread of its own, so that nobody waits for it who does not want its answer. One that fails leaves
the picture of before, with the reason.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass

import anyio.to_thread

from gitbot.errors import GitbotError
from gitbot.monitor.look import Document
from gitbot.report.status_page import changes
from gitbot.report.terminal import printable

PAUSE, LONGEST = 1.0, 5.0  # seconds between two looks
SHARE = 5  # times as long as a look takes is the pause after it
KEPT = 50  # changes that a viewer who was away is told of
Change = tuple[str, tuple[str, ...]]
"""Its number, and what it is in words."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What one look gave. `mark` is another as soon as anything that a page shows is."""

    document: Document | None
    mark: str
    trouble: str = ""


@dataclass(slots=True)
class Board:
    """What was seen last, and what has changed since the first look, by numbers that only grow."""

    see: Callable[[], tuple[Document, str]]
    sight: Sight
    closing: asyncio.Event
    told: deque[Change]
    _due: float = 0.0
    _pause: float = PAUSE
    _looking: asyncio.Task[None] | None = None

    @classmethod
    def of(cls, see: Callable[[], tuple[Document, str]]) -> Board:
        """Nothing seen yet; `see` gives the document and its mark."""
        first = f"{time.time_ns():x}-0"  # of this process: a browser may still know the numbers of the one before
        return cls(see, Sight(None, ""), asyncio.Event(), deque([(first, ())], KEPT))

    @property
    def number(self) -> str:
        """Of the last change."""
        return self.told[-1][0]

    async def now(self, patience: float | None = None) -> Sight:
        """The picture as it is or was a moment ago, or that of before when a look takes more seconds than this."""
        if self._looking is None and time.monotonic() >= self._due:
            self._looking = asyncio.create_task(self._look())
        if self._looking is not None:
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(self._looking), patience)  # it is not only this viewer's
        return self.sight

    async def changes(self, since: str, beat: float) -> AsyncIterator[Change | None]:
        """Each change after that of number `since` with its words; None every `beat` seconds without one."""
        quiet = time.monotonic()
        while not self.closing.is_set():
            await self.now()
            numbers = [number for number, _ in self.told]
            later: list[Change] = [(self.number, ())]
            if since in numbers:
                later = [*self.told][numbers.index(since) + 1 :]
            for change in later:
                since, quiet = change[0], time.monotonic()
                yield change
            if not later and time.monotonic() - quiet >= beat:
                quiet = time.monotonic()
                yield None
            try:
                await asyncio.wait_for(self.closing.wait(), self._pause)
            except TimeoutError:
                continue

    async def _look(self) -> None:
        began, before = time.monotonic(), self.sight
        try:
            after = await anyio.to_thread.run_sync(self._seen, before, abandon_on_cancel=True)
            if after.mark != before.mark:
                name, _, number = self.number.partition("-")
                self.told.append((f"{name}-{int(number) + 1}", _words(before, after)))
            self.sight = after
        finally:
            self._pause = min(LONGEST, max(PAUSE, SHARE * (time.monotonic() - began)))
            self._due, self._looking = time.monotonic() + self._pause / 2, None

    def _seen(self, before: Sight) -> Sight:
        try:
            return Sight(*self.see())
        except GitbotError as wrong:
            said = printable(f"{wrong.message}; {wrong.hint}" if wrong.hint else wrong.message)
        except Exception as bug:  # of the machine, or of ours: the next look may be luckier, and nobody has to reload
            said = printable(f"{type(bug).__name__}: {bug}")
        return Sight(before.document, f"trouble {said}", said)


def _words(before: Sight, after: Sight) -> tuple[str, ...]:
    if after.trouble:
        return (after.trouble,)
    if before.document is None or after.document is None:
        return ()
    return changes(before.document, after.document)
