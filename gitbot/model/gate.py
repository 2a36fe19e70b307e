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
    BROKEN = "broken"  # the run could not be carried out: no checkout, no space, or it was stopped


@dataclass(frozen=True, slots=True)
class GateStep:
    """One of the gates that apply to a commit, and how it is run."""

    name: str
    command: str | tuple[str, ...]
    setup: str | tuple[str, ...]
    seconds: float  # each for setup and command


@dataclass(frozen=True, slots=True)
class Suite:
    """Every test of one run, as its reports name them."""

    ran: tuple[str, ...]
    skipped: tuple[str, ...]


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
    gate: str = "gate"  # the one that decided: the first that did not pass, else the last; "": none applied
    failing: tuple[str, ...] = ()  # at most 50 tests, by the runner's own names
    clone: str = ""  # where it was found out
    counts: tuple[tuple[str, int | None, int | None], ...] = ()  # of each gate that ran: its name, tests, skipped
    suite: Oid | None = None  # blob with a `Suite` for each gate as JSON; None where no report names every test
    fresh: bool = True  # in a checkout that held nothing of an earlier run


@dataclass(frozen=True, slots=True)
class Flake:
    """One tree that the same gate said both of: that it passes and that it fails."""

    tree: Oid
    verdicts: tuple[GateVerdict, ...]  # oldest first
    failing: tuple[str, ...]  # of all the red ones
    when: float  # the newest, in seconds since the epoch
