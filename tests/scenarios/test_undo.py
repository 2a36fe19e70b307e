"""A run taken back, the list of runs, and status beside them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Sandbox, SandboxMaker, step
from tests.scenarios.beginnings import base


@pytest.fixture
def landed(sandbox: SandboxMaker) -> Sandbox:
    """Two branches have landed in one run."""
    box = sandbox(
        base(),
        step("agent-a", {"x.txt": "x\n"}),
        step("agent-b", {"y.txt": "y\n"}),
        step("main", {"z.txt": "z\n"}),
    )
    assert box.integrate("agent-a", "agent-b").code == 0
    return box


def test_undo_brings_the_target_and_its_checkout_back_and_all_of_it_can_land_again(landed: Sandbox) -> None:
    before = landed.git("rev-parse", "main~2")
    with landed.watched():
        ran = landed.gitbot("undo", "last", "--format", "json")
    assert ran.code == 0, ran.err
    assert ran.document["branches"] == ["agent-a", "agent-b"]
    assert (ran.document["after"], landed.tip("main")) == (before, before)
    assert not (landed.path / "x.txt").exists()
    again = landed.integrate("agent-a", "agent-b")
    assert again.outcomes == {"agent-a": "landed by rebase", "agent-b": "landed by rebase"}
    assert again.document["gate"]["runs"] == 0


def test_undo_is_refused_when_others_built_upon_it_and_revert_makes_a_commit(landed: Sandbox) -> None:
    (landed.path / "later.txt").write_text("later\n")
    landed.git("add", "later.txt")
    landed.git("commit", "-q", "-m", "later")
    at = landed.tip("main")
    with landed.watched():
        ran = landed.gitbot("undo", "last")
    assert ran.code == 4
    assert "1 commit would be lost with it" in ran.err
    assert "--revert" in ran.err
    assert landed.tip("main") == at
    with landed.watched():
        assert landed.gitbot("undo", "last", "--revert").code == 0
    assert landed.git("rev-parse", "main^") == at
    assert landed.git("ls-tree", "--name-only", "main").split() == ["a.txt", "gate.sh", "later.txt", "z.txt"]


def test_what_somebody_committed_during_the_first_tests_stays(sandbox: SandboxMaker) -> None:
    """An intent to land that was overtaken is no landing."""
    box = sandbox(base(), step("agent-a", {"x.txt": "x\n"}))
    assert box.integrate("agent-a", gate=gate_with_a_commit(box, when="x.txt")).code == 0
    with box.watched():
        assert box.gitbot("undo", "last").code == 0
    assert box.git("log", "--format=%s", "main").split() == ["theirs", "base"]


def test_what_somebody_committed_between_two_landings_stays(sandbox: SandboxMaker) -> None:
    box = sandbox(base(), step("agent-a", {"x.txt": "x\n"}), step("agent-b", {"y.txt": "y\n"}))
    gate = gate_with_a_commit(box, when="y.txt")
    assert box.integrate("agent-a", "agent-b", "--queue", "serial", gate=gate).code == 0
    at = box.tip("main")
    with box.watched():
        ran = box.gitbot("undo", "last")
    assert (ran.code, box.tip("main")) == (4, at)
    assert "1 commit would be lost with it" in ran.err
    with box.watched():
        assert box.gitbot("undo", "last", "--revert").code == 0
    assert box.git("rev-parse", "main^") == at
    assert box.git("ls-tree", "--name-only", "main").split() == ["a.txt", "gate.sh", "theirs.txt"]


def gate_with_a_commit(box: Sandbox, when: str) -> str:
    """A gate during which somebody commits to main, once, in the first checkout that has a certain file."""
    flag = box.path.parent / "committed"
    commit = "echo theirs >theirs.txt && git add theirs.txt && git commit -q -m theirs"
    return f"if [ -e {when} ] && [ ! -e {flag} ]; then touch {flag}; cd {box.path} && {commit}; fi"


def test_a_revert_that_conflicts_changes_nothing(landed: Sandbox) -> None:
    (landed.path / "x.txt").write_text("edited since\n")
    landed.git("commit", "-q", "-a", "-m", "later")
    with landed.watched():
        ran = landed.gitbot("undo", "last", "--revert")
    assert ran.code == 4
    assert "x.txt" in ran.err


def test_undo_stops_at_an_edit_in_its_way(landed: Sandbox) -> None:
    (landed.path / "x.txt").write_text("mine\n")
    at = landed.tip("main")
    with landed.watched():
        assert landed.gitbot("undo", "last").code == 4
    assert landed.tip("main") == at


def test_a_run_is_undone_once_and_only_when_it_landed_something(landed: Sandbox) -> None:
    assert landed.gitbot("undo", "last").code == 0
    assert landed.gitbot("undo", "last").code == 2
    assert landed.integrate("agent-a", gate="exit 1").code == 3
    assert landed.gitbot("undo", "last").code == 2
    assert landed.gitbot("undo", "1999").code == 2


def test_runs_lists_every_run_and_shows_one_as_it_was_reported(landed: Sandbox) -> None:
    first = landed.gitbot("runs", "last", "--format", "json").document
    landed.integrate("agent-a")
    listed = landed.gitbot("runs", "--format", "json").document
    assert listed["schema"] == "gitbot.runs/1"
    assert [run["counts"] for run in listed["runs"]] == [{"landed": 2}, {"already-landed": 1}]
    assert [run["state"] for run in listed["runs"]] == ["done", "done"]
    shown = landed.gitbot("runs", first["run"][:-1], "--format", "json").document
    assert shown == first
    assert landed.gitbot("undo", first["run"]).code == 0
    assert landed.gitbot("runs", first["run"], "--format", "json").document["state"] == "undone"


def test_status_shows_who_will_conflict_and_writes_nothing(sandbox: SandboxMaker) -> None:
    box = sandbox(
        base(),
        step("agent-a", {"a.txt": "mine\n"}),
        step("agent-b", {"a.txt": "other\n"}),
        step("agent-c", {"c": "c"}),
    )
    with box.watched(dry=True):
        ran = box.gitbot("status", "agent-*", "--format", "json")
    assert ran.code == 0, ran.err
    assert ran.document["schema"] == "gitbot.status/1"
    assert ran.document["conflicts"] == [{"branches": ["agent-a", "agent-b"], "paths": ["a.txt"]}]
    assert [(one["branch"], one["ahead"], one["behind"]) for one in ran.document["branches"]] == [
        ("agent-a", 1, 0),
        ("agent-b", 1, 0),
        ("agent-c", 1, 0),
    ]


def test_status_knows_what_has_landed_as_a_squash_and_forgets_its_conflicts(sandbox: SandboxMaker) -> None:
    box = sandbox(
        base(),
        step("agent-a", {"a.txt": "mine\n"}, "wip"),
        step("agent-b", {"a.txt": "other\n"}),
        step("agent-c", {"c": "c"}),
    )
    assert box.integrate("agent-a").outcomes == {"agent-a": "landed by squash"}
    document = box.gitbot("status", "agent-*", "--format", "json").document
    assert {one["branch"]: one["state"] for one in document["branches"]} == {
        "agent-a": "landed",
        "agent-b": "running",
        "agent-c": "running",
    }
    assert document["conflicts"] == [{"branches": ["agent-b", "main"], "paths": ["a.txt"]}]


@pytest.mark.parametrize("ahead", [False, True], ids=["as it is", "rebased"])
def test_a_branch_whose_landing_was_reverted_is_told(sandbox: SandboxMaker, ahead: bool) -> None:
    steps = [base(), step("agent-a", {"x.txt": "x\n"}), *([step("main", {"z.txt": "z\n"})] if ahead else [])]
    box = sandbox(*steps)
    assert box.integrate("agent-a").code == 0
    (box.path / "later.txt").write_text("later\n")
    box.git("add", "later.txt")
    box.git("commit", "-qm", "built upon it")
    assert box.gitbot("undo", "last", "--revert").code == 0
    undone = box.tip("main")
    ran = box.integrate("agent-a")
    assert ran.outcomes == {"agent-a": "already-landed"}
    told = "took back" if ahead else f"`git revert {undone[:7]}` brings it back"
    assert told in ran.branches["agent-a"]["why"]


def test_branches_that_were_moved_along_go_back_too_where_nothing_of_the_agents_is_in_the_way(
    sandbox: SandboxMaker, tmp_path: Path
) -> None:
    """Else the next landing of one would bring back what the others had landed before it."""
    names = ("agent-a", "agent-b", "agent-c", "agent-d")
    box = sandbox(base(), *(step(name, {f"{name}.txt": "x\n"}) for name in names), step("main", {"m.txt": "m\n"}))
    tips = {name: box.tip(name) for name in names}
    for name in names[1:]:
        box.git("worktree", "add", "-q", str(tmp_path / name), name)
    assert box.gitbot("integrate", *names, "--update-branches", "--no-gate").code == 0
    moved = {name: box.tip(name) for name in names}
    (tmp_path / "agent-c" / "agent-c.txt").write_text("edited\n")
    box.git("commit", "-q", "--allow-empty", "-m", "more", cwd=tmp_path / "agent-d")
    more = box.tip("agent-d")
    ran = box.gitbot("undo", "last")
    assert ran.code == 0, ran.err
    assert ran.out.splitlines()[1:] == [
        "taken back: agent-a, agent-b, agent-c, agent-d; the branches are as they were, but for",
        "  agent-c: its work tree has edits that are in no commit",
        "  agent-d: it has gone on from there",
    ]
    assert {name: box.tip(name) for name in names} == tips | {"agent-c": moved["agent-c"], "agent-d": more}
    assert box.git("status", "--porcelain", cwd=tmp_path / "agent-b") == ""
    assert not (tmp_path / "agent-b" / "agent-a.txt").exists()
    assert box.gitbot("integrate", "agent-b", "--no-gate").code == 0
    assert box.git("ls-tree", "--name-only", "main").split() == ["a.txt", "agent-b.txt", "gate.sh", "m.txt"]
