"""The rules of `gitbot check`.

A new rule is one decorated function in one of the modules here: `collisions` (what the plans write), `couplings`
(what the repository and its history add), `coordination` (how plans that depend on each other say so), `practice`
(how the work is divided). Its name is the rule's, its docstring what `--rules` shows; what else is always the same
stands in rules.toml.
"""

from __future__ import annotations

from gitbot.preflight.rules import collisions, coordination, couplings, practice
from gitbot.preflight.rules.situation import RULES, Rule, Situation, Surroundings, findings, is_unknown

__all__ = ["MODULES", "RULES", "Rule", "Situation", "Surroundings", "findings", "is_unknown"]

MODULES = (collisions, coordination, couplings, practice)
"""Where the rules are; findings of one level are shown in this order."""
