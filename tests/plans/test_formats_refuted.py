"""Whole folders of plans that tools and teams wrote and that were once misread."""

from __future__ import annotations

import pytest

from gitbot.model.plan import Access, NeedKind, Plan, PlanSet
from gitbot.plans import Source, is_plan_file, read_plans


def read(files: dict[str, str], tree: tuple[str, ...] = ()) -> PlanSet:
    known = {path: text for path, text in files.items() if is_plan_file(path)}
    return read_plans([Source(path, text.encode()) for path, text in known.items()], (*files, *tree))


def by_id(text: str, tree: tuple[str, ...] = ()) -> dict[str, Plan]:
    return {plan.id: plan for plan in read({"plans/w.md": text}, tree).plans}


def owned(plan: Plan) -> list[str]:
    return [claim.pattern for claim in plan.patterns(Access.OWN)]


def waits(plan: Plan) -> set[str]:
    return {need.reference for need in plan.needs}


GSD = "---\nphase: 01-shop\nplan: 01\nwave: 1\nfiles_modified: [shop/a.py]\nautonomous: true\n---\n"


@pytest.mark.parametrize("keys", ["files_modified: [shop/b.py]", "plan: late\nreads: [shop/b.py]"])
def test_what_claims_files_or_has_an_id_is_no_note_on_its_siblings(keys: str) -> None:
    there = ".planning/phases/01-shop"
    task = "<tasks><task>\n<name>T</name>\n<files>shop/a.py</files>\n</task></tasks>\n"
    found = read({f"{there}/01-01-PLAN.md": GSD + task, f"{there}/01-02-PLAN.md": f"---\n{keys}\n---\n- [ ] Think\n"})
    assert (len(found.plans), found.problems) == (2, ())


def test_other_files_among_a_tools_plans_are_notes() -> None:
    there = ".planning/phases/01-shop"
    found = read({f"{there}/01-01-PLAN.md": GSD, f"{there}/ideas.md": "## Files\n- shop/c.py\n"})
    assert [problem.level for problem in found.problems] == ["note"]


def phases(last: str) -> dict[str, str]:
    text = "---\n{0}\n---\n# Phase {1}\n## Related Code Files\nModify:\n- `shop/{1}.ts`\n"
    keys = ["title: One", "depends_on: [phase-1]", "depends_on: [phase-1]", last]
    return {f"plans/260101-x/phase-0{n}-x.md": text.format(key, n) for n, key in enumerate(keys, 1)}


def test_files_of_phases_that_declare_their_needs_have_no_barriers() -> None:
    """One that declares nothing waits for all with smaller numbers, as it does where none declares anything."""
    found: dict[str, Plan] = {plan.id: plan for plan in read(phases("title: Four")).plans}
    assert {plan.phase for plan in found.values()} == {None}
    assert [waits(plan) for plan in found.values()] == [
        set(), {"phase-1"}, {"phase-1"}, {"phase-1", "phase-2", "phase-3"}
    ]  # fmt: skip


def test_phases_whose_order_stands_in_the_plan_beside_them_have_no_barriers() -> None:
    order = "# Shop\n| 1 | [One](./phase-01-x.md) |\n## Phases\nParallel group A (after Phase 1): Phase 2, 3, 4\n"
    files = {"plans/260101-x/plan.md": f"---\nstatus: pending\n---\n{order}", **phases("title: Four")}
    found: dict[str, Plan] = {plan.id: plan for plan in read(files).plans}
    assert (found["phase-4"].phase, waits(found["phase-4"])) == (None, {"phase-1"})


def test_phases_that_declare_nothing_keep_their_order() -> None:
    text = "# Phase {0}\n## Related Code Files\nModify:\n- `shop/{0}.ts`\n"
    found = read({f"plans/260101-x/phase-0{n}-x.md": text.format(n) for n in (1, 2)})
    assert [str(plan.phase) for plan in found.plans] == ["1", "2"]


def test_a_matrix_of_phases_gives_its_rows_to_their_plans() -> None:
    matrix = "## File Ownership Matrix\n| Phase | Files |\n|---|---|\n| 1 | `shop/**` |\n| Phase 2 | `till/x.ts` |\n"
    plan = f"---\nstatus: pending\n---\n# Shop\n[One](./phase-01-x.md)\n## Phases\n{matrix}"
    found: dict[str, Plan] = {
        plan.id: plan for plan in read({"plans/260101-x/plan.md": plan, **phases("title: Four")}).plans
    }
    assert list(found) == ["phase-1", "phase-2", "phase-3", "phase-4"]
    assert [owned(found["phase-1"]), owned(found["phase-2"])] == [
        ["shop/1.ts", "shop/**"],
        ["shop/2.ts", "till/x.ts"],
    ]


@pytest.mark.parametrize("noun", ["窗口", "工作流", "车道", "小组", "ウィンドウ", "레인"])
def test_owners_are_named_in_other_languages(noun: str) -> None:
    found = by_id(f"# Plan\n## {noun} 2\n- `a/b.ts`\n## {noun} 3\n- `a/c.ts`\n")
    assert [owned(plan) for plan in found.values()] == [["a/b.ts"], ["a/c.ts"]]


@pytest.mark.parametrize("mark", ["- ", "* ", ""])
def test_arrows_from_agents_give_them_files(mark: str) -> None:
    found = by_id(f"# Agents\n{mark}agent-alpha → `shop/api/**`\n\n{mark}Agent beta-1 -> `shop/ui/**`\n")
    assert {id: owned(plan) for id, plan in found.items()} == {"alpha": ["shop/api/**"], "beta-1": ["shop/ui/**"]}


