"""Plans in the words that people use for them: none of their claims, waits and warnings may be lost on the way."""

from __future__ import annotations

import pytest

from gitbot.model.plan import Access, Claim, Plan, PlanSet
from gitbot.plans import Source, read_plans
from gitbot.preflight import Surroundings, check

TREE = [
    "apps/reader/src/services/sync/pull.ts",
    "apps/reader/src/services/sync/deep/push.ts",
    "apps/reader/src/ui/badge.tsx",
    "apps/kiosk/src/ui/till.tsx",
    "packages/shared/money.ts",
    "rich/__init__.py",
    "rich/cells.py",
    "rich/table.py",
    "rich/console.py",
    "docs/a.rst",
    "docs/index.rst",
    ".github/workflows/pythonpackage.yml",
    "pyproject.toml",
    "src/cli.ts",
    "package.json",
]


def read(text: str, path: str = "plans/work.md") -> PlanSet:
    return read_plans([Source(path, text.encode())], TREE)


def only(text: str) -> Plan:
    (plan,) = read(text).plans
    return plan


def written(plan: Plan) -> dict[str, str]:
    """What a plan writes, and how."""
    return {claim.pattern: claim.write.value for claim in plan.patterns(Access.OWN)}


def patterns(claims: tuple[Claim, ...]) -> list[str]:
    return [claim.pattern for claim in claims]


@pytest.mark.parametrize(
    ("named", "meant"),
    [
        ("src/services/sync/**", "apps/reader/src/services/sync/**"),
        ("src/services/sync/*.ts", "apps/reader/src/services/sync/*.ts"),
        ("src/services/sync/", "apps/reader/src/services/sync/"),
        ("services/sync/deep/**", "apps/reader/src/services/sync/deep/**"),
        ("src/services/sync/pull.ts", "apps/reader/src/services/sync/pull.ts"),
        ("src/ui/**", "src/ui/**"),
        ("sync/", "sync/"),
        ("src/services/nowhere/**", "src/services/nowhere/**"),
    ],
)
def test_a_relative_pattern_means_the_only_folder_of_that_name(named: str, meant: str) -> None:
    """What two folders end in, or none, stays as it is written; a folder may well be new."""
    tree = [path for path in TREE if not path.startswith("src/")]
    texts = (
        f'---\nplan: A\nowns: ["{named}"]\n---\n',
        f"# Agent A\n\n## Owns\n- `{named}`\n",
        f"## Roster\n\n| Agent | Owns |\n|---|---|\n| A | `{named}` |\n| B | `docs/**` |\n",
    )
    for text in texts:
        first = read_plans([Source("plans/work.md", text.encode())], tree).plans[0]
        as_written = [named] if text.startswith("---") and named != meant else []
        assert [claim.pattern for claim in first.claims] == [*as_written, meant]


def test_a_sentence_says_what_ambiguous_paths_are_relative_to() -> None:
    owns = "## Owns\n- `src/ui/**`\n- `src/ui/new.tsx`\n- `docs/a.rst`\n"
    text = f"# Agent A\n\nAll paths are relative to `apps/reader/`.\n\n{owns}"
    assert patterns(only(text).claims) == ["apps/reader/src/ui/**", "apps/reader/src/ui/new.tsx", "docs/a.rst"]


@pytest.mark.parametrize(
    "header",
    ["May read", "Can read", "Read access", "Reads from", "Consults", "Looks at", "Uses", "Depends on files"],
)
def test_a_column_of_what_agents_read_is_no_ownership(header: str) -> None:
    rows = "| A | `src/cli.ts` | `docs/a.rst` |\n| B | `package.json` | `docs/a.rst` |\n"
    text = f"| Agent | Owns | {header} |\n|---|---|---|\n{rows}"
    for plan in read(text).plans:
        assert patterns(plan.patterns(Access.READ)) == ["docs/a.rst"]
        assert "docs/a.rst" not in written(plan)


