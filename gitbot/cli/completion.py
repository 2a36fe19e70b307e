"""`gitbot completion`: the script for a shell, and the names of branches, plans and runs for what takes one.

What a parameter takes is told by the word that stands for it in its help, so that a new command has it from the
start. Names are read and nothing is computed; whatever goes wrong offers no name and says nothing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable

import click
from click.shell_completion import BashComplete, CompletionItem, FishComplete, ZshComplete

from gitbot.cli import Surroundings, console
from gitbot.errors import GitbotError
from gitbot.journal import runs
from gitbot.planset import in_force, in_force_plans
from gitbot.repository import Repository, glance_at, refs

# The names of strangers come to stand on a command line: only those that every shell takes as they are.
_HARMLESS = re.compile(r"\w[\w./+@=-]*")
_SHELLS = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}


@click.command("completion")
@click.argument("shell", type=click.Choice([*_SHELLS]))
@click.pass_obj
def command(around: Surroundings, shell: str) -> int:
    """Print the script by which SHELL completes commands, options, and the names of branches, plans and runs.

    For bash: eval "$(gitbot completion bash)" in ~/.bashrc. For zsh the same with zsh, after compinit. For fish:
    gitbot completion fish > ~/.config/fish/completions/gitbot.fish
    """
    console.data(_SHELLS[shell](click.Group(), {}, "gitbot", "_GITBOT_COMPLETE").source())
    return 0


class _Names(click.ParamType[str]):
    """Names of one kind in this repository."""

    def __init__(self, name: str, read: Callable[[Repository], Iterable[str]], path: Iterable[str]) -> None:
        self.name, self._read, self._path = name, read, tuple(path)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Those that begin as what was typed; without a repository none."""
        try:
            for folder in self._path:
                os.chdir(folder)
            around = Surroundings()
            found = self._read(glance_at(around.here, around.env))
            fitting = {name for name in found if name.startswith(incomplete) and _HARMLESS.fullmatch(name)}
        except (GitbotError, OSError):
            return []
        return [CompletionItem(name) for name in sorted(fitting)]


def _plans(repository: Repository) -> list[str]:
    force = in_force(repository, None, os.environ.get("GITBOT_CONFIG"))
    return [plan.id for plan in in_force_plans(repository, force.target, force.config, kept=True).plans]


_BY_WORD: dict[str, Callable[[Repository], Iterable[str]]] = {
    "BRANCH": refs.branches,
    "BRANCHES": refs.branches,
    "B": refs.branches,
    "PLAN": _plans,
    "ID": _plans,
    "RUN": lambda repository: ("last", *runs.runs(repository)),
}


def teach(command: click.Command, ctx: click.Context) -> None:
    """Have the parameters of a command complete names, in the folder that `-C` before it leads to."""
    for param in command.params:
        word = param.make_metavar(ctx).strip("[].")
        if word in _BY_WORD:
            param.type = _Names(word, _BY_WORD[word], ctx.find_root().params.get("path") or ())
