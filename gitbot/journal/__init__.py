"""What must last: runs, gate results and pinned branches, under `refs/gitbot/` and by compare-and-swap.

References to blobs and trees, never to commits: commits would show up in everybody's `git log --all`. Files below
the common git folder's `gitbot/` are copies for people to open, and the lock.

runs        the records of each run, in order, and the files that belong to it
results     what the gate said about a tree
recorded    answers to conflicts, for the next time
approvals   a person's yes to what a branch changes
clone       by what this clone tells its own records from fetched ones
events      what agents tell each other, each clone in its own reference
leases      who works on which paths just now
pauses      why landing is paused
attendance  who is at work, by a lock
pins        a branch's own commits, kept from git's garbage collection
lock        one writer per repository
"""
