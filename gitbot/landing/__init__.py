"""From finished branches to a target that moved, or to the reason why it did not.

naming    what the user typed → branches at their tips
order     in which order they land (pure)
queue     all known facts → the next step (pure); the dull one, one branch at a time, which is the oracle
loop      the one place that sequences effects
examine   one branch before one target commit: new work, ownership, candidates
partner   which landed branch a set-aside one collides with
flags     what a person would want to know of a branch that lands
document  records of a run → the integrate document (pure)
recovery  what a killed run's last intent came to (pure)
undo      a run taken back
"""
