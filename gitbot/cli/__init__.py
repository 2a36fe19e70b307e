"""The command line: one file per command, each parses, calls, prints and gives an exit code.

The only room that prints, and the only one that looks at the environment: it takes one snapshot and hands it down.
Data goes to stdout, talk to stderr. Command modules are imported when they are called, so that a hook starts fast.
"""

from __future__ import annotations

import errno
import importlib
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click

from gitbot import __version__
from gitbot.cli import console
from gitbot.errors import GitbotError, InputError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_FIRST = {
    "status": "where each branch is, and who will conflict with whom",
    "check": "plans, before anything runs: overlaps, order, phases",
    "integrate": "merge, test and land finished branches",
    "undo": "take a run of integrate back",
    "demo": "see all of it on a small repository, in a minute",
}
_MORE = {
    "init": "write gitbot.toml for this repository",
    "brief": "what to hand each agent, and the one message that starts them all",
    "hook": "install, remove or run the git hooks that guard ownership",
    "guard": "may this branch touch these paths?",
    "emit": "tell other agents that something has happened",
    "wait": "until others have told that, or have made a commit",
    "events": "what was told so far",
    "serve": "status, runs and plans as live pages, for this machine",
    "mcp": "tools for agents over the Model Context Protocol",
    "approve": "a person's yes to what a branch changes",
    "runs": "earlier runs of integrate",
    "tidy": "remove branches and work trees that have landed",
    "start": "a branch, a work tree and a command for each agent",
    "watch": "land branches as they become ready, as a service",
    "replay": "past merges of this repository: what people did, what gitbot would have done",
    "doctor": "what here works, and what needs attention",
    "config": "the configuration in force, and where each key comes from",
    "completion": "the script for bash, zsh or fish that completes names",
}


# What the machine refuses is no bug of ours: a full disk, no permission, a read-only file system, broken hardware.
_MACHINE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO, errno.EMFILE})


class Commands(click.Group):
    """The commands by name; a module is imported when its command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All of them, the first day's first."""
        return [*_FIRST, *_MORE]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, or None for an unknown name."""
        if cmd_name not in _FIRST and cmd_name not in _MORE:
            return None
        command: click.Command = importlib.import_module(f"gitbot.cli.{cmd_name}").command
        if ctx.resilient_parsing:  # a shell asks how the line goes on
            from gitbot.cli.completion import teach

            teach(command, ctx)
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Commands and options that begin so; none is imported for it."""
        from click.shell_completion import CompletionItem  # here and not above: a hook has to start fast

        options = click.Command.shell_complete(self, ctx, incomplete)
        known = (_FIRST | _MORE).items()
        return [CompletionItem(name, help=text) for name, text in known if name.startswith(incomplete)] + options

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does it, with the nearest name where there is no such command.

        Raises:
            InputError: no command has this name.
        """
        if args and self.get_command(ctx, args[0]) is None and not ctx.resilient_parsing:
            import difflib  # here and not above: a hook has to start fast

            near = difflib.get_close_matches(args[0], self.list_commands(ctx), n=1)
            hint = f"did you mean `gitbot {near[0]}`?" if near else "gitbot --help lists the commands"
            raise InputError(f"no such command: {args[0]}", hint=hint)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Two sections: what one needs on the first day, and more."""
        for title, commands in (("Commands", _FIRST), ("More", _MORE)):
            with formatter.section(title):
                formatter.write_dl(list(commands.items()))


@dataclass(slots=True)
class Surroundings:
    """What a command may know of the process it runs in."""

    env: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))

    @property
    def here(self) -> Path:
        """The current folder.

        Raises:
            InputError: it was taken away, as a work tree is whose branch has landed.
        """
        try:
            return Path.cwd()
        except FileNotFoundError:
            hint = "go to one that is, or name the repository: gitbot -C PATH …"
            raise InputError("the current folder is no longer there", hint=hint) from None


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="gitbot")
@click.option("-C", "path", metavar="PATH", type=click.Path(), multiple=True, help="Run as if started in PATH.")
@click.pass_context
def gitbot(ctx: click.Context, path: tuple[str, ...]) -> None:
    """Land the branches of parallel coding agents: main never red, no work lost."""
    for one in path:
        try:
            os.chdir(one)
        except OSError as refused:
            raise InputError(f"-C {one}: {refused.strerror}") from None
    ctx.obj = Surroundings()


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line and give its exit code (docs/exit-codes.md); never a traceback for a user's mistake."""
    console.make_streams_ready()
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup wants it so
            signal.signal(number, _terminated)
    try:
        code = gitbot.main(args=None if argv is None else list(argv), prog_name="gitbot", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except GitbotError as error:
        console.complain(error.message, error.hint)
        return error.exit_code
    except click.exceptions.NoArgsIsHelpError as wanted:
        click.echo(wanted.format_message(), err=True)
        return 2
    except click.ClickException as wrong:
        hint = f"{wrong.ctx.command_path} --help" if isinstance(wrong, click.UsageError) and wrong.ctx else None
        console.complain(wrong.format_message(), hint)
        return 2
    except (click.Abort, KeyboardInterrupt):
        return _interrupted()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains while it ends
        return 0
    except OSError as refused:
        words = refused.strerror or str(refused)  # libgit2's have no number
        if refused.errno not in _MACHINE and not any(words.endswith(os.strerror(number)) for number in _MACHINE):
            return console.crash(refused)
        where = f"{refused.filename}: " if refused.filename else ""
        console.complain(f"{where}{words}", "nothing is lost; mend that, then run the same command again")
        return 4
    except Exception as bug:
        # Python 3.11 wraps whatever is raised while a class is made: a signal that comes during an import.
        return _interrupted() if isinstance(bug.__cause__, KeyboardInterrupt) else console.crash(bug)


def _interrupted() -> int:
    console.complain("interrupted", "run the same command again, it goes on from here")
    return 130


def _terminated(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
