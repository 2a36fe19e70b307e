"""Work trees: what is in the way, and following."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gitbot.errors import WorkTreeInTheWayError
from gitbot.model.git import RefName
from gitbot.repository import checkouts
from tests.conftest import Sandbox, SandboxMaker, step

MAIN = RefName("refs/heads/main")


@pytest.fixture
def box(sandbox: SandboxMaker) -> Sandbox:
    return sandbox(
        step("main", {"a": "1\n", "b": "1\n", "gone": "1\n", ".gitignore": "cache/\n*.log\n"}),
        step("next", {"a": "2\n", "cache/x": "2\n", "run.log": "2\n", "folder/deep": "2\n"}, delete=["gone"]),
    )


def in_the_way(box: Sandbox) -> tuple[str, ...]:
    return checkouts.in_the_way(box.repository, str(box.path), box.tip("main"), box.tip("next"))


def test_nothing_is_in_the_way_of_a_clean_checkout_and_edits_elsewhere(box: Sandbox) -> None:
    (box.path / "b").write_text("mine\n")
    (box.path / "untracked").write_text("mine\n")
    (box.path / "cache").mkdir()
    (box.path / "cache" / "y").write_text("mine\n")
    assert in_the_way(box) == ()


@pytest.mark.parametrize("name", ["a", "gone", "cache/x", "run.log", "folder/deep", "folder", "cache"])
def test_whatever_the_move_would_overwrite_is_named(box: Sandbox, name: str) -> None:
    (box.path / name).parent.mkdir(exist_ok=True)
    (box.path / name).write_text("mine\n")
    assert in_the_way(box) == (name,)


@pytest.mark.parametrize("mark", ["assume-unchanged", "skip-worktree"])
def test_an_edit_that_git_was_told_not_to_look_for_is_in_the_way_however_young(box: Sandbox, mark: str) -> None:
    """As long as the file was, and written while the index was: git tells it by the index's own time."""
    box.git("config", "core.trustctime", "false")
    then = 1_700_000_000
    os.utime(box.path / "a", (then, then))
    box.git("update-index", "--refresh")
    box.git("update-index", f"--{mark}", "a")
    (box.path / "a").write_text("!\n")
    for path in (box.path / "a", box.path / ".git" / "index"):
        os.utime(path, (then, then))
    os.utime(box.path / "b", (then, then))  # git looks at it as well, and would write the index anew
    assert in_the_way(box) == ("a",)
    words = checkouts.follow(box.repository, str(box.path), box.tip("main"), box.tip("next"))
    assert words is not None
    assert (box.path / "a").read_text() == "!\n"


def test_conflicts_that_stand_in_the_index_are_told_in_gits_words(box: Sandbox) -> None:
    """Also where no merge is under way: a stash that did not apply leaves them."""
    (box.path / "b").write_text("stashed\n")
    box.git("stash")
    (box.path / "b").write_text("committed\n")
    box.git("commit", "-qam", "b")
    box.git("stash", "pop", check=False)
    with pytest.raises(WorkTreeInTheWayError) as busy:
        checkouts.in_the_way(box.repository, str(box.path), box.tip("main~1"), box.tip("next"))
    assert busy.value.message.startswith(f"{box.path}: git cannot bring it along: ")
    assert "would be overwritten" not in busy.value.message


def test_a_link_in_the_way_is_seen_as_what_it_is(box: Sandbox, tmp_path: Path) -> None:
    (box.path / "folder").symlink_to(tmp_path)
    assert in_the_way(box) == ("folder",)
    assert not (tmp_path / "deep").exists()


def test_a_deleted_file_that_the_move_changes_is_an_edit_too(box: Sandbox) -> None:
    (box.path / "a").unlink()
    assert in_the_way(box) == ("a",)


def test_following_can_be_done_again_after_it_was_cut_short(box: Sandbox) -> None:
    """Half the files are new already, the index is the old one."""
    (box.path / "a").write_text("2\n")
    (box.path / "gone").unlink()
    (box.path / "b").write_text("mine\n")
    before, after = box.tip("main"), box.tip("next")
    box.git("update-ref", MAIN, after)
    assert checkouts.follow(box.repository, str(box.path), before, after) is None
    assert checkouts.follow(box.repository, str(box.path), before, after) is None
    assert box.git("status", "--porcelain") == "M b"


