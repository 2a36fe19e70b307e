"""How parallel work hangs together: on which commit of the target each branch stands, or on which other branch.

By first parents: what a branch merged on its way is named and does not bend its lane.
"""

from __future__ import annotations

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
    commits: int
    merges: tuple[Joined, ...]


@dataclass(frozen=True, slots=True)
class Root:
    """A commit of the target on which branches stand, or its tip. `behind`: how many the target has since."""

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
    lanes = []
    for name, own in known.items():
        lane, base = stands[name]
        merges = tuple(
            Joined(at, owner.get(parents[1]) if parents[1] in own else target[0])
            for at, oid in enumerate(reversed(lane))
            if len(parents := own[oid].parents) > 1
        )
        lanes.append(Lane(name, owner.get(base) if base else None, base, len(lane), merges))
    bases = {target[1], *(lane.base for lane in lanes if lane.base is not None and lane.parent is None)}
    behind = {oid: history.ahead_behind(repository, oid, target[1])[1] for oid in bases}
    roots = [Root(oid, repository.commit(oid).subject, behind[oid]) for oid in bases]
    return Graph(tuple(sorted(roots, key=lambda root: (-root.behind, root.oid))), tuple(lanes))


def _chain(own: Mapping[Oid, Commit], tip: Oid) -> tuple[list[Oid], Oid | None]:
    """A branch's own commits by first parents, the newest first, and the one below them."""
    chain: list[Oid] = []
    below: Oid | None = tip
    while below is not None and below in own:
        chain.append(below)
        below = next(iter(own[below].parents), None)
    return chain, below
