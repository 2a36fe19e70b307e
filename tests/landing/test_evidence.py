"""What counts when a branch is rejected, or the target found red: never what somebody else's tests have left."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.conftest import SandboxMaker, step
from tests.scenarios import toys
from tests.scenarios.beginnings import base

PLAIN = {"gitbot.toml": "[gate]\nconfirm = 0\ncommand = 'sh gate.sh'\n", ".gitignore": "*.db\n"}


@pytest.mark.parametrize(("left", "runs"), [("! test -e left.db && touch left.db", 1 + 2 + 2), ("true", 1 + 1 + 1)])
def test_what_others_left_rejects_nobody_and_where_nothing_was_left_one_red_run_is_enough(
    sandbox: SandboxMaker, tmp_path: Path, left: str, runs: int
) -> None:
    gate = f"echo run >>{tmp_path}/runs; {left} && test ! -e red.txt"
    names = {"agent-a": "a.txt", "agent-b": "b.txt", "agent-red": "red.txt"}
    box = sandbox(base(PLAIN), *(step(name, {path: "x\n"}) for name, path in names.items()))
    ran = box.integrate(*names, "--queue", "serial", gate=gate)
    assert list(ran.outcomes.values()) == ["landed by rebase", "landed by rebase", "set-aside: gate"]
    assert toys.counted(tmp_path / "runs") == runs


def test_the_tips_that_status_tests_are_not_red_for_what_others_left(sandbox: SandboxMaker) -> None:
    gate = {"gate.sh": "! test -e left.db && touch left.db\n"}
    box = sandbox(base(PLAIN | gate), *(step(name, {f"{name}.txt": "x\n"}) for name in ("agent-a", "agent-b")))
    branches = box.gitbot("status", "agent-*", "--gate", "--format", "json").document["branches"]
    assert {one["branch"]: one["gate"]["verdict"] for one in branches} == {"agent-a": "passed", "agent-b": "passed"}


def test_a_tree_that_all_gates_passed_is_not_asked_again_as_the_target_though_one_of_them_has_paths(
    sandbox: SandboxMaker, tmp_path: Path
) -> None:
    trees = tmp_path / "trees"
    told = f"git rev-parse HEAD^{{tree}} >>{trees}; test ! -e web/red"
    config = f"[gate]\nconfirm = 0\n[gates.web]\ncommand = '{told}'\npaths = ['web/**']\n"
    branches = [step(f"agent-{name}", {f"web/{name}": "x\n"}) for name in ("a", "b", "red")]
    box = sandbox(base({"gitbot.toml": config}), *branches)
    ran = box.integrate("agent-*", "--queue", "serial", gate="")
    assert [ran.outcomes[f"agent-{name}"] for name in ("a", "b", "red")] == [
        *["landed by rebase"] * 2,
        "set-aside: gate",
    ]
    assert set(Counter(trees.read_text().split()).values()) == {1}


@pytest.mark.parametrize(
    ("gate", "more", "told"),
    [
        ("echo no tests ran in 0.01s", (), "error: the gate ran no test on main"),
        ("sleep 60", ("--gate-timeout", "0.2"), "error: the gate timed out on main after 0.2"),
    ],
)
def test_a_target_without_an_answer_is_not_said_to_fail_its_tests(
    sandbox: SandboxMaker, gate: str, more: tuple[str, ...], told: str
) -> None:
    ran = sandbox(base(), step("agent-a", {"a.txt": "x\n"})).integrate("agent-a", *more, gate=gate)
    assert (ran.code, ran.outcomes) == (3, {"agent-a": "waiting: target-red"})
    assert ran.err.startswith(told)
