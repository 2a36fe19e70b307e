"""`--land` once more: what an earlier run has put beside the target is its own, and no other branch's work."""

from __future__ import annotations

from tests.conftest import SandboxMaker, step
from tests.scenarios.beginnings import base


def test_a_branch_that_waits_beside_the_target_takes_the_same_form_when_it_is_put_there_again(
    sandbox: SandboxMaker,
) -> None:
    box = sandbox(base(), *(step(f"agent-{name}", {f"{name}.txt": f"{name}\n"}) for name in "xy"))
    command = ("integrate", "agent-*", "--land", "landing", "--gate", "sh gate.sh", "--format", "json")
    first = box.gitbot(*command)
    box.git("commit", "-q", "--allow-empty", "-m", "meanwhile")
    again = box.gitbot(*command)
    for ran in (first, again):
        assert {name: branch["strategy"] for name, branch in ran.branches.items()} == {
            "agent-x": "rebase",
            "agent-y": "rebase",
        }
    assert box.git("log", "--format=%s", "landing").splitlines()[2:] == ["meanwhile", "base"]
    box.git("branch", "another", "agent-x")
    assert box.gitbot(*command).branches["agent-x"]["strategy"] == "merge"


def test_what_waits_beside_the_target_is_not_replaced_by_other_branches(sandbox: SandboxMaker) -> None:
    """Before a test is run it is said what would be lost; what is named again, landed or contained would not be."""
    box = sandbox(
        base(),
        step("agent-x", {"x.txt": "x\n"}),
        step("agent-y", {"y.txt": "y\n"}),
        step("agent-z", {"z.txt": "z\n"}, start="agent-x"),
    )
    there = ("--land", "landing", "--gate", "sh gate.sh", "--format", "json")
    assert box.gitbot("integrate", "agent-x", *there).code == 1
    at = box.tip("landing")
    ran = box.gitbot("integrate", "agent-y", *there)
    assert (ran.code, box.tip("landing"), ran.document["gate"]["runs"]) == (4, at, 0)
    assert "landing has agent-x, which would be lost there" in ran.err
    assert box.gitbot("integrate", "agent-z", *there).outcomes == {"agent-z": "waiting"}
    assert box.git("ls-tree", "--name-only", "landing").split() == ["a.txt", "gate.sh", "x.txt", "z.txt"]
    assert box.gitbot("integrate", "agent-x", "agent-y", "agent-z", *there).code == 1
    box.git("merge", "-q", "--squash", "landing")
    box.git("commit", "-q", "-m", box.gitbot("runs", "last", "--format", "json").document["pull_request"]["body"])
    box.git("branch", "agent-w", "main")
    tree = box.git("rev-parse", "agent-w^{tree}")
    box.git("update-ref", "refs/heads/agent-w", box.git("commit-tree", "-p", "agent-w", "-m", "w", tree))
    ran = box.gitbot("integrate", "agent-w", "agent-y", *there)
    assert "lost" not in ran.err, ran.err


def test_what_stood_there_and_is_only_part_of_a_branch_that_goes_back_stays(sandbox: SandboxMaker) -> None:
    box = sandbox(
        base(),
        step("agent-x", {"x.txt": "x\n"}),
        step("agent-y", {"y.txt": "y\n"}),
        step("agent-z", {"z.txt": "BROKEN\n"}, start="agent-x"),
    )
    there = ("--land", "landing", "--gate", "! grep -q BROKEN *.txt", "--format", "json")
    assert box.gitbot("integrate", "agent-x", *there).code == 1
    at = box.tip("landing")
    ran = box.gitbot("integrate", "agent-y", "agent-z", *there)
    assert (ran.code, box.tip("landing"), "landing has agent-x" in ran.err) == (4, at, True), ran.err
