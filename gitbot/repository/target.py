"""What is remembered of a target while branch after branch is compared with it: it only moves forward.

What came to it is walked once, when it comes. So a branch costs what it holds itself and how far it was behind at
the start, and nothing for all that has landed meanwhile.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Collection, Iterator, Sequence

from gitbot.model.git import Commit, Oid
from gitbot.repository import history
from gitbot.repository.reading import Repository

MOST_BEGINNINGS = 16  # of branches, for each of which the way to the start is kept
_TIP = re.compile(r"^Gitbot-Tip: ([0-9a-f]{40})$", re.MULTILINE)


class Target:
    """A commit that branches are compared with, and what has come since `start`, where it was seen first."""

    def __init__(self, repository: Repository, start: Oid) -> None:
        self.repository = repository
        self.start = self.tip = start
        self._since = _Arrivals(repository)
        self._before: OrderedDict[Oid, _Arrivals] = OrderedDict()  # from a branch's beginning to the start

    def follow(self, onto: Oid) -> bool:
        """Go forward to a commit; False where it does not stand on the one before."""
        came = history.own_commits(self.repository, onto, self.tip)
        if onto != self.tip and not any(self.tip in commit.parents for commit in came):
            return False
        self._since.add(came)
        self.tip = onto
        return True

    def contains(self, commit: Oid) -> bool:
        """Whether the target holds a commit."""
        return commit in self._since.oids or history.contains(self.repository, self.start, commit)

    def own_commits(self, tip: Oid) -> tuple[Commit, ...]:
        """As in `history`: what the target has not."""
        own = history.own_commits(self.repository, tip, self.start)
        return tuple(commit for commit in own if commit.oid not in self._since.oids)

    def merge_base(self, tip: Oid) -> Oid | None:
        """As in `history`, for a tip that the target does not hold."""
        if history.merge_base(self.repository, self.start, tip) is not None:
            own = {commit.oid: commit for commit in self.own_commits(tip)}
            shared = {parent for commit in own.values() for parent in commit.parents} - own.keys()
            if len(shared) == 1:  # all that both have is what this one has
                return shared.pop()
        return history.merge_base(self.repository, self.tip, tip)

    def carriers(self, tips: Collection[Oid], base: Oid) -> Iterator[tuple[Oid, Oid]]:
        """Commits from `base` on whose trailer names one of the tips, the oldest first, and the tip."""
        for arrivals in (self._from(base), self._since):  # no ancestor of `base` can name what was made on it
            named = sorted(found for tip in tips for found in arrivals.by_tip.get(tip, ()))
            yield from ((commit, tip) for _, commit, tip in named)

    def already_there(self, own: Sequence[Commit], base: Oid) -> frozenset[Oid]:
        """Those of the commits whose patch some commit from `base` on has as well, as git-cherry(1) would say.

        Patch ids are only computed for commits that change the very same paths.
        """
        found: set[Oid] = set()
        for commit in own if self.tip != base else ():
            paths = hash(history.touched(self.repository, commit))
            alike = [oid for one in (self._from(base), self._since) for oid in one.by_paths.get(paths, ())]
            patch = history.patch_id(self.repository, commit) if alike else None
            for other in map(self.repository.commit, alike if patch is not None else ()):
                if history.patch_id(self.repository, other) == patch:
                    found |= set() if history.contains(self.repository, base, other.oid) else {commit.oid}
        return frozenset(found)

    def _from(self, base: Oid) -> _Arrivals:
        if base not in self._before:
            self._before[base] = _Arrivals(self.repository)
            self._before[base].add(history.own_commits(self.repository, self.start, base))
            if len(self._before) > MOST_BEGINNINGS:
                self._before.popitem(last=False)
        return self._before[base]


class _Arrivals:
    """Commits, found by the tips that their trailers name and by the paths that they change."""

    def __init__(self, repository: Repository) -> None:
        self.repository = repository
        self.oids: set[Oid] = set()
        self.by_tip: dict[Oid, list[tuple[int, Oid, Oid]]] = {}  # number in time, commit, tip
        self.by_paths: dict[int, list[Oid]] = {}

    def add(self, commits: Sequence[Commit]) -> None:
        """The oldest first."""
        for commit in commits:
            for tip in map(Oid, _TIP.findall(commit.message)):
                self.by_tip.setdefault(tip, []).append((len(self.oids), commit.oid, tip))
            self.oids.add(commit.oid)
            if len(commit.parents) == 1:
                paths = hash(history.touched(self.repository, commit))
                self.by_paths.setdefault(paths, []).append(commit.oid)
