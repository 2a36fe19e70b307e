"""How long plans take and what they cost, on the numbers that practice reports."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitbot.model.plan import Plan, PlanId, Task
from gitbot.model.preflight import Estimate
from gitbot.preflight import Surroundings
from tests.preflight.plan_sets import checked, commit, done, event, hours, plan, tasks, waits


def estimated(*plans: Plan, **assumptions: float) -> Estimate:
    named = {name.replace("_", "-"): number for name, number in assumptions.items()}
    found = checked(*plans, around=Surroundings(assumptions=named)).estimate
    assert found is not None
    return found


def lasting(*lengths: float) -> list[Plan]:
    return [plan(id, f"{id}/**", minutes=hours(length)) for id, length in zip("ABCDEFG", lengths, strict=False)]


@pytest.mark.parametrize(
    ("lengths", "wall_clock", "speed_up"),
    [((2, 2, 1), 2, 2.5), ((3, 3, 3), 3, 3.0), ((4, 1), 4, 1.25), ((2, 2, 1, 1, 1), 2, 3.5), ((1.5, 1.5), 1.5, 2.0)],
)
def test_plans_of_one_phase_take_as_long_as_the_longest(
    lengths: tuple[float, ...], wall_clock: float, speed_up: float
) -> None:
    found = estimated(*lasting(*lengths))
    assert found.sequential == hours(sum(lengths))
    assert found.parallel == hours(wall_clock)
    assert found.speed_up == speed_up


def test_utilisation_is_the_work_in_the_time_of_all_agents() -> None:
    assert estimated(*lasting(3, 3, 3)).utilisation == 1.0
    assert estimated(*lasting(2, 2, 1)).utilisation == 0.83


def test_each_agent_asks_for_its_own_iterations_and_waiting_costs_nothing() -> None:
    """Ten iterations by each of three agents are thirty requests, one agent's ten are ten."""
    working = [plan(id, f"{id}/**", minutes=(20, 20)) for id in "ABC"]
    assert estimated(*working).requests["parallel"] == 30
    assert estimated(working[0]).requests == {"sequential": 10, "parallel": 10}
    waiting = plan("D", "d/**", minutes=(20, 20), needs=(waits("A"),))
    assert estimated(*working, waiting).requests == {"sequential": 40, "parallel": 40}


def test_three_agents_need_a_third_of_the_time_and_begin_more_iterations() -> None:
    third = (20 / 3, 20 / 3)
    found = estimated(*(plan(id, f"{id}/**", minutes=third) for id in "ABC"))
    assert found.sequential == hours(1 / 3)
    assert [round(end) for end in found.parallel] == [7, 7]
    assert found.requests == {"sequential": 10, "parallel": 12}


def test_fresh_sessions_read_less_than_one_that_grows() -> None:
    """Ten turns of 5k on average in each of three sessions, against thirty turns in one."""
    found = estimated(*(plan(id, f"{id}/**", minutes=(20, 20)) for id in "ABC"))
    assert round(found.tokens["fresh-sessions"], -3) == 150_000
    assert found.tokens["one-session"] > 300_000


def test_context_that_is_shared_is_loaded_once() -> None:
    tokens = estimated(*lasting(2, 2, 1)).tokens
    assert (tokens["sequential"], tokens["parallel"]) == (450_000, 150_000)


def test_planning_cycles_that_run_together_are_saved() -> None:
    """Ten cycles of back end beside ten of front end, then ten of integration."""
    found = estimated(
        plan("backend", "api/**", title="Cycle 11-20: Backend"),
        plan("frontend", "web/**", title="Cycle 11-20: Frontend"),
        plan("integration", "e2e/**", title="Cycles 31–40", needs=(waits("backend"), waits("frontend"))),
    )
    assert found.cycles == {"sequential": 30, "parallel": 20, "saved": 10}


def test_phases_are_barriers_and_the_critical_path_is_their_longest_plans() -> None:
    found = estimated(
        plan("A", "a", minutes=hours(1)),
        plan("B", "b", minutes=hours(3)),
        plan("C", "c", minutes=hours(2), needs=(waits("A"),)),
    )
    assert found.parallel == hours(5)
    assert found.critical_path == ("B", "C")
    assert [(span.plan, span.start, span.end) for span in found.timeline] == [
        ("A", 0, 60),
        ("B", 0, 180),
        ("C", 180, 300),
    ]


def test_one_who_tests_what_another_builds_follows_a_task_behind() -> None:
    builder = plan("A", "src/**", tasks=tasks("Implement parser", "Implement checker", "Implement reporter"))
    needs = tuple(commit("A", word, 10 + at) for at, word in enumerate(("parser", "checker", "reporter")))
    tester = plan("B", "tests/**", tasks=tasks("parser tests", "checker tests", "reporter tests"), needs=needs)
    found = estimated(builder, tester)
    assert found.sequential == hours(3)
    assert found.parallel == hours(2)
    assert found.critical_path == ("A", "B")


def test_a_wait_that_no_task_carries_holds_the_last_step_only() -> None:
    maker = plan("A", "a", minutes=hours(2), emits=(("schema_ready", 2),))
    user = plan("B", "b", minutes=hours(3), tasks=tasks("page", "form", "wiring"), needs=(event("schema_ready"),))
    assert estimated(maker, user).parallel == hours(3)


def test_tasks_count_by_their_own_minutes_else_by_the_assumed_and_only_while_open() -> None:
    stated = plan("A", "a", tasks=(*tasks("x", "y", minutes=10), done("z")))
    unstated = plan("B", "b", tasks=(*tasks("x", "y"), done("z")))
    finished = plan("C", "c", tasks=(done("x"),), minutes=hours(9))
    found = estimated(stated, unstated, finished, task_minutes=7)
    assert found.sequential == (34.0, 34.0)
    assert found.guessed == ("B",)
    assert found.assumptions["task-minutes"] == 7
    assert found.agents == 2


def test_both_ends_of_an_estimate_are_kept() -> None:
    found = estimated(plan("A", "a", minutes=(30, 90)), plan("B", "b", minutes=(60, 60)))
    assert (found.sequential, found.parallel) == ((90, 150), (60, 90))


def test_without_plans_there_is_nothing_to_estimate() -> None:
    assert checked().estimate is None


@given(
    st.lists(
        st.tuples(
            st.integers(0, 500),
            st.lists(st.integers(0, 90), max_size=4),
            st.lists(st.sampled_from(["A", "B", "C", "D", "a_done", "b_done"]), max_size=3),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_running_in_phases_never_takes_longer_than_one_after_the_other(
    drawn: list[tuple[int, list[int], list[str]]],
) -> None:
    plans = [
        plan(
            id,
            f"{id}/**",
            minutes=(minutes, minutes) if minutes else None,
            tasks=tuple(Task("do it", 10 + at, minutes=(each, each)) for at, each in enumerate(lengths)),
            needs=tuple(event(name) if "_" in name else waits(name) for name in names),
            emits=((f"{id.lower()}_done", 1),),
        )
        for id, (minutes, lengths, names) in zip("ABCD", drawn, strict=False)
    ]
    found = estimated(*plans)
    assert found.parallel[1] <= found.sequential[1] + 0.2
    assert 0 <= found.utilisation <= 1.01
    assert sorted(span.plan for span in found.timeline) == sorted(each.id for each in plans)
    assert set(found.critical_path) <= {PlanId(each.id) for each in plans}
