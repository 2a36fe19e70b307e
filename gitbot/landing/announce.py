"""What a run tells whoever waits: `landed` for each branch, `run_finished` at its end. Never in the way of the run.

What is to be said is read from the records and compared with what this clone has said, so that a run that was killed
and goes on says everything once.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence

from gitbot.journal import events, runs
from gitbot.landing import document
from gitbot.model.event import Data
from gitbot.model.git import BranchName
from gitbot.model.run import Landed, Outcome, Record, Run
from gitbot.report.runs import counts
from gitbot.repository import Repository


def announce(repository: Repository, records: Sequence[Record]) -> None:
    """Emit what these records of one run say and nobody was told yet; where that is impossible, nothing."""
    run = document.fold(records)
    with contextlib.suppress(Exception):  # a full disk, a damaged reference: what has landed has landed
        here = runs.clone_id(repository)
        said = [(one.event, one.data.get("tip"), one.data.get("run"), one.clone) for one in events.read(repository)]
        for name, actor, data in _news(run, {step.report.branch: step for step in document.landed(records)}):
            if (name, data.get("tip"), run.run, here) not in said:
                more = {"run": run.run, **data}
                events.emit(repository, name, now=time.time(), actor=actor, target=run.target, data=more)


def _news(run: Run, moved: Mapping[BranchName, Landed]) -> Iterator[tuple[str, str, Data]]:
    for report in run.branches:
        if report.outcome is Outcome.LANDED and report.branch in moved:
            step = moved[report.branch]
            oids: Data = {"tip": report.tip, "before": step.before, "commit": step.after}
            yield "landed", report.plan or report.branch, {"branch": report.branch, "plan": report.plan, **oids}
    if run.finished is not None:
        yield "run_finished", "gitbot", {"state": run.state, "counts": {**counts(run)}}
