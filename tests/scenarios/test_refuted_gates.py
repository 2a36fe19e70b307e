"""Ways in which one branch's tests, or a gate that did not run, could have let a red branch through."""

from __future__ import annotations

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
