"""The circle: a branch goes back with a brief, its agent does what the brief says, and the branch lands."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import Sandbox, SandboxMaker, step
from tests.scenarios.beginnings import base, plan

SPAN = re.compile(r"`(git[^`]*|sh [^`]*)`")


@dataclass(frozen=True, slots=True)
class Agent:
    """As literal as can be: types what the brief says, in its own work tree, where `gitbot` is a command."""

    box: Sandbox
    tree: Path

    def type(self, command: str) -> subprocess.CompletedProcess[str]:
        door = self.tree.parent / "bin"
        door.mkdir(exist_ok=True)
        (door / "gitbot").write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m gitbot "$@"\n')
        (door / "gitbot").chmod(0o755)
        env = {**self.box.env, "PATH": f"{door}:{self.box.env['PATH']}", "GIT_EDITOR": "true"}
        return subprocess.run(
            ["sh", "-c", command], cwd=self.tree, env=env, capture_output=True, text=True, check=False
        )


def commands(brief: str) -> list[str]:
    """What the brief tells its reader to type, in order, as it stands there."""
    return SPAN.findall(brief.split("## What to do\n")[1].split("\n\n")[0])


def agent(box: Sandbox, tree: Path, branch: str) -> Agent:
    box.git("worktree", "add", "-q", str(tree), branch)
    return Agent(box, tree)


def test_a_branch_set_aside_by_a_conflict_is_redone_as_its_brief_says_and_lands(
    sandbox: SandboxMaker, tmp_path: Path
) -> None:
    """The brief tells of both plans, both commits and the place; its commands, typed as they stand, land the work."""
    plans = {
        "plans/PLAN-A.md": plan("A", "a.txt", title="Shout the first line"),
        "plans/PLAN-B.md": plan("B", "b.txt", title="Say it in Italian"),
        "gitbot.toml": '[ownership]\nforeign = "warn"\n',
    }
    box = sandbox(
        base(plans),
        step("agent-a", {"a.txt": ["ONE", "two", "three"]}, "feat: shout\n\nReaders sit far away."),
        step("agent-b", {"a.txt": ["uno", "two", "three"]}, "feat: speak Italian"),
    )
    redoing = agent(box, tmp_path / "b", "agent-b")
    first = box.integrate("agent-a", "agent-b")
    assert first.outcomes == {"agent-a": "landed by rebase", "agent-b": "set-aside: conflict"}
    brief = Path(first.branches["agent-b"]["retry"]).read_text()
    for told in ("Shout the first line", "Readers sit far away.", "feat: speak Italian", "PLAN-A.md", "ONE", "uno"):
        assert told in brief
    merge, _, gate, add, commit, _, again = commands(brief)
    assert redoing.type(merge).returncode == 1
    (redoing.tree / "a.txt").write_text("UNO\ntwo\nthree\n")
    done = [redoing.type(command) for command in (gate, add, commit, again)]
    assert [one.returncode for one in done] == [0, 0, 0, 0], done[-1].stdout + done[-1].stderr
    assert box.show("main", "a.txt").splitlines() == ["UNO", "two", "three"]
    assert box.integrate("agent-*").outcomes == dict.fromkeys(("agent-a", "agent-b"), "already-landed")


def test_who_rebases_on_the_target_instead_lands_as_well(sandbox: SandboxMaker, tmp_path: Path) -> None:
    box = sandbox(
        base(),
        step("agent-a", {"a.txt": ["ONE", "two", "three"]}),
        step("agent-b", {"a.txt": ["uno", "two", "three"]}),
    )
    redoing = agent(box, tmp_path / "b", "agent-b")
    first = box.integrate("agent-a", "agent-b")
    _, rebase, gate, add, _, go_on, again = commands(Path(first.branches["agent-b"]["retry"]).read_text())
    assert redoing.type(rebase).returncode == 1
    (redoing.tree / "a.txt").write_text("UNO\ntwo\nthree\n")
    done = [redoing.type(command) for command in (gate, add, go_on, again)]
    assert [one.returncode for one in done] == [0, 0, 0, 0], done[-1].stdout + done[-1].stderr
    assert box.show("main", "a.txt").splitlines() == ["UNO", "two", "three"]
    assert box.git("rev-list", "--merges", "main") == ""


def test_a_resolution_that_the_tests_refused_is_shown_with_both_sides(sandbox: SandboxMaker) -> None:
    """The brief shows the place and not only the red log."""
    changes = ["# Changes", "", "## Next", "", "- first", ""]
    gate = 'if [ "$(grep -c from CHANGELOG.md)" = 2 ]; then echo two entries; exit 1; fi'
    box = sandbox(
        base({"CHANGELOG.md": changes}),
        step("agent-a", {"CHANGELOG.md": [*changes[:4], "- from a", *changes[4:]]}),
        step("agent-b", {"CHANGELOG.md": [*changes[:4], "- from b", *changes[4:]]}),
    )
    ran = box.integrate("agent-a", "agent-b", gate=gate)
    brief = Path(ran.branches["agent-b"]["retry"]).read_text()
    for told in ("two entries", "- from a", "- from b", "Keeping both sides was refused"):
        assert told in brief


def test_the_largest_set_lands_and_who_is_left_out_hears_why(sandbox: SandboxMaker) -> None:
    """The first on the command line conflicts with the two others, which get along."""
    lines = [str(number) for number in range(20)]
    box = sandbox(
        base({"b.txt": lines}),
        step("agent-a", {"b.txt": ["A", *lines[1:19], "A"]}),
        step("agent-b", {"b.txt": ["B", *lines[1:]]}),
        step("agent-c", {"b.txt": [*lines[:19], "C"]}),
    )
    ran = box.integrate("agent-a", "agent-b", "agent-c")
    assert ran.outcomes == {
        "agent-b": "landed by rebase",
        "agent-c": "landed by rebase",
        "agent-a": "set-aside: conflict",
    }
    assert {name: one["order"] for name, one in ran.branches.items()} == {
        "agent-b": "goes before agent-a: they cannot land beside it",
        "agent-c": "goes before agent-a: they cannot land beside it",
        "agent-a": "goes after agent-b and agent-c: they cannot land together; without it 2 of 3 can land, with it 1",
    }


def test_a_branch_for_which_sequential_is_asked_goes_back_where_others_keep_both(sandbox: SandboxMaker) -> None:
    """The screen then says in which order to go on."""
    changes = ["# Changes", "", "## Next", "", "- first", ""]
    config = '[integrate]\nbranches = { "agent-c" = { strategy = "sequential" } }\n'
    box = sandbox(
        base({"CHANGELOG.md": changes, "gitbot.toml": config}),
        *(
            step(f"agent-{name}", {"CHANGELOG.md": [*changes[:4], f"- from {name}", *changes[4:]]})
            for name in ("a", "b", "c")
        ),
        step("agent-d", {"a.txt": "one\n"}),
        step("agent-d-too", {"a.txt": "two\n"}),
    )
    ran = box.gitbot("integrate", "agent-*", "--gate", "sh gate.sh")
    assert ran.code == 1
    last = box.gitbot("runs", "last", "--format", "json")
    assert last.outcomes == {
        "agent-a": "landed by rebase",
        "agent-b": "landed by accept-both",
        "agent-c": "set-aside: conflict",
        "agent-d": "landed by rebase",
        "agent-d-too": "set-aside: conflict",
    }
    said = "next   redo one after the other, each when the one before has landed: agent-c, agent-d-too"
    assert said in ran.out.splitlines()
