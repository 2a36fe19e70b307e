from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from gitbot.guard.enforcement import KEPT as BRANCH_PLANS
from gitbot.guard.enforcement import enforcement
from gitbot.guard.remembered import has_landed
from gitbot.journal import leases
from tests.conftest import Ran
from tests.guard.conftest import BASE, CONFIG, PLAN_A, DeskMaker


def test_one_line_per_path_says_whether_the_branch_may_touch_it(desk: DeskMaker) -> None:
    at = desk(install=False)
    at.commit("agent-a", {"src/a/one.py": "a = 2\n"})
    asked = (
        "src/a/new.py",
        "src/b/two.py",
        "yarn.lock",
        "package.json",
        "README.md",
        "../elsewhere",
        ".git/config",
        ".",
    )
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
        "no  . is the repository itself: ask for paths in it\n"
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


def test_what_was_read_once_is_answered_without_starting_git(desk: DeskMaker) -> None:
    """For a tool that asks before every edit: there is no git on PATH any more."""
    at = desk(install=False)
    at.commit("agent-b", {"src/b/two.py": "b = 3\n"})
    at.commit("agent-a", {"src/a/one.py": "a = 2\n"})
    asked = ("guard", "src/a/one.py", "src/b/two.py", "README.md")
    first = at.box.gitbot(*asked)
    again = at.box.gitbot(*asked, env={"PATH": "/nowhere"})
    assert (again.code, again.out, again.err) == (1, first.out, first.err)


def test_a_branch_that_only_ticked_its_plan_has_nothing_read_anew(desk: DeskMaker) -> None:
    """What else it changes in a plan is read once, and counts as before."""
    at = desk(install=False)
    kept = at.box.path / ".git" / BRANCH_PLANS
    at.commit("agent-a", {"plans/PLAN-A.md": PLAN_A.replace("[ ]", "[x]")})
    assert at.gitbot("guard", "src/a/x.py") == Ran(0, "yes src/a/x.py\n", "")
    assert not kept.exists()
    at.commit("agent-a", {"plans/PLAN-A.md": PLAN_A.replace("[ ]", "[x]").replace("src/a/**", "src/**")})
    first = at.gitbot("guard", "src/a/x.py")
    assert first.err == "warning: plan A claims more on the branch than on main, which is what counts: src/**\n"
    written = kept.stat().st_ino
    assert at.gitbot("guard", "src/a/x.py") == first
    assert kept.stat().st_ino == written


def test_what_a_target_that_goes_on_cannot_have_changed_is_not_found_out_again(desk: DeskMaker) -> None:
    """Work that nothing on the target touched is new, and what landed stays so until something there is reverted."""
    at = desk(install=False)
    force = enforcement(at.box.repository, "origin", None)
    assert force is not None
    plan, asked = force.plans.plans[1], list[str]()

    def landed() -> bool:
        def find() -> bool:
            asked.append(at.box.tip("main"))
            return True

        return has_landed(at.box.repository, plan, at.box.tip("main"), force.config, find)

    at.commit("agent-b", {"src/b/two.py": "b = 3\n"})
    at.commit("main", {"README.md": "more\n"})
    assert (landed(), asked) == (False, [])
    at.commit("main", {"src/b/two.py": "b = 4\n"})
    assert (landed(), len(asked)) == (True, 1)
    at.commit("main", {"README.md": "even more\n"})
    assert (landed(), len(asked)) == (True, 1)
    at.commit("main", {"src/b/two.py": "b = 2\n"}, message='Revert "work"')
    assert (landed(), len(asked)) == (True, 2)
    at.box.git("checkout", "-q", "main")
    at.box.git("reset", "-q", "--hard", "HEAD~3")
    assert (landed(), len(asked)) == (False, 2)


def test_the_answer_changes_as_soon_as_the_owners_work_has_landed(desk: DeskMaker) -> None:
    at = desk(install=False)
    at.commit("agent-b", {"src/b/two.py": "b = 3\n"})
    assert at.box.gitbot("guard", "--branch", "agent-a", "src/b/two.py").code == 1
    at.box.git("checkout", "-q", "main")
    at.box.git("merge", "-q", "--ff-only", "agent-b")
    assert at.box.gitbot("guard", "--branch", "agent-a", "src/b/two.py").code == 0
    at.box.git("reset", "-q", "--hard", "HEAD~1")
    (at.box.path / ".git" / "gitbot" / "landed").write_text("[damaged")
    assert at.box.gitbot("guard", "--branch", "agent-a", "src/b/two.py").code == 1


def test_a_plan_that_only_the_branch_has_counts_for_it(desk: DeskMaker) -> None:
    at = desk(install=False)
    at.commit("agent-c", {"plans/PLAN-C.md": "---\nplan: C\nowns: [docs/**]\n---\n# Agent C\n- [ ] write it\n"})
    done = at.box.gitbot("guard", "docs/x.md", "src/b/two.py")
    assert (done.code, done.out.splitlines()[0]) == (1, "yes docs/x.md")
    assert "plan C (plans/PLAN-C.md) is not on main yet" in done.err


def test_a_path_is_where_the_system_finds_it_and_not_where_its_dots_point(desk: DeskMaker) -> None:
    """Behind a link to a folder, `..` is the folder above what it leads to."""
    at = desk(install=False)
    (at.box.path / "src" / "b" / "inner").mkdir()
    (at.box.path / "src" / "a" / "link").symlink_to("../b/inner")
    done = at.box.gitbot("guard", "--branch", "agent-a", "src/a/link/../two.py", "src/a/none/../one.py", "src/b/..")
    assert [line.split()[1] for line in done.out.splitlines()] == ["src/b/two.py", "src/a/one.py", "src"]


def test_a_push_of_what_somebody_else_holds_is_remarked_on_and_passes(desk: DeskMaker) -> None:
    at = desk()
    leases.claim(at.box.repository, ["README.md"], "agent-b", seconds=600, now=time.time())
    at.commit("agent-a", {"README.md": "mine\n"})
    done = at.push("agent-a")
    assert done.code == 0
    assert "warning: agent-a: README.md is held by agent-b (README.md) until " in done.err
    assert at.box.gitbot("guard", "README.md").out.startswith("no  README.md is held by agent-b")


def test_a_branch_that_is_being_rebased_is_still_the_one_asked_for(desk: DeskMaker) -> None:
    at = desk(install=False)
    at.commit("agent-a", {"src/a/one.py": "a = 2\n"})
    at.box.git("rebase", "-q", "--exec", "false", "HEAD~1", check=False)
    assert (at.box.path / ".git" / "rebase-merge").is_dir()
    done = at.gitbot("guard", "src/b/two.py")
    assert (done.code, done.out.startswith("no  src/b/two.py belongs to plan B")) == (1, True)


def test_an_object_that_is_missing_and_a_folder_that_is_gone_are_said_with_the_way_out(desk: DeskMaker) -> None:
    at = desk(install=False)
    gone = at.box.path / "gone"
    gone.mkdir()
    words = f"rmdir '{gone}'; exec '{sys.executable}' -m gitbot guard x"
    done = subprocess.run(["sh", "-c", words], cwd=gone, env=at.box.env, capture_output=True, text=True, check=False)
    assert (done.returncode, "hint: " in done.stderr) == (2, True)
    blob = at.box.git("rev-parse", "main:plans/PLAN-B.md")
    (at.box.path / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    missing = at.gitbot("guard", "--branch", "agent-a", "src/b/two.py")
    assert (missing.code, "hint: " in missing.err) == (2, True)
