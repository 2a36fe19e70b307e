"""What `check` decides about two or three plans: severities, order, phases, verdict."""

from __future__ import annotations

import pytest

from gitbot.model.plan import Access, Claim, Need, NeedKind, Plan, PlanId, PlanSet, Problem, Source, Task, Write
from gitbot.model.preflight import Check, Level, Severity, Verdict
from gitbot.preflight import RULES, Surroundings, check

OWN, SHARED, READ = Access.OWN, Access.SHARED, Access.READ


def claim(pattern: str, access: Access = OWN, write: Write = Write.ANY, confidence: float = 1.0) -> Claim:
    source = Source.DECLARED if confidence == 1.0 else Source.INFERRED
    return Claim(pattern, access, source, 3, confidence, write)


def plan(id: str, *claims: Claim | str, **more: object) -> Plan:
    made = tuple(claim(each) if isinstance(each, str) else each for each in claims)
    return Plan(id=PlanId(id), path=f"plans/{id}.md", format="canonical", claims=made, **more)  # type: ignore[arg-type]


def need(reference: str, kind: NeedKind = NeedKind.HARD, word: str | None = None, *, strict: bool = True) -> Need:
    return Need(reference, kind, 5, f"waits for {reference}", strict, word)


def checked(*plans: Plan, around: Surroundings | None = None, shared: tuple[Claim, ...] = ()) -> Check:
    return check(PlanSet(plans, shared), around or Surroundings())


def rules(answer: Check, level: Level | None = None) -> list[str]:
    return [finding.rule for finding in answer.findings if level in (None, finding.level)]


def test_plans_without_a_common_path_run_in_parallel() -> None:
    answer = checked(plan("B", "src/b/**"), plan("A", "src/a/**"))
    assert (answer.verdict, answer.phases) == (Verdict.PARALLEL, (("A", "B"),))
    assert not answer.overlaps
    assert not answer.findings


def test_two_writers_of_one_file_are_never_in_the_same_phase() -> None:
    """A shared file forces an order even when the lines are far apart."""
    answer = checked(plan("A", "src/cli.ts:1-10"), plan("B", "src/cli.ts:90-99"))
    assert answer.phases == (("A",), ("B",))
    assert answer.verdict is Verdict.SEQUENTIAL
    assert [(o.severity, o.paths, o.before) for o in answer.overlaps] == [(Severity.BLOCKS, ("src/cli.ts",), None)]
    assert rules(answer, Level.ERROR) == ["overlap"]


def test_an_overlap_names_tracked_files_first_and_then_the_witness() -> None:
    files = ("src/c.ts", "src/a.ts", "src/b.ts", "src/d.ts", "lib/a.ts")
    answer = checked(plan("A", "src/**"), plan("B", "src/*.ts"), around=Surroundings(files=files))
    assert answer.overlaps[0].paths[:3] == ("src/a.ts", "src/b.ts", "src/c.ts")
    assert len(answer.overlaps[0].paths) == 4


def test_writers_that_are_ordered_may_write_the_same_file() -> None:
    answer = checked(plan("A", "src/cli.ts", needs=(need("B"),)), plan("B", "src/cli.ts"))
    assert answer.phases == (("B",), ("A",))
    assert [(o.severity, o.before) for o in answer.overlaps] == [(Severity.ORDERS, "B")]
    assert not answer.findings


@pytest.mark.parametrize(
    ("left", "right", "severity", "before"),
    [
        (claim("x.ts", OWN, Write.CREATE), claim("x.ts", OWN, Write.CREATE), Severity.BLOCKS, None),
        (claim("x.ts", OWN, Write.MODIFY), claim("x.ts", OWN, Write.CREATE), Severity.ORDERS, "B"),
        (claim("x.ts", READ), claim("x.ts", OWN, Write.CREATE), Severity.ORDERS, "B"),
        (claim("x.ts", OWN, Write.DELETE), claim("x.ts", READ), Severity.BLOCKS, None),
        (claim("x.ts", READ), claim("x.ts", OWN, Write.MODIFY), Severity.NOTES, "B"),
        (claim("x.ts", OWN), claim("x.ts", SHARED), Severity.BLOCKS, None),
        (claim("x.ts", SHARED), claim("x.ts", SHARED), Severity.ORDERS, "A"),
        (claim("x.ts", OWN, Write.APPEND), claim("x.ts", OWN, Write.APPEND), Severity.BLOCKS, None),
        (claim("CHANGELOG.md", OWN, Write.APPEND), claim("CHANGELOG.md", OWN, Write.APPEND), Severity.ORDERS, "A"),
        (claim("x.ts", confidence=0.4), claim("x.ts"), Severity.NOTES, None),
        (claim("x.ts", confidence=0.5), claim("x.ts"), Severity.BLOCKS, None),
        (claim("Readme.md"), claim("README.md"), Severity.NOTES, None),
        (claim("package.json"), claim("package-lock.json"), Severity.BLOCKS, None),
    ],
)
def test_severity_follows_from_what_the_two_plans_want(
    left: Claim, right: Claim, severity: Severity, before: str | None
) -> None:
    for plans in ((plan("A", left), plan("B", right)), (plan("B", right), plan("A", left))):
        assert [(o.severity, o.before) for o in checked(*plans).overlaps] == [(severity, before)]


