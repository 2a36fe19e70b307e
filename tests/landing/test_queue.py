"""What the plain queue does next, from facts alone."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitbot.landing import queue
from gitbot.landing.queue import (
    Close,
    Done,
    Examine,
    Facts,
    Hold,
    Land,
    Link,
    Running,
    SetAside,
    Sighting,
    Standing,
    Step,
    TargetRed,
    Wait,
    decide,
    standing,
)
from gitbot.model.gate import GateVerdict
from gitbot.model.git import BranchName, Oid, RefName
from gitbot.model.merge import Candidate, Conflict, Nothing, Resolution, Strategy
from gitbot.model.run import BranchReport, Entry, Outcome, Reason

PASSED, FAILED, LATE = GateVerdict.PASSED, GateVerdict.FAILED, GateVerdict.TIMED_OUT
TARGET, TIP = Oid("0" * 39 + "1"), Oid("0" * 39 + "2")


def entry(name: str, *, needs: tuple[str, ...] = (), missing: tuple[str, ...] = (), phase: int = 0) -> Entry:
    wanted = tuple(BranchName(need) for need in needs)
    backup = RefName("refs/gitbot/backup/x/001")
    return Entry(name=BranchName(name), tip=oid(name), needs=wanted, missing=missing, phase=phase, backup=backup)


def oid(text: str) -> Oid:
    return Oid(text.encode().hex().rjust(40, "0"))


def candidate(name: str, tree: str = "tree", *, both: bool = False) -> Candidate:
    resolved = (Resolution("CHANGELOG.md", "insert-both", 2, oid("ours"), oid("theirs")),) if both else ()
    return Candidate(
        BranchName(name), oid(name), TARGET, oid("c" + name), oid(tree), (), Strategy.REBASE, "", resolved
    )


def report(name: str, outcome: Outcome) -> BranchReport:
    return BranchReport(branch=BranchName(name), tip=oid(name), outcome=outcome, why="")


def seen_of(tree: Oid, *verdicts: GateVerdict, fresh: bool = True) -> tuple[Sighting, ...]:
    return tuple(Sighting(tree, (), verdict, fresh) for verdict in verdicts)


def on_tip(**found: queue.Examined) -> dict[tuple[BranchName, Oid], queue.Examined]:
    return {(BranchName(name), TIP): one for name, one in found.items()}


A = entry("a")
GREEN = Facts(entries=(A,), reports={}, examined={}, sightings=seen_of(TARGET, PASSED), tip=TIP, tree=TARGET)


def after(*seen: GateVerdict, both: bool = False, target: tuple[GateVerdict, ...] = (PASSED,)) -> Step:
    """The next step for a branch whose tree has been seen so often."""
    one = candidate("a", both=both)
    seen_so_far = seen_of(one.tree, *seen) + seen_of(TARGET, *target)
    facts = replace(GREEN, examined=on_tip(a=(one,)), sightings=seen_so_far)
    return decide(facts)[0]


def test_a_branch_is_examined_then_tested_then_landed() -> None:
    one = candidate("a")
    assert decide(GREEN) == (Examine(A, TIP),)
    assert after() == queue.Test((Link(A, one),))
    assert after(PASSED) == Land((Link(A, one),))


def test_without_a_gate_a_candidate_lands_at_once() -> None:
    facts = replace(GREEN, gated=False, examined=on_tip(a=(candidate("a"),)))
    assert decide(facts) == (Land((Link(A, candidate("a")),)),)


def test_a_gate_that_could_not_be_carried_out_blames_nobody() -> None:
    broken = GateVerdict.BROKEN
    assert after(broken, target=(broken, broken)) == TargetRed()
    assert after(broken, broken) == SetAside(A, Reason.INFRA, candidate("a"))


def test_nobody_is_rejected_before_the_target_has_passed_and_the_red_was_confirmed() -> None:
    one = candidate("a")
    assert after(FAILED, target=()) == queue.TestTarget()
    assert after(FAILED) == queue.Test((Link(A, one),))
    assert after(FAILED, FAILED) == SetAside(A, Reason.GATE, one)
    assert after(FAILED, PASSED) == Land((Link(A, one),))


def test_a_red_target_stops_everything() -> None:
    assert after(FAILED, target=(FAILED,)) == queue.TestTarget()
    assert after(FAILED, target=(FAILED, FAILED)) == TargetRed()


def test_a_red_resolution_is_a_conflict_and_no_gate_matter() -> None:
    assert after(FAILED, FAILED, both=True) == SetAside(A, Reason.CONFLICT, candidate("a", both=True))


def test_the_second_variant_is_tried_when_the_first_is_red() -> None:
    first, second = candidate("a", "one", both=True), candidate("a", "two", both=True)
    seen = seen_of(TARGET, PASSED) + seen_of(first.tree, FAILED, FAILED)
    facts = replace(GREEN, examined=on_tip(a=(first, second)), sightings=seen)
    assert decide(facts) == (queue.Test((Link(A, second),)),)


def test_a_branch_with_nothing_to_land_is_closed() -> None:
    nothing = Nothing(A.name, A.tip, True, "")
    assert decide(replace(GREEN, examined=on_tip(a=nothing))) == (Close(A, nothing),)


def test_trespass_comes_before_conflict() -> None:
    conflict = Conflict(A.name, A.tip, TARGET, (), "")
    facts = replace(GREEN, examined=on_tip(a=conflict))
    assert decide(facts) == (SetAside(A, Reason.CONFLICT, conflict),)
    assert decide(replace(facts, trespass=frozenset([(A.name, TIP)]))) == (SetAside(A, Reason.OWNERSHIP, conflict),)


def test_a_branch_is_blocked_by_a_need_that_was_set_aside() -> None:
    b = entry("b", needs=("a",))
    facts = replace(GREEN, entries=(A, b), reports={A.name: report("a", Outcome.SET_ASIDE)})
    assert decide(facts) == (SetAside(b, Reason.BLOCKED, partner=A.name),)


@pytest.mark.parametrize("outcome", [Outcome.LANDED, Outcome.ALREADY_LANDED, Outcome.EMPTY, Outcome.WAITING])
def test_a_need_that_landed_blocks_nobody(outcome: Outcome) -> None:
    """Nor one that would land: a report only says `waiting` in a dry run."""
    b = entry("b", needs=("a",))
    assert decide(replace(GREEN, entries=(A, b), reports={A.name: report("a", outcome)})) == (Examine(b, TIP),)


def test_a_need_that_nobody_named_blocks_without_a_partner() -> None:
    b = entry("b", missing=("plan A",))
    assert decide(replace(GREEN, entries=(b,))) == (SetAside(b, Reason.BLOCKED),)


def test_the_target_has_to_pass_between_two_phases() -> None:
    b = entry("b", phase=1)
    facts = replace(GREEN, entries=(A, b), reports={A.name: report("a", Outcome.LANDED)})
    assert decide(facts) == (Examine(b, TIP),)
    assert decide(replace(facts, sightings=())) == (queue.TestTarget(),)
    assert decide(replace(facts, sightings=seen_of(TARGET, FAILED, FAILED))) == (TargetRed(),)


def test_when_every_branch_has_its_report_it_is_done() -> None:
    assert decide(replace(GREEN, reports={A.name: report("a", Outcome.EMPTY)})) == (Done(),)


@pytest.mark.parametrize(
    ("seen", "confirm", "expected"),
    [
        ((), 1, Standing.UNKNOWN),
        ((FAILED,), 0, Standing.RED),
        ((FAILED,), 1, Standing.AGAIN),
        ((FAILED, FAILED), 2, Standing.AGAIN),
        ((LATE,), 0, Standing.AGAIN),
        ((LATE, LATE), 2, Standing.RED),
        ((LATE, FAILED), 1, Standing.AGAIN),
        ((LATE, FAILED, FAILED), 2, Standing.RED),
        ((FAILED, FAILED, PASSED), 1, Standing.PASSED),
    ],
)
def test_what_sightings_amount_to(seen: tuple[GateVerdict, ...], confirm: int, expected: Standing) -> None:
    assert standing(seen_of(TARGET, *seen), confirm) is expected


def test_only_the_gate_that_was_red_confirms_it() -> None:
    """Two gates that flake once each are no red tree."""
    one, two = (Sighting(TARGET, (), FAILED, gate=gate) for gate in ("one", "two"))
    late = Sighting(TARGET, (), LATE, gate="two")
    assert standing((one, two, late), 1) is Standing.AGAIN
    assert standing((one, two, one), 1) is Standing.RED
    assert standing((one, late, late), 1) is Standing.RED
    assert standing((replace(one, fresh=False), late), 0) is Standing.AGAIN


def test_on_the_word_of_an_earlier_run_nobody_is_rejected() -> None:
    before = seen_of(TARGET, FAILED, FAILED, fresh=False)
    assert standing(before, 0) is Standing.AGAIN
    assert standing(before[:1] + seen_of(TARGET, FAILED), 1) is Standing.RED


def test_a_branch_that_nobody_approved_waits_and_so_does_what_needs_it() -> None:
    b = entry("b", needs=("a",))
    facts = replace(GREEN, entries=(A, b), examined=on_tip(a=(candidate("a"),)), unapproved={(A.name, TIP): "why"})
    assert decide(facts) == (Hold(A, "why"),)
    held = msgspec.structs.replace(report("a", Outcome.WAITING), reason=Reason.BLOCKED)
    assert decide(replace(facts, reports={A.name: held})) == (SetAside(b, Reason.BLOCKED, partner=A.name),)


def test_the_plain_queue_waits_for_its_only_run() -> None:
    assert decide(replace(GREEN, running=(Running(TARGET, ()),))) == (Wait(),)


@given(seen=st.lists(st.sampled_from(GateVerdict), max_size=6), confirm=st.integers(0, 2))
def test_only_a_pass_passes_and_asking_again_comes_to_an_end(seen: list[GateVerdict], confirm: int) -> None:
    found = standing(seen_of(TARGET, *seen), confirm)
    assert (found is Standing.PASSED) == (PASSED in seen)
    assert len(seen) < 3 or found in (Standing.PASSED, Standing.RED)
