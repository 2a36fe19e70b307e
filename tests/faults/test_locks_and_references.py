"""What a dead process left on references, and what others do to them: nothing needs cleaning by hand."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.faults.world import World, made, story

# git calls this while it holds its locks; here everything dies at that moment, git and gitbot alike.
DYING = """#!/bin/sh
[ "$1" = prepared ] && [ ! -e {once} ] && grep -q {ref} && touch {once} && kill -9 0
exit 0
"""


def die_while_moving(world: World, ref: str) -> None:
    """Let the next process that moves a reference be killed in the middle of it, once."""
    hook = world.box.path / ".git" / "hooks" / "reference-transaction"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(DYING.format(once=world.box.path.with_name("once"), ref=ref))
    hook.chmod(0o755)


@pytest.fixture
def world(tmp_path: Path, sealed_env: Mapping[str, str]) -> World:
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


def test_an_undo_that_died_in_the_middle_can_be_done_again(world: World) -> None:
    assert world.run().status == 0
    before, after = world.positions()[-1], world.box.git("rev-parse", "main")
    die_while_moving(world, "refs/heads/main")
    assert world.run("undo", "last").status == -signal.SIGKILL
    assert world.box.git("rev-parse", "main") == after
    assert world.run("undo", "last").status == 0
    assert world.box.git("rev-parse", "main") == before
    assert world.leftovers() == []


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
