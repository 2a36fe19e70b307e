"""What somebody declares is never lost without a word, however untidily it is written."""

from __future__ import annotations

import pytest

from gitbot.model.plan import Access, PlanSet, Write
from gitbot.patterns import compile_patterns
from gitbot.plans import Source, read_plans


def read(*texts: str, files: tuple[str, ...] | None = None) -> PlanSet:
    return read_plans([Source(f"plans/{n}.md", text.encode()) for n, text in enumerate(texts)], files)


def owned(keys: str) -> dict[str, Write]:
    (plan,) = read(f"---\nplan: A\n{keys}\n---\n").plans
    return {claim.pattern: claim.write for claim in plan.patterns(Access.OWN)}


@pytest.mark.parametrize(
    ("keys", "paths"),
    [
        ("owns: [src/x.ts]\nreads: [q.ts]\nowns: [src/y.ts]", ["src/x.ts", "src/y.ts"]),
        ("owns: src/x.ts\nOwns:\n  - src/y.ts\n  - create: src/z.ts", ["src/x.ts", "src/y.ts", "src/z.ts"]),
        ("owns: a.ts, b.ts\nowns: c.ts", ["a.ts", "b.ts", "c.ts"]),
        ("owns:\n  - src/x.ts - adds login", ["src/x.ts"]),
        ("owns:\n  - src/x.ts — adds login, like src/q.ts", ["src/x.ts"]),
        ("owns:\n  - src/x.ts (lines 10-20)", ["src/x.ts"]),
        ('owns:\n  - "`src/x.ts`"', ["src/x.ts"]),
        ("owns: >\n  src/x.ts\n  src/y.ts", ["src/x.ts", "src/y.ts"]),
        ("owns: src/x.ts src/**", ["src/x.ts", "src/**"]),
        ("owns: src/x.ts; package.json", ["src/x.ts", "package.json"]),
        ("owns:\n  - src/x.ts and src/y.ts", ["src/x.ts", "src/y.ts"]),
        ("owns:\n  - src/x.ts, src/y.ts", ["src/x.ts", "src/y.ts"]),
        ('owns: ["docs/My File.md"]', ["docs/My File.md"]),
        ('owns: ["src/{a, b}.ts"]', ["src/{a,b}.ts"]),
    ],
)
def test_front_matter_is_read_as_a_list_of_paths_is(keys: str, paths: list[str]) -> None:
    assert list(owned(keys)) == paths


def test_a_marker_in_front_matter_says_what_kind_of_write_it_is() -> None:
    assert owned("owns:\n  - src/x.ts (new)\n  - src/y.ts (existing)") == {
        "src/x.ts": Write.CREATE,
        "src/y.ts": Write.ANY,
    }


def test_an_entry_without_a_path_is_named_and_claims_nothing() -> None:
    (plan,) = read("---\nplan: A\nowns: [the login page]\n---\n").plans
    assert (plan.claims, plan.unresolved) == ((), ("the login page",))


def test_a_tracked_path_with_blanks_is_taken_as_it_stands() -> None:
    (plan,) = read("---\nplan: A\nowns: [a.md b/c.md]\n---\n", files=("a.md b/c.md",)).plans
    assert [claim.pattern for claim in plan.claims] == ["a.md b/c.md"]


def test_of_two_values_of_a_plain_key_the_last_counts_and_a_warning_says_so() -> None:
    found = read("---\nplan: A\ntitle: One\ntitle: Two\n---\n- [ ] `a.ts`\n")
    assert [plan.title for plan in found.plans] == ["Two"]
    assert [(problem.level, problem.line) for problem in found.problems] == [("warning", 4)]


@pytest.mark.parametrize("above", ["\n", "<!-- made by\na tool -->\n\n", "\ufeff \n"])
def test_blank_lines_and_comments_may_stand_above_front_matter(above: str) -> None:
    (plan,) = read(f"{above}---\nplan: A\nowns:\n  - src/x.ts\n---\n").plans
    assert [(plan.id, claim.pattern, claim.line) for claim in plan.claims] == [
        ("A", "src/x.ts", above.count("\n") + 4)
    ]


@pytest.mark.parametrize(
    ("above", "lines"),
    [("# A\n\n", [3]), ("---\nplan: A\n---\n# A\n", [5]), ("```markdown\n", []), ("~~~\n\n", [])],
)
def test_front_matter_that_stands_too_low_is_told_of(above: str, lines: list[int]) -> None:
    found = read(f"{above}---\nplan: A\nowns: [src/x.ts]\n---\n- [ ] Create `src/z.ts`\n")
    assert [problem.line for problem in found.problems if problem.level == "warning"] == lines


@pytest.mark.parametrize(
    ("written", "phase"), [("1.5", "1.5"), ("02.1-b", "2.1"), ("2.0", "2"), ("Phase 2.10", "2.10")]
)
def test_a_phase_keeps_what_stands_behind_its_point(written: str, phase: str) -> None:
    (plan,) = read(f"---\nplan: A\nphase: {written}\n---\n- [ ] `a.ts`\n").plans
    assert str(plan.phase) == phase


def test_headings_and_brackets_know_phases_between_phases() -> None:
    text = "".join(f"# Phase {n}: Agent {name}\n- [ ] `{name}.ts`\n\n" for n, name in (("2", "x"), ("2.1", "y")))
    found = read(f"{text}# Phase 3: Agent z\n- [ ] `z.ts`\n- [ ] (after Phase 2.1)\n")
    assert [str(plan.phase) for plan in found.plans] == ["2", "2.1", "3"]
    assert [need.reference for plan in found.plans for need in plan.needs] == ["phase:2.1"]


