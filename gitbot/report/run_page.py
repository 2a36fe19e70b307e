"""Runs as pages: all in a list, and of each what landed and why, what went back, every conflict, the gate over time.

The values are those of the run's records; nothing is found out anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from gitbot.model.run import Outcome, Record, Run
from gitbot.report.drift import places
from gitbot.report.integrate import fate, headline
from gitbot.report.pages import Live, pages
from gitbot.report.progress import clock
from gitbot.report.replay import marked
from gitbot.report.run_markdown import by_outcome
from gitbot.report.runs import counts, moment, run_line
from gitbot.report.timeline import cost_lines, gate_runs, seconds

_MOST = {"branches": 500, "gates": 500, "files": 50, "names": 8}
_LARGEST = 2_000_000  # characters of conflicts on one page


def run_html(run: Run, records: Sequence[Record], folder: str, live: Live | None = None) -> str:
    """The whole page; `folder` is where the run's files are."""
    gates = gate_runs(records)
    timed = [one for one in gates[: _MOST["gates"]] if one.worker is not None]
    begin = min((one.start for one in timed), default=0)
    landed = any(one.outcome is Outcome.LANDED for one in run.branches)
    sizes = accumulate(len(repr((one.conflicts, one.resolved))) for one in run.branches)
    return (
        pages()
        .get_template("run.html")
        .render(
            run=run,
            live=live,
            headline=headline(run),
            line=run_line(run),
            groups=by_outcome(run),
            gates=gates,
            timed=timed,
            begin=begin,
            length=max((one.end - begin for one in timed), default=0) or 1,
            cost=cost_lines(run, records),
            folder=folder,
            most=_MOST,
            undo=landed and run.state != "undone",
            whole={one.branch for one, size in zip(run.branches, sizes, strict=True) if size <= _LARGEST},
            fate=fate,
            places=places,
            marked=marked,
            seconds=seconds,
        )
    )


def runs_html(runs: Sequence[Run], earlier: int, unread: Sequence[str], live: Live) -> str:
    """All of them as a page, the newest first; `earlier`: how many more there are; `unread`: what cannot be read."""
    told = {"runs": runs, "earlier": earlier, "unread": unread, "live": live}
    return pages().get_template("runs.html").render(**told, counts=counts, moment=moment, clock=clock)
