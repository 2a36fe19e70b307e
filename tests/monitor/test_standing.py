"""How far an agent is, by its plan and by what it says."""

from __future__ import annotations

import pytest

from gitbot.model.event import Event, Scalar
from gitbot.model.plan import Plan, PlanId, Task, TaskState
from gitbot.monitor.standing import Standing, standing


def plan(*states: TaskState, name: str = "a") -> Plan:
    tasks = tuple(Task(f"task {number}", number, state) for number, state in enumerate(states, 1))
    return Plan(id=PlanId(name), path=f"plans/{name}.md", format="canonical", tasks=tasks)


HALF = plan(TaskState.DONE, TaskState.OPEN, TaskState.SKIPPED)


def event(name: str, at: float = 1.0, **data: str | int | float) -> Event:
    return Event(time=at, event=name, actor="a", data=dict(data))


def test_ticks_are_counted_without_what_was_skipped() -> None:
    found = standing([HALF], {"plans/a.md": "# a\n"}, [])
    assert (found.tasks, found.percent, found.done, found.stuck) == ((1, 2), 50, False, None)
    assert found.ticked == ("task 1",)
    assert standing([plan(TaskState.DONE)], {}, []).done
    assert standing([], {}, []) == Standing()


@pytest.mark.parametrize(
    ("text", "done", "stuck"),
    [
        ("STUCK: no key in .env", False, "no key in .env"),
        ("> **STUCK** — no key", False, "no key"),
        ("- STUCK", False, "no reason given"),
        ("## DONE", False, None),
        ("DONE: all green\n", True, None),
        ("STUCK: no key\nDONE\n", True, None),
        ("DONE\nSTUCK: tests are red\n", False, "tests are red"),
        ("say STUCK: when you are\nDONE when the tests pass\nSTUCKNESS: x\n", False, None),
    ],
)
def test_the_last_word_in_the_plan_counts(text: str, done: bool, stuck: str | None) -> None:
    found = standing([HALF], {"plans/a.md": f"# Agent a\n\n{text}\n"}, [])
    assert (found.done, found.stuck) == (done, stuck)


@pytest.mark.parametrize(
    ("data", "percent"),
    [
        ({"percent": 80}, 80),
        ({"progress": "80%"}, 80),
        ({"progress": 0.8}, 80),
        ({"completed": 4, "total": 5}, 80),
        ({"percent": 800}, 100),
        ({"percent": "nan of it"}, 50),
        ({"completed": 4, "total": 0}, 50),
        ({}, 50),
    ],
)
def test_progress_update_overrides_the_ticks(data: dict[str, Scalar], percent: int) -> None:
    assert standing([HALF], {}, [Event(time=1, event="progress_update", actor="a", data={**data})]).percent == percent


def test_of_what_is_said_the_newest_counts() -> None:
    stuck, going = event("stuck", reason="no key"), event("progress_update", percent=60)
    assert standing([HALF], {}, [stuck]).stuck == "no key"
    assert standing([HALF], {}, [stuck, going]).stuck is None
    assert standing([HALF], {}, [stuck, event("DONE")]).done
    assert not standing([HALF], {}, [event("done"), stuck]).done


def test_who_is_started_again_has_said_nothing_yet() -> None:
    before = [event("agent_started", 1), event("stuck", 2, reason="no key"), event("agent_ended", 3, status=1)]
    found = standing([HALF], {}, before)
    assert (found.since, found.stuck) == (1, "no key")
    assert found.ended is not None
    again = standing([HALF], {}, [*before, event("agent_started", 4)])
    assert (again.since, again.stuck, again.ended) == (4, None, None)
    assert not standing([HALF], {}, [event("done"), event("agent_started", 4)]).done


def test_what_is_said_in_one_plan_speaks_for_no_other_plan_of_the_branch() -> None:
    """A branch that holds two plans is done when each is: by its own file, its own ticks or its own event."""
    other = plan(TaskState.OPEN, name="b")
    one = {"plans/a.md": "DONE"}
    assert not standing([HALF, other], one, []).done
    assert standing([HALF, other], one | {"plans/b.md": "DONE"}, []).done
    assert standing([HALF, other], one, [Event(time=1, event="done", actor="b")]).done
    assert standing([HALF, plan(TaskState.DONE, name="b")], one, []).done
    assert standing([HALF, other], {}, [Event(time=1, event="done", actor="agent-A")], "agent-a").done
    assert standing([HALF, other], one | {"plans/b.md": "STUCK: no key"}, []).stuck == "no key"


def test_stuck_in_the_plan_stands_whatever_was_said_in_an_earlier_round() -> None:
    for before in (["done"], ["ready", "agent_started"], ["done", "landed"]):
        found = standing([HALF], {"plans/a.md": "STUCK: no key"}, [event(name) for name in before])
        assert (found.done, found.stuck) == (False, "no key")


def test_a_long_reason_is_one_too() -> None:
    found = standing([HALF], {"plans/a.md": f"STUCK: {'x' * 3000}"}, [])
    assert found.stuck == "x" * 501


@pytest.mark.parametrize("again", ["agent_started", "landed"])
def test_who_begins_anew_is_as_far_as_the_ticks_say(again: str) -> None:
    for before in (event("done"), event("progress_update", percent=80)):
        assert standing([HALF], {}, [before, event(again)]).percent == 50
