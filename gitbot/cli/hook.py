"""`gitbot hook`: install, remove, look after and run the git hooks that guard ownership."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gitbot.cli import console
from gitbot.errors import GitError, InputError, NoPlanError, UnsupportedRepositoryError
from gitbot.guard.enforcement import Enforcement, enforcement
from gitbot.guard.push import PROBE, Update, Verdict, from_framework, held_by_others, judge_push, read_updates
from gitbot.report.terminal import printable
from gitbot.repository import Repository, glance_at, open_repository

if TYPE_CHECKING:
    from gitbot.cli import Surroundings

MOST_LINES = 40  # of one branch that are shown
_WAY_OUT = (
    "take these changes out of the branch, or have its plan claim them on the target; "
    "a line `Gitbot-Reason: …` in a commit message excuses shared and unowned files, never another plan's"
)
_on_server = click.option(
    "--server/--client",
    "server",
    default=None,
    help="pre-receive, for a repository that others push to; default: where it is bare and nobody works in it.",
)


@click.group()
def command() -> None:
    """Install, remove or run the git hooks that guard ownership."""


@command.command()
@_on_server
@click.pass_obj
def install(around: Surroundings, server: bool | None) -> int:
    """Put the hook where git looks for it; a hook that is there is kept and runs as well."""
    from gitbot.guard import installation  # what only some commands need is imported there: a hook has to start fast

    repository = open_repository(around.here, around.env)
    name = installation.name_for(repository, server=server)
    place = installation.install(repository, sys.executable, name)
    console.data(f"installed {printable(str(place.hook))}")
    if place.previous.exists():
        console.data(f"the hook that was there runs after it: {printable(place.previous.name)}")
    blind = {} if name != installation.PRE_PUSH else installation.obstacles(repository)
    blind = {tree: why for tree, why in blind.items() if why is not None}
    for tree, why in blind.items():
        console.talk(f"warning: it does not fire in {tree}: {why}")
    return 1 if blind else 0


@command.command()
@_on_server
@click.pass_obj
def uninstall(around: Surroundings, server: bool | None) -> int:
    """Remove our hook and give back the one that was there before."""
    from gitbot.guard import installation

    repository = open_repository(around.here, around.env)
    place, was_there = installation.uninstall(repository, installation.name_for(repository, server=server))
    where = printable(str(place.hook))
    console.data(f"removed {where}" if was_there else f"no hook of gitbot's at {where}")
    if place.hook.exists():
        console.data("the hook that was there before is back")
    return 0


@command.command()
@_on_server
@click.pass_obj
def status(around: Surroundings, server: bool | None) -> int:
    """Say for every work tree whether the hook fires there, by a dry run of a push that runs what its hook runs."""
    from gitbot.guard import installation

    repository = open_repository(around.here, around.env)
    name = installation.name_for(repository, server=server)
    if name == installation.PRE_PUSH:
        found = installation.proven_obstacles(repository)
    else:
        found = {str(repository.common): installation.place_of(repository, name=name).obstacle}
    for tree, why in found.items():
        console.data(printable(f"{tree}: {'fires' if why is None else f'does not fire: {why}'}"))
    if any(found.values()) and installation.takes_hooks_from_configuration(repository):
        console.talk(f"hint: {installation.CONFIGURING}")
    return int(any(why is not None for why in found.values()))


@command.command(context_settings={"ignore_unknown_options": True})
@click.argument("name", metavar="HOOK")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
def run(around: Surroundings, name: str, arguments: tuple[str, ...]) -> int:
    """Do what git calls the HOOK for; git gives the arguments and standard input."""
    if name not in HOOKS:
        raise InputError(f"no hook of gitbot's is called {name!r}", hint=f"there are {', '.join(HOOKS)}")
    if around.env.get("GITBOT_ANSWERS"):  # the hook that git runs knows by it that this is gitbot
        console.data("gitbot answers")
    try:
        return HOOKS[name](around, arguments)
    except (UnsupportedRepositoryError, GitError, ImportError) as unreadable:
        why = unreadable.msg if isinstance(unreadable, ImportError) else unreadable.message
        console.talk(f"warning: {why}; nobody checked whose files this push changes")
        return 0


def _pre_push(around: Surroundings, arguments: tuple[str, ...]) -> int:
    if mark := around.env.get(PROBE):  # a dry run of `hook status`
        Path(mark).touch()
        return 1
    text = sys.stdin.buffer.read().decode("utf-8", "surrogateescape")
    updates = [update for update in read_updates(text) or from_framework(around.env) if update.branch]
    if not updates:
        return 0
    remote = arguments[0] if arguments else around.env.get("PRE_COMMIT_REMOTE_NAME", "origin")
    repository = glance_at(around.here, around.env)
    return _guard(around, repository, remote, lambda force: _judge_push(force, updates))


def _judge_push(force: Enforcement, updates: list[Update]) -> Iterable[Verdict]:
    return chain(judge_push(force, updates), held_by_others(force, updates, time.time()))


def _pre_receive(around: Surroundings, arguments: tuple[str, ...]) -> int:
    from gitbot.guard.receive import judge_received, read_received
    from gitbot.repository.workbench import in_quarantine

    updates = (update for update in read_received(sys.stdin.buffer) if update.branch)
    first = next(updates, None)
    if first is None:
        return 0
    repository = open_repository(around.here, around.env)
    if folder := around.env.get("GIT_QUARANTINE_PATH"):
        repository = in_quarantine(repository, around.here / folder)
    return _guard(around, repository, "origin", lambda force: judge_received(force, chain([first], updates)))


def _update(around: Surroundings, arguments: tuple[str, ...]) -> int:
    from gitbot.guard.receive import read_received

    if len(arguments) != 3:
        raise InputError(
            "no update of a reference", hint="expected: gitbot hook run update <ref> <old oid> <new oid>"
        )
    name, before, after = arguments
    (update,) = read_received([f"{before} {after} {name}".encode("utf-8", "surrogateescape")])
    if update.branch is None:
        return 0
    repository = open_repository(around.here, around.env)
    return _guard(around, repository, "origin", lambda force: judge_push(force, [update]))


def _pre_commit(around: Surroundings, arguments: tuple[str, ...]) -> int:
    """Like `gitbot check`; where nothing is a plan there is nothing to say."""
    from gitbot.cli.check import command as check

    try:
        code: int = click.get_current_context().invoke(check)
    except NoPlanError:
        return 0
    return int(code == 1)


def _pre_tool_use(around: Surroundings, arguments: tuple[str, ...]) -> int:
    from gitbot.cli.guard import answer_tool

    return answer_tool(around)


HOOKS: dict[str, Callable[[Surroundings, tuple[str, ...]], int]] = {
    "pre-commit": _pre_commit,
    "pre-push": _pre_push,
    "pre-receive": _pre_receive,
    "update": _update,
    "pre-tool-use": _pre_tool_use,
}


def _guard(
    around: Surroundings, repository: Repository, remote: str, judge: Callable[[Enforcement], Iterable[Verdict]]
) -> int:
    force = enforcement(repository, remote, around.env.get("GITBOT_CONFIG"))
    if force is None:
        return 0
    for note in force.notes:
        console.talk(f"warning: {note}")
    refused = False
    for verdict in judge(force):
        _say(verdict)
        refused |= bool(verdict.judgement.refused)
    return int(refused)


def _say(verdict: Verdict) -> None:
    for note in (*verdict.notes, *_some(verdict.judgement.warned)):
        console.talk(f"warning: {verdict.branch}: {note}")
    if verdict.judgement.refused:
        first = f"{verdict.branch} is not pushed: it changes what plan {verdict.plans} does not own"
        console.complain("\n".join(map(printable, (first, *_some(verdict.judgement.refused)))), _WAY_OUT)


def _some(lines: tuple[str, ...]) -> tuple[str, ...]:
    left = len(lines) - MOST_LINES
    return (*lines[:MOST_LINES], f"and {left} more") if left > 0 else lines
