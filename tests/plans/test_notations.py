"""Ids, owners, tasks, arrows and waits, as people write them; and files that are no plan."""

from __future__ import annotations

import pytest

from gitbot.model.plan import Access, NeedKind, PlanSet, Source, TaskState, Write
from gitbot.plans import Source as File
from gitbot.plans import fold, is_plan_file, read_plans


def read(text: str, path: str = "plans/work.md", files: list[str] | None = None) -> PlanSet:
    return read_plans([File(path, text.encode())], files)


def claims(text: str, files: list[str] | None = None) -> list[tuple[str, str]]:
    return [(str(c.access), c.pattern) for plan in read(text, files=files).plans for c in plan.claims]


@pytest.mark.parametrize("id", ["A", "a", "Agent A", "agent-a", "PLAN-A", "PLAN-A.md", "agent/a", "Agent #A"])
def test_all_spellings_of_one_agent_are_one_id(id: str) -> None:
    assert fold(id) == "a"


@pytest.mark.parametrize(("id", "folded"), [("planner", "planner"), ("Agent", "agent"), ("plan-", "plan-")])
def test_a_word_that_only_begins_like_a_prefix_is_kept(id: str, folded: str) -> None:
    assert fold(id) == folded


@pytest.mark.parametrize(
    ("path", "worth"),
    [
        ("plans/PLAN-A.md", True),
        ("a/b.markdown", True),
        (".taskmaster/tasks/tasks.json", True),
        ("plans/README.md", False),
        ("PROJECT-SPEC.md", False),
        ("CONTEXT.md", False),
        ("plans/notes.txt", False),
    ],
)
def test_briefs_and_specifications_are_no_plan_files(path: str, worth: bool) -> None:
    assert is_plan_file(path) is worth


@pytest.mark.parametrize(
    "heading",
    [
        "# Agent {}",
        "## Agent {}: Parser",
        "# 🤖 Agent #{}",
        "# agent-{} (builder): Parser",
        "# PLAN-{}.md (Agent {} owns)",
    ],
)
def test_headings_that_name_an_agent_open_its_section(heading: str) -> None:
    found = read("".join(f"{heading.replace('{}', id)}\n- [ ] src/{id}.ts\n" for id in "AB"))
    assert [(plan.id, plan.agent) for plan in found.plans] == [("A", "A"), ("B", "B")]


@pytest.mark.parametrize(
    "said",
    [
        "(Agent {} owns these)",
        "(**Agent {}** owns)",
        "(owned by agent-{})",
        "(phase 1, owned by `agent-{}`)",
        "— Agent {} owns these",
    ],
)
def test_a_heading_that_says_who_owns_what_follows_declares_it(said: str) -> None:
    """Whatever the agent's name looks like; the title is what stands before."""
    heading = "# Sums " + said
    found = read("".join(f"{heading.replace('{}', id)}\n- [ ] src/{id}.ts\n" for id in ("sub", "B")))
    assert [(plan.id, plan.agent, plan.title) for plan in found.plans] == [("sub", "sub", "Sums"), ("B", "B", "Sums")]
    assert {claim.source for plan in found.plans for claim in plan.claims} == {Source.DECLARED}


@pytest.mark.parametrize("heading", ["Agent sub owns these", "1. Agent sub owns these", "Owned by agent-sub"])
def test_a_heading_of_nothing_but_the_owner_has_no_title(heading: str) -> None:
    (plan,) = read(f"# {heading}\n- [ ] src/a.ts\n").plans
    assert (plan.id, plan.title, plan.confidence) == ("sub", "", "declared")


@pytest.mark.parametrize(
    "heading",
    [
        "Sums (not owned by agent-sub)",
        "Sums (the agent that owns these decides)",
        "Agent that owns these",
        "Sums (agent a owns these, agent b owns those)",
        "Do not touch (Agent sub owns these)",
    ],
)
def test_headings_that_speak_of_owning_otherwise_give_nothing_to_anybody(heading: str) -> None:
    assert [plan.id for plan in read(f"# {heading}\n- [ ] Edit `src/a.ts`\n").plans] == ["work"]


