"""What the user's own tests say about one exact tree."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

from gitbot.model.git import Oid

GateKey = NewType("GateKey", str)
"""Digest of (tree, gate, environment): the same key is never tested twice once it passed."""


class GateVerdict(StrEnum):
    """Every way in which a run of the gate can end. Only PASSED may land."""

    PASSED = "passed"
    FAILED = "failed"
    TIMED_OUT = "timed-out"
    NO_TESTS = "no-tests"  # the runner said that it ran none
    NO_START = "no-start"  # could not be found or executed, or its setup failed
    KILLED = "killed"  # by a signal that gitbot did not send
    BROKEN = "broken"  # the run could not be carried out: no checkout, no space


@dataclass(frozen=True, slots=True)
class GateResult:
    """What one run of the gate said about one tree."""

    key: GateKey
    tree: Oid
    verdict: GateVerdict
    status: int  # exit status of the command; 128 + n for signal n
    seconds: float  # wall clock, checkout left out
    tests: int | None  # from the runner's closing line; None when it printed none that is known
    skipped: int | None
    log: Oid  # blob with stdout and stderr, newest 1 MiB
    run: str  # the run that tested it
    finished: float  # seconds since the epoch
