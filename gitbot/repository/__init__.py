"""The only room that knows git: pygit2 for reading and writing objects, git itself wherever git is the judge.

No pygit2 or subprocess error gets out of here: what cannot be answered is a `gitbot.errors.GitbotError`.

reading      what is in a repository: commits, trees, blobs, names
writing      blobs and trees
history      how commits hang together
mining       what the past says of files: changed together, changed on both sides of merges
refs         reading and moving references, by compare-and-swap only
workbench    trial merges by git itself, in a scratch object folder
checkouts    the user's work trees, looked at and followed
pool         checkouts for commands, used again and again, and what is ours in the user's cache folder
temporary    folders that are gone with the command, whatever way it ends
recipes      whole repositories from a description (demo and tests)
"""

from gitbot.repository.reading import Repository, glance_at, open_repository

__all__ = ["Repository", "glance_at", "open_repository"]
