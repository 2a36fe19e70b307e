"""`gitbot emit`: tell the other agents that something has happened."""

from __future__ import annotations

import time

import click

from gitbot.cli import Surroundings
from gitbot.cli.events import line
from gitbot.errors import GitbotError, InputError
from gitbot.guard.asking import standpoint
from gitbot.guard.enforcement import checked_out
from gitbot.journal import events
from gitbot.model.event import Data
from gitbot.repository import Repository, open_repository


@click.command("emit")
@click.argument("event")
@click.option("--plan", "actor", metavar="PLAN", help="Who speaks; default: the plan of this work tree's branch.")
@click.option("--target", metavar="TEXT", help="What it is about.")
@click.option("--group", metavar="TEXT", help="Who belongs together: others can leave the event out.")
@click.option("--data", "pairs", metavar="KEY=VALUE", multiple=True, help="More about it, as text.")
@click.option("--format", "form", type=click.Choice(["text", "json", "jsonl"]), default="text")
@click.pass_obj
def command(around: Surroundings, /, event: str, pairs: tuple[str, ...], form: str, **said: str | None) -> int:
    """Record EVENT, one word such as schema_ready.

    `--data should_cancel=true` makes it a failure: whoever waits is told to stop.
    """
    repository = open_repository(around.here, around.env)
    data: Data = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not key or not equals:
            raise InputError(f"--data {pair!r} is no KEY=VALUE", hint="gitbot emit schema_ready --data version=2")
        data[key] = value
    said["actor"] = said["actor"] or _speaker(repository, around.env.get("GITBOT_CONFIG"))
    click.echo(line(events.emit(repository, event, now=time.time(), data=data, **said), form))
    return 0


def _speaker(repository: Repository, config_file: str | None) -> str | None:
    """The plan whose branch is checked out here; that branch where it has none or several."""
    try:
        at = standpoint(repository, config_file)
    except GitbotError:  # a broken configuration keeps nobody from speaking
        return checked_out(repository)
    return at.mine.plans[0].id if len(at.mine.plans) == 1 else at.branch
