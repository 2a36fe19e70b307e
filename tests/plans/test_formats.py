"""The notations of planning tools are told by what a file says, and mean what their tools mean."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from gitbot.model.plan import Plan, PlanSet, TaskState
from gitbot.plans import Source, is_plan_file, read_plans

ROOT = Path(__file__).parents[2] / "fixtures" / "plans"
TOOLS = sorted(path.parent for path in ROOT.glob("*/expected.toml") if "format =" in path.read_text(encoding="utf-8"))


def read(files: dict[str, str], tree: tuple[str, ...] = ()) -> PlanSet:
    wanted = {path: text for path, text in files.items() if is_plan_file(path)}
    return read_plans([Source(path, text.encode()) for path, text in wanted.items()], (*files, *tree))


def texts_of(folder: Path) -> dict[str, str]:
    found = (path for path in folder.rglob("*") if path.is_file() and path.name != "expected.toml")
    return {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in found}


def by_id(found: PlanSet) -> dict[str, Plan]:
    return {plan.id: plan for plan in found.plans}


@pytest.mark.parametrize("folder", TOOLS, ids=lambda folder: folder.name)
def test_each_tools_files_are_known_for_what_they_are(folder: Path) -> None:
    expected: dict[str, Any] = tomllib.loads((folder / "expected.toml").read_text(encoding="utf-8"))
    plans = by_id(read(texts_of(folder)))
    for plan in expected["plan"]:
        assert plans[plan["id"]].format == plan.get("format", expected.get("format")), plan["id"]


@pytest.mark.parametrize("folder", TOOLS, ids=lambda folder: folder.name)
def test_a_name_alone_says_nothing(folder: Path) -> None:
    """Under the paths of a tool, a text of another kind is not the tool's."""
    paths = [path for path in texts_of(folder) if path.endswith(".md") and "PLAN-Z" not in path]
    found = read(dict.fromkeys(paths, "# Thoughts\n\nCreate nothing at all.\n"))
    assert found.plans == ()


def test_chapters_of_a_feature_order_nothing_and_parallel_marks_are_kept() -> None:
    plan = by_id(read(texts_of(ROOT / "spec-kit")))["001-alarm"]
    assert plan.needs == ()
    assert [task.id for task in plan.tasks if task.parallel] == ["T002", "T003"]


def test_a_wait_for_a_plan_that_has_a_file_and_was_not_given_is_no_mistake() -> None:
    package = "---\nwork_package_id: WP02\nlane: planned\ndependencies: [WP01, WP09]\nowned_files: [src/a.py]\n---\n"
    found = read({"kitty-specs/m/tasks/WP02-list.md": package}, ("kitty-specs/m/tasks/WP01-store.md",))
    assert [need.reference for need in found.plans[0].needs] == ["WP09"]


def test_finished_work_makes_way_for_open_work_of_its_kind() -> None:
    package = "---\nwork_package_id: {}\nlane: {}\ndependencies: {}\nowned_files: [src/a.py]\n---\n"
    files = {
        "kitty-specs/m/tasks/WP01-a.md": package.format("WP01", "done", "[]"),
        "kitty-specs/m/tasks/WP02-b.md": package.format("WP02", "planned", "[WP01]"),
    }
    (left,) = read(files).plans
    assert (left.id, left.needs) == ("WP02", ())
    del files["kitty-specs/m/tasks/WP02-b.md"]
    assert [plan.id for plan in read(files).plans] == ["WP01"]


def test_a_feature_whose_boxes_are_all_ticked_is_finished() -> None:
    head = "# Tasks: X\n\n**Input**: Design documents\n\n**Checkpoint**: x\n\n"
    files = {
        "specs/001-a/tasks.md": head + "- [x] T001 Create src/a.py\n",
        "specs/002-b/tasks.md": head + "- [ ] T001 Create src/a.py\n",
    }
    assert [plan.id for plan in read(files).plans] == ["002-b"]


def test_notes_among_the_plans_of_a_tool_are_no_plans_and_said_so() -> None:
    keys = "name: Index\nstatus: open\ngithub: x\ndepends_on: []\nparallel: true\nconflicts_with: []"
    task = f"---\n{keys}\n---\n- [ ] Create `a.rb`\n"
    files = {".claude/epics/search/001.md": task, ".claude/epics/search/001-analysis.md": "- [ ] Create `a.rb`\n"}
    found = read(files)
    assert [plan.id for plan in found.plans] == ["search-1"]
    assert [(problem.level, problem.line) for problem in found.problems] == [("note", 1)]


