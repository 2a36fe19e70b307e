"""What a repository adds to a check, through the program as a user runs it."""

from __future__ import annotations

import os

from gitbot.config import Config
from gitbot.model.git import RefName
from gitbot.monitor.surroundings import surroundings
from gitbot.planset import plans_in
from tests.conftest import Sandbox, SandboxMaker, step

PLANS = {
    "plans/PLAN-A.md": "---\nplan: A\nowns: [lib/a.py]\n---\n# Plan A\n\n- [ ] build `lib/a.py`\n",
    "plans/PLAN-B.md": "---\nplan: B\nowns: [lib/b.py]\n---\n# Plan B\n\n- [ ] build `lib/b.py`\n",
}
CODE = {"lib/a.py": "", "lib/b.py": "import lib.a\n"}


def rules(box: Sandbox) -> dict[str, str]:
    """Messages by rule, of the rules that look at the repository."""
    ours = ("imports", "co-change", "hot-spot", "claims-widened")
    found = box.gitbot("check", "--format", "json").document["findings"]
    return {each["rule"]: each["message"] for each in found if each["rule"] in ours}


def test_imports_and_history_of_the_repository_are_looked_at_and_nothing_is_written(sandbox: SandboxMaker) -> None:
    again = [step("main", {"lib/a.py": f"x = {n}\n", "lib/b.py": f"import lib.a\nx = {n}\n"}) for n in range(5)]
    box = sandbox(step("main", {**PLANS, **CODE}), *again)
    with box.watched(dry=True):
        assert rules(box) == {
            "imports": "B builds on what A changes: lib/b.py:1 imports lib/a.py",
            "co-change": "files of A and B changed together: lib/a.py and lib/b.py in 5 of 5 commits",
        }


def test_a_plan_that_claims_more_on_its_branch_than_on_the_target_is_said(sandbox: SandboxMaker) -> None:
    box = sandbox(step("main", PLANS))
    wider = PLANS["plans/PLAN-A.md"].replace("lib/a.py]", "lib/a.py, lib/c.py]")
    (box.path / "plans/PLAN-A.md").write_text(wider)
    assert "claims-widened" not in rules(box)
    box.git("switch", "--quiet", "-c", "agent-A")
    assert "lib/c.py" in rules(box)["claims-widened"]
    box.git("commit", "--quiet", "-am", "plan: more")
    assert "lib/c.py" in rules(box)["claims-widened"]


def test_links_lead_to_what_they_mean_and_other_files_beside_the_plans_are_listed(sandbox: SandboxMaker) -> None:
    box = sandbox(step("main", {**PLANS, "AGENTS.md": "x\n", "plans/notes/x.txt": "x\n"}))
    for name, target in {
        "CLAUDE.md": "AGENTS.md",
        "two": "CLAUDE.md",
        "me": "me",
        "out": "../x",
        "docs": "plans",
    }.items():
        os.symlink(target, box.path / name)
    box.git("add", "-A")
    box.git("commit", "--quiet", "-m", "links")
    (box.path / "plans/CONTEXT.md").write_text("what all share\n")
    (box.path / "plans/SPEC.txt").write_text("new\n")
    found = plans_in(box.repository, box.path, (), Config())
    around = surroundings(box.repository, box.path, found, Config(), RefName("refs/heads/main"))
    assert around.links == {"CLAUDE.md": "AGENTS.md", "two": "CLAUDE.md", "docs": "plans"}
    assert "plans/SPEC.txt" in around.beside
    assert "plans/PLAN-A.md" not in around.beside
    assert around.read("AGENTS.md") == b"x\n"
    assert around.read("CLAUDE.md") is None
    assert around.read("nowhere") is None


def test_outside_git_there_is_nothing_to_add(sandbox: SandboxMaker) -> None:
    box = sandbox(step("main", PLANS))
    around = surroundings(None, box.path, plans_in(None, box.path, (), Config()), Config(), None)
    assert (around.files, around.read("plans/PLAN-A.md"), around.history.commits) == (None, None, 0)
