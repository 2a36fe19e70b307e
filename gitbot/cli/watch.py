"""`gitbot watch`: the merge bot as a service."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType

import click

from gitbot.agents.landing import must_have_gate
from gitbot.agents.watching import URGENT, Service, only_watcher, tried_before
from gitbot.cli import Surroundings, console
from gitbot.cli.integrate import show
from gitbot.cli.progress import Watch
from gitbot.cli.wait import duration
from gitbot.errors import GitbotError, InputError
from gitbot.gate import must_be_possible
from gitbot.journal import events, pauses
from gitbot.journal.runs import file_path
from gitbot.landing import naming
from gitbot.model.run import Run
from gitbot.planset import InForce, in_force
from gitbot.repository import Repository, open_repository


@click.command("watch")
@click.option("--pause", "reason", metavar="REASON", help="Land nothing from now on.")
@click.option("--resume", is_flag=True, help="End the pause.")
@click.option("--urgent", "urgent", metavar="BRANCH", help="Land this one next, whether paused or not ready.")
@click.option("--into", metavar="BRANCH", help="The target, instead of the configured one.")
@click.option("--interval", default="10s", show_default=True, metavar="TIME", help="From one look to the next.")
@click.option("--once", is_flag=True, help="One look, then the end: for cron.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
@click.pass_obj
def command(
    around: Surroundings,
    reason: str | None,
    resume: bool,
    urgent: str | None,
    into: str | None,
    interval: str,
    once: bool,
    form: str,
) -> int:
    """Land branches as they become ready: all tasks of the plan done, the event `ready`, or Gitbot-Ready: yes.

    SIGTERM ends it between two steps; what was under way goes on when it is started again.
    """
    if sum((reason is not None, resume, urgent is not None)) > 1:
        raise InputError("--pause, --resume and --urgent were given together", hint="use one of them")
    seconds = duration(interval)
    repository = open_repository(around.here, around.env)
    if reason is not None:
        pauses.pause(repository, reason.strip() or "no reason given", time.time())
        console.data("landing is paused; gitbot watch --resume ends that")
        return 0
    if resume:
        known = pauses.resume(repository, time.time())
        console.data(
            f"landing goes on; it was paused by {known.by}: {known.reason}" if known else "it was not paused"
        )
        return 0

    def read_force() -> InForce:
        return in_force(repository, into, around.env.get("GITBOT_CONFIG"))

    force = read_force()
    if urgent is not None:
        _ask(repository, urgent, force)
        return 0
    must_have_gate(force)
    must_be_possible(force.config, around.env, repository)
    with only_watcher(repository):
        return _serve(repository, read_force, around, None if once else seconds, form)


def _ask(repository: Repository, branch: str, force: InForce) -> None:
    for one in naming.resolve(repository, [branch], force.target):
        events.emit(repository, URGENT, now=time.time(), target=one.name)
        console.data(f"{one.name} is landed next, by the gitbot watch that runs or is started here")


class _Ending:
    """SIGTERM: while a run is under way it is brought to a safe place, else the sleep ends."""

    def __init__(self) -> None:
        self.asked, self.busy = threading.Event(), False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        self.asked.set()
        if self.busy:
            raise KeyboardInterrupt


def _serve(
    repository: Repository, read_force: Callable[[], InForce], around: Surroundings, seconds: float | None, form: str
) -> int:
    """Look, land, sleep; `seconds` None: only once."""
    how = "auto" if sys.stderr.isatty() else "plain"
    watch = Watch(how, form, lambda run: str(file_path(repository, run, "")), around.env)

    def deliver(run: Run) -> None:
        watch.close()
        show(repository, run, form, around.env)
        if run.message:
            console.complain(run.message, run.hint)

    service = Service(
        repository, read_force, around.env, watch, deliver, _say, tried_before(repository, read_force().target)
    )
    ending = _Ending()
    before = signal.signal(signal.SIGTERM, ending)
    _say(f"watching, every {seconds:g} s" if seconds is not None else "one look")
    try:
        while not ending.asked.is_set():
            ending.busy = True
            code = _round(service)
            ending.busy = False
            watch.close()
            if seconds is None:
                return code
            ending.asked.wait(seconds)
    except KeyboardInterrupt:
        if not ending.asked.is_set():
            raise
    finally:
        ending.busy = False
        watch.close()
        signal.signal(signal.SIGTERM, before)
    _say("ended; what was under way goes on at the next start")
    return 0


def _round(service: Service) -> int:
    """One look; what a later one may find otherwise is said, and waited for."""
    try:
        run = service.round(time.time())
    except GitbotError as wrong:
        service.say("trouble", f"{wrong.message}{f' ({wrong.hint})' if wrong.hint else ''}")
        return wrong.exit_code
    service.say("trouble", "")
    return run.exit_code if run is not None else 0


def _say(line: str) -> None:
    console.talk(f"{time.strftime('%H:%M:%S')} {line}")
