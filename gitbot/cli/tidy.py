"""`gitbot tidy`: work trees and branches that are done with."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path

import click

from gitbot.agents.tidying import Leftover, leftovers, tidy
from gitbot.cli import Surroundings, console
from gitbot.guard.landed import landings
from gitbot.landing import naming
from gitbot.model.git import BranchName
from gitbot.monitor.status import live_branches
from gitbot.planset import in_force, in_force_plans
from gitbot.report.terminal import printable
from gitbot.repository import open_repository, refs
from gitbot.repository.temporary import temporary_folder
from gitbot.repository.workbench import Workbench


@click.command("tidy")
@click.argument("branches", nargs=-1)
@click.option("--apply", is_flag=True, help="Do it; without this it is only said.")
@click.option("--into", metavar="BRANCH", help="The target, instead of the configured one.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
@click.pass_obj
def command(around: Surroundings, branches: tuple[str, ...], apply: bool, into: str | None, form: str) -> int:
    """Remove local BRANCHES, and their work trees, that are proven landed; by default those of plans and of runs.

    What is edited, locked, lived in by a process or not landed stays. A removed tip is kept as a backup.
    """
    repository = open_repository(around.here, around.env)
    force = in_force(repository, into, around.env.get("GITBOT_CONFIG"))
    onto = refs.read(repository, force.target)
    assert onto is not None
    if branches:
        names = [one.name for one in naming.resolve(repository, branches, force.target)]
    else:
        plans = in_force_plans(repository, force.target, force.config)
        of_runs = sorted({landing.report.branch for landing in landings(repository, onto)})
        names = [*live_branches(repository, plans, force.config, force.target), *map(BranchName, of_runs)]
    with (
        temporary_folder() as folder,
        Workbench(repository, Path(folder, "scratch"), onto) as bench,
    ):
        found = tuple(leftovers(bench, names, force.target, onto))
    if apply and any(one.goes for one in found):
        found = tidy(repository, found, time.time())
    if form == "json":
        target = refs.shorthand(force.target)
        listed = [asdict(one) for one in found]
        console.document({"schema": "gitbot.tidy/1", "target": target, "applied": apply, "branches": listed})
        return 0
    console.data("\n".join(_line(one, apply) for one in found) or "no branch of a plan, work tree or run is here")
    gone = [one for one in found if one.goes]
    if gone and not apply:
        console.talk("nothing was removed; gitbot tidy --apply does it")
    for one in gone if apply else ():
        console.talk(f"to have it again: git branch {one.branch} {one.tip[:12]}")
    return 0


def _line(one: Leftover, applied: bool) -> str:
    verb = ("removed " if applied else "would go") if one.goes else "stays   "
    tree = f", work tree {one.work_tree}" if one.work_tree else ""
    ignored = f" with {', '.join(one.ignored[:3])}{' …' if len(one.ignored) > 3 else ''}" if one.ignored else ""
    return printable(f"{verb}  {one.branch}{tree}{ignored}: {one.why}")
