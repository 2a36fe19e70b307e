"""What is uncommitted in the work trees: git is at work on that while the rest of the room takes its time to load."""

from __future__ import annotations

import contextlib
import functools
import subprocess
from collections.abc import Callable, Iterable, Iterator

from gitbot.errors import GitError
from gitbot.model.git import RefName, WorkTree
from gitbot.repository import Repository, checkouts, refs

AT_ONCE = 16  # work trees
LATE = 600.0  # seconds, after which a work tree counts as clean
Edits = dict[RefName, tuple[str, tuple[str, ...]]]


@contextlib.contextmanager
def reading_edits(repository: Repository, trees: Iterable[WorkTree]) -> Iterator[Callable[[RefName], Edits]]:
    """By branch: the work tree that has it checked out, and its uncommitted paths.

    git is at work from here on; what is given waits for it, and takes the target. Of the target's own only files that
    git knows count: looking for others takes as long again. It is guessed which that will be.
    """
    likely = refs.default_target(repository)
    wanted = [(tree.branch, tree.path) for tree in trees if not tree.bare and tree.branch is not None]
    with contextlib.ExitStack() as ends:

        def begin(branch: RefName, path: str) -> subprocess.Popen[bytes]:
            git = ends.enter_context(checkouts.start_uncommitted(repository, path, untracked=branch != likely))
            ends.callback(git.kill)
            return git

        begun = [begin(*one) for one in wanted[:AT_ONCE]]

        @functools.cache
        def edits(target: RefName) -> Edits:
            found: Edits = {}
            for number, (branch, path) in enumerate(wanted):
                found[branch] = path, ()  # which stays where git cannot tell: its .git file leads nowhere, say
                with contextlib.suppress(GitError, subprocess.TimeoutExpired):
                    said, _ = begun[number].communicate(timeout=LATE)
                    if branch == likely != target:
                        found[branch] = path, checkouts.uncommitted(repository, path, untracked="all")
                    elif begun[number].returncode == 0:
                        found[branch] = path, checkouts.edited(said, untracked=branch != target)
                begun.extend(begin(*one) for one in wanted[len(begun) : number + AT_ONCE + 1])
            return found

        yield edits
