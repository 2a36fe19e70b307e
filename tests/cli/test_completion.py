"""`gitbot completion`: what a shell offers, and that no name of a stranger becomes a command."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import BashComplete

from gitbot.cli import gitbot, main
from gitbot.preflight import RULES
from tests.conftest import Sandbox, SandboxMaker, step
from tests.scenarios.beginnings import plan

HOSTILE = ("agent-$(touch${IFS}x)", "agent-;x", "agent-`x`", "agent-'x", "agent-a&x", "agent-a,x", "agent-\u202ex")


@pytest.fixture
def box(sandbox: SandboxMaker, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    plans = {"plans/parser.md": plan("parser", "src/**"), "plans/odd.md": plan("'o; d*'", "odd/**")}
    made = sandbox(step("main", plans), *(step(name, {"x": name}) for name in ("agent-a", "agent/b", *HOSTILE)))
    monkeypatch.chdir(made.path)
    return made


def offered(*line: str) -> list[str]:
    """What may stand for the last word of a line that begins with `gitbot`."""
    asked = BashComplete(gitbot, {}, "gitbot", "_GITBOT_COMPLETE")
    return [str(item.value) for item in asked.get_completions(list(line[:-1]), line[-1])]


@pytest.mark.parametrize(
    "line",
    [
        *(("integrate", ""), ("integrate", "--into", ""), ("status", ""), ("status", "agent-a", ""), ("approve", "")),
        *(("guard", "--branch", ""), ("tidy", ""), ("watch", "--urgent", ""), ("wait", "--branch", "")),
    ],
)
def test_what_takes_a_branch_is_offered_branches_that_need_no_quotes(box: Sandbox, line: tuple[str, ...]) -> None:
    assert offered(*line) == ["agent-a", "agent/b", "main"]


@pytest.mark.parametrize("line", [("brief", "--plan", ""), ("wait", "--from", ""), ("emit", "--plan", "p")])
def test_what_takes_a_plan_is_offered_plans(box: Sandbox, line: tuple[str, ...]) -> None:
    assert offered(*line) == ["parser"]


def test_runs_commands_and_options_are_offered(box: Sandbox) -> None:
    assert offered("undo", "") == ["last"]
    assert offered("start", "--retry", "l") == ["last"]
    assert offered("in") == ["integrate", "init"]
    assert offered("--ver") == ["--version"]
    assert offered("hook", "un") == ["uninstall"]
    assert offered("status", "--in") == ["--into"]
    assert set(offered("check", "--explain", "")) == set(RULES)
    assert offered("hook", "run", "pre-p") == ["pre-push"]


@pytest.mark.parametrize(
    ("line", "kind"),
    [("integrate --plans ", "file"), ("guard x/", "file"), ("demo --keep ", "dir"), ("start --trees ", "dir")],
)
def test_what_takes_a_path_leaves_paths_to_the_shell(line: str, kind: str) -> None:
    *before, last = line.split(" ")
    (item,) = BashComplete(gitbot, {}, "gitbot", "_GITBOT_COMPLETE").get_completions(before, last)
    assert (item.type, item.value) == (kind, last)


def test_minus_c_leads_to_the_branches_of_another_repository(
    box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert offered("-C", str(box.path), "-C", ".git", "integrate", "agent/") == ["agent/b"]


def test_where_nothing_can_be_read_nothing_is_offered_or_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert offered("integrate", "") == []
    assert offered("-C", "nowhere", "integrate", "") == []
    assert offered("wait", "--from", "") == []
    assert offered("no-such-command", "x") == []
    assert capfd.readouterr() == ("", "")


def test_bash_itself_completes_a_branch(box: Sandbox, tmp_path: Path) -> None:
    program = tmp_path / "bin" / "gitbot"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m gitbot "$@"\n')
    program.chmod(0o755)
    box.git("branch", "fix=1@x")
    script = """
        eval "$(gitbot completion bash)"
        asked() { COMP_LINE=$1 COMP_CWORD=$(($# - 2)) COMP_WORDS=("${@:2}"); }
        asked 'gitbot integrate agent' gitbot integrate agent; _gitbot_completion
        printf '%s\\n' "${COMPREPLY[@]}"
        asked 'gitbot integrate fix=1' gitbot integrate fix = 1; _gitbot_completion; echo "$COMPREPLY"
        asked 'gitbot integrate fix=1@' gitbot integrate fix = 1 @; _gitbot_completion; echo "$COMPREPLY"
        asked 'gitbot status --into=agent/' gitbot status --into = agent/; _gitbot_completion; echo "$COMPREPLY"
        asked 'git -C . bot integrate agent/' git -C . bot integrate agent/; _git_bot; echo "$COMPREPLY"
        asked 'git bot ini' git bot ini; _git_bot; echo "$COMPREPLY"
        asked 'git-bot brief --plan ' git-bot brief --plan ''; _gitbot_completion; echo "$COMPREPLY"
        complete -p gitbot git-bot
    """
    env = {**box.env, "PATH": f"{program.parent}:{box.env['PATH']}"}
    done = subprocess.run(
        ["bash", "--norc", "-c", script], cwd=box.path, env=env, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        *("agent-a", "agent/b"),
        *("1@x", "@x", "agent/b", "agent/b", "init", "parser"),
        *(f"complete -o nosort -F _gitbot_completion {name}" for name in ("gitbot", "git-bot")),
    ]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_a_script_of_its_own(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert f"_GITBOT_COMPLETE={shell}_complete" in script
    assert "git-bot" in script
    assert "gitbot 2>/dev/null)" in script, "Ctrl-C before an answer is there says nothing"
    assert (shell == "fish") is (
        "--condition '__fish_git_using_command bot' --arguments '(_gitbot_after_git)'" in script
    )


def test_another_shell_is_bad_usage() -> None:
    assert main(["completion", "tcsh"]) == 2
