"""The keys of the canonical notation, the names other tools give them, and front matter that is broken."""

from __future__ import annotations

import pytest

from gitbot.model.plan import Access, NeedKind, Plan, PlanSet, Write
from gitbot.plans import Source, read_plans


def read(text: str, path: str = "plans/PLAN-A.md") -> PlanSet:
    return read_plans([Source(path, text.encode())])


def front(keys: str) -> Plan:
    (plan,) = read(f"---\n{keys}\n---\n").plans
    return plan


@pytest.mark.parametrize(
    ("keys", "id"),
    [
        ("plan: X", "X"),
        ("work_package_id: WP03", "WP03"),
        ("name: last\nslug: earlier", "earlier"),
        ("plan: 2\nphase: 01-base\nwave: 1", "01-02"),
        ("plan: no", "no"),
        ("plan: 46-07", "46-07"),
        ("plan: ²\nphase: 1\nwave: 1", "²"),
        ("title: Something", "A"),
    ],
)
def test_the_id_is_the_first_of_its_names(keys: str, id: str) -> None:
    assert front(keys).id == id


@pytest.mark.parametrize("key", ["owns", "owned_files", "files", "write-scope", "target_files", "allowed_paths"])
def test_every_name_of_owns_declares_a_claim_with_its_line(key: str) -> None:
    (claim,) = front(f"plan: A\n{key}:\n  - src/a.ts").claims
    assert (claim.pattern, claim.access, claim.source, claim.line, claim.confidence) == (
        "src/a.ts",
        Access.OWN,
        "declared",
        4,
        1.0,
    )


def test_a_mapping_tells_the_kind_of_write_and_a_move_writes_both_ends() -> None:
    plan = front("owns:\n- create: a.ts\n- modify: [b.ts, c.ts]\n- move: [d.ts, e.ts]\n- append: f.md")
    assert [(claim.pattern, claim.write) for claim in plan.claims] == [
        ("a.ts", Write.CREATE),
        ("b.ts", Write.MODIFY),
        ("c.ts", Write.MODIFY),
        ("d.ts", Write.DELETE),
        ("e.ts", Write.CREATE),
        ("f.md", Write.APPEND),
    ]


def test_a_count_under_files_modified_is_no_claim() -> None:
    assert front("files_modified: 24").claims == ()


@pytest.mark.parametrize("nothing", ["none", "NONE", "-", '"-"', "n/a", "[]", "", "~"])
def test_a_plan_can_say_that_it_depends_on_nothing(nothing: str) -> None:
    found = read(f"---\nplan: A\ndepends_on: {nothing}\n---\n")
    assert [plan.needs for plan in found.plans] in ([()], [])


@pytest.mark.parametrize("key", ["depends_on", "dependencies", "dependsOn", "depends-on", "blocked_by", "requires"])
def test_every_name_of_depends_on_is_a_hard_need(key: str) -> None:
    needs = front(f"plan: A\n{key}: B, C#T3, phase 1").needs
    assert [(need.reference, need.kind) for need in needs] == [
        ("B", NeedKind.HARD),
        ("C#T3", NeedKind.HARD),
        ("phase:1", NeedKind.HARD),
    ]


def test_waits_emits_and_conflicts_are_told_apart_from_paths() -> None:
    plan = front("waits_for: [schema_ready, src/db.ts]\nproduces: [api_ready, src/api.ts]\nconflicts_with: D")
    assert {(need.reference, need.kind) for need in plan.needs} == {
        ("schema_ready", NeedKind.PIPELINED),
        ("src/db.ts", NeedKind.HARD),
        ("D", NeedKind.APART),
    }
    assert plan.emits == (("api_ready", 3),)
    assert [(claim.pattern, claim.write) for claim in plan.claims] == [("src/api.ts", Write.CREATE)]


@pytest.mark.parametrize(
    ("written", "minutes"),
    [("3h", (180, 180)), ("30-45m", (30, 45)), ("1.5d", (720, 720)), ("M", None), ("soon", None)],
)
def test_an_estimate_is_minutes_and_a_size_is_none(written: str, minutes: tuple[float, float] | None) -> None:
    assert front(f"estimate: {written}\nplan: A").minutes == minutes


def test_a_lane_is_an_agent_unless_it_is_a_status() -> None:
    assert front("plan: A\nlane: for_review").agent is None
    assert front("plan: A\nlane: backend").agent == "backend"


