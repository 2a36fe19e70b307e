"""How parallel work hangs together: on which commit of the target each branch stands, or on which other branch.

By first parents: what a branch merged on its way is named and does not bend its lane.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from gitbot.errors import GitError
from gitbot.model.git import BranchName, Commit, Oid
from gitbot.repository import Repository, history


@dataclass(frozen=True, slots=True)
class Joined:
    """A merge in a lane: at which of its commits, from 0, and whose work came (None: nobody's that is shown)."""

    at: int
    branch: BranchName | None


@dataclass(frozen=True, slots=True)
class Lane:
    """What only one branch has. Of commits that several have the first has them, and the others stand on it."""

    branch: BranchName
    parent: BranchName | None  # the branch that it stands on; None: the target
    base: Oid | None  # the commit that it stands on; None: its history begins with itself
    root: Oid | None  # the target's commit, by its first parents, which is that one or has brought it; None: no base
    commits: int
    merges: tuple[Joined, ...]


@dataclass(frozen=True, slots=True)
class Root:
    """A commit of the target on which branches stand, or its tip. `behind`: how many first parents since."""

    oid: Oid
    subject: str
    behind: int


@dataclass(frozen=True, slots=True)
class Graph:
    """The target's commits that matter, the oldest first, and the lanes."""

    target: tuple[Root, ...]
    branches: tuple[Lane, ...]


def read_graph(repository: Repository, tips: Mapping[BranchName, Oid], target: tuple[BranchName, Oid]) -> Graph:
    """The graph of these branches. One whose history is cut off has no lane."""
    known: dict[BranchName, Mapping[Oid, Commit]] = {}
    for name, tip in tips.items():
        with suppress(GitError):
            known[name] = {commit.oid: commit for commit in history.own_commits(repository, tip, target[1])}
    chains = {name: _chain(own, tips[name]) for name, own in known.items()}
    owner: dict[Oid, BranchName] = {}
    stands: dict[BranchName, tuple[Sequence[Oid], Oid | None]] = {}
    for name, (chain, below) in sorted(chains.items(), key=lambda one: len(one[1][0])):
        new = next((at for at, oid in enumerate(chain) if oid in owner), len(chain))
        stands[name] = chain[:new], chain[new] if new < len(chain) else below
        owner |= dict.fromkeys(chain[:new], name)
    line, lanes = _Line(repository, target[1]), []
    for name, own in known.items():
        lane, base = stands[name]
        merges = tuple(
            Joined(at, owner.get(parents[1]) if parents[1] in own else target[0])
            for at, oid in enumerate(reversed(lane))
            if len(parents := own[oid].parents) > 1
        )
        parent = owner.get(base) if base else None
        root = line.commits[line.behind(base)].oid if base and not parent else None
        lanes.append(Lane(name, parent, base, root, len(lane), merges))
    behind = sorted({line.behind(oid) for oid in (target[1], *(lane.root for lane in lanes)) if oid}, reverse=True)
    roots = [Root(line.commits[at].oid, line.commits[at].subject, at) for at in behind]
    return Graph(tuple(roots), tuple(lanes))


class _Line:
    """The target's commits by first parents, the newest first, read as far as somebody stands."""

    def __init__(self, repository: Repository, target: Oid) -> None:
        self._repository, self._left = repository, history.first_parents(repository, target, None)
        self.commits = [next(self._left)]
        self._places = {target: 0}

    def behind(self, base: Oid) -> int:
        """How many are newer than a commit that the target has, or than the merge that brought it."""
        time = self._repository.commit(base).committer.time
        while base not in self._places and (time <= self.commits[-1].committer.time or self._has(-1, base)):
            with suppress(GitError):  # here the clone is cut off
                if commit := next(self._left, None):
                    self._places[commit.oid] = len(self.commits)
                    self.commits.append(commit)
                    continue
            break
        if base not in self._places:
            without = bisect_left(range(len(self.commits)), True, key=lambda at: not self._has(at, base))
            self._places[base] = without - 1
        return self._places[base]

    def _has(self, at: int, base: Oid) -> bool:
        return history.contains(self._repository, self.commits[at].oid, base)


def _chain(own: Mapping[Oid, Commit], tip: Oid) -> tuple[list[Oid], Oid | None]:
    """A branch's own commits by first parents, the newest first, and the one below them."""
    chain: list[Oid] = []
    below: Oid | None = tip
    while below is not None and below in own:
        chain.append(below)
        below = next(iter(own[below].parents), None)
    return chain, below
