"""An undo that is killed, and one of what somebody has taken back by hand: it is told as what it came to."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from tests.conftest import Sandbox, SandboxMaker, step
from tests.scenarios.beginnings import base
from tests.scenarios.test_interrupted import MORTAL


@pytest.fixture
def landed(sandbox: SandboxMaker) -> Sandbox:
    box = sandbox(base(), step("agent-a", {"x.txt": "x\n"}), step("agent-b", {"y.txt": "y\n"}))
    assert box.integrate("agent-a").code == 0
    return box


def killed(box: Sandbox, effect: int, *command: str) -> None:
    """The command ends by force right after one of its effects."""
    words = [sys.executable, "-c", MORTAL, str(effect), *command]
    done = subprocess.run(words, cwd=box.path, env=box.env, capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr


def states(box: Sandbox) -> list[str]:
    return [run["state"] for run in box.gitbot("runs", "--format", "json").document["runs"]]


def test_killed_before_the_target_moved_nothing_is_undone_and_the_same_again_does_it(landed: Sandbox) -> None:
    at = landed.tip("main")
    killed(landed, 1, "undo", "last")
    assert (states(landed), landed.tip("main")) == (["done"], at)
    assert landed.gitbot("undo", "last").code == 0
    assert (states(landed), landed.git("log", "--format=%s", "main")) == (["undone"], "base")


@pytest.mark.parametrize("then", ["nothing", "the same", "a run"])
def test_killed_after_the_target_moved_the_run_is_undone_whatever_comes_next(landed: Sandbox, then: str) -> None:
    killed(landed, 2, "undo", "last")
    assert landed.git("log", "--format=%s", "main") == "base"
    if then == "the same":
        again = landed.gitbot("undo", states_and_ids(landed)[0], "--format", "json")
        assert (again.code, again.document["branches"]) == (0, ["agent-a"]), again.err
    elif then == "a run":
        assert landed.gitbot("integrate", "agent-b", "--gate", "sh gate.sh").code == 0
    assert states(landed) == (["undone", "done"] if then == "a run" else ["undone"])
    if then != "nothing":
        assert not (landed.path / "x.txt").exists()
        assert landed.gitbot("undo", states_and_ids(landed)[0]).code == 2


def states_and_ids(box: Sandbox) -> list[str]:
    return [run["run"] for run in box.gitbot("runs", "--format", "json").document["runs"]]


def test_a_revert_that_was_killed_after_it_is_not_made_twice(landed: Sandbox) -> None:
    landed.git("commit", "-q", "--allow-empty", "-m", "later")
    killed(landed, 3, "undo", "last", "--revert")
    at = landed.tip("main")
    assert landed.git("log", "-1", "--format=%s", "main").startswith("Revert gitbot run")
    assert landed.git("log", "-1", "--format=%s", "main^") == "later"
    again = landed.gitbot("undo", "last", "--revert", "--format", "json")
    assert (again.code, again.document["after"], again.document["by_revert"]) == (0, at, True), again.err
    assert (landed.tip("main"), states(landed)) == (at, ["undone"])


def test_what_somebody_has_reverted_by_hand_is_not_reverted_again(landed: Sandbox) -> None:
    landed.git("revert", "--no-edit", "HEAD")
    at = landed.tip("main")
    ran = landed.gitbot("undo", "last", "--revert")
    assert (ran.code, "taken back already, by hand" in ran.err, landed.tip("main")) == (2, True, at), ran.err


def test_a_run_that_was_fetched_is_neither_the_last_one_nor_undone(landed: Sandbox) -> None:
    """Its record says where the target is to go, and anybody may have written it."""
    [mine] = states_and_ids(landed)
    other = Sandbox(landed.path.parent / "theirs", landed.env)
    landed.git("clone", "-q", "-b", "main", str(landed.path), str(other.path))
    other.git("branch", "agent-b", "origin/agent-b")
    assert other.integrate("agent-b").code == 0
    [theirs] = states_and_ids(other)
    landed.git(
        "fetch", "-q", str(other.path), "main:main", "--update-head-ok", "refs/gitbot/runs/*:refs/gitbot/runs/*"
    )
    landed.git("reset", "-q", "--hard")
    at = landed.tip("main")
    assert set(states_and_ids(landed)) == {mine, theirs}
    assert landed.gitbot("runs", "last", "--format", "json").document["run"] == mine
    ran = landed.gitbot("undo", theirs)
    assert (ran.code, "made by another clone" in ran.err, landed.tip("main")) == (2, True, at), ran.err
    ran = landed.gitbot("undo", "last")
    assert (ran.code, "1 commit would be lost" in ran.err, landed.tip("main")) == (4, True, at), ran.err
