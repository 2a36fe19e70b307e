"""`gitbot integrate`: merge, test and land finished branches."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Mapping, Sequence

import click

from gitbot.cli import Surroundings, console
from gitbot.cli.progress import Watch, json_line
from gitbot.config import LONGEST, MOST_JOBS, Config, gate_command
from gitbot.errors import InputError, NoGateError, UnknownBranchError
from gitbot.gate import must_be_possible
from gitbot.journal.runs import file_path
from gitbot.landing import naming
from gitbot.landing.run import integrate
from gitbot.model.merge import Branch, Strategy
from gitbot.model.run import Request, Run
from gitbot.planset import in_force, in_force_plans, unreadable_plans
from gitbot.report.integrate import integrate_document, integrate_text
from gitbot.repository import Repository, open_repository
from gitbot.repository.patches import LARGEST, Submission, read_submission
from gitbot.repository.remotes import landing_place


@click.command("integrate")
@click.argument("branches", nargs=-1)
@click.option("--worktrees", is_flag=True, help="Every branch of a linked work tree.")
@click.option("--into", metavar="BRANCH", help="The target, instead of the configured one.")
@click.option("--strategy", metavar="NAME[,NAME…]", help="auto, rebase, accept-both, squash, merge or sequential.")
@click.option("--gate", "command", metavar="CMD", help="The integration tests, run by sh -c.")
@click.option("--no-gate", is_flag=True, help="Land without tests; it is recorded as such.")
@click.option(
    "--gate-timeout",
    type=click.FloatRange(min=0, max=LONGEST, min_open=True),
    metavar="SECONDS",
    help="After which the gate is ended.",
)
@click.option(
    "--accept-both", "manner", type=click.Choice(["careful", "bold"]), help="How much keeping both sides may dare."
)
@click.option("--jobs", type=click.IntRange(1, MOST_JOBS), metavar="N", help="Gate runs at once (auto queue).")
@click.option(
    "--queue",
    type=click.Choice(["auto", "serial"]),
    default="auto",
    help="auto tests branches together and searches what is red; serial takes one at a time.",
)
@click.option("--plans", metavar="PATH", help="Plans to go by, instead of those on the target.")
@click.option("--patch", "files", multiple=True, metavar="FILE", help="A diff or mailbox as a branch; `-`: stdin.")
@click.option("--update-branches", is_flag=True, help="Move the agents' branches to what landed.")
@click.option("--land", metavar="REF", help="Leave the target alone, push the tested result to REF.")
@click.option("--dry-run", is_flag=True, help="Merge only in memory; write nothing, run no gate.")
@click.option(
    "--progress",
    "how",
    type=click.Choice(["auto", "plain", "none"]),
    default="auto",
    help="auto: a screen where stderr is a terminal; plain: lines, also in a log.",
)
@click.option("--format", "form", type=click.Choice(["text", "json", "jsonl"]), default="text")
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
    files: tuple[str, ...],
    update_branches: bool,
    land: str | None,
    dry_run: bool,
    how: str,
    form: str,
) -> int:
    """Merge, test and land BRANCHES (names, or quoted patterns such as 'agent-*').

    Every branch ends landed, or set aside with the reason, the partner and the next step. The target only ever
    moves to a commit whose very tree passed the gate.
    """
    repository = open_repository(around.here, around.env)
    if repository.is_empty:
        raise UnknownBranchError("this repository has no commit yet", hint="commit something on the target first")
    force = in_force(repository, into, around.env.get("GITBOT_CONFIG"), fetch=not dry_run)
    for note in force.notes:
        console.talk(f"note: {note}")
    config = force.config
    if plans is None:
        for line in unreadable_plans(in_force_plans(repository, force.target, config, kept=not dry_run)):
            console.talk(f"warning: {line}")
    if land is not None:
        landing_place(repository, force.target, land)  # or it is said before anything starts
    if not (no_gate or dry_run):
        must_be_possible(config, around.env, repository)
    _check_usage(branches, files, worktrees, gate_timeout)
    patches = _patches(around, files)

    def resolve() -> tuple[Branch, ...]:
        if worktrees:
            return naming.of_work_trees(repository, force.target)
        return naming.resolve(repository, branches, force.target)

    def asked(config: Config) -> Request:
        return Request(
            names=branches or (("--worktrees",) if worktrees else ()),
            target=force.target,
            strategies=_strategies(strategy),
            accept_both="bold" if (manner or config.integrate.accept_both) == "bold" else "careful",
            gate=None if no_gate else _gate(command, config),
            gate_timeout=gate_timeout or config.gate.timeout,
            plans=plans,
            update_branches=update_branches,
            land=land,
            jobs=jobs or config.integrate.jobs,
            queue="serial" if queue == "serial" else "auto",
            patches=tuple(patch.digest for patch in patches),
        )

    if asked(config).gate == "" and not dry_run:
        resolve()  # a wrong name is what the person wants to hear of first
        raise NoGateError(
            "no integration tests are configured, and nothing lands untested",
            hint='--gate "COMMAND", or [gate] command in gitbot.toml (gitbot init makes a guess), or --no-gate',
        )

    def deliver(run: Run) -> None:
        watch.close()
        show(repository, run, form, around.env)
        if run.message:
            console.complain(run.message, run.hint)

    watch = Watch(how, form, lambda run: str(file_path(repository, run, "")), around.env)
    try:
        return integrate(
            repository,
            resolve,
            asked,
            config,
            around.env,
            dry_run=dry_run,
            progress=watch,
            deliver=deliver,
            patches=patches,
        ).exit_code
    finally:
        watch.close()


def _check_usage(
    branches: tuple[str, ...], files: tuple[str, ...], worktrees: bool, gate_timeout: float | None
) -> None:
    if not branches and not files and not worktrees:
        raise InputError("no branch named", hint="gitbot integrate 'agent-*', or --worktrees")
    if gate_timeout is not None and math.isnan(gate_timeout):
        raise InputError("--gate-timeout nan is no time", hint="give seconds")
    if branches and worktrees:
        raise InputError("branches and --worktrees were both given", hint="use one of them")


def _patches(around: Surroundings, files: Sequence[str]) -> tuple[Submission, ...]:
    found: list[Submission] = []
    for file in files:
        try:
            with open(sys.stdin.fileno() if file == "-" else file, "rb", closefd=file != "-") as source:
                data = source.read(LARGEST + 1)
        except OSError as refused:
            raise InputError(f"--patch {file}: {refused.strerror}") from None
        found.append(read_submission(data, file, around.env))
    return tuple(found)


def _strategies(asked: str | None) -> tuple[Strategy, ...]:
    if asked is None:
        return ()
    names = [name.strip() for name in asked.split(",")]
    for name in names:
        if name not in set(Strategy):
            raise InputError(f"--strategy: {name!r} is none", hint=f"choose from {', '.join(Strategy)}")
    return tuple(map(Strategy, names))


def _gate(asked: str | None, config: Config) -> str | tuple[str, ...]:
    command = asked if asked is not None else gate_command(config)
    return "" if isinstance(command, str) and not command.strip() else command


def show(repository: Repository, run: Run, form: str, env: Mapping[str, str]) -> None:
    """A run as people or as programs read it."""
    folder = str(file_path(repository, run.run, ""))
    if form == "json":
        console.document(integrate_document(run, folder))
    elif form == "jsonl":
        last = {"event": "document", "time": round(time.time(), 3)}
        console.data(json_line(last | integrate_document(run, folder)))
    else:
        console.data(integrate_text(run, folder, colour=console.coloured(env), width=console.width()))
