"""`gitbot serve`: status, runs and plans as pages on loopback."""

from __future__ import annotations

import importlib.util

import click

from gitbot.cli import Surroundings, console
from gitbot.errors import InputError


@click.command("serve")
@click.option("--port", type=click.IntRange(0, 65535), default=0, show_default=True, help="0: a free one.")
@click.option("--into", metavar="BRANCH", help="The target, instead of the configured one.")
@click.pass_obj
def command(around: Surroundings, port: int, into: str | None) -> int:
    """Serve status, runs and plans as pages that keep themselves up to date, until Ctrl-C.

    Only for this machine (127.0.0.1), and only for reading. The address is what is printed.
    """
    if importlib.util.find_spec("starlette") is None or importlib.util.find_spec("uvicorn") is None:
        raise InputError("gitbot serve needs the extra `web`", hint="pip install 'gitbot-merge[web]'")
    from gitbot.cli.check import checked
    from gitbot.repository import open_repository
    from gitbot.web.server import serve
    from gitbot.web.views import Views

    repository = open_repository(around.here, around.env)  # what is wrong is better said now than on every page
    here = around.here
    views = Views(
        name=(repository.work_tree or repository.common).name,
        open=lambda: open_repository(here, around.env),
        into=into,
        env=around.env,
        check=lambda: checked(around, ()).check,
    )
    try:
        serve(views, port, _say)
    except KeyboardInterrupt:
        return 130
    return 0


def _say(address: str) -> None:
    console.data(address)
    console.talk("until Ctrl-C")
