"""Where the user works: nothing of theirs is in danger, whatever lies in the way."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Sandbox, SandboxMaker, step
from tests.scenarios.beginnings import base


def one_branch(sandbox: SandboxMaker) -> Sandbox:
    return sandbox(
        base({"b.txt": "b\n", ".gitignore": "ignored.txt\n"}),
        step("agent-a", {"a.txt": "from agent\n", "new.txt": "from agent\n", "ignored.txt": "from agent\n"}),
    )


@pytest.mark.parametrize("name", ["a.txt", "new.txt", "ignored.txt"], ids=["edited", "untracked", "ignored"])
@pytest.mark.parametrize("staged", [False, True], ids=["", "staged"])
def test_a_file_in_the_way_stops_the_landing_before_anything_moves(
    sandbox: SandboxMaker, name: str, staged: bool
) -> None:
    box = one_branch(sandbox)
    before = box.tip("main")
    (box.path / name).write_text("mine\n")
    if staged:
        box.git("add", "-f", name)
    ran = box.integrate("agent-a")
    assert ran.code == 4
    assert ran.outcomes == {"agent-a": "waiting: interrupted"}
    assert f"{name} would be overwritten" in ran.err
    assert "hint: commit, stash or move it" in ran.err
    assert box.tip("main") == before
    assert (box.path / name).read_text() == "mine\n"
    box.git("stash", "-q", "-a")
    assert box.integrate("agent-a").outcomes == {"agent-a": "landed by rebase"}


def test_a_file_in_the_way_of_a_later_branch_leaves_the_earlier_ones_landed(sandbox: SandboxMaker) -> None:
    box = sandbox(base(), step("agent-a", {"x.txt": "x\n"}), step("agent-b", {"y.txt": "y\n"}))
    (box.path / "y.txt").write_text("mine\n")
    ran = box.integrate("agent-a", "agent-b", "--queue", "serial")
    assert ran.code == 4
    assert ran.outcomes == {"agent-a": "landed by rebase", "agent-b": "waiting: interrupted"}
    assert box.show("main", "x.txt") == "x"


def test_edits_elsewhere_are_left_alone(sandbox: SandboxMaker) -> None:
    box = one_branch(sandbox)
    (box.path / "b.txt").write_text("mine\n")
    (box.path / "scratch.txt").write_text("mine\n")
    (box.path / "gate.sh").unlink()
    (box.path / "staged.txt").write_text("mine\n")
    box.git("add", "staged.txt")
    ran = box.integrate("agent-a")
    assert ran.outcomes == {"agent-a": "landed by rebase"}
    assert (box.path / "a.txt").read_text() == "from agent\n"
    assert box.git("status", "--porcelain").splitlines() == [
        "M b.txt",
        " D gate.sh",
        "A  staged.txt",
        "?? scratch.txt",
    ]


def test_stash_hooks_and_configuration_are_left_alone(sandbox: SandboxMaker) -> None:
    """The watch around every run compares them; here there is something to compare."""
    box = one_branch(sandbox)
    hooks = box.path / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    for name in ("pre-commit", "post-checkout", "post-merge", "commit-msg", "pre-rebase"):
        (hooks / name).write_text("#!/bin/sh\ntouch hook-ran\nexit 1\n")
        (hooks / name).chmod(0o755)
    box.git("config", "merge.conflictStyle", "diff3")
    (box.path / "b.txt").write_text("stashed\n")
    box.git("stash", "-q")
    assert box.integrate("agent-a").outcomes == {"agent-a": "landed by rebase"}
    assert not (box.path / "hook-ran").exists()


def test_a_checkout_of_another_branch_stays_as_it_is(sandbox: SandboxMaker) -> None:
    box = one_branch(sandbox)
    box.git("checkout", "-q", "-b", "mine")
    assert box.integrate("agent-a").outcomes == {"agent-a": "landed by rebase"}
    assert not (box.path / "new.txt").exists()


def test_a_bare_repository_lands(sandbox: SandboxMaker) -> None:
    box = sandbox(base(), step("agent-a", {"x.txt": "x\n"}), step("main", {"y.txt": "y\n"}), bare=True)
    assert box.integrate("agent-a").outcomes == {"agent-a": "landed by rebase"}
    assert box.show("main", "x.txt") == "x"


def test_run_from_a_linked_work_tree_the_target_in_another_follows(sandbox: SandboxMaker, tmp_path: Path) -> None:
    box = one_branch(sandbox)
    box.git("checkout", "-q", "--detach")
    box.git("worktree", "add", "-q", str(tmp_path / "trunk"), "main")
    box.git("worktree", "add", "-q", str(tmp_path / "a"), "agent-a")
    ran = box.integrate("agent-a", cwd=tmp_path / "a")
    assert ran.outcomes == {"agent-a": "landed by rebase"}
    assert (tmp_path / "trunk" / "a.txt").read_text() == "from agent\n"
    assert (box.path / "a.txt").read_text() != "from agent\n"


def test_worktrees_takes_every_branch_of_a_linked_work_tree(sandbox: SandboxMaker, tmp_path: Path) -> None:
    box = sandbox(*(base(), *(step(f"agent-{n}", {f"{n}.txt": "x\n"}) for n in "xyz")))
    for name in ("agent-x", "agent-z"):
        box.git("worktree", "add", "-q", str(tmp_path / name), name)
    assert box.integrate("--worktrees").outcomes == {"agent-x": "landed by rebase", "agent-z": "landed by rebase"}


def test_a_rebase_of_the_target_under_way_stops_the_landing(sandbox: SandboxMaker) -> None:
    box = sandbox(
        base(),
        step("agent-a", {"x.txt": "x\n"}),
        step("other", {"a.txt": "other\n"}),
        step("main", {"a.txt": "main\n"}),
    )
    box.git("rebase", "-q", "other", check=False)
    ran = box.integrate("agent-a")
    assert ran.code == 4
    assert "a rebase of it is under way" in ran.err


def test_a_file_that_became_a_folder_and_a_link_follow_too(sandbox: SandboxMaker) -> None:
    box = sandbox(
        base({"thing": "a file\n", "folder/inside.txt": "x\n"}),
        step("agent-a", {"thing/inside": "x\n", "folder": "now a file\n"}, delete=["thing", "folder/inside.txt"]),
    )
    ran = box.integrate("agent-a")
    assert ran.outcomes == {"agent-a": "landed by rebase"}, ran.out
    assert (box.path / "thing" / "inside").read_text() == "x\n"
    assert (box.path / "folder").read_text() == "now a file\n"


def test_update_branches_moves_a_clean_agent_branch_to_what_landed(sandbox: SandboxMaker, tmp_path: Path) -> None:
    box = sandbox(
        base(),
        step("agent-a", {"x.txt": "x\n"}),
        step("agent-b", {"y.txt": "y\n"}),
        step("main", {"z.txt": "z\n"}),
    )
    box.git("worktree", "add", "-q", str(tmp_path / "b"), "agent-b")
    (tmp_path / "b" / "y.txt").write_text("edited\n")
    edited = box.tip("agent-b")
    ran = box.gitbot("integrate", "agent-a", "agent-b", "--update-branches", "--no-gate", "--format", "json")
    assert ran.code == 0, ran.err
    assert box.tip("agent-a") == ran.branches["agent-a"]["commits"][-1]
    assert box.tip("agent-b") == edited
