from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from gitbot.config import Config
from gitbot.guard.landed import landed_plans, landings
from gitbot.journal.runs import Journal, mark_clone, ref_of
from gitbot.model.git import ZERO, BranchName, Oid, RefName
from gitbot.model.merge import Strategy
from gitbot.model.plan import Plan, PlanId, Task, TaskState
from gitbot.model.run import BranchReport, Landed, Landing, Outcome, Request, RunId, Started, Undone
from gitbot.repository.workbench import Workbench
from tests.guard.conftest import Desk, DeskMaker, plan

B = plan("B", ["src/b/**"])


RUN = RunId("20260101T000000Z-0000")


def has_landed(at: Desk, plan: Plan = B) -> bool:
    repository, target = at.box.repository, at.box.tip("main")
    with tempfile.TemporaryDirectory() as folder, Workbench(repository, Path(folder, "scratch"), target) as bench:
        return plan.id in landed_plans(bench, [plan], target, Config(), landings(repository, target))


def record_landing(at: Desk, after: Oid) -> None:
    report = BranchReport(
        branch=BranchName("agent-b"),
        plan=PlanId("B"),
        tip=after,
        outcome=Outcome.LANDED,
        strategy=Strategy.REBASE,
        why="it fits",
    )
    landing = Landing(ref=RefName("refs/heads/main"), steps=(Landed(before=ZERO, after=after, report=report),))
    journal = Journal(at.box.repository, RUN)
    journal.append(
        Started(
            run=RUN,
            clone=mark_clone(at.box.repository),
            time=0,
            request=Request(names=("agent-b",), target=landing.ref),
            before=ZERO,
            identity=("Ada", "ada@example.org"),
            entries=(),
            config={},
        )
    )
    journal.append(landing)


def test_a_plan_whose_branch_is_not_there_or_has_no_commit_yet_stands(desk: DeskMaker) -> None:
    at = desk(install=False)
    assert not has_landed(at)
    at.box.git("branch", "agent-b", "main")
    assert not has_landed(at)


@pytest.mark.parametrize("how", ["--ff", "--no-ff", "--squash"])
def test_a_plan_lapses_when_its_branch_is_on_the_target_and_stands_again_with_new_work(
    desk: DeskMaker, how: str
) -> None:
    at = desk(install=False)
    at.commit("agent-b", {"src/b/new.py": "n = 1\n"})
    assert not has_landed(at)
    at.box.git("checkout", "-q", "main")
    at.box.git("merge", "-q", "--no-edit", how, "agent-b")
    if how == "--squash":
        at.box.git("commit", "-q", "-m", "land b")
    assert has_landed(at)
    at.commit("agent-b", {"src/b/new.py": "n = 2\n"})
    assert not has_landed(at)


def test_a_branch_that_is_gone_has_landed_when_a_run_says_so_and_the_target_has_it(desk: DeskMaker) -> None:
    at = desk(install=False)
    at.commit("main", {"src/b/new.py": "n = 1\n"})
    record_landing(at, at.box.tip("main"))
    assert has_landed(at)
    at.box.git("reset", "-q", "--hard", "HEAD~1")
    assert not has_landed(at)


def test_a_run_that_was_taken_back_has_landed_nothing(desk: DeskMaker) -> None:
    at = desk(install=False)
    record_landing(at, at.box.tip("main"))
    Journal(at.box.repository, RUN).append(Undone(time=0, to=at.box.tip("main"), by_revert=True))
    assert not has_landed(at)


@pytest.mark.parametrize(("last", "landed"), [(TaskState.SKIPPED, True), (TaskState.OPEN, False)])
def test_a_plan_without_a_branch_whose_tasks_are_all_ticked_has_landed(
    desk: DeskMaker, last: TaskState, landed: bool
) -> None:
    """As long as its branch is there, that branch decides."""
    at = desk(install=False)
    ticked = replace(B, tasks=(Task("one", 1, TaskState.DONE), Task("two", 2, last)))
    assert has_landed(at, ticked) is landed
    at.commit("agent-b", {"src/b/new.py": "n = 1\n"})
    assert not has_landed(at, ticked)


def test_a_damaged_journal_is_no_evidence(desk: DeskMaker) -> None:
    at = desk(install=False)
    record_landing(at, at.box.tip("main"))
    at.box.git("update-ref", ref_of(RUN), at.box.git("rev-parse", "main:src"))
    assert not has_landed(at)
    at.box.git("update-ref", ref_of(RUN), at.box.git("rev-parse", "main:package.json"))
    assert not has_landed(at)