@pytest.mark.parametrize("header", ["Reviewer", "Approver", "Whatever else"])
def test_a_column_that_says_nothing_of_ownership_claims_nothing(header: str) -> None:
    rows = "| A | `src/cli.ts` | `docs/a.rst` |\n| B | `package.json` | `docs/a.rst` |\n"
    text = f"| Agent | Owns | {header} |\n|---|---|---|\n{rows}"
    assert [patterns(plan.claims) for plan in read(text).plans] == [["src/cli.ts"], ["package.json"]]


@pytest.mark.parametrize(
    ("task", "files"),
    [
        ("Document in docs/a.rst", ["docs/a.rst"]),
        ("Document `docs/a.rst`", ["docs/a.rst"]),
        ("Extract helpers from rich/cells.py into rich/widths.py", ["rich/cells.py", "rich/widths.py"]),
        ("Split rich/cells.py into `rich/cells/*.py`", ["rich/cells.py", "rich/cells/*.py"]),
        ("docs: `docs/a.rst`, and link from docs/index.rst", ["docs/a.rst", "docs/index.rst"]),
        ("code: `rich/table.py` and call from rich/console.py", ["rich/table.py", "rich/console.py"]),
        ("tests: `tests/test_cells.py`", ["tests/test_cells.py"]),
        ("migration `src/db/migrations/012_a.sql`", ["src/db/migrations/012_a.sql"]),
        ("helper `rich/widths.py`", ["rich/widths.py"]),
        ("component `src/badge.tsx` for the menu", ["src/badge.tsx"]),
        ("Export from `rich/__init__.py`", ["rich/__init__.py"]),
        ("Re-export from `rich/__init__.py`", ["rich/__init__.py"]),
        ("Expose RowGroup via `rich/__init__.py`", ["rich/__init__.py"]),
        ("Call it from `rich/console.py`", ["rich/console.py"]),
        ("Use `RowGroup` in `rich/table.py`", ["rich/table.py"]),
        ("Use it in rich/table.py and rich/console.py", ["rich/table.py", "rich/console.py"]),
        ("Mirror the API of rich/table.py in rich/console.py", ["rich/console.py"]),
        ("Fix `cell_len` (rich/cells.py)", ["rich/cells.py"]),
        ("Switch rich/table.py over to `cell_len`", ["rich/table.py"]),
        ("Adapt callers: rich/table.py, rich/console.py", ["rich/table.py", "rich/console.py"]),
        ("Also rich/table.py", ["rich/table.py"]),
        (
            "Drop 3.8 from CI (`pythonpackage.yml`) and from pyproject.toml classifiers",
            [".github/workflows/pythonpackage.yml", "pyproject.toml"],
        ),
    ],
)
def test_a_task_writes_the_files_that_its_words_are_about(task: str, files: list[str]) -> None:
    plan = only(f"# Agent A\n\n- [ ] {task}\n")
    assert sorted(written(plan)) == sorted(files)
    assert all(claim.confidence >= 0.45 for claim in plan.claims if claim.access is Access.OWN)


def test_a_known_file_in_a_task_that_nobody_understands_is_listed() -> None:
    plan = only("# Agent A\n\n- [ ] The usual dance around rich/cells.py\n- [ ] Read rich/table.py\n")
    assert plan.unresolved == ("rich/cells.py",)


@pytest.mark.parametrize(
    "task",
    ["Run `black .` across the whole repo", "Rename `cell` everywhere it is used", "Fix the headers of all files"],
)
def test_work_without_bounds_is_told(task: str) -> None:
    (problem,) = read(f"# Agent A\n\n- [ ] {task}\n").problems
    assert (problem.rule, problem.level, problem.line) == ("no-ownership", "warning", 3)


def test_reading_everything_has_no_bounds_to_tell_of() -> None:
    assert not read("# Agent A\n\n- [ ] Check all files for typos\n- [ ] Edit rich/table.py\n").problems


