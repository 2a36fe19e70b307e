"""What status says of branches is what integrate makes of them, whatever state the repository is in."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gitbot.repository import checkouts
from tests.conftest import Sandbox, SandboxMaker, step
from tests.scenarios.beginnings import base

TEXT = "one\ntwo\nthree\nfour\nfive\n"
LIB = {f"lib/f{number}.txt": "".join(f"{number}{line}\n" for line in range(20)) for number in range(3)}


def conflicts(box: Sandbox, *names: str) -> dict[str, list[str]]:
    """The pairs that status says do not merge, with their paths."""
    document = box.gitbot("status", *(names or ("agent-*",)), "--format", "json").document
    return {" × ".join(one["branches"]): one["paths"] for one in document["conflicts"]}


def test_pairs_that_meet_without_sharing_a_path_are_tried(sandbox: SandboxMaker) -> None:
    """A file beside a folder, a file in a folder that moves away, and names that differ in case only."""
    box = sandbox(
        base(LIB),
        step("agent-file", {"data": "hello\n"}, start="main"),
        step("agent-folder", {"data/a": "hello\n"}, start="main"),
        step(
            "agent-move",
            {path.replace("lib", "src"): text for path, text in LIB.items()},
            start="main",
            delete=[*LIB],
        ),
        step("agent-add", {"lib/f9.txt": "new\n"}, start="main"),
        step("agent-upper", {"NOTES/x.md": "1\n"}, start="main"),
        step("agent-lower", {"notes/y.md": "2\n"}, start="main"),
        step("agent-other", {"other/y.md": "2\n"}, start="main"),
    )
    assert [*conflicts(box)] == ["agent-add × agent-move", "agent-file × agent-folder", "agent-lower × agent-upper"]


def test_a_branch_without_common_history_collides_with_the_target_and_stands_apart(sandbox: SandboxMaker) -> None:
    box = sandbox(base(), step("agent-a", {"b.txt": "b\n"}, start="main"))
    box.git("checkout", "--quiet", "--orphan", "agent-o")
    box.git("commit", "--quiet", "--message", "another beginning")
    box.git("checkout", "--quiet", "main")
    assert conflicts(box) == conflicts(box, "agent-*", "agent-o") == {"agent-o × main": ["."]}
    seen = box.gitbot("status", "--format", "json", "agent-o").branches["agent-o"]
    assert (seen["state"], seen["stuck"]) == ("stuck", "it has no common history with the target")
    (box.path / ".git/shallow").write_text(box.tip("agent-o") + "\n")
    shallow = box.gitbot("status", "agent-o", env={"COLUMNS": "120"}).out
    assert f"  agent-o: {seen['stuck']}; this clone is shallow: git fetch --unshallow\n" in shallow
    (box.path / ".git/shallow").unlink()
    lines = box.gitbot("status", "agent-*", "--graph").out.splitlines()
    at = lines.index("○  nothing in common with main")
    assert lines[at - 1] == ""
    assert lines[at + 1].startswith("└─● agent-o")
    assert lines[at + 2].endswith("× main")
    assert "agent-a" in lines[at - 2]


def test_what_goes_on_after_a_squash_is_held_against_the_target_as_it_would_land(sandbox: SandboxMaker) -> None:
    box = sandbox(
        base({"list.txt": TEXT}),
        step("agent-a", {"list.txt": TEXT.replace("three", "drei")}, start="main"),
        step("agent-b", {"list.txt": TEXT.replace("one", "ein")}, start="main"),
    )
    box.git("worktree", "add", "--quiet", "../a", "agent-a")
    tree = box.path.parent / "a"
    (tree / "list.txt").write_text(TEXT.replace("three", "drei").replace("four", "vier"))
    box.git("commit", "--quiet", "--all", "--message", "more", cwd=tree)
    assert box.gitbot("integrate", "agent-a", "--no-gate", "--strategy", "squash").code == 0
    (tree / "list.txt").write_text(TEXT.replace("three", "tre").replace("four", "vier"))
    assert conflicts(box) == {}, "uncommitted on top of what has landed"
    box.git("commit", "--quiet", "--all", "--message", "goes on", cwd=tree)
    assert conflicts(box) == {}
    box.git("checkout", "--quiet", "-b", "agent-c", "main")
    (box.path / "list.txt").write_text(TEXT.replace("three", "trois").replace("four", "vier"))
    box.git("commit", "--quiet", "--all", "--message", "the same line")
    box.git("checkout", "--quiet", "main")
    assert conflicts(box) == {"agent-a × agent-c": ["list.txt"]}
    box.git("checkout", "--quiet", "-b", "agent-d", "agent-a")
    (box.path / "list.txt").write_text(TEXT.replace("three", "tre").replace("four", "quattro"))
    box.git("commit", "--quiet", "--all", "--message", "stands on a")
    box.git("checkout", "--quiet", "main")
    assert [*conflicts(box)] == ["agent-a × agent-c", "agent-c × agent-d"], "what stands on a branch has its changes"
    dry = box.gitbot("integrate", "agent-a", "--no-gate", "--dry-run").out
    assert "1 of 1 would merge" in dry
    box.git("checkout", "--quiet", "--detach")
    box.git("branch", "--force", "main", "agent-c")
    box.git("checkout", "--quiet", "main")
    assert "agent-a × main" in conflicts(box)


def test_runs_onto_another_target_say_nothing_of_this_one(sandbox: SandboxMaker) -> None:
    box = sandbox(
        base({"list.txt": TEXT}),
        step("release", {"list.txt": TEXT.replace("three", "3")}, start="main"),
        step("agent-a", {"list.txt": TEXT.replace("three", "drei")}, start="main"),
        step("agent-b", {"b.txt": "b\n"}, start="main"),
    )
    box.gitbot("integrate", "agent-*", "--into", "release", "--gate", "true")
    here, there = (
        box.gitbot("status", "agent-*", "--into", target, "--format", "json").branches
        for target in ("main", "release")
    )
    assert [(one["state"], one["stuck"], one["gate"]) for one in here.values()] == [("running", None, None)] * 2
    assert there["agent-a"]["state"] == "stuck"
    assert "onto release as it was then" not in there["agent-a"]["stuck"]
    box.git("worktree", "add", "--quiet", "../r", "release")
    box.git("commit", "--quiet", "--allow-empty", "--message", "on", cwd=box.path.parent / "r")
    later = box.gitbot("status", "agent-*", "--into", "release", "--format", "json").branches
    assert " onto release as it was then: " in later["agent-a"]["stuck"]


def missing(box: Sandbox) -> None:
    (box.path / ".git/refs/heads/agent-b").write_text("0123456789" * 4 + "\n")


def a_tag(box: Sandbox) -> None:
    box.git("tag", "--annotate", "--message", "x", "t", "main")
    (box.path / ".git/refs/heads/agent-b").write_text(box.git("rev-parse", "t") + "\n")


def a_blob(box: Sandbox) -> None:
    (box.path / ".git/refs/heads/agent-b").write_text(box.git("rev-parse", "main:a.txt") + "\n")


def no_tree(box: Sandbox) -> None:
    loose(box, "agent-b^{tree}").unlink()


def no_file(box: Sandbox) -> None:
    loose(box, "agent-b:list.txt").unlink()


def garbage(box: Sandbox) -> None:
    path = loose(box, "agent-b:list.txt")
    path.chmod(0o644)
    path.write_text("garbage\n")


def loose(box: Sandbox, name: str) -> Path:
    oid = box.git("rev-parse", name)
    return box.path / ".git/objects" / oid[:2] / oid[2:]


@pytest.mark.parametrize("damage", [missing, a_tag, a_blob, no_tree, no_file, garbage])
def test_a_damaged_branch_hides_no_other_and_is_named(sandbox: SandboxMaker, damage: object) -> None:
    box = sandbox(
        base({"list.txt": TEXT}),
        *(step(f"agent-{name}", {"list.txt": TEXT.replace("three", name)}, start="main") for name in "abc"),
    )
    assert callable(damage)
    damage(box)
    ran = box.gitbot("status", "agent-*", "--format", "json")
    assert ran.code == 0, ran.err
    assert [one["state"] for one in ran.branches.values()] == ["running", "stuck", "running"]
    assert ran.branches["agent-b"]["stuck"].startswith("unreadable: ")
    assert "agent-a × agent-c" in conflicts(box)
    assert box.gitbot("status", "agent-*", "-v", "--graph").code == 0
    told = [one for one in box.gitbot("doctor", "--format", "json").document["checks"] if one["about"] == "branches"]
    assert [(one["state"], one["text"].split(":")[0]) for one in told] == [("problem", "agent-b")]


def test_a_branch_that_is_being_rebased_is_shown_and_stuck_while_it_stands_in_a_conflict(box: Sandbox) -> None:
    tree = box.path.parent / "b"
    assert box.gitbot("status", "--format", "json").branches["agent-b"]["state"] == "running"
    box.git("rebase", "agent-a", check=False, cwd=tree)
    seen = box.gitbot("status", "--format", "json").branches["agent-b"]
    assert (seen["state"], seen["tip"]) == ("stuck", box.tip("agent-b"))
    assert seen["stuck"] == f"a rebase is under way in {tree}, with conflicts in list.txt"
    (tree / "list.txt").write_text(TEXT)
    box.git("add", "list.txt", cwd=tree)
    assert box.gitbot("status", "--format", "json").branches["agent-b"]["state"] == "running"
    box.git("rebase", "--abort", cwd=tree)
    box.git("bisect", "start", "agent-b", "main", cwd=tree)
    box.git("checkout", "--quiet", "--detach", cwd=tree)
    assert box.gitbot("status", "--format", "json").branches["agent-b"]["state"] == "running"


def test_a_merge_that_stands_in_a_conflict_in_a_work_tree_is_stuck_and_one_that_goes_on_is_not(box: Sandbox) -> None:
    tree = box.path.parent / "b"
    for words, doing in ((("merge", "agent-a"), "merge"), (("cherry-pick", "agent-a"), "cherry-pick")):
        box.git(*words, check=False, cwd=tree)
        seen = box.gitbot("status", "--format", "json").branches["agent-b"]
        told = f"a {doing} is under way in {tree}, with conflicts in list.txt"
        assert (seen["state"], seen["stuck"]) == ("stuck", told)
        box.git("add", "list.txt", cwd=tree)
        assert box.gitbot("status", "--format", "json").branches["agent-b"]["state"] == "running"
        box.git(words[0], "--abort", cwd=tree)


def test_a_folder_that_became_a_file_and_the_other_way_round_hides_no_edit_from_the_trial(box: Sandbox) -> None:
    for number in range(3):
        box.git("worktree", "add", "--quiet", "-b", f"agent-{number}", f"../{number}", "main")
    folder, file, racy = (box.path.parent / str(number) for number in range(3))
    for tree in (folder, file, racy):
        (tree / "list.txt").write_text(TEXT.replace("three", "drei"))
    (folder / "list.txt").rename(folder / "kept")
    (folder / "a.txt").unlink()
    (folder / "a.txt").mkdir()
    (folder / "kept").rename(folder / "a.txt/list.txt")
    (folder / "list.txt").write_text(TEXT.replace("three", "drei"))
    (file / "d").mkdir()
    (file / "d/x").write_text("1\n")
    box.git("add", ".", cwd=file)
    box.git("commit", "--quiet", "--message", "a folder", cwd=file)
    (file / "list.txt").write_text(TEXT.replace("three", "trois"))
    (file / "d/x").unlink()
    (file / "d").rmdir()
    (file / "d").write_text("a file now\n")
    pairs = conflicts(box, "agent-0", "agent-1", "agent-a")
    assert pairs == {
        "agent-0 × agent-1": ["list.txt"],
        "agent-0 × agent-a": ["list.txt"],
        "agent-1 × agent-a": ["list.txt"],
    }


def test_an_edit_as_old_as_the_index_counts_though_size_and_time_are_those_that_git_has_noted(box: Sandbox) -> None:
    tree = box.path.parent / "a"
    written = (tree / "list.txt").stat()
    (tree / "list.txt").write_text(TEXT.replace("three", "b"))
    index = box.path / ".git/worktrees/a/index"
    for path in (index, tree / "list.txt"):
        os.utime(path, ns=(written.st_mtime_ns, written.st_mtime_ns))
    assert conflicts(box) == {}, "both have written the same"


def test_what_is_too_large_or_too_much_to_be_tried_is_told_and_what_git_knows_comes_first(box: Sandbox) -> None:
    tree = box.path.parent / "b"
    (tree / "list.txt").write_text(TEXT)
    (tree / "large.txt").write_bytes(bytes(checkouts.LARGEST_SAVED + 1))
    (tree / "build").mkdir()
    for number in range(checkouts.MOST_SAVED):
        (tree / f"build/{number:04}").touch()
    ran = box.gitbot("status", "--format", "json")
    last = f"build/{checkouts.MOST_SAVED - 1:04}"
    assert ran.document["conflicts"] == []
    assert {name: one["uncounted"] for name, one in ran.branches.items()} == {
        "agent-a": [],
        "agent-b": [last, "large.txt"],
    }
    text = box.gitbot("status").out
    assert (
        f"\n\n* not committed yet, and too large, too many or not readable to be counted:\n  agent-b: {last}" in text
    )
    assert text.endswith("no textual conflict is coming, among them or with main, but for what is not counted\n")
    assert "not readable to be counted" in box.gitbot("status", "--format", "html").out


@pytest.fixture
def box(sandbox: SandboxMaker) -> Sandbox:
    """agent-a and agent-b write one line, each in a work tree."""
    made = sandbox(
        base({"list.txt": TEXT}),
        *(step(f"agent-{name}", {"list.txt": TEXT.replace("three", name)}, start="main") for name in "ab"),
    )
    for name in "ab":
        made.git("worktree", "add", "--quiet", f"../{name}", f"agent-{name}")
    return made


def test_edits_in_the_targets_own_checkout_that_keep_a_branch_out_are_told(box: Sandbox) -> None:
    (box.path / "list.txt").write_text(TEXT + "six\n")
    (box.path / "mine.txt").write_text("nobody else's\n")
    ran = box.gitbot("status", env={"COLUMNS": "80"})
    assert (
        "\n\nin the way in the checkout of main, so that these cannot land:\n  agent-a: list.txt\n  agent-b"
        in ran.out
    )
    assert "mine.txt" not in ran.out
    assert box.gitbot("integrate", "agent-a", "--no-gate").code == 4
    box.git("checkout", "--quiet", "list.txt")
    assert "cannot land" not in box.gitbot("status").out


def test_an_untracked_file_where_a_branch_adds_one_is_told_as_long_as_it_is_there(box: Sandbox) -> None:
    tree = box.path.parent / "a"
    for path in ("new.txt", "new/deep.txt", "a.d/x", "gone/x"):
        (tree / path).parent.mkdir(exist_ok=True)
        (tree / path).write_text("theirs\n")
    box.git("add", ".", cwd=tree)
    box.git("commit", "--quiet", "--message", "new files", cwd=tree)
    known = [box.gitbot("status", "--format", "json").branches["agent-a"]["in_the_way"]]
    (box.path / "a.d").mkdir()
    (box.path / "a.d/mine").touch()
    for name in ("new.txt", "new"):
        (box.path / name).touch()
        known.append(box.gitbot("status", "--format", "json").branches["agent-a"]["in_the_way"])
    (box.path / "new.txt").unlink()
    known.append(box.gitbot("status", "--format", "json").branches["agent-a"]["in_the_way"])
    assert known == [[], ["new.txt"], ["new", "new.txt"], ["new"]]
    assert box.gitbot("integrate", "agent-a", "--no-gate").code == 4
