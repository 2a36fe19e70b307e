"""The only room that knows git: pygit2 for reading and writing objects, git itself wherever git is the judge.

No pygit2 or subprocess error gets out of here: what cannot be answered is a `gitbot.errors.GitbotError`.

reading      what is in a repository: commits, trees, blobs, names
writing      blobs and trees
history      how commits hang together
mining       what the past says of files: changed together, changed on both sides of merges
refs         reading and moving references, by compare-and-swap only
workbench    trial merges by git itself, in a scratch object folder
checkouts    work trees: the user's, looked at and followed, and the gate's, made and thrown away
recipes      whole repositories from a description (demo and tests)
"""

from gitbot.repository.reading import Repository, open_repository

__all__ = ["Repository", "open_repository"]
