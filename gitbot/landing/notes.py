"""What is said of a branch beside its outcome: gathered here from records, repository and candidate.

Each note is decided elsewhere (`flags`, `partner`, `gitbot.merge.losses`), and none of them holds a branch up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gitbot.config import Config
from gitbot.errors import GitError
from gitbot.landing import document, flags
from gitbot.landing.examine import Examination
from gitbot.landing.partner import Side, find_hints
from gitbot.merge.losses import Loss, deleted_landings, dropped_by_merges
from gitbot.model.git import ZERO, BranchName, RefName
from gitbot.model.merge import Candidate
from gitbot.model.run import Entry, Flag, Hint, Landed, Record, Started, Tested
from gitbot.repository import Repository, checkouts, history, refs
from gitbot.repository.workbench import Workbench

RECENT = 20  # landings, of this run and earlier ones, whose lines a branch may have deleted


@dataclass(frozen=True, slots=True)
class Notes:
    """All that a note can be found in: `recent` is what earlier runs landed, `branches` where each branch lives."""

    repository: Repository
    bench: Workbench
    started: Started
    config: Config
    records: Sequence[Record]
    recent: tuple[Landed, ...]
    branches: Mapping[BranchName, RefName]
    ahead: tuple[Landed, ...] = ()  # what lands in the same step, before the branch

    @property
    def _target(self) -> BranchName:
        return BranchName(refs.shorthand(self.started.request.target))

    def hints(self, candidate: Candidate, one: Examination) -> tuple[Hint, ...]:
        """Where the branch may not fit what was on the target before the run, and what came to it since."""
        assert one.base is not None
        sides: list[Side] = [(None, one.base, self.started.before)]
        for move in (*document.moves(self.records), *self.ahead):
            sides.append((move.report.branch if isinstance(move, Landed) else None, move.before, move.after))
        try:
            own = (one.base, candidate.tip)
            return find_hints(self.bench.repository, own, sides, candidate.tree, self._target)
        except GitError:  # a blob that a partial clone lacks; a note is not worth a stop
            return ()

    def _losses(self, entry: Entry, candidate: Candidate, one: Examination) -> tuple[Loss, ...]:
        """Lines of others that the branch took away, by its own merges or after they had landed."""
        assert one.base is not None
        viewer, tip, tree = self.bench.repository, candidate.tip, candidate.tree
        known = [*self.recent, *document.landed(self.records), *self.ahead][-RECENT:]
        others = [landing for landing in reversed(known) if landing.report.branch != entry.name]
        landed = [(landing.report.branch, landing.before, landing.after) for landing in others]
        try:
            own = history.own_commits(viewer, tip, candidate.base)
            dropped = dropped_by_merges(self.bench, own, candidate.base, tree, landed)
            return dropped + deleted_landings(viewer, one.base, tip, tree, landed)
        except GitError:  # as above
            return ()

    def flags(self, entry: Entry, candidate: Candidate, one: Examination) -> tuple[Flag, ...]:
        """All that is worth a word about a branch that lands."""
        tested = [record.result for record in self.records if isinstance(record, Tested)]
        counted = {result.tree: (result.tests, result.skipped) for result in tested}
        unknown = (None, None)
        before = counted.get(self.bench.repository.tree_of(candidate.base), unknown)
        ref = self.branches.get(entry.name)
        trees = checkouts.showing(self.repository, ref) if ref is not None else ()
        patch = history.patch(self.bench.repository, one.base or ZERO, candidate.tip)
        open_work = [(tree.path, checkouts.uncommitted(self.repository, tree.path)) for tree in trees]
        now = refs.read(self.repository, ref) if ref is not None else None
        found = (
            flags.moved_flag(entry.tip, now),
            flags.gate_file_flag(self.started.request.gate, one.changes),
            flags.protected_flag(self.config.gate.protect, one.changes),
            flags.fewer_tests_flag(
                before, counted.get(candidate.tree, unknown), one.changes, flags.added_to_tests(patch)
            ),
            *(flags.uncommitted_flag(paths, where) for where, paths in open_work),
            *flags.drift_flags(one.drift, one.widened),
            flags.lost_lines_flag(self._losses(entry, candidate, one), self._target),
        )
        return tuple(flag for flag in found if flag is not None)
