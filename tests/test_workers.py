"""Work that is shared out to forks gives what one process would give, whatever becomes of them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from gitbot import workers
from gitbot.config import Config
from gitbot.planset import plans_in
from gitbot.workers import answers

MANY = range(3 * workers.FEWEST)
LONG = """
import os, sys, time
from gitbot import workers
parent = os.getpid()
def slowly(number: int) -> int:
    if os.getpid() != parent:
        print("begun", flush=True)
    time.sleep(0.01)
    return number
workers._processors = lambda: 2
workers.answers(slowly, range(1_000_000), list[int])
"""


@pytest.fixture(autouse=True)
def three_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the machine has of them decides no test."""
    monkeypatch.setattr(workers, "_processors", lambda: 3)


def test_answers_of_several_processes_come_in_the_order_of_the_values() -> None:
    found = answers(lambda number: (number, os.getpid()), MANY, list[tuple[int, int]])
    assert [number for number, _ in found] == list(MANY)
    assert len({process for _, process in found}) == 3


def test_few_values_stay_in_one_process() -> None:
    few = range(2 * workers.FEWEST - 1)
    assert set(answers(lambda _: os.getpid(), few, list[int])) == {os.getpid()}


def test_a_program_with_threads_is_not_forked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lock that another thread holds at that moment would never be free in the fork."""
    monkeypatch.undo()
    wanted = threading.Event()
    other = threading.Thread(target=wanted.wait)
    other.start()
    try:
        assert set(answers(lambda _: os.getpid(), MANY, list[int])) == {os.getpid()}
    finally:
        wanted.set()
        other.join()


def test_what_a_killed_worker_had_to_do_its_parent_does() -> None:
    parent = os.getpid()

    def deadly(number: int) -> int:
        if os.getpid() != parent and number > 50:
            os.kill(os.getpid(), signal.SIGKILL)
        return number

    assert answers(deadly, MANY, list[int]) == list(MANY)


def test_what_a_worker_cannot_pack_its_parent_works_out() -> None:
    """The name of a file need not be UTF-8."""
    assert answers(lambda number: f"{number}\udc80", MANY, list[str]) == [f"{number}\udc80" for number in MANY]


def test_an_exception_is_the_same_wherever_it_happens_first() -> None:
    def refusing(number: int) -> int:
        if number == 100:  # of the second part
            raise KeyError(number)
        return number

    with pytest.raises(KeyError, match="100"):
        answers(refusing, MANY, list[int])


def test_where_no_process_can_be_started_one_does_it_all(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused() -> int:
        raise BlockingIOError

    monkeypatch.setattr(os, "fork", refused)
    before = len(os.listdir("/dev/fd"))
    assert answers(lambda number: number, MANY, list[int]) == list(MANY)
    assert len(os.listdir("/dev/fd")) == before


def test_a_worker_ends_with_its_killed_parent() -> None:
    """It has the parent's stdout, which is at its end when both are."""
    with subprocess.Popen([sys.executable, "-c", LONG], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "begun\n"
        parent.kill()
        parent.communicate(timeout=60)


def test_plans_read_by_several_processes_are_those_that_one_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Down to the problems of texts that are none, and the kinds of their numbers."""
    (tmp_path / "plans").mkdir()
    for number in range(2 * workers.FEWEST):
        head = f"---\nplan: P{number}\nowns: [src/p{number}/**]\nestimate: {number}h\n---\n"
        text = f"{head}- [ ] T1 `docs/{number}.md` ~45m\n"
        (tmp_path / "plans" / f"{number}.md").write_bytes(text.encode() if number % 7 else b"\xff\n")
    shared_out = plans_in(None, tmp_path, (), Config())
    monkeypatch.setattr(workers, "_processors", lambda: 1)
    alone = plans_in(None, tmp_path, (), Config())
    assert len(alone.plans) > workers.FEWEST
    assert alone.problems
    assert repr(shared_out) == repr(alone)
