"""A landing that was killed after the target moved and before it was written down: it has landed, whoever asks."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.conftest import SandboxMaker, step
from tests.scenarios.beginnings import base
from tests.scenarios.test_undo_killed import killed, states

MOVED = {1: 5, 2: 11}  # effects until main has moved so many times
LATER = """
import sys, time
real = time.time
time.time = lambda: real() + 15 * 86400
from gitbot.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize(("landings", "how"), [(1, ()), (2, ()), (2, ("--revert",))], ids=["1", "2", "revert"])
def test_what_is_on_the_target_is_listed_as_landed_and_an_undo_takes_all_of_it_back(
    sandbox: SandboxMaker, landings: int, how: tuple[str, ...]
) -> None:
    box = sandbox(base(), *(step(f"agent-{number}", {f"{number}.txt": "x\n"}) for number in (1, 2)))
    before = box.tip("main")
    killed(box, MOVED[landings], "integrate", "agent-*", "--queue", "serial", "--gate", "sh gate.sh")
    at = box.tip("main")
    assert len(box.git("log", "--format=%s", "main").splitlines()) == landings + 1
    assert len(box.git("status", "--porcelain").splitlines()) == 1  # the checkout has not followed
    [run] = box.gitbot("runs", "--format", "json").document["runs"]
    said = {"landed": landings} | ({"waiting": 1} if landings == 1 else {})
    assert (run["state"], run["counts"], run["after"]) == ("interrupted", said, at)
    ran = box.gitbot("undo", "last", *how, "--format", "json")
    assert (ran.code, len(ran.document["branches"])) == (0, landings), ran.err
    assert box.git("rev-parse", "main^" if how else "main") == (at if how else before)
    assert box.git("rev-parse", "main^{tree}") == box.git("rev-parse", f"{before}^{{tree}}")
    assert (states(box), box.git("status", "--porcelain")) == (["undone"], "")


def test_a_landing_whose_intent_came_to_nothing_is_not_the_last_one(sandbox: SandboxMaker) -> None:
    box = sandbox(base(), step("agent-1", {"1.txt": "x\n"}), step("agent-2", {"2.txt": "x\n"}))
    assert box.integrate("agent-1").code == 0
    killed(box, MOVED[1] - 1, "integrate", "agent-2", "--gate", "sh gate.sh")
    assert box.gitbot("undo", "last", "--format", "json").document["branches"] == ["agent-1"]
    assert box.git("log", "--format=%s", "main") == "base"


def test_the_same_command_goes_on_where_what_has_landed_configures_another_gate(sandbox: SandboxMaker) -> None:
    config = '[gate]\ncommand = "sh gate.sh"\n'
    other = '[integrate]\njobs = 2\n[gate]\ntimeout = 9\ncommand = "false"\n'
    box = sandbox(
        base({"gitbot.toml": config}), step("agent-1", {"gitbot.toml": other}), step("agent-2", {"2.txt": "x\n"})
    )
    killed(box, MOVED[1], "integrate", "agent-*", "--queue", "serial")
    ran = box.gitbot("integrate", "agent-*", "--queue", "serial", "--format", "json")
    assert ran.outcomes == {"agent-1": "landed by rebase", "agent-2": "landed by rebase"}, ran.err
    assert (ran.document["gate"]["command"], ran.document["gate"]["runs"]) == ("sh gate.sh", 2)
    assert states(box) == ["done"]


def test_after_weeks_the_same_command_still_finds_what_the_killed_run_had_pinned(sandbox: SandboxMaker) -> None:
    box = sandbox(base(), step("agent-1", {"1.txt": "x\n"}), step("agent-2", {"2.txt": "x\n"}))
    command = ("integrate", "agent-1", "agent-2", "--gate", "sh gate.sh")
    killed(box, 1, *command)
    box.git("branch", "-q", "-D", "agent-1")
    box.git("reflog", "expire", "--expire=all", "--all")
    box.git("gc", "-q", "--prune=now")
    words = [sys.executable, "-c", LATER, *command]
    done = subprocess.run(words, cwd=box.path, env=box.env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout[:7]) == (0, "2 of 2 "), done.stderr
    assert box.git("ls-tree", "--name-only", "main").split() == ["1.txt", "2.txt", "a.txt", "gate.sh"]
