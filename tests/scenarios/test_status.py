"""The picture of all branches: who meets whom, uncommitted work included, the same whether remembered or not."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from tests.conftest import Sandbox, SandboxMaker, step
from tests.scenarios.beginnings import base

TEXT = "one\ntwo\nthree\nfour\nfive\n"


@pytest.fixture
def box(sandbox: SandboxMaker) -> Sandbox:
    """agent-a and agent-b write one line, agent-c another file; a and c have work trees."""
    made = sandbox(
        base({"list.txt": TEXT}),
        step("agent-a", {"list.txt": TEXT.replace("three", "drei")}, start="main"),
        step("agent-b", {"list.txt": TEXT.replace("three", "trois")}, start="main"),
        step("agent-c", {"c.txt": "c\n"}, start="main"),
    )
    for name in "ac":
        made.git("worktree", "add", "--quiet", f"../{name}", f"agent-{name}")
    return made


def collisions(box: Sandbox) -> dict[str, list[str]]:
    """The pairs that do not merge, with their paths."""
    conflicts = box.gitbot("status", "agent-*", "--format", "json").document["conflicts"]
    return {" × ".join(one["branches"]): one["paths"] for one in conflicts}


def work_tree(box: Sandbox, name: str) -> Path:
    return box.path.parent / name


def test_uncommitted_work_collides_like_committed_and_is_marked(box: Sandbox) -> None:
    tree = work_tree(box, "c")
    (tree / "list.txt").write_text(TEXT.replace("three", "tre"))
    (tree / "new.txt").write_text("new\n")
    (tree / "c.txt").unlink()
    before = box.git("status", "--porcelain", cwd=tree), box.git("ls-files", "--stage", cwd=tree)
    with box.watched(dry=True):
        ran = box.gitbot("status", "agent-*", env={"COLUMNS": "80"})
    assert (box.git("status", "--porcelain", cwd=tree), box.git("ls-files", "--stage", cwd=tree)) == before
    table, conflicts, matrix, uncommitted = ran.out.split("\n\n")
    assert [line.split()[0] for line in table.splitlines()] == ["branch", "agent-a", "agent-b", "agent-c*"]
    assert conflicts == (
        "conflicts as things stand (accept-both may still keep both):\n"
        "  agent-a × agent-b  list.txt\n  agent-a × agent-c  list.txt\n  agent-b × agent-c  list.txt"
    )
    assert matrix == (
        "who meets whom (× collides):\n"
        "               1  2  3\n"
        "    1 agent-a  -  ×  ×\n"
        "    2 agent-b  ×  -  ×\n"
        "    3 agent-c  ×  ×  -"
    )
    assert uncommitted == "* not committed yet, and counted above:\n  agent-c: c.txt, list.txt, new.txt\n"


def test_what_is_remembered_is_what_would_be_found(box: Sandbox) -> None:
    """Commits, edits and a moved target are seen at once, and damage to what is remembered changes nothing."""
    assert collisions(box) == collisions(box) == {"agent-a × agent-b": ["list.txt"]}
    (work_tree(box, "c") / "list.txt").write_text(TEXT.replace("three", "tre"))
    assert len(collisions(box)) == len(collisions(box)) == 3
    (work_tree(box, "c") / "list.txt").write_text(TEXT)
    assert len(collisions(box)) == 1
    box.git("branch", "--force", "agent-b", "main")
    assert collisions(box) == {}
    box.git("reset", "--quiet", "--hard", "agent-a~0", cwd=work_tree(box, "c"))
    box.git("commit", "--quiet", "--amend", "--message", "other", cwd=work_tree(box, "c"))
    for name in ("status", "merges", "plans"):
        (box.path / ".git/gitbot" / name).write_bytes(b"1\n2\n{}")
    assert collisions(box) == {}


def test_a_branch_that_gets_a_work_tree_is_shown_from_then_on(box: Sandbox) -> None:
    def shown() -> list[str]:
        return [*box.gitbot("status", "--format", "json").branches]

    assert shown() == ["agent-a", "agent-c"]
    box.git("worktree", "add", "--quiet", "../b", "agent-b")
    assert sorted(shown()) == ["agent-a", "agent-b", "agent-c"]
    box.git("worktree", "remove", "../a")
    assert sorted(shown()) == ["agent-b", "agent-c"]


def test_the_lines_that_collide_are_shown_where_they_are_asked_for(box: Sandbox) -> None:
    text = box.gitbot("status", "agent-*", "-v").out
    hunk = "    @@ -3,1 +3,1 @@\n    -three\n"
    assert f"\n\nlist.txt:3\n  agent-a:\n{hunk}    +drei\n  agent-b:\n{hunk}    +trois\n" in text
    assert "drei" not in box.gitbot("status", "agent-*").out
    (conflict,) = box.gitbot("status", "agent-*", "-v", "--format", "json").document["conflicts"]
    assert conflict["hunks"] == [
        {"path": "list.txt", "line": 3, "base": ["three"], "first": ["drei"], "second": ["trois"]}
        | {"sides": [["@@ -3,1 +3,1 @@", "-three", f"+{word}"] for word in ("drei", "trois")]}
    ]
    assert (conflict["places"], conflict["unread"]) == (1, 0)


def test_watching_tells_a_change_and_ends_with_ctrl_c(box: Sandbox) -> None:
    watching = box.start("status", "agent-*", "--watch")
    assert watching.stdout is not None
    while "no textual conflict" not in (line := watching.stdout.readline()) and "agent-a × agent-b" not in line:
        pass
    box.git("branch", "--force", "agent-b", "main")
    while "no textual conflict" not in watching.stdout.readline():
        pass
    watching.send_signal(signal.SIGINT)
    assert watching.wait(60) == 130
    watching.communicate()


def test_watching_outlasts_a_picture_that_cannot_be_made(box: Sandbox) -> None:
    """It says why above the picture of before, and goes on when that is mended."""
    watching = box.start("status", "agent-*", "--watch")
    assert watching.stdout is not None

    def told(words: str) -> bool:
        return any(line.startswith(words) for line in watching.stdout or ())

    assert told("  agent-a × agent-b")
    for text, words in (("zz =\n", ("error: ", "branch ", "  agent-a × agent-b")), ("", ("branch ",))):
        box.path.joinpath("gitbot.toml").write_text(text)
        box.git("add", "gitbot.toml")
        box.git("commit", "--quiet", "--message", "configure")
        assert all(map(told, words))
    watching.send_signal(signal.SIGINT)
    assert watching.wait(60) == 130
    watching.communicate()


def test_watching_is_not_for_programs(box: Sandbox) -> None:
    assert box.gitbot("status", "--watch", "--format", "json").code == 2


def test_ticks_on_the_branch_count_where_other_plans_stand_beside(sandbox: SandboxMaker) -> None:
    """Only the plan files that differ are read again, and one that is new on the branch counts too."""
    plan = (
        "---\nplan: {0}\nbranch: {0}\nowns: [{0}/**]\n---\n# {0}\n\n## Tasks\n- [ ] write `{0}/x.txt`\n- [ ] test\n"
    )
    plans = {f"plans/{name}.md": plan.format(name) for name in ("a", "b")}
    box = sandbox(
        base(plans),
        step(
            "a",
            {"plans/a.md": plans["plans/a.md"].replace("- [ ] write", "- [x] write"), "a/x.txt": "x\n"},
            start="main",
        ),
        step("b", {"b/x.txt": "x\n", "a/y.txt": "y\n"}, start="main"),
        step("c", {"plans/c.md": plan.format("c").replace("[ ]", "[x]"), "c/x.txt": "x\n"}, start="main"),
    )
    found = box.gitbot("status", "a", "b", "c", "--format", "json").branches
    assert {name: (one["state"], one["tasks"]) for name, one in found.items()} == {
        "a": ("running", {"done": 1, "total": 2}),
        "b": ("running", {"done": 0, "total": 2}),
        "c": ("done", {"done": 2, "total": 2}),
    }
    assert json.dumps(found["b"]["drift"]["foreign"]) == '["a/y.txt"]'


def test_a_plans_branch_is_found_by_every_name_that_it_may_have_in_any_case(sandbox: SandboxMaker) -> None:
    plan = "---\nplan: {0}\nowns: [{0}/**]\n---\n# {0}\n- [ ] write it\n"
    box = sandbox(
        base({f"plans/PLAN-{name}.md": plan.format(name) for name in "AB"}),
        step("agent/a", {"A/x.txt": "x\n"}, start="main"),
        step("Agent-B", {"B/x.txt": "x\n"}, start="main"),
    )
    assert set(box.gitbot("status", "--format", "json").branches) == {"agent/a", "Agent-B"}


def test_a_hook_that_comes_or_goes_is_noticed_though_nothing_else_has_changed(sandbox: SandboxMaker) -> None:
    """Work trees that are not guarded are part of what is remembered, and none is where no plan claims anything."""
    box = sandbox(
        base({"plans/a.md": "---\nplan: a\nowns: [a/**]\n---\n# a\n- [ ] write it\n"}), step("a", start="main")
    )
    box.git("worktree", "add", "--quiet", "../a", "a")

    def unguarded() -> list[str]:
        return [one["work_tree"] for one in box.gitbot("status", "--format", "json").document["unguarded"]]

    both = [str(box.path), str(work_tree(box, "a"))]
    assert unguarded() == unguarded() == both
    box.gitbot("hook", "install")
    assert unguarded() == unguarded() == []
    box.git("config", "core.hooksPath", "hooks")
    assert unguarded() == both
    hooks = work_tree(box, "a") / "hooks"
    hooks.mkdir()
    (hooks / "pre-push").write_bytes((box.path / ".git/hooks/pre-push").read_bytes())
    (hooks / "pre-push").chmod(0o755)
    assert unguarded() == both[:1]
