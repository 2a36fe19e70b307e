"""What ends a wait: what was seen, a failure that cancels, or time."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from gitbot.agents.waiting import End, NamedCommit, Waited, Wanted, look, wait
from gitbot.journal import events
from gitbot.model.event import Data, Event
from gitbot.model.git import RefName
from tests.conftest import Sandbox, SandboxMaker, step

MAIN = RefName("refs/heads/main")
CANCEL: Data = {"should_cancel": "true"}


def said(name: str, actor: str | None = None, group: str | None = None, data: Data | None = None) -> Event:
    return Event(time=1.0, event=name, actor=actor, group=group, data=data or {})


def ended(*known: Event, wanted: Wanted | None = None) -> End:
    return look(known, wanted or Wanted(("ready",))).end


@pytest.fixture
def box(sandbox: SandboxMaker) -> Sandbox:
    return sandbox(
        step("main", {"a": "1\n"}, "feat: parser of old"),
        step("agent-a", {"b": "1\n"}, "begin"),
        step("agent-a", {"b": "2\n"}, "feat: implement parser"),
        step("agent-a", {"b": "3\n"}, "more"),
    )


class Time:
    """A clock that only goes on while somebody sleeps; what happens meanwhile is told it in the order of time."""

    def __init__(self, *happenings: Callable[[], object]) -> None:
        self.now = 0.0
        self.left: Iterator[Callable[[], object]] = iter(happenings)

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds
        next(self.left, lambda: None)()


def waited(
    box: Sandbox, wanted: Wanted, time: Time, seconds: float | None = 30, told: list[object] | None = None
) -> Waited:
    heard: list[object] = [] if told is None else told
    return wait(box.repository, wanted, seconds=seconds, waiting=heard.append, clock=time.clock, sleep=time.sleep)


def emit(box: Sandbox, name: str, actor: str | None = None, data: Data | None = None) -> Callable[[], object]:
    return lambda: events.emit(box.repository, name, now=1.0, actor=actor, data=data)


# What counts


def test_what_was_emitted_before_counts() -> None:
    assert ended() is End.TIMED_OUT
    assert ended(said("other")) is End.TIMED_OUT
    assert ended(said("ready"), said("other")) is End.SEEN
    assert ended(said("READY")) is End.SEEN


def test_all_have_to_be_seen_unless_one_is_enough() -> None:
    both, one = Wanted(("ready", "tested")), Wanted(("ready", "tested"), every=False)
    assert ended(said("ready"), wanted=both) is End.TIMED_OUT
    assert look([said("ready")], both).missing == ("tested",)
    assert ended(said("tested"), said("ready"), wanted=both) is End.SEEN
    assert look([said("tested")], one) == Waited(End.SEEN, (said("tested"),), None, ("ready",))
    assert ended(said("other"), wanted=one) is End.TIMED_OUT


@pytest.mark.parametrize("actor", ["A", "a", "agent-a", "Agent A", "PLAN-A.md"])
def test_only_the_plan_asked_for_counts_however_it_is_written(actor: str) -> None:
    assert ended(said("ready", actor), wanted=Wanted(("ready",), source="A")) is End.SEEN
    assert ended(said("ready", "B"), said("ready"), wanted=Wanted(("ready",), source=actor)) is End.TIMED_OUT


def test_a_group_hears_its_own_only_and_who_asks_for_none_hears_all() -> None:
    grouped = Wanted(("ready",), group="g")
    assert ended(said("ready"), said("ready", group="h"), wanted=grouped) is End.TIMED_OUT
    assert ended(said("ready", group="g"), wanted=grouped) is End.SEEN
    assert ended(said("ready", group="h")) is End.SEEN
    assert ended(said("ready", group="g"), said("task_failed", "B", "h", CANCEL), wanted=grouped) is End.SEEN


def test_a_new_round_forgets_what_was_before_it() -> None:
    assert ended(said("ready"), said("round_started")) is End.TIMED_OUT
    assert ended(said("task_failed", data=CANCEL), said("round_started"), said("ready")) is End.SEEN
    grouped = Wanted(("ready",), group="g")
    assert ended(said("ready", group="g"), said("round_started"), wanted=grouped) is End.TIMED_OUT
    assert ended(said("ready", group="g"), said("round_started", group="g"), wanted=grouped) is End.TIMED_OUT
    assert ended(said("ready", group="g"), said("round_started", group="h"), wanted=grouped) is End.SEEN
    assert ended(said("ready"), said("round_started", group="g")) is End.SEEN
    assert ended(said("round_started"), wanted=Wanted(("round_started",))) is End.SEEN


# Failures


@pytest.mark.parametrize("key", ["should_cancel", "shouldCancelParallel"])
@pytest.mark.parametrize(
    ("value", "cancels"), [(True, True), ("true", True), ("Yes", True), (1, True), ("false", False)]
)
def test_a_failure_that_says_so_cancels(key: str, value: str | bool, cancels: bool) -> None:
    failure = said("task_failed", "A", data={key: value})
    assert look([failure], Wanted(("ready",))).failure == (failure if cancels else None)
    assert ended(failure) is (End.CANCELLED if cancels else End.TIMED_OUT)


def test_a_failure_cancels_even_where_all_was_seen_until_its_actor_speaks_again() -> None:
    failure = said("task_failed", "A", data=CANCEL)
    assert ended(said("ready", "A"), failure) is End.CANCELLED
    assert ended(failure, said("ready", "B")) is End.CANCELLED
    assert ended(failure, said("ready", "A")) is End.SEEN
    assert ended(failure, said("going_on", "A")) is End.TIMED_OUT


# Waiting


def test_a_wait_ends_when_the_last_event_comes_and_says_what_is_missing(box: Sandbox) -> None:
    told: list[object] = []
    time = Time(emit(box, "one"), lambda: None, emit(box, "two"))
    answer = waited(box, Wanted(("one", "two")), time, told=told)
    assert (answer.end, [event.event for event in answer.seen]) == (End.SEEN, ["one", "two"])
    assert told == [("one", "two"), ("two",)]
    assert time.now == pytest.approx(0.6)


def test_a_wait_for_what_is_there_does_not_wait(box: Sandbox) -> None:
    emit(box, "ready")()
    told: list[object] = []
    time = Time()
    assert waited(box, Wanted(("ready",)), time, seconds=0, told=told).end is End.SEEN
    assert (time.now, told) == (0.0, [])


def test_a_wait_is_over_when_its_time_is(box: Sandbox) -> None:
    time = Time(emit(box, "other"))
    answer = waited(box, Wanted(("ready",)), time, seconds=1.5)
    assert (answer.end, answer.missing) == (End.TIMED_OUT, ("ready",))
    assert time.now == pytest.approx(1.5)


def test_who_waits_learns_of_a_failure_at_once(box: Sandbox) -> None:
    time = Time(emit(box, "task_failed", "B", {"should_cancel": True, "error": "it broke"}), emit(box, "ready"))
    answer = waited(box, Wanted(("ready",)), time, seconds=None)
    assert answer.end is End.CANCELLED
    assert answer.failure is not None
    assert (answer.failure.actor, answer.failure.data["error"]) == ("B", "it broke")
    assert time.now == pytest.approx(0.2)


# Commits


def found(box: Sandbox, text: str, branch: str, *happenings: Callable[[], object]) -> str | None:
    wanted = Wanted(commit=NamedCommit(text, branch, MAIN))
    answer = waited(box, wanted, Time(*happenings), seconds=1)
    assert (answer.end is End.SEEN) == (answer.commit is not None)
    return answer.commit.subject if answer.commit is not None else None


def test_a_commit_of_the_branch_with_the_text_in_its_subject_is_enough(box: Sandbox) -> None:
    assert found(box, "Implement parser", "agent-a") == "feat: implement parser"
    assert found(box, "lexer", "agent-a") is None
    assert found(box, "parser", "agent-b") is None


def test_what_the_target_had_before_is_nothing_new(box: Sandbox) -> None:
    box.git("branch", "agent-b", "main")
    assert found(box, "parser", "agent-b") is None


def test_a_branch_may_come_later_here_or_on_a_remote(box: Sandbox) -> None:
    def make(ref: str) -> Callable[[], object]:
        return lambda: box.git("update-ref", ref, "agent-a")

    box.git("remote", "add", "hub", "nowhere")
    assert found(box, "parser", "agent-b", make("refs/heads/agent-b")) == "feat: implement parser"
    assert found(box, "parser", "agent-c", make("refs/remotes/hub/agent-c")) == "feat: implement parser"
    assert found(box, "parser", "hub/agent-d", make("refs/remotes/hub/agent-d")) == "feat: implement parser"


def test_what_has_landed_from_the_branch_still_counts(box: Sandbox) -> None:
    """Where the target was merely forwarded, the branch has nothing of its own any more."""
    before, tip = box.tip("main"), box.tip("agent-a")
    box.git("merge", "-q", "--ff-only", "agent-a")
    assert found(box, "parser", "agent-a") is None
    emit(box, "landed", data={"branch": "agent-a", "tip": tip, "before": before, "commit": tip})()
    assert found(box, "parser", "agent-a") == "feat: implement parser"
    assert found(box, "of old", "agent-a") is None


@pytest.mark.parametrize(
    "subject",
    [
        "Merge branch 'agent-a'",
        "Merge branch 'agent-a' into 'main'",
        "Merge remote-tracking branch 'origin/agent-a'",
        "Merge pull request #7 from somebody/agent-a",
        "Merged in agent-a (pull request #7)",
    ],
)
def test_what_a_person_merged_counts_whether_the_branch_is_still_there_or_not(box: Sandbox, subject: str) -> None:
    box.git("merge", "-q", "--no-ff", "-m", subject, "agent-a")
    for _ in range(2):
        assert found(box, "parser", "agent-a") == "feat: implement parser"
        assert found(box, "of old", "agent-a") is None
        assert found(box, "parser", "agent") is None
        box.git("branch", "-D", "agent-a", check=False)
    box.git("branch", "agent-a", "main")
    assert found(box, "parser", "agent-a") is None, "a new branch of this name has not begun"


def test_what_was_committed_here_counts_where_the_target_was_forwarded_to_it(box: Sandbox) -> None:
    box.git("checkout", "-q", "agent-a")
    box.git("commit", "-q", "--allow-empty", "-m", "feat: lexer")
    box.git("checkout", "-q", "main")
    box.git("merge", "-q", "--ff-only", "agent-a")
    assert found(box, "lexer", "agent-a") == "feat: lexer"


def test_what_an_agent_has_left_counts_when_its_branch_is_gone(box: Sandbox) -> None:
    tip, before = box.tip("agent-a"), box.tip("main")
    emit(box, "agent_ended", data={"branch": "agent-a", "tip": tip, "before": before})()
    box.git("merge", "-q", "--ff-only", "agent-a")
    box.git("branch", "-q", "-d", "agent-a")
    assert found(box, "parser", "agent-a") == "feat: implement parser"


def test_a_landing_that_names_no_commits_is_passed_over(box: Sandbox) -> None:
    rubbish: tuple[Data, ...] = (
        {},
        {"tip": "HEAD", "before": "x"},
        {"tip": "0" * 40, "before": "1" * 40},
        {"tip": ["a"]},
    )
    for data in rubbish:
        events.emit(box.repository, "landed", now=1.0, data={"branch": "agent-b", **data})
    assert found(box, "parser", "agent-b") is None


def test_events_and_a_commit_are_waited_for_together_or_one_of_them(box: Sandbox) -> None:
    commit = NamedCommit("parser", "agent-a", MAIN)
    both = waited(box, Wanted(("ready",), commit), Time(emit(box, "ready")))
    assert (both.end, len(both.seen), both.commit is not None) == (End.SEEN, 1, True)
    answer = waited(box, Wanted(("never",), commit, every=False), Time())
    assert (answer.end, answer.missing) == (End.SEEN, ("never",))
