"""What plans of no known tool write: sentences, headings, drawings and tables, in several languages."""

from __future__ import annotations

import pytest

from gitbot.model.plan import BLOCKING_CONFIDENCE, Access, PlanSet, Source
from gitbot.plans import Source as File
from gitbot.plans import fold, read_plans

SENTENCES = {
    "numbered steps below the title": (
        "# Caching\n\n1. Create `a.d/one.ts` with a cache.\n2. In `a.d/two.ts`, call it.\n3. Run `a.d/no.sh`.\n",
        ["a.d/one.ts", "a.d/two.ts"],
    ),
    "prose that says what changes": (
        "# Work\n\nAdd a new module `a.d/one.ts` that does it. The loop in `a.d/two.ts` must be replaced. "
        "Tests go in `a.d/three.ts`. Look at `a.d/no.ts`; `a.d/no.ts` must not change.\n",
        ["a.d/one.ts", "a.d/two.ts", "a.d/three.ts"],
    ),
    "headings that are paths": (
        "## Parts\n\n### 1. `a.d/one.ts` (new)\n\n### 2. a.d/two.ts\n\n**`a.d/three.ts`**\n",
        ["a.d/one.ts", "a.d/two.ts", "a.d/three.ts"],
    ),
    "a label that goes on behind a comma": ("**Files:** `a.d/one.ts`,\n`a.d/two.ts`\n", ["a.d/one.ts", "a.d/two.ts"]),
    "twins": ("# T\n\n- Update `a.d/one.h/cpp`\n", ["a.d/one.h", "a.d/one.cpp"]),
    "a bold name before the path": ("## Steps\n\n- **Loader** `a.d/one.ts` — reads\n", ["a.d/one.ts"]),
    "a table with an action": (
        "## Impact\n\n| Component | Change |\n|---|---|\n| `a.d/one.ts` | add it |\n| `a.d/two.ts` | edit |\n",
        ["a.d/one.ts", "a.d/two.ts"],
    ),
    "what is under test is only read": (
        "## Steps\n\n- Write tests for `a.d/no.ts` in `a.d/one.ts`\n",
        ["a.d/one.ts"],
    ),
    "French": (
        "## Étape 1\n\n- Créer `a.d/one.ts`\n\n**Fichiers à modifier :**\n- `a.d/two.ts`\n",
        ["a.d/one.ts", "a.d/two.ts"],
    ),
    "Japanese": (
        "## 変更内容\n\n- `a.d/one.ts` を修正\n- `a.d/no.ts` を参照\n\n"
        "### 変更ファイル一覧\n- `a.d/two.ts`（新規）\n",
        ["a.d/one.ts", "a.d/two.ts"],
    ),
    "Chinese": (
        "## 第一阶段\n\n1. 在 `a.d/one.ts` 中添加接口\n2. 新建`a.d/two.ts`\n3. 参考 `a.d/no.ts`\n",
        ["a.d/one.ts", "a.d/two.ts"],
    ),
    "Russian": (
        "### Этап 1\n\n- [ ] Добавить поле в `a.d/one.ts`\n- Изменяем `a.d/two.ts`\n",
        ["a.d/one.ts", "a.d/two.ts"],
    ),
    "Portuguese": (
        "## Fase 1\n\n- Atualizar `a.d/one.ts`\n\n## Arquivos a criar\n- `a.d/two.ts`\n",
        ["a.d/one.ts", "a.d/two.ts"],
    ),
    "Arabic": ("## المرحلة 1\n\n- إنشاء `a.d/one.ts`\n\n## الملفات\n- `a.d/two.ts`\n", ["a.d/one.ts", "a.d/two.ts"]),
}
TREE = "```\nshop/\n├── src/\n│   ├── a.ts\n│   └── (till)/\n│       └── +page.ts\n└── package.json{}\n```\n"


def read(text: str, files: list[str] | None = None) -> PlanSet:
    return read_plans([File("plans/work.md", text.encode())], files)


