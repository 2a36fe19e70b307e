"""The kinds of place in which people write what a plan writes: each by a small example."""

from __future__ import annotations

import pytest

from gitbot.model.plan import BLOCKING_CONFIDENCE, Access, PlanSet
from gitbot.model.plan import Source as ClaimSource
from gitbot.plans import Source, read_plans
from gitbot.plans.words import label_kind

FILES = ("README.md", "rules.conf2", "src/till.ts", "shop/web/page.ts", "shop/api/page.ts", "old/parts/wire.ts")


def read(text: str, path: str = "plans/shop.md", files: tuple[str, ...] = FILES) -> PlanSet:
    return read_plans([Source(path, text.encode())], files)


def writes(found: PlanSet) -> list[str]:
    return sorted(
        claim.pattern
        for plan in found.plans
        for claim in plan.claims
        if claim.access is not Access.READ
        and (claim.source is ClaimSource.DECLARED or claim.confidence >= BLOCKING_CONFIDENCE)
    )


@pytest.mark.parametrize(
    ("label", "kind"),
    [
        ("Directories owned", "own"),
        ("Writes ONLY", "own"),
        ("Files this agent is allowed to edit", "modify"),
        ("Updated files", "modify"),
        ("File to create", "create"),
        ("Files to NOT touch", "never"),
        ("Files to read", "read"),
        ("Files to write and read", None),
        ("Key files", "own"),
        ("Source files", None),
        ("File format", None),
        ("T7: Write the code that regenerates all agent files", None),
    ],
)
def test_the_words_of_a_label_say_together_what_becomes_of_the_files(label: str, kind: str | None) -> None:
    """A noun for files and a word for what is done to them make the label; a sentence makes none."""
    assert label_kind(label) == kind


def test_a_table_of_labels_and_values_is_read_row_by_row() -> None:
    text = (
        "# Shop\n\n| Key | Value |\n|---|---|\n| **Files owned** | `src/cart.ts` |\n| Depends on | `src/till.ts` |\n"
    )
    assert writes(read(text)) == ["src/cart.ts"]


def test_rows_that_begin_with_a_letter_each_belong_to_agents() -> None:
    text = (
        "# Shop\n\n| # | Writes only | Reads |\n|---|---|---|\n| **A** | `a/x.ts` | all |\n| **B** | `b/y.ts` | |\n"
    )
    assert {plan.id: writes(PlanSet((plan,))) for plan in read(text).plans} == {"A": ["a/x.ts"], "B": ["b/y.ts"]}


def test_names_lie_in_the_folder_that_the_piece_of_work_gives() -> None:
    """Until the next heading of the level, and unless the root has such a folder."""
    text = (
        "# Shop\n\n## Task 1\n\n**Directory:** `shop/web/`\n\n- [ ] Create `page.ts`\n- [ ] Create `lib/new.ts`\n"
        "- [ ] Extend `src/till.ts`\n\n## Task 2\n\n- [ ] Create `lib/other.ts`\n"
    )
    assert writes(read(text)) == ["lib/other.ts", "shop/web/lib/new.ts", "shop/web/page.ts", "src/till.ts"]


def test_sub_folders_lie_in_the_folder_created_before() -> None:
    """A file of the same end elsewhere is not the one that is made."""
    text = (
        "# Shop\n\n- [ ] Create `new/box/`\n- [ ] Create subfolders: `parts/`, `data/`\n"
        "- [ ] Create `parts/wire.ts`\n"
    )
    assert writes(read(text)) == ["new/box/", "new/box/data/", "new/box/parts/", "new/box/parts/wire.ts"]


def test_a_label_among_others_in_one_line_counts() -> None:
    text = "# Shop\n\n## Task 1\n\n**Type:** `work` | **Files:** `src/cart.ts`\n"
    assert writes(read(text)) == ["src/cart.ts"]


def test_a_label_governs_a_paragraph_of_nothing_but_paths() -> None:
    text = "# Shop\n\nOutput:\n\n`data\\new\\sums.csv`\n\nThe file `src/till.ts` stays as it is.\n"
    assert writes(read(text)) == ["data/new/sums.csv"]


def test_groups_in_bold_leave_the_list_with_its_owner() -> None:
    """But a bold word before a path is another label."""
    text = (
        "# Shop\n\n**Files that only we edit:**\n- `src/a.ts`\n- **The front:**\n  - `src/b.ts`\n"
        "- **Model** like `src/c.ts`\n- see `src/d.ts`\n"
    )
    assert writes(read(text)) == ["src/a.ts", "src/b.ts"]


