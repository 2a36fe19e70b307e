"""The four questions before working in parallel, with their evidence."""

from __future__ import annotations

import pytest

from gitbot.model.plan import Plan
from gitbot.model.preflight import History
from gitbot.preflight import Surroundings
from tests.preflight.plan_sets import checked, done, hours, plan, reads, shares, tasks, waits

INDEPENDENT, EASY, SUBSTANTIAL, ATTENDED = range(4)


def answers(*plans: Plan, around: Surroundings | None = None) -> list[str]:
    return [question.answer for question in checked(*plans, around=around).questions]


def evidence(number: int, *plans: Plan, around: Surroundings | None = None) -> tuple[str, ...]:
    return checked(*plans, around=around).questions[number].evidence


def test_the_questions_stand_in_the_order_in_which_a_no_ends_the_discussion() -> None:
    apart = [plan(id, f"{id}/**", minutes=hours(1)) for id in "AB"]
    answer = checked(*apart, around=Surroundings(attended=True))
    assert [(question.question, question.answer) for question in answer.questions] == [
        ("Is the work truly independent?", "yes"),
        ("Will conflicts be easy to resolve?", "yes"),
        ("Is each task substantial (30+ min)?", "yes"),
        ("Do you have time to monitor and merge?", "yes"),
    ]
    assert all(question.evidence for question in answer.questions)


@pytest.mark.parametrize(
    ("second", "why"),
    [
        (plan("B", "src/x.ts"), "A and B: both write it: src/x.ts"),
        (plan("B", "b", needs=(waits("A"),)), "B comes after A: waits for A"),
        (plan("B", "b", reads("src/x.ts")), "used in the phase in which it is made: B reads src/x.ts of A"),
    ],
    ids=["overlap", "dependency", "coupling"],
)
def test_what_ties_two_plans_is_evidence_against_independence(second: Plan, why: str) -> None:
    first = plan("A", "src/x.ts")
    assert answers(first, second)[INDEPENDENT] == "no"
    assert evidence(INDEPENDENT, first, second)[0] == why


def test_unknown_files_and_a_lone_plan_leave_independence_unknown() -> None:
    assert answers(plan("A", "a"), plan("B"))[:2] == ["unknown", "unknown"]
    assert answers(plan("A", "a"))[INDEPENDENT] == "unknown"


@pytest.mark.parametrize(
    ("left", "right", "answer", "why"),
    [
        (plan("A", "src/x.ts"), plan("B", "src/x.ts"), "no", "code: a person decides"),
        (plan("A", "CHANGELOG.md"), plan("B", "CHANGELOG.md"), "yes", "keep the additions of both sides"),
        (plan("A", "package.json"), plan("B", "package.json"), "no", "add all dependencies in a first phase"),
        (plan("A", shares("x.ts")), plan("B", shares("x.ts")), "yes", "additions of both can be kept"),
        (plan("A", "x.ts"), plan("B", "x.ts", needs=(waits("A"),)), "yes", "no conflict is expected"),
    ],
)
def test_conflicts_are_easy_where_both_sides_can_be_kept(left: Plan, right: Plan, answer: str, why: str) -> None:
    assert answers(left, right)[EASY] == answer
    assert why in evidence(EASY, left, right)[0]


def test_the_past_of_a_contested_file_is_told() -> None:
    around = Surroundings(history=History(contested={"src/x.ts": 7}))
    told = evidence(EASY, plan("A", "src/x.ts"), plan("B", "src/x.ts"), around=around)
    assert told[0].endswith("both sides of 7 past merges changed it")


def test_a_small_task_is_no_and_a_missing_estimate_unknown() -> None:
    hour = plan("A", "a", minutes=hours(1))
    assert answers(hour, plan("B", "b", tasks=tasks("x", minutes=10)))[SUBSTANTIAL] == "no"
    assert evidence(SUBSTANTIAL, hour, plan("B", "b", tasks=tasks("x", minutes=10))) == ("B: 10 minutes",)
    assert answers(hour, plan("B", "b", tasks=tasks("x")))[SUBSTANTIAL] == "unknown"
    assert answers(hour, plan("B", "b", tasks=(done("x"),)))[SUBSTANTIAL] == "yes"
    assert answers()[SUBSTANTIAL] == "unknown"


@pytest.mark.parametrize(("said", "answer"), [(True, "yes"), (False, "no"), (None, "unknown")])
def test_who_watches_is_asked_of_the_configuration(said: bool | None, answer: str) -> None:
    around = Surroundings(attended=said)
    assert answers(plan("A", "a"), around=around)[ATTENDED] == answer
    assert "attended = " in evidence(ATTENDED, plan("A", "a"), around=around)[0]


def test_long_evidence_is_cut_with_a_number() -> None:
    told = evidence(INDEPENDENT, *(plan(id, "src/x.ts") for id in "ABCDE"))
    assert len(told) == 5
    assert told[-1] == "and 6 more"
