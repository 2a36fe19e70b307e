"""What a branch touched and does not claim, as places that a person or an editor can go to."""

from __future__ import annotations

from collections.abc import Iterator

from gitbot.model.run import DriftReport

SPANS = 5  # of one file


def places(drift: DriftReport) -> Iterator[str]:
    """`lib/x.py:12-40,52`, and whose it is where that is not another plan."""
    for paths, whose in ((drift.foreign, ""), (drift.shared, " (shared)"), (drift.unowned, " (nobody's)")):
        for path in paths:
            spans = [f"{a}-{b}" if b > a else f"{a}" for a, b in drift.lines.get(path, ())]
            shown = ",".join([*spans[:SPANS], *(["…"] if spans[SPANS:] else [])])
            yield f"{path}:{shown}{whose}" if shown else f"{path}{whose}"
