"""How a branch goes onto a target: candidates and conflicts, composed on the workbench, judged elsewhere.

survey      what a branch has that the target lacks
situation   one branch before one target commit, and what a form can make of it
strategies  squash, merge, sequential, and how `auto` chooses
rebase      commit by commit, as git would
accept_both what becomes of a branch whose conflicts the ladder settles
messages    of the commits that gitbot writes
rungs, ladder, structure, invariants, hunks, edits   how one file is settled, pure on bytes
commands    the rungs that run something: lock files, the resolver
hindsight   an answer beside what people made of the same conflict
proof       that nothing of a branch is lost
losses      lines of others that a branch took away
hints       where a clean merge may be wrong all the same, pure on bytes
"""
