"""How a branch goes onto a target: candidates and conflicts, composed on the workbench, judged elsewhere.

survey      what a branch has that the target lacks
strategies  rebase, squash, merge, accept-both, sequential, and how `auto` chooses
messages    of the commits that gitbot writes
hunks, edits, rungs, invariants   the ladder of accept-both, pure on bytes
proof       that nothing of a branch is lost
"""