def claimed(path: str, found: PlanSet) -> bool:
    (plan,) = (plan for plan in found.plans if plan.id == "A")
    return compile_patterns(claim.pattern for claim in plan.patterns(Access.OWN)).matches(path)


def test_an_exclusion_takes_nothing_from_another_file_or_key() -> None:
    most = 'owns: ["src/**", "!src/api/**"]'
    front = "---\nplan: A\n{}\n---\n"
    for texts in (
        [front.format("owns: [src/api/x.ts]"), front.format(most)],
        [front.format(most), front.format("owns: [src/api/x.ts]")],
        [front.format(f"{most}\nfiles: [src/api/x.ts]")],
        [front.format(f"owns: [src/api/x.ts]\n{most.replace('owns', 'files')}")],
    ):
        found = read(*texts)
        assert [claimed(f"src/{name}", found) for name in ("api/x.ts", "api/y.ts", "z.ts")] == [True, False, True]
    both = read(front.format(most), front.format('owns: ["src/**", "!src/web/**"]'))
    assert [claimed(f"src/{name}/x.ts", both) for name in ("api", "web")] == [True, True]
    same = read(front.format(most), front.format('owns: ["src/**", "!src/api/**"]'))
    assert not claimed("src/api/x.ts", same)


def test_what_might_lie_below_another_folder_is_claimed_as_written_too() -> None:
    """Else of two plans that mean one file one would be taken below that folder, and the other not."""
    texts = ("owns: [src/api/client.ts]", "owns: [src/api/]", "owns:\n- create: src/api/new.ts", "owns: ['src/**']")
    files = ("web/src/api/client.ts", "README.md")
    found = read(*(f"---\nplan: P{n}\n{keys}\n---\n" for n, keys in enumerate(texts)), files=files)
    assert [[(claim.pattern, claim.source) for claim in plan.claims] for plan in found.plans] == [
        [("src/api/client.ts", "declared"), ("web/src/api/client.ts", "declared")],
        [("src/api/", "declared"), ("web/src/api/", "declared")],
        [("src/api/new.ts", "declared")],
        [("src/**", "declared")],
    ]


def test_one_unusual_cell_makes_no_other_table_of_a_matrix() -> None:
    """What is known is read, and the path of what is not is named."""
    rows = ["| `src/auth/` | OWNS | R |", "| `docs/x.md` | no | yes |", "| `a.ts` | Owner | reviewer |"]
    table = "\n".join(["| File | Agent A | Agent B |", "|---|---|---|", *rows, "| `b.ts` | perhaps | edits |"])
    found = read(f"# Who\n\n{table}\n")
    assert {plan.id: [c.pattern for c in plan.patterns(Access.OWN)] for plan in found.plans} == {
        "A": ["src/auth/", "a.ts"],
        "B": ["docs/x.md", "b.ts"],
    }
    assert {plan.id: plan.unresolved for plan in found.plans} == {"A": ("b.ts",), "B": ()}


@pytest.mark.parametrize(
    ("task", "written"),
    [
        ("Make sure `docs/x.md` is unchanged", []),
        ("Ensure src/a.ts and docs/x.md are not modified", []),
        ("Leave `package.json` and `docs/x.md` alone", []),
        ("Keep `package.json` as it is", []),
        ("Lasse `src/a.ts` unverändert", []),
        ("`src/a.ts` は変更しない", []),
        ("Add login using `src/a.ts`", []),
        ("Extend `src/b.ts` in the style of `src/a.ts`", ["src/b.ts"]),
        ("Update `src/b.ts` to use `src/a.ts`", ["src/b.ts"]),
        ("Update `src/b.ts` to match `src/a.ts`, and extend `src/c.ts`", ["src/b.ts", "src/c.ts"]),
        ("Generate `src/b.ts` from `src/a.ts`", ["src/b.ts"]),
        ("Copy `src/a.ts` to `src/b.ts`", ["src/b.ts"]),
        ("Add `src/b.ts`, keep `src/a.ts` unchanged", ["src/b.ts"]),
        ("Fix `src/b.ts` the same way", ["src/b.ts"]),
        ("Remove `x` from `src/b.ts`", ["src/b.ts"]),
    ],
)
def test_what_is_only_read_or_to_stay_as_it_is_makes_no_claim(task: str, written: list[str]) -> None:
    files = ("src/a.ts", "src/b.ts", "src/c.ts", "docs/x.md", "package.json")
    (plan,) = read(f"# Plan A\n- [ ] {task}\n", files=files).plans
    assert [claim.pattern for claim in plan.patterns(Access.OWN)] == written


@pytest.mark.parametrize("text", ["## Owns\nsrc/x.ts\nsrc/y.ts\n", "## Owns: `src/x.ts`, `src/y.ts`\n"])
def test_an_ownership_heading_holds_for_bare_lines_and_for_its_own_line(text: str) -> None:
    (plan,) = read(f"# Plan A\n\n{text}").plans
    assert [(claim.pattern, claim.source) for claim in plan.claims] == [
        ("src/x.ts", "declared"),
        ("src/y.ts", "declared"),
    ]


def test_agents_that_a_brace_joins_run_side_by_side() -> None:
    found = read("Shop Agent (2h) \\\nTill Agent (2h) → All concurrent = 2 hours total\nStock Agent (1h) /\n")
    assert [(plan.id, plan.minutes, plan.needs) for plan in found.plans] == [
        ("shop", (120, 120), ()),
        ("till", (120, 120), ()),
        ("stock", (60, 60), ()),
    ]
