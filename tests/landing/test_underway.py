"""Which answers of the gate are waited for."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future
from typing import cast

from gitbot import gate
from gitbot.gate.verdict import Judgement
from gitbot.landing.underway import Flight, Underway
from gitbot.model.gate import GateVerdict
from gitbot.model.git import BranchName, Oid
from gitbot.process import Stop

GREEN = gate.GateOutcome(Judgement(GateVerdict.PASSED, 0))


def flight(name: str, seconds: float) -> Flight:
    """One that began so long ago and has no answer yet."""
    begun = time.monotonic() - seconds
    job = cast(gate.GateJob, None)
    return Flight(Oid(name), Oid("main"), (BranchName(name),), job, Stop(), Future(), begun, begun)


def heard(*flights: Flight) -> list[str]:
    with Underway(len(flights)) as underway:
        underway.flights.extend(flights)
        return [str(one.tree) for one, _ in underway.answers(lambda: None)]


def test_what_began_together_is_heard_together() -> None:
    first, second = flight("first", 1000), flight("second", 1000)
    first.answer.set_result(GREEN)
    threading.Timer(0.1, second.answer.set_result, [GREEN]).start()
    assert heard(first, second) == ["first", "second"]


def test_one_that_began_later_is_not_waited_for() -> None:
    first, later = flight("first", 1000), flight("later", 100)
    first.answer.set_result(GREEN)
    assert heard(first, later) == ["first"]


def test_patience_has_an_end() -> None:
    first, endless = flight("first", 1), flight("endless", 1)
    first.answer.set_result(GREEN)
    assert heard(first, endless) == ["first"]