@pytest.mark.parametrize(
    "heading", ["# Agent instructions", "# Agents work in parallel", "# Agent Setup", "# Track progress"]
)
def test_headings_that_only_speak_of_agents_open_none(heading: str) -> None:
    assert [plan.id for plan in read(f"{heading}\n- [ ] Edit `src/a.ts`\n").plans] == ["work"]


def test_two_files_of_one_folder_share_an_id_and_two_folders_do_not() -> None:
    a, b = File("plans/x.md", b"# Agent A\n- [ ] src/a.ts\n"), b"# Agent A\n- [ ] src/b.ts\n"
    together = read_plans([a, File("plans/y.md", b)])
    assert together.problems == ()
    assert [(c.pattern, c.path) for c in together.plans[0].claims] == [("src/a.ts", None), ("src/b.ts", "plans/y.md")]
    apart = read_plans([a, File("other/y.md", b)])
    assert [problem.rule for problem in apart.problems] == ["duplicate-plan"]
    assert [claim.pattern for claim in apart.plans[0].claims] == ["src/b.ts", "src/a.ts"]


def test_the_order_of_the_files_does_not_matter() -> None:
    files = [File(f"plans/PLAN-{n}.md", f"# Agent {n}\n- [ ] src/{n}.ts\n".encode()) for n in "ABC"]
    assert read_plans(files) == read_plans(reversed(files))


def test_front_matter_of_a_roster_gives_defaults_to_all() -> None:
    found = read("---\nphase: 2\nowns: docs/**\n---\n# Agent A\n- [ ] src/a.ts\n# Agent B\n- [ ] Write\n")
    assert [(plan.id, str(plan.phase), [c.pattern for c in plan.claims]) for plan in found.plans] == [
        ("A", "2", ["src/a.ts"]),
        ("B", "2", ["docs/**"]),
    ]


def test_phases_in_the_plan_of_one_agent_are_only_chapters() -> None:
    found = read("# Sign-in\n## Phase 1: Setup\n- [ ] Create `src/a.ts`\n## Phase 2: Core\n- [ ] Edit `src/b.ts`\n")
    assert [(plan.id, plan.phase) for plan in found.plans] == [("work", None)]


def test_boxes_are_states_and_a_skipped_task_claims_nothing() -> None:
    text = (
        "- [ ] Edit `a/1.ts`\n- [x] Edit `a/2.ts`\n- [~] Edit `a/3.ts`\n- [-] Edit `a/4.ts`\n- [ ]* Edit `a/5.ts`\n"
    )
    (plan,) = read(text).plans
    assert [task.state for task in plan.tasks] == [
        TaskState.OPEN,
        TaskState.DONE,
        TaskState.DOING,
        TaskState.SKIPPED,
        TaskState.OPEN,
    ]
    assert [task.optional for task in plan.tasks] == [False, False, False, False, True]
    assert [claim.pattern for claim in plan.claims] == ["a/1.ts", "a/2.ts", "a/3.ts", "a/5.ts"]