def test_readers_of_one_file_and_plans_that_keep_off_it_do_not_meet() -> None:
    keeping_off = plan("C", "src/c.ts", never=(claim("src/a.ts"),))
    answer = checked(plan("A", "src/a.ts"), plan("B", claim("docs/x.md", READ)), keeping_off)
    assert not checked(plan("A", claim("a.ts", READ)), plan("B", claim("a.ts", READ))).overlaps
    assert not answer.overlaps
    assert not answer.findings


def test_what_a_plan_excludes_or_shares_it_does_not_own() -> None:
    excluded = plan("A", "src/**", "!src/api/**")
    sharing = plan("A", "src/**", claim("src/api/**", SHARED))
    assert not checked(excluded, plan("B", "src/api/x.ts")).overlaps
    assert checked(sharing, plan("B", claim("src/api/x.ts", SHARED))).phases == (("A", "B"),)


def test_a_before_b_with_c_against_a_needs_two_phases() -> None:
    answer = checked(plan("A", "a.ts"), plan("B", "b.ts", needs=(need("A"),)), plan("C", "a.ts"))
    assert answer.phases == (("A",), ("B", "C"))
    assert answer.verdict is Verdict.PHASED


def test_a_declared_phase_comes_after_every_smaller_one() -> None:
    answer = checked(plan("A", "a", phase=2), plan("B", "b", phase=5), plan("C", "c", phase=2), plan("D", "d"))
    assert answer.phases == (("A", "C", "D"), ("B",))
    assert {(edge.before, edge.after, edge.kind) for edge in answer.edges} == {
        ("A", "B", "phase"),
        ("C", "B", "phase"),
    }


def test_a_plan_that_asks_to_run_alone_does() -> None:
    answer = checked(plan("A", "a"), plan("B", "b", parallel=False), plan("C", "c"))
    assert sorted(answer.phases) == [("A", "C"), ("B",)]
    assert answer.why[PlanId("B")] == "runs alone, as it asks"


def test_plans_that_exclude_each_other_are_kept_apart() -> None:
    answer = checked(plan("A", "a"), plan("B", "b", needs=(need("A", NeedKind.APART),)))
    assert answer.phases == (("A",), ("B",))
    assert not answer.edges


@pytest.mark.parametrize(
    ("reference", "kind", "edge"),
    [
        ("Agent C", NeedKind.HARD, ("plan", False)),
        ("claude-7", NeedKind.HARD, ("plan", False)),
        ("feat/c", NeedKind.HARD, ("plan", False)),
        ("agent/c", NeedKind.HARD, ("plan", False)),
        ("the schema", NeedKind.HARD, ("plan", False)),
        ("phase:1", NeedKind.HARD, ("phase", False)),
        ("C#T3", NeedKind.HARD, ("plan", False)),
        ("C#T3", NeedKind.PIPELINED, ("commit", True)),
        ("schema_ready", NeedKind.PIPELINED, ("event", True)),
        ("src/schema.ts", NeedKind.PIPELINED, ("file", True)),
        ("C", NeedKind.PIPELINED, ("plan", False)),
    ],
)
def test_a_reference_finds_its_plan_by_every_name(reference: str, kind: NeedKind, edge: tuple[str, bool]) -> None:
    maker = plan(
        "C",
        claim("src/schema.ts", OWN, Write.CREATE),
        agent="claude-7",
        branch="feat/c",
        title="The schema",
        phase=1,
        tasks=(Task("define it", 4, id="T3"),),
        emits=(("schema_ready", 2),),
    )
    answer = checked(plan("B", "src/b.ts", needs=(need(reference, kind),)), maker)
    assert [(e.before, e.after, e.kind, e.pipelined) for e in answer.edges] == [("C", "B", *edge)]
    assert len(answer.phases) == (1 if edge[1] else 2)
    assert not answer.findings


def test_a_wait_for_a_commit_finds_the_event_that_carries_its_word() -> None:
    maker = plan("A", "a", emits=(("parser_done", 2),))
    answer = checked(maker, plan("B", "b", needs=(need("A", NeedKind.PIPELINED, "parser"),)))
    assert [(edge.kind, edge.pipelined, edge.line) for edge in answer.edges] == [("event", True, 5)]
    assert answer.phases == (("A", "B"),)


