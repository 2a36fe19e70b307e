"""`gitbot check`: the plans, before anything runs."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from textwrap import fill
from typing import NamedTuple

import click

from gitbot import preflight
from gitbot.cli import Surroundings, console
from gitbot.config import Config
from gitbot.errors import InputError, NoPlanError, NoRepositoryError
from gitbot.model.preflight import Check, Level
from gitbot.monitor.surroundings import surroundings
from gitbot.planset import InForce, in_force, plans_at, plans_in
from gitbot.preflight.suggest import undeclared
from gitbot.report.check_text import check_text
from gitbot.repository import Repository, open_repository, refs

_FORMATS = {
    "json": ("report.check", "check_document"),
    "toml": ("report.check", "check_toml"),
    "sarif": ("report.check_sarif", "check_sarif"),
    "github": ("report.check_github", "check_github"),
    "html": ("report.check_html", "check_html"),
}
_PROPOSAL = ("preflight.suggest", "suggest")


@click.command("check")
@click.argument("plans", nargs=-1, type=click.Path())
@click.option("--format", "form", type=click.Choice(["text", *_FORMATS]), default="text", show_default=True)
@click.option("-o", "output", type=click.Path(dir_okay=False), metavar="FILE", help="Write the answer to FILE.")
@click.option("-v", "--verbose", "whole", is_flag=True, help="Leave nothing out of the text, notes neither.")
@click.option("--strict", is_flag=True, help="Leave with 1 for a warning too.")
@click.option("--suggest", "proposal", is_flag=True, help="Print a front matter for plans that declare none.")
@click.option("--explain", metavar="RULE", help="What a rule looks for, and why.")
@click.option("--rules", is_flag=True, help="List the rules.")
@click.pass_obj
def command(
    around: Surroundings,
    plans: tuple[str, ...],
    form: str,
    output: str | None,
    whole: bool,
    strict: bool,
    proposal: bool,
    explain: str | None,
    rules: bool,
) -> int:
    """Say what may run in parallel, in which phases, and what must be sequential.

    PLANS are plan files or folders of them; without any, the configured places. Nothing is written.
    """
    if rules or explain:
        console.data(_rules(explain))
        return 0
    found = checked(around, plans).check
    if form == "text" and not proposal:
        color = output is None and console.coloured(around.env)
        answer = check_text(found, color=color, width=console.width(80, 110), whole=whole)
    else:  # imported when it is asked for
        module, name = _PROPOSAL if proposal else _FORMATS[form]
        answer = getattr(import_module(f"gitbot.{module}"), name)(found)
    console.deliver(answer if isinstance(answer, str) else console.as_json(answer), output)
    if not found.plans.plans:
        return 2  # what came could not be read, as the findings say
    if proposal and not undeclared(found):
        return 0
    loud = {Level.ERROR, Level.WARNING} if strict else {Level.ERROR}
    return 1 if any(finding.level in loud for finding in found.findings) else 0


class Checked(NamedTuple):
    """The answer, and what it stands on. `root` is what paths are relative to, None in a bare repository."""

    check: Check
    repository: Repository | None
    force: InForce | None
    root: Path | None


def checked(around: Surroundings, plans: tuple[str, ...]) -> Checked:
    """Plans and configuration, compared; outside git without what a repository adds."""
    repository, force = _repository(around)
    config, target = (force.config, force.target) if force else (Config(), None)
    root = around.here if repository is None else repository.work_tree
    with console.under_way("reading the plans", around.env):
        if repository is not None and root is None:
            tip = refs.read(repository, target) if target else None
            if tip is None:
                raise NoPlanError("a bare repository without a target has no plans to check")
            found = plans_at(repository, tip, config)
        else:
            found = plans_in(repository, root or around.here, plans, config)
    if not found.plans and not any(problem.level == "error" for problem in found.problems):
        raise NoPlanError(
            f"no plan found in {', '.join(plans or config.plans)}",
            hint="name the plans or their folder (specs, .kiro, openspec …), or list it in gitbot.toml: plans = […]; "
            "a plan is Markdown that names its files, such as `# Agent A` over lines `- [ ] src/a.py`",
        )
    with console.under_way("comparing the plans, the files and their history", around.env):
        check = preflight.check(found, surroundings(repository, root, found, config, target))
    return Checked(check, repository, force, root)


def _repository(around: Surroundings) -> tuple[Repository | None, InForce | None]:
    try:
        repository = open_repository(around.here, around.env)
    except NoRepositoryError as none:
        console.talk(f"warning: {none.message}: neither its files nor its history are known")
        return None, None
    if repository.is_empty or refs.default_target(repository) is None:
        return repository, None
    return repository, in_force(repository, None, around.env.get("GITBOT_CONFIG"))


def _rules(name: str | None) -> str:
    if name is None:
        width = max(map(len, preflight.RULES))
        lines = (f"{rule:<{width}}  {about.summary}" for rule, about in sorted(preflight.RULES.items()))
        behind, room = " " * (width + 2), console.width(80, 110)
        return "\n".join(fill(line, room, subsequent_indent=behind, break_on_hyphens=False) for line in lines)
    if name not in preflight.RULES:
        raise InputError(f"there is no rule {name!r}", hint="gitbot check --rules lists them")
    about = preflight.RULES[name]
    return f"{name} ({about.level}): {about.summary}\n\n{about.explanation}"