def test_uncommitted_paths_are_listed_by_both_names_of_a_rename(box: Sandbox) -> None:
    box.git("mv", "a", "with space")
    (box.path / "ünï\ncode").write_text("x\n")
    assert checkouts.uncommitted(box.repository, str(box.path)) == ("a", "with space", "ünï\ncode")


def test_work_trees_are_known_by_branch_and_missing_ones_left_out(box: Sandbox, tmp_path: Path) -> None:
    box.git("worktree", "add", "-q", str(tmp_path / "linked tree"), "next")
    box.git("worktree", "add", "-q", "--detach", str(tmp_path / "lost"), "next")
    (tmp_path / "lost" / ".git").unlink()
    (tmp_path / "lost").rename(tmp_path / "elsewhere")
    trees = checkouts.work_trees(box.repository)
    assert [(Path(tree.path).name, tree.branch) for tree in trees] == [
        (box.path.name, MAIN),
        ("linked tree", "refs/heads/next"),
    ]
    assert [tree.path for tree in checkouts.showing(box.repository, MAIN)] == [str(box.path)]


def test_a_merge_into_a_branch_keeps_it_busy(box: Sandbox) -> None:
    assert checkouts.busy_with(box.repository, MAIN) is None
    box.git("merge", "--no-commit", "--no-ff", "next")
    assert "a merge into it is under way" in (checkouts.busy_with(box.repository, MAIN) or "")


@pytest.fixture
def lagging(sandbox: SandboxMaker) -> Sandbox:
    """Its main has moved on by a commit, its checkout has not."""
    box = sandbox(
        step("main", {"a.txt": "one\n", "old.txt": "old\n"}, "base"),
        step("next", {"a.txt": "two\n", "big.txt": "long\n" * 99}, delete=("old.txt",)),
    )
    box.git("update-ref", "refs/heads/main", "next")
    return box


def test_what_a_killed_git_had_half_written_is_finished_and_its_lock_is_known_as_ours(lagging: Sandbox) -> None:
    (lagging.path / "a.txt").write_text("two\n")
    (lagging.path / "big.txt").write_text("long\nlo")
    (lagging.path / "old.txt").unlink()
    git = lagging.path / ".git"
    (git / "gitbot-follow").touch()
    (git / "index.lock").hardlink_to(git / "gitbot-follow")
    (git / "gitbot-index.lock").touch()
    before, after = lagging.tip("main~1"), lagging.tip("main")
    assert checkouts.lags(lagging.repository, str(lagging.path), before)
    assert checkouts.follow(lagging.repository, str(lagging.path), before, after) is None
    assert lagging.git("status", "--porcelain") == ""
    assert (lagging.path / "big.txt").read_text() == "long\n" * 99
    assert not list(git.glob("gitbot-*")) + list(git.glob("*.lock"))


def test_a_person_s_bytes_are_never_taken_for_half_written_ones(lagging: Sandbox) -> None:
    (lagging.path / "big.txt").write_text("long\nmine")
    before, after = lagging.tip("main~1"), lagging.tip("main")
    assert "big.txt" in str(checkouts.follow(lagging.repository, str(lagging.path), before, after))
    assert (lagging.path / "big.txt").read_text() == "long\nmine"
    assert lagging.git("diff", "--cached", "--name-only", before) == ""


def test_another_git_s_lock_is_in_the_way_and_stays(box: Sandbox) -> None:
    lock = box.path / ".git" / "index.lock"
    lock.touch()
    with pytest.raises(WorkTreeInTheWayError) as busy:
        in_the_way(box)
    assert busy.value.message == f"{box.path}: another git is at work ({lock})"
    assert checkouts.follow(box.repository, str(box.path), box.tip("main"), box.tip("next")) is not None
    assert lock.exists()
