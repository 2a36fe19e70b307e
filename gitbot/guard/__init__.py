"""Ownership where it is enforced: what a branch may touch, and the git hooks that ask.

drift         the rule itself, pure: touched but not claimed
landed        whether a plan has landed, so that its claims stand no longer
remembered    that answer, as long as it holds
enforcement   what is in force in a repository, and what a branch may do under it
asking        the same before anything is written, and who may hold a path for a while
places        the lines that a branch touched without a claim
tools         a call of an agent's tool, judged by that
push          what git tells the hook, and every branch of one push judged
receive       the same as a server sees it, before a reference moves
installation  putting a hook where git will run it, taking it out again, and proving that it fires
"""
