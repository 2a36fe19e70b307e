"""Bad usage and bad input: exit 2, one message with a way out, and not a byte written."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.conftest import Ran, Sandbox, SandboxMaker, step
from tests.scenarios.beginnings import base

GATE = ("--gate", "true")


def refused(box: Sandbox, *arguments: str) -> str:
    """What it says when it leaves with 2 and has written nothing."""
    with box.watched(dry=True):
        ran = box.gitbot("integrate", *arguments)
    return said(ran)


def said(ran: Ran) -> str:
    assert (ran.code, ran.out) == (2, "")
    return ran.err


@pytest.fixture
def box(sandbox: SandboxMaker) -> Sandbox:
    return sandbox(base(), step("agent-a", {"x.txt": "x\n"}), step("agent-b", {"y.txt": "y\n"}))


def test_an_unknown_branch_is_refused_with_the_nearest_name_before_anything_lands(box: Sandbox) -> None:
    assert refused(box, "agent-a", "agnet-b", *GATE) == (
        "error: there is no branch 'agnet-b'\nhint: did you mean agent-b?\n"
    )


def test_a_pattern_without_a_match_is_refused(box: Sandbox) -> None:
    assert refused(box, "worker-*", *GATE) == (
        "error: no branch matches 'worker-*'\nhint: git branch --list --all shows what there is\n"
    )


def test_a_pattern_that_the_shell_turned_into_a_file_gets_the_hint_to_quote(box: Sandbox) -> None:
    (box.path / "agent-notes.txt").write_text("mine\n")
    assert refused(box, "agent-notes.txt", *GATE) == (
        "error: 'agent-notes.txt' is no branch but a file here: the shell may have replaced your pattern\n"
        "hint: quote the pattern: gitbot integrate 'agent-*'\n"
    )


def test_the_target_itself_is_no_branch_to_land(box: Sandbox) -> None:
    assert refused(box, "main", *GATE).startswith("error: 'main' is the target itself\n")


@pytest.mark.parametrize(
    ("arguments", "first"),
    [
        (("agent-a",), "error: no integration tests are configured, and nothing lands untested"),
        (("agent-a", "--strategy", "rebase,ours", *GATE), "error: --strategy: 'ours' is none"),
        (("agent-a", "--into", "trunk", *GATE), "error: the target 'trunk' is no branch here"),
        ((*GATE,), "error: no branch named"),
        (("agent-a", "--worktrees", *GATE), "error: branches and --worktrees were both given"),
        (("--worktrees", *GATE), "error: no linked work tree has a branch checked out"),
        (("agent-a", "--gate-timeout", "0", *GATE), "error: Invalid value for '--gate-timeout'"),
        (("agent-a", "--frobnicate"), "error: No such option"),
    ],
)
def test_bad_usage_is_refused_and_nothing_is_written(box: Sandbox, arguments: tuple[str, ...], first: str) -> None:
    assert refused(box, *arguments).startswith(first)


def test_without_an_identity_nothing_is_started(box: Sandbox, tmp_path: Path) -> None:
    (tmp_path / ".gitconfig").write_text("[user]\n\tuseConfigOnly = true\n")
    ran = box.gitbot("integrate", "agent-a", *GATE, env={"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)})
    assert said(ran).startswith("error: git does not know who you are")
    assert box.git("for-each-ref", "refs/gitbot") == ""


def test_plans_that_are_not_there_are_refused(box: Sandbox) -> None:
    with box.watched():
        ran = box.gitbot("integrate", "agent-a", "--plans", "nowhere", *GATE)
    assert said(ran).startswith("error: nowhere: no such file or folder")
    assert box.git("for-each-ref", "refs/gitbot") == ""


def test_a_repository_without_commits_is_refused(sealed_env: dict[str, str], tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], env=sealed_env, check=True)
    ran = Sandbox(tmp_path, sealed_env).gitbot("integrate", "agent-a", *GATE)
    assert said(ran).startswith("error: this repository has no commit yet\n")


def test_outside_a_repository_it_says_so(sealed_env: dict[str, str], tmp_path: Path) -> None:
    ran = Sandbox(tmp_path, sealed_env).gitbot("integrate", "agent-a", *GATE)
    assert said(ran).startswith(f"error: {tmp_path} is not inside a git repository\n")


def test_a_sha256_repository_is_refused_by_name(sealed_env: dict[str, str], tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", "--object-format=sha256", str(tmp_path)], env=sealed_env, check=True)
    ran = Sandbox(tmp_path, sealed_env).gitbot("integrate", "agent-a", *GATE)
    assert "object format is sha256" in said(ran)


# Configuration


def configured(sandbox: SandboxMaker, text: str, **more: str) -> Sandbox:
    return sandbox(base({"gitbot.toml": text, **more}), step("agent-a", {"x.txt": "x\n"}))


def test_an_unknown_key_is_refused_with_the_nearest_name(sandbox: SandboxMaker) -> None:
    box = configured(sandbox, '[gate]\ncomand = "true"\n')
    assert refused(box, "agent-a") == (
        f"error: main at {box.tip('main')[:7]}: gitbot.toml: unknown key `gate.comand`\n"
        "hint: did you mean `gate.command`?\n"
    )


def test_two_configurations_are_refused(sandbox: SandboxMaker) -> None:
    box = sandbox(
        base({"gitbot.toml": "", "pyproject.toml": '[tool.gitbot]\ntarget = "main"\n'}),
        step("agent-a", {"x.txt": "x\n"}),
    )
    assert "both gitbot.toml and [tool.gitbot] in pyproject.toml configure gitbot" in refused(box, "agent-a")


def test_only_the_targets_own_configuration_counts(sandbox: SandboxMaker) -> None:
    """Neither the branch's, which could give itself rights, nor an edited file; the latter is said."""
    box = sandbox(
        base({"gitbot.toml": '[gate]\ncommand = "sh gate.sh"\n'}),
        step("agent-a", {"bad.txt": "BROKEN\n", "gitbot.toml": '[gate]\ncommand = "true"\n'}),
    )
    ran = box.integrate("agent-a", gate="")
    assert ran.outcomes == {"agent-a": "set-aside: gate"}
    (box.path / "gitbot.toml").write_text('[gate]\ncommand = "true"\n')
    ran = box.integrate("agent-a", gate="")
    assert ran.err.startswith("note: gitbot.toml in the work tree is edited; the one on main is in force\n")


