"""`gitbot guard`: may this branch touch these paths? Asked before a file is written rather than when it is pushed."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import click

from gitbot.cli import console
from gitbot.errors import GitError, InputError
from gitbot.guard.asking import ask, document, standpoint
from gitbot.report.terminal import printable
from gitbot.repository import glance_at

if TYPE_CHECKING:
    from gitbot.cli import Surroundings


@click.command()
@click.argument("paths", metavar="PATH…", nargs=-1, type=click.UNPROCESSED)
@click.option("--stdin", "from_stdin", is_flag=True, help="Read more paths from standard input, one a line.")
@click.option("--branch", metavar="B", help="Ask for this branch; default: the one checked out here.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_obj
def command(around: Surroundings, paths: tuple[str, ...], from_stdin: bool, branch: str | None, form: str) -> int:
    """May this branch touch these paths? 0 when it may touch all of them, 1 when not."""
    if from_stdin:
        text = sys.stdin.buffer.read().decode("utf-8", "surrogateescape")
        paths = (*paths, *(line.removesuffix("\r") for line in text.split("\n") if line.strip()))
    if not paths:
        raise InputError("no path to ask for", hint="gitbot guard PATH…, or --stdin")
    try:
        here = around.here
        at = standpoint(glance_at(here, around.env), around.env.get("GITBOT_CONFIG"), branch)
        found = ask(at, here, paths, now=time.time())
    except GitError as missing:
        hint = "git fsck says what is missing; git fetch may bring it back"
        raise InputError(f"nobody can say whether this branch may: {missing.message}", hint=hint) from None
    for note in at.notes:
        console.talk(f"warning: {note}")
    if form == "json":
        plans = [plan.id for plan in at.mine.plans]
        answers = [document(answer) for answer in found]
        console.document({"schema": "gitbot.guard/1", "branch": at.branch, "plans": plans, "paths": answers})
    else:
        lines = (f"{'yes' if answer.allowed else 'no '} {answer.text or answer.path}" for answer in found)
        console.data("\n".join(map(printable, lines)))
    return 0 if all(answer.allowed for answer in found) else 1


def answer_tool(around: Surroundings) -> int:
    """`gitbot hook run pre-tool-use`: answer an agent's program, always with 0: else it does not listen."""
    from gitbot.guard import tools

    try:
        here = around.here
    except InputError:  # somebody removed it while the agent was in it
        return 0
    try:
        said = tools.answer(sys.stdin.buffer.read(), here, around.env, now=time.time())
    except Exception as bug:
        console.crash(bug)
        said = tools.undecided(here, around.env, "it met a bug of its own")
    if said is not None:
        console.document(said)
    return 0
