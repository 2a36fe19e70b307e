from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.guard.conftest import BASE, CONFIG, DeskMaker


def test_one_line_per_path_says_whether_the_branch_may_touch_it(desk: DeskMaker) -> None:
    at = desk(install=False)
    at.commit("agent-a", {"src/a/one.py": "a = 2\n"})
    asked = ("src/a/new.py", "src/b/two.py", "yarn.lock", "package.json", "README.md", "../elsewhere", ".git/config")
    done = at.box.gitbot("guard", *asked)
    assert done.code == 1
    assert done.out == (
        "yes src/a/new.py\n"
        "no  src/b/two.py belongs to plan B (plans/PLAN-B.md:4: src/b/**)\n"
        "no  yarn.lock is shared by configuration, and plan A does not list it under shared\n"
        "yes package.json\n"
        "yes README.md is nobody's: no plan claims it\n"
        "no  ../elsewhere is outside of the repository\n"
        "no  .git/config is outside of the repository\n"
    )
    assert at.box.gitbot("guard", "src/a/new.py", "README.md").code == 0


def test_paths_are_those_of_the_current_folder_and_may_be_absolute(desk: DeskMaker, tmp_path: Path) -> None:
    at = desk(install=False)
    tree = tmp_path / "linked"
    at.box.git("worktree", "add", "-q", str(tree), "-b", "agent-b", "main")
    done = at.box.gitbot("guard", "two.py", str(tree / "src/a/one.py"), "--", "-new.py", cwd=tree / "src" / "b")
    assert done.out == (
        "yes src/b/two.py\nno  src/a/one.py belongs to plan A (plans/PLAN-A.md:3: src/a/**)\nyes src/b/-new.py\n"
    )


def test_paths_come_from_standard_input_too(desk: DeskMaker) -> None:
    at = desk(install=False)
    done = subprocess.run(
        [sys.executable, "-m", "gitbot", "guard", "--stdin", "--branch", "agent-b"],
        cwd=at.box.path,
        env=at.box.env,
        input="src/b/größe.py\r\nsrc/a/one.py\n",
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout.startswith("yes src/b/größe.py\nno  src/a/one.py belongs to plan A")


def test_the_json_names_owner_and_place_of_the_claim(desk: DeskMaker) -> None:
    at = desk(install=False)
    done = at.box.gitbot("guard", "--branch", "agent-a", "--format", "json", "src/b/two.py", "src/a/one.py")
    assert done.document == {
        "schema": "gitbot.guard/1",
        "branch": "agent-a",
        "plans": ["A"],
        "paths": [
            {
                "path": "src/b/two.py",
                "allowed": False,
                "kind": "foreign",
                "text": "src/b/two.py belongs to plan B (plans/PLAN-B.md:4: src/b/**)",
                "claim": {
                    "owner": "B",
                    "pattern": "src/b/**",
                    "path": "plans/PLAN-B.md",
                    "line": 4,
                    "declared": True,
                },
            },
            {"path": "src/a/one.py", "allowed": True, "kind": "own", "text": None, "claim": None},
        ],
    }


def test_a_branch_without_a_plan_and_a_detached_head_may_touch_everything(desk: DeskMaker) -> None:
    at = desk(install=False)
    assert at.box.gitbot("guard", "src/b/two.py").code == 0
    at.box.git("checkout", "-q", "--detach")
    assert at.box.gitbot("guard", "src/b/two.py").code == 0


def test_nothing_to_ask_for_and_an_unknown_branch_are_bad_usage(desk: DeskMaker) -> None:
    at = desk(install=False)
    assert at.box.gitbot("guard").code == 2
    assert at.box.gitbot("guard", "--branch", "nobody", "x").code == 2


def test_the_rules_are_those_of_the_push(desk: DeskMaker) -> None:
    at = desk({**BASE, "gitbot.toml": CONFIG + '[ownership]\nforeign = "warn"\nunowned = "refuse"\n'}, install=False)
    done = at.box.gitbot("guard", "--branch", "agent-a", "src/b/two.py", "README.md")
    assert done.code == 1
    assert done.out == (
        "yes src/b/two.py belongs to plan B (plans/PLAN-B.md:4: src/b/**)\n"
        "no  README.md is nobody's: no plan claims it\n"
    )
    at.commit("agent-a", {}, "x\n\nGitbot-Reason: docs")
    assert at.box.gitbot("guard", "README.md").code == 0