@pytest.mark.parametrize(
    ("task", "found"),
    [
        ("Create User model in src/models/user.py", (Access.OWN, Write.CREATE, 0.64)),
        ("Refactoring `src/models/user.py`", (Access.OWN, Write.MODIFY, 0.8)),
        ("Add a field to `src/models/user.py`", (Access.OWN, Write.MODIFY, 0.8)),
        ("Remove `src/models/user.py`", (Access.OWN, Write.DELETE, 0.8)),
        ("Remove the cache from `src/models/user.py`", (Access.OWN, Write.MODIFY, 0.8)),
        ("`src/models/user.py` gets a field", (Access.OWN, Write.ANY, 0.85)),
        ("src/models/user.py", (Access.OWN, Write.ANY, 0.85)),
        ("Review `src/models/user.py`", (Access.READ, Write.ANY, 0.8)),
        ("Look at it `src/models/user.py` (new)", (Access.OWN, Write.CREATE, 0.95)),
        ("Register it, `src/models/user.py` (shared)", (Access.SHARED, Write.ANY, 0.95)),
        ("New field in `src/models/user.py:10-40`", (Access.OWN, Write.CREATE, 0.8)),
    ],
)
def test_the_head_verb_or_a_marker_decides_what_a_task_does(task: str, found: tuple[Access, Write, float]) -> None:
    (plan,) = read(f"- [ ] {task}\n").plans
    assert [(c.pattern, (c.access, c.write, c.confidence)) for c in plan.claims] == [("src/models/user.py", found)]
    assert {claim.source for claim in plan.claims} == {Source.INFERRED}


@pytest.mark.parametrize(
    "task",
    [
        "Edit the page https://example.org/a/b.html",
        "Edit version 1.2.3 and/or 4.5",
        "Use Node.js with @scope/pkg",
        "Write GET /api/users",
        "Edit `src/<topic>/x.ts` or `../secret.py` or `~/x.py`",
        "Run `npm test src/a.ts`",
        "Wait until it works like `src/a.ts`",
        "Check read/write of client/server",
    ],
)
def test_words_that_only_look_like_paths_are_no_write_claims(task: str) -> None:
    assert [found for found in claims(f"- [ ] {task}\n") if found[0] != "read"] == []


def test_a_bare_name_is_claimed_only_where_it_belongs_somewhere() -> None:
    text = "- [ ] Update `auth.ts`\n"
    assert claims(text) == []
    assert read(text).plans[0].unresolved == ("auth.ts",)
    assert claims(text, files=["src/auth.ts", "src/b.ts"]) == [("own", "src/auth.ts")]
    assert claims(text, files=["src/auth.ts", "lib/auth.ts"]) == []


def test_ownership_headings_and_labels_declare() -> None:
    text = """# Work
## Owns
- `src/a/**` — everything, see `src/z.ts`
- "!src/a/old/**"
## Reads
- src/db/schema.ts
## Tasks
**Files to modify:**
- `src/b.ts` (the parser)

Do not touch: `src/c.ts`, `src/d.ts`
"""
    (plan,) = read(text).plans
    assert [(str(c.access), c.pattern, c.write, c.line) for c in plan.claims] == [
        ("own", "src/a/**", Write.ANY, 3),
        ("own", "!src/a/old/**", Write.ANY, 4),
        ("read", "src/db/schema.ts", Write.ANY, 6),
        ("own", "src/b.ts", Write.MODIFY, 9),
    ]
    assert [claim.pattern for claim in plan.never] == ["src/c.ts", "src/d.ts"]
    assert plan.confidence == "declared"


@pytest.mark.parametrize("arrow", ["← Agent A", "<- Agent A", "<-- agent-a", "⟵ A owns", "# Agent A", "✅ A owns"])
def test_every_arrow_gives_an_entry_to_its_agent(arrow: str) -> None:
    (plan,) = read(f"```\nsrc/\n  lib/\n    a.ts   {arrow}\n    b.ts\n```\n").plans
    assert (fold(plan.id), [claim.pattern for claim in plan.claims]) == ("a", ["src/lib/a.ts"])


def test_a_tree_drawn_plainly_or_with_its_project_on_top_is_the_same_tree() -> None:
    drawn = "shop/\n├── src/\n│   └── a.ts ← Agent A\n└── docs/ ← Agent B\n"
    assert claims(drawn, files=["src/a.ts", "docs/b.md"]) == [("own", "src/a.ts"), ("own", "docs/")]


