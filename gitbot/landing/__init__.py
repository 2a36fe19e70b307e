"""From finished branches to a target that moved, or to the reason why it did not.

naming    what the user typed → branches at their tips
run       a run from its first record to its last: started anew, or picked up where a kill left it
order     in which order they land (pure)
queue     all known facts → the next step (pure); the dull one, one branch at a time, which is the oracle
loop      the one place that sequences effects
examine   one branch before one target commit: new work, ownership, candidates
testing   what the gate says of one commit
aside     why a branch goes back, and the brief for who has to redo it
partner   where a clean merge may be wrong, and by whose landing
notes     what is said of a branch beside its outcome, gathered
flags     what a person would want to know of a branch that lands
document  records of a run → the integrate document (pure)
recovery  what a killed run's last intent came to (pure)
undo      a run taken back
"""