def test_an_unknown_dependency_is_an_error_with_the_nearest_name() -> None:
    answer = checked(plan("lexer", "a"), plan("B", "b", needs=(need("lexr"),)))
    (finding,) = answer.findings
    assert (finding.rule, finding.level) == ("unknown-dependency", Level.ERROR)
    assert finding.hint == "did you mean lexer?"
    assert [(place.path, place.line) for place in finding.locations] == [("plans/B.md", 5)]


def test_prose_orders_only_when_every_name_in_it_means_something() -> None:
    half = tuple(Need(name, NeedKind.HARD, 7, "Dependencies: A, Pillow", strict=False) for name in ("A", "Pillow"))
    answer = checked(plan("A", "a"), plan("B", "b", needs=half))
    assert not answer.edges
    assert not answer.findings


def test_a_circle_is_an_error_naming_every_line_and_runs_one_by_one() -> None:
    circle = (
        plan("A", "a", needs=(need("C"),)),
        plan("B", "b", needs=(need("A"),)),
        plan("C", "c", needs=(need("B"),)),
    )
    answer = checked(*circle, plan("D", "d"))
    (finding,) = answer.findings
    assert (finding.rule, finding.plans) == ("dependency-cycle", ("A", "B", "C"))
    assert {place.path for place in finding.locations} == {"plans/A.md", "plans/B.md", "plans/C.md"}
    assert answer.phases == (("A", "D"), ("B",), ("C",))


def test_plans_that_read_what_each_other_creates_are_no_circle_and_needs_decide_who_is_first() -> None:
    def maker(id: str, makes: str, uses: str, *needs: Need) -> Plan:
        return plan(id, claim(makes, OWN, Write.CREATE), claim(uses, READ), needs=needs)

    mutual = checked(maker("A", "x", "y"), maker("B", "y", "x"))
    assert (mutual.phases, mutual.findings) == ((("A",), ("B",)), ())
    declared = checked(maker("A", "x", "z", need("C")), maker("B", "y", "x"), maker("C", "z", "y"))
    assert (declared.phases, declared.findings) == ((("B",), ("C",), ("A",)), ())


def test_plans_that_wait_for_each_others_events_are_no_circle() -> None:
    left = plan("A", "a", emits=(("one_done", 1),), needs=(need("two_done", NeedKind.PIPELINED),))
    right = plan("B", "b", emits=(("two_done", 1),), needs=(need("one_done", NeedKind.PIPELINED),))
    answer = checked(left, right)
    assert answer.phases == (("A", "B"),)
    assert not answer.findings


def test_a_plan_without_paths_is_unknown_and_still_placed() -> None:
    answer = checked(plan("A", "a"), plan("B"))
    assert answer.unknown == ("B",)
    assert rules(answer) == ["no-ownership"]
    assert answer.phases == (("A", "B"),)


def test_a_shared_file_may_be_owned_only_by_a_plan_alone_in_an_earlier_phase() -> None:
    shared = (Claim("src/types.ts", SHARED, Source.DECLARED, 9, path="plans/team.md"),)
    early, late = plan("A", "src/types.ts", phase=1), plan("B", "src/b.ts", phase=2)
    assert not checked(early, late, shared=shared).findings
    (finding,) = checked(late, plan("C", "src/types.ts", phase=2), shared=shared).findings
    assert (finding.rule, finding.level, finding.plans) == ("shared-file", Level.ERROR, ("C",))
    assert [place.path for place in finding.locations] == ["plans/C.md", "plans/team.md"]


def test_a_configured_shared_file_needs_to_be_listed() -> None:
    around = Surroundings(shared=("package.json",))
    assert rules(checked(plan("A", "package.json"), around=around), Level.ERROR) == ["shared-file"]
    assert not checked(plan("A", claim("package.json", SHARED)), around=around).findings


def test_plans_that_share_a_file_get_its_advice_once() -> None:
    answer = checked(*(plan(id, claim("package.json", SHARED)) for id in "ABC"))
    (finding,) = answer.findings
    assert (finding.rule, finding.level, finding.plans) == ("shared-file", Level.WARNING, ("A", "B", "C"))
    assert answer.verdict is Verdict.PARALLEL


def test_numbered_files_collide_without_a_common_path() -> None:
    left, right = plan("A", "db/migrate/1_a.rb"), plan("B", "db/migrate/1_b.rb")
    answer = checked(left, right)
    assert rules(answer) == ["sequence-folder"]
    assert [o.severity for o in answer.overlaps] == [Severity.NOTES]
    assert not checked(left, plan("B", "db/migrate/1_b.rb", needs=(need("A"),))).findings


def test_a_claim_inside_the_plans_own_never_is_an_error_and_a_never_inside_a_claim_is_not() -> None:
    assert rules(checked(plan("A", "src/db/x.ts", never=(claim("src/db/**"),))), Level.ERROR) == ["own-never"]
    assert not checked(plan("A", "src/**", never=(claim("src/db/**"),)), plan("B", "src/db/x.ts")).findings


