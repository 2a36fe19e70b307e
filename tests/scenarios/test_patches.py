"""Patches handed in beside branches: the same queue, ownership, gate, landing and record."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gitbot.cli import main
from tests.conftest import Ran, Sandbox, SandboxMaker, step
from tests.scenarios.beginnings import base, plan
from tests.untouched import Watch

PLANS = {"plans/a.md": plan("a", "'a.txt', 'new.txt'"), "plans/b.md": plan("b", "b.txt")}


@pytest.fixture
def box(sandbox: SandboxMaker) -> Sandbox:
    return sandbox(base({**PLANS, "b.txt": ["one", "two", "three"]}), step("agent-b", {"b.txt": ["one", "two", "3"]}))


def mailed(box: Sandbox, name: str, files: dict[str, str], message: str = "Change by mail") -> Path:
    """A file of format-patch with one commit on main, by somebody else; nothing of the commit is left."""
    start = box.tip("main")
    for path, text in files.items():
        (box.path / path).write_text(text)
    box.git("add", "-A")
    box.git("commit", "-q", "-m", message, "--author", "Joan Clarke <joan@example.org>")
    file = box.path.parent / name
    box.git("format-patch", "-1", f"--output={file}")
    box.git("reset", "-q", "--hard", start)
    box.git("reflog", "expire", "--expire=now", "--all")
    box.git("gc", "-q", "--prune=now")
    return file


def integrate(
    box: Sandbox, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: str, gate: str = ""
) -> Ran:
    """In this process."""
    monkeypatch.chdir(box.path)
    code = main(["integrate", "--format", "json", *(("--gate", gate) if gate else ("--no-gate",)), *words])
    out, err = capsys.readouterr()
    return Ran(code, out, err)


def test_a_mail_and_a_branch_land_together_and_the_mail_leaves_no_reference(box: Sandbox) -> None:
    file = mailed(box, "agent-a.patch", {"a.txt": "one\nby mail\nthree\n"})
    start, before = box.tip("main"), box.git("for-each-ref", "refs/heads")
    ran = box.integrate("--patch", str(file), "agent-b")
    assert ran.code == 0, ran.err
    assert ran.outcomes == {"agent-b": "landed by rebase", "patch:agent-a": "landed by rebase"}
    assert ran.branches["patch:agent-a"]["plan"] == "a"
    assert ran.branches["patch:agent-a"]["flags"] == []
    said = box.git("log", "--format=%an <%ae>: %s (%cn)", "-2", "main").splitlines()
    assert "Joan Clarke <joan@example.org>: Change by mail (Grace Hopper)" in said
    assert box.git("for-each-ref", "refs/heads").replace(box.tip("main"), start) == before


def test_the_same_patch_again_is_known_by_its_content(
    box: Sandbox, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = mailed(box, "fix.patch", {"a.txt": "one\nby mail\nthree\n"})
    first = integrate(box, capsys, monkeypatch, "--patch", str(file))
    moved = file.rename(file.with_name("other.patch"))
    again = integrate(box, capsys, monkeypatch, "--patch", str(moved))
    assert (first.outcomes, again.outcomes) == ({"patch:fix": "landed by rebase"}, {"patch:other": "already-landed"})
    assert again.branches["patch:other"]["tip"] == first.branches["patch:fix"]["tip"]


def test_a_patch_is_held_to_the_plan_that_it_names(
    box: Sandbox, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {"b.txt": "by mail\n"}
    by_name = mailed(box, "agent-a.patch", files)
    by_trailer = mailed(box, "0001-x.patch", files, "x\n\nGitbot-Plan: a")
    owner = mailed(box, "0002-y.patch", files, "y\n\nGitbot-Plan: Agent B")
    for file, expected in (
        (by_name, "set-aside: ownership"),
        (by_trailer, "set-aside: ownership"),
        (owner, "waiting"),
    ):
        ran = integrate(box, capsys, monkeypatch, "--dry-run", "--patch", str(file))
        assert list(ran.outcomes.values()) == [expected], file
    nobody = mailed(box, "0003-z.patch", files, "z\n\nGitbot-Plan: nobody")
    refused = integrate(box, capsys, monkeypatch, "--patch", str(nobody))
    assert (refused.code, refused.out) == (2, "")
    assert refused.err.startswith(f"error: {nobody}: it says Gitbot-Plan: nobody, and there is no such plan\n")


def test_a_patch_that_does_not_fit_is_set_aside_with_its_hunk_and_a_brief(
    box: Sandbox, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = box.path.parent / "fix.diff"
    file.write_text("--- a/a.txt\n+++ b/a.txt\n@@ -1,3 +1,3 @@\n one\n-zwei\n+2\n three\n")
    ran = integrate(box, capsys, monkeypatch, "--patch", str(file), "agent-b")
    assert ran.outcomes == {"agent-b": "landed by rebase", "patch:fix": "set-aside: conflict"}
    branch = ran.branches["patch:fix"]
    assert branch["why"] == "a.txt: its hunk @@ -1,3 +1,3 @@ does not apply"
    assert [one["path"] for one in branch["conflicts"]] == ["a.txt"]
    assert branch["next"] == f"hand the brief to its agent, then: gitbot integrate --patch {file}"
    brief = Path(branch["retry"]).read_text()
    assert "1. Make the patch again, on `main` as it is now; it was at `" in brief
    assert f"`gitbot integrate --patch {file} --into main`" in brief


def test_a_patch_behind_the_target_is_merged_like_a_branch(
    box: Sandbox, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It conflicts with what came since, and the conflict is told with both sides."""
    file = mailed(box, "fix.patch", {"a.txt": "one\nby mail\nthree\n"})
    (box.path / "a.txt").write_text("one\nby hand\nthree\n")
    box.git("commit", "-q", "-a", "-m", "meanwhile")
    ran = integrate(box, capsys, monkeypatch, "--patch", str(file))
    assert ran.outcomes == {"patch:fix": "set-aside: conflict"}
    brief = Path(ran.branches["patch:fix"]["retry"]).read_text()
    assert "by hand" in brief
    assert "by mail" in brief