def test_templates_and_the_reports_of_tools_are_silent() -> None:
    template = "# Tasks: [FEATURE NAME]\n\n**Date**: [DATE]\n\n- [ ] T001 [P] [US1] Create src/[location]/[file].py\n"
    report = "---\nphase: 01\nsubsystem: log\naffects: [api]\nfiles_modified: 24\n---\n\n# Done\n"
    found = read({"specs/template.md": template, ".planning/phases/01-a/01-01.md": report})
    assert found == PlanSet()


def test_agents_with_sections_of_their_own_keep_them_in_any_notation() -> None:
    head = "# X\n\n**Goal:** g\n\n**Architecture:** a\n\n**Tech Stack:** t\n\n"
    text = head + "## Agent A\n\n- [ ] src/a.py\n\n## Agent B\n\n- [ ] src/b.py\n"
    assert [(plan.id, plan.format) for plan in read({"plans/x.md": text}).plans] == [("A", "roster"), ("B", "roster")]


def test_two_changes_that_only_add_to_a_specification_share_it() -> None:
    delta = "## ADDED Requirements\n\n### Requirement: X\n\n#### Scenario: Y\n"
    files = {}
    for change in ("add-a", "add-b"):
        files[f"openspec/changes/{change}/tasks.md"] = f"## 1. Do\n\n- [ ] 1.1 Create `src/{change}.ts`\n"
        files[f"openspec/changes/{change}/specs/session/spec.md"] = delta
    claims = [claim for plan in read(files).plans for claim in plan.claims if "specs" in claim.pattern]
    assert [(claim.access, claim.pattern) for claim in claims] == [("shared", "openspec/specs/session/spec.md")] * 2


def test_a_cursor_todo_is_a_task_with_its_state() -> None:
    plan = by_id(read(texts_of(ROOT / "mixed-tools")))["tidy_up_1a2b"]
    assert [(task.id, task.state) for task in plan.tasks] == [("one", TaskState.DONE), ("two", TaskState.DOING)]
    assert [task.paths for task in plan.tasks] == [("src/old.py",), ("src/new.py",)]


def test_what_tasks_produce_and_consume_are_events_and_files_where_it_is_named_so() -> None:
    head = "# X\n\n**Goal:** g\n\n**Architecture:** a\n\n**Tech Stack:** t\n\n### Task 1: A\n\n**Interfaces:**\n"
    lines = "- Consumes: `schema_ready`, `User` from Task 1, `load_rows()`\n- Produces: `api_ready`, `src/api.json`\n"
    (plan,) = read({"docs/plans/x.md": head + lines + "- Consumes: `api_ready`\n"}).plans
    assert plan.emits == (("api_ready", 13),)
    assert [(need.reference, need.kind, need.strict) for need in plan.needs] == [("schema_ready", "pipelined", False)]
    assert {claim.pattern for claim in plan.claims} == {"src/api.json"}


def test_reports_on_a_specification_are_no_plans_of_it() -> None:
    tasks = (
        "# Task Breakdown: X\n\n### Task Group 1: A\n\n- [ ] 1.0 Complete A\n  - [ ] 1.1 Write tests in `src/a.py`\n"
    )
    files = {
        "agent-os/specs/2026-01-01-x/tasks.md": tasks,
        "agent-os/specs/2026-01-01-x/verification/final-verification.md": tasks,
        "agent-os/product/tech-stack.md": "# Tech\n\n- [ ] Create `src/b.py`\n",
    }
    assert [(plan.id, plan.path) for plan in read(files).plans] == [("2026-01-01-x", next(iter(files)))]


def test_phases_of_a_plan_folder_wait_for_those_that_they_name() -> None:
    head = "# Phase {}: Part\n\n**Duration:** 2 hours\n**Priority:** High\n**Dependencies:** {}\n\n"
    texts = {1: "None", 2: "None", 3: "Phase 1 (routes), Phase 2 (pages)"}
    files = {
        f"plans/add-prompt/phase-0{n}-part.md": head.format(n, waits) + f"**File:** `src/{n}.ts`\n"
        for n, waits in texts.items()
    }
    plans = read(files).plans
    assert [(plan.id, plan.format, plan.phase) for plan in plans] == [
        (f"phase-{n}", "claudekit", None) for n in texts
    ]
    assert [[need.reference for need in plan.needs] for plan in plans] == [[], [], ["phase-1", "phase-2"]]


def test_what_lies_beside_plans_is_not_read() -> None:
    beside = ["01-02-SUMMARY.md", "01-DISCUSSION-LOG.md", "2026-01-02-mail-design.md", "README.md", "package.json"]
    beside += [".progress.md"]
    assert not any(is_plan_file(f"plans/{name}") for name in [*beside, "openspec/specs/a/spec.md"])
    wanted = ["01-02-PLAN.md", "2026-01-02-add-agents.md", "tasks.json", "changes/add-a/specs/b/spec.md"]
    assert all(is_plan_file(f"plans/{name}") for name in wanted)