@pytest.mark.parametrize("how", ["--ff", "--no-ff", "--squash"])
def test_a_branch_stacked_on_another_that_landed_has_not_begun(desk: DeskMaker, how: str) -> None:
    at = desk(install=False)
    at.commit("agent-a", {"src/a/one.py": "a = 2\n"})
    at.box.git("branch", "agent-b", "agent-a")
    at.box.git("checkout", "-q", "main")
    at.box.git("merge", "-q", "--no-edit", how, "agent-a")
    at.box.git("commit", "-q", "--allow-empty", "-m", "land a")
    assert not has_landed(at)
    at.commit("agent-b", {"src/b/new.py": "n = 1\n"})
    at.box.git("checkout", "-q", "main")
    at.box.git("merge", "-q", "--no-edit", "agent-b")
    assert has_landed(at)


def test_a_branch_that_only_followed_the_target_has_not_begun(desk: DeskMaker) -> None:
    at = desk(install=False)
    at.box.git("branch", "agent-b", "main")
    at.commit("main", {"README.md": "x\n"})
    at.box.git("checkout", "-q", "agent-b")
    at.box.git("merge", "-q", "main")
    assert not has_landed(at)
    ticked = replace(B, tasks=(Task("one", 1, TaskState.DONE),))
    assert has_landed(at, ticked)


def test_another_branchs_recorded_landing_is_none_of_one_made_there(desk: DeskMaker) -> None:
    at = desk(install=False)
    at.commit("agent-b", {"src/b/new.py": "n = 1\n"})
    at.box.git("branch", "agent-c", "agent-b")
    at.box.git("checkout", "-q", "main")
    at.box.git("merge", "-q", "--ff-only", "agent-b")
    record_landing(at, at.box.tip("main"))
    assert has_landed(at)
    assert not has_landed(at, plan("C", ["src/c/**"]))


def test_a_local_branch_that_landed_is_not_all_where_the_remotes_is_ahead(desk: DeskMaker) -> None:
    at = desk(install=False)
    at.commit("agent-b", {"src/b/new.py": "n = 1\n"})
    at.box.git("checkout", "-q", "main")
    at.box.git("merge", "-q", "--no-edit", "agent-b")
    assert has_landed(at)
    at.commit("agent-b", {"src/b/new.py": "n = 2\n"})
    at.push("agent-b")
    at.box.git("branch", "-f", "agent-b", "agent-b~1", check=False)
    at.box.git("reset", "-q", "--hard", "HEAD~1")
    assert at.box.tip("agent-b") == at.box.git("rev-parse", "origin/agent-b~1")
    assert not has_landed(at)


def test_a_branch_that_only_a_remote_has_landed_when_what_it_brought_is_its_plans(desk: DeskMaker) -> None:
    at = desk(install=False)
    for branch, path in (("agent-a", "src/a/one.py"), ("agent-b", "src/b/new.py")):
        at.commit(branch, {path: "x = 1\n"})
        at.box.git("update-ref", f"refs/remotes/origin/{branch}", branch)
        at.box.git("checkout", "-q", "main")
        at.box.git("merge", "-q", "--no-ff", "--no-edit", branch)
        at.box.git("branch", "-q", "-D", branch)
    assert has_landed(at)
    at.box.git("update-ref", "refs/remotes/origin/agent-b", "origin/agent-a")
    assert not has_landed(at)
    at.box.git("update-ref", "refs/remotes/origin/agent-b", "main~2")
    assert not has_landed(at), "it is where the target was, and nobody knows whether it ever was elsewhere"


@pytest.mark.parametrize("last", ["plans/B.md", "src/b/new.py"])
def test_a_branch_made_where_the_target_is_has_not_begun_whosever_the_targets_last_commit_is(
    desk: DeskMaker, last: str
) -> None:
    """Nor does it say later whether the target took it from there, but for a record, a reflog or ticks."""
    at = desk(install=False)
    at.commit("main", {last: "x = 1\n"})
    at.push("main", "main:agent-b")
    at.box.git("update-ref", "refs/remotes/origin/agent-b", "main")
    assert not has_landed(at)
    at.box.git("branch", "-q", "--track", "agent-b", "origin/agent-b")
    at.commit("main", {"README.md": "x\n"})
    assert not has_landed(at)
    assert has_landed(at, replace(B, tasks=(Task("one", 1, TaskState.DONE),)))
    record_landing(at, at.box.tip("agent-b"))
    assert has_landed(at)
