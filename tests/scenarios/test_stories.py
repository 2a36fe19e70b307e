"""Sixteen ways in which landing queues have failed their users, each told as what the user saw, and each not here.

Groups have two branches or more, since it is there that most of it happened. Some are told elsewhere as well: a proof
that fails in `test_nothing_lost`, every moment at which a run can be killed in `test_interrupted`, gates that hang,
are missing or run no test in `test_gates`, pushes of others in `test_remote_target`.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.conftest import Sandbox, SandboxMaker, step
from tests.landing.simulated import World, play
from tests.scenarios.beginnings import base
from tests.scenarios.test_concurrency import wait_for
from tests.scenarios.test_gates import alive

PLAIN = {"gitbot.toml": "[gate]\nconfirm = 0\n"}  # a red run counts at once, so that runs can be counted
ALL = ("agent-1", "agent-2", "agent-3")


@pytest.fixture
def box(sandbox: SandboxMaker) -> Sandbox:
    """Three branches that go together and are green."""
    return sandbox(base(PLAIN), *(step(name, {f"{name}.txt": f"{name}\n"}) for name in ALL))


@pytest.fixture
def one_red(sandbox: SandboxMaker) -> Sandbox:
    """The same, the second one red."""
    return sandbox(
        base(PLAIN), *(step(name, {f"{name}.txt": "BROKEN\n" if name == "agent-2" else "fine\n"}) for name in ALL)
    )


def telling(trees: Path, then: str = "sh gate.sh") -> str:
    """A gate that writes down the tree of each of its runs."""
    return f"git rev-parse HEAD^{{tree}} >>{trees}; {then}"


def failing_in_runs(count: Path, *numbers: int) -> str:
    """A gate that is red in some of its runs, whatever it tests."""
    return f"echo x >>{count}; case $(wc -l <{count}) in {'|'.join(map(str, numbers))}) exit 1;; esac; sh gate.sh"


def landed(outcomes: dict[str, str]) -> list[str]:
    return [name for name, said in sorted(outcomes.items()) if said.startswith("landed")]


def files(box: Sandbox) -> set[str]:
    return set(box.git("ls-tree", "--name-only", "main").split())


def test_1_the_queue_was_green_and_main_holds_a_tree_that_nobody_tested(box: Sandbox, tmp_path: Path) -> None:
    box.git("commit", "-q", "--allow-empty", "-m", "meanwhile")
    ran = box.integrate(*ALL, gate=telling(tmp_path / "trees"))
    assert landed(ran.outcomes) == [*ALL]
    assert (tmp_path / "trees").read_text().split() == [box.git("rev-parse", "main^{tree}")]
    assert files(box) >= {f"{name}.txt" for name in ALL}
    assert box.git("rev-list", "--count", "main", "--not", *ALL) == "4"  # nothing of before went: it was added to


def test_2_my_branch_is_gone_and_so_is_my_work(one_red: Sandbox) -> None:
    before = {name: one_red.tip(name) for name in ALL}
    one_red.integrate(*ALL)
    assert {name: one_red.tip(name) for name in ALL} == before


def test_3_the_tests_could_not_even_start_and_everything_was_merged(box: Sandbox) -> None:
    before = box.tip("main")
    ran = box.integrate(*ALL, gate="./missing")
    assert ran.code == 3
    assert set(ran.outcomes.values()) == {"waiting: target-red"}
    assert box.tip("main") == before


def test_4_it_says_merged_and_the_change_is_not_on_main(one_red: Sandbox) -> None:
    ran = one_red.integrate(*ALL)
    assert {f"{name}.txt" for name in landed(ran.outcomes)} == {name for name in files(one_red) if "agent" in name}
    assert ran.outcomes["agent-2"] == "set-aside: gate"


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_5_it_tests_the_same_red_batch_again_and_again(one_red: Sandbox, tmp_path: Path, jobs: str) -> None:
    ran = one_red.integrate(*ALL, "--jobs", jobs, gate=telling(tmp_path / "trees"))
    trees = (tmp_path / "trees").read_text().split()
    assert len(trees) == len(set(trees))
    assert landed(ran.outcomes) == ["agent-1", "agent-3"]


def test_6_a_green_batch_was_thrown_away_because_one_test_flaked(sandbox: SandboxMaker, tmp_path: Path) -> None:
    box = sandbox(base(), *(step(name, {f"{name}.txt": "fine\n"}) for name in ALL))
    ran = box.integrate(*ALL, gate=failing_in_runs(tmp_path / "count", 1))
    assert landed(ran.outcomes) == [*ALL]


def test_7_one_flake_threw_everybody_out(sandbox: SandboxMaker, tmp_path: Path) -> None:
    """Here even a branch alone is red once, and still nobody goes."""
    box = sandbox(base(), *(step(name, {f"{name}.txt": "fine\n"}) for name in ALL))
    ran = box.integrate(*ALL, gate=failing_in_runs(tmp_path / "count", 1, 2))
    assert landed(ran.outcomes) == [*ALL]


def test_8_a_run_that_was_cancelled_counted_as_my_failure_and_lived_on(sandbox: SandboxMaker, tmp_path: Path) -> None:
    """Two workers: the prefix of four is red while that of eight, by then useless, would run for minutes."""
    names = [f"agent-{number}" for number in range(1, 9)]
    box = sandbox(
        base(PLAIN), *(step(name, {f"{name}.txt": "BROKEN\n" if name == "agent-2" else "fine\n"}) for name in names)
    )
    pid = tmp_path / "pid"
    longer = f"[ -e {pid} ] || [ ! -e agent-8.txt ] || {{ echo $$ >{pid}.new; mv {pid}.new {pid}; exec sleep 300; }}"
    shorter = f"while [ ! -e {pid} ]; do sleep 0.02; done"
    ran = box.integrate(*names, "--jobs", "2", gate=f"{longer}; {shorter}; sh gate.sh")
    assert landed(ran.outcomes) == [name for name in names if name != "agent-2"]
    assert not alive(int(pid.read_text()))


def test_9_somebody_pushed_and_the_whole_queue_began_anew(box: Sandbox, tmp_path: Path) -> None:
    """To a branch of the very group that is being tested, and with a new branch beside."""
    refs = f"git --git-dir={box.path}/.git"
    pinned = box.tip("agent-2")
    gate = f"{refs} update-ref refs/heads/agent-2 agent-1; {refs} update-ref refs/heads/agent-new agent-1; sh gate.sh"
    ran = box.gitbot("integrate", *ALL, "--gate", telling(tmp_path / "trees", gate), "--format", "json")
    assert landed(ran.outcomes) == [*ALL]
    assert ran.branches["agent-2"]["tip"] == pinned
    assert len((tmp_path / "trees").read_text().split()) == 1


def test_10_a_conflict_that_was_resolved_is_back_after_a_restart(sandbox: SandboxMaker, tmp_path: Path) -> None:
    """And the group is the one it was: what was being tested is what is tested."""
    log = ["# Changes", "", "- first"]
    ends = {name: step(name, {"CHANGELOG.md": [*log, f"- {name}"]}) for name in ALL[:2]}
    box = sandbox(base({"CHANGELOG.md": log}), *ends.values())
    trees = tmp_path / "trees"
    gate = telling(trees, f"touch {tmp_path}/there; while [ ! -e {tmp_path}/go ]; do sleep 0.02; done; sh gate.sh")
    running = box.start("integrate", *ends, "--gate", gate, "--format", "json")
    wait_for(tmp_path / "there")
    os.kill(running.pid, signal.SIGKILL)
    running.communicate(timeout=60)
    (tmp_path / "go").touch()
    ran = box.integrate(*ends, gate=gate)
    assert landed(ran.outcomes) == [*ends]
    assert len(set(trees.read_text().split())) == 1
    assert box.show("main", "CHANGELOG.md").splitlines()[3:] in (
        ["- agent-1", "- agent-2"],
        ["- agent-2", "- agent-1"],
    )


def test_11_the_queue_was_forgotten_in_a_crash(one_red: Sandbox, tmp_path: Path) -> None:
    """Killed while the parts of a red group are searched: what is known stays known."""
    trees = tmp_path / "trees"
    wait = f"[ -e agent-3.txt ] || [ -e {tmp_path}/go ] || {{ touch {tmp_path}/there; sleep 300; }}; sh gate.sh"
    gate = telling(trees, wait)
    running = one_red.start("integrate", *ALL, "--gate", gate, "--format", "json")
    wait_for(tmp_path / "there")
    os.kill(running.pid, signal.SIGKILL)
    running.communicate(timeout=60)
    (tmp_path / "go").touch()
    ran = one_red.integrate(*ALL, gate=gate)
    assert landed(ran.outcomes) == ["agent-1", "agent-3"]
    whole, asked, *rest = trees.read_text().split()
    assert rest[0] == asked
    assert whole not in rest


def test_12_one_branch_at_the_head_held_up_everybody(sandbox: SandboxMaker) -> None:
    """It waits for a person's yes."""
    settings = '[gate]\nprotect = ["agent-1.txt"]\n'
    box = sandbox(base({"gitbot.toml": settings}), *(step(name, {f"{name}.txt": "fine\n"}) for name in ALL))
    ran = box.integrate(*ALL)
    assert landed(ran.outcomes) == ["agent-2", "agent-3"]
    assert ran.outcomes["agent-1"].startswith("waiting")


