"""Records folded into a document, and what a kill between two of them means."""

from __future__ import annotations

import pytest

from gitbot.landing.document import fold
from gitbot.landing.recovery import Fate, fate, open_intent
from gitbot.model import run as records_of_runs
from gitbot.model.gate import GateKey, GateResult, GateVerdict
from gitbot.model.git import BranchName, Oid, RefName
from gitbot.model.run import (
    BranchReport,
    Entry,
    Finished,
    Landed,
    Landing,
    Moved,
    Outcome,
    Reason,
    Record,
    Request,
    RunId,
    Settled,
    Started,
    Undone,
)

MAIN = RefName("refs/heads/main")
ONE, TWO, THREE = (Oid(str(number) * 40) for number in (1, 2, 3))


def entry(name: str) -> Entry:
    return Entry(name=BranchName(name), tip=ONE, backup=RefName("refs/gitbot/backup/x/001"))


def report(name: str, outcome: Outcome = Outcome.LANDED) -> BranchReport:
    return BranchReport(branch=BranchName(name), tip=ONE, outcome=outcome, why="")


STARTED = Started(
    run=RunId("20260101T000000Z-0000"),
    time=1.0,
    request=Request(names=("a", "b"), target=MAIN, gate="true"),
    before=ONE,
    identity=("Grace", "grace@example.org"),
    entries=(entry("a"), entry("b")),
    config={},
)
LANDING = Landing(ref=MAIN, steps=(Landed(before=ONE, after=TWO, report=report("a")),))
SETTLED = Settled(report=report("a"))
DONE = Finished(time=9.0, state="done", after=TWO)


def seen(verdict: GateVerdict, *, cached: bool = False) -> Record:
    """One run of the gate."""
    result = GateResult(GateKey("key"), ONE, verdict, 0, 1.5, None, None, ONE, STARTED.run, 2.0)
    return records_of_runs.Tested(branches=(BranchName("a"),), result=result, cached=cached)


def test_a_finished_run_folds_into_its_document() -> None:
    passed, failed = seen(GateVerdict.PASSED), seen(GateVerdict.FAILED)
    aside = Settled(report=report("b", Outcome.SET_ASIDE))
    run = fold([STARTED, failed, passed, LANDING, SETTLED, seen(GateVerdict.PASSED, cached=True), aside, DONE])
    assert [one.outcome for one in run.branches] == [Outcome.LANDED, Outcome.SET_ASIDE]
    assert (run.target, run.before, run.after, run.state) == ("main", ONE, TWO, "done")
    assert (run.gate.runs, run.gate.cached, run.gate.failed, run.gate.seconds) == (2, 1, 1, 3.0)


def test_a_branch_without_an_end_waits_and_says_for_what() -> None:
    running = fold([STARTED, LANDING, SETTLED])
    assert (running.state, running.after) == ("running", TWO)
    assert [(one.outcome, one.reason) for one in running.branches[1:]] == [(Outcome.WAITING, Reason.INTERRUPTED)]
    red = fold([STARTED, Finished(time=9.0, state="stopped", after=ONE, message="red", exit_code=3)])
    assert {(one.outcome, one.reason, one.why) for one in red.branches} == {
        (Outcome.WAITING, Reason.TARGET_RED, "red")
    }


def test_an_intent_that_was_not_settled_is_no_landing() -> None:
    run = fold([STARTED, LANDING])
    assert {one.outcome for one in run.branches} == {Outcome.WAITING}


def test_what_the_run_itself_landed_is_told_apart_from_what_others_put_between() -> None:
    four = Oid("4" * 40)
    second, third = (
        Landing(ref=MAIN, steps=(Landed(before=old, after=new, report=report(name)),))
        for name, old, new in (("b", TWO, THREE), ("b", THREE, four))
    )
    moved = [Moved(before=TWO, after=THREE)]
    b = Settled(report=report("b"))
    assert fold([STARTED, Moved(before=ONE, after=THREE), DONE]).spans == ()
    assert fold([STARTED, LANDING, SETTLED, second, b, DONE]).spans == ((ONE, THREE),)
    assert fold([STARTED, LANDING, SETTLED, *moved, third, b, DONE]).spans == ((ONE, TWO), (THREE, four))


def test_an_undone_run_says_so() -> None:
    assert fold([STARTED, LANDING, SETTLED, DONE, Undone(time=10.0, to=ONE, by_revert=False)]).state == "undone"


@pytest.mark.parametrize(
    ("outcomes", "dry", "code"),
    [
        ((Outcome.LANDED, Outcome.ALREADY_LANDED), False, 0),
        ((Outcome.EMPTY, Outcome.LANDED), False, 0),
        ((Outcome.LANDED, Outcome.SET_ASIDE), False, 1),
        ((Outcome.LANDED, Outcome.WAITING), False, 1),
        ((Outcome.WAITING, Outcome.WAITING), True, 0),
    ],
)
def test_the_exit_code_is_that_of_the_worst_branch(outcomes: tuple[Outcome, Outcome], dry: bool, code: int) -> None:
    ends = [Settled(report=report(name, outcome)) for name, outcome in zip("ab", outcomes, strict=True)]
    records: list[Record] = [STARTED, *ends, DONE]
    assert fold(records, dry_run=dry).exit_code == code


def test_a_run_that_had_to_stop_leaves_with_the_code_of_its_reason() -> None:
    records: list[Record] = [STARTED, SETTLED, Finished(time=9.0, state="stopped", after=TWO, exit_code=4)]
    assert fold(records).exit_code == 4


def test_only_the_last_announced_landing_can_be_open() -> None:
    assert open_intent([STARTED]) is None
    assert open_intent([STARTED, LANDING]) is LANDING
    assert open_intent([STARTED, LANDING, SETTLED]) is None
    assert open_intent([STARTED, LANDING, Moved(before=ONE, after=THREE)]) is None
    both = Landing(ref=MAIN, steps=(*LANDING.steps, Landed(before=TWO, after=THREE, report=report("b"))))
    assert open_intent([STARTED, both, SETTLED]) is both
    assert open_intent([STARTED, both, SETTLED, Settled(report=report("b"))]) is None


@pytest.mark.parametrize(
    ("target", "contains", "expected"),
    [
        (TWO, False, Fate.HAPPENED),
        (THREE, True, Fate.HAPPENED),
        (ONE, False, Fate.DID_NOT),
        (THREE, False, Fate.OVERTAKEN),
    ],
)
def test_the_reference_says_what_became_of_an_intent(target: Oid, contains: bool, expected: Fate) -> None:
    assert fate(LANDING, target, contains_after=contains) is expected
