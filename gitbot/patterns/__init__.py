"""Glob algebra: what a list of patterns covers, and whether two lists share a path.

Pure text in, values out; it knows no tree and no plan. `notation` reads one pattern, `automaton` runs rules,
`lists` answers the questions.
"""

from gitbot.patterns.automaton import MOST_PAIRS
from gitbot.patterns.lists import (
    Budget,
    Keys,
    PatternList,
    Witness,
    candidate_pairs,
    candidates,
    compile_patterns,
    heads_of,
    keys_of,
    witness,
)
from gitbot.patterns.notation import NormalPattern, normalise, readings, starred

__all__ = [
    "MOST_PAIRS",
    "Budget",
    "Keys",
    "NormalPattern",
    "PatternList",
    "Witness",
    "candidate_pairs",
    "candidates",
    "compile_patterns",
    "heads_of",
    "keys_of",
    "normalise",
    "readings",
    "starred",
    "witness",
]
