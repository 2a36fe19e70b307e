"""`gitbot wait`: until others have emitted events or made a commit."""

from __future__ import annotations

import re
import shlex

import click

from gitbot.agents.waiting import End, NamedCommit, Wanted, wait
from gitbot.cli import Surroundings, console
from gitbot.cli.events import line
from gitbot.cli.progress import json_line
from gitbot.errors import InputError
from gitbot.model.event import ROUND
from gitbot.planset import in_force
from gitbot.report.terminal import printable
from gitbot.repository import open_repository

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
LONGEST = 365 * 86400  # seconds: clocks and timers of the system take so much


@click.command("wait")
@click.argument("names", metavar="[EVENT]...", nargs=-1)
@click.option("--all/--any", "every", default=True, help="All of them have to come (default), or one is enough.")
@click.option("--from", "source", metavar="PLAN", help="Only what this plan has emitted.")
@click.option("--group", metavar="TEXT", help="Only events of this group.")
@click.option("--commit", metavar="TEXT", help="A commit whose subject has this text, on --branch.")
@click.option("--branch", metavar="B", help="Where that commit is to be; it need not exist yet.")
@click.option("--timeout", metavar="TIME", help="For how long at most: 90s, 30m, 2h; 0 only looks.")
@click.option("--format", "form", type=click.Choice(["text", "json", "jsonl"]), default="text")
@click.pass_obj
def command(
    around: Surroundings,
    names: tuple[str, ...],
    every: bool,
    source: str | None,
    group: str | None,
    commit: str | None,
    branch: str | None,
    timeout: str | None,
    form: str,
) -> int:
    """Wait until EVENTs have been emitted, before or after this began: 0 seen, 1 cancelled or timed out."""
    seconds = None if timeout is None else duration(timeout)
    if not names and not commit:
        raise InputError("nothing to wait for", hint="gitbot wait schema_ready, or --commit TEXT --branch B")
    if bool(commit) != bool(branch):
        raise InputError("--commit and --branch go together", hint="--commit 'feat: parser' --branch agent-a")
    repository = open_repository(around.here, around.env)
    named = None
    if commit and branch:
        named = NamedCommit(commit, branch, in_force(repository, None, around.env.get("GITBOT_CONFIG")).target)
    limit = "" if timeout is None else f", {timeout} at most"
    joint, who = " and " if every else " or ", f" from {source}" if source else ""

    def waiting(missing: tuple[str, ...]) -> None:
        console.talk(f"waiting for {joint.join(missing)}{who}{limit}")

    answer = wait(repository, Wanted(names, named, every, source, group), seconds=seconds, waiting=waiting)
    if (failure := answer.failure) is not None:
        by = f" --plan {shlex.quote(failure.actor)}" if failure.actor else ""
        way = f"when that is over: gitbot emit going_on{by}, or, for all, gitbot emit {ROUND}"
        console.complain(f"cancelled by {line(failure)}", way)
    elif answer.end is End.TIMED_OUT:
        console.complain(f"timed out: no {joint.join(answer.missing)}{who}")
    else:
        for event in answer.seen:
            click.echo(line(event, form))
        if (made := answer.commit) is not None:
            said = {"schema": "gitbot.wait/1", "commit": made.oid, "subject": made.subject}
            click.echo(f"{made.oid[:12]}  {printable(made.subject)}" if form == "text" else json_line(said))
    return 0 if answer.end is End.SEEN else 1


def duration(text: str) -> float:
    """Seconds of "30m", "1.5h", "90s" or "90", a year at most.

    Raises:
        InputError: it is none of that.
    """
    found = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)\s*([smhd]?)", text.strip())
    seconds = float(found[1]) * _UNITS[found[2] or "s"] if found is not None else LONGEST + 1.0
    if seconds > LONGEST:
        raise InputError(f"{text!r} is no time", hint="90s, 30m, 2h or 1d; 365d at most")
    return seconds
