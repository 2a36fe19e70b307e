"""A target that lives on a remote, a result that is pushed beside its target, and branches that wait for a yes."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Ran, Sandbox, SandboxMaker, step
from tests.scenarios.beginnings import GATE, base

INTO = ("--into", "origin/main")
CONFIG = '[gate]\ncommand = "sh gate.sh"\n'


@pytest.fixture
def origin(sandbox: SandboxMaker) -> Sandbox:
    """The bare repository that everybody pushes to."""
    steps = [step(f"agent-{name}", {f"{name}.txt": f"{name}\n"}) for name in "xy"]
    return sandbox(base(), *steps, bare=True)


@pytest.fixture
def box(origin: Sandbox) -> Sandbox:
    return clone(origin, "mine")


def clone(origin: Sandbox, name: str) -> Sandbox:
    """A clone with main checked out, and the agents' branches as local ones."""
    folder = origin.path.parent / name
    origin.git("clone", "-q", str(origin.path), str(folder))
    box = Sandbox(folder, origin.env)
    for branch in ("agent-x", "agent-y"):
        box.git("branch", "-q", branch, f"origin/{branch}")
    return box


def push(box: Sandbox, path: str, text: str) -> None:
    """Somebody commits to the remote's main."""
    box.git("pull", "-q", "--ff-only", "origin", "main")
    (box.path / path).write_text(text)
    box.git("add", path)
    box.git("commit", "-q", "-m", f"write {path}")
    box.git("push", "-q", "origin", "main")


def gate_during_which(box: Sandbox, *, times: int = 1) -> str:
    """A gate that is green, and during which somebody else pushes to the remote's main, each time another file."""
    script = box.path.parent / "push.sh"
    script.write_text(
        f"cd {box.path}; n=$(ls | grep -c theirs); [ $n -ge {times} ] && exit 0\n"
        "git pull -q --ff-only origin main; echo theirs >theirs-$n.txt; git add .; git commit -qm theirs-$n\n"
        "git push -q origin main\n"
    )
    return f"sh gate.sh && sh {script}"


def hook(origin: Sandbox, name: str, *lines: str) -> Path:
    path = origin.path / "hooks" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(["#!/bin/sh", *lines, ""]))
    path.chmod(0o755)
    return path


def test_branches_land_on_the_remote_and_nothing_local_moves(origin: Sandbox, box: Sandbox) -> None:
    before, local = origin.tip("main"), box.tip("main")
    ran = box.integrate("agent-x", "agent-y", *INTO)
    assert ran.code == 0, ran.err
    assert ran.outcomes == {"agent-x": "landed by rebase", "agent-y": "landed by rebase"}
    document = ran.document
    assert (document["target"], document["before"], document["after"]) == ("origin/main", before, origin.tip("main"))
    assert origin.git("ls-tree", "--name-only", "main").split() == ["a.txt", "gate.sh", "x.txt", "y.txt"]
    assert (box.tip("origin/main"), box.tip("main")) == (origin.tip("main"), local)
    assert box.gitbot("runs", "last", "--format", "json").document == document
    assert box.integrate("agent-x", "agent-y", *INTO).outcomes == dict.fromkeys(ran.outcomes, "already-landed")


def test_what_the_remote_has_now_is_in_force_and_its_branches_can_be_named_too(origin: Sandbox, box: Sandbox) -> None:
    push(clone(origin, "theirs"), "gitbot.toml", CONFIG)
    ran = box.integrate("origin/agent-*", *INTO, gate="")
    assert ran.outcomes == {"origin/agent-x": "landed by merge", "origin/agent-y": "landed by merge"}
    assert ran.document["gate"]["command"] == "sh gate.sh"
    assert "gitbot.toml" in origin.git("ls-tree", "--name-only", "main").split()


def test_the_configured_target_may_be_a_remotes_too(origin: Sandbox, box: Sandbox) -> None:
    push(box, "gitbot.toml", f'target = "origin/main"\n{CONFIG}')
    push(clone(origin, "theirs"), "b.txt", "b\n")
    with box.watched("origin/main"):
        ran = box.gitbot("integrate", "agent-x", "--format", "json")
    assert (ran.code, ran.document["target"]) == (0, "origin/main"), ran.err
    assert {"b.txt", "x.txt"} < set(origin.git("ls-tree", "--name-only", "main").split())


def test_whoever_pushes_meanwhile_is_built_upon(origin: Sandbox, box: Sandbox) -> None:
    ran = box.integrate("agent-x", *INTO, gate=gate_during_which(clone(origin, "theirs")))
    assert ran.outcomes == {"agent-x": "landed by rebase"}
    assert origin.git("log", "--format=%s", "main").splitlines() == ["agent-x: change", "theirs-0", "base"]
    assert ran.document["gate"]["runs"] == 2


