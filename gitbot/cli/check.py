"""`gitbot check`: the plans, before anything runs."""

from __future__ import annotations

from pathlib import Path

import click

from gitbot import preflight
from gitbot.cli import Surroundings, console
from gitbot.config import Config
from gitbot.errors import InputError, NoPlanError, UnsupportedRepositoryError
from gitbot.model.plan import PlanSet
from gitbot.model.preflight import Check, Level
from gitbot.planset import InForce, in_force, plans_at, plans_in
from gitbot.report.check import check_document, check_text, check_toml
from gitbot.repository import Repository, open_repository, refs


@click.command("check")
@click.argument("plans", nargs=-1, type=click.Path())
@click.option("--format", "form", type=click.Choice(["text", "json", "toml"]), default="text")
@click.option("-o", "output", type=click.Path(dir_okay=False), metavar="FILE", help="Write the answer to FILE.")
@click.option("--strict", is_flag=True, help="Leave with 1 for a warning too.")
@click.option("--explain", metavar="RULE", help="What a rule looks for, and why.")
@click.option("--rules", is_flag=True, help="List the rules.")
@click.pass_obj
def command(
    around: Surroundings,
    plans: tuple[str, ...],
    form: str,
    output: str | None,
    strict: bool,
    explain: str | None,
    rules: bool,
) -> int:
    """Say what may run in parallel, in which phases, and what must be sequential.

    PLANS are plan files or folders of them; without any, the configured places. Nothing is written.
    """
    if rules or explain:
        console.data(_rules(explain))
        return 0
    found, config = _read(around, plans)
    if not found.plans and not any(problem.level == "error" for problem in found.problems):
        raise NoPlanError(
            f"no plan found in {', '.join(plans or config.plans)}",
            hint="a plan is Markdown that names its files, such as `# Agent A` over lines `- [ ] src/a.py`",
        )
    checked = preflight.check(found, _around(around, config))
    text = _rendered(checked, form, colour=output is None and console.coloured(around.env))
    if output is not None:
        _write(Path(output), text)
    else:
        console.data(text)
    loud = {Level.ERROR, Level.WARNING} if strict else {Level.ERROR}
    return 1 if any(finding.level in loud for finding in checked.findings) else 0


def _read(around: Surroundings, plans: tuple[str, ...]) -> tuple[PlanSet, Config]:
    """Plans and configuration; outside git without either's repository."""
    repository, force = _repository(around)
    config = force.config if force else Config()
    if repository is None:
        return plans_in(None, around.here, plans, config), config
    if repository.work_tree is None:
        target = refs.read(repository, force.target) if force else None
        if target is None:
            raise NoPlanError("a bare repository without a target has no plans to check")
        return plans_at(repository, target, config), config
    return plans_in(repository, repository.work_tree, plans, config), config


def _repository(around: Surroundings) -> tuple[Repository | None, InForce | None]:
    try:
        repository = open_repository(around.here, around.env)
    except UnsupportedRepositoryError:
        return None, None
    if repository.is_empty or refs.default_target(repository) is None:
        return repository, None
    return repository, in_force(repository, None, around.env.get("GITBOT_CONFIG"))


def _around(around: Surroundings, config: Config) -> preflight.Surroundings:
    repository, _ = _repository(around)
    files: tuple[str, ...] | None = None
    if repository is not None and not repository.is_empty:
        head = repository.resolve("HEAD")
        files = repository.files(repository.tree_of(head)) if head else None
    return preflight.Surroundings(
        files=files,
        shared=config.shared,
        additive=config.additive,
        gate=bool(config.gate.command) or repository is None,
        rules=config.rules,
        branch_patterns=config.branch,
    )


def _rendered(checked: Check, form: str, *, colour: bool) -> str:
    if form == "json":
        return console.as_json(check_document(checked))
    return check_toml(checked) if form == "toml" else check_text(checked, color=colour)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text if text.endswith("\n") else text + "\n", encoding="utf-8", errors="backslashreplace")
    except OSError as refused:
        raise InputError(f"-o {path}: {refused.strerror}") from None


def _rules(name: str | None) -> str:
    if name is None:
        width = max(map(len, preflight.RULES))
        return "\n".join(f"{rule:<{width}}  {about.summary}" for rule, about in sorted(preflight.RULES.items()))
    if name not in preflight.RULES:
        raise InputError(f"there is no rule {name!r}", hint="gitbot check --rules lists them")
    about = preflight.RULES[name]
    return f"{name} ({about.level}): {about.summary}\n\n{about.explanation}"
