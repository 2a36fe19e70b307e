"""`gitbot doctor`: what here works, and what needs attention. Changes nothing."""

from __future__ import annotations

import time
from dataclasses import asdict

import click

from gitbot.cli import Surroundings, console
from gitbot.monitor.health import Sign, examine
from gitbot.report.terminal import printable
from gitbot.repository import open_repository

_ORDER = ("problem", "note", "ok")


@click.command("doctor")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
@click.pass_obj
def command(around: Surroundings, form: str) -> int:
    """Look at git, identity, target, gate, plans, hooks and what earlier runs have left; problems come first.

    0: nothing needs attention; 1: there is a problem.
    """
    repository = open_repository(around.here, around.env)
    with console.under_way("looking", around.env):
        signs = sorted(examine(repository, around.env, time.time()), key=lambda sign: _ORDER.index(sign.state))
    if form == "json":
        console.document({"schema": "gitbot.doctor/1", "verdict": signs[0].state, "checks": list(map(asdict, signs))})
    else:
        console.data("\n".join(map(_line, signs)))
    return int(signs[0].state == "problem")


def _line(sign: Sign) -> str:
    hint = f"; {sign.hint}" if sign.hint and sign.state != "ok" else ""
    return printable(f"{sign.state:7}  {sign.about:9}  {sign.text}{hint}")
