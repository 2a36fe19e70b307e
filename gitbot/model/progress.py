"""What a run says while it is under way, one value per happening; who watches turns them into lines or a screen."""

from __future__ import annotations

from typing import Protocol

import msgspec

from gitbot.model.gate import GateVerdict
from gitbot.model.git import BranchName, Oid
from gitbot.model.run import BranchReport, RunId


class _Happening(msgspec.Struct, frozen=True, kw_only=True, tag_field="event"):
    """What every happening has in common: `event` says in JSON which one it is."""


class Began(_Happening, frozen=True, kw_only=True, tag="began"):
    """The branches are pinned and in order; `resumed` when a killed run goes on: what had ended is told once more."""

    run: RunId
    target: BranchName
    before: Oid
    branches: tuple[BranchName, ...]
    jobs: int
    resumed: bool


class Merging(_Happening, frozen=True, kw_only=True, tag="merging"):
    """A branch is being merged in memory."""

    branch: BranchName


class Testing(_Happening, frozen=True, kw_only=True, tag="testing"):
    """The gate runs on a tree that has all these branches; none: the bare target."""

    slot: int
    branches: tuple[BranchName, ...]
    expected: float | None  # seconds it took lately; None while it never ran here
    again: bool = False  # to confirm what was red


class TestEnded(_Happening, frozen=True, kw_only=True, tag="tested"):
    """The gate has answered, or its answer was known; `verdict` None: it was stopped, nobody needs the answer."""

    slot: int | None  # None: the answer was known
    branches: tuple[BranchName, ...]
    verdict: GateVerdict | None
    seconds: float


class Ended(_Happening, frozen=True, kw_only=True, tag="ended"):
    """A branch has come to its end."""

    report: BranchReport


class Left(_Happening, frozen=True, kw_only=True, tag="left"):
    """What is to be expected yet: gate runs (None: no gate) and branches."""

    runs: float | None
    branches: int


class TargetMoved(_Happening, frozen=True, kw_only=True, tag="target-moved"):
    """Somebody else moved the target; everything is merged again on what is there now."""

    before: Oid
    after: Oid


Happening = Began | Merging | Testing | TestEnded | Ended | Left | TargetMoved


class Progress(Protocol):
    """Who watches a run. What goes wrong while watching is the watcher's own affair and never stops a run."""

    def __call__(self, happening: Happening, /) -> None:
        """Hear what happened."""

    def tick(self) -> None:
        """Time has passed; to be called several times a second while nothing happens."""
