"""What a dead process left on references, and what others do to them: nothing needs cleaning by hand."""

from __future__ import annotations

import json
import os
import random
import signal
from collections.abc import Mapping
from pathlib import Path

import pytest

from gitbot.journal import lock
from gitbot.journal.runs import Journal
from gitbot.model.run import Delivered, Record
from tests.faults.world import World, made, settle, story
from tests.scenarios.test_concurrency import wait_for

# git calls this while it holds its locks; here everything dies at that moment, git and gitbot alike.
DYING = """#!/bin/sh
[ "$1" = prepared ] && [ ! -e {once} ] && grep -q {ref} && touch {once} && kill -9 0
exit 0
"""

# One that takes longer than any lock is left alone; it tells when the lock is no longer there at its end.
SLOW = """#!/bin/sh
[ "$1" = prepared ] && grep -q refs/heads/main || exit 0
[ -e {there} ] && exit 0
touch {there}; sleep 1; [ -e .git/refs/heads/main.lock ] || touch {there}-lost
"""


def install(world: World, script: str) -> None:
    """The repository's hook for moves of references."""
    hook = world.box.path / ".git" / "hooks" / "reference-transaction"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(script)
    hook.chmod(0o755)


def die_while_moving(world: World, ref: str) -> None:
    """Let the next process that moves a reference be killed in the middle of it, once."""
    install(world, DYING.format(once=world.box.path.with_name("once"), ref=ref))


