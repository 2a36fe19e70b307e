"""The manual page, made of what the commands say of themselves: `python -m tests.cli.man_page` writes docs/man/."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import click

from gitbot.cli import gitbot
from tests.conftest import ROOT

PAGE = ROOT / "docs" / "man" / "git-bot.1"
_AFTER = r""".SH EXIT STATUS
.TP
.B 0
done, nothing needs attention
.TP
.B 1
done, and something needs attention
.TP
.B 2
bad usage or bad input, nothing was done
.TP
.B 3
the target is red by itself, nothing more was landed
.TP
.B 4
going on would have been a risk, nothing more was changed
.TP
.B 70
a bug in gitbot; a file with versions and traceback is named
.TP
.B 130
interrupted; the same command goes on from there
.SH FILES
.TP
.I gitbot.toml
the configuration, at the top of the repository on the target;
.B gitbot config show
prints what is in force
.TP
.I refs/gitbot/
runs, results, events and leases, as blobs and trees
.SH ENVIRONMENT
.TP
.B GITBOT_CONFIG
a file to be used instead of gitbot.toml
.TP
.B NO_COLOR
no colours, whatever is on the other end
.SH SEE ALSO
.BR git (1),
.BR git-worktree (1),
.BR githooks (5)
"""


def page() -> str:
    """The whole page in the language of man(7)."""
    top = click.Context(gitbot, info_name="gitbot")
    lines = [
        '.TH GIT\\-BOT 1 "" gitbot',
        ".SH NAME",
        "git\\-bot, gitbot \\- check the plans of parallel coding agents, and land their branches",
        ".SH SYNOPSIS",
        ".B gitbot",
        said(" ".join(gitbot.collect_usage_pieces(top))),
        ".SH DESCRIPTION",
        said(gitbot.help or ""),
        "The same commands are there as",
        ".BR git\\ bot .",
        *_options(gitbot, top),
        ".SH COMMANDS",
    ]
    for name in gitbot.list_commands(top):
        command = gitbot.get_command(top, name)
        assert command is not None
        lines += _described(command, click.Context(command, info_name=name, parent=top))
    return "\n".join(lines) + "\n" + _AFTER


def _described(command: click.Command, context: click.Context) -> Iterator[str]:
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    yield f".SS {said(usage)}"
    for number, paragraph in enumerate(inspect.cleandoc(command.help or "").split("\n\n")):
        yield from (".PP", said(paragraph)) if number else (said(paragraph),)
    yield from _options(command, context)
    if isinstance(command, click.Group):
        for name, inner in sorted(command.commands.items()):
            yield from _described(inner, click.Context(inner, info_name=name, parent=context))


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    for param in command.params:
        record = param.get_help_record(context)
        if record is not None and isinstance(param, click.Option):
            yield from (".TP", f".B {said(record[0])}", said(record[1]) or "\\&")


def said(text: str) -> str:
    """One line of text that troff takes as it stands."""
    line = " ".join(text.split()).replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{line}" if line.startswith((".", "'")) else line


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