def test_13_it_tests_what_it_has_tested(box: Sandbox) -> None:
    first = box.integrate(*ALL)
    assert first.document["gate"]["runs"] == 1
    assert box.gitbot("undo", first.document["run"]).code == 0
    again = box.integrate(*ALL)
    assert landed(again.outcomes) == [*ALL]
    assert again.document["gate"]["runs"] == 0


def test_14_it_took_a_branch_that_conflicts_with_the_one_before_it_in_the_queue(
    sandbox: SandboxMaker, tmp_path: Path
) -> None:
    """With the target each of them merges. The partner is named, and nothing is spent on the pair."""
    box = sandbox(base(PLAIN), *(step(name, {"a.txt": ["one", name, "three"]}) for name in ALL[:2]))
    ran = box.integrate(*ALL[:2], gate=telling(tmp_path / "trees"))
    assert ran.outcomes == {"agent-1": "landed by rebase", "agent-2": "set-aside: conflict"}
    assert ran.branches["agent-2"]["partner"] == "agent-1"
    assert len((tmp_path / "trees").read_text().split()) == 1


def test_14_a_branch_was_kept_out_by_one_that_did_not_land_itself(sandbox: SandboxMaker) -> None:
    box = sandbox(
        base(PLAIN),
        step("agent-1", {"a.txt": ["one", "BROKEN", "three"]}),
        step("agent-2", {"a.txt": ["one", "mine", "three"]}),
        step("agent-3", {"agent-3.txt": "fine\n"}),
    )
    ran = box.integrate(*ALL)
    assert landed(ran.outcomes) == ["agent-2", "agent-3"]
    assert ran.outcomes["agent-1"] == "set-aside: gate"


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_15_each_was_green_and_together_they_broke_main(sandbox: SandboxMaker, jobs: str) -> None:
    box = sandbox(base(PLAIN), *(step(name, {f"{name}.txt": "fine\n"}) for name in ALL))
    gate = "[ ! -e agent-1.txt ] || [ ! -e agent-3.txt ]"
    ran = box.integrate(*ALL, "--jobs", jobs, gate=gate)
    kept = landed(ran.outcomes)
    assert "agent-2" in kept
    assert len(kept) == 2
    assert sorted(ran.outcomes.values())[-1] == "set-aside: gate"
    assert files(box).isdisjoint({"agent-1.txt"}) or files(box).isdisjoint({"agent-3.txt"})


def test_16_where_every_third_is_red_the_search_costs_more_than_one_by_one() -> None:
    """Where every second is it goes one by one; where every third is a queue of the simulated kind still gains."""
    half, third = (World(bad=frozenset(range(1, 24, every))) for every in (2, 3))
    assert play(half, [0.45] * 24).runs <= 24
    assert play(third, [0.33] * 24).runs <= 24
