"""What may not work together though git merges it: told before anything lands, and late in the order."""

from __future__ import annotations

import re

import pytest

from tests.conftest import Sandbox, SandboxMaker, step
from tests.scenarios.beginnings import base

LIB = "def area(side):\n    return side * side\n\n\ndef edge(side):\n    return side\n"
USE = "import lib\nprint(lib.area(2))\n"


@pytest.fixture
def box(sandbox: SandboxMaker) -> Sandbox:
    """agent-a renames what agent-b and agent-c newly use; agent-d has to do with nobody."""
    return sandbox(
        base({"lib.py": LIB}),
        step("agent-a", {"lib.py": LIB.replace("area", "surface")}, start="main"),
        step("agent-b", {"b.py": USE}, start="main"),
        step("agent-c", {"c.py": USE}, start="main"),
        step("agent-d", {"d.txt": "d\n"}, start="main"),
    )


def hints(box: Sandbox, *names: str) -> dict[str, list[str]]:
    """The notes of `status` on each branch that has some."""
    branches = box.gitbot("status", *names, "--format", "json").branches
    return {name: [hint["text"] for hint in one["hints"]] for name, one in branches.items() if one["hints"]}


# The order


def test_a_branch_that_several_others_may_not_fit_lands_after_them_and_says_why(box: Sandbox) -> None:
    ran = box.integrate("agent-*")
    assert list(ran.outcomes) == ["agent-d", "agent-b", "agent-c", "agent-a"]
    assert ran.branches["agent-a"]["order"] == (
        "goes after agent-b, agent-c and agent-d: it may not fit agent-b and agent-c, though git merges them"
    )
    assert ran.branches["agent-d"]["order"] is None


def test_where_nothing_speaks_against_anybody_the_command_line_decides(box: Sandbox) -> None:
    ran = box.integrate("agent-d", "agent-c", "agent-b")
    assert [(name, one["order"]) for name, one in ran.branches.items()] == [
        ("agent-d", None),
        ("agent-c", None),
        ("agent-b", None),
    ]


# Status


def test_status_tells_a_pair_once_at_its_later_branch(box: Sandbox) -> None:
    with box.watched(dry=True):
        told = hints(box, "agent-*")
    assert told == {
        "agent-b": ["b.py:2 uses area, which agent-a took out of lib.py"],
        "agent-c": ["c.py:2 uses area, which agent-a took out of lib.py"],
    }
    assert hints(box, "agent-b", "agent-a") == {
        "agent-a": ["b.py:2 of agent-b uses area, which this branch took out of lib.py"]
    }
    assert hints(box, "agent-b", "agent-d") == {}


def test_status_holds_branches_against_what_came_to_the_target(box: Sandbox) -> None:
    assert box.integrate("agent-a").code == 0
    assert hints(box, "agent-*") == {
        "agent-b": ["b.py:2 uses area, which main took out of lib.py"],
        "agent-c": ["c.py:2 uses area, which main took out of lib.py"],
    }


def test_one_name_that_two_branches_define_is_told(sandbox: SandboxMaker) -> None:
    box = sandbox(
        base({"lib.py": LIB}),
        step("agent-a", {"lib.py": "def volume(a):\n    return a\n\n\n" + LIB}, start="main"),
        step("agent-b", {"lib.py": LIB + "\n\ndef volume(b):\n    return b\n"}, start="main"),
    )
    assert hints(box, "agent-*") == {"agent-b": ["lib.py:13 defines volume, which agent-a added to lib.py as well"]}


def test_a_head_that_goes_over_several_lines_is_seen_to_change(sandbox: SandboxMaker) -> None:
    lib = "def area(\n    side,\n):\n    return side\n"
    box = sandbox(
        base({"lib.py": lib}),
        step("agent-a", {"lib.py": lib.replace("side,\n", "side,\n    unit,\n")}, start="main"),
        step("agent-b", {"b.py": USE}, start="main"),
    )
    assert hints(box, "agent-*") == {"agent-b": ["b.py:2 calls area(2), which agent-a changed to area(side, unit)"]}


