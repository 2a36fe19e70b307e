"""`gitbot guard`: may this branch touch these paths? Asked before a file is written rather than when it is pushed."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gitbot.cli import console
from gitbot.errors import InputError, UnknownBranchError
from gitbot.guard.enforcement import Answer, Mine, checked_out, enforcement
from gitbot.model.git import RefName
from gitbot.report.terminal import printable
from gitbot.repository import Repository, open_repository, refs

if TYPE_CHECKING:
    from gitbot.cli import Surroundings


@click.command()
@click.argument("paths", metavar="PATH…", nargs=-1, type=click.UNPROCESSED)
@click.option("--stdin", "from_stdin", is_flag=True, help="Read more paths from standard input, one a line.")
@click.option("--branch", metavar="B", help="Ask for this branch; default: the one checked out here.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_obj
def command(around: Surroundings, paths: tuple[str, ...], from_stdin: bool, branch: str | None, form: str) -> int:
    """May this branch touch these paths? 0 when it may touch all of them, 1 when not."""
    if from_stdin:
        text = sys.stdin.buffer.read().decode("utf-8", "surrogateescape")
        paths = (*paths, *(line.removesuffix("\r") for line in text.split("\n") if line.strip()))
    if not paths:
        raise InputError("no path to ask for", hint="gitbot guard PATH…, or --stdin")
    repository = open_repository(around.here, around.env)
    name = branch or checked_out(repository)
    tip = refs.read(repository, RefName(f"{refs.HEADS}{name}"))
    force = enforcement(repository, "origin", around.env.get("GITBOT_CONFIG"))
    mine = force.mine(name, tip, force.changes(tip) if tip else ()) if force and name else Mine()
    if branch is not None and tip is None and not mine.plans:
        raise UnknownBranchError(f"{branch} is no branch here, nor any plan's", hint="see `git branch --list`")
    for note in (*(force.notes if force else ()), *mine.notes):
        console.talk(f"warning: {note}")
    known = [_in_repository(repository, around.here, path) for path in paths]
    said = force.answers(mine, tip, filter(None, known)) if force else ()
    drift = {answer.path: answer for answer in said}
    found = [
        drift.get(path, Answer(path, "own" if mine.plans else "free"))
        if path
        else Answer(given, "outside", False, f"{given} is outside of the repository")
        for given, path in zip(paths, known, strict=True)
    ]
    if form == "json":
        plans = [plan.id for plan in mine.plans]
        answers = [_as_json(answer) for answer in found]
        console.document({"schema": "gitbot.guard/1", "branch": name, "plans": plans, "paths": answers})
    else:
        lines = (f"{'yes' if answer.allowed else 'no '} {answer.text or answer.path}" for answer in found)
        console.data("\n".join(map(printable, lines)))
    return 0 if all(answer.allowed for answer in found) else 1


def _in_repository(repository: Repository, here: Path, given: str) -> str | None:
    """The path as git has it, or None outside of the work tree. A link at its end is the path itself."""
    if repository.work_tree is None:
        return given
    whole = Path(os.path.normpath(here / given))
    whole = Path(os.path.realpath(whole.parent), whole.name)
    top = Path(os.path.realpath(repository.work_tree))
    if not whole.is_relative_to(top) or whole == top or whole.relative_to(top).parts[0] == ".git":
        return None
    return whole.relative_to(top).as_posix()


def _as_json(answer: Answer) -> dict[str, object]:
    trespass = answer.trespass
    claim = trespass and {
        "owner": trespass.owner,
        "pattern": trespass.claim.pattern if trespass.claim else None,
        "path": trespass.owner_path,
        "line": trespass.claim.line if trespass.claim else None,
        "declared": trespass.declared,
    }
    return {name: getattr(answer, name) for name in ("path", "allowed", "kind", "text")} | {"claim": claim}
