"""`gitbot brief`: what to hand each agent, and the one message that starts them all."""

from __future__ import annotations

import difflib
from dataclasses import replace

import click

from gitbot.agents.briefs import briefs_of, templates_in_force
from gitbot.agents.starting import landed_now
from gitbot.cli import Surroundings, console
from gitbot.cli.check import checked
from gitbot.cli.wait import duration
from gitbot.errors import InputError, NoPlanError
from gitbot.model.brief import Briefs
from gitbot.model.plan import PlanId
from gitbot.model.preflight import Level
from gitbot.plans import fold
from gitbot.report.brief import FORMS, document, message, text
from gitbot.report.terminal import some as some_of


@click.command("brief")
@click.argument("plans", nargs=-1, type=click.Path())
@click.option(
    "--for", "form", type=click.Choice([*FORMS]), default="text", show_default=True, help="Who starts them."
)
@click.option("--phase", type=click.IntRange(1), metavar="N", help="Only this phase.")
@click.option("--plan", "name", metavar="ID", help="Only the brief of this plan.")
@click.option("--every", default="15m", show_default=True, metavar="TIME", help="Of the timed jobs for openclaw.")
@click.option("--format", "shape", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("-o", "output", type=click.Path(dir_okay=False), metavar="FILE", help="Write the answer to FILE.")
@click.pass_obj
def command(
    around: Surroundings,
    plans: tuple[str, ...],
    form: str,
    phase: int | None,
    name: str | None,
    every: str,
    shape: str,
    output: str | None,
) -> int:
    """Print what the agent of each plan has to know, and the message that starts those of a phase together.

    PLANS are plan files or folders of them; without any, the configured places. Nothing is written.
    """
    if (seconds := round(duration(every))) < 1:
        raise InputError(f"--every {every}: from one turn to the next it takes a second at least")
    read = checked(around, plans)
    if not read.check.plans.plans:
        raise NoPlanError("no plan here can be read", hint="gitbot check says why")
    landed = landed_now(read.repository, read.force) if read.repository and read.force else frozenset[PlanId]()
    whole = replace(briefs_of(read.check, read.repository, read.force, read.root, plans, landed), every=seconds)
    templates = templates_in_force(read.repository, read.force)
    briefs = chosen(whole, phase, name)
    if form != "text" and not name:
        briefs = _unlanded(briefs, landed)
    ids = {brief.plan.id for some in briefs.phases for brief in some}
    if form in ("shell", "openclaw") and not whole.phases[0][0].target:
        raise InputError(f"--for {form} needs a repository with a commit", hint="its agents get a work tree each")
    if shape == "json":
        console.deliver(console.as_json(document(briefs, form, templates)), output)
    elif name and form == "text":
        console.deliver(text(briefs.phases[0][0], templates), output)
    else:
        console.deliver(message(briefs, form, templates), output)
    for note in briefs.notes:
        console.talk(f"warning: {note}")
    errors = [each for each in read.check.findings if each.level is Level.ERROR and ids & {*(each.plans or ids)}]
    for finding in errors[:3]:
        console.talk(f"warning: {finding.message}")
    if errors:
        console.talk("hint: gitbot check shows what is wrong with the plans")
    return 1 if errors else 0


def _unlanded(briefs: Briefs, landed: frozenset[PlanId]) -> Briefs:
    """Without the plans that have landed, whose agents nobody starts again."""
    gone = [brief.plan.id for some in briefs.phases for brief in some if brief.plan.id in landed]
    kept = (tuple(brief for brief in some if brief.plan.id not in landed) for some in briefs.phases)
    notes = (*briefs.notes, f"{some_of(gone)}: landed, and left out") if gone else briefs.notes
    return replace(briefs, phases=tuple(filter(None, kept)), notes=notes)


def chosen(briefs: Briefs, phase: int | None, name: str | None) -> Briefs:
    """Only those of a phase, or of one plan.

    Raises:
        InputError: there is none.
    """
    asked = [some for number, some in enumerate(briefs.phases, 1) if phase in (None, number)]
    found = (tuple(one for one in some if name is None or fold(one.plan.id) == fold(name)) for some in asked)
    kept = tuple(some for some in found if some)
    if not kept:
        ids = [brief.plan.id for some in asked for brief in some]
        near = difflib.get_close_matches(name or "", ids, n=3, cutoff=0.3) or ids[:8]
        where = f" in phase {phase}" if phase and asked else ""
        message = f"there is no plan {name!r}{where}" if ids else f"there is no phase {phase}"
        raise InputError(message, hint=f"plans: {', '.join(near)}" if ids else f"phases: 1 to {len(briefs.phases)}")
    return replace(briefs, phases=kept)
