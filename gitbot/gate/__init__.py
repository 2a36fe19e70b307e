"""The user's integration tests on one exact tree: a checkout, the commands, a verdict.

`run` is a module-level function from plain values to a plain value, so that any executor can carry it.

steps         which of the configured gates apply, and what their commands name (pure)
run           takes a checkout, runs the commands, judges
ignored       files that the checkout gets from the main work tree, and those that it lacks
surroundings  what a result stands on beside tree and configuration
walls         what stands around the commands
junit         reports of tests in XML
verdict       what the end of a command and its closing lines mean (pure)
"""

from gitbot.gate.ignored import lacking, main_work_tree
from gitbot.gate.run import GateJob, GateOutcome, run
from gitbot.gate.steps import steps
from gitbot.gate.walls import must_be_possible

__all__ = ["GateJob", "GateOutcome", "lacking", "main_work_tree", "must_be_possible", "run", "steps"]
