"""`gitbot runs`: earlier runs of integrate, or one of them in full."""

from __future__ import annotations

from collections.abc import Iterable

import click
import msgspec

from gitbot.cli import Surroundings, console
from gitbot.cli.integrate import show
from gitbot.errors import DamagedRecordError, InputError
from gitbot.journal import lock, results, runs
from gitbot.landing import document, undo
from gitbot.landing.chances import MEASURED, RELIABLE, confirmations
from gitbot.model.run import Run, RunId
from gitbot.report.runs import counts, flaky_text, run_line, runs_text
from gitbot.repository import Repository, open_repository

SHOWN = 20  # runs that a person is shown


@click.command("runs")
@click.argument("run", required=False)
@click.option("--flaky", is_flag=True, help="Tests that failed on trees that passed as well.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
@click.pass_obj
def command(around: Surroundings, run: str | None, flaky: bool, form: str) -> int:
    """List the runs of this repository, or show RUN (its id, a unique prefix, or `last`)."""
    repository = open_repository(around.here, around.env)
    if run is not None and flaky:
        raise InputError("RUN and --flaky were both given", hint="use one of them")
    if run is not None:
        found = _folded(repository, undo.find(repository, run))
        if form == "text":
            console.data(run_line(found))
        show(repository, found, form, around.env)
        return 0
    known = runs.runs(repository)
    if form == "json":
        listed = {"schema": "gitbot.runs/1", "runs": [_row(one) for one in _read(repository, known)]}
        console.document(listed | (_flaky(repository) if flaky else {}))
    elif flaky:
        good, rate = results.flake_rate(repository)
        once = "run once more before it is rejected" if confirmations(good, rate) else "rejected at once"
        rule = f"at once from {MEASURED} such runs on, while at most {RELIABLE:.0%} of them are red"
        console.data(flaky_text(results.flakes(repository), good, rate))
        console.data(f'\nconfirm = "auto": a red branch is {once} ({rule})')
    else:
        latest = _read(repository, reversed(known[-SHOWN:]))
        console.data(runs_text(latest, len(known[:-SHOWN]), console.width()))
    return 0


def _read(repository: Repository, known: Iterable[RunId]) -> list[Run]:
    found = []
    for run in known:
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


def _flaky(repository: Repository) -> dict[str, object]:
    good, rate = results.flake_rate(repository)
    gate = {"runs": good, "rate": rate, "confirm": confirmations(good, rate)}
    return {"flaky": msgspec.to_builtins(results.flakes(repository)), "gate": gate}


def _row(run: Run) -> dict[str, object]:
    shown = ("run", "target", "started", "finished", "state", "before", "after")
    return {name: getattr(run, name) for name in shown} | {"counts": counts(run)}
