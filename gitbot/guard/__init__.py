"""Ownership where it is enforced: what a branch may touch, and the git hook that asks.

drift         the rule itself, pure: touched but not claimed
landed        whether a plan has landed, so that its claims stand no longer
enforcement   what is in force in a repository, and what a branch may do under it
push          what git tells the hook, and every branch of one push judged
installation  putting the hook where git will run it, and taking it out again
"""
