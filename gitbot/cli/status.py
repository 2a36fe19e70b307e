"""`gitbot status`: where each branch is, and who will conflict with whom. Reads only, needs no set-up."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from gitbot.cli import Surroundings, console
from gitbot.errors import GitbotError, InputError
from gitbot.model.git import BranchName
from gitbot.monitor.look import Document, look
from gitbot.report.status import status_text
from gitbot.report.status_graph import graph_text
from gitbot.report.terminal import cut, printable
from gitbot.repository import glance_at, open_repository

if TYPE_CHECKING:
    from gitbot.model.gate import GateResult

PAUSE = 2.0  # seconds between two looks of --watch


@click.command("status")
@click.argument("branches", nargs=-1)
@click.option("--into", metavar="BRANCH", help="The target, instead of the configured one.")
@click.option("--watch", is_flag=True, help="Look again every two seconds, until Ctrl-C.")
@click.option("--graph", is_flag=True, help="Draw which branch stands on what, instead of the table.")
@click.option("--gate", is_flag=True, help="Run the gate on each tip that is not known yet.")
@click.option("-v", "--verbose", is_flag=True, help="Show the lines that collide.")
@click.option("--format", "form", type=click.Choice(["text", "json", "html"]), default="text")
@click.option("-o", "output", type=click.Path(dir_okay=False), metavar="FILE", help="Write the answer to FILE.")
@click.pass_obj
def command(
    around: Surroundings,
    branches: tuple[str, ...],
    into: str | None,
    watch: bool,
    graph: bool,
    gate: bool,
    verbose: bool,
    form: str,
    output: str | None,
) -> int:
    """Show BRANCHES; without any, every branch of a plan and of a linked work tree."""
    if watch and (form != "text" or output is not None or gate):
        given = "--gate" if gate else f"--format {form}" if form != "text" else "-o"
        hint = "`gitbot serve` is a live page, `gitbot watch` tells programs"
        raise InputError(f"--watch and {given} were given together", hint=hint)

    def seen() -> Document:
        whole = verbose or form == "html"
        return look(glance_at(around.here, around.env), branches, into, around.env, verbose=whole)

    def first() -> Document:
        with console.under_way("looking at the branches", around.env):
            return seen()

    draw = graph_text if graph else status_text
    document = _tested(around, into, first) if gate else first()
    for line in document["unreadable"]:
        console.talk(f"warning: {line}")
    for blind in document["unguarded"][:1]:
        more = f" and {len(document['unguarded']) - 1} more" if len(document["unguarded"]) > 1 else ""
        why = f"{blind['work_tree']}{more} are not guarded: {blind['why']}"
        console.talk(f"note: pushes from {why}; see `gitbot hook status`")
    if watch:
        return _watch(document, seen, draw, around)
    if form == "json":
        console.deliver(console.as_json(document), output)
    elif form == "html":
        from gitbot.report.status_page import status_html  # here: the templates take their time to load

        console.deliver(status_html(document), output)
    else:
        colour = output is None and console.coloured(around.env)
        console.deliver(draw(document, colour=colour, width=console.width()), output)
    return 0


def _tested(around: Surroundings, into: str | None, seen: Callable[[], Document]) -> Document:
    """What `seen` gives, with what the gate says of each tip that has work of its own."""
    from gitbot.monitor.tips import gate_of_tips, last_line, must_have_a_gate  # most looks do without
    from gitbot.planset import in_force

    repository = open_repository(around.here, around.env)
    force = in_force(repository, into, around.env.get("GITBOT_CONFIG"))
    must_have_a_gate(force)
    document = seen()
    tips = {one["branch"]: one["tip"] for one in document["branches"] if one["state"] not in ("landed", "idle")}

    with _gates_shown(around.env) as tell:
        results = gate_of_tips(repository, force, tips, around.env, tell)
    for name, result in results.items():
        one = next(one for one in document["branches"] if one["branch"] == name)
        shown = ("verdict", "seconds", "tests", "gate", "failing", "finished")
        one["gate"] = {key: getattr(result, key) for key in shown} | {"said": last_line(repository, result)}
    return document


@contextmanager
def _gates_shown(env: Mapping[str, str]) -> Iterator[Callable[[BranchName, GateResult | None], None]]:
    """Takes who is tested, shown on a terminal with the time since when, and what came of it."""
    from gitbot.cli.progress import screen_for, size

    screen, tested = screen_for(env), dict[BranchName, str]()

    def tell(name: BranchName, result: GateResult | None) -> None:
        if result is None:
            tested[name] = time.strftime("%H:%M:%S")
        else:
            del tested[name]
            if screen is not None:
                screen.draw([])
            console.talk(f"gate: {name} {result.verdict} ({result.seconds:.1f} s)")
        if screen is not None:
            lines = [f"gate: testing {printable(name)} since {since}" for name, since in tested.items()]
            columns, rows = size()
            screen.draw([(cut(line, columns - 1), 36) for line in lines[: rows - 1]])

    try:
        yield tell
    finally:
        if screen is not None:
            screen.draw([])


def _watch(document: Document, again: Callable[[], Document], draw: Callable[..., str], around: Surroundings) -> int:
    """Show what `again` gives again and again, in place on a terminal, until somebody interrupts it."""
    from gitbot.cli.progress import screen_for

    screen = screen_for(around.env, whole=True) if sys.stdout.isatty() else None
    shown = trouble = ""
    try:
        while True:
            text = trouble + draw(document, colour=False, width=console.width())
            if screen is not None:
                screen.draw(_fitted(text))
            elif text != shown:
                console.data(text)
            shown = text
            time.sleep(PAUSE)
            try:
                document, trouble = again(), ""
            except GitbotError as wrong:  # somebody may mend it; until then the picture is that of before
                said = (f"error: {wrong.message}", *([f"hint: {wrong.hint}"] if wrong.hint else []))
                trouble = "".join(f"{printable(line)}\n" for line in said)
    except KeyboardInterrupt:
        return 130
    finally:
        if screen is not None:
            screen.draw([])
            console.data(shown)  # what was seen last stays


def _fitted(text: str) -> list[tuple[str, int]]:
    """The lines that the terminal has room for, the first one bold."""
    from gitbot.cli.progress import size

    columns, rows = size()
    lines = text.splitlines()
    if len(lines) > rows - 1:
        lines[rows - 2 :] = [f"… {len(lines) - rows + 2} more lines: gitbot status"]
    return [(cut(line, columns - 1), int(not number)) for number, line in enumerate(lines)]
