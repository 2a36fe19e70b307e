"""Commands of agents, side by side: each in its work tree, with a log of its own and an end that is known.

Whose command runs, and what follows from its end, is `starting`'s business.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gitbot import process
from gitbot.errors import InputError
from gitbot.process import Ended, Stop

_LONGEST_ARGUMENT = 128 << 10  # bytes; MAX_ARG_STRLEN of Linux


@dataclass(frozen=True, slots=True)
class Job:
    """One command of one agent."""

    name: str  # whose it is
    command: tuple[str, ...]
    cwd: Path
    env: Mapping[str, str]
    seconds: float  # that it may take
    log: Path
    lock: int | None = None  # a descriptor that stays open until nothing of the command is left


_Answer = tuple[Job, Ended | BaseException]


def filled(command: Sequence[str], values: Mapping[str, str]) -> tuple[str, ...]:
    """The command with `{brief}`, `{brief_file}` and the like in place, each within its one argument.

    Raises:
        InputError: an argument would be longer than a process can be given.
    """
    found = []
    for word in command:
        for name, value in values.items():
            word = word.replace(f"{{{name}}}", value) if name != "brief" else word
        word = word.replace("{brief}", values["brief"])  # last: what a brief says is never filled in
        if len(os.fsencode(word)) >= _LONGEST_ARGUMENT or "\0" in word:
            raise InputError("the brief is too long for an argument", hint="give {brief_file}, the path of a file")
        found.append(word)
    return tuple(found)


def side_by_side(
    due: Callable[[], Sequence[Job] | None],
    limit: int,
    *,
    begun: Callable[[Job], None],
    ended: Callable[[Job, Ended], None],
    is_over: Callable[[], bool],
    every: float = 0.3,
) -> None:
    """Run jobs as they are due, at most `limit` at once, until `due` says None: no more will come.

    Once `is_over` says True the running ones are stopped and none is begun any more; both are asked every so many
    seconds. Everything is called in the caller's thread. Ctrl-C stops the children and goes on to the caller.
    """
    left: list[Job] = []
    stop, answers = Stop(), queue.SimpleQueue[_Answer]()
    running: dict[str, threading.Thread] = {}
    try:
        while True:
            more = due()
            left += more or ()
            while left and len(running) < limit:
                job = left.pop(0)
                begun(job)
                running[job.name] = threading.Thread(target=_run, args=(job, stop, answers), daemon=True)
                running[job.name].start()
            if is_over() or (more is None and not running):
                return
            _hear(answers, running, ended, every)
    finally:
        stop.stop()
        while running:
            _hear(answers, running, ended, every)


def _hear(
    answers: queue.SimpleQueue[_Answer],
    running: dict[str, threading.Thread],
    ended: Callable[[Job, Ended], None],
    every: float,
) -> None:
    try:
        job, answer = answers.get(timeout=every)
    except queue.Empty:
        return
    del running[job.name]
    if isinstance(answer, BaseException):
        raise answer
    ended(job, answer)


def _run(job: Job, stop: Stop, answers: queue.SimpleQueue[_Answer]) -> None:
    try:
        job.log.parent.mkdir(parents=True, exist_ok=True)
        answer: Ended | BaseException = process.run(
            job.command,
            cwd=job.cwd,
            env=job.env,
            seconds=job.seconds,
            log=job.log,
            stop=stop,
            held=() if job.lock is None else (job.lock,),
        )
    except BaseException as failed:
        answer = failed
    finally:
        if job.lock is not None:
            os.close(job.lock)
    answers.put((job, answer))
