"""What the gate sees, every way in which it can end, and that nothing of it is left."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from tests.conftest import SandboxMaker, step
from tests.scenarios.beginnings import base


def alive(pid: int) -> bool:
    """Whether a process still runs; one that is dead and not yet buried does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.parametrize(
    ("gate", "why"),
    [
        (
            "if [ -e x.txt ]; then echo 'Ran 0 tests in 0.0s'; fi",
            "the tests ran no test (2 times; the target passes)",
        ),
        ("[ ! -e x.txt ] || kill -9 $$", "the tests were killed by a signal (2 times; the target passes)"),
        ("[ ! -e x.txt ] || ./missing", "the tests could not start (2 times; the target passes)"),
        ("[ ! -e x.txt ] || exit 7", "the tests fail (2 times; the target passes)"),
    ],
    ids=["no test", "killed", "no start", "failed"],
)
def test_only_a_gate_that_passed_lands_a_branch(sandbox: SandboxMaker, gate: str, why: str) -> None:
    box = sandbox(base(), step("agent-a", {"x.txt": "x\n"}))
    ran = box.integrate("agent-a", gate=gate)
    assert ran.code == 1
    assert ran.outcomes == {"agent-a": "set-aside: gate"}
    assert ran.branches["agent-a"]["why"] == why


