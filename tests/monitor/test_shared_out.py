"""The picture is the same from one process and from several, and whatever is asked beforehand is asked right."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from gitbot import workers
from gitbot.config import Config
from gitbot.model.git import RefName
from gitbot.model.plan import Plan, PlanId, PlanSet
from gitbot.monitor import edits
from gitbot.monitor.look import look
from gitbot.planset import owners, plans_of
from gitbot.repository import checkouts
from gitbot.repository.workbench import FEWEST, Workbench
from tests.conftest import Sandbox, SandboxMaker, step
from tests.scenarios.beginnings import base, plan

TEXT = "".join(f"{number}\n" for number in range(60))


@pytest.fixture
def box(sandbox: SandboxMaker) -> Sandbox:
    """Branches enough for three processes, each with a plan; some collide, and three have work trees with edits."""
    names = range(3 * FEWEST)
    changed = [TEXT.replace(f"\n{number // 2 * 2 + 1}\n", f"\nagent {number}\n", 1) for number in names]
    made = sandbox(
        base(
            {"list.txt": TEXT, **{f"plans/PLAN-{number}.md": plan(str(number), f"{number}/**") for number in names}}
        ),
        *(
            step(f"agent-{number}", {"list.txt": changed[number], f"{number}/x": "x\n"}, start="main")
            for number in names
        ),
    )
    for number in (0, 5, 7):
        made.git("worktree", "add", "--quiet", f"../{number}", f"agent-{number}")
        (made.path.parent / str(number) / "list.txt").write_text(TEXT.replace("\n31\n", f"\nedit {number}\n"))
    return made


def seen(box: Sandbox) -> dict[str, Any]:
    shutil.rmtree(box.path / ".git/gitbot", ignore_errors=True)
    return look(box.repository, (), None, {}, verbose=True)


def test_several_processes_see_what_one_sees(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures = []
    for processors in (1, 3):
        monkeypatch.setattr(workers, "_processors", lambda many=processors: many)
        pictures.append(seen(box))
    assert pictures[0] == pictures[1]
    assert len(pictures[0]["branches"]) == 3 * FEWEST
    met = {tuple(one["branches"]) for one in pictures[0]["conflicts"]}
    pairs = {(number, number + 1) for number in range(0, 3 * FEWEST, 2)} - {(0, 1), (4, 5), (6, 7)}
    pairs |= {(0, 5), (0, 7), (5, 7)}  # by their edits, of which their commits are no longer part
    assert met == {(f"agent-{one}", f"agent-{other}") for one, other in pairs}


def test_a_fork_merges_with_a_git_of_its_own(box: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """That of the parent answers one question at a time, and goes on answering the parent."""
    monkeypatch.setattr(workers, "_processors", lambda: 3)
    pairs = [(box.tip(f"agent-{number}"), box.tip(f"agent-{number ^ 1}")) for number in range(3 * FEWEST)]
    with Workbench(box.repository, tmp_path / "scratch", box.tip("main")) as bench:
        before = bench.merge(*pairs[0])
        found = bench.answers(lambda pair: (os.getpid(), bench.merge(*pair)), pairs)
        assert len({process for process, _ in found}) == 3
        assert found[0] == (os.getpid(), before)
        assert [merged for _, merged in found] == [bench.merge(*pair) for pair in pairs]


def edits_of(box: Sandbox, target: str) -> dict[str, tuple[str, ...]]:
    trees = checkouts.work_trees(box.repository)
    with edits.reading_edits(box.repository, trees) as found:
        return {ref: paths for ref, (_, paths) in found(RefName(target)).items()}


@pytest.mark.parametrize("at_once", [1, 16])
def test_new_files_count_everywhere_but_on_the_target(
    box: Sandbox, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    """Whichever branch that is: git is asked before it is known."""
    monkeypatch.setattr(edits, "AT_ONCE", at_once)
    for tree in (box.path, box.path.parent / "5"):
        (tree / "new").mkdir()
        (tree / "new/file").touch()
    (box.path / "list.txt").write_text("other\n")
    both, known = ("list.txt", "new/file"), ("list.txt",)
    of = {f"refs/heads/agent-{number}": both if number == 5 else known for number in (0, 5, 7)}
    assert edits_of(box, "refs/heads/main") == {"refs/heads/main": known, **of}
    on_five = {"refs/heads/main": both, **of, "refs/heads/agent-5": known}
    assert edits_of(box, "refs/heads/agent-5") == on_five


def test_a_work_tree_that_git_cannot_read_counts_as_clean(box: Sandbox) -> None:
    trees = checkouts.work_trees(box.repository)
    (box.path.parent / "5/.git").write_text("gitdir: nowhere\n")
    with edits.reading_edits(box.repository, trees) as found:
        ways = {ref: paths for ref, (_, paths) in found(RefName("refs/heads/main")).items()}
    assert [ref for ref, paths in ways.items() if not paths] == ["refs/heads/main", "refs/heads/agent-5"]


def test_a_look_that_ends_early_leaves_no_git_behind(box: Sandbox) -> None:
    trees = checkouts.work_trees(box.repository)
    with pytest.raises(KeyError), edits.reading_edits(box.repository, trees):
        raise KeyError
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_an_edited_plan_that_is_nowhere_committed_is_noticed(sandbox: SandboxMaker) -> None:
    box = sandbox(base(), step("agent-A", {"A/x.txt": "x\n"}, start="main"))
    (box.path / "plans").mkdir()
    for done, total in ((0, 1), (0, 2)):
        (box.path / "plans/PLAN-A.md").write_text(plan("A", "A/**") + "- [ ] and more\n" * (total - 1))
        (one,) = look(box.repository, (), None, {})["branches"]
        assert one["tasks"] == {"done": done, "total": total}


def test_the_plans_of_many_branches_are_those_of_each() -> None:
    """By declared names and by usual ones, in any case, with or without a remote's name before it."""
    declared = {"A": None, "B": "Feature/B", "C": "feature/b", "D": None}
    plans = PlanSet(
        tuple(Plan(id=PlanId(id), path=f"{id}.md", format="x", branch=name) for id, name in declared.items())
    )
    of = owners(plans, Config())
    asked = ("agent-a", "origin/Agent-A", "feature/B", "origin/feature/b", "agent-b", "", "D")
    assert [of(name) for name in asked] == [plans_of(name, plans, Config()) for name in asked]
    assert [[plan.id for plan in of(name)] for name in asked[:5]] == [["A"], ["A"], ["B", "C"], ["B", "C"], []]
