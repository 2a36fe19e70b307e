"""`gitbot approve`: a person's yes to a branch, bound to its patch."""

from __future__ import annotations

import time
from pathlib import Path

import click
import msgspec

from gitbot.cli import Surroundings, console
from gitbot.errors import InputError
from gitbot.guard.landed import landings
from gitbot.journal import approvals
from gitbot.landing import naming
from gitbot.merge.survey import NewWork, survey
from gitbot.model.git import Oid, RefName
from gitbot.model.merge import Branch
from gitbot.planset import in_force
from gitbot.report.terminal import printable
from gitbot.repository import Repository, open_repository, refs
from gitbot.repository.temporary import temporary_folder
from gitbot.repository.workbench import Workbench


@click.command("approve")
@click.argument("branch")
@click.option("--into", metavar="BRANCH", help="The target, instead of the configured one.")
@click.option("--revoke", is_flag=True, help="Take the yes back.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
@click.pass_obj
def command(around: Surroundings, branch: str, into: str | None, revoke: bool, form: str) -> int:
    """Say yes to what BRANCH changes: it survives a rebase, and no changed line."""
    repository = open_repository(around.here, around.env)
    target = in_force(repository, into, around.env.get("GITBOT_CONFIG")).target
    named = naming.resolve(repository, (branch,), target)
    if len(named) > 1:
        raise InputError(f"{branch!r} matches {len(named)} branches", hint="look at each, and approve one at a time")
    one = named[0]
    base = _start_of_new_work(repository, one, target)
    patch = approvals.patch_of(repository, base, one.tip)
    if revoke:
        known = approvals.revoke(repository, patch)
    else:
        known = approvals.approve(repository, one.name, one.tip, patch, time.time())
    if known is None:
        raise InputError(f"nobody has approved {one.name} as it is", hint="what has changed since counts as another")
    if form == "json":
        told = {"schema": "gitbot.approve/1", "approved": not revoke, **msgspec.to_builtins(known)}
        console.document({name: value for name, value in told.items() if name != "clone"})
        return 0
    files = len(repository.changed_paths(base, one.tip))
    console.data(
        f"{printable(one.name)} at {one.tip[:7]} is {'no longer ' * revoke}approved: "
        f"{files} file{'s' * (files != 1)}, patch {patch[:12]}\n"
        f"by {printable(known.by)} on {time.strftime('%Y-%m-%d %H:%M', time.localtime(known.time))}"
    )
    return 0


def _start_of_new_work(repository: Repository, branch: Branch, target: RefName) -> Oid:
    """From where on a branch is new to the target: what it landed before was another question."""
    onto = refs.read(repository, target)
    assert onto is not None
    landed = {landing.report.tip: landing.after for landing in landings(repository, onto)}
    with (
        temporary_folder() as folder,
        Workbench(repository, Path(folder, "scratch"), onto) as bench,
    ):
        work = survey(bench, branch, onto, landed, refs.branches(repository).get(branch.name))
    if not isinstance(work, NewWork):
        raise InputError(f"{branch.name}: {work.why}", hint="there is nothing to approve")
    return work.base
