"""`gitbot status`: where each branch is, and who will conflict with whom. Reads only, needs no set-up."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from gitbot.cli import Surroundings, console
from gitbot.errors import InputError, UnknownBranchError
from gitbot.model.git import BranchName
from gitbot.model.plan import PlanSet
from gitbot.model.run import DriftReport, Hint
from gitbot.monitor.remembered import Edits, fingerprint, read_edits, remember, remembered
from gitbot.planset import InForce, in_force, in_force_plans
from gitbot.report.status import SCHEMA, status_text
from gitbot.report.terminal import cut
from gitbot.repository import Repository, open_repository, refs

if TYPE_CHECKING:
    from gitbot.monitor.status import BranchStatus, Status

Document = dict[str, Any]
PAUSE = 2.0  # seconds between two looks of --watch


@click.command("status")
@click.argument("branches", nargs=-1)
@click.option("--into", metavar="BRANCH", help="The target, instead of the configured one.")
@click.option("--watch", is_flag=True, help="Look again every two seconds, until Ctrl-C.")
@click.option("-v", "--verbose", is_flag=True, help="Show the lines that collide.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
@click.pass_obj
def command(
    around: Surroundings, branches: tuple[str, ...], into: str | None, watch: bool, verbose: bool, form: str
) -> int:
    """Show BRANCHES; without any, every branch of a plan and of a linked work tree."""
    if watch and form == "json":
        raise InputError("--watch and --format json were given together", hint="`gitbot watch` tells programs")
    repository, document = _look(around, branches, into, verbose=verbose)
    _tell_of_blind_spots(repository, document)
    if watch:
        return _watch(document, lambda: _look(around, branches, into, verbose=verbose)[1], around)
    if form == "json":
        console.document(document)
    else:
        console.data(status_text(document, colour=console.coloured(around.env), width=console.width()))
    return 0


def _look(
    around: Surroundings, branches: tuple[str, ...], into: str | None, *, verbose: bool
) -> tuple[Repository, Document]:
    """The document, as it was kept where nothing has moved since."""
    repository = open_repository(around.here, around.env)
    if repository.is_empty:
        raise UnknownBranchError("this repository has no commit yet", hint="commit something first")
    force = in_force(repository, into, around.env.get("GITBOT_CONFIG"))
    plans = in_force_plans(repository, force.target, force.config, kept=True)
    edits = read_edits(repository, force.target)
    key = fingerprint(repository, force.config, plans, edits, branches, force.target, verbose)
    known = remembered(repository, key)
    if known is None:
        found = _read(repository, force, plans, edits, branches, verbose=verbose)
        known = msgspec.to_builtins(found, str_keys=True)
        remember(repository, key, known)
    for one in known["branches"]:
        one["drift"] = msgspec.convert(one["drift"], DriftReport | None)
        one["hints"] = msgspec.convert(one["hints"], list[Hint])
    return repository, known


def _read(
    repository: Repository, force: InForce, plans: PlanSet, edits: Edits, branches: tuple[str, ...], *, verbose: bool
) -> Document:
    from gitbot.landing import naming  # like the rest that an answer which was kept does without
    from gitbot.landing.partner import foresee
    from gitbot.monitor.status import live_branches, read_status
    from gitbot.repository.workbench import Workbench

    if branches:
        names = tuple(one.name for one in naming.resolve(repository, branches, force.target))
    else:
        names = live_branches(repository, plans, force.config, force.target)
    target_tip = refs.read(repository, force.target)
    assert target_tip is not None
    with (
        tempfile.TemporaryDirectory(prefix="gitbot-") as folder,
        Workbench(repository, Path(folder, "scratch"), target_tip) as bench,
    ):
        status = read_status(bench, names, plans, force.config, force.target, edits, hunks=verbose)
        ends = [(one.branch, one.base, one.tip) for one in status.branches if one.base is not None]
        found = _document(status, [*foresee(bench, ends, status.target, target_tip)])
    return found | {"claims": any(plan.claims for plan in plans.plans)}


def _watch(document: Document, look: Callable[[], Document], around: Surroundings) -> int:
    """Show what `look` gives again and again, in place on a terminal, until somebody interrupts it."""
    from gitbot.cli.progress import Screen

    live = sys.stderr.isatty() and sys.stdout.isatty() and around.env.get("TERM", "dumb") != "dumb"
    screen = Screen(colour=not around.env.get("NO_COLOR")) if live else None
    shown = ""
    try:
        while True:
            text = status_text(document, colour=False, width=console.width())
            if screen is not None:
                screen.draw(_fitted(text))
            elif text != shown:
                console.data(text)
            shown = text
            time.sleep(PAUSE)
            document = look()
            document.pop("claims")
    except KeyboardInterrupt:
        if screen is not None:
            console.talk("")
        return 130


def _fitted(text: str) -> list[tuple[str, int]]:
    """The lines that the terminal has room for, the first one bold."""
    from gitbot.cli.progress import size

    columns, rows = size()
    lines = text.splitlines()
    if len(lines) > rows - 1:
        lines[rows - 2 :] = [f"… {len(lines) - rows + 2} more lines: gitbot status"]
    return [(cut(line, columns - 1), int(not number)) for number, line in enumerate(lines)]


def _tell_of_blind_spots(repository: Repository, document: Document) -> None:
    if not document.pop("claims"):
        return
    from gitbot.guard.installation import obstacles

    blind = {tree: why for tree, why in obstacles(repository).items() if why is not None}
    for tree, why in list(blind.items())[:1]:
        more = f" and {len(blind) - 1} more" if len(blind) > 1 else ""
        console.talk(f"note: pushes from {tree}{more} are not guarded: {why}; see `gitbot hook status`")


def _document(status: Status, hints: Sequence[tuple[BranchName | None, Hint]]) -> Document:
    counted = [one for one in status.branches if one.tasks]
    done, total = (sum(one.tasks[at] for one in counted if one.tasks) for at in (0, 1))
    known = [(one.progress.percent, one.tasks[1] if one.tasks else 1) for one in status.branches]
    weights = [(percent, max(weight, 1)) for percent, weight in known if percent is not None]
    whole = sum(weight for _, weight in weights)
    percent = round(sum(percent * weight for percent, weight in weights) / whole) if whole else None
    return {
        "schema": SCHEMA,
        "target": status.target,
        "branches": [
            _branch(one) | {"hints": [hint for name, hint in hints if name == one.branch]} for one in status.branches
        ],
        "conflicts": [
            {"branches": list(one.branches), "paths": list(one.paths)} | ({"hunks": one.hunks} if one.hunks else {})
            for one in status.collisions
        ],
        "overall": {"done": done, "total": total, "percent": percent},
    }


def _branch(one: BranchStatus) -> dict[str, object]:
    shown = ("branch", "plan", "tip", "ahead", "behind", "state", "stuck", "drift", "files", "uncommitted")
    return {
        **{name: getattr(one, name) for name in shown},
        "last": {"oid": one.last.oid, "subject": one.last.subject, "time": one.last.committer.time},
        "tasks": {"done": one.tasks[0], "total": one.tasks[1]} if one.tasks else None,
        "gate": one.gate and {"verdict": one.gate},
        "progress": {
            "percent": one.progress.percent,
            "since": one.progress.since,
            "at_work": one.at_work,
            "ended": one.progress.ended and one.progress.ended.data,
            "commits": one.subjects,
            "ticked": one.progress.ticked,
        },
    }