def test_a_remote_that_keeps_moving_is_given_up_with_nothing_lost(origin: Sandbox, box: Sandbox) -> None:
    ran = box.integrate("agent-x", *INTO, gate=gate_during_which(clone(origin, "theirs"), times=9))
    assert ran.code == 4
    assert "origin/main moved" in ran.err
    assert set(origin.git("log", "-4", "--format=%s", "main").split()) == {f"theirs-{n}" for n in range(4)}


def test_two_clones_at_once_both_land(origin: Sandbox, box: Sandbox) -> None:
    other = clone(origin, "theirs")
    command = (*INTO, "--gate", "sh gate.sh", "--format", "json")
    first = box.start("integrate", "agent-x", *command)
    second = other.start("integrate", "agent-y", *command)
    ended = [Ran(one.wait(120), *one.communicate()) for one in (first, second)]
    assert [ran.code for ran in ended] == [0, 0], [ran.err for ran in ended]
    assert origin.git("ls-tree", "--name-only", "main").split() == ["a.txt", "gate.sh", "x.txt", "y.txt"]
    assert len(origin.git("log", "--format=%s", "main").splitlines()) == 3


def test_a_server_that_refuses_is_quoted_and_what_was_tested_is_not_tested_again(
    origin: Sandbox, box: Sandbox
) -> None:
    before = origin.tip("main")
    protection = hook(origin, "pre-receive", "echo 'main is protected' >&2; exit 1")
    ran = box.integrate("agent-x", *INTO)
    assert ran.code == 4
    assert "remote: main is protected" in ran.err
    assert ran.outcomes == {"agent-x": "waiting: interrupted"}
    assert (origin.tip("main"), box.tip("origin/main")) == (before, before)
    protection.unlink()
    again = box.integrate("agent-x", *INTO)
    assert (again.code, again.document["gate"]["runs"]) == (0, 0)
    assert origin.tip("main") == again.document["after"]


def test_offline_nothing_begins_but_a_dry_run_goes_by_what_was_fetched_last(origin: Sandbox, box: Sandbox) -> None:
    origin.path.rename(origin.path.with_name("away"))
    ran = box.integrate("agent-x", *INTO)
    assert ran.code == 4
    assert "origin/main cannot be read" in ran.err
    assert box.git("for-each-ref", "refs/gitbot") == ""
    assert box.integrate("agent-x", *INTO, "--dry-run").outcomes == {"agent-x": "waiting"}


def test_a_local_branch_of_that_name_wins_and_that_is_said(origin: Sandbox, box: Sandbox) -> None:
    box.git("branch", "origin/main", "main")
    before = origin.tip("main")
    ran = box.gitbot("integrate", "agent-x", *INTO, "--gate", "sh gate.sh")
    assert ran.code == 0, ran.err
    assert "the remote's is refs/remotes/origin/main" in ran.err
    assert (origin.tip("main"), box.git("log", "-1", "--format=%s", "heads/origin/main")) == (
        before,
        "agent-x: change",
    )


# The program itself, told to kill itself right before or right after its push.
MORTAL = """
import os, signal, sys
from gitbot.cli import main
from gitbot.repository.remotes import RemotePlace
push = RemotePlace._swap
def mortal(*arguments):
    if sys.argv[1] == "after":
        push(*arguments)
    os.kill(os.getpid(), signal.SIGKILL)
RemotePlace._swap = mortal
main(sys.argv[2:])
"""


@pytest.mark.parametrize("moment", ["before", "after"])
def test_killed_beside_its_push_the_same_command_finishes_the_same_run(
    origin: Sandbox, box: Sandbox, moment: str
) -> None:
    command = ("integrate", "agent-x", *INTO, "--gate", "sh gate.sh", "--format", "json")
    before = origin.tip("main")
    done = subprocess.run([sys.executable, "-c", MORTAL, moment, *command], cwd=box.path, env=box.env, check=False)
    assert done.returncode == -signal.SIGKILL
    assert (origin.tip("main") != before) == (moment == "after")
    ran = box.gitbot(*command)
    assert (ran.code, ran.outcomes) == (0, {"agent-x": "landed by rebase"}), ran.err
    assert (ran.document["gate"]["runs"], ran.document["after"]) == (1, origin.tip("main"))
    assert len(box.gitbot("runs", "--format", "json").document["runs"]) == 1
    assert len(origin.git("log", "--format=%s", "main").splitlines()) == 2