def test_what_conflicts_is_told_as_a_conflict_and_not_twice(box: Sandbox) -> None:
    box.git("checkout", "-q", "-b", "agent-e", "agent-a~1")
    (box.path / "lib.py").write_text(LIB.replace("area", "plane"))
    (box.path / "e.py").write_text(USE)
    box.git("add", "-A")
    box.git("commit", "-qm", "e")
    box.git("checkout", "-q", "main")
    ran = box.gitbot("status", "agent-a", "agent-e", "--format", "json")
    assert ran.document["conflicts"] == [{"branches": ["agent-a", "agent-e"], "paths": ["lib.py"]}]
    assert ran.branches["agent-e"]["hints"] == []


# Set aside


def test_a_branch_that_was_set_aside_is_stuck_until_it_has_a_new_commit(sandbox: SandboxMaker) -> None:
    box = sandbox(base(), step("agent-a", {"a.txt": "mine\n"}), step("agent-b", {"a.txt": "other\n"}, start="main"))
    run = box.integrate("agent-*").document["run"]
    with box.watched(dry=True):
        stuck = box.gitbot("status", "agent-*", "--format", "json").branches
    brief = box.path / ".git/gitbot/runs" / run / "retry-002.md"
    assert (stuck["agent-a"]["state"], stuck["agent-a"]["stuck"]) == ("landed", None)
    assert stuck["agent-b"]["state"] == "stuck"
    why = re.escape(f"set aside by run {run}: ") + r"a\.txt: .*; brief: " + re.escape(str(brief))
    assert re.fullmatch(why, stuck["agent-b"]["stuck"])
    assert brief.is_file()
    box.git("checkout", "-q", "agent-b")
    box.git("commit", "-qm", "again", "--allow-empty")
    again = box.gitbot("status", "agent-b", "--format", "json").branches["agent-b"]
    assert (again["state"], again["stuck"]) == ("running", None)


def test_the_latest_run_that_looked_at_a_branch_decides_whether_it_is_stuck(sandbox: SandboxMaker) -> None:
    """A run of other branches changes nothing; one that is undone never was."""
    box = sandbox(
        base(),
        step("agent-a", {"a.txt": "mine\n"}),
        step("agent-b", {"a.txt": "other\n"}, start="main"),
        step("agent-c", {"c.txt": "c\n"}, start="main"),
    )

    def state() -> str:
        return str(box.gitbot("status", "agent-b", "--format", "json").branches["agent-b"]["state"])

    first = box.integrate("agent-a", "agent-b").document["run"]
    second = box.integrate("agent-c").document["run"]
    assert state() == "stuck"
    assert box.gitbot("undo", second).code == 0
    assert state() == "stuck"
    assert box.gitbot("undo", first).code == 0
    assert state() == "running"


# In words


def test_status_says_it_all_in_eighty_columns(box: Sandbox) -> None:
    box.integrate("agent-a", "agent-b", gate="! grep -q lib b.py")
    text = box.gitbot("status", "agent-*", env={"COLUMNS": "80"}).out
    table, stuck, conflicts, doubts = text.split("\n\n")
    assert [line.split()[:2] for line in table.splitlines()] == [
        ["branch", "state"],
        ["agent-a", "landed"],
        ["agent-b", "stuck"],
        ["agent-c", "running"],
        ["agent-d", "running"],
    ]
    assert stuck.startswith("stuck:\n  agent-b: set aside by run ")
    assert stuck.endswith("/retry-002.md")
    assert conflicts == "no textual conflict is coming, among them or with main"
    assert doubts == (
        "merges cleanly, and may not work together:\n"
        "  agent-b: b.py:2 uses area, which main took out of lib.py\n"
        "  agent-c: c.py:2 uses area, which main took out of lib.py\n"
    )
    assert all(len(line) <= 80 or "/" in line for line in text.splitlines())


def test_a_dry_run_says_what_would_land(box: Sandbox) -> None:
    text = box.gitbot("integrate", "agent-b", "agent-d", "--dry-run").out
    assert "~ agent-b  would land by rebase\n    1 commit, clean and linear\n" in text
    assert "waiting" not in text
