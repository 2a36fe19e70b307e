"""Others at work at the same time: a second run, a person who commits, a target that will not stand still."""

from __future__ import annotations

import time
from pathlib import Path

from tests.conftest import Sandbox, SandboxMaker, step
from tests.scenarios.beginnings import base


def wait_for(path: Path) -> None:
    """Until a file is there; something is badly wrong when it does not come."""
    for _ in range(3000):
        if path.exists():
            return
        time.sleep(0.02)
    raise AssertionError(f"{path} never came")


def committing_gate(box: Sandbox, times: int) -> str:
    """A gate during which somebody commits to main in the repository itself, as often as said."""
    count = box.path.parent / "count"
    count.write_text("")
    commit = "git add . && git commit -q -m theirs"
    return (
        f'if [ "$(wc -c <{count})" -lt {times} ]; then printf x >>{count}; cd {box.path} && '
        f'cp {count} "theirs-$(wc -c <{count})" && {commit}; fi'
    )


def test_a_second_run_at_once_is_refused_and_says_who_is_there(sandbox: SandboxMaker, tmp_path: Path) -> None:
    box = sandbox(base(), step("agent-a", {"x.txt": "x\n"}), step("agent-b", {"y.txt": "y\n"}))
    gate = f"touch {tmp_path}/there; while [ ! -e {tmp_path}/go ]; do sleep 0.02; done"
    first = box.start("integrate", "agent-a", "--gate", gate, "--format", "json")
    wait_for(tmp_path / "there")
    second = box.gitbot("integrate", "agent-b", "--gate", "true")
    assert second.code == 4
    assert f"another run is under way here (process {first.pid})" in second.err
    assert box.gitbot("status", "agent-b").code == 0
    assert box.gitbot("integrate", "agent-b", "--dry-run").code == 0
    (tmp_path / "go").touch()
    first.communicate(timeout=60)
    assert first.returncode == 0
    assert box.show("main", "x.txt") == "x"


def test_when_somebody_commits_to_the_target_meanwhile_it_is_computed_again(sandbox: SandboxMaker) -> None:
    box = sandbox(base(), step("agent-a", {"x.txt": "x\n"}))
    ran = box.integrate("agent-a", gate=committing_gate(box, 1))
    assert ran.outcomes == {"agent-a": "landed by rebase"}
    assert box.git("log", "--format=%s", "main").splitlines() == ["agent-a: change", "theirs", "base"]
    assert ran.document["gate"]["runs"] == 2


def test_of_where_the_target_went_only_what_the_run_did_is_said(sandbox: SandboxMaker) -> None:
    box = sandbox(base(), step("agent-a", {"x.txt": "BROKEN\n"}), step("agent-b", {"y.txt": "y\n"}))
    begun = box.tip("main")
    gate = f"{{ {committing_gate(box, 1)}; }} && ! grep -q BROKEN *.txt"
    ran = box.gitbot("integrate", "agent-a", "--gate", gate)
    assert ran.out.splitlines()[0] == "0 of 1 landed on main"
    theirs = box.tip("main")
    shown = box.gitbot("runs", "last", "--format", "json").document
    assert (shown["before"], shown["after"], shown["spans"]) == (begun, theirs, [])
    again = f"echo more >{box.path}/a.txt && {committing_gate(box, 1)}"
    ran = box.gitbot("integrate", "agent-b", "--gate", again)
    before, after = box.git("rev-parse", "--short=7", "main^"), box.git("rev-parse", "--short=7", "main")
    assert ran.out.splitlines()[0] == f"1 of 1 landed on main, {before} → {after}"
    assert box.tip("main^^") == theirs


def test_a_target_that_moves_three_times_is_still_landed_on(sandbox: SandboxMaker) -> None:
    box = sandbox(base(), step("agent-a", {"x.txt": "x\n"}))
    assert box.integrate("agent-a", gate=committing_gate(box, 3)).outcomes == {"agent-a": "landed by rebase"}


def test_a_target_that_keeps_moving_ends_the_run_and_loses_nothing(sandbox: SandboxMaker) -> None:
    box = sandbox(base(), step("agent-a", {"x.txt": "x\n"}))
    ran = box.integrate("agent-a", gate=committing_gate(box, 9))
    assert ran.code == 4
    assert ran.outcomes == {"agent-a": "waiting: interrupted"}
    assert "main moved 4 times while the gate ran" in ran.err
    assert set(box.git("log", "--format=%s", "main").splitlines()) == {"theirs", "base"}
    assert box.integrate("agent-a").outcomes == {"agent-a": "landed by rebase"}


def test_a_branch_that_goes_on_while_its_gate_runs_lands_as_it_was_pinned(sandbox: SandboxMaker) -> None:
    """And the rest of it is not called landed."""
    box = sandbox(base(), step("agent-a", {"x.txt": "x\n"}))
    pinned = box.tip("agent-a")
    tree = box.git("rev-parse", "agent-a^{tree}")
    later = box.git("commit-tree", "-p", "agent-a", "-m", "later", tree)
    ran = box.gitbot(
        *("integrate", "agent-a", "--format", "json"),
        *("--gate", f"git --git-dir={box.path}/.git update-ref refs/heads/agent-a {later}"),
    )
    assert ran.outcomes == {"agent-a": "landed by rebase"}
    assert ran.branches["agent-a"]["tip"] == pinned == box.tip("main")
    assert box.tip("agent-a") == later


def test_a_target_that_is_deleted_meanwhile_is_not_made_again(sandbox: SandboxMaker) -> None:
    box = sandbox(base(), step("agent-a", {"x.txt": "x\n"}))
    box.git("checkout", "-q", "--detach")
    gate = f"git --git-dir={box.path}/.git update-ref -d refs/heads/main"
    ran = box.gitbot("integrate", "agent-a", "--gate", gate)
    assert ran.code == 4
    assert "was deleted while the run was under way" in ran.err
    assert box.git("branch", "--list", "main") == ""