WAITS = [
    "(waits for all other agents)",
    "(after everyone else)",
    "(after all others)",
    "(last)",
    "(runs last)",
    "(starts after A)",
    "(once A is merged)",
    "(not before A)",
    "(start when A and B are done)",
    "[after A]",
    "— after A",
]
SAID = [
    "Runs last.",
    "Wait for all other agents.",
    "Must not start before Agent A is merged.",
    "**Depends on: A, B**",
    "Prerequisite: Agent A",
]


def roster(heading: str = "## Agent C", body: str = "") -> str:
    others = "# Work\n\n## Agent A\n- [ ] Edit rich/a.py\n\n## Agent B\n- [ ] Edit rich/b.py\n"
    return f"{others}\n{heading}\n{body}\n\n- [ ] Edit rich/c.py\n"


def waited_for(text: str) -> set[str]:
    found = check(read(text), Surroundings())
    assert not [finding for finding in found.findings if finding.rule == "unknown-dependency"]
    return {edge.before for edge in found.edges if edge.after == "C"}


@pytest.mark.parametrize(
    "text",
    [
        *(roster(f"## Agent C {said}") for said in WAITS),
        *(roster(f"## Agent C: Tables {said}") for said in WAITS),
        *(roster(body=said) for said in SAID),
    ],
)
def test_a_wait_is_heard_however_it_is_said(text: str) -> None:
    assert "A" in waited_for(text)
    assert [str(plan.id) for plan in read(text).plans] == ["A", "B", "C"]


@pytest.mark.parametrize("value", ["all", '["*"]'])
def test_one_plan_can_wait_for_all_others(value: str) -> None:
    texts = {
        "plans/a.md": "---\nplan: A\nowns: [rich/table.py]\n---\n",
        "plans/b.md": "---\nplan: B\nowns: [rich/cells.py]\n---\n",
        "plans/c.md": f"---\nplan: C\nowns: [docs/a.rst]\ndepends_on: {value}\n---\n",
        "plans/d.md": f"---\nplan: D\nowns: [docs/index.rst]\ndepends_on: {value}\n---\n",
    }
    found = check(read_plans([Source(path, text.encode()) for path, text in texts.items()], TREE), Surroundings())
    assert {(e.before, e.after) for e in found.edges} == {("A", "C"), ("B", "C"), ("A", "D"), ("B", "D")}


def test_a_bracket_about_waiting_that_nobody_understands_is_told() -> None:
    (problem,) = read(roster("## Agent C (wait until the moon is full)")).problems
    assert (problem.level, problem.line) == ("warning", 9)


@pytest.mark.parametrize("said", ["(waiting room)", "Depends on all other crates", "- Depends on: Nothing"])
def test_words_that_only_sound_like_a_wait_order_nothing(said: str) -> None:
    assert not waited_for(roster(body=f"- [ ] Paint the hall {said}" if said[0] == "(" else said))


def test_a_claim_key_that_is_a_switch_claims_nothing() -> None:
    assert list(written(only("---\nplan: A\nexclusive: true\nowns: [rich/table.py]\n---\n"))) == ["rich/table.py"]


@pytest.mark.parametrize("key", ["own", "writes", "edits", "exclusive"])
def test_other_names_of_owns_are_understood(key: str) -> None:
    assert written(only(f"---\nplan: A\n{key}: [rich/table.py]\n---\n")) == {"rich/table.py": "any"}


def test_other_names_of_reads_and_needs_are_understood() -> None:
    plan = only("---\nplan: A\nread_only: [rich/table.py]\nneeds: [B]\n---\n# A\n- [ ] Edit docs/a.rst\n")
    assert patterns(plan.patterns(Access.READ)) == ["rich/table.py"]
    assert [need.reference for need in plan.needs] == ["B"]


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("onws: [rich/table.py]", "did you mean `owns`?"),
        ("waitsfor: [B]", "did you mean `waits_for`?"),
        ("share: [rich/table.py]", "did you mean `shared`?"),
        ("hoard: [rich/table.py]", None),
    ],
)
def test_a_key_that_nobody_knows_is_told(line: str, hint: str | None) -> None:
    (problem,) = read(f"---\nplan: A\nowns: [rich/cells.py]\n{line}\n---\n").problems
    assert (problem.level, problem.line) == ("warning", 4)
    assert hint is None or problem.hint == hint


