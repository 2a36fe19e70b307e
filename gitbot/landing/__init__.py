"""From finished branches to a target that moved, or to the reason why it did not.

naming    what the user typed → branches at their tips
run       a run from its first record to its last: started anew, or picked up where a kill left it
order     in which order they land (pure)
queue     all known facts → the next step (pure); the dull one, one branch at a time, which is the oracle
groups    the same with the fewest runs of the gate: branches together, a red group searched (pure)
search    how many to test together (pure); chances: who is likely to be red, learnt from earlier runs (pure)
loop      the one place that sequences effects
underway  runs of the gate meanwhile, each in a thread
examine   one branch before one target commit: new work, ownership, candidates
submitted patches handed in beside the branches
testing   what the gate says of one commit
aside     why a branch goes back, and the brief for who has to redo it
partner   where a clean merge may be wrong, and by whose landing
newcomers with whom a branch is red that was green, by what landed since (pure)
notes     what is said of a branch beside its outcome, gathered
flags     what a person would want to know of a branch that lands; suite: whether it takes tests away (pure)
document  records of a run → the integrate document (pure)
past      runs as recorded, folded: over, under way or interrupted
recovery  what a killed run's last intent came to (pure)
following what follows the target: checkouts, and branches with --update-branches
beside    --land: the result goes beside the target
announce  what a run tells whoever waits
undo      a run taken back
replay    past merges made again, read-only
"""
