"""The rules of how work is divided: each fires on what it warns of and is silent on what is fine."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitbot.model.plan import Plan, PlanId, Task, TaskState
from gitbot.model.preflight import Finding, Level
from gitbot.preflight import RULES, Surroundings
from tests.preflight.plan_sets import checked, done, event, hours, of_rule, plan, reads, tasks, waits

OPINIONS = (
    "parallel-hint", "tiny-task", "too-many-agents", "missing-context", "missing-acceptance", "layer-order",
    "coupling-without-event", "event-name", "event-unmatched", "no-failure-handling", "no-gate",
)  # fmt: skip


def only(found: list[Finding]) -> Finding:
    (finding,) = found
    return finding


def test_opinions_are_rules_with_words_of_their_own_and_never_errors() -> None:
    for name in OPINIONS:
        assert RULES[name].level is not Level.ERROR
        assert RULES[name].explanation


@given(
    st.lists(
        st.tuples(st.text(max_size=60), st.lists(st.text(max_size=80), max_size=3), st.text(max_size=30)), max_size=4
    )
)
def test_opinions_about_any_text_are_no_errors(drawn: list[tuple[str, list[str], str]]) -> None:
    plans = [
        plan(f"p{at}", f"{at}/**", title=title, tasks=tasks(*texts), emits=((emitted, 2),))
        for at, (title, texts, emitted) in enumerate(drawn)
    ]
    assert not [each for each in checked(*plans).findings if each.rule in OPINIONS and each.level is Level.ERROR]


def test_a_rule_can_be_silenced() -> None:
    plans = (plan("A", "a", minutes=(5, 5)), plan("B", "b", minutes=(5, 5)))
    assert of_rule("tiny-task", *plans)
    assert not of_rule("tiny-task", *plans, around=Surroundings(rules={"tiny-task": "off"}))


# parallel by default


def test_plans_that_say_nothing_and_would_start_together_are_named_in_one_finding() -> None:
    finding = only(of_rule("no-ownership", plan("A"), plan("B"), plan("C"), plan("D", "d")))
    assert (finding.plans, finding.level) == (("A", "B", "C"), Level.WARNING)
    assert "parallel by default" in finding.message


def test_unknown_plans_that_wait_for_others_are_not_parallel_by_default() -> None:
    finding = only(of_rule("no-ownership", plan("A"), plan("B", needs=(waits("A"),))))
    assert finding.plans == ("A", "B")
    assert "by default" not in finding.message


def test_names_that_could_not_be_resolved_are_listed() -> None:
    finding = only(of_rule("no-ownership", plan("A", unresolved=("till.ts",)), plan("B", "b")))
    assert finding.message.endswith("named but not understood: till.ts")


# parallel: false


def test_a_plan_that_asks_to_run_alone_does() -> None:
    answer = checked(plan("A", "a"), plan("B", "b", parallel=False), plan("C", "c"))
    assert sorted(map(sorted, answer.phases)) == [["A", "C"], ["B"]]
    assert answer.why[PlanId("B")] == "runs alone, as it asks"


@pytest.mark.parametrize("title", ["Debug the flaky login", "Spike: websockets", "Investigate slow queries"])
def test_work_that_finds_out_what_to_do_had_better_run_alone(title: str) -> None:
    finding_out, other = plan("A", "a", title=title), plan("B", "b")
    finding = only(of_rule("parallel-hint", finding_out, other))
    assert (finding.level, finding.plans) == (Level.NOTE, ("A",))
    assert "`parallel: false`" in (finding.hint or "")
    assert not of_rule("parallel-hint", replace(finding_out, parallel=False), other)


def test_tasks_that_find_out_count_by_their_first_words() -> None:
    exploring = plan("A", "a", tasks=tasks("Explore the old parser", "Investigate its errors", "Write it down"))
    assert of_rule("parallel-hint", exploring, plan("B", "b"))
    assert not of_rule("parallel-hint", plan("A", "a", title="Discovery page"), plan("B", "b"))
    assert not of_rule("parallel-hint", exploring, plan("B", "a"))


# waves and marks


def test_waves_are_compared_within_a_phase_only_and_told_together() -> None:
    early = [plan(id, "src/x.ts", wave=1, phase=1) for id in "AB"]
    late = [plan(id, "src/y.ts", wave=1, phase=2) for id in "CD"]
    finding = only(of_rule("parallel-hint", *early, *late))
    assert finding.message == "plans of one wave write the same: src/x.ts (A and B) and src/y.ts (C and D)"
    assert not of_rule("parallel-hint", early[0], late[0])


def test_marks_count_while_their_tasks_are_open() -> None:
    marked = [Task("write it", 10 + at, paths=("src/x.ts",), parallel=True) for at in range(2)]
    assert only(of_rule("parallel-hint", plan("A", "src/x.ts", tasks=tuple(marked)))).plans == ("A",)
    half = (marked[0], replace(marked[1], state=TaskState.DONE))
    assert not of_rule("parallel-hint", plan("A", "src/x.ts", tasks=half))


# tiny-task


def test_less_than_half_an_hour_beside_others_is_tiny_with_the_number() -> None:
    small, large = plan("A", "a", tasks=tasks("x", "y", minutes=10)), plan("B", "b", minutes=hours(1))
    finding = only(of_rule("tiny-task", small, large))
    assert (finding.message, finding.level) == ("less than 30 minutes of work in A (20 minutes)", Level.WARNING)


@pytest.mark.parametrize(
    "other",
    [
        plan("B", "b", minutes=(30, 30)),
        plan("B", "b", minutes=(15, 60)),
        plan("B", "b", tasks=tasks("x")),
        plan("B", "b", minutes=(5, 5), needs=(waits("A"),)),
        plan("B", "b", minutes=(5, 5), tasks=(done("x"),)),
    ],
    ids=["thirty", "thirty on average", "unstated", "alone in its phase", "done"],
)
def test_work_that_is_larger_unstated_done_or_alone_is_not_tiny(other: Plan) -> None:
    assert not of_rule("tiny-task", plan("A", "a", minutes=hours(1)), other)


# too-many-agents


def crowd(count: int, tasks_each: int, *, folders: int, minutes: float | None = None) -> list[Plan]:
    return [
        plan(f"p{at}", f"f{at % folders}/{at}.ts", tasks=tasks(*["work"] * tasks_each, minutes=minutes))
        for at in range(count)
    ]


def test_four_agents_are_too_many_for_simple_work() -> None:
    finding = only(of_rule("too-many-agents", *crowd(4, 2, folders=1, minutes=30)))
    assert finding.message == (
        "4 agents at one time (p0, p1, p2 and p3) for simple work (hours: 4.0, open tasks: 8, folders: 1), "
        "which bears 3"
    )
    assert not of_rule("too-many-agents", *crowd(3, 2, folders=1, minutes=30))


def test_complex_work_bears_five_agents_and_large_work_any_number() -> None:
    assert not of_rule("too-many-agents", *crowd(5, 4, folders=5))
    assert "complex" in only(of_rule("too-many-agents", *crowd(6, 4, folders=5))).message
    assert not of_rule("too-many-agents", *crowd(12, 4, folders=12))


def test_ten_tiny_tasks_do_not_bear_ten_agents() -> None:
    assert of_rule("too-many-agents", *crowd(10, 1, folders=10, minutes=10))


def test_where_every_hour_is_assumed_too_many_agents_are_a_note() -> None:
    assert only(of_rule("too-many-agents", *crowd(6, 4, folders=5))).level is Level.NOTE
    assert only(of_rule("too-many-agents", *crowd(6, 4, folders=5, minutes=30))).level is Level.WARNING
    assert not of_rule("too-many-agents", *(plan(f"p{at}", f"{at}/**", minutes=(0, 0)) for at in range(9)))


def test_plans_that_never_run_together_or_say_nothing_of_their_work_are_not_too_many() -> None:
    one_by_one = [
        replace(each, needs=tuple(waits(f"p{earlier}") for earlier in range(at)))
        for at, each in enumerate(crowd(6, 1, folders=1))
    ]
    assert not of_rule("too-many-agents", *one_by_one)
    assert not of_rule("too-many-agents", *(plan(f"p{at}", f"{at}/**") for at in range(9)))


# missing-context, missing-acceptance


WORKING = (plan("A", "a", tasks=tasks("Build it")), plan("B", "b", title="Something else"))


def test_plans_that_know_no_common_document_are_noted_together() -> None:
    finding = only(of_rule("missing-context", *WORKING))
    assert (finding.plans, finding.level) == (("A", "B"), Level.NOTE)


def test_one_plan_or_plans_without_work_need_no_context() -> None:
    assert not of_rule("missing-context", WORKING[0])
    assert not of_rule("missing-context", plan("A", "a"), plan("B", "b"))


def test_a_specification_beside_the_plans_is_context_for_all() -> None:
    assert not of_rule("missing-context", *WORKING, around=Surroundings(beside=("plans/SPEC.md",)))
    assert of_rule("missing-context", *WORKING, around=Surroundings(beside=("plans/notes.txt",)))


def test_a_document_that_is_read_or_a_topic_is_context() -> None:
    reading = plan("A", "a", reads("docs/design.md"), tasks=tasks("Build it"))
    speaking = plan("B", "b", title="Something else", topics=("context",))
    assert not of_rule("missing-context", reading, speaking)
    assert only(of_rule("missing-context", reading, WORKING[1])).plans == ("B",)


def test_context_said_once_in_a_file_holds_for_all_plans_of_it() -> None:
    roster = [replace(each, path="plans/roster.md") for each in WORKING]
    assert not of_rule("missing-context", roster[0], replace(roster[1], topics=("context",)))


@pytest.mark.parametrize(
    "more",
    [{"topics": ("acceptance",)}, {"tests": ("npm test",)}, {"tasks": tasks("Build it", "Write parser tests")}],
    ids=["topic", "tests", "task"],
)
def test_acceptance_is_a_topic_a_tests_key_or_a_task_that_tests(more: dict[str, object]) -> None:
    assert only(of_rule("missing-acceptance", *WORKING)).plans == ("A", "B")
    accepted = [plan(id, id, title="Work on it", **more) for id in "AB"]
    assert not of_rule("missing-acceptance", *accepted)


# no-gate


def test_a_missing_gate_is_a_note() -> None:
    assert only(of_rule("no-gate", plan("A", "a"), around=Surroundings(gate=False))).level is Level.NOTE
    assert not of_rule("no-gate", plan("A", "a"))


def test_finished_plans_do_not_count_as_agents_or_lack_anything() -> None:
    finished = [replace(each, tasks=(done("x"),)) for each in crowd(6, 1, folders=1)]
    assert not of_rule("too-many-agents", *finished)
    assert not of_rule("missing-acceptance", *finished)


def test_events_do_not_make_plans_that_are_done_count_as_running() -> None:
    finished = plan("A", "a", tasks=(done("x"),), minutes=(5, 5), emits=(("a_done", 1),))
    assert not of_rule("tiny-task", finished, plan("B", "b", minutes=hours(1), needs=(event("a_done"),)))
