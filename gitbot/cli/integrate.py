"""`gitbot integrate`: merge, test and land finished branches."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping

import click

from gitbot.cli import Surroundings, console
from gitbot.config import Config
from gitbot.errors import InputError, NoGateError, UnknownBranchError
from gitbot.journal.runs import file_path
from gitbot.landing import naming
from gitbot.landing.run import integrate
from gitbot.model.merge import Branch, Strategy
from gitbot.model.run import Request, Run
from gitbot.planset import in_force
from gitbot.report.integrate import integrate_document, integrate_text
from gitbot.repository import Repository, open_repository

LONGEST_GATE = 30 * 24 * 3600  # seconds; also keeps inf and nan out


@click.command("integrate")
@click.argument("branches", nargs=-1)
@click.option("--worktrees", is_flag=True, help="Every branch of a linked work tree.")
@click.option("--into", metavar="BRANCH", help="The target, instead of the configured one.")
@click.option("--strategy", metavar="NAME[,NAME…]", help="auto, rebase, accept-both, squash, merge or sequential.")
@click.option("--gate", "command", metavar="CMD", help="The integration tests, run by sh -c.")
@click.option("--no-gate", is_flag=True, help="Land without tests; it is recorded as such.")
@click.option(
    "--gate-timeout",
    type=click.FloatRange(min=0, max=LONGEST_GATE, min_open=True),
    metavar="SECONDS",
    help="After which the gate is ended.",
)
@click.option(
    "--accept-both", "manner", type=click.Choice(["careful", "bold"]), help="How much keeping both sides may dare."
)
@click.option(
    "--jobs", type=click.IntRange(min=1), metavar="N", help="Gate runs at once; the serial queue needs one."
)
@click.option(
    "--queue", type=click.Choice(["auto", "serial"]), default="auto", help="auto is serial in this version."
)
@click.option("--plans", metavar="PATH", help="Plans to go by, instead of those on the target.")
@click.option("--update-branches", is_flag=True, help="Move the agents' branches to what landed.")
@click.option("--dry-run", is_flag=True, help="Merge only in memory; write nothing, run no gate.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
@click.pass_obj
def command(
    around: Surroundings,
    branches: tuple[str, ...],
    worktrees: bool,
    into: str | None,
    strategy: str | None,
    command: str | None,
    no_gate: bool,
    gate_timeout: float | None,
    manner: str | None,
    jobs: int | None,
    queue: str,
    plans: str | None,
    update_branches: bool,
    dry_run: bool,
    form: str,
) -> int:
    """Merge, test and land BRANCHES (names, or quoted patterns such as 'agent-*').

    Every branch ends landed, or set aside with the reason, the partner and the next step. The target only ever
    moves to a commit whose very tree passed the gate.
    """
    repository = open_repository(around.here, around.env)
    if repository.is_empty:
        raise UnknownBranchError("this repository has no commit yet", hint="commit something on the target first")
    force = in_force(repository, into, around.env.get("GITBOT_CONFIG"))
    for note in force.notes:
        console.talk(f"note: {note}")
    config = force.config
    _refuse_unavailable(config)
    _check_usage(branches, worktrees, gate_timeout)

    def resolve() -> tuple[Branch, ...]:
        if worktrees:
            return naming.of_work_trees(repository, force.target)
        return naming.resolve(repository, branches, force.target)

    try:
        gate = None if no_gate else _gate(command, config, dry_run=dry_run)
    except NoGateError:
        resolve()  # a wrong name is what the person wants to hear of first
        raise
    request = Request(
        names=branches or ("--worktrees",),
        target=force.target,
        strategies=_strategies(strategy),
        accept_both="bold" if (manner or config.integrate.accept_both) == "bold" else "careful",
        gate=gate,
        gate_timeout=gate_timeout or config.gate.timeout,
        plans=plans,
        update_branches=update_branches,
    )

    def deliver(run: Run) -> None:
        show(repository, run, form, around.env)
        if run.message:
            console.complain(run.message, run.hint)

    progress = _progress(around.env)
    return integrate(
        repository, resolve, request, config, around.env, dry_run=dry_run, progress=progress, deliver=deliver
    ).exit_code


def _check_usage(branches: tuple[str, ...], worktrees: bool, gate_timeout: float | None) -> None:
    if not branches and not worktrees:
        raise InputError("no branch named", hint="gitbot integrate 'agent-*', or --worktrees")
    if gate_timeout is not None and math.isnan(gate_timeout):
        raise InputError("--gate-timeout nan is no time", hint="give seconds")
    if branches and worktrees:
        raise InputError("branches and --worktrees were both given", hint="use one of them")


def _strategies(asked: str | None) -> tuple[Strategy, ...]:
    if asked is None:
        return ()
    names = [name.strip() for name in asked.split(",")]
    for name in names:
        if name not in set(Strategy):
            raise InputError(f"--strategy: {name!r} is none", hint=f"choose from {', '.join(Strategy)}")
    return tuple(map(Strategy, names))


def _gate(asked: str | None, config: Config, *, dry_run: bool) -> str | tuple[str, ...]:
    command = asked if asked is not None else config.gate.command
    if isinstance(command, str) and not command.strip():
        command = ""
    if not command and not dry_run:
        raise NoGateError(
            "no integration tests are configured, and nothing lands untested",
            hint='--gate "COMMAND", or [gate] command in gitbot.toml (gitbot init makes a guess), or --no-gate',
        )
    return command


def _refuse_unavailable(config: Config) -> None:
    """What the configuration asks for and this version cannot do must not be passed over in silence."""
    if config.gate.isolation != "process":
        raise InputError(f"gate.isolation = {config.gate.isolation!r} is not available in this version")
    if config.integrate.require:
        raise InputError(f"integrate.require = {config.integrate.require!r} is not available in this version")


def _progress(env: Mapping[str, str]) -> Callable[[str], None]:
    """Progress goes to a terminal only; elsewhere long work is quiet."""
    if not sys.stderr.isatty() or env.get("TERM") == "dumb":
        return lambda text: None
    return console.talk


def show(repository: Repository, run: Run, form: str, env: Mapping[str, str]) -> None:
    """A run as people or as programs read it."""
    folder = str(file_path(repository, run.run, ""))
    if form == "json":
        console.document(integrate_document(run, folder))
    else:
        console.data(integrate_text(run, folder, colour=console.coloured(env), width=console.width()))
