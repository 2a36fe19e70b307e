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
