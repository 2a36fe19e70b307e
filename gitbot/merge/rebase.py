"""Rebase: a branch's commits one by one on the target, as `git rebase --autosquash --no-keep-empty` would.

Author, date and message stay byte for byte. A commit goes where it changes nothing, or where the target has the same
patch; fixup!, squash! and amend! are folded into the commit they name. Merges inside the branch are flattened or, by
configuration, made again as `git rebase --rebase-merges` would. Either way the result must hold all that a merge of
the branch gives: what only a merge commit holds is never dropped in silence.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from gitbot.merge.situation import Proposal, Situation, as_candidate, as_conflict
from gitbot.model.git import Commit, Oid
from gitbot.model.merge import ConflictedPath, Nothing, Strategy
from gitbot.repository import history, signing
from gitbot.repository.workbench import Unmerged

SHORTEST_OID = 4  # that git takes for one
_FOLD = re.compile(r"(?:(?:fixup|squash|amend)! \s*)+")


def rebase(situation: Situation, strategy: Strategy, why: str) -> Proposal:
    """The branch on the target commit by commit, or the commit that stops it."""
    own = situation.work.own
    flat = situation.linear or not situation.rebase_merges
    repository, replay = situation.bench.repository, _Replay(situation, flat, {commit.oid: commit for commit in own})
    there = situation.bench.target(situation.onto).already_there(own, situation.work.base)
    left = {c.oid for c in own if len(c.parents) == 1 and c.oid not in there and history.touched(repository, c)}
    for group in fold([c for c in own if c.oid in left or (not flat and len(c.parents) > 1)]):
        stopped = replay.merge_again(group[0]) if len(group[0].parents) > 1 else replay.pick(group)
        if stopped is not None:
            words = f"commit {stopped[0].oid[:7]} ({stopped[0].subject[:60]}) does not apply"
            return as_conflict(situation, stopped[1].paths, words, stopped[0].oid)
    tip = replay.stand(situation.branch.tip)
    tree = repository.tree_of(tip)
    if any(len(commit.parents) != 1 for commit in own):
        whole = situation.apply()
        if isinstance(whole, Unmerged) or whole.tree != tree:
            inside = ConflictedPath(".", "merges inside")
            return as_conflict(situation, (inside,), "its merges hold changes that a rebase would drop")
    paths = {path for commit in own for path in history.touched(repository, commit)}
    undone = paths - repository.changed_paths(situation.work.base, situation.branch.tip)
    before = repository.tree_of(situation.onto)
    if any(repository.entry(tree, path) != repository.entry(before, path) for path in undone):
        # What it did and took back may have come from another branch meanwhile, and is that one's to keep.
        inside = ConflictedPath(".", "taken back")
        return as_conflict(situation, (inside,), "commit by commit it would take back what others have landed")
    if not replay.written:
        return Nothing(situation.branch.name, situation.branch.tip, True, "every commit is on the target already")
    signed = tuple(replay.signed)
    if signed and not signing.signs(repository, signed=True):
        why += f"; {len(signed)} signed before, and git is not configured to sign again"
    return (as_candidate(situation, tip, tree, tuple(replay.written), strategy, why, signed=signed),)


@dataclass(slots=True)
class _Replay:
    """What has been replayed so far."""

    situation: Situation
    flat: bool
    own: dict[Oid, Commit]
    placed: dict[Oid, Oid] = field(default_factory=dict)  # by the branch's commit
    written: list[Oid] = field(default_factory=list)
    signed: list[Oid] = field(default_factory=list)

    def stand(self, oid: Oid) -> Oid:
        """What has taken a commit's place: itself replayed, or what its parent became where it was dropped."""
        if self.flat:
            return self.written[-1] if self.written else self.situation.onto
        while oid in self.own and oid not in self.placed and self.own[oid].parents:
            oid = self.own[oid].parents[0]
        if oid in self.own:
            return self.placed.get(oid, oid)
        onto = self.situation.onto
        kept = oid != self.situation.work.base and history.contains(self.situation.bench.repository, onto, oid)
        return oid if kept else onto

    def pick(self, group: Sequence[Commit]) -> tuple[Commit, Unmerged] | None:
        """Replay a commit with what is folded into it; what stopped it if it does not apply."""
        lead, bench = group[0], self.situation.bench
        stand = self.stand(lead.parents[0])
        if lead.parents[0] == stand and len(group) == 1:
            self._add(lead, lead.oid)
            return None
        before = tree = bench.repository.tree_of(stand)
        for commit in group:
            picked = bench.merge(bench.shim(tree, commit.parents[0], commit.oid), commit.oid)
            if isinstance(picked, Unmerged):
                return commit, picked
            tree = picked.tree
        message, me = folded_message(group), self.situation.committer
        if tree != before and message is None:
            self._add(lead, signing.rewrite(bench, lead, tree, (stand,), me))
        elif tree != before and message is not None:
            self._add(lead, bench.write_commit(tree, (stand,), lead.author, me, message))
        return None

    def merge_again(self, commit: Commit) -> tuple[Commit, Unmerged] | None:
        """Merge what its parents became; nothing is left to merge where one of them holds the others."""
        bench, me = self.situation.bench, self.situation.committer
        here, *others = dict.fromkeys(map(self.stand, commit.parents))
        parents = [here, *(p for p in others if not history.contains(bench.repository, here, p))]
        if tuple(parents) == commit.parents:
            self._add(commit, commit.oid)
            return None
        for number, other in enumerate(parents[1:], 2):
            merged = bench.merge(here, other)
            if isinstance(merged, Unmerged):
                return commit, merged
            here = signing.rewrite(bench, commit, merged.tree, tuple(parents[:number]), me)
        if len(parents) > 1:
            self._add(commit, here)
        return None

    def _add(self, commit: Commit, made: Oid) -> None:
        self.placed[commit.oid] = made
        self.written.append(made)
        if made != commit.oid and signing.is_signed(self.situation.bench.repository, commit.oid):
            self.signed.append(made)


