"""Killed at any moment: the same command finishes the same run, and its document is that of an undisturbed one."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gitbot.repository.recipes import Recipe, build
from tests.conftest import Ran, Sandbox, SandboxMaker, step
from tests.scenarios.beginnings import base
from tests.scenarios.test_concurrency import wait_for

COMMAND = ("integrate", "agent-*", "--gate", "sh gate.sh", "--format", "json")

# The program itself, told to kill itself right after its nth effect: a record, a reference, an object pack or a
# checkout. What is killed is the real thing; only the moment is chosen.
MORTAL = """
import os, signal, sys
from gitbot.cli import main
from gitbot.journal.runs import Journal
from gitbot.repository import checkouts, refs
from gitbot.repository.workbench import Workbench
left = [int(sys.argv[1])]
def mortal(owner, name):
    effect = getattr(owner, name)
    def watched(*arguments, **more):
        answer = effect(*arguments, **more)
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer
    setattr(owner, name, watched)
for owner, name in ((Journal, "append"), (refs, "swap"), (checkouts, "follow"), (Workbench, "promote")):
    mortal(owner, name)
code = main(sys.argv[2:])
print(int(sys.argv[1]) - left[0], file=sys.stderr)
sys.exit(code)
"""
MOMENTS = 11


# Two land at once, by rebase and as a squash; one conflicts.
STORY = [
    base(),
    step("agent-a", {"x.txt": "x\n"}),
    step("agent-b", {"y.txt": "y\n"}, "wip"),
    step("agent-c", {"a.txt": "mine\n"}),
    step("main", {"a.txt": "theirs\n"}),
]


def mortal(box: Sandbox, moment: int) -> Ran:
    done = subprocess.run(
        [sys.executable, "-c", MORTAL, str(moment), *COMMAND],
        cwd=box.path,
        env=box.env,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def essence(box: Sandbox, document: dict[str, Any]) -> object:
    """The document without what no two runs have in common: its id, times, folder, and oids that hang on a date."""
    text = json.dumps(document | {"run": "RUN", "gate": document["gate"] | {"seconds": 0}})
    text = text.replace(document["run"], "RUN").replace(str(box.path), "HERE")
    commits = set(re.findall(r"\b[0-9a-f]{40}\b", text))
    for commit in commits:
        text = text.replace(commit, box.git("rev-parse", f"{commit}^{{tree}}"))
    return json.loads(text)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, sealed_env: dict[str, str]) -> object:
    folder = tmp_path_factory.mktemp("undisturbed")
    build(Recipe(commit=STORY), folder, sealed_env)
    box = Sandbox(folder, sealed_env)
    return essence(box, box.gitbot(*COMMAND).document)


def test_every_moment_is_counted(sandbox: SandboxMaker) -> None:
    """The range below would silently miss moments that a later change adds."""
    box = sandbox(*STORY)
    ran = mortal(box, 0)
    assert ran.code == 1, ran.err
    assert box.git("log", "-g", "--format=%gs", "main").splitlines()[0] == "gitbot: agent-a, agent-b"
    assert int(ran.err) == MOMENTS


@pytest.mark.parametrize("moment", range(1, MOMENTS))
def test_killed_at_any_effect_the_same_command_finishes_the_same_run(
    sandbox: SandboxMaker, undisturbed: object, moment: int
) -> None:
    box = sandbox(*STORY)
    with box.watched():
        with box.watched(settled=False):
            assert mortal(box, moment).code == -signal.SIGKILL
        begun = box.git("for-each-ref", "--format=%(refname)", "refs/gitbot/runs")
        ran = box.gitbot(*COMMAND)
    assert essence(box, ran.document) == undisturbed
    assert begun in ("", f"refs/gitbot/runs/{ran.document['run']}/journal")
    assert box.gitbot("runs", "last", "--format", "json").document == ran.document
    assert box.git("status", "--porcelain") == ""


def test_killed_after_its_last_record_a_run_is_over_and_its_document_is_on_record(
    sandbox: SandboxMaker, undisturbed: object
) -> None:
    box = sandbox(*STORY)
    with box.watched(settled=False):
        assert mortal(box, MOMENTS).code == -signal.SIGKILL
    assert essence(box, box.gitbot("runs", "last", "--format", "json").document) == undisturbed


def hanging(box: Sandbox, gate: str) -> subprocess.Popen[str]:
    """A run whose gate waits for the file `go`; returns when the gate is there."""
    running = box.start("integrate", "agent-a", "agent-b", "--gate", gate, "--format", "json")
    wait_for(box.path.parent / "there")
    return running


@pytest.fixture
def box(sandbox: SandboxMaker) -> Sandbox:
    return sandbox(base(), step("agent-a", {"x.txt": "x\n"}), step("agent-b", {"y.txt": "y\n"}))


@pytest.fixture
def gate(tmp_path: Path) -> str:
    return f"echo $$ >{tmp_path}/there; while [ ! -e {tmp_path}/go ]; do sleep 0.02; done"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_killed_in_the_middle_of_a_gate_the_gate_dies_too_and_the_run_goes_on(
    box: Sandbox, gate: str, tmp_path: Path, number: signal.Signals
) -> None:
    with box.watched(settled=False):
        running = hanging(box, gate)
        os.kill(running.pid, number)
        _, err = running.communicate(timeout=60)
    if number is not signal.SIGKILL:
        assert running.returncode == 130
        assert err.lstrip() == "error: interrupted\nhint: run the same command again, it goes on from here\n"
    run = box.git("for-each-ref", "--format=%(refname)", "refs/gitbot/runs").split("/")[3]
    (tmp_path / "go").touch()
    ran = box.integrate("agent-a", "agent-b", gate=gate)
    assert ran.document["run"] == run
    assert ran.outcomes == {"agent-a": "landed by rebase", "agent-b": "landed by rebase"}
    assert ran.document["gate"]["runs"] == 1


def test_a_killed_runs_gate_is_not_left_running(box: Sandbox, gate: str, tmp_path: Path) -> None:
    running = hanging(box, gate)
    pid = int((tmp_path / "there").read_text())
    os.kill(running.pid, signal.SIGKILL)
    running.communicate(timeout=60)
    for _ in range(500):
        if not Path(f"/proc/{pid}").exists():
            return
        subprocess.run(["sleep", "0.02"], check=True)
    raise AssertionError("the gate outlived its run")


def test_another_command_closes_the_killed_run_as_interrupted(box: Sandbox, gate: str) -> None:
    running = hanging(box, gate)
    os.kill(running.pid, signal.SIGKILL)
    running.communicate(timeout=60)
    ran = box.integrate("agent-b")
    assert ran.outcomes == {"agent-b": "landed by rebase"}
    listed = box.gitbot("runs", "--format", "json").document["runs"]
    assert [(run["state"], run["counts"]) for run in listed] == [
        ("interrupted", {"waiting": 2}),
        ("done", {"landed": 1}),
    ]
    old = box.gitbot("runs", listed[0]["run"], "--format", "json")
    assert old.outcomes == {"agent-a": "waiting: interrupted", "agent-b": "waiting: interrupted"}


def test_a_branch_deleted_after_the_kill_still_lands_as_it_was_pinned(
    box: Sandbox, gate: str, tmp_path: Path
) -> None:
    running = hanging(box, gate)
    os.kill(running.pid, signal.SIGKILL)
    running.communicate(timeout=60)
    box.git("branch", "-D", "agent-b")
    box.git("reflog", "expire", "--expire=all", "--all")
    box.git("gc", "-q", "--prune=now")
    box.git("branch", "agent-b", "main")
    (tmp_path / "go").touch()
    ran = box.integrate("agent-a", "agent-b", gate=gate)
    assert ran.outcomes == {"agent-a": "landed by rebase", "agent-b": "landed by rebase"}
    assert box.show("main", "y.txt") == "y"


def test_a_run_that_was_fetched_from_another_clone_is_not_gone_on_with(
    box: Sandbox, gate: str, tmp_path: Path
) -> None:
    """Its word counts for nothing here: neither as a run under way nor as a record of what has landed."""
    running = hanging(box, gate)
    running.kill()
    running.communicate(timeout=60)
    box.git("clone", "-q", ".", str(tmp_path / "clone"))
    other = Sandbox(tmp_path / "clone", box.env)
    for name in ("agent-a", "agent-b"):
        other.git("branch", name, f"origin/{name}")
    other.git("fetch", "-q", "origin", "refs/gitbot/runs/*:refs/gitbot/runs/*")
    (tmp_path / "go").touch()
    ran = other.gitbot("integrate", "agent-a", "agent-b", "--gate", gate, "--format", "json")
    assert ran.code == 0, ran.err
    assert len(other.gitbot("runs", "--format", "json").document["runs"]) == 2
    assert ran.document["run"] not in box.git("for-each-ref", "refs/gitbot/runs")


def test_a_disk_that_is_full_when_the_checkout_follows_says_what_has_landed_and_is_finished_later(
    box: Sandbox,
) -> None:
    copy = box.path / ".git" / "gitbot-index"
    copy.symlink_to("/dev/full")
    full = box.gitbot("integrate", "agent-a", "--gate", "true")
    at = box.tip("main")[:7]
    assert full.code == 4
    assert full.err.startswith(
        f"error: agent-a: landed, main is at {at}; what follows it could not be written: No sp"
    )
    assert box.show("main", "x.txt") == "x"
    again = box.gitbot("integrate", "agent-a", "--gate", "true", "--format", "json")
    assert (again.code, again.outcomes) == (0, {"agent-a": "landed by rebase"})
    assert box.git("status", "--porcelain") == ""
    assert box.tip("main")[:7] == at


def test_locks_that_a_killed_run_left_on_its_references_need_no_cleaning(box: Sandbox) -> None:
    assert box.integrate("agent-a").code == 0
    for ref in box.git("for-each-ref", "--format=%(refname)", "refs/gitbot").split():
        lock = box.path / ".git" / f"{ref}.lock"
        lock.parent.mkdir(parents=True, exist_ok=True)
        lock.touch()
    assert box.integrate("agent-a", "agent-b").outcomes == {
        "agent-a": "already-landed",
        "agent-b": "landed by rebase",
    }