def test_files_that_everybody_edits_belong_to_the_set() -> None:
    found = read("src/utils.ts ← Multiple agents editing this\n\nsrc/a.ts ← Agent A\n")
    assert [claim.pattern for claim in found.shared] == ["src/utils.ts"]
    assert [plan.id for plan in found.plans] == ["A"]


@pytest.mark.parametrize(
    ("phrase", "found"),
    [
        ("(wait for Agent B to commit parser)", ("Agent B", NeedKind.PIPELINED, "parser", True)),
        ("(waits for Agent B to finish the schema)", ("Agent B", NeedKind.HARD, None, True)),
        ("(waits for PLAN-B)", ("PLAN-B", NeedKind.HARD, None, True)),
        ("(waits for B#T2)", ("B#T2", NeedKind.PIPELINED, None, True)),
        ("(after T1)", ("T1", NeedKind.PIPELINED, None, True)),
        ("(waits for schema_ready)", ("schema_ready", NeedKind.PIPELINED, None, True)),
        ("(after phase 1)", ("phase:1", NeedKind.HARD, None, True)),
        ("once you wait for Agent B to commit parser", ("Agent B", NeedKind.PIPELINED, "parser", False)),
    ],
)
def test_a_wait_is_read_from_its_words(phrase: str, found: tuple[str, NeedKind, str | None, bool]) -> None:
    (plan,) = read(f"- [ ] Build it {phrase}\n").plans
    assert [(need.reference, need.kind, need.word, need.strict) for need in plan.needs] == [found]


@pytest.mark.parametrize("text", ["Edit it (after the change)", "Edit it (needs review)", "Say what it depends on"])
def test_prose_orders_nothing(text: str) -> None:
    assert read(f"- [ ] {text}\n").plans[0].needs == ()


def test_a_sub_project_s_paths_are_tried_in_its_folder_first() -> None:
    files = ["svc/a/PLAN.md", "svc/a/src/x.ts", "shared/y.ts"]
    found = read("- [ ] Edit `src/x.ts`\n- [ ] Edit `shared/y.ts`\n- [ ] Edit `src/new.ts`\n", "svc/a/PLAN.md", files)
    assert [claim.pattern for claim in found.plans[0].claims] == [
        "svc/a/src/x.ts",
        "shared/y.ts",
        "svc/a/src/new.ts",
        "svc/a/**",
    ]
    assert found.plans[0].id == "a"


def test_a_refused_pattern_is_a_problem_with_its_line_and_the_rest_is_kept() -> None:
    found = read("---\nplan: A\nowns:\n  - ../other/x.ts\n  - src/a.ts\n---\n")
    assert [(problem.level, problem.line) for problem in found.problems] == [("error", 4)]
    assert [claim.pattern for claim in found.plans[0].claims] == ["src/a.ts"]


def test_prose_without_task_claim_or_agent_holds_no_plan() -> None:
    found = read("# Thoughts\n\nWe should talk about this.\n")
    assert found.plans == ()
    assert [(problem.rule, problem.level) for problem in found.problems] == [("unreadable-plan", "note")]


@pytest.mark.parametrize(
    ("data", "line", "column"),
    [(b"# Agent A\n\xff\n", 2, 1), (b"ab\0c", 1, 3), (b"x" * (512 * 1024 + 1), 1, 1), (b"\n" * 3_001, 3_001, 1)],
)
def test_bytes_that_are_no_text_are_refused_with_their_place(data: bytes, line: int, column: int) -> None:
    (problem,) = read_plans([File("plans/PLAN-A.md", data)]).problems
    assert (problem.rule, problem.level, problem.line, problem.column) == ("unreadable-plan", "error", line, column)


def test_utf_16_with_its_mark_is_text() -> None:
    found = read_plans([File("plans/x.md", "\ufeff# Agent A\n- [ ] src/a.ts\n".encode("utf-16-le"))])
    assert [plan.id for plan in found.plans] == ["A"]
