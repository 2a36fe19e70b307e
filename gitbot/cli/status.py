"""`gitbot status`: where each branch is, and who will conflict with whom. Reads only, needs no set-up."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import click

from gitbot.cli import Surroundings, console
from gitbot.errors import InputError
from gitbot.monitor.look import Document, look
from gitbot.report.status import status_text
from gitbot.report.terminal import cut
from gitbot.repository import Repository, open_repository

PAUSE = 2.0  # seconds between two looks of --watch


@click.command("status")
@click.argument("branches", nargs=-1)
@click.option("--into", metavar="BRANCH", help="The target, instead of the configured one.")
@click.option("--watch", is_flag=True, help="Look again every two seconds, until Ctrl-C.")
@click.option("-v", "--verbose", is_flag=True, help="Show the lines that collide.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
@click.pass_obj
def command(
    around: Surroundings, branches: tuple[str, ...], into: str | None, watch: bool, verbose: bool, form: str
) -> int:
    """Show BRANCHES; without any, every branch of a plan and of a linked work tree."""
    if watch and form == "json":
        raise InputError("--watch and --format json were given together", hint="`gitbot watch` tells programs")

    def seen() -> tuple[Repository, Document]:
        repository = open_repository(around.here, around.env)
        return repository, look(repository, branches, into, around.env, verbose=verbose)

    repository, document = seen()
    _tell_of_blind_spots(repository, document)
    if watch:
        return _watch(document, lambda: seen()[1], around)
    if form == "json":
        console.document(document)
    else:
        console.data(status_text(document, colour=console.coloured(around.env), width=console.width()))
    return 0


def _watch(document: Document, again: Callable[[], Document], around: Surroundings) -> int:
    """Show what `again` gives again and again, in place on a terminal, until somebody interrupts it."""
    from gitbot.cli.progress import Screen

    live = sys.stderr.isatty() and sys.stdout.isatty() and around.env.get("TERM", "dumb") != "dumb"
    screen = Screen(colour=not around.env.get("NO_COLOR")) if live else None
    shown = ""
    try:
        while True:
            text = status_text(document, colour=False, width=console.width())
            if screen is not None:
                screen.draw(_fitted(text))
            elif text != shown:
                console.data(text)
            shown = text
            time.sleep(PAUSE)
            document = again()
            document.pop("claims")
    except KeyboardInterrupt:
        if screen is not None:
            console.talk("")
        return 130


def _fitted(text: str) -> list[tuple[str, int]]:
    """The lines that the terminal has room for, the first one bold."""
    from gitbot.cli.progress import size

    columns, rows = size()
    lines = text.splitlines()
    if len(lines) > rows - 1:
        lines[rows - 2 :] = [f"… {len(lines) - rows + 2} more lines: gitbot status"]
    return [(cut(line, columns - 1), int(not number)) for number, line in enumerate(lines)]


def _tell_of_blind_spots(repository: Repository, document: Document) -> None:
    if not document.pop("claims"):
        return
    from gitbot.guard.installation import obstacles

    blind = {tree: why for tree, why in obstacles(repository).items() if why is not None}
    for tree, why in list(blind.items())[:1]:
        more = f" and {len(blind) - 1} more" if len(blind) > 1 else ""
        console.talk(f"note: pushes from {tree}{more} are not guarded: {why}; see `gitbot hook status`")
