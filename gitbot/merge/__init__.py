"""How a branch goes onto a target: candidates and conflicts, composed on the workbench, judged elsewhere.

survey      what a branch has that the target lacks
situation   one branch before one target commit, and what a form can make of it
strategies  rebase, squash, merge, sequential, and how `auto` chooses
accept_both what becomes of a branch whose conflicts the ladder settles
messages    of the commits that gitbot writes
hunks, edits, rungs, invariants   the ladder of accept-both, pure on bytes
proof       that nothing of a branch is lost
"""
