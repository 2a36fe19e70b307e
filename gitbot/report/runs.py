"""The runs of a repository and the flakes of its gate, as people read them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence

from gitbot.model.gate import Flake
from gitbot.model.run import Outcome, Run
from gitbot.report.progress import clock
from gitbot.report.terminal import cut, printable, some

MOST_TESTS = 20  # that a person is shown
LAST = 253_402_214_400  # seconds; the year 9999, whatever a record of somebody else may say


def counts(run: Run) -> dict[str, int]:
    """How many branches came to which end."""
    return dict(Counter(report.outcome.value for report in run.branches))


def runs_text(runs: Sequence[Run], earlier: int, width: int) -> str:
    """A line a run, the newest first, so that the one in question is on top; then how to go on from there."""
    if not runs:
        return "no run yet"
    lines = [cut(run_line(run), width) for run in runs]
    lines += [f"… and {earlier} before them, all of them with --format json"] if earlier else []
    return "\n".join([*lines, "", "one of them in full: gitbot runs RUN, taken back: gitbot undo RUN"])


def run_line(run: Run) -> str:
    """When, how long, how it ended, what became of the branches, and who went back."""
    took = clock(run.finished - run.started) if run.finished is not None else "-"
    state = "" if run.state == "done" else f"{run.state}: "
    ends = ", ".join(f"{number} {outcome}" for outcome, number in counts(run).items())
    back = [report.branch for report in run.branches if report.outcome is Outcome.SET_ASIDE]
    whom = f" ({some(back)})" if back else ""
    return f"{run.run}  {moment(run.started)}  {took:>7}  {printable(run.target)}  {state}{ends}{whom}"


def flaky_text(flakes: Sequence[Flake], good: int, rate: float) -> str:
    """The tests that failed where they also pass, the most frequent first, with when and on which tree they last did.

    `good`: runs on trees that pass; `rate`: the share of them that was red.
    """
    failed = [(test, flake) for flake in flakes for test in flake.failing or ("(the gate named no test)",)]
    last = dict(failed)
    lines = [f"red in {round(good * rate)} of {good} runs on trees that pass ({rate:.1%})"]
    for test, number in Counter(test for test, _ in failed).most_common(MOST_TESTS):
        lines.append(f"{number:>4}×  {moment(last[test].when)}  {last[test].tree[:10]}  {printable(test)}")
    return "\n".join(lines)


def moment(time_: float) -> str:
    """Day and minute, in this machine's time."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(min(max(0, time_), LAST)))
