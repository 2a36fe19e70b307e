"""Ways in which one branch's tests, or a gate that did not run, could have let a red branch through."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import SandboxMaker, step
from tests.scenarios.beginnings import base

OK = "echo Ran 1 test in 0.1s"


def test_an_ignore_file_that_is_in_no_commit_keeps_nothing_for_the_next_branch(sandbox: SandboxMaker) -> None:
    """As the caches of many tools have one; what it names would be there for the next."""
    makes = "if [ -e makes ]; then mkdir -p cache; echo '*' >cache/.gitignore; echo x >cache/left; exit 1; fi"
    needs = f"if [ -e needs ] && [ ! -e cache/left ]; then exit 1; fi; {OK}"
    box = sandbox(base(), step("agent-a", {"makes": "x\n"}), step("agent-b", {"needs": "x\n"}))
    ran = box.integrate("agent-a", "agent-b", "--queue", "serial", gate=f"{makes}; {needs}")
    assert ran.outcomes == {"agent-a": "set-aside: gate", "agent-b": "set-aside: gate"}


def test_what_one_setup_made_is_made_again_after_another(sandbox: SandboxMaker) -> None:
    config = f"""
[gate]
setup = "mkdir -p build; echo 5 >build/version"
command = "grep -q 5 build/version && [ ! -e breaks-5 ] && {OK}"
[gates.old]
setup = "mkdir -p build; echo 4 >build/version"
command = "grep -q 4 build/version && {OK}"
"""
    box = sandbox(
        base({"gitbot.toml": config, ".gitignore": "build/\n"}),
        step("agent-a", {"x.txt": "x\n"}),
        step("agent-b", {"y.txt": "y\n"}),
    )
    assert box.integrate("agent-a", gate="").outcomes == {"agent-a": "landed by rebase"}
    assert box.integrate("agent-b", gate="").outcomes == {"agent-b": "landed by rebase"}


@pytest.mark.parametrize("warm", [True, False])
def test_with_warm_switched_off_no_pass_stands_on_what_another_branch_had_left(
    sandbox: SandboxMaker, warm: bool
) -> None:
    """What its set-up installed, say. Warm that is a known limit, told of in docs/configuration.md."""
    command = "if [ -e makes ]; then echo >left; exit 1; fi; [ ! -e needs ] || [ -e left ]"
    said = f"[gate]\nwarm = {str(warm).lower()}\ncommand = '{command}'\n"
    box = sandbox(
        base({"gitbot.toml": said, ".gitignore": "left\n"}),
        step("agent-a", {"makes": "x\n"}),
        step("agent-b", {"needs": "x\n"}),
    )
    assert box.integrate("agent-a", gate="").outcomes == {"agent-a": "set-aside: gate"}
    ended = "landed by rebase" if warm else "set-aside: gate"
    assert box.integrate("agent-b", gate="").outcomes == {"agent-b": ended}


def test_a_pass_of_other_gates_does_not_excuse_a_red_one(sandbox: SandboxMaker) -> None:
    config = f"""
[gates.api]
paths = ["api/**"]
command = "[ ! -e web/bad ] && {OK}"
[gates.web]
paths = ["web/**"]
command = "{OK}"
"""
    box = sandbox(
        base({"gitbot.toml": config}), step("agent-a", {"api/a": "a\n"}), step("agent-b", {"web/bad": "b\n"})
    )
    ran = box.integrate("agent-a", "agent-b", gate="")
    assert ran.outcomes == {"agent-a": "landed by rebase", "agent-b": "set-aside: gate"}


def test_a_pipe_that_swallows_the_status_does_not_make_a_red_run_pass(sandbox: SandboxMaker) -> None:
    says = "if [ -e bad.txt ]; then echo '1 failed, 2 passed in 0.10s'; else echo '3 passed in 0.10s'; fi | cat"
    box = sandbox(base(), step("agent-a", {"bad.txt": "x\n"}))
    assert box.integrate("agent-a", gate=says).outcomes == {"agent-a": "set-aside: gate"}


def test_a_branch_that_went_on_during_the_run_is_told_of(sandbox: SandboxMaker) -> None:
    box = sandbox(base(), step("agent-a", {"x.txt": "x\n"}))
    moves = f"git -C {box.path} branch -f agent-a main; {OK}"
    ran = box.gitbot("integrate", "agent-a", "--gate", moves, "--format", "json")
    [flag] = ran.branches["agent-a"]["flags"]
    assert flag["kind"] == "moved"


def test_a_tracked_file_that_the_pattern_of_reports_names_is_there_for_the_tests(sandbox: SandboxMaker) -> None:
    config = f"""
[gate]
junit = "**/*.xml"
command = "[ -e pom.xml ] && {OK}"
"""
    box = sandbox(base({"gitbot.toml": config, "pom.xml": "<project/>\n"}), step("agent-a", {"x.txt": "x\n"}))
    assert box.integrate("agent-a", gate="").outcomes == {"agent-a": "landed by rebase"}


def test_a_pass_with_an_older_included_file_does_not_count_again(sandbox: SandboxMaker) -> None:
    config = f"""
