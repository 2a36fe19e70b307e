"""Runs of the gate under way: each in a thread and a slot of its own, ended at once when nobody needs its answer.

The threads run commands and nothing else; whatever is written down is written by the loop.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from gitbot import gate
from gitbot.landing.queue import Running
from gitbot.model.git import BranchName, Oid
from gitbot.process import Stop

TICK = 0.2  # seconds between two looks at who is watching
PATIENCE = 0.1  # of how long a run took: as long is another waited for that began together with it


@dataclass(frozen=True, slots=True)
class Flight:
    """One run of the gate."""

    tree: Oid
    onto: Oid  # where the target was
    branches: tuple[BranchName, ...]
    job: gate.GateJob
    stop: Stop
    answer: Future[gate.GateOutcome]
    started: float
    began: float  # the same by the clock that people read


class Underway:
    """At most `jobs` runs at once. Leaving the block ends them all."""

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs
        self.flights: list[Flight] = []
        self._threads: Executor = ThreadPoolExecutor(jobs, "gate", initializer=_leave_signals_alone)

    def __enter__(self) -> Underway:
        return self

    def __exit__(self, *_: object) -> None:
        for flight in self.flights:
            flight.stop.stop()
        self._threads.shutdown(cancel_futures=True)

    @property
    def running(self) -> tuple[Running, ...]:
        """What is being tested."""
        return tuple(Running(flight.tree, flight.branches) for flight in self.flights)

    def free_slot(self) -> int:
        """The lowest slot that no run has."""
        taken = {flight.job.slot for flight in self.flights}
        return next(slot for slot in range(self.jobs) if slot not in taken)

    def start(self, tree: Oid, onto: Oid, branches: tuple[BranchName, ...], job: gate.GateJob) -> None:
        """Begin a run, in the slot that its job names."""
        stop = Stop()
        answer = self._threads.submit(gate.run, job, stop)
        self.flights.append(Flight(tree, onto, branches, job, stop, answer, time.monotonic(), time.time()))

    def end(self, tree: Oid) -> Flight:
        """End the run of a tree, whose answer will not come any more."""
        flight = next(flight for flight in self.flights if flight.tree == tree)
        flight.stop.stop()
        wait([flight.answer])
        self.flights.remove(flight)
        return flight

    def answers(self, tick: Callable[[], None]) -> Iterator[tuple[Flight, gate.GateOutcome]]:
        """Wait for the next answer, and for others that are due; `tick` is called several times a second meanwhile.

        What began together mostly ends together, and more answers make a better choice of what to ask next.
        """
        while not (done := self._ended(TICK)):
            tick()
        yield from self._take(done)
        now = time.monotonic()
        lasted = now - done[0].started
        while due := [flight for flight in self.flights if now - flight.started >= lasted * (1 - PATIENCE)]:
            left = now + lasted * PATIENCE - time.monotonic()
            if left <= 0:
                break
            yield from self._take(self._ended(min(TICK, left), due))
            tick()

    def _ended(self, seconds: float, flights: Sequence[Flight] = ()) -> list[Flight]:
        """Those that have an answer, as soon as there is one."""
        done = wait([flight.answer for flight in flights or self.flights], seconds, FIRST_COMPLETED).done
        return [flight for flight in self.flights if flight.answer in done]

    def _take(self, done: Sequence[Flight]) -> Iterator[tuple[Flight, gate.GateOutcome]]:
        for flight in done:
            self.flights.remove(flight)
            yield flight, flight.answer.result()


def _leave_signals_alone() -> None:
    """Signals are for the main thread, which may be holding them back (`process.undisturbed`)."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
