"""The manual page says what the commands say of themselves, and what is shipped is where man(1) looks for it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator

import click
import pytest

from gitbot.cli import gitbot
from tests.cli.man_page import PAGE, said
from tests.conftest import ROOT

TEXT = PAGE.read_text(encoding="utf-8")
AGAIN = "write it anew: python -m tests.cli.man_page"


def every(command: click.Command = gitbot, path: str = "gitbot") -> Iterator[tuple[str, click.Command]]:
    """All commands by the words that call them."""
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from every(inner, f"{path} {name}")


COMMANDS = dict(every())


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_and_option_is_in_the_page_with_its_help(path: str) -> None:
    command = COMMANDS[path]
    title = "SH DESCRIPTION" if command is gitbot else f"SS {said(path)}"
    heading = re.search(rf"^\.{title}(?= |$)", TEXT, re.MULTILINE)
    assert heading is not None, AGAIN
    section = re.split(r"^\.S[HS] ", TEXT[heading.end() :], maxsplit=1, flags=re.MULTILINE)[0]
    for paragraph in (command.help or "").split("\n\n"):
        assert said(paragraph) in section, AGAIN
    for option in (param for param in command.params if isinstance(param, click.Option)):
        assert f".B {said(option.opts[0])}" in section or f", {said(option.opts[-1])}" in section, AGAIN
        assert said(option.help or "") in section, AGAIN


def test_no_command_in_the_page_is_gone() -> None:
    headings = re.findall(r"^\.SS (gitbot(?: [a-z]+)+)", TEXT, re.MULTILINE)
    assert headings == list(COMMANDS)[1:], AGAIN


def test_a_wheel_has_the_page_under_both_names_of_the_program() -> None:
    build = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]
    shipped = build["targets"]["wheel"]["shared-data"]
    assert shipped == {f"docs/man/{name}.1": f"share/man/man1/{name}.1" for name in ("git-bot", "gitbot")}
    assert (ROOT / "docs" / "man" / "gitbot.1").read_text(encoding="utf-8") == ".so man1/git-bot.1\n"
