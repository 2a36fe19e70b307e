"""The user's integration tests on one exact tree: a checkout, one command, a verdict.

`run` is a module-level function from plain values to a plain value, so that any executor can carry it.

run      makes the checkout, runs the command, keeps nothing
verdict  what the end of a command and its closing lines mean (pure)
"""

from gitbot.gate.run import GateJob, GateOutcome, run
from gitbot.gate.verdict import Judgement, judge

__all__ = ["GateJob", "GateOutcome", "Judgement", "judge", "run"]
