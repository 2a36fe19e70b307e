"""Signatures, branches that go along, and who decides in which form a branch lands."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.conftest import Ran, Sandbox, SandboxMaker, step
from tests.scenarios.beginnings import base, plan

# Signatures


@pytest.fixture
def signed(sandbox: SandboxMaker, tmp_path: Path) -> Sandbox:
    """A branch of a signed and an unsigned commit, a main that has moved on, and a key of whoever integrates."""
    box = sandbox(base(), step("main", {"m.txt": "m\n"}))
    for name in ("agent", "mine"):
        words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(tmp_path / name)]
        subprocess.run(words, env=box.env, check=True, capture_output=True)
    public = (tmp_path / "mine.pub").read_text()
    (tmp_path / "allowed").write_text(f"grace@example.org {public}")
    box.git("config", "gpg.format", "ssh")
    box.git("config", "gpg.ssh.allowedSignersFile", str(tmp_path / "allowed"))
    box.git("checkout", "-q", "-b", "agent-a", "main~1")
    for name, option in (("one", f"-S{tmp_path}/agent"), ("two", "--no-gpg-sign")):
        (box.path / f"{name}.txt").write_text(name)
        box.git("add", "-A")
        box.git("commit", "-q", option, "--date", "2020-02-02T02:02:02+0530", "-m", f"{name}\n\nwhy {name}")
    box.git("checkout", "-q", "main")
    return box


def signatures(box: Sandbox) -> list[str]:
    """Of main's commits, newest first: subject, and G where git finds a good signature of the one who integrates."""
    return box.git("log", "--format=%s %G?", "--no-merges", "main").splitlines()


def test_a_signed_commit_is_signed_again_by_whoever_rebases_it(signed: Sandbox, tmp_path: Path) -> None:
    signed.git("config", "user.signingKey", str(tmp_path / "mine.pub"))
    ran = signed.integrate("agent-a", "--strategy", "rebase")
    assert ran.outcomes == {"agent-a": "landed by rebase"}
    assert signatures(signed)[:3] == ["two N", "one G", "main: change N"]
    signed.git("verify-commit", "main~1")
    dates = [signed.git("log", "-1", "--format=%ad|%an|%B", name) for name in ("main~1", "agent-a~1")]
    assert dates[0] == dates[1]
    assert ran.branches["agent-a"]["commits"] == [signed.tip("main~1"), signed.tip("main")]


def test_a_signature_that_cannot_be_made_anew_is_dropped_and_that_is_said(signed: Sandbox) -> None:
    ran = signed.integrate("agent-a", "--strategy", "rebase")
    assert signatures(signed)[:2] == ["two N", "one N"]
    assert "gpgsig" not in signed.git("cat-file", "commit", "main~1")
    said = "asked for; 1 signed before, and git is not configured to sign again"
    assert ran.branches["agent-a"]["why"] == said


@pytest.mark.parametrize("form", ["rebase", "squash", "merge"])
def test_where_git_signs_every_commit_all_that_is_written_is_signed(
    signed: Sandbox, tmp_path: Path, form: str
) -> None:
    signed.git("config", "user.signingKey", str(tmp_path / "mine.pub"))
    signed.git("config", "commit.gpgSign", "true")
    assert signed.integrate("agent-a", "--strategy", form).outcomes == {"agent-a": f"landed by {form}"}
    assert signed.git("log", "-1", "--format=%G?", "main") == "G"
    assert signed.git("log", "-1", "--format=%G?", "main~1") == ("G" if form == "rebase" else "N")


def test_a_key_that_is_gone_lands_nothing_and_names_the_reason(signed: Sandbox, tmp_path: Path) -> None:
    signed.git("config", "user.signingKey", str(tmp_path / "gone.pub"))
    before = signed.tip("main")
    ran = signed.integrate("agent-a", "--strategy", "rebase")
    assert ran.outcomes == {"agent-a": "set-aside: infra"}
    assert ran.branches["agent-a"]["why"].startswith("git could not sign commit ")
    assert signed.tip("main") == before


# --update-branches


