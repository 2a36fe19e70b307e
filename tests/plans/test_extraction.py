"""What paths a plan writes, told by tables, XML, labels, headings and sentences of made-up plans."""

from __future__ import annotations

import pytest

from gitbot.model.plan import BLOCKING_CONFIDENCE, Access, Plan, PlanSet, Source
from gitbot.plans import Source as File
from gitbot.plans import read_plans

TREE = ["src/cart/basket.ts", "src/till/coin.ts", "src/till/index.ts", "src/cart/index.ts", "docs/a.md", "README.md"]


def read(text: str, path: str = "plans/work.md", files: list[str] | None = TREE) -> PlanSet:
    return read_plans([File(path, text.encode())], files)


def only(text: str, path: str = "plans/work.md", files: list[str] | None = TREE) -> Plan:
    (plan,) = read(text, path, files).plans
    return plan


def written(plan: Plan) -> list[str]:
    sure = (c for c in plan.claims if c.source is Source.DECLARED or c.confidence >= BLOCKING_CONFIDENCE)
    return [claim.pattern for claim in sure if claim.access is not Access.READ]


def test_the_header_of_a_table_says_what_its_paths_are_for() -> None:
    plan = only("## Changes\n\n| File | Action | Read |\n|---|---|---|\n| `src/a.ts` | New | `src/b.ts` |\n")
    assert [(c.access, c.pattern, c.write.value) for c in plan.claims] == [
        (Access.OWN, "src/a.ts", "create"),
        (Access.READ, "src/b.ts", "any"),
    ]


def test_a_table_below_a_heading_of_reference_claims_nothing_to_write() -> None:
    plan = only("- [ ] Create `src/a.ts`\n\n## Background\n\n| File | Purpose |\n|---|---|\n| `src/b.ts` | old |\n")
    assert written(plan) == ["src/a.ts"]


def test_work_in_xml_owns_its_list_of_files_and_nothing_else() -> None:
    text = (
        "<context>\n@src/old.ts and `src/older.ts`\n\n- [ ] Create src/no.ts\n</context>\n<tasks>\n"
        '<task type="auto">\n<name>Task 1: Till</name>\n<files>src/till.ts, src/till.css</files>\n'
        "<action>\n\nCreate `src/other.ts`\n\n</action>\n</task>\n</tasks>\n"
    )
    plan = only(text)
    assert written(plan) == ["src/till.ts", "src/till.css"]
    assert [(task.text, task.line, task.paths) for task in plan.tasks] == [
        ("Till", 9, ("src/till.ts", "src/till.css"))
    ]


@pytest.mark.parametrize(
    ("item", "paths"),
    [
        ("Create `src/a.ts`, `src/b.ts` and `src/c.ts`", ["src/a.ts", "src/b.ts", "src/c.ts"]),
        ("Create the `src/new/` module with `one.ts` and `two.ts`", ["src/new/one.ts", "src/new/two.ts"]),
        ("Till middleware (`src/till.ts`) — takes coins", ["src/till.ts"]),
        ("Run the generator to create types in `src/types.ts`", ["src/types.ts"]),
        ("Stage files after writing `src/a.ts`", []),
        ("Add a field to `src/a.ts` like the one in `src/b.ts`", ["src/a.ts"]),
        ("Call `.await` on it", []),
    ],
)
def test_a_sentence_writes(item: str, paths: list[str]) -> None:
    assert written(only(f"- [ ] {item}\n")) == paths


@pytest.mark.parametrize(
    ("label", "paths"),
    [
        (
            "**Files:** Create `src/a.ts`, `src/b.ts`. Modify `src/c.ts`. SOURCE: `src/d.ts`",
            ["src/a.ts", "src/b.ts", "src/c.ts"],
        ),
        ("- Modify: `src/a.ts` — as in `src/b.ts`", ["src/a.ts"]),
        ("涉及文件：\n- `src/a.ts`", ["src/a.ts"]),
        ("**Archivos:**\n- `src/a.ts`", ["src/a.ts"]),
        ("Files: PascalCase (e.g. `Basket.ts`)", []),
    ],
)
def test_a_label_governs(label: str, paths: list[str]) -> None:
    assert written(only(f"### Task 1: Till\n\n{label}\n\n- [ ] Do it\n")) == paths


def test_a_heading_below_one_that_owns_still_owns() -> None:
    assert written(only("# Plan\n\n## Files to modify\n\n### Front\n- `src/a.ts`\n\n## Notes\n- `src/b.ts`\n")) == [
        "src/a.ts"
    ]


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("coin.ts", "src/till/coin.ts"),  # the only file of that name
        ("till/index.ts", "src/till/index.ts"),  # the only file with that end
        ("docs/b.md", "docs/b.md"),
    ],
)
def test_part_of_a_path_finds_its_file(name: str, path: str) -> None:
    assert written(only(f"- [ ] Update `{name}`\n")) == [path]


def test_a_name_that_could_be_two_files_is_listed_and_claims_nothing() -> None:
    plan = only("- [ ] Update `index.ts`\n")
    assert (written(plan), plan.unresolved) == ([], ("index.ts",))


def test_a_name_means_the_path_that_the_plan_writes_out_elsewhere() -> None:
    assert written(only("See `src/till/index.ts`.\n\n- [ ] Update `index.ts`\n")) == ["src/till/index.ts"]


def test_a_plan_below_a_folder_of_its_own_means_that_folder() -> None:
    files = ["libs/shop/src/a.ts", "libs/other/x.ts"]
    assert written(only("- [ ] Create `src/b.ts`\n", "libs/shop/.planning/work.md", files)) == ["libs/shop/src/b.ts"]


def test_parts_count_as_owners_where_agents_work_side_by_side() -> None:
    text = "{}\n\n### P1: Cart\n- [ ] `src/a.ts`\n\n### P2: Till\n- [ ] `src/b.ts`\n"
    assert [plan.id for plan in read(text.format("Each in a worktree of its own.")).plans] == ["P1", "P2"]
    assert [plan.id for plan in read(text.format("By priority.")).plans] == ["work"]


def test_what_a_plan_speaks_of_is_told() -> None:
    assert only("## Goal\nSell.\n\n- [ ] src/a.ts\n\n## Definition of done\n\nOn failure: stop\n").topics == (
        "context",
        "acceptance",
        "failure",
    )
    assert only("- [ ] src/a.ts\n").topics == ()


def test_must_haves_are_owned_when_no_other_files_are_listed() -> None:
    front = "---\nplan: X\n{}must_haves:\n  artifacts:\n    - path: src/b.ts\n      provides: till\n---\n"
    assert written(only(front.format(""))) == ["src/b.ts"]
    assert written(only(front.format("files_modified: [src/a.ts]\n"))) == ["src/a.ts"]
