"""The rules of `gitbot check`.

A new rule is one decorated function in one of the modules here: `collisions` (what the plans write), `couplings`
(what the repository and its history add), `practice` (how the work is divided). Its name is the rule's, its docstring
what `--rules` and `--explain` show.
"""

from __future__ import annotations

from gitbot.preflight.rules import collisions
from gitbot.preflight.rules.situation import RULES, Rule, Situation, Surroundings, findings, is_unknown

__all__ = ["RULES", "Rule", "Situation", "Surroundings", "collisions", "findings", "is_unknown"]
