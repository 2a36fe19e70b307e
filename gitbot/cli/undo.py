"""`gitbot undo`: take a run of integrate back."""

from __future__ import annotations

from dataclasses import asdict

import click

from gitbot.cli import Surroundings, console
from gitbot.landing import undo as undoing
from gitbot.report.terminal import printable
from gitbot.repository import open_repository, refs


@click.command("undo")
@click.argument("run")
@click.option("--revert", is_flag=True, help="Make a commit that takes the run back, where others have built on it.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
@click.pass_obj
def command(around: Surroundings, run: str, revert: bool, form: str) -> int:
    """Take back what RUN landed: its id, a unique prefix of it, or `last`, the newest that landed something."""
    repository = open_repository(around.here, around.env)
    found = undoing.last_that_landed(repository) if run == "last" else undoing.find(repository, run)
    taken = undoing.undo(repository, found, revert=revert)
    target = refs.shorthand(taken.target)
    if form == "json":
        console.document({"schema": "gitbot.undo/1", **asdict(taken), "target": target})
        return 0
    names = ", ".join(taken.branches)
    if taken.by_revert:
        console.data(f"{target} is at {taken.after[:7]}, a commit that takes back: {names}")
        console.talk(f"to have it again: git revert {taken.after[:12]}")
    else:
        kept = "\n  ".join(["; the branches are as they were, but for", *map(printable, taken.left)])
        console.data(
            f"{target} is back at {taken.after[:7]} (was {taken.before[:7]})\n"
            f"taken back: {names}{kept if taken.left else '; the branches are as they were'}"
        )
    return 0