# Folding, pure on commits


def fold(commits: Sequence[Commit]) -> list[list[Commit]]:
    """Each commit with those that name it behind it, in the order in which git would fold them.

    Source: git-rebase(1), --autosquash. A commit is named by its subject, its object id or the beginning of either.
    """
    subjects = [" ".join(c.message.strip().partition("\n\n")[0].split("\n")) for c in commits]  # as git means it
    by_subject: dict[str, int] = {}
    groups: dict[int, list[int]] = {}
    group_of: dict[int, list[int]] = {}
    last: dict[int, int] = {}  # of those that name a commit
    for number, subject in enumerate(subjects):
        prefix = _FOLD.match(subject)
        goal = _named(subject[prefix.end() :], commits[:number], subjects, by_subject) if prefix else None
        if goal is None or len(commits[number].parents) > 1 or len(commits[goal].parents) > 1:
            by_subject.setdefault(subject, number)
            groups[number] = group_of[number] = [number]
        else:
            group = group_of[number] = group_of[goal]
            group.insert(group.index(last.get(goal, goal)) + 1, number)
            last[goal] = number
    return [[commits[number] for number in group] for group in groups.values()]


def _named(text: str, earlier: Sequence[Commit], subjects: Sequence[str], by_subject: dict[str, int]) -> int | None:
    """The earlier commit that a fixup means."""
    if text in by_subject:
        return by_subject[text]
    by_oid = [n for n, commit in enumerate(earlier) if len(text) >= SHORTEST_OID and commit.oid.startswith(text)]
    by_beginning = (number for number, _ in enumerate(earlier) if subjects[number].startswith(text))
    return by_oid[0] if by_oid else next(by_beginning, None)


def folded_message(group: Sequence[Commit]) -> str | None:
    """The message of a commit after folding; None where it is the first one's own.

    As in git, amend! replaces what there is, but once something was squashed it only adds to it.
    """
    text: str | None = None
    squashed = False
    for commit in group[1:]:
        _, _, rest = commit.message.strip().partition("\n\n")
        kind = commit.subject.partition("!")[0]
        squashed = squashed or kind == "squash"
        if rest and kind == "amend" and not squashed:
            text = rest.rstrip() + "\n"
        elif rest and kind in ("amend", "squash"):
            text = f"{(group[0].message if text is None else text).rstrip()}\n\n{rest.rstrip()}\n"
    return text
