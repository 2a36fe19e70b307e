"""`gitbot mcp`: the tools for agents, over standard input and output."""

from __future__ import annotations

import importlib.util

import click

from gitbot.cli import Surroundings
from gitbot.errors import InputError


@click.command("mcp")
@click.pass_obj
def command(around: Surroundings) -> int:
    """Serve the Model Context Protocol on standard input and output, for the folder that this is started in."""
    if importlib.util.find_spec("mcp") is None:
        raise InputError("gitbot mcp needs the extra `mcp`", hint="pip install 'gitbot-merge[mcp]'")
    from gitbot.mcp.server import Tools, serve
    from gitbot.repository import open_repository

    open_repository(around.here, around.env)  # what is wrong is better said now than in every answer
    serve(Tools(around.here, around.env, lambda plan: _brief(around, plan)))
    return 0


def _brief(around: Surroundings, plan: str | None) -> str:
    from gitbot.agents.briefs import briefs_of, templates_in_force
    from gitbot.agents.starting import landed_now
    from gitbot.cli.brief import chosen
    from gitbot.cli.check import checked
    from gitbot.guard.asking import standpoint
    from gitbot.model.plan import PlanId
    from gitbot.report.brief import text
    from gitbot.repository import glance_at

    if plan is None:
        at = standpoint(glance_at(around.here, around.env), around.env.get("GITBOT_CONFIG"))
        if not at.mine.plans:
            raise InputError(f"{at.branch or 'a detached HEAD'} is no plan's branch", hint="name the plan")
        plan = at.mine.plans[0].id
    read = checked(around, ())
    landed = landed_now(read.repository, read.force) if read.repository and read.force else frozenset[PlanId]()
    briefs = chosen(briefs_of(read.check, read.repository, read.force, read.root, (), landed), None, plan)
    return text(briefs.phases[0][0], templates_in_force(read.repository, read.force))
