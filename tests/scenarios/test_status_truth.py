"""What status says of branches is what integrate makes of them, whatever state the repository is in."""

from __future__ import annotations

from pathlib import Path

import pytest

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
    assert "\n\nedited in the checkout of main, so that these cannot land:\n  agent-a: list.txt\n  agent-b" in ran.out
    assert "mine.txt" not in ran.out
    assert box.gitbot("integrate", "agent-a", "--no-gate").code == 4
    box.git("checkout", "--quiet", "list.txt")
    assert "cannot land" not in box.gitbot("status").out
