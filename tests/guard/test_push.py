"""Real pushes to a real bare repository, through the installed hook."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitbot.errors import InputError
from gitbot.guard.enforcement import enforcement
from gitbot.guard.push import Verdict, judge_push, read_updates
from gitbot.planset import KEPT
from tests.guard.conftest import BASE, CONFIG, PLAN_A, PLAN_B, Desk, DeskMaker

REFUSAL = """\
error: agent-a is not pushed: it changes what plan A does not own
  src/b/two.py belongs to plan B (plans/PLAN-B.md:4: src/b/**)
hint: take these changes out of the branch, or have its plan claim them on the target; \
a line `Gitbot-Reason: …` in a commit message excuses shared and unowned files, never another plan's
"""


def test_a_branch_may_push_its_own_files_its_plan_and_what_it_lists_as_shared(desk: DeskMaker) -> None:
    at = desk()
    ticked = PLAN_A.replace("[ ]", "[x]")
    at.commit("agent-a", {"src/a/new.py": "x\n", "package.json": "{ }\n", "plans/PLAN-A.md": ticked})
    done = at.push("agent-a")
    assert (done.code, done.err) == (0, "")
    assert at.remote_has("agent-a")


def test_another_plans_file_is_refused_with_file_owner_and_line(desk: DeskMaker) -> None:
    at = desk()
    at.commit("agent-a", {"src/a/one.py": "a = 2\n", "src/b/two.py": "b = 3\n"})
    done = at.push("agent-a")
    assert done.code == 1
    assert done.err.startswith(REFUSAL)
    assert not at.remote_has("agent-a")


def test_listing_another_plans_file_as_shared_is_refused_all_the_same(desk: DeskMaker) -> None:
    at = desk({**BASE, "plans/PLAN-A.md": PLAN_A.replace("[package.json]", "[src/b/two.py]")})
    at.commit("agent-a", {"src/b/two.py": "b = 3\n"})
    assert at.push("agent-a").code == 1


def test_a_shared_file_that_the_plan_does_not_list_is_refused(desk: DeskMaker) -> None:
    at = desk()
    at.commit("agent-a", {"yarn.lock": "# more\n"})
    done = at.push("agent-a")
    assert done.code == 1
    assert "yarn.lock is shared by configuration, and plan A does not list it under shared" in done.err


def test_nobodys_file_goes_with_a_warning_unless_refused(desk: DeskMaker) -> None:
    lenient, strict = desk(), desk({**BASE, "gitbot.toml": '[ownership]\nunowned = "refuse"\n'}, name="strict.git")
    for at in (lenient, strict):
        at.commit("agent-a", {"README.md": "hi\n"})
    passed, refused = lenient.push("agent-a"), strict.push("agent-a")
    assert (passed.code, passed.err) == (0, "warning: agent-a: README.md is nobody's: no plan claims it\n")
    assert refused.code == 1
    assert "  README.md is nobody's: no plan claims it\n" in refused.err


def test_a_reason_in_a_commit_opens_shared_files_but_never_another_plans(desk: DeskMaker) -> None:
    at = desk()
    at.commit("agent-a", {"yarn.lock": "# more\n"}, "lock\n\nGitbot-Reason: a new dependency")
    passed = at.push("agent-a")
    assert passed.code == 0
    assert passed.err.endswith("(Gitbot-Reason: a new dependency)\n")
    at.commit("agent-a", {"src/b/two.py": "b = 3\n"}, "two\n\nGitbot-Reason: I want it")
    assert at.push("agent-a").code == 1


def test_a_rename_of_another_plans_file_is_refused_for_its_old_name(desk: DeskMaker) -> None:
    at = desk()
    at.box.git("checkout", "-q", "-b", "agent-a")
    at.box.git("mv", "src/b/two.py", "src/a/two.py")
    at.box.git("commit", "-q", "-m", "move")
    done = at.push("agent-a")
    assert done.code == 1
    assert "src/b/two.py belongs to plan B" in done.err


def test_the_remote_name_decides_whose_plan_counts(desk: DeskMaker) -> None:
    """HEAD, an oid and a branch of another name are all judged by where they go."""
    at = desk()
    at.commit("topic", {"src/b/two.py": "b = 3\n"})
    for source in ("HEAD", "topic", at.box.tip("topic")):
        assert at.push(f"{source}:refs/heads/agent-a").code == 1
        assert at.push(f"{source}:refs/heads/agent-b").code == 0
        assert at.push(":refs/heads/agent-b").code == 0
    assert at.push("HEAD:refs/heads/topic").code == 0


@pytest.mark.parametrize("source", ["agent-a", "HEAD"])
def test_where_local_and_remote_name_different_plans_only_what_both_allow_passes(
    desk: DeskMaker, source: str
) -> None:
    at = desk()
    at.commit("agent-a", {"src/a/one.py": "a = 2\n"})
    assert at.push(f"{source}:refs/heads/agent-b").code == 1
    assert at.push(f"{source}:refs/heads/main").code == 0
    at.commit("agent-a", {"src/b/two.py": "b = 3\n"})
    assert at.push(f"{source}:refs/heads/agent-b").code == 1
    assert at.push(f"{source}:refs/heads/topic").code == 1


def test_the_tip_of_a_plans_branch_is_held_to_it_under_any_name(desk: DeskMaker) -> None:
    """By a remote-tracking name, or by its object id; a branch that somebody made there is another branch."""
    at = desk()
    at.commit("agent-a", {"src/b/two.py": "b = 3\n"})
    assert at.push("--no-verify", "agent-a").code == 0
    at.box.git("branch", "copy", "agent-a")
    for source in ("origin/agent-a", at.box.tip("agent-a"), "agent-a^{}"):
        refused = at.push(f"{source}:refs/heads/foo")
        assert (refused.code, "what plan A does not own" in refused.err) == (1, True)
    assert at.push("copy:refs/heads/foo").code == 0
    at.box.git("checkout", "-q", "main")
    at.box.git("merge", "-q", "--ff-only", "agent-a")
    assert at.push("main").code == 0


def test_one_bad_branch_refuses_the_whole_push_and_is_the_only_one_blamed(desk: DeskMaker) -> None:
    at = desk()
    at.commit("agent-a", {"src/a/one.py": "a = 2\n"})
    at.commit("agent-b", {"src/a/one.py": "a = 3\n"})
    done = at.push("agent-a", "agent-b")
    assert done.code == 1
    assert "error: agent-b is not pushed" in done.err
    assert "agent-a is not pushed" not in done.err
    assert not at.remote_has("agent-a")


def test_tags_deletions_other_branches_and_the_target_are_left_alone(desk: DeskMaker) -> None:
    at = desk()
    at.commit("agent-a", {"src/b/two.py": "b = 3\n"})
    at.box.git("tag", "v1")
    assert at.push("--no-verify", "agent-a").code == 0
    at.box.git("checkout", "-q", "-b", "feature")
    at.box.git("checkout", "-q", "main")
    at.commit("main", {"src/b/two.py": "b = 4\n", "yarn.lock": "x\n"})
    for what in ("v1", "feature", "main", ":agent-a"):
        done = at.push(what)
        assert (done.code, done.err) == (0, ""), what


def test_a_later_push_cannot_hide_what_an_earlier_or_forced_one_did(desk: DeskMaker) -> None:
    at = desk()
    at.commit("agent-a", {"src/b/two.py": "b = 3\n"})
    assert at.push("--no-verify", "agent-a").code == 0
    at.commit("agent-a", {"src/a/one.py": "a = 2\n"})
    assert at.push("agent-a").code == 1
    at.box.git("commit", "-q", "--amend", "-m", "again")
    assert at.push("--force", "agent-a").code == 1
    at.commit("agent-a", {"src/b/two.py": str(BASE["src/b/two.py"])})
    assert at.push("--force", "agent-a").code == 0


def test_what_came_from_the_target_is_not_the_branchs_touch(desk: DeskMaker) -> None:
    """Also when only the remote's target has it, and when branch and target were merged into each other."""
    at = desk()
    at.commit("agent-a", {"src/a/one.py": "a = 2\n"})
    at.commit("main", {"src/b/two.py": "b = 4\n"})
    at.box.git("checkout", "-q", "agent-a")
    at.box.git("merge", "-q", "--no-edit", "main")
    assert at.push("agent-a").code == 0
    at.commit("main", {"src/b/two.py": "b = 5\n"})
    assert at.push("main").code == 0
    at.box.git("checkout", "-q", "agent-a")
    at.box.git("merge", "-q", "--no-edit", "origin/main")
    at.box.git("branch", "-q", "-f", "main", "main~1")
    assert at.push("agent-a").code == 0


def test_a_criss_cross_of_merges_touches_nothing(desk: DeskMaker) -> None:
    at = desk()
    at.commit("agent-a", {"src/a/one.py": "a = 2\n"})
    at.commit("main", {"src/b/two.py": "b = 4\n"})
    before = at.box.tip("main")
    at.box.git("merge", "-q", "--no-edit", "agent-a")
    at.box.git("checkout", "-q", "agent-a")
    at.box.git("merge", "-q", "--no-edit", before)
    at.commit("agent-a", {"src/a/more.py": "a = 3\n"})
    done = at.push("agent-a")
    assert (done.code, done.err) == (0, "")


def test_an_unrelated_history_is_judged_by_what_differs_from_the_target(desk: DeskMaker) -> None:
    at = desk()
    at.box.git("checkout", "-q", "--orphan", "agent-a")
    at.commit("agent-a", {"src/a/one.py": "a = 2\n"}, cwd=at.box.path)
    assert at.push("agent-a").code == 0
    at.commit("agent-a", {"src/b/two.py": "b = 3\n"}, cwd=at.box.path)
    assert at.push("agent-a").code == 1


def test_the_claims_of_a_landed_plan_lapse(desk: DeskMaker) -> None:
    """By merge and by squash; a branch that has no commit yet has not landed."""
    at = desk()
    at.box.git("branch", "agent-b", "main")
    at.commit("agent-a", {"src/b/two.py": "b = 3\n"})
    assert at.push("agent-a").code == 1
    at.commit("agent-b", {"src/b/new.py": "n = 1\n"})
    assert at.push("agent-a").code == 1
    at.box.git("checkout", "-q", "main")
    at.box.git("merge", "-q", "--squash", "agent-b")
    at.box.git("commit", "-q", "-m", "land b")
    passed = at.push("agent-a")
    assert passed.code == 0
    assert "src/b/two.py is nobody's" in passed.err


def test_a_plan_known_on_the_target_counts_as_it_stands_there(desk: DeskMaker) -> None:
    at = desk()
    wider = PLAN_A.replace("[src/a/**]", "[src/a/**, src/b/**, yarn.lock]")
    at.commit("agent-a", {"plans/PLAN-A.md": wider, "src/b/two.py": "b = 3\n"})
    done = at.push("agent-a")
    assert done.code == 1
    assert "warning: agent-a: plan A claims more on the branch than on main, which is what counts: " in done.err
    assert "src/b/two.py belongs to plan B" in done.err


def test_a_plan_that_is_new_on_the_branch_counts_with_a_warning(desk: DeskMaker) -> None:
    at = desk()
    new = PLAN_A.replace("plan: A", "plan: Z").replace("src/a/**", "src/z/**, src/b/**")
    at.commit("agent-z", {"plans/PLAN-Z.md": new, "src/z/one.py": "z = 1\n"})
    passed = at.push("agent-z")
    assert passed.code == 0
    assert "plan Z (plans/PLAN-Z.md) is not on main yet; it counts as it is on the branch" in passed.err
    landed = at.box.gitbot("integrate", "agent-z", "--no-gate", "--into", "main", "--dry-run", "--format", "json")
    (flag,) = landed.branches["agent-z"]["flags"]
    assert (flag["kind"], flag["paths"]) == ("claims-widened", ["plans/PLAN-Z.md"])
    at.commit("agent-z", {"src/b/two.py": "b = 3\n"})
    assert at.push("agent-z").code == 1


def test_plans_that_are_not_committed_yet_are_read_from_the_main_work_tree(desk: DeskMaker) -> None:
    at = desk({"src/b/two.py": "b = 2\n"})
    at.commit("agent-a", {"src/b/two.py": "b = 3\n"})
    (at.box.path / "plans").mkdir()
    (at.box.path / "plans" / "PLAN-A.md").write_text(PLAN_A)
    (at.box.path / "plans" / "PLAN-B.md").write_text(PLAN_B)
    assert at.push("agent-a").code == 1


def test_without_any_plan_the_hook_is_silent(desk: DeskMaker) -> None:
    at = desk({"a.txt": "a\n"})
    at.commit("agent-a", {"a.txt": "b\n", "docs/x.md": "text\n"})
    done = at.push("agent-a")
    assert (done.code, done.err) == (0, "")


def test_a_repository_without_a_target_and_without_plans_is_left_alone(desk: DeskMaker) -> None:
    at = desk({"README.md": "hello\n"})
    at.box.git("checkout", "-q", "-b", "agent-a")
    at.box.git("remote", "remove", "origin")
    at.box.git("branch", "-q", "-D", "main")
    at.box.git("remote", "add", "origin", str(at.remote))
    at.commit("agent-a", {"src/b/two.py": "b = 3\n"})
    done = at.push("agent-a")
    assert (done.code, done.err) == (0, "")


@pytest.mark.parametrize("config", ["", 'target = "main"\n'])
def test_a_clone_that_lacks_the_target_goes_by_its_own_plans_and_says_what_to_fetch(
    desk: DeskMaker, tmp_path: Path, config: str
) -> None:
    at, clone = desk({**BASE, "gitbot.toml": config}, install=False), tmp_path / "clone"
    assert at.push("main", "main:agent-a").code == 0
    at.box.git("clone", "-q", "--single-branch", "-b", "agent-a", f"file://{at.remote}", str(clone))
    assert at.gitbot("hook", "install", cwd=clone).code == 0
    warning = (
        "warning: there is no main here, so what HEAD has of plans is in force, for what origin is not known to "
        "have; git remote set-branches --add origin main and git fetch origin bring it\n"
    )
    at.commit("agent-a", {"src/a/one.py": "a = 2\n"}, cwd=clone)
    done = at.push("agent-a", cwd=clone)
    assert (done.code, done.err) == (0, warning)
    at.commit("agent-a", {"src/b/two.py": "b = 3\n"}, cwd=clone)
    done = at.push("agent-a", cwd=clone)
    assert done.code == 1
    assert done.err.startswith(warning + REFUSAL)
    asked = at.gitbot("guard", "src/b/two.py", cwd=clone)
    assert (asked.code, asked.err) == (1, warning)
    for word in ("remote set-branches --add origin main", "fetch -q origin"):
        at.box.git(*word.split(), cwd=clone)
    asked = at.gitbot("guard", "src/b/two.py", cwd=clone)
    assert (asked.code, asked.err) == (1, "")


def test_a_clone_of_one_branch_goes_by_the_remotes_target(desk: DeskMaker) -> None:
    at = desk()
    at.box.git("checkout", "-q", "-b", "agent-a")
    at.box.git("branch", "-q", "-D", "main")
    at.commit("agent-a", {"src/b/two.py": "b = 3\n"})
    done = at.push("agent-a")
    assert done.code == 1
    assert done.err.startswith(REFUSAL)


@pytest.mark.parametrize("broken", ["shared = [\n", "colour = 1\n", 'shared = ["../x"]\n', 'target = "nowhere"\n'])
def test_a_broken_configuration_blocks_no_branch_without_a_plan_and_opens_none_with_one(
    desk: DeskMaker, broken: str
) -> None:
    at = desk({**BASE, "gitbot.toml": broken})
    at.commit("topic", {"src/b/two.py": "b = 3\n"})
    passed = at.push("topic")
    assert passed.code == 0
    assert passed.err.startswith("warning: ")
    assert passed.err.endswith("for what cannot be read the defaults are in force until this is mended\n")
    assert at.push("HEAD:refs/heads/agent-a").code == 1


def test_a_plan_that_cannot_be_read_is_a_warning_and_hides_no_other(desk: DeskMaker) -> None:
    at = desk({**BASE, "plans/PLAN-C.md": "---\nplan: [C\nowns: {\n---\n"})
    at.commit("topic", {"src/b/two.py": "b = 3\n"})
    passed = at.push("topic")
    assert passed.code == 0
    assert passed.err.startswith("warning: plans/PLAN-C.md:")
    assert at.push("HEAD:refs/heads/agent-a").code == 1


def test_a_plan_that_no_longer_can_be_read_goes_on_protecting(desk: DeskMaker) -> None:
    """It counts as it was when it could be read last, and everybody who asks is told so in one line."""
    at = desk({**BASE, "gitbot.toml": CONFIG + 'gate.command = "true"\n'})
    at.commit("agent-a", {"src/b/two.py": "b = 3\n"})
    before = at.box.tip("main")
    for text in ("---\nplan: [B\n---\n", "---\nplan: B\nowns: {\n---\n"):
        at.commit("main", {"plans/PLAN-B.md": text})
    line = f"until it is mended it counts as it was at {before[:7]}\n"
    refused = at.push("agent-a")
    assert refused.code == 1
    assert refused.err.startswith("warning: plans/PLAN-B.md:")
    assert line in refused.err
    assert "src/b/two.py belongs to plan B (plans/PLAN-B.md:4: src/b/**)" in refused.err
    for words in (("guard", "src/b/two.py", "--branch", "agent-a"), ("integrate", "agent-a"), ("status",)):
        done = at.gitbot(*words)
        assert (words, done.err.count(line)) == (words, 1)
        assert done.code == (words[0] != "status")
    assert line.rstrip() in at.gitbot("doctor").out
    at.commit("main", {"plans/PLAN-B.md": None})
    at.commit("main", {"plans/PLAN-B.md": "---\nplan: B\nowns: [\n---\n"})
    assert at.push("agent-a").code == 0


def test_the_hook_fires_in_a_linked_work_tree(desk: DeskMaker, tmp_path: Path) -> None:
    at = desk()
    tree = tmp_path / "linked tree"
    at.box.git("worktree", "add", "-q", str(tree), "-b", "agent-a", "main")
    at.commit("agent-a", {"src/b/two.py": "b = 3\n"}, cwd=tree)
    for source in ("agent-a", "HEAD", "HEAD:refs/heads/topic"):
        done = at.push(source, cwd=tree)
        assert done.code == 1, source
        assert "src/b/two.py belongs to plan B (plans/PLAN-B.md:4: src/b/**)" in done.err


def test_names_with_spaces_and_any_script_are_judged_and_shown(desk: DeskMaker) -> None:
    plan = "---\nplan: B\nowns:\n  - src/größe und 長さ/**\n---\n# Agent B\n"
    at = desk({**BASE, "plans/PLAN-B.md": plan})
    at.commit("agent-a", {"src/größe und 長さ/Ünï.py": "x\n", "src/a/own file.py": "x\n"})
    done = at.push("agent-a")
    assert done.code == 1
    assert "  src/größe und 長さ/Ünï.py belongs to plan B (plans/PLAN-B.md:4: src/größe und 長さ/**)\n" in done.err
    assert "own file" not in done.err


def test_control_characters_of_a_path_do_not_reach_the_terminal(desk: DeskMaker) -> None:
    at = desk()
    at.commit("agent-a", {"src/b/\x1b[2Jx\n.py": "x\n"})
    done = at.push("agent-a")
    assert done.code == 1
    assert "\x1b" not in done.err
    assert "src/b/[2Jx .py belongs to plan B" in done.err


def test_many_trespasses_are_counted_rather_than_listed(desk: DeskMaker) -> None:
    at = desk()
    at.commit("agent-a", {f"src/b/{number}.py": "x\n" for number in range(60)})
    done = at.push("agent-a")
    assert done.code == 1
    assert "  and 20 more\n" in done.err


@pytest.mark.parametrize("files", [BASE, {"a.txt": "a\n"}])
def test_what_reads_plans_is_not_loaded_where_there_is_none_to_read(
    desk: DeskMaker, files: dict[str, str | list[str]]
) -> None:
    """For tags and deletions, and for branches of a repository that has no plans."""
    at = desk(files)
    zero = "0" * 40
    at.commit("agent-a", {"a.txt": "b\n"})
    feed = f"(delete) {zero} refs/heads/agent-a {at.box.tip('main')}\nHEAD {at.box.tip('main')} refs/tags/x {zero}\n"
    if files is not BASE:
        feed += f"refs/heads/agent-a {at.box.tip('agent-a')} refs/heads/agent-a {zero}\n"
    script = (
        "import sys\nfrom gitbot.cli import main\n"
        "code = main(['hook', 'run', 'pre-push', 'origin', 'url'])\n"
        "sys.exit(code or 'markdown_it' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=at.box.path, env=at.box.env, input=feed.encode(), check=False
    )
    assert done.returncode == 0


def test_what_is_no_commit_here_passes_with_a_warning_and_the_rest_is_judged(desk: DeskMaker) -> None:
    """git would not send it; the branches that come along are held against their plans all the same."""
    at = desk()
    at.commit("agent-a", {"src/b/two.py": "b = 3\n"})
    blob, nothing, zero = at.box.git("rev-parse", "main:README.md"), "1" * 40, "0" * 40
    for oid, word in ((blob, "is no commit"), (nothing, "is not in this repository")):
        passed = at.hook(f"refs/heads/agent-b {oid} refs/heads/agent-b {zero}\n")
        assert passed.code == 0
        assert passed.err.startswith("warning: agent-b: ")
        assert passed.err.endswith(f" {oid[:12]} {word}; nobody checked whose files this push changes\n".lstrip())
    whole = f"refs/heads/agent-a {at.box.tip('agent-a')} refs/heads/agent-a {zero}\n"
    assert at.hook(f"x {nothing} refs/heads/agent-b {zero}\n{whole}").code == 1


def test_a_plan_that_a_partial_clone_lacks_is_fetched_as_git_does(desk: DeskMaker, tmp_path: Path) -> None:
    """Nothing is checked out, so every blob is missing; without the remote a push passes with a warning."""
    at = desk(install=False)
    at.box.git("config", "uploadpack.allowFilter", "true", cwd=at.remote)
    at.commit("agent-a", {"src/b/two.py": "b = 3\n"})
    assert at.push("agent-a").code == 0
    clone = tmp_path / "clone"
    at.box.git("clone", "-q", "--filter=blob:none", "--no-checkout", f"file://{at.remote}", str(clone))
    tip = at.box.tip("agent-a")
    away = at.remote.rename(tmp_path / "away.git")
    lines = f"refs/heads/agent-a {tip} refs/heads/agent-a {'0' * 40}\n"
    passed = replace(at, box=replace(at.box, path=clone)).hook(lines)
    assert (passed.code, passed.err[:9]) == (0, "warning: ")
    away.rename(at.remote)
    refused = replace(at, box=replace(at.box, path=clone)).hook(lines)
    assert refused.code == 1
    assert "src/b/two.py belongs to plan B" in refused.err


def test_plans_that_are_missing_in_a_damaged_clone_pass_with_a_warning(desk: DeskMaker) -> None:
    at = desk()
    oid, zero = at.box.git("rev-parse", "main:plans/PLAN-A.md"), "0" * 40
    (at.box.path / ".git" / "objects" / oid[:2] / oid[2:]).unlink()
    passed = at.hook(f"x {at.box.tip('main')} refs/heads/agent-a {zero}\n")
    assert passed.code == 0
    assert passed.err.startswith("warning: ")
    assert passed.err.endswith("; nobody checked whose files this push changes\n")


def test_what_is_no_line_of_a_push_is_bad_input(desk: DeskMaker) -> None:
    at = desk()
    done = subprocess.run(
        [sys.executable, "-m", "gitbot", "hook", "run", "pre-push"],
        cwd=at.box.path,
        env=at.box.env,
        input=b"rubbish\xff\n",
        capture_output=True,
        check=False,
    )
    assert done.returncode == 2
    assert at.box.gitbot("hook", "run", "post-rewrite").code == 2


@given(st.text())
def test_any_text_is_read_as_updates_or_refused_as_input(text: str) -> None:
    try:
        read_updates(text)
    except InputError:
        assert text.strip()


def test_a_local_reference_may_hold_spaces() -> None:
    oid, zero = "a" * 40, "0" * 40
    (update,) = read_updates(f"HEAD^{{/two words}} {oid} refs/heads/agent-a {zero}\n")
    assert (update.local_ref, update.branch) == ("HEAD^{/two words}", "agent-a")


def test_the_configuration_in_force_is_the_targets(desk: DeskMaker) -> None:
    """A branch cannot loosen the rules for itself."""
    at = desk()
    loose = CONFIG + '[ownership]\nforeign = "warn"\n'
    at.commit("agent-a", {"gitbot.toml": loose, "src/b/two.py": "b = 3\n"})
    assert at.push("agent-a").code == 1


def test_every_remote_is_guarded_with_the_target_that_it_is_known_to_have(desk: DeskMaker, tmp_path: Path) -> None:
    at = desk()
    at.box.git("clone", "-q", "--bare", str(at.remote), str(tmp_path / "second remote.git"))
    at.box.git("remote", "add", "second", str(tmp_path / "second remote.git"))
    at.commit("agent-a", {"src/b/two.py": "b = 3\n"})
    for remote in ("second", str(tmp_path / "second remote.git")):
        assert at.box.git("push", "-q", remote, "agent-a", check=False) == ""
        assert at.box.git("ls-remote", remote, "refs/heads/agent-a") == ""
    at.commit("agent-b", {"src/b/two.py": "b = 3\n"})
    at.box.git("push", "-q", "second", "agent-b")
    assert at.box.git("ls-remote", "second", "refs/heads/agent-b") != ""


@pytest.mark.parametrize("kind", [("--bare",), ("--depth=1",), ("--filter=blob:none",)])
def test_bare_shallow_and_partial_clones_are_guarded(desk: DeskMaker, tmp_path: Path, kind: tuple[str, ...]) -> None:
    at = desk(install=False)
    at.box.git("config", "uploadpack.allowFilter", "true", cwd=at.remote)
    at.commit("agent-a", {"src/b/two.py": "b = 3\n", "src/a/größe 1.py": "a\n"})
    at.commit("agent-b", {"src/b/two.py": "b = 3\n"})
    assert at.push("agent-a:refs/heads/x", "agent-b:refs/heads/y").code == 0
    clone = tmp_path / "clone"
    at.box.git("clone", "-q", "--no-single-branch", *kind, f"file://{at.remote}", str(clone))
    assert at.gitbot("hook", "install", "--client", cwd=clone).code == 0
    names = ("x", "y") if kind == ("--bare",) else ("origin/x", "origin/y")
    refused, passed = (
        at.push(f"{name}:refs/heads/agent-{who}", cwd=clone) for name, who in zip(names, "ab", strict=True)
    )
    assert refused.code == 1
    assert "src/b/two.py belongs to plan B" in refused.err
    assert "größe" not in refused.err
    assert (passed.code, passed.err) == (0, "")


# Plans kept as they were read


def test_plans_that_were_read_once_are_not_read_again_until_the_target_moves(desk: DeskMaker) -> None:
    at = desk()
    kept = at.box.path / ".git" / KEPT
    at.commit("agent-a", {"src/b/two.py": "b = 3\n"})
    assert at.push("agent-a").code == 1
    before = kept.stat().st_ino
    assert at.push("agent-a").code == 1
    assert kept.stat().st_ino == before
    at.commit("main", {"plans/PLAN-B.md": PLAN_B.replace("src/b/**", "src/c/**")})
    assert at.push("agent-a").code == 0
    assert kept.stat().st_ino != before
    assert [path.name for path in kept.parent.iterdir() if path.name.startswith(kept.name)] == [kept.name]


def judged(at: Desk, branch: str) -> list[Verdict]:
    """What the hook says of a branch, without the process around it."""
    force = enforcement(at.box.repository, "origin", None)
    assert force is not None
    ref = f"refs/heads/{branch}"
    return list(judge_push(force, read_updates(f"{ref} {at.box.tip(branch)} {ref} {'0' * 40}\n")))


def test_damage_to_the_plans_that_are_kept_only_costs_time(desk: DeskMaker) -> None:
    """Cut short, one bit changed, emptied, made a folder: the same answer, and mended where that is possible."""
    at = desk(install=False)
    kept = at.box.path / ".git" / KEPT
    at.commit("agent-a", {"src/b/two.py": "b = 3\n"})
    first, whole = judged(at, "agent-a"), kept.read_bytes()
    at_owner = whole.index(b"src/b")
    for damaged in (whole[:-1], b"", whole[:at_owner] + b"S" + whole[at_owner + 1 :], b"x\n\n\n"):
        kept.write_bytes(damaged)
        assert judged(at, "agent-a") == first
        assert kept.read_bytes() == whole
    kept.unlink()
    kept.mkdir()
    assert judged(at, "agent-a") == first


def test_of_a_broken_configuration_what_can_be_read_stays_in_force(desk: DeskMaker) -> None:
    plans = {name.replace("plans/", "agents/"): text for name, text in BASE.items() if name.startswith("plans/")}
    broken = (
        'plans = ["agents"]\nshard = ["x"]\nshared = ["README.md", "../x"]\n[ownership]\nunowned = "refuse"\nx = 1\n'
    )
    at = desk({**plans, "gitbot.toml": broken, "README.md": "hello\n"})
    at.commit("agent-a", {"src/b/two.py": "b = 3\n", "README.md": "x\n", "other": "x\n"})
    done = at.push("agent-a")
    assert done.code == 1
    assert done.err.splitlines()[2:5] == [
        "  src/b/two.py belongs to plan B (agents/PLAN-B.md:4: src/b/**)",
        "  README.md is shared by configuration, and plan A does not list it under shared",
        "  other is nobody's: no plan claims it",
    ]


def test_what_came_from_the_target_of_any_remote_is_not_the_branchs(desk: DeskMaker, tmp_path: Path) -> None:
    """Of a fork's clone: its own main, and the fork's, are older than the one that the branch was made from."""
    at = desk()
    other = tmp_path / "upstream.git"
    at.box.git("clone", "-q", "--bare", str(at.remote), str(other))
    at.box.git("remote", "add", "team/up", str(other))
    at.commit("main", {"src/b/two.py": "b = 4\n"})
    at.box.git("push", "-q", "--no-verify", "team/up", "main", "main:refs/heads/stray/main")
    at.box.git("checkout", "-q", "-b", "agent-a", "team/up/main")
    at.box.git("branch", "-f", "main", "origin/main")
    at.commit("agent-a", {"src/a/one.py": "a = 2\n"})
    assert at.push("agent-a").code == 0
    at.box.git("update-ref", "-d", "refs/remotes/team/up/main")
    at.box.git("update-ref", "refs/remotes/team/up/stray/main", "agent-a")
    assert at.push("agent-a:refs/heads/agent/a").code == 1, "another branch whose name only ends so"


def test_a_plans_own_branch_is_no_target_even_where_head_names_it(desk: DeskMaker) -> None:
    """As in a clone of a repository in which somebody worked on a plan's branch."""
    at = desk()
    at.commit("agent-a", {"src/b/two.py": "b = 3\n"})
    at.box.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/agent-a")
    done = at.push("agent-a")
    assert done.code == 1
    warning, *rest = done.err.splitlines(keepends=True)
    assert warning == "warning: HEAD names agent-a, which is a plan's own branch; main is the target instead\n"
    assert "".join(rest).startswith(REFUSAL)


def test_a_repository_of_another_object_format_is_remarked_on_and_pushes_pass(
    desk: DeskMaker, tmp_path: Path
) -> None:
    at = desk(install=False)
    where, remote = tmp_path / "long", tmp_path / "long.git"
    at.box.git("init", "-q", "--object-format=sha256", str(where))
    at.box.git("init", "-q", "--bare", "--object-format=sha256", str(remote))
    at.box.git("remote", "add", "origin", str(remote), cwd=where)
    hook = where / ".git" / "hooks" / "pre-push"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text('#!/bin/sh\nexec gitbot hook run pre-push "$@"\n')
    hook.chmod(0o755)
    at.commit("main", {"x": "x\n"}, cwd=where)
    done = at.push("HEAD:refs/heads/main", cwd=where)
    assert (done.code, done.err.startswith("warning: ")) == (0, True)