@pytest.fixture
def moved(sandbox: SandboxMaker) -> Sandbox:
    """A branch checked out in a work tree of its own, and a main that has moved on."""
    box = sandbox(
        base({".gitignore": "out.txt\n"}),
        step("agent-a", {"x.txt": "x\n"}),
        step("agent-a", {"x.txt": "y\n", "z.txt": "z\n"}),
        step("main", {"m.txt": "m\n", "out.txt": "out\n"}),
    )
    box.git("worktree", "add", "-q", str(work_tree(box)), "agent-a")
    return box


def work_tree(box: Sandbox) -> Path:
    return box.path.parent / "agent"


def update(box: Sandbox, form: str = "rebase") -> Ran:
    words = ("integrate", "agent-a", "--update-branches", "--no-gate", "--strategy", form, "--format", "json")
    ran = box.gitbot(*words)
    assert ran.outcomes == {"agent-a": f"landed by {form}"}, ran.err
    return ran


def left(ran: Ran) -> list[str]:
    return [flag["text"] for flag in ran.branches["agent-a"]["flags"] if flag["kind"] == "not-updated"]


@pytest.mark.parametrize("form", ["rebase", "squash", "merge", "accept-both"])
def test_in_every_form_a_clean_branch_and_its_work_tree_go_along_and_can_be_brought_back(
    moved: Sandbox, form: str
) -> None:
    old = moved.tip("agent-a")
    ran = update(moved, form)
    assert left(ran) == []
    assert moved.tip("agent-a") == moved.tip("main") == ran.document["after"]
    assert moved.git("status", "--porcelain", cwd=work_tree(moved)) == ""
    assert (work_tree(moved) / "m.txt").read_text() == "m\n"
    kept = moved.git("ls-tree", "--name-only", ran.branches["agent-a"]["proof"]["backup"])
    assert old in kept
    assert moved.gitbot("integrate", "agent-a", "--no-gate", "--format", "json").outcomes == {
        "agent-a": "already-landed"
    }


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("x.txt", "its work tree has edits that are in no commit"),
        ("new.txt", "its work tree has edits that are in no commit"),
        ("out.txt", "would be overwritten"),
    ],
    ids=["edited", "untracked", "ignored"],
)
def test_a_work_tree_with_something_of_the_agents_is_left_alone_and_that_is_said(
    moved: Sandbox, name: str, why: str
) -> None:
    old = moved.tip("agent-a")
    (work_tree(moved) / name).write_text("mine\n")
    [text] = left(update(moved))
    assert text.startswith("agent-a was left where it is: ")
    assert why in text
    assert moved.tip("agent-a") == old
    assert (work_tree(moved) / name).read_text() == "mine\n"


def test_a_branch_that_only_a_remote_has_is_left_alone_and_that_is_said(sandbox: SandboxMaker) -> None:
    box = sandbox(base(), step("agent-a", {"x.txt": "x\n"}), step("main", {"m.txt": "m\n"}))
    box.git("update-ref", "refs/remotes/origin/agent-a", "agent-a")
    box.git("branch", "-q", "-D", "agent-a")
    words = ("integrate", "origin/agent-a", "--update-branches", "--no-gate", "--format", "json")
    [branch] = box.gitbot(*words).document["branches"]
    assert [flag["text"] for flag in branch["flags"]] == ["origin/agent-a was left where it is: only a remote has it"]


# Who decides


def test_a_rule_for_the_branch_goes_before_its_plan_and_that_before_the_general_setting(
    sandbox: SandboxMaker,
) -> None:
    settings = '[integrate]\nstrategy = "merge"\nbranches = { "agent-a" = { strategy = "squash" } }\n'
    plans = {f"plans/{name}.md": plan(name, f"{name}.txt") for name in "abc"}
    for name in "ab":
        plans[f"plans/{name}.md"] = plans[f"plans/{name}.md"].replace("---\n#", "strategy: rebase\n---\n#")
    box = sandbox(
        base({"gitbot.toml": settings, **plans}),
        *(step(f"agent-{name}", {f"{name}.txt": "x\n"}) for name in "abc"),
        step("main", {"m.txt": "m\n"}),
    )
    ran = box.integrate("agent-*", "--dry-run")
    assert [branch["strategy"] for _, branch in sorted(ran.branches.items())] == ["squash", "rebase", "merge"]
    ran = box.integrate("agent-*", "--dry-run", "--strategy", "squash")
    assert {branch["strategy"] for branch in ran.branches.values()} == {"squash"}
