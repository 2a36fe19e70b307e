"""`gitbot status`: where each branch is, and who will conflict with whom. Reads only, needs no set-up."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import click

from gitbot.cli import Surroundings, console
from gitbot.errors import UnknownBranchError
from gitbot.landing import naming
from gitbot.landing.partner import foresee
from gitbot.model.git import BranchName
from gitbot.model.run import Hint
from gitbot.monitor.status import BranchStatus, Status, live_branches, read_status
from gitbot.planset import in_force, in_force_plans
from gitbot.report.status import SCHEMA, status_text
from gitbot.repository import open_repository, refs
from gitbot.repository.workbench import Workbench


@click.command("status")
@click.argument("branches", nargs=-1)
@click.option("--into", metavar="BRANCH", help="The target, instead of the configured one.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
@click.pass_obj
def command(around: Surroundings, branches: tuple[str, ...], into: str | None, form: str) -> int:
    """Show BRANCHES; without any, every branch of a plan and of a linked work tree."""
    repository = open_repository(around.here, around.env)
    if repository.is_empty:
        raise UnknownBranchError("this repository has no commit yet", hint="commit something first")
    force = in_force(repository, into, around.env.get("GITBOT_CONFIG"))
    plans = in_force_plans(repository, force.target, force.config)
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
        status = read_status(bench, names, plans, force.config, force.target)
        ends = [(one.branch, one.base, one.tip) for one in status.branches if one.base is not None]
        document = _document(status, [*foresee(bench, ends, status.target, target_tip)])
    if form == "json":
        console.document(document)
    else:
        console.data(status_text(document, colour=console.coloured(around.env), width=console.width()))
    return 0


def _document(status: Status, hints: Sequence[tuple[BranchName | None, Hint]]) -> dict[str, object]:
    done = sum(one.tasks[0] for one in status.branches if one.tasks)
    total = sum(one.tasks[1] for one in status.branches if one.tasks)
    return {
        "schema": SCHEMA,
        "target": status.target,
        "branches": [
            _branch(one) | {"hints": [hint for name, hint in hints if name == one.branch]} for one in status.branches
        ],
        "conflicts": [{"branches": list(one.branches), "paths": list(one.paths)} for one in status.collisions],
        "overall": {"done": done, "total": total, "percent": round(100 * done / total) if total else None},
    }


def _branch(one: BranchStatus) -> dict[str, object]:
    drift = one.drift
    shown = ("branch", "plan", "tip", "ahead", "behind", "state", "stuck", "files")
    return {
        **{name: getattr(one, name) for name in shown},
        "last": {"oid": one.last.oid, "subject": one.last.subject, "time": one.last.committer.time},
        "tasks": {"done": one.tasks[0], "total": one.tasks[1]} if one.tasks else None,
        "gate": None,
        "drift": drift
        and {
            "foreign": [trespass.path for trespass in drift.foreign],
            "shared": [trespass.path for trespass in drift.shared],
            "unowned": drift.unowned,
            "untouched": drift.untouched,
        },
    }