def test_a_dry_run_of_a_patch_writes_nothing(
    box: Sandbox, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = mailed(box, "fix.patch", {"a.txt": "one\nby mail\nthree\n"})
    watch = Watch(box.path, box.env, "main")
    before = watch.everything()
    ran = integrate(box, capsys, monkeypatch, "--dry-run", "--patch", str(file))
    assert ran.branches["patch:fix"]["why"].startswith("would land by rebase")
    assert watch.everything() == before


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("--- a/x\n+++ b/x\n@@ -1 +1,9 @@\n-a\n+b\n", "line 5: Hunk is shorter than expected"),
        ("--- a/../x\n+++ b/../x\n@@ -1 +1 @@\n-a\n+b\n", "line 2: '../x' is outside of what a repository can hold"),
        ("hello\n", "line 1: there is no unified diff up to here"),
    ],
)
def test_a_broken_patch_is_refused_before_anything_starts(
    box: Sandbox, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, text: str, words: str
) -> None:
    file = box.path.parent / "broken.patch"
    file.write_text(text)
    before = box.git("for-each-ref")
    ran = integrate(box, capsys, monkeypatch, "--patch", str(file), "agent-b")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == f"error: {file}: {words}\nhint: nothing was done; make the patch anew\n"
    assert box.git("for-each-ref") == before


def test_a_missing_file_is_bad_input(
    box: Sandbox, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = integrate(box, capsys, monkeypatch, "--patch", "nowhere.patch")
    assert (ran.code, ran.err) == (2, "error: --patch nowhere.patch: No such file or directory\n")


def test_a_patch_comes_from_standard_input_too(box: Sandbox) -> None:
    file = mailed(box, "fix.patch", {"a.txt": "one\nby mail\nthree\n"})
    words = [sys.executable, "-m", "gitbot", "integrate", "--no-gate", "--patch", "-"]
    with file.open("rb") as source:
        done = subprocess.run(words, cwd=box.path, env=box.env, stdin=source, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert b"+ patch:stdin  landed by rebase" in done.stdout


def test_a_killed_run_goes_on_with_the_commits_that_it_had_made(box: Sandbox) -> None:
    """Though the loose commits are swept away meanwhile: what was pinned comes back."""
    file = mailed(box, "fix.patch", {"a.txt": "one\nby mail\nthree\n"})
    flag = box.path.parent / "gate-runs"
    gate = f"test -e {flag}.2 || {{ touch {flag}; sleep 60; }}"
    process = box.start("integrate", "--patch", str(file), "--gate", gate, "--format", "json")
    deadline = time.monotonic() + 60
    while not flag.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    (flag.parent / f"{flag.name}.2").touch()
    box.git("prune", "--expire=now")
    (run,) = {ref.split("/")[3] for ref in box.git("for-each-ref", "--format=%(refname)", "refs/gitbot/runs").split()}
    ran = box.integrate("--patch", str(file), gate=gate)
    assert ran.code == 0, ran.err
    assert (ran.document["run"], ran.outcomes) == (run, {"patch:fix": "landed by rebase"})


def test_a_real_branch_is_never_taken_for_the_patch_that_is_called_like_it(box: Sandbox) -> None:
    file = mailed(box, "agent-b.patch", {"b.txt": "one\ntwo\nthree\nfour\n"})
    tip = box.tip("agent-b")
    ran = box.integrate("--patch", str(file), "--update-branches", "--no-gate")
    assert ran.outcomes == {"patch:agent-b": "landed by rebase"}
    assert box.tip("agent-b") == tip