@pytest.fixture
def world(tmp_path: Path, sealed_env: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(lock, "_LONGEST_MOVE", 0.5)  # or most of the time here goes into waiting
    return made(story(random.Random(1), jobs=1), tmp_path / "repository", sealed_env, 1)


def test_locks_of_a_git_that_died_with_its_run_are_waited_for_and_removed(world: World) -> None:
    """That of the target, and that of HEAD, which git takes as well where the target is checked out."""
    die_while_moving(world, "refs/heads/main")
    assert world.run().status == -signal.SIGKILL
    left = {path.name for path in (world.box.path / ".git").rglob("*.lock")}
    assert left == {"HEAD.lock", "main.lock"}
    assert world.run().status == 0
    assert world.red() == world.leftovers() == []
    assert len(world.positions()) == 2


@pytest.mark.parametrize("patience", [9, 0])
def test_a_git_that_outlives_its_run_in_a_slow_hook_is_waited_for(
    world: World, monkeypatch: pytest.MonkeyPatch, patience: float
) -> None:
    """Only so long; whatever it does in the end counts for the run that goes on."""
    monkeypatch.setattr(lock, "_LONGEST_HOOK", patience)
    there = world.box.path.with_name("there")
    install(world, f"#!/bin/sh\ncd {world.box.path}\n{SLOW.format(there=there)}")
    child = world.start()
    wait_for(there)
    child.kill("process")
    if not patience:
        early = world.run()
        assert (early.status, "git still moves refs/heads/main" in early.err) == (4, True), early.err
        settle(world)
    assert world.run().status == 0
    assert not there.with_name("there-lost").exists()
    assert len(world.positions()) == 2
    assert world.red() == world.leftovers() == []


def test_an_undo_that_died_in_the_middle_can_be_done_again(world: World) -> None:
    assert world.run().status == 0
    before, after = world.positions()[-1], world.box.git("rev-parse", "main")
    die_while_moving(world, "refs/heads/main")
    assert world.run("undo", "last").status == -signal.SIGKILL
    assert world.box.git("rev-parse", "main") == after
    assert world.run("undo", "last").status == 0
    assert world.box.git("rev-parse", "main") == before
    assert world.leftovers() == []


@pytest.mark.parametrize("then", [("undo", "last"), ()], ids=["undo", "integrate"])
def test_an_undo_that_died_right_after_it_had_moved_the_target_is_finished_by_what_comes_next(
    world: World, then: tuple[str, ...]
) -> None:
    assert world.run().status == 0
    before = world.positions()[-1]
    assert world.start("undo", "last", moment=3).wait()  # after the record of the intent, and its reference
    assert world.box.git("rev-parse", "main") == before
    assert world.box.git("status", "--porcelain") != ""
    child = world.run(*then)
    assert child.status == 0, child.err
    assert world.leftovers() == []
    assert (world.box.git("rev-parse", "main") == before) == bool(then)


def test_locks_of_a_move_of_an_agents_branch_are_removed_too(world: World) -> None:
    die_while_moving(world, "refs/heads/agent-1")
    command = (*world.command, "--update-branches")
    assert world.run(*command).status == -signal.SIGKILL
    assert world.run(*command).status == 0
    assert world.red() == world.leftovers() == []


def test_a_lock_that_another_git_holds_is_not_taken_away(world: World) -> None:
    """Without a move of ours that was cut short, a lock is somebody's who is alive."""
    held = world.box.path / ".git" / "refs" / "heads" / "main.lock"
    held.touch()
    os.utime(held, (0, 0))
    child = world.run()
    assert child.status == 4
    assert "main.lock" in child.err
    assert held.exists()
    held.unlink()
    assert world.run().status == 0


def test_a_clock_that_was_set_back_or_far_ahead_changes_nothing(world: World) -> None:
    """Records, locks and slots of a killed run seem to come from the future, or from long ago."""
    die_while_moving(world, "refs/heads/main")
    for year in (2099, 1999):
        world.box.path.with_name("once").unlink(missing_ok=True)
        assert world.run().status == -signal.SIGKILL
        then = (year - 1970) * 365.25 * 24 * 3600
        for path in (world.box.path / ".git").rglob("*"):
            os.utime(path, (then, then))
    assert world.run().status == 0
    assert world.red() == world.leftovers() == []
    assert len(world.positions()) == 2


def test_a_work_tree_that_vanishes_during_the_run_is_nobodys_loss(world: World, tmp_path: Path) -> None:
    world.box.git("worktree", "add", "-q", str(tmp_path / "linked"), "agent-1")
    gate = f"rm -rf {tmp_path}/linked; sh gate.sh"
    child = world.run("integrate", "agent-*", "--gate", gate, "--format", "json")
    assert child.status == 0, child.err
    assert world.red() == []
    world.box.git("worktree", "prune")
    assert world.leftovers() == []


def test_branches_rebased_pushed_over_and_deleted_during_the_gate_land_as_they_were_pinned(world: World) -> None:
    wanted = set(world.box.git("ls-tree", "-r", "--name-only", "agent-0").splitlines())
    moves = "update refs/heads/agent-0 {0}\nupdate refs/heads/agent-1 {0}\ndelete refs/heads/agent-2\n"
    moves = moves.format(world.box.git("rev-parse", "main"))
    (world.box.path.parent / "moves").write_text(moves)
    git = f"git --git-dir={world.box.path}/.git"
    gate = f"{git} update-ref --stdin <{world.box.path.parent}/moves; {git} gc -q --prune=now; sh gate.sh"
    child = world.run("integrate", "agent-*", "--gate", gate, "--format", "json")
    assert child.status == 0, child.err
    assert wanted <= set(world.box.git("ls-tree", "-r", "--name-only", "main").splitlines())
    assert "refs/heads/agent-2" not in world.branches()
    assert world.red() == world.leftovers() == []


def test_what_nobody_was_told_yet_is_told_though_a_branch_has_gone_since(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed when all had landed, before its document was out."""
    append = Journal.append

    def untold(journal: Journal, record: Record, files: Mapping[str, bytes] | None = None) -> None:
        if isinstance(record, Delivered):
            os.kill(os.getpid(), signal.SIGKILL)
        append(journal, record, files)

    with monkeypatch.context() as patched:
        patched.setattr(Journal, "append", untold)
        assert world.run().status == -signal.SIGKILL
    world.box.git("update-ref", "-d", "refs/heads/agent-0")
    world.box.git("update-ref", "refs/heads/agent-1", "main")
    told = json.loads(world.run().out)["branches"]
    assert {branch["outcome"] for branch in told} == {"landed"}
    assert "agent-0" in {branch["branch"] for branch in told}