def test_killed_after_its_push_it_knows_its_work_below_that_of_others(origin: Sandbox, box: Sandbox) -> None:
    command = ("integrate", "agent-x", *INTO, "--gate", "sh gate.sh", "--format", "json")
    subprocess.run([sys.executable, "-c", MORTAL, "after", *command], cwd=box.path, env=box.env, check=False)
    push(clone(origin, "theirs"), "b.txt", "b\n")
    ran = box.gitbot(*command)
    assert (ran.code, ran.outcomes) == (0, {"agent-x": "landed by rebase"}), ran.err
    assert origin.git("log", "--format=%s", "main").splitlines() == ["write b.txt", "agent-x: change", "base"]


def test_a_run_is_taken_back_on_the_remote_and_not_over_the_work_of_others(origin: Sandbox, box: Sandbox) -> None:
    before = origin.tip("main")
    box.integrate("agent-x", *INTO)
    with box.watched("origin/main"):
        assert box.gitbot("undo", "last").code == 0
    assert origin.tip("main") == box.tip("origin/main") == before
    box.integrate("agent-x", *INTO)
    push(clone(origin, "theirs"), "b.txt", "b\n")
    with box.watched("origin/main"):
        ran = box.gitbot("undo", "last")
    assert (ran.code, "1 commit would be lost with it" in ran.err) == (4, True), ran.err
    with box.watched("origin/main"):
        assert box.gitbot("undo", "last", "--revert").code == 0
    assert origin.git("ls-tree", "--name-only", "main").split() == ["a.txt", "b.txt", "gate.sh"]


# --land


def land(box: Sandbox, *arguments: str) -> Ran:
    """`integrate --land`: whatever it does, no branch and no file here changes."""
    with box.watched("origin/main"):
        ran = box.gitbot("integrate", *arguments, "--gate", "sh gate.sh", "--format", "json")
    assert "Traceback" not in ran.err
    return ran


def test_a_tested_result_goes_beside_the_target_with_the_text_of_a_pull_request(
    origin: Sandbox, box: Sandbox
) -> None:
    before = origin.tip("main")
    ran = land(box, "agent-x", "agent-y", *INTO, "--land", "gitbot/landing")
    assert ran.code == 1, ran.err
    assert ran.outcomes == {"agent-x": "waiting", "agent-y": "waiting"}
    assert (origin.tip("main"), ran.document["after"]) == (before, before)
    landing = origin.git("ls-tree", "--name-only", "gitbot/landing").split()
    assert landing == ["a.txt", "gate.sh", "x.txt", "y.txt"]
    request = ran.document["pull_request"]
    assert request["title"] == "Land 2 branches: agent-x, agent-y"
    assert f"Gitbot-Tip: {box.tip('agent-y')}\n" in request["body"]
    told = box.gitbot("integrate", "agent-*", *INTO, "--gate", "sh gate.sh", "--land", "gitbot/landing").out
    assert "Land 2 branches: agent-x, agent-y\n" in told
    assert box.gitbot("undo", "last").code == 2


def test_what_waits_there_has_landed_when_the_host_has_squashed_it(origin: Sandbox, box: Sandbox) -> None:
    ran = land(box, "agent-x", "agent-y", *INTO, "--land", "gitbot/landing")
    request = ran.document["pull_request"]
    text = f"{request['title']}\n\n{request['body']}"
    squash = origin.git("commit-tree", "-p", "main", "-m", text, "gitbot/landing^{tree}")
    origin.git("update-ref", "refs/heads/main", squash)
    after = land(box, "agent-x", "agent-y", *INTO, "--land", "gitbot/landing")
    assert (after.code, after.outcomes) == (0, {"agent-x": "already-landed", "agent-y": "already-landed"})
    assert after.document["pull_request"] is None


def test_its_own_landing_branch_is_replaced_and_nobody_elses(origin: Sandbox, box: Sandbox) -> None:
    there = ("--land", "gitbot/landing")
    land(box, "agent-x", *INTO, *there)
    push(clone(origin, "theirs"), "b.txt", "b\n")
    land(box, "agent-x", *INTO, *there)
    assert origin.git("merge-base", "main", "gitbot/landing") == origin.tip("main")
    assert "x.txt" in origin.git("ls-tree", "--name-only", "gitbot/landing").split()
    theirs = origin.git("commit-tree", "-p", "gitbot/landing", "-m", "theirs", "main^{tree}")
    origin.git("update-ref", "refs/heads/gitbot/landing", theirs)
    ran = land(box, "agent-y", *INTO, *there)
    assert ran.code == 4
    assert "its commits would be lost" in ran.err
    assert origin.tip("gitbot/landing") == theirs


