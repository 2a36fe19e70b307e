"""The pre-commit framework itself, with the hooks that this repository offers it; nothing is fetched."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.guard.conftest import Desk, DeskMaker

ROOT = Path(__file__).parents[2]


def framework(at: Desk, *arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pre_commit", *arguments],
        cwd=at.box.path,
        env=at.box.env,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def offered(desk: DeskMaker, tmp_path: Path) -> Desk:
    """A desk whose hooks are the framework's, with gitbot's from a clone of what this repository offers.

    `language: system` in the user's file: else the framework would build gitbot, from what the registry has.
    """
    at = desk(install=False)
    there = tmp_path / "offers"
    there.mkdir()
    shutil.copy(ROOT / ".pre-commit-hooks.yaml", there)
    at.box.git("init", "-q", cwd=there)
    at.commit("main", {}, cwd=there)
    rev = at.box.git("rev-parse", "HEAD", cwd=there)
    hooks = "[{id: gitbot, language: system}, {id: gitbot-check, language: system}]"
    at.commit("main", {".pre-commit-config.yaml": f"repos: [{{repo: {there}, rev: {rev}, hooks: {hooks}}}]\n"})
    framework(at, "install", "-t", "pre-push", "-t", "pre-commit")
    return at


def test_the_framework_refuses_a_push_that_changes_another_plans_file(offered: Desk) -> None:
    offered.commit("agent-a", {"src/b/two.py": "b = 3\n"})
    done = offered.push("agent-a")
    assert done.code == 1
    assert "src/b/two.py belongs to plan B (plans/PLAN-B.md:4: src/b/**)" in done.out + done.err
    assert not offered.remote_has("agent-a")
    offered.commit("agent-b", {"src/b/two.py": "b = 3\n"})
    assert offered.push("HEAD").code == 0


def test_the_framework_checks_plans_when_they_are_committed(offered: Desk) -> None:
    clash = "---\nplan: C\nowns: [src/b/two.py]\n---\n# Agent C\n- [ ] write it\n"
    (offered.box.path / "plans" / "PLAN-C.md").write_text(clash)
    offered.box.git("add", "plans")
    done = subprocess.run(
        ["git", "commit", "-m", "clash"], cwd=offered.box.path, env=offered.box.env, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "src/b/two.py" in done.stdout + done.stderr


def test_the_framework_commits_whatever_is_called_a_plan_where_nobody_has_plans(offered: Desk) -> None:
    """A roadmap below `plans/`, and a file that would be a plan if anything could be read out of it."""
    offered.commit("main", {"plans/PLAN-A.md": None, "plans/PLAN-B.md": None})
    offered.commit("main", {"docs/plans/roadmap.md": "# Roadmap\n\nWe go to the moon.\n"})
    offered.commit("main", {"PLANNING.md": "# When\n", "plans/PLAN-A.md": "---\nowns: [\n---\n"})
    assert offered.box.git("show", "--format=", "--name-only").splitlines() == ["PLANNING.md", "plans/PLAN-A.md"]


def test_the_framework_hands_over_only_one_branch_of_a_push(offered: Desk) -> None:
    """A limit of the framework that docs/hooks.md speaks of: the second branch is not looked at."""
    offered.commit("agent-a", {"src/a/one.py": "a = 2\n"})
    offered.commit("agent-b", {"src/a/one.py": "a = 2\n"})
    assert offered.push("agent-a", "agent-b").code == 0


def test_the_line_that_is_printed_for_the_framework_guards(offered: Desk) -> None:
    """Where the framework keeps the hook, nothing is written, and status knows when the line is there."""
    file = offered.box.path / ".pre-commit-config.yaml"
    file.write_text("repos:\n")
    done = offered.gitbot("hook", "install")
    assert done.code == 1
    place, _, line = done.err.partition("hint: ")[2].partition(": ")
    assert place == f"add this line to {file}, under `repos:`"
    assert offered.gitbot("hook", "status").code == 1
    offered.commit("main", {file.name: f"repos:\n{line}"})
    assert offered.gitbot("hook", "status").code == 0
    offered.commit("agent-a", {"src/b/two.py": "b = 3\n"})
    assert offered.push("agent-a").code == 1