def test_a_fence_of_paths_with_comments_below_a_task_is_its_work() -> None:
    text = "# Shop\n\n## Track 1: Cart\n\n```\nsrc/cart.ts  # new\nsrc/sums.ts\n```\n\n## Track 2: Till\n\n- [ ] x\n"
    assert writes(read(text)) == ["src/cart.ts", "src/sums.ts"]


def test_a_tree_is_known_by_its_margins_too() -> None:
    """Several names may share a line."""
    text = "# Shop\n\n## Module layout\n\n```\nsrc/\n  core/\n    a.c, b.c\n  main.c   // the start\n```\n"
    assert writes(read(text)) == ["src/core/a.c", "src/core/b.c", "src/main.c"]


def test_verbs_of_a_route_mark_no_entry_of_a_tree_as_changed() -> None:
    text = "# Shop\n\n## Structure\n\n```\nserver/\n├── carts.py   # GET/POST/DELETE /carts\n└── tills.py\n```\n"
    assert writes(read(text)) == ["server/carts.py", "server/tills.py"]


def test_a_list_that_goes_on_counting_below_a_paragraph_is_a_list() -> None:
    text = "# Shop\n\n## Agent 1: Cart\n\nMore:\n7. `src/g.ts` - g\n8. `src/h.ts` - h\n\n## Agent 2: Till\n\nx\n"
    assert writes(read(text)) == ["src/g.ts", "src/h.ts"]


@pytest.mark.parametrize(
    "task",
    [
        "Skapa `src/new.ts`",
        "Uppdatera `src/new.ts`",
        "Zaktualizuj `src/new.ts`",
        "Tạo `src/new.ts`",
        "Open `src/new.ts`",
    ],
)
def test_a_task_in_another_language_is_work_on_its_paths(task: str) -> None:
    assert writes(read(f"# Shop\n\n- [ ] {task}\n")) == ["src/new.ts"]


def test_a_task_writes_its_path_unless_it_says_to_read() -> None:
    """Also in words that no list holds, behind an arrow, and in a second sentence."""
    text = (
        "# Shop\n\n- [ ] 画面の部品 `src/a.ts`\n- [ ] Sums → `src/b.ts`\n- [ ] Läs `src/c.ts` enligt plan.\n"
        "- [ ] Import it from `src/d.ts`. Create `src/e.ts`\n"
    )
    assert writes(read(text)) == ["src/a.ts", "src/b.ts", "src/e.ts"]


def test_a_heading_that_ends_in_a_path_is_about_that_file() -> None:
    assert writes(read("# Shop\n\n## Steps\n\n### 2. Cart — `src/cart.ts`\n\nAdd the sums.\n")) == ["src/cart.ts"]


def test_key_files_in_a_chapter_of_background_are_to_be_known() -> None:
    text = "# Shop\n\n## Context\n\n### Key files\n\n- `src/till.ts`\n\n## Tasks\n\n- [ ] Create `src/cart.ts`\n"
    assert writes(read(text)) == ["src/cart.ts"]


def test_two_endings_behind_one_name_are_two_files() -> None:
    text = "# Shop\n\n**Files:** src/page-*.html·css (all), `rules.conf2`\n"
    assert writes(read(text)) == ["rules.conf2", "src/page-*.css", "src/page-*.html"]


def test_words_with_a_slash_beside_a_label_are_no_folders() -> None:
    assert writes(read("# Shop\n\n## Files\n\n- `bank/mint` (the message)\n- `src/cart.ts`\n")) == ["src/cart.ts"]


def test_how_a_task_is_split_is_part_of_its_plan() -> None:
    """The analysis beside a task of an epic names the files of several streams, which together are the task's."""
    head = "---\nname: Cart\nstatus: open\ndepends_on: []\nparallel: true\nconflicts_with: []\n---\n\n# Task: Cart\n"
    split = "# Split\n\n### Stream 1: A\n**Files**:\n- `src/a.ts`\n\n### Stream 2: B\n**Files**:\n- `src/b.ts`\n"
    folder = ".claude/epics/shop"
    sources = [Source(f"{folder}/{name}.md", text.encode()) for name, text in (("2", head), ("2-analysis", split))]
    found = read_plans(sources, FILES)
    assert [plan.id for plan in found.plans] == ["shop-2"]
    assert writes(found) == ["src/a.ts", "src/b.ts"]