def test_a_fresh_configuration_in_the_work_tree_counts_until_one_is_committed(sandbox: SandboxMaker) -> None:
    box = sandbox(base(), step("agent-a", {"x.txt": "x\n"}))
    (box.path / "gitbot.toml").write_text('[gate]\ncommand = "sh gate.sh"\n')
    assert box.integrate("agent-a", gate="").document["gate"]["command"] == "sh gate.sh"


def test_the_configured_target_and_strategies_are_obeyed(sandbox: SandboxMaker) -> None:
    text = 'target = "trunk"\n[gate]\ncommand = "true"\n[integrate.branches]\n"agent-b" = { strategy = "squash" }\n'
    box = sandbox(base({"gitbot.toml": text}), step("agent-a", {"x.txt": "x\n"}), step("agent-b", {"y.txt": "y\n"}))
    box.git("branch", "trunk", "main")
    with box.watched("trunk"):
        ran = box.gitbot("integrate", "agent-*", "--format", "json")
    assert ran.document["target"] == "trunk"
    assert ran.outcomes == {"agent-a": "landed by rebase", "agent-b": "landed by squash"}


def test_no_variable_but_the_one_for_the_file_configures_anything(box: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text('[gate]\ncommand = "true"\n')
    assert box.gitbot("integrate", "agent-a", env={"GITBOT_GATE": "true", "GITBOT_GATE_COMMAND": "true"}).code == 2
    ran = box.gitbot("integrate", "agent-a", env={"GITBOT_CONFIG": str(tmp_path / "other.toml")})
    assert ran.code == 0, ran.err


@pytest.mark.parametrize("seconds", ["inf", "nan", "0", "-1", "soon"])
def test_a_time_limit_is_a_number_of_seconds(sandbox: SandboxMaker, seconds: str) -> None:
    box = sandbox(base(), step("agent-a", {"x.txt": "x"}))
    ran = box.gitbot("integrate", "agent-a", "--gate", "true", f"--gate-timeout={seconds}")
    assert ran.code == 2
    assert box.git("for-each-ref", "refs/gitbot") == ""


def test_a_lock_that_a_killed_git_left_on_the_target_stops_the_run_without_a_crash(sandbox: SandboxMaker) -> None:
    box = sandbox(base(), step("agent-a", {"x.txt": "x"}))
    (box.path / ".git" / "refs" / "heads" / "main.lock").touch()
    with box.watched():
        ran = box.gitbot("integrate", "agent-a", "--gate", "true")
    assert ran.code == 4
    assert "main.lock" in ran.err
