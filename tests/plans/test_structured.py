"""Plans kept as JSON: their shapes, and what becomes of files that have none of them."""

from __future__ import annotations

import json

import pytest

from gitbot.model.plan import NeedKind, PlanSet, TaskState
from gitbot.plans import Source, read_plans


def read(path: str, data: object) -> PlanSet:
    return read_plans([Source(path, (data if isinstance(data, str) else json.dumps(data, indent=1)).encode())], [])


def test_each_open_task_at_the_top_is_a_plan_and_its_subtasks_are_its_tasks() -> None:
    parts = [{"id": 1, "title": "Write it", "status": "done"}, {"id": 2, "title": "Drop it", "status": "cancelled"}]
    tasks = [
        {"id": 1, "title": "Base", "status": "done"},
        {
            "id": 2,
            "title": "Store",
            "details": "Create `src/store.py`.",
            "dependencies": [1, "3.2"],
            "subtasks": parts,
        },
        {"id": 3, "title": "Log", "status": "pending", "priority": "high"},
    ]
    store, log = read("tasks.json", {"tasks": tasks}).plans
    assert (store.id, store.title, store.format, log.id, log.priority) == (
        "task-2",
        "Store",
        "task-master",
        "task-3",
        2,
    )
    assert [(need.reference, need.kind) for need in store.needs] == [("task-3", NeedKind.HARD)]
    assert [(task.id, task.state) for task in store.tasks] == [("2.1", TaskState.DONE), ("2.2", TaskState.SKIPPED)]
    assert [(claim.pattern, claim.source, claim.line) for claim in store.claims] == [
        ("src/store.py", "inferred", store.line)
    ]
    assert store.line == 10


def test_several_tags_give_their_names_to_the_ids() -> None:
    found = read("tasks.json", {tag: {"tasks": [{"id": 1, "title": tag}]} for tag in ("master", "Next Year")})
    assert [plan.id for plan in found.plans] == ["master-task-1", "next-year-task-1"]


def test_user_stories_are_the_tasks_of_one_plan() -> None:
    stories = [{"id": "US-1", "title": "A", "passes": True}, {"id": "US-2", "title": "B", "passes": False}]
    (plan,) = read("prd.json", {"branchName": "ralph/wishes", "userStories": stories}).plans
    assert (plan.id, plan.branch, plan.format) == ("wishes", "ralph/wishes", "ralph")
    assert [task.state for task in plan.tasks] == [TaskState.DONE, TaskState.OPEN]


def test_the_criteria_of_a_story_name_its_files_and_stories_that_all_pass_are_finished() -> None:
    story = {"id": "US-1", "title": "A", "passes": True, "acceptanceCriteria": ["Update `web/config.ts`", 7]}
    (plan,) = read("prd.json", {"project": "Wishes", "userStories": [story]}).plans
    assert [(claim.pattern, claim.source) for claim in plan.claims] == [("web/config.ts", "inferred")]
    assert plan.finished


def test_only_blocking_and_parenthood_order_issues() -> None:
    links = [{"depends_on_id": "a", "type": "blocks"}, {"depends_on_id": "c", "type": "related"}]
    child = [{"issue_id": "c", "depends_on_id": "b", "type": "parent-child"}]
    issues: list[dict[str, object]] = [
        {"id": "a"},
        {"id": "b", "dependencies": links},
        {"id": "c", "dependencies": child},
    ]
    lines = "\n".join(json.dumps({"title": "T", "status": "open", **issue}) for issue in issues)
    plans = read("issues.jsonl", lines).plans
    assert [[need.reference for need in plan.needs] for plan in plans] == [[], ["a", "c"], []]


def test_a_broken_line_hides_no_other() -> None:
    found = read("issues.jsonl", '{"id": "a", "title": "T", "status": "open"}\n{"id": \n')
    assert [plan.id for plan in found.plans] == ["a"]
    assert [(problem.level, problem.line, problem.column) for problem in found.problems] == [("error", 2, 8)]


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [('{"tasks": [\n {"id": 1,}\n]}', 2, 11), ("[" * 100_000, 1, 1), ('{"id": ' + "9" * 10_000 + "}", 1, 1)],
    ids=["comma", "deep", "number"],
)
def test_broken_json_is_an_error_with_its_place(text: str, line: int, column: int) -> None:
    (problem,) = read("tasks.json", text).problems
    assert (problem.rule, problem.level, problem.line, problem.column) == ("unreadable-plan", "error", line, column)


@pytest.mark.parametrize(
    "data",
    [
        {"version": "2.0.0", "tasks": [{"label": "build", "command": "make"}]},
        {"tasks": "none"},
        [1, None, "x"],
        7,
        {"tasks": [{"id": None, "title": {}, "subtasks": 3, "dependencies": {"a": 1}, "priority": []}], "x": []},
    ],
)
def test_json_of_any_other_shape_is_no_mistake(data: object) -> None:
    assert read("tasks.json", data).problems == ()


def test_long_prose_is_searched_up_to_a_bound_and_said_so() -> None:
    tasks = [{"id": n, "title": "t", "details": f"Create `a/{n}.py`. " * 500} for n in range(50)]
    found = read("tasks.json", {"tasks": tasks})
    assert len(found.plans) == 50
    assert [(problem.level, problem.rule) for problem in found.problems] == [("warning", "unreadable-plan")]
    assert found.problems[0].line > 1


def test_many_entries_are_bounded_and_said_so() -> None:
    found = read("tasks.json", json.dumps({"tasks": [{"id": n, "title": "x"} for n in range(2_500)]}))
    assert len(found.plans) == 2_000
    assert [problem.level for problem in found.problems] == ["warning"]