def test_arrows_from_agents_to_words_give_them_titles() -> None:
    found = by_id("- Agent alpha-1 → shop package\n- Agent alpha-2 → till package\n")
    assert {id: plan.title for id, plan in found.items()} == {"alpha-1": "shop package", "alpha-2": "till package"}


@pytest.mark.parametrize("form", ["{}", "- {}", "```\n{} = 5 hours total\n```"])
def test_a_chain_of_agents_is_a_plan_each_in_that_order(form: str) -> None:
    found = by_id(form.format("Shop Agent (2h) → Till Agent (30 min) → agent-proof (1h)"))
    assert {id: waits(plan) for id, plan in found.items()} == {"shop": set(), "till": {"shop"}, "proof": {"till"}}
    assert [plan.minutes for plan in found.values()] == [(120, 120), (30, 30), (60, 60)]


@pytest.mark.parametrize("text", ["Parser → Emitter → Agent", "User → Agent (2h) → Model", "a → b"])
def test_a_chain_of_other_things_is_no_plan(text: str) -> None:
    assert not by_id(text)


def test_a_domain_must_not_touch_what_its_constraints_say() -> None:
    """Its tasks are headings."""
    tasks = (
        "# Tasks: shop\n### Task 1: Sums\n- **Files**: `bin/sum.js`\n- **Contract refs**: x\n"
        "### Task 2: Till\n- **Files**: `bin/till.js`\n- **Dependencies**: NONE\n"
    )
    folder = ".gsd-t/domains/shop"
    constraints = "# Constraints: shop\n## Must Not\n- modify `bin/other.js`\n"
    found = read({f"{folder}/tasks.md": tasks, f"{folder}/constraints.md": constraints})
    (plan,) = found.plans
    assert [claim.pattern for claim in plan.never] == ["bin/other.js"]
    assert [(task.id, task.text, task.paths) for task in plan.tasks] == [
        ("1", "Sums", ("bin/sum.js",)), ("2", "Till", ("bin/till.js",))
    ]  # fmt: skip


def test_what_a_list_of_owners_leaves_untouched_is_never_any_of_theirs() -> None:
    found = by_id("- **TD** → `a/td.js`\n- **UI** → `a/ui.js`\n\nUntouched: a/x.js, data/{units,map}.js\n")
    never = [[claim.pattern for claim in plan.never] for plan in found.values()]
    assert never == [["a/x.js", "data/{units,map}.js"]] * 2


def test_a_features_own_papers_need_no_word() -> None:
    tasks = "# Tasks: X\n**Input**: Design documents\n## Phase 1: Setup\n- [ ] T001 [P] [US1] Create shop/a.py\n"
    plan = "# Implementation Plan: x\n## Project Structure\n```text\nshop/\n└── a.py\n```\n"
    found = read({f"specs/001-x/{name}": text for name, text in (("tasks.md", tasks), ("plan.md", plan))})
    assert ([plan.id for plan in found.plans], found.problems) == (["001-x"], ())


def test_a_short_task_of_a_backlog_is_known() -> None:
    keys = "id: back-1\ntitle: One\nstatus: To Do\ndependencies: []\nmodified_files: [shop/a.ts]"
    text = f"---\n{keys}\n---\n- [ ] #1 x\n"
    assert [plan.format for plan in read({"backlog/tasks/back-1.md": text}).plans] == ["backlog"]


def test_events_in_the_tasks_of_agents_are_read() -> None:
    found = by_id("## Agent A\n- [ ] Create a/b.ts, emits a_done and b_done\n## Agent B\n- [ ] Wait for `b_done`\n")
    assert found["A"].emits == (("a_done", 2), ("b_done", 2))
    assert waits(found["B"]) == {"b_done"}


def test_events_in_a_message_are_read_without_brackets() -> None:
    maker, user = "agent-a: Create `db/a.sql`, emits schema_ready", "agent-b: Write `ui/b.ts`, waits for schema_ready"
    found = by_id(f"1. {maker}\n2. {user}\n")
    assert found["a"].emits == (("schema_ready", 1),)
    assert [(need.reference, need.kind) for need in found["b"].needs] == [("schema_ready", NeedKind.PIPELINED)]


@pytest.mark.parametrize("name", [".eslintrc.json", ".golangci.yml", ".prettierrc.toml", ".eslintrc.cjs"])
def test_settings_in_dot_files_are_paths_of_the_root(name: str) -> None:
    assert owned(by_id(f"- [ ] Update {name}\n- [ ] Update shop/a.ts")["w"]) == [name, "shop/a.ts"]


def test_a_dot_file_elsewhere_and_an_ending_are_no_files_of_the_root() -> None:
    plan = by_id("- [ ] Update .eslintrc.json\n- [ ] Write .test.ts and .d.ts files", ("shop/.eslintrc.json",))["w"]
    assert owned(plan) == ["shop/.eslintrc.json"]


@pytest.mark.parametrize(
    ("says", "waits"),
    [
        ("Emits: a_done", "Waits for: a_done"),
        ("- Emits: a_done, b_done", "- Waits for: a_done"),
        ("**Emits:** `a_done`", "- [ ] gitbot wait a_done"),
        ("- [ ] gitbot emit a_done", "- [ ] wait for a_done from Agent A"),
    ],
)
def test_events_are_read_from_labels_and_from_our_own_commands(says: str, waits: str) -> None:
    found = by_id(f"# Agent A\n- [ ] a/b.ts: text\n\n{says}\n# Agent B\n- [ ] b/b.ts: text\n\n{waits}\n")
    assert found["A"].emits[0] == ("a_done", 4)
    assert [(need.reference, need.kind, need.line) for need in found["B"].needs] == [
        ("a_done", NeedKind.PIPELINED, 8)
    ]
