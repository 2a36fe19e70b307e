"""Branches that go on after they landed: only what is new lands, and nothing lands twice."""

from __future__ import annotations

from pathlib import Path

from tests.conftest import Sandbox, SandboxMaker, step
from tests.scenarios.beginnings import base


def go_on(box: Sandbox, branch: str, name: str, text: str) -> None:
    """One more commit on an agent's branch, made in a work tree of its own."""
    folder = box.path.parent / f"work-{branch}"
    if not folder.exists():
        box.git("worktree", "add", "-q", str(folder), branch)
    (folder / name).write_text(text)
    box.git("add", "-A", cwd=folder)
    box.git("commit", "-q", "-m", f"feat: {name}", cwd=folder)


def test_a_squashed_branch_that_goes_on_lands_only_what_is_new(sandbox: SandboxMaker) -> None:
    box = sandbox(base(), step("agent-a", {"x.txt": "1\n"}, "wip"), step("main", {"y.txt": "y\n"}))
    assert box.integrate("agent-a").outcomes == {"agent-a": "landed by squash"}
    go_on(box, "agent-a", "x.txt", "2\n")
    ran = box.integrate("agent-a")
    assert ran.outcomes == {"agent-a": "landed by squash"}
    assert box.show("main", "x.txt") == "2"
    assert len(ran.branches["agent-a"]["commits"]) == 1
    assert box.git("diff", "--name-only", "main~1", "main") == "x.txt"
    assert box.git("log", "-1", "--format=%s", "main") == "feat: x.txt"


def test_what_others_took_back_meanwhile_does_not_come_back(sandbox: SandboxMaker) -> None:
    box = sandbox(base(), step("agent-a", {"x.txt": "1\n", "gone.txt": "1\n"}, "wip"))
    box.integrate("agent-a", "--strategy", "squash")
    box.git("rm", "-q", "gone.txt")
    box.git("commit", "-q", "-m", "not wanted")
    go_on(box, "agent-a", "x.txt", "2\n")
    assert box.integrate("agent-a").outcomes == {"agent-a": "landed by squash"}
    assert "gone.txt" not in box.git("ls-tree", "--name-only", "main").split()


def test_the_landing_is_known_in_a_fresh_clone_by_its_trailer(
    sandbox: SandboxMaker, sealed_env: dict[str, str], tmp_path: Path
) -> None:
    box = sandbox(base(), step("agent-a", {"x.txt": "1\n"}, "wip"), step("main", {"y.txt": "y\n"}))
    box.integrate("agent-a")
    go_on(box, "agent-a", "x.txt", "2\n")
    box.git("clone", "-q", str(box.path), str(tmp_path / "clone"))
    clone = Sandbox(tmp_path / "clone", sealed_env)
    ran = clone.integrate("origin/agent-*")
    assert ran.outcomes == {"origin/agent-a": "landed by squash"}
    assert clone.show("main", "x.txt") == "2"


def test_commits_that_the_target_picked_already_are_dropped_from_a_rebase(sandbox: SandboxMaker) -> None:
    box = sandbox(
        base(),
        step("agent-a", {"x.txt": "x\n"}, "first"),
        step("agent-a", {"y.txt": "y\n"}, "second"),
        step("main", {"x.txt": "x\n"}, "first, picked"),
    )
    ran = box.integrate("agent-a")
    assert ran.outcomes == {"agent-a": "landed by rebase"}
    assert box.git("log", "--format=%s", "-2", "main").splitlines() == ["second", "first, picked"]


def test_a_branch_stacked_on_another_lands_after_it_without_its_commits_twice(sandbox: SandboxMaker) -> None:
    box = sandbox(
        base(),
        step("agent-a", {"x.txt": "x\n"}, "below"),
        step("agent-b", {"y.txt": "y\n"}, "above", start="agent-a"),
        step("main", {"z.txt": "z\n"}, "other"),
    )
    ran = box.integrate("agent-b", "agent-a")
    assert {branch["outcome"] for branch in ran.document["branches"]} <= {"landed", "already-landed"}
    subjects = box.git("log", "--no-merges", "--format=%s", "main").splitlines()
    assert sorted(subjects) == ["above", "base", "below", "other"]
