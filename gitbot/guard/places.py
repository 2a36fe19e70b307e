"""Where a branch touched what it does not claim: the lines, for people and programs."""

from __future__ import annotations

from collections.abc import Iterable

from gitbot.errors import PatchError
from gitbot.guard.drift import Drift
from gitbot.model.git import Change
from gitbot.model.run import DriftReport
from gitbot.repository import Repository
from gitbot.repository.patches import patch_of, touched_lines

MOST = 200  # paths whose lines are told


def drift_report(repository: Repository, drift: Drift, changes: Iterable[Change]) -> DriftReport:
    """The drift of these changes with the lines that they add or replace in what is not claimed."""
    foreign, shared = ([each.path for each in found] for found in (drift.foreign, drift.shared))
    wanted = {*[*foreign, *shared, *drift.unowned][:MOST]}
    lines: dict[str, tuple[tuple[int, int], ...]] = {}
    for change in changes:
        patch = patch_of(repository, change) if change.path in wanted else ""
        try:
            spans = next(iter(touched_lines(patch).values())) if patch else ()
        except PatchError:  # libgit2 and unidiff do not see it alike; a file without lines is no lie
            continue
        if spans:
            lines[change.path] = tuple((span.start, span.stop - 1) for span in spans)
    return DriftReport(
        foreign=tuple(foreign),
        shared=tuple(shared),
        unowned=drift.unowned,
        untouched=drift.untouched,
        lines=lines,
    )
