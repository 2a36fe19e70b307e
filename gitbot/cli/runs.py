"""`gitbot runs`: earlier runs of integrate, or one of them in full."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import click
import msgspec

from gitbot.cli import Surroundings, console
from gitbot.errors import DamagedRecordError, InputError
from gitbot.journal import results, runs
from gitbot.journal.runs import file_path
from gitbot.landing import undo
from gitbot.landing.chances import MEASURED, RELIABLE, confirmations
from gitbot.landing.past import folded
from gitbot.model.run import Record, Run, RunId
from gitbot.report.integrate import integrate_document, integrate_text
from gitbot.report.run_markdown import run_markdown
from gitbot.report.runs import counts, flaky_text, run_line, runs_text
from gitbot.repository import Repository, open_repository

SHOWN = 20  # runs that a person is shown


@click.command("runs")
@click.argument("run", required=False)
@click.option("--flaky", is_flag=True, help="Tests that failed on trees that passed as well.")
@click.option("--format", "form", type=click.Choice(["text", "json", "html", "markdown"]), default="text")
@click.option("-o", "output", type=click.Path(dir_okay=False), metavar="FILE", help="Write the answer to FILE.")
@click.pass_obj
def command(around: Surroundings, run: str | None, flaky: bool, form: str, output: str | None) -> int:
    """List the runs of this repository, or show RUN (its id, a unique prefix, or `last`).

    html is a page that is complete in itself; markdown is for a pull request. Both are of one RUN.
    """
    repository = open_repository(around.here, around.env)
    if run is not None and flaky:
        raise InputError("RUN and --flaky were both given", hint="use one of them")
    if run is not None:
        records = runs.read(repository, undo.find(repository, run))
        shown = _shown(repository, records, form, coloured=output is None and console.coloured(around.env))
        console.deliver(shown, output)
        return 0
    if form in ("html", "markdown"):
        raise InputError(f"--format {form} is for one run", hint=f"gitbot runs last --format {form}")
    console.deliver(_listed(repository, form, flaky), output)
    return 0


def _shown(repository: Repository, records: Sequence[Record], form: str, *, coloured: bool) -> str | Iterable[str]:
    """One run in full."""
    run = folded(repository, records)
    folder = str(file_path(repository, run.run, ""))
    if form == "json":
        return console.as_json(integrate_document(run, folder))
    if form == "markdown":
        return run_markdown(run, records)
    if form == "html":
        from gitbot.report.run_page import run_html  # here: the templates take their time to load

        return run_html(run, records, folder)
    return f"{run_line(run)}\n{integrate_text(run, folder, colour=coloured, width=console.width())}"


def _listed(repository: Repository, form: str, flaky: bool) -> str | Iterable[str]:
    known = runs.runs(repository)
    if form == "json":
        listed = {"schema": "gitbot.runs/1", "runs": [_row(one) for one in _read(repository, known)]}
        return console.as_json(listed | (_flaky(repository) if flaky else {}))
    if flaky:
        good, rate = results.flake_rate(repository)
        at_once = "rejected at once, where its checkout held nothing of earlier runs"
        once = "run once more before it is rejected" if confirmations(good, rate) else at_once
        rule = f"at once from {MEASURED} such runs on, while at most {RELIABLE:.0%} of them are red"
        told = flaky_text(results.flakes(repository), good, rate)
        return f'{told}\n\nconfirm = "auto": a red branch is {once} ({rule})'
    latest = _read(repository, reversed(known[-SHOWN:]))
    return runs_text(latest, len(known[:-SHOWN]), console.width())


def _read(repository: Repository, known: Iterable[RunId]) -> list[Run]:
    found = []
    for run in known:
        try:
            found.append(folded(repository, runs.read(repository, run)))
        except DamagedRecordError as damaged:
            console.talk(f"note: {damaged.message}; {damaged.hint}")
    return found


def _flaky(repository: Repository) -> dict[str, object]:
    good, rate = results.flake_rate(repository)
    gate = {"runs": good, "rate": rate, "confirm": confirmations(good, rate)}
    return {"flaky": msgspec.to_builtins(results.flakes(repository)), "gate": gate}


def _row(run: Run) -> dict[str, object]:
    shown = ("run", "target", "started", "finished", "state", "before", "after")
    return {name: getattr(run, name) for name in shown} | {"counts": counts(run)}
