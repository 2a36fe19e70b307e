"""One function over many values, shared out to as many processes as there are processors for them.

For what is all thinking and gives little back. A worker is a fork: it needs no telling what its parent knows, leaves
everything alone but one pipe, and ends when nobody reads that any more. What a worker fails at, its parent does.
"""

from __future__ import annotations

import gc
import os
import select
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import BinaryIO, TypeVar

import msgspec

FEWEST = 50  # values for one process: with 25 plans for each, a worker's start and its answers cost what it saves
_MOST = 4  # processes; unpacking is the parent's alone

Value = TypeVar("Value")
Answer = TypeVar("Answer")


def answers(
    function: Callable[[Value], Answer], values: Sequence[Value], kind: type[list[Answer]], fewest: int = FEWEST
) -> list[Answer]:
    """What the function says of each value, in their order; it has to be of a kind that msgspec packs."""
    count = max(1, min(_MOST, _processors(), len(values) // fewest))
    parts = [values[at::count] for at in range(count)]
    workers: list[tuple[int, BinaryIO]] = []
    try:
        with suppress(OSError):  # no process or no pipe is left to have
            for part in parts[1:]:
                workers.append(_start(function, part))
        found = [list(map(function, parts[0]))]
        for (_, pipe), part in zip(workers, parts[1:], strict=False):
            try:
                found.append(msgspec.msgpack.decode(pipe.read(), type=kind))
            except (OSError, msgspec.DecodeError):  # it was killed, or its answers are no UTF-8
                found.append(list(map(function, part)))
    finally:
        for child, pipe in workers:
            pipe.close()
            with suppress(ChildProcessError):  # who started this process wants to hear of no child
                os.waitpid(child, 0)
    found += [list(map(function, part)) for part in parts[len(found) :]]
    return [found[at % count][at // count] for at in range(len(values))]


def _processors() -> int:
    """How many there are for this process; 1 where forks are not safe: among threads, and on macOS."""
    safe = sys.platform == "linux" and threading.active_count() == 1
    return len(os.sched_getaffinity(0)) if safe else 1


def _start(function: Callable[[Value], object], values: Sequence[Value]) -> tuple[int, BinaryIO]:
    """A worker, by the number of its process and what it will write."""
    parent, (reading, writing) = os.getpid(), os.pipe()
    try:
        child = os.fork()
        if child == 0:
            os.close(reading)
            _work(function, values, writing)
    except OSError:
        os.close(reading)
        os.close(writing)
        raise
    finally:
        if os.getpid() != parent:
            os._exit(0)  # whatever happened: nothing of what the parent does at its end
    os.close(writing)
    return child, os.fdopen(reading, "rb")


def _work(function: Callable[[Value], object], values: Sequence[Value], writing: int) -> None:
    gc.freeze()  # or the first search for cycles makes a copy of every page of the parent's
    watch, found = select.poll(), []
    watch.register(writing, 0)
    for value in values:
        if watch.poll(0):
            return  # the parent is gone, or has changed its mind
        found.append(function(value))
    with os.fdopen(writing, "wb") as pipe:
        pipe.write(msgspec.msgpack.encode(found))