def test_waves_and_marks_are_contradicted_and_never_obeyed() -> None:
    marked = (Task("one", 4, paths=("a.ts",), parallel=True), Task("two", 5, paths=("a.ts",), parallel=True))
    answer = checked(plan("A", "a.ts", wave=1, tasks=marked), plan("B", "b.ts", wave=1, needs=(need("A"),)))
    assert rules(answer, Level.WARNING) == ["parallel-hint", "parallel-hint"]
    assert answer.phases == (("A",), ("B",))


def test_two_plans_of_one_id_are_both_placed() -> None:
    answer = checked(plan("A", "a"), plan("agent-a", "b"))
    assert rules(answer) == ["duplicate-plan"]
    assert len({id for phase in answer.phases for id in phase}) == 2


def test_what_a_reader_had_to_say_is_a_finding_and_hides_no_plan() -> None:
    problem = Problem("unreadable-plan", "error", "no UTF-8", "plans/x.md", 3, 7)
    answer = check(PlanSet((plan("A", "a"),), problems=(problem,)), Surroundings(gate=False))
    assert rules(answer) == ["unreadable-plan", "no-gate"]
    assert answer.findings[0].locations[0].column == 7
    assert answer.phases == (("A",),)


def test_the_configuration_silences_a_rule_or_changes_how_loud_it_is() -> None:
    plans = (plan("A", "a"), plan("B", "a"), plan("C"))
    answer = checked(*plans, around=Surroundings(rules={"overlap": "warning", "no-ownership": "off"}))
    assert [(finding.rule, finding.level) for finding in answer.findings] == [("overlap", Level.WARNING)]


def test_every_rule_has_its_name_level_and_words() -> None:
    assert all(rule.summary and rule.explanation for rule in RULES.values())
    assert {"overlap", "shared-file", "no-ownership", "unknown-dependency"} <= RULES.keys()


def test_a_branch_is_the_declared_one_else_the_first_pattern() -> None:
    answer = checked(plan("Agent A", "a"), plan("B", "b", branch="feat/b"))
    assert answer.branches == {"Agent A": "agent-a", "B": "feat/b"}


def test_no_plan_at_all_gives_an_empty_answer() -> None:
    answer = checked()
    assert (answer.phases, answer.findings, answer.verdict) == ((), (), Verdict.SEQUENTIAL)


def test_a_plan_of_thousands_of_claims_is_still_compared_whole() -> None:
    many = plan("A", *(f"src/part{number}/*.ts" for number in range(3000)))
    answer = checked(many, plan("B", "src/part2999/x.ts"))
    assert [(o.plans, o.severity) for o in answer.overlaps] == [(("A", "B"), Severity.BLOCKS)]


def test_thousands_of_unknown_needs_are_all_reported() -> None:
    needs = tuple(need(f"nobody-{number}") for number in range(3000))
    assert len(checked(plan("A", "a", needs=needs), plan("B", "b")).findings) == 3000


def test_a_claim_on_a_link_means_what_the_link_means() -> None:
    around = Surroundings(links={"CLAUDE.md": "AGENTS.md", "web": "apps/web", "x": "y", "y": "x"})
    for left, right, paths in (
        ("CLAUDE.md", "AGENTS.md", ("AGENTS.md", "CLAUDE.md")),
        ("web/src/**", "apps/web/src/a.ts", ("apps/web/src/a.ts", "web")),
    ):
        answer = checked(plan("A", left), plan("B", right), around=around)
        assert [(o.severity, o.paths) for o in answer.overlaps] == [(Severity.BLOCKS, paths)]
    both = checked(plan("A", "CLAUDE.md"), plan("B", "CLAUDE.md"), around=around)
    assert [overlap.paths for overlap in both.overlaps] == [("CLAUDE.md",)]
    assert checked(plan("A", "x"), plan("B", "z"), around=around).phases == (("A", "B"),)


def test_who_reads_what_another_changes_comes_later_where_that_is_free() -> None:
    """C has to wait for A in any case, so that its reader B may as well."""
    plans = (plan("A", "a"), plan("B", claim("c", READ), "b"), plan("C", claim("c", write=Write.MODIFY), "a"))
    assert checked(*plans).phases == (("A",), ("B", "C"))


def test_hundreds_of_hostile_patterns_are_answered_within_bounds_and_say_perhaps() -> None:
    plans = [plan(f"P{n:02}", *(f"src/**/*a*{'?' * (m % 17)}*{n}*b{m}*" for m in range(20))) for n in range(40)]
    answer = checked(*plans)
    assert len(answer.overlaps) == 40 * 39 // 2
    assert any("perhaps" in overlap.reason for overlap in answer.overlaps)