def test_beside_a_local_target_it_is_a_local_branch_unless_a_remote_is_named(origin: Sandbox, box: Sandbox) -> None:
    ran = box.gitbot("integrate", "agent-x", "--gate", "sh gate.sh", "--land", "landing", "--format", "json")
    assert ran.code == 1, ran.err
    assert box.git("log", "-1", "--format=%s", "landing") == "agent-x: change"
    ran = box.gitbot("integrate", "agent-x", "--gate", "sh gate.sh", "--land", "origin/landing", "--format", "json")
    assert ran.code == 1, ran.err
    assert origin.tip("landing") == box.tip("landing")
    assert (box.tip("main"), origin.tip("main")) == (box.tip("main"), box.tip("main"))


@pytest.mark.parametrize("moment", ["before", "after"])
def test_killed_beside_a_push_beside_the_target_the_run_is_finished(
    origin: Sandbox, box: Sandbox, moment: str
) -> None:
    command = ("integrate", "agent-*", *INTO, "--land", "landing", "--gate", "sh gate.sh", "--format", "json")
    subprocess.run([sys.executable, "-c", MORTAL, moment, *command], cwd=box.path, env=box.env, check=False)
    ran = box.gitbot(*command)
    assert (ran.code, ran.outcomes) == (1, {"agent-x": "waiting", "agent-y": "waiting"}), ran.err
    assert ran.document["gate"]["cached"] == 0
    assert len(box.gitbot("runs", "--format", "json").document["runs"]) == 1
    assert origin.git("ls-tree", "--name-only", "landing").split() == ["a.txt", "gate.sh", "x.txt", "y.txt"]


def test_a_push_beside_the_target_that_was_refused_is_done_again_without_a_test(
    origin: Sandbox, box: Sandbox
) -> None:
    protection = hook(origin, "pre-receive", "echo 'no new branches' >&2; exit 1")
    ran = land(box, "agent-x", *INTO, "--land", "landing")
    assert ran.code == 4
    assert "remote: no new branches" in ran.err
    protection.unlink()
    again = land(box, "agent-x", *INTO, "--land", "landing")
    assert (again.code, again.document["gate"]["runs"]) == (1, 0)
    assert origin.git("log", "-1", "--format=%s", "landing") == "agent-x: change"


def test_the_target_is_no_landing_branch(box: Sandbox) -> None:
    assert land(box, "agent-x", *INTO, "--land", "main").code == 2
    assert box.git("for-each-ref", "refs/gitbot") == ""


# Approval


def test_where_a_yes_is_required_a_branch_waits_for_it(sandbox: SandboxMaker) -> None:
    box = sandbox(
        base({"gitbot.toml": f'{CONFIG}[integrate]\nrequire = "approved"\n'}),
        step("agent-x", {"x.txt": "x\n"}),
        step("agent-y", {"y.txt": "y\n"}),
    )
    assert box.gitbot("approve", "agent-x").code == 0
    ran = box.integrate("agent-x", "agent-y", gate="")
    assert ran.code == 1
    assert ran.outcomes == {"agent-x": "landed by rebase", "agent-y": "waiting: blocked"}
    assert ran.branches["agent-y"]["next"] == "gitbot approve agent-y"
    assert "requires a person's approval" in ran.branches["agent-y"]["why"]
    assert ran.document["gate"]["runs"] == 1
    box.gitbot("approve", "agent-y")
    assert box.integrate("agent-y", gate="").outcomes == {"agent-y": "landed by rebase"}


def test_only_a_branch_that_changes_what_is_protected_waits_for_a_yes_and_who_needs_it_too(
    sandbox: SandboxMaker,
) -> None:
    plan = ["---", "plan: z", "owns: [z.txt]", "depends_on: [y]", "---", "# Z", "- [ ] z", ""]
    box = sandbox(
        base(
            {
                "gitbot.toml": f'{CONFIG}protect = ["gate.sh"]\n',
                "plans/y.md": "---\nplan: y\nowns: [gate.sh]\n---\n# Y\n- [ ] y\n",
                "plans/z.md": "\n".join(plan),
            }
        ),
        step("agent-x", {"x.txt": "x\n"}),
        step("agent-y", {"gate.sh": [*GATE["gate.sh"], "true"]}),
        step("agent-z", {"z.txt": "z\n"}),
    )
    ran = box.integrate("agent-*", gate="")
    assert ran.outcomes == {
        "agent-x": "landed by rebase",
        "agent-y": "waiting: blocked",
        "agent-z": "set-aside: blocked",
    }
    assert ran.branches["agent-z"]["partner"] == "agent-y"
    assert box.gitbot("approve", "agent-y").code == 0
    assert set(box.integrate("agent-*", gate="").outcomes.values()) == {"already-landed", "landed by rebase"}