@pytest.mark.parametrize("line", ["strategy: bananas", "priority: soonish", "estimate: a while"])
def test_a_value_that_cannot_be_read_is_told(line: str) -> None:
    (problem,) = read(f"---\nplan: A\nowns: [rich/cells.py]\n{line}\n---\n").problems
    assert (problem.level, problem.line) == ("warning", 4)


@pytest.mark.parametrize("line", ["author: me", "created: 2026-01-01", "tags: [a, b]", "model: big", "version: 1.0"])
def test_keys_of_other_tools_are_left_in_peace(line: str) -> None:
    assert not read(f"---\nplan: A\nowns: [rich/cells.py]\n{line}\n---\n").problems


@pytest.mark.parametrize(
    "line",
    [
        "- No new `packages/` - reuse `shared`",
        "- [ ] Edit docs/a.rst without touching `rich/table.py`",
        "- [ ] Edit docs/a.rst; nothing in `rich/table.py` changes",
    ],
)
def test_what_is_not_to_be_touched_is_no_claim(line: str) -> None:
    found = written(only(f"# Agent A\n\n- [ ] Edit docs/a.rst\n{line}\n"))
    assert list(found) == ["docs/a.rst"]


def test_shared_files_before_the_agents_are_shared_by_the_set() -> None:
    shared = "Shared files (go through the integrator): `package.json`, `src/cli.ts`"
    found = read(f"# Work\n\n{shared}\n\nWe edit `docs/a.rst` often.\n\n" + roster().removeprefix("# Work\n"))
    assert [str(plan.id) for plan in found.plans] == ["A", "B", "C"]
    assert patterns(found.shared) == ["package.json", "src/cli.ts"]


@pytest.mark.parametrize("task", ["Rename `ui/badge.tsx` to `ui/Badge.tsx`", "Rename ui/badge.tsx → `Badge.tsx`"])
def test_a_renamed_file_stays_in_its_folder(task: str) -> None:
    assert written(only(f"# Agent A\n\n- [ ] {task}\n")) == {
        "apps/reader/src/ui/badge.tsx": "delete",
        "apps/reader/src/ui/Badge.tsx": "create",
    }


def test_a_renamed_word_in_a_file_is_no_renamed_file() -> None:
    assert written(only("# Agent A\n\n- [ ] Rename `Foo` to `Bar` in rich/table.py\n")) == {"rich/table.py": "modify"}


@pytest.mark.parametrize(
    ("task", "files"),
    [
        ("Use the pattern in rich/table.py", []),
        ("Use helpers from rich/table.py", []),
        ("Follow rich/table.py and edit rich/cells.py", ["rich/cells.py"]),
        ("Ensure no warnings are left in `rich/cells.py`", ["rich/cells.py"]),
        ("See module `rich/table.py`", []),
        ("Compare callers: rich/table.py, rich/cells.py", []),
    ],
)
def test_a_task_that_looks_at_a_file_does_not_write_it(task: str, files: list[str]) -> None:
    assert list(written(only(f"# Agent A\n\n- [ ] {task}\n"))) == files


def test_a_specification_names_its_branch() -> None:
    head = "# Tasks: Tills\n\n**Feature Branch**: `035-tills`\n**Input**: Design documents from `/specs/035-tills/`\n"
    tasks = "## Phase 1: Setup\n- [ ] T001 [P] Create src/till.ts\n- [ ] T002 [US1] Edit src/cli.ts\n"
    text = f"{head}**Prerequisites**: plan.md, spec.md\n\n{tasks}"
    (plan,) = read(text, "specs/035-tills/tasks.md").plans
    assert (plan.format, plan.branch) == ("spec-kit", "035-tills")