[gate]
include = [".env.test"]
command = "grep -q good .env.test && {OK}"
"""
    box = sandbox(base({"gitbot.toml": config, ".gitignore": ".env.test\n"}), step("agent-a", {"x.txt": "x\n"}))
    (box.path / ".env.test").write_text("good\n")
    assert box.integrate("agent-a", gate="").outcomes == {"agent-a": "landed by rebase"}
    box.git("reset", "-q", "--hard", "HEAD~1")
    (box.path / ".env.test").write_text("bad\n")
    again = box.integrate("agent-a", gate="")
    assert again.outcomes == {"agent-a": "waiting: target-red"}
    assert again.document["gate"]["cached"] == 0


def test_a_pass_during_which_an_included_file_changed_does_not_count_again(sandbox: SandboxMaker) -> None:
    box = sandbox(
        base({"gitbot.toml": "[gate]\ninclude = ['.env.test']\n", ".gitignore": ".env.test\n"}),
        step("agent-a", {"x.txt": "x\n"}),
    )
    (box.path / ".env.test").write_text("before\n")
    ran = box.gitbot("integrate", "agent-a", "--gate", f"echo after >{box.path}/.env.test; {OK}", "--format", "json")
    assert ran.outcomes == {"agent-a": "landed by rebase"}
    assert box.git("for-each-ref", "refs/gitbot/result") == ""


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("link", "leads out of the work tree"),
        ("broken", "is a broken link"),
        (".git/config", "is no file or folder of the work tree"),
        (".", "is no file or folder of the work tree"),
    ],
)
def test_what_cannot_be_included_is_said_before_anything_starts(sandbox: SandboxMaker, name: str, why: str) -> None:
    config = f"[gate]\ninclude = ['{name}']\ncommand = 'true'\n"
    box = sandbox(base({"gitbot.toml": config}), step("agent-a", {"x.txt": "x\n"}))
    (box.path / "link").symlink_to("/etc/passwd")
    (box.path / "broken").symlink_to("nowhere")
    ran = box.gitbot("integrate", "agent-a")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == (
        f"error: gate.include: '{name}' {why}\n"
        "hint: name files and folders that are in the main work tree, or leave it out\n"
    )
    assert box.git("for-each-ref", "refs/gitbot") == ""


def test_a_machine_that_cannot_test_the_target_blames_nobody_and_says_what_is_wrong(
    sandbox: SandboxMaker, tmp_path: Path
) -> None:
    box = sandbox(base({".gitignore": "ignored\n"}), step("agent-a", {"x.txt": "x\n"}))
    (box.path / "ignored").touch()  # not why
    (tmp_path / "file").touch()
    ran = box.integrate("agent-a", env={"XDG_CACHE_HOME": str(tmp_path / "file")})
    assert (ran.code, ran.document["gate"]["failed"]) == (3, 0)
    assert ran.outcomes == {"agent-a": "waiting: target-red"}
    told = ran.err.splitlines()
    assert told[0] == "error: the tests could not be carried out on main; nobody is blamed"
    assert f"Not a directory: '{tmp_path}/file/gitbot" in told[1]
    assert told[2].startswith("hint: mend that, then run the same command again (all output: ")
    assert len(told) == 3


REPORTS = (
    "(echo '<testsuite>'; for t in $(grep -ho 'test_[a-z]*' test_*.py); do echo \"<testcase name='$t'/>\"; done;"
    "echo '</testsuite>') >report.xml"
)


def test_what_a_branch_adds_does_not_hide_what_it_or_another_took_away(sandbox: SandboxMaker) -> None:
    """By names where it was tested alone, against a run of before; of a group by its diff and all their names."""
    one, two, three, four = (f"def test_{name}():\n    assert {name}\n" for name in ("one", "two", "three", "four"))
    box = sandbox(
        base({"gitbot.toml": "[gate]\njunit = 'report.xml'\n", "test_a.py": one + two}),
        step("agent-0", {"x.txt": "x\n"}),
        step("agent-1", {"test_a.py": one, "test_b.py": two, "test_c.py": three}, start="main"),
        step("agent-2", {"test_a.py": one, "test_d.py": three + four}, start="agent-1"),
        step("agent-3", {"test_b.py": ""}, start="agent-1"),
        step("agent-4", {"test_e.py": one.replace("one", "five") + one.replace("one", "six")}, start="agent-1"),
    )
    said = []
    for names in (["agent-0"], ["agent-1"], ["agent-2"], ["agent-3", "agent-4"]):
        ran = box.integrate(*names, gate=REPORTS)
        assert ran.document["gate"]["runs"] == 1
        said += [(name, flag["text"]) for name in names for flag in ran.branches[name]["flags"]]
    assert said == [("agent-3", "removes tests: test_two"), ("agent-4", "with agent-3: no longer run: test_two")]
