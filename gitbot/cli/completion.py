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
from gitbot.cli.hook import HOOKS
from gitbot.errors import GitbotError
from gitbot.journal import runs
from gitbot.planset import in_force, in_force_plans
from gitbot.preflight import RULES
from gitbot.repository import Repository, glance_at, refs

# The names of strangers come to stand on a command line: only those that every shell takes as they are.
_HARMLESS = re.compile(r"\w[\w./+@=-]*")
# bash parts a line at = and : and @ too, and puts what is offered behind the last of them, or in place of an @.
_BASH = r"""
_gitbot_completion() {
    local IFS=$'\n' rest=$COMP_LINE words=() at type value completion prefix= breaks=${COMP_WORDBREAKS//[^=@:]/}
    for ((at = 0; at <= COMP_CWORD; at++)); do
        if [[ $at == 0 || $rest == [[:blank:]]* ]]; then
            words+=("")
            rest=${rest#"${rest%%[![:blank:]]*}"}
        fi
        words[-1]+=${COMP_WORDS[at]}
        rest=${rest#"${COMP_WORDS[at]}"}
    done
    for ((at = 1; at < ${#words[@]}; at++)); do
        if [[ ${words[0]} == git && ${words[at]} == bot ]]; then
            words=(gitbot "${words[@]:at + 1}")
        fi
    done
    [[ $breaks ]] && prefix=${words[-1]%"${words[-1]##*[$breaks]}"}
    prefix=${prefix%@}
    COMPREPLY=()
    for completion in $(env COMP_WORDS="${words[*]}" COMP_CWORD=$((${#words[@]} - 1)) \
        _GITBOT_COMPLETE=bash_complete gitbot); do
        IFS=',' read -r type value <<< "$completion"
        case $type in
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
            plain) COMPREPLY+=("${value#"$prefix"}") ;;
        esac
    done
}
_git_bot() { _gitbot_completion; }
complete -o nosort -F _gitbot_completion gitbot git-bot
"""
# fish itself knows the commands that others add to git in some versions only.
_FISH = """
complete --no-files --command git-bot --arguments "(_gitbot_completion)"
function _gitbot_after_git
    set -l words (commandline -opc)
    set -l at (contains -i -- bot $words)
    complete -C (string join ' ' -- gitbot (string escape -- $words[$at..-1])[2..-1] (commandline -ct))
end
complete --command git --condition __fish_git_needs_command --arguments bot --description 'Land branches of agents'
complete --no-files --command git --condition '__fish_git_using_command bot' --arguments '(_gitbot_after_git)'
"""
_SHELLS = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}


@click.command("completion")
@click.argument("shell", type=click.Choice([*_SHELLS]))
@click.pass_obj
def command(around: Surroundings, shell: str) -> int:
    """Print the script by which SHELL completes commands, options, and the names of branches, plans and runs.

    For bash: eval "$(gitbot completion bash)" in ~/.bashrc. For zsh the same with zsh, after compinit. For fish:
    gitbot completion fish > ~/.config/fish/conf.d/gitbot.fish
    """
    script = _SHELLS[shell](click.Group(), {}, "gitbot", "_GITBOT_COMPLETE").source()
    if shell == "bash":
        script = _BASH
    elif shell == "zsh":
        script = re.sub(r"(compdef .*gitbot)$", r"\1 git-bot", script, flags=re.MULTILINE)
        script += "_git-bot() { _gitbot_completion }\n"
    else:  # a description may have commas in it
        script = script.replace('split ","', 'split --max 1 ","') + _FISH
    console.data(script.replace(" gitbot)", " gitbot 2>/dev/null)"))  # Ctrl-C before the names are there is no error
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
    "RULE": lambda repository: RULES,
    "HOOK": lambda repository: HOOKS,
    "RUN": lambda repository: ("last", *runs.runs(repository)),
}
_PATHS = ("PATH", "FILE", "DIR")


def teach(command: click.Command, ctx: click.Context) -> None:
    """Have the parameters of a command complete names, in the folder that `-C` before it leads to."""
    for below in command.commands.values() if isinstance(command, click.Group) else ():
        teach(below, ctx)
    for param in command.params:
        word = param.make_metavar(ctx).strip("[].…")
        if word in _PATHS:
            param.type = click.Path(file_okay=word != "DIR")
        elif word in _BY_WORD:
            param.type = _Names(word, _BY_WORD[word], ctx.find_root().params.get("path") or ())
