"""Glob algebra: what a list of patterns covers, and whether two lists share a path.

Pure text in, values out; it knows no tree and no plan. `notation` reads one pattern, `automaton` runs rules,
`lists` answers the questions.
"""

from gitbot.patterns.lists import PatternList, Witness, candidate_pairs, compile_patterns, witness
from gitbot.patterns.notation import NormalPattern, normalise

__all__ = ["NormalPattern", "PatternList", "Witness", "candidate_pairs", "compile_patterns", "normalise", "witness"]