def written(found: PlanSet) -> list[str]:
    claims = (c for plan in found.plans for c in plan.claims if c.access is not Access.READ)
    return [c.pattern for c in claims if c.source is Source.DECLARED or c.confidence >= BLOCKING_CONFIDENCE]


@pytest.mark.parametrize("notation", SENTENCES)
def test_a_plain_plan_writes(notation: str) -> None:
    text, paths = SENTENCES[notation]
    assert sorted(written(read(text))) == sorted(paths)


def test_a_drawn_tree_is_what_a_plan_makes_that_names_no_other_files() -> None:
    """The project's name on top is no folder, and the folders only hold what is made."""
    assert written(read(f"# Plan\n\n## Layout\n\n{TREE.format('')}")) == [
        "src/a.ts",
        "src/(till)/+page.ts",
        "package.json",
    ]
    other = "- Create `b/1.ts`\n- Create `b/2.ts`\n- Create `b/3.ts`\n"
    assert written(read(f"# Plan\n\n{other}\n{TREE.format('')}")) == ["b/1.ts", "b/2.ts", "b/3.ts"]


def test_where_a_tree_marks_what_is_new_the_rest_only_shows_where_it_lies() -> None:
    assert written(read(f"# Plan\n\n## Layout\n\n{TREE.format('  # NEW')}")) == ["package.json"]


@pytest.mark.parametrize("above", ["## Current layout", "## Read-only"])
def test_a_tree_of_what_is_there_claims_nothing(above: str) -> None:
    assert not written(read(f"# Plan\n\n{above}\n\n{TREE.format('')}"))


def test_a_path_written_from_elsewhere_is_found_in_the_repository() -> None:
    """Absolute, relative to the plan, or below the only folder of that name, beside the one before it."""
    files = ["web/parts/a.ts", "web/forms/b.ts", "docs/x.md"]
    text = "**Files:** `/home/me/shop/web/parts/a.ts`, [b](../web/forms/b.ts), `parts/new.ts`, `forms/{c,d}.ts`\n"
    assert written(read(text, files)) == [
        "web/parts/a.ts",
        "web/forms/b.ts",
        "web/parts/new.ts",
        "web/forms/{c,d}.ts",
    ]


def test_a_line_of_arrows_orders_the_agents_that_there_are() -> None:
    text = "".join(f"## Agent {id}\n- [ ] Create `{id}/a.ts`\n\n" for id in "ABC")
    found = {
        fold(plan.id): plan for plan in read(f"{text}## Order\n\nMerge order: Agent A → Agent C → Agent B\n").plans
    }
    assert {id: [fold(need.reference) for need in plan.needs] for id, plan in found.items()} == {
        "a": [],
        "b": ["c"],
        "c": ["a"],
    }


def test_a_prompt_to_be_pasted_belongs_to_the_agent_above_it() -> None:
    """A fence around Markdown that holds fences itself: what it says is said of the agent."""
    prompt = "## Agent {0}\n\n```\n## Task\n\n### YOUR FILES:\n- `{0}/a.ts`\n\n```bash\n# run\n```\n```\n\n"
    found = read(prompt.format("A") + prompt.format("B")).plans
    assert [(fold(plan.id), [c.pattern for c in plan.claims]) for plan in found] == [
        ("a", ["A/a.ts"]),
        ("b", ["B/a.ts"]),
    ]


def test_sections_may_name_their_agents_by_what_they_do() -> None:
    found = read("## Frontend Agent\n- `web/a.ts`\n\n## Backend Agent (second)\n- `api/a.ts`\n").plans
    assert [plan.id for plan in found] == ["frontend", "backend"]


def test_a_plan_of_too_many_words_is_refused_with_the_line() -> None:
    (problem,) = read("- [ ] x\n" + "- [ ] word word word word word word word word\n" * 2_600).problems
    assert (problem.level, problem.rule) == ("error", "unreadable-plan")
    assert problem.line > 1_000
