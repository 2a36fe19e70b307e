"""`gitbot hook`: install, remove, look after and run the git hook that guards ownership."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from gitbot.cli import console
from gitbot.errors import GitError, InputError, UnsupportedRepositoryError
from gitbot.guard import installation
from gitbot.guard.enforcement import enforcement
from gitbot.guard.push import Verdict, judge_push, read_updates
from gitbot.report.terminal import printable
from gitbot.repository import open_repository

if TYPE_CHECKING:
    from gitbot.cli import Surroundings

MOST_LINES = 40  # of one branch that are shown
_WAY_OUT = (
    "take these changes out of the branch, or have its plan claim them on the target; "
    "a line `Gitbot-Reason: …` in a commit message excuses shared and unowned files, never another plan's"
)


@click.group()
def command() -> None:
    """Install, remove or run the git hooks that guard ownership."""


@command.command()
@click.pass_obj
def install(around: Surroundings) -> int:
    """Put the pre-push hook where git looks for it; a hook that is there is kept and runs as well."""
    repository = open_repository(around.here, around.env)
    place = installation.install(repository, sys.executable)
    console.data(f"installed {printable(str(place.hook))}")
    if place.previous.exists():
        console.data(f"the hook that was there runs after it: {printable(place.previous.name)}")
    blind = {tree: why for tree, why in installation.obstacles(repository).items() if why is not None}
    for tree, why in blind.items():
        console.talk(f"warning: it does not fire in {tree}: {why}")
    return 1 if blind else 0


@command.command()
@click.pass_obj
def uninstall(around: Surroundings) -> int:
    """Remove our hook and give back the one that was there before."""
    place, was_there = installation.uninstall(open_repository(around.here, around.env))
    where = printable(str(place.hook))
    console.data(f"removed {where}" if was_there else f"no hook of gitbot's at {where}")
    if place.hook.exists():
        console.data("the hook that was there before is back")
    return 0


@command.command()
@click.pass_obj
def status(around: Surroundings) -> int:
    """Say for every work tree whether the hook would fire there."""
    found = installation.obstacles(open_repository(around.here, around.env))
    for tree, why in found.items():
        console.data(printable(f"{tree}: {'fires' if why is None else f'does not fire: {why}'}"))
    return int(any(why is not None for why in found.values()))


@command.command(context_settings={"ignore_unknown_options": True})
@click.argument("name", metavar="NAME")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
def run(around: Surroundings, name: str, arguments: tuple[str, ...]) -> int:
    """Do what git calls the hook NAME for; git gives the arguments and standard input."""
    if name != installation.NAME:
        raise InputError(f"no hook of gitbot's is called {name!r}", hint=f"there is {installation.NAME}")
    updates = read_updates(sys.stdin.buffer.read().decode("utf-8", "surrogateescape"))
    if not any(update.branch for update in updates):
        return 0
    try:
        repository = open_repository(around.here, around.env)
        force = enforcement(repository, arguments[0] if arguments else "origin", around.env.get("GITBOT_CONFIG"))
    except (UnsupportedRepositoryError, GitError) as unreadable:
        console.talk(f"warning: {unreadable.message}; nobody checked whose files this push changes")
        return 0
    if force is None:
        return 0
    for note in force.notes:
        console.talk(f"warning: {note}")
    verdicts = list(judge_push(force, updates))
    for verdict in verdicts:
        _say(verdict)
    return int(any(verdict.judgement.refused for verdict in verdicts))


def _say(verdict: Verdict) -> None:
    for note in (*verdict.notes, *_some(verdict.judgement.warned)):
        console.talk(f"warning: {verdict.branch}: {note}")
    if verdict.judgement.refused:
        first = f"{verdict.branch} is not pushed: it changes what plan {verdict.plans} does not own"
        console.complain("\n".join(map(printable, (first, *_some(verdict.judgement.refused)))), _WAY_OUT)


def _some(lines: tuple[str, ...]) -> tuple[str, ...]:
    left = len(lines) - MOST_LINES
    return (*lines[:MOST_LINES], f"and {left} more") if left > 0 else lines
