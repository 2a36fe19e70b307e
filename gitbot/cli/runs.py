"""`gitbot runs`: earlier runs of integrate, or one of them in full."""

from __future__ import annotations

import time
from collections import Counter

import click
import msgspec

from gitbot.cli import Surroundings, console
from gitbot.cli.integrate import show
from gitbot.errors import DamagedRecordError
from gitbot.journal import lock, runs
from gitbot.landing import document, undo
from gitbot.model.run import Run, RunId
from gitbot.repository import Repository, open_repository


@click.command("runs")
@click.argument("run", required=False)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
@click.pass_obj
def command(around: Surroundings, run: str | None, form: str) -> int:
    """List the runs of this repository, or show RUN (its id, a unique prefix, or `last`)."""
    repository = open_repository(around.here, around.env)
    if run is not None:
        show(repository, _folded(repository, undo.find(repository, run)), form, around.env)
        return 0
    known = _known(repository)
    if form == "json":
        console.document({"schema": "gitbot.runs/1", "runs": [_row(one) for one in known]})
    else:
        console.data("\n".join(_line(one) for one in known) or "no run yet")
    return 0


def _known(repository: Repository) -> list[Run]:
    found = []
    for run in runs.runs(repository):
        try:
            found.append(_folded(repository, run))
        except DamagedRecordError as damaged:
            console.talk(f"note: {damaged.message}; {damaged.hint}")
    return found


def _folded(repository: Repository, run: RunId) -> Run:
    """A run without an end is running only while somebody holds the lock."""
    found = document.fold(runs.read(repository, run))
    if found.state == "running" and not lock.is_held(repository):
        return msgspec.structs.replace(found, state="interrupted")
    return found


def _row(run: Run) -> dict[str, object]:
    shown = ("run", "target", "started", "finished", "state", "before", "after")
    return {name: getattr(run, name) for name in shown} | {"counts": _counts(run)}


def _counts(run: Run) -> dict[str, int]:
    return dict(Counter(report.outcome.value for report in run.branches))


def _line(run: Run) -> str:
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(run.started))
    counts = ", ".join(f"{number} {outcome}" for outcome, number in sorted(_counts(run).items()))
    return f"{run.run}  {when}  {run.state:<11}  {run.target}  {counts}"
