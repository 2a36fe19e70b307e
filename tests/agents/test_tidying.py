"""`gitbot tidy`: what is done with goes, whatever could be missed by anybody stays."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Sandbox, SandboxMaker, step
from tests.scenarios.beginnings import base


@pytest.fixture
def box(sandbox: SandboxMaker) -> Sandbox:
    """Two branches in work trees of their own: agent-a has landed by squash, agent-b has not."""
    made = sandbox(
        base({".gitignore": "*.log\n"}),
        step("agent-a", {"a1.txt": "1\n"}, "wip"),
        step("agent-a", {"a2.txt": "2\n"}, "wip"),
        step("agent-b", {"b2.txt": "2\n"}),
    )
    for name in ("a", "b"):
        made.git("worktree", "add", "-q", str(tree(made, name)), f"agent-{name}")
    assert made.integrate("agent-a").outcomes == {"agent-a": "landed by squash"}
    return made


def tree(box: Sandbox, name: str) -> Path:
    return box.path.with_name(f"tree-{name}")


def tidy(box: Sandbox, *words: str) -> dict[str, tuple[bool, str]]:
    ran = box.gitbot("tidy", *words, "--format", "json")
    assert (ran.code, ran.err) == (0, "")
    return {one["branch"]: (one["goes"], one["why"]) for one in ran.document["branches"]}


def test_what_was_squashed_goes_with_its_work_tree_and_what_has_not_landed_stays(box: Sandbox) -> None:
    tip = box.tip("agent-a")
    (tree(box, "a") / "debug.log").write_text("ignored\n")
    with box.watched(dry=True):
        said = box.gitbot("tidy")
    assert said.out.splitlines() == [
        f"would go  agent-a, work tree {tree(box, 'a')} with debug.log: its tip has landed before",
        f"stays     agent-b, work tree {tree(box, 'b')}: 1 commit of it has not landed",
    ]
    assert said.err == "nothing was removed; gitbot tidy --apply does it\n"
    done = box.gitbot("tidy", "--apply")
    assert done.out.startswith("removed   agent-a")
    assert done.err == f"to have it again: git branch agent-a {tip[:12]}\n"
    assert not tree(box, "a").exists()
    assert tree(box, "b").exists()
    assert box.git("branch", "--list", "agent-*", "--format=%(refname:short)") == "agent-b"
    assert tip in box.git("for-each-ref", "--format=%(objectname)", "refs/gitbot/backup").splitlines()
    assert "agent-a" not in tidy(box)


def edit(box: Sandbox) -> None:
    (tree(box, "a") / "a1.txt").write_text("mine\n")


def leave_untracked(box: Sandbox) -> None:
    (tree(box, "a") / "new.txt").write_text("mine\n")


def edit_hidden(box: Sandbox, flag: str) -> None:
    box.git("update-index", flag, "a1.txt", "a.txt", cwd=tree(box, "a"))
    edit(box)


def skip(box: Sandbox) -> None:
    edit_hidden(box, "--skip-worktree")


def assume_unchanged(box: Sandbox) -> None:
    edit_hidden(box, "--assume-unchanged")


def lock(box: Sandbox) -> None:
    box.git("worktree", "lock", str(tree(box, "a")))


def begin_a_bisection(box: Sandbox) -> None:
    box.git("bisect", "start", cwd=tree(box, "a"))


def clone_into_what_is_ignored(box: Sandbox) -> None:
    box.git("clone", "-q", ".", str(tree(box, "a") / "deep" / "vendor.log"))


def commit(box: Sandbox) -> None:
    (tree(box, "a") / "a1.txt").write_text("more\n")
    box.git("commit", "-q", "-am", "more", cwd=tree(box, "a"))


@pytest.mark.parametrize(
    ("happens", "why"),
    [
        (edit, "its work tree has uncommitted work: a1.txt"),
        (leave_untracked, "its work tree has uncommitted work: new.txt"),
        (skip, "its work tree has uncommitted work: a1.txt"),
        (assume_unchanged, "its work tree has uncommitted work: a1.txt"),
        (lock, "its work tree is locked"),
        (begin_a_bisection, "a bisection is under way in its work tree"),
        (clone_into_what_is_ignored, "its work tree holds another repository: deep/vendor.log"),
        (commit, "1 commit of it has not landed"),
    ],
)
def test_what_somebody_may_still_need_stays(box: Sandbox, happens: Callable[[Sandbox], None], why: str) -> None:
    happens(box)
    assert tidy(box, "--apply")["agent-a"] == (False, why)
    assert tree(box, "a").exists()
    assert box.git("branch", "--list", "agent-a")


def test_a_sparse_work_tree_and_what_is_hidden_but_not_edited_can_go(box: Sandbox) -> None:
    box.git("sparse-checkout", "set", "--no-cone", "a1.txt", cwd=tree(box, "a"))
    box.git("update-index", "--assume-unchanged", "a1.txt", cwd=tree(box, "a"))
    assert tidy(box, "--apply")["agent-a"][0]


def test_a_work_tree_in_which_a_process_lives_stays(box: Sandbox) -> None:
    with subprocess.Popen(["sleep", "60"], cwd=tree(box, "a")) as living:
        try:
            assert tidy(box, "--apply")["agent-a"] == (False, f"process {living.pid} lives in its work tree")
        finally:
            living.kill()
    assert tidy(box, "--apply")["agent-a"][0]


def test_a_branch_without_work_tree_that_is_checked_out_or_has_no_work_stays(sandbox: SandboxMaker) -> None:
    box = sandbox(base(), step("agent-a", {"a.txt": "a\n"}))
    assert box.integrate("agent-a").code == 0
    box.git("branch", "agent-new", "main")
    box.git("checkout", "-q", "agent-a")
    assert tidy(box, "agent-*", "--apply") == {
        "agent-a": (False, "it is checked out in the main work tree"),
        "agent-new": (False, "no commit of its own"),
    }
    box.git("checkout", "-q", "main")
    assert tidy(box, "agent-a", "--apply")["agent-a"][0]
    assert box.git("branch", "--list", "agent-a") == ""


def test_a_branch_that_was_made_on_top_of_one_that_landed_has_not_begun(box: Sandbox) -> None:
    box.git("branch", "agent-c", "agent-a")
    assert tidy(box, "agent-c", "--apply")["agent-c"] == (
        False,
        "nothing here says that it ever had work of its own",
    )


def test_nothing_goes_while_a_run_is_under_way(box: Sandbox) -> None:
    holding = "import fcntl, sys, time; f = open('.git/gitbot/lock', 'r+'); fcntl.flock(f, 2); print(flush=True)"
    words = ["python3", "-c", f"{holding}; time.sleep(60)"]
    with subprocess.Popen(words, cwd=box.path, stdout=subprocess.PIPE) as holder:
        try:
            assert holder.stdout is not None
            holder.stdout.readline()
            assert box.gitbot("tidy", "--apply").code == 4
        finally:
            holder.kill()
    assert tree(box, "a").exists()