def test_a_repository_wide_plan_has_its_phase_to_itself() -> None:
    assert not front("plan: A\nscope: codebase-wide").parallel
    assert not front("plan: A\nparallel: false").parallel
    assert front("plan: A\nparallel: true").parallel


def test_toml_front_matter_says_the_same() -> None:
    (plan,) = read('+++\nplan = "A"\nowns = ["src/a.ts"]\nphase = 2\n+++\n').plans
    assert (plan.id, str(plan.phase), [(c.pattern, c.line) for c in plan.claims]) == ("A", "2", [("src/a.ts", 3)])


def test_toml_values_stand_on_the_line_of_their_key() -> None:
    (plan,) = read('+++\nowns-nothing = true\nplan = "A"\n\nowns = [\n  "src/ä.ts",\n]\n+++\n').plans
    assert [(c.pattern, c.line) for c in plan.claims] == [("src/ä.ts", 5)]


def test_unknown_keys_never_fail() -> None:
    assert read("---\nplan: A\nfavourite: {colour: [blue, {deep: sky}]}\n---\n").problems == ()


def test_a_wrong_type_is_a_warning_with_its_place() -> None:
    found = read("---\nplan: A\ntitle: [x]\nphase: soon\nowns:\n  - {odd: thing}\n---\n")
    places = [(problem.level, problem.line, problem.column) for problem in found.problems]
    assert places == [("warning", 6, 5), ("warning", 3, 8), ("warning", 4, 8)]
    assert [plan.id for plan in found.plans] == ["A"]


def test_broken_front_matter_of_ours_is_an_error_with_its_place_and_hides_nobody() -> None:
    broken = Source("plans/PLAN-A.md", b"---\nplan: A\nowns:\n  - **/*.py\n---\n- [ ] src/a.ts\n")
    found = read_plans([broken, Source("plans/PLAN-B.md", b"# Agent B\n- [ ] src/b.ts\n")])
    (problem,) = found.problems
    assert (problem.rule, problem.level, problem.path, problem.line) == (
        "unreadable-plan",
        "error",
        "plans/PLAN-A.md",
        4,
    )
    assert problem.hint is not None
    assert [plan.id for plan in found.plans] == ["B"]


def test_broken_front_matter_of_others_is_a_warning_and_the_body_is_read() -> None:
    found = read("---\nsummary: a: b\n---\n- [ ] Edit `src/a.ts`\n")
    assert [problem.level for problem in found.problems] == ["warning"]
    assert [claim.pattern for claim in found.plans[0].claims] == ["src/a.ts"]


@pytest.mark.parametrize(
    "content",
    [
        "owns: " + "[" * 5_000,
        "owns: &a [*a]",
        "owns: &a {path: *a}",
        "- a\n- list",
        "plan: x\nowns: [" + "a, " * 40_000 + "]",
    ],
)
def test_front_matter_that_is_too_much_is_refused(content: str) -> None:
    assert [problem.rule for problem in read(f"---\n{content}\n---\n").problems][:1] == ["unreadable-plan"]


def test_aliases_that_multiply_are_read_once() -> None:
    levels = "\n".join(f"k{n}: &k{n} [{', '.join([f'*k{n - 1}'] * 9)}]" for n in range(1, 12))
    found = read(f"---\nplan: A\nk0: &k0 [src/a.ts]\n{levels}\nowns: *k11\n---\n")
    assert [plan.id for plan in found.plans] == ["A"]


def test_a_text_that_aliases_multiply_is_read_a_bounded_number_of_times() -> None:
    """What stands for far more than the file holds is cut off; nothing of an honest size is."""
    text = "ab " * 10_000
    keys = f'l: &l "{text}"\nm: &m {{create: *l}}\nowns: [src/a.ts, {"*m, " * 8_000}]'
    found = read(f"---\nplan: A\n{keys}\n---\n")
    assert [claim.pattern for claim in found.plans[0].claims] == ["src/a.ts"]
    assert len(found.problems) == 1


def test_a_pattern_that_reads_otherwise_than_meant_is_claimed_with_a_warning() -> None:
    found = read('---\nowns: ["docs/[section/**"]\n---\n')
    assert [claim.pattern for claim in found.plans[0].claims] == ["docs/[section/**"]
    assert [(one.rule, one.level, one.line) for one in found.problems] == [("unreadable-plan", "warning", 2)]
