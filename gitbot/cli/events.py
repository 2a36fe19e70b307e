"""`gitbot events`: what was emitted, here and elsewhere as far as it was fetched."""

from __future__ import annotations

import time

import click
import msgspec

from gitbot.agents.waiting import PAUSE
from gitbot.cli import Surroundings
from gitbot.cli.progress import json_line
from gitbot.journal import events
from gitbot.model.event import Event
from gitbot.model.plan import fold
from gitbot.report.terminal import printable
from gitbot.repository import open_repository


@click.command("events")
@click.option("--follow", is_flag=True, help="Go on with what comes, until interrupted.")
@click.option("--from", "source", metavar="PLAN", help="Only what this plan has emitted.")
@click.option("--group", metavar="TEXT", help="Only those of this group.")
@click.option("--format", "form", type=click.Choice(["text", "json", "jsonl"]), default="text")
@click.pass_obj
def command(around: Surroundings, follow: bool, source: str | None, group: str | None, form: str) -> int:
    """List the events, oldest first, one a line."""
    repository = open_repository(around.here, around.env)
    known: set[str] = set()
    before: object = None
    while True:
        now = events.state(repository)
        for event in events.read(repository, known) if now != before else ():
            known.add(event.id)
            if (source is None or fold(event.actor or "") == fold(source)) and group in (None, event.group):
                click.echo(line(event, form))
        if not follow:
            return 0
        before = now
        time.sleep(PAUSE)


def line(event: Event, form: str = "text") -> str:
    """When, who, what, and what more there is to say; or all of it as JSON."""
    if form != "text":
        return json_line({"schema": "gitbot.events/1", **msgspec.structs.asdict(event)})
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(event.time))
    more = {"target": event.target, "group": event.group, **event.data}
    said = " ".join(f"{key}={value}" for key, value in more.items() if value is not None)
    return printable(f"{when}  {event.actor or '-'}  {event.event}  {said}".rstrip())