def test_a_hung_gate_ends_in_time_and_its_whole_family_dies(sandbox: SandboxMaker, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    hang = f"setsid sh -c 'echo $$ >>{pids}; exec sleep 60' & echo $$ >>{pids}; sleep 60"
    box = sandbox(base(), step("agent-a", {"x.txt": "x\n"}))
    begun = time.monotonic()
    ran = box.integrate("agent-a", "--gate-timeout", "1", gate=f"if [ -e x.txt ]; then {hang}; fi")
    assert time.monotonic() - begun < 40
    assert ran.outcomes == {"agent-a": "set-aside: gate"}
    assert ran.branches["agent-a"]["why"] == "the tests do not end in time (2 times; the target passes)"
    family = [int(pid) for pid in pids.read_text().split()]
    assert len(family) == 4
    assert [pid for pid in family if alive(pid)] == []


def test_a_gate_that_leaves_a_server_behind_passes_and_the_server_is_gone(
    sandbox: SandboxMaker, tmp_path: Path
) -> None:
    pid = tmp_path / "pid"
    box = sandbox(base(), step("agent-a", {"x.txt": "x\n"}))
    ran = box.integrate("agent-a", gate=f"setsid sh -c 'echo $$ >{pid}; exec sleep 60' & sleep 0.2; exit 0")
    assert ran.outcomes == {"agent-a": "landed by rebase"}
    assert not alive(int(pid.read_text()))


@pytest.mark.parametrize(("gate", "seconds"), [("no-such-command", "60"), ("exit 1", "60"), ("sleep 60", "0.3")])
def test_a_gate_that_cannot_pass_on_the_target_blames_nobody(sandbox: SandboxMaker, gate: str, seconds: str) -> None:
    box = sandbox(base(), step("agent-a", {"x.txt": "x\n"}))
    ran = box.integrate("agent-a", "--gate-timeout", seconds, gate=gate)
    assert ran.code == 3
    assert ran.outcomes == {"agent-a": "waiting: target-red"}


def test_one_red_run_that_does_not_repeat_rejects_nobody(sandbox: SandboxMaker, tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    box = sandbox(base(), step("agent-a", {"x.txt": "x\n"}))
    ran = box.integrate("agent-a", gate=f"[ ! -e x.txt ] || [ -e {seen} ] || {{ touch {seen}; exit 1; }}")
    assert ran.outcomes == {"agent-a": "landed by rebase"}
    assert (ran.document["gate"]["runs"], ran.document["gate"]["failed"]) == (3, 1)


def test_without_a_gate_everything_that_merges_lands_and_the_record_says_so(sandbox: SandboxMaker) -> None:
    box = sandbox(base(), step("agent-a", {"bad.txt": "BROKEN\n"}))
    ran = box.integrate("agent-a", "--no-gate")
    assert ran.code == 0
    assert ran.outcomes == {"agent-a": "landed by rebase"}
    assert ran.document["gate"] == {"command": None, "runs": 0, "cached": 0, "failed": 0, "seconds": 0, "stopped": 0}
    assert "nothing was tested" in box.gitbot("runs", "last").out


def test_the_gate_gets_the_callers_environment_without_secrets_and_with_what_it_tests(
    sandbox: SandboxMaker, tmp_path: Path
) -> None:
    box = sandbox(base({"gitbot.toml": '[gate]\npass = ["WANTED_TOKEN"]\n'}), step("agent-a", {"x.txt": "x\n"}))
    given = {
        "PLAIN": "kept",
        "API_TOKEN": "s3cret",
        "DATABASE_URL": "postgres://user:s3cret@host/db",
        "WANTED_TOKEN": "let through",
        "GIT_AUTHOR_NAME": "Mallory",
        "GIT_SSH_COMMAND": "false",
    }
    ran = box.integrate("agent-a", gate=f"env -0 >{tmp_path}/env; cat; echo 'Ran 1 test in 0.1s'", env=given)
    assert ran.code == 0, ran.err
    pairs = (tmp_path / "env").read_text().split("\0")
    seen = dict(pair.split("=", 1) for pair in pairs if pair)
    assert (seen["PLAIN"], seen["WANTED_TOKEN"], seen["CI"]) == ("kept", "let through", "true")
    assert not {"API_TOKEN", "DATABASE_URL"} & seen.keys()
    assert [name for name in seen if name.startswith("GIT_")] == []
    assert {name: value for name, value in seen.items() if name.startswith("GITBOT_")} == {
        "GITBOT_SLOT": "0",
        "GITBOT_RUN": ran.document["run"],
        "GITBOT_TARGET": "main",
        "GITBOT_BRANCHES": "agent-a",
        "GITBOT_COMMIT": ran.document["after"],
    }


def test_the_gate_runs_at_the_root_of_a_disposable_repository_with_the_candidate_as_head(
    sandbox: SandboxMaker, tmp_path: Path
) -> None:
    said = tmp_path / "said"
    gate = f"(pwd; git rev-parse --show-toplevel HEAD; git status --porcelain; git rev-list --count HEAD) >{said}"
    box = sandbox(base(), step("agent-a", {"x.txt": "x\n"}), step("main", {"y.txt": "y\n"}))
    ran = box.integrate("agent-a", gate=gate)
    here, top, head, count = said.read_text().splitlines()
    assert (here, head, count) == (top, ran.document["after"], "3")
    assert not Path(here).is_relative_to(box.path)
    assert len(box.git("worktree", "list").splitlines()) == 1


def test_what_one_gate_run_leaves_behind_does_not_reach_the_next(sandbox: SandboxMaker) -> None:
    gate = "[ ! -e left ] && git config --get left.over; [ $? = 1 ] && touch left && git config left.over yes"
    box = sandbox(base(), step("agent-a", {"x.txt": "x\n"}), step("agent-b", {"y.txt": "y\n"}))
    assert box.integrate("agent-a", "agent-b", gate=gate).code == 0


def test_a_log_keeps_the_newest_mebibyte(sandbox: SandboxMaker) -> None:
    box = sandbox(base(), step("agent-a", {"x.txt": "x\n"}))
    ran = box.integrate(
        "agent-a", gate="[ ! -e x.txt ] || { yes 'some output' | head -c 5000000; echo the end; exit 1; }"
    )
    log = Path(ran.branches["agent-a"]["log"]).read_bytes()
    assert len(log) == 1 << 20
    assert log.endswith(b"the end\n")


def test_the_same_tree_is_never_tested_twice_once_it_passed(sandbox: SandboxMaker) -> None:
    box = sandbox(base(), step("agent-a", {"x.txt": "x\n"}))
    assert box.integrate("agent-a").document["gate"]["runs"] == 1
    box.git("reset", "-q", "--hard", "HEAD~1")
    again = box.integrate("agent-a").document["gate"]
    assert (again["runs"], again["cached"]) == (0, 1)


def test_setup_and_ignored_files_of_the_main_work_tree_reach_the_gate(sandbox: SandboxMaker) -> None:
    config = (
        '[gate]\ncommand = ["sh", "-c", "cat made secret.env"]\nsetup = "echo made >made"\ninclude = ["secret.env"]'
    )
    box = sandbox(base({"gitbot.toml": config, ".gitignore": "secret.env\n"}), step("agent-a", {"x.txt": "x\n"}))
    (box.path / "secret.env").write_text("A=1\n")
    ran = box.integrate("agent-a", gate="")
    assert ran.outcomes == {"agent-a": "landed by rebase"}
    assert ran.document["gate"]["command"] == ["sh", "-c", "cat made secret.env"]


def test_bytecode_of_one_branch_is_not_run_for_the_next(sandbox: SandboxMaker) -> None:
    """Checkouts in one place within one second, and files of one size, look the same to Python's cache."""
    box = sandbox(
        base({"check.py": "def ok():\n    return 1\n", ".gitignore": "__pycache__/\n"}),
        step("agent-a", {"check.py": "def ok():\n    return 0\n"}),
        step("agent-b", {"check.py": "def ok():\n    return 2\n"}, start="main"),
    )
    kept = {"PYTHONPYCACHEPREFIX": str(box.path.parent / "kept")}
    gate = f"test -z \"$PYTHONPYCACHEPREFIX\" && {sys.executable} -c 'import check, sys; sys.exit(not check.ok())'"
    ran = box.integrate("agent-a", "agent-b", gate=gate, env=kept)
    assert ran.outcomes == {"agent-a": "set-aside: gate", "agent-b": "landed by rebase"}


def test_a_branch_that_changes_the_gate_is_tested_by_that_of_the_target(
    sandbox: SandboxMaker, tmp_path: Path
) -> None:
    config = f"[gate]\ncommand = 'echo target >>{tmp_path}/ran; test ! -e bad'\n[gates.more]\ncommand = 'true'\n"
    own = f"[gate]\ncommand = 'echo branch >>{tmp_path}/ran'\n"
    box = sandbox(base({"gitbot.toml": config}), step("agent-a", {"gitbot.toml": own, "bad": "x\n"}))
    ran = box.integrate("agent-a", gate="")
    assert ran.outcomes == {"agent-a": "set-aside: gate"}
    assert set((tmp_path / "ran").read_text().split()) == {"target"}


def test_every_gate_has_to_pass_and_runs_for_what_it_is_for(sandbox: SandboxMaker, tmp_path: Path) -> None:
    config = (
        f"[gate]\ncommand = 'echo unit >>{tmp_path}/ran'\n"
        f"[gates.docs]\ncommand = 'echo docs >>{tmp_path}/ran; exit 1'\npaths = ['docs/**']\n"
    )
    box = sandbox(base({"gitbot.toml": config}), step("agent-a", {"docs/x": "x\n"}))
    ran = box.integrate("agent-a", gate="")
    assert ran.code == 3
    assert ran.document["gate"]["command"] == f"echo unit >>{tmp_path}/ran && echo docs >>{tmp_path}/ran; exit 1"
    assert (tmp_path / "ran").read_text().split()[:2] == ["unit", "docs"]
    (tmp_path / "ran").unlink()
    box.git("checkout", "-q", "-b", "agent-b", "main")
    (box.path / "x.txt").write_text("x\n")
    box.git("add", "x.txt")
    box.git("commit", "-q", "-m", "code")
    box.git("checkout", "-q", "main")
    assert box.integrate("agent-b", gate="").outcomes == {"agent-b": "landed by rebase"}
    assert (tmp_path / "ran").read_text() == "unit\n"


@pytest.mark.parametrize(
    ("config", "hint"),
    [
        ('isolation = "no-such-program {command}"', "install it"),
        ('isolation = "docker run image"', ""),
        ('isolation = "sh -c \'{command}"', ""),
        ('junit = "../*.xml"', ""),
        ('junit = "a**/*.xml"', ""),
        ('setup = "true \\u0000"', "no value may have a zero byte"),
        ('[gates.gate]\ncommand = "x"', ""),
        ('[gates."a b"]\ncommand = "x"', ""),
        ('[gates.a]\npaths = ["x"]', ""),
        ('[gates.a]\ncommand = "x"\ntimeout = 0', ""),
        ('[gates.a]\ncommand = "x"\npaths = ["../x"]', ""),
        ('[gates.a]\ncomand = "x"', "did you mean `gates.a.command`"),
    ],
)
def test_a_gate_that_cannot_be_as_it_is_configured_is_refused_before_anything_begins(
    sandbox: SandboxMaker, config: str, hint: str
) -> None:
    box = sandbox(base({"gitbot.toml": f"[gate]\n{config}\n"}), step("agent-a", {"x.txt": "x"}))
    ran = box.integrate("agent-a", gate="true")
    assert ran.code == 2
    assert hint in ran.err


def test_behind_bwrap_a_branch_lands_as_elsewhere(sandbox: SandboxMaker) -> None:
    config = '[gate]\nisolation = "bwrap"\ncommand = "sh gate.sh && git log -1 >/dev/null"\n'
    box = sandbox(
        base({"gitbot.toml": config}), step("agent-a", {"x.txt": "x"}), step("agent-b", {"bad.txt": "BROKEN\n"})
    )
    ran = box.integrate("agent-a", "agent-b", gate="")
    assert ran.outcomes == {"agent-a": "landed by rebase", "agent-b": "set-aside: gate"}
