"""What is on each page: the values of status, runs and check as the commands give them, read anew for every page."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gitbot.errors import DamagedRecordError, InputError
from gitbot.journal import events, lock, runs
from gitbot.landing import undo
from gitbot.landing.past import folded
from gitbot.model.preflight import Check
from gitbot.model.run import Run
from gitbot.monitor.look import Document, look
from gitbot.report.check_html import check_html
from gitbot.report.pages import Live, trouble_html
from gitbot.report.run_page import run_html, runs_html
from gitbot.report.status_page import status_html
from gitbot.repository import Repository, refs
from gitbot.web.board import Sight

SHOWN = 50  # runs on one page


@dataclass(frozen=True, slots=True)
class Views:
    """Of one repository; `open` gives a handle of its own to every thread that asks."""

    name: str
    open: Callable[[], Repository]
    into: str | None
    env: Mapping[str, str]
    check: Callable[[], Check]  # of the configured plans

    def see(self) -> tuple[Document, str]:
        """The document of `status`, and a mark that is another when it is, or when a run or an event was recorded."""
        repository = self.open()
        document = look(repository, (), self.into, self.env, verbose=True)
        recorded = [*refs.below(repository, runs.PREFIX), *refs.below(repository, events.PREFIX)]
        told = repr((document, recorded, lock.is_held(repository)))
        return document, hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()

    def page(self, path: tuple[str, ...], sight: Sight, live: Live) -> str:
        """The page of an address, by its parts; `sight` is what was seen last.

        Raises:
            GitbotError: there is no such page, or it cannot be made.
        """
        match path:
            case ("",) if sight.document is not None:
                return status_html(sight.document, live, sight.trouble)
            case ("",) if sight.trouble:
                return trouble_html(sight.trouble, None, live)
            case ("",):
                return trouble_html("Looking for the first time …", "It is shown here as soon as that is done.", live)
            case ("runs",):
                return self._runs(live)
            case ("runs", name):
                repository = self.open()
                records = runs.read(repository, undo.find(repository, name))
                run = folded(repository, records)
                return run_html(run, records, str(runs.file_path(repository, run.run, "")), live)
            case ("check",):  # made when somebody asks, as it can take its time
                return check_html(self.check(), Live(live.name, live.here))
        raise InputError(f"there is no page /{'/'.join(path)}", hint="the pages are those named above")

    def _runs(self, live: Live) -> str:
        repository = self.open()
        known, found, unread = runs.runs(repository), list[Run](), list[str]()
        for run in reversed(known[-SHOWN:]):
            try:
                found.append(folded(repository, runs.read(repository, run)))
            except DamagedRecordError as damaged:
                unread.append(f"{damaged.message}; {damaged.hint}")
        return runs_html(found, len(known[:-SHOWN]), unread, live)
