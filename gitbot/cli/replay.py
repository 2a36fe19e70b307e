"""`gitbot replay`: this repository's own past merges, and what gitbot would have done. Reads only."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from gitbot.cli import Surroundings, console
from gitbot.errors import UnknownBranchError
from gitbot.landing.examine import additive_paths
from gitbot.landing.replay import replay
from gitbot.merge.rungs import Manner
from gitbot.planset import in_force, in_force_plans
from gitbot.report.replay import replay_document, replay_html, replay_text
from gitbot.repository import open_repository
from gitbot.repository.temporary import temporary_folder


@click.command("replay")
@click.option("--last", type=click.IntRange(min=1), default=200, show_default=True, help="How many merges.")
@click.option("--into", metavar="BRANCH", help="The branch whose merges are meant, instead of the configured target.")
@click.option("--accept-both", "manner", type=click.Choice(["careful", "bold"]), help="How much it may dare.")
@click.option("--format", "form", type=click.Choice(["text", "json", "html"]), default="text", show_default=True)
@click.option("-o", "output", type=click.Path(dir_okay=False), metavar="FILE", help="Write the answer to FILE.")
@click.pass_obj
def command(
    around: Surroundings, last: int, into: str | None, manner: str | None, form: str, output: str | None
) -> int:
    """Make the latest merges again: which conflicted, what people did, what gitbot would have done.

    Nothing is written to the repository, and no test is run.
    """
    repository = open_repository(around.here, around.env)
    if repository.is_empty:
        raise UnknownBranchError("this repository has no commit yet", hint="commit something first")
    force = in_force(repository, into, around.env.get("GITBOT_CONFIG"))
    additive = additive_paths(force.config, in_force_plans(repository, force.target, force.config))
    chosen = Manner(manner or force.config.integrate.accept_both)
    seen = sys.stderr.isatty() and around.env.get("TERM") != "dumb"

    def progress(done: int) -> None:
        print(f"\r{done} of at most {last} merges …" * seen, end="", file=sys.stderr, flush=True)

    with temporary_folder() as folder:
        found = replay(repository, force.target, last, chosen, additive, Path(folder, "scratch"), progress)
    print("\r\x1b[K" * seen, end="", file=sys.stderr, flush=True)
    if form == "json":
        text = "".join(console.as_json(replay_document(found)))
    else:
        text = replay_html(found) if form == "html" else replay_text(found, width=console.width())
    console.deliver(text, output)
    return 0
