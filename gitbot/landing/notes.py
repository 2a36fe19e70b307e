"""What is said of a branch beside its outcome: gathered here from records, repository and candidate.

Each note is decided elsewhere (`flags`, `partner`, `gitbot.merge.losses`), and none of them holds a branch up.
"""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import takewhile

import msgspec

from gitbot.config import FILE, PYPROJECT, Config
from gitbot.errors import GitError
from gitbot.journal import results
from gitbot.landing import document, flags, queue, suite
from gitbot.landing.examine import Examination
from gitbot.landing.partner import Side, find_hints
from gitbot.merge.losses import Loss, deleted_landings, dropped_by_merges
from gitbot.model.gate import GateResult, GateVerdict, Suite
from gitbot.model.git import ZERO, BranchName, Oid, RefName
from gitbot.model.merge import Candidate
from gitbot.model.run import Entry, Flag, Hint, Landed, Record, Started, Tested
from gitbot.report.terminal import some
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
    chain: queue.Chain = ()  # all that lands in it
    earlier: Sequence[Sequence[Record]] = ()  # records of earlier runs, newest first

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

    def _fewer_tests(self, candidate: Candidate, one: Examination) -> Flag | None:
        """By names or counts where the branch alone was tested on a tree that was; else by its diff alone.

        What a group lost of which no part was tested is said of its last branch, with the others' names.
        """
        viewer = self.bench.repository
        counts, named = (defaultdict[Oid, dict[str, flags.Count]](dict), defaultdict[Oid, list[GateResult]](list))
        for record in _passed((*self.earlier, self.records)):
            counts[record.result.tree] |= {gate: (ran, skipped) for gate, ran, skipped in record.result.counts}
            named[record.result.tree].append(record.result)
        start, others = self._since_tested(candidate, counts.keys())
        trees = (viewer.tree_of(start), candidate.tree)
        (before, had), (after, has) = ((counts[tree], self._suites(named[tree])) for tree in trees)
        diff = suite.suite_diff(history.patch(viewer, one.base or ZERO, candidate.tip))
        together = suite.suite_diff(history.patch(viewer, start, candidate.commit)) if others else diff
        both = had.keys() & has.keys()
        found = [text for gate in sorted(both) for text in suite.lost_by_name(had[gate], has[gate], together)]
        unnamed = {gate: count for gate, count in after.items() if gate not in both and count[0] is not None}
        whom = f"with {some(others)}: " if others else ""
        said = [whom + text for text in dict.fromkeys((*found, *flags.by_counts(before, unnamed)))]
        by_diff, paths = suite.lost_by_diff(one.changes, diff)
        if others or unnamed or not both:  # else all is known by name
            said += by_diff
        else:
            paths = set()
        return Flag(kind="fewer-tests", paths=tuple(sorted(paths)), text="; ".join(said)) if said else None

    def _suites(self, tested: Sequence[GateResult]) -> dict[str, Suite]:
        return {gate: one for result in tested for gate, one in results.suites_of(self.repository, result).items()}

    def _since_tested(self, candidate: Candidate, tested: Set[Oid]) -> tuple[Oid, list[BranchName]]:
        """The last commit before it in its chain whose tree was tested, and the branches that came in between."""
        start, others = candidate.base, list[BranchName]()
        for link in reversed([*takewhile(lambda link: link.entry.name != candidate.branch, self.chain)]):
            if self.bench.repository.tree_of(start) in tested:
                break
            start, others = link.candidate.base, [link.entry.name, *others]
        return start, sorted(others)

    @property
    def _commands(self) -> list[str | tuple[str, ...] | None]:
        """All that is run, or stands around what is run, to test a branch."""
        gate, named = self.config.gate, self.config.gates.values()
        around = None if gate.isolation in ("process", "bwrap") else gate.isolation
        return [self.started.request.gate, gate.setup, *(one.setup for one in named), around]

    def _reconfigured(self, candidate: Candidate, one: Examination) -> list[str]:
        """The files in which the branch changes how gitbot is configured."""
        viewer, touched = self.bench.repository, {path for change in one.changes for path in change.paths}
        trees = [viewer.tree_of(commit) for commit in (one.base, candidate.tip) if commit is not None]
        found = {
            path: [flags.settings(path, viewer.read(tree, path, fetch=True)) for tree in trees]
            for path in touched.intersection((FILE, PYPROJECT))
        }
        return [path for path, (*before, after) in found.items() if [after] != before]

    def flags(self, entry: Entry, candidate: Candidate, one: Examination) -> tuple[Flag, ...]:
        """All that is worth a word about a branch that lands."""
        ref = self.branches.get(entry.name)
        trees = checkouts.showing(self.repository, ref) if ref is not None else ()
        open_work = [(tree.path, checkouts.uncommitted(self.repository, tree.path)) for tree in trees]
        now = refs.read(self.repository, ref) if ref is not None else None
        own, fewer = list[str](), None
        with contextlib.suppress(GitError):  # as above
            own = self._reconfigured(candidate, one)
            fewer = self._fewer_tests(candidate, one)
        found = (
            flags.moved_flag(entry.tip, now) if entry.patch is None else None,
            flags.gate_file_flag(self._commands, one.changes, own),
            flags.protected_flag(self.config.gate.protect, one.changes),
            fewer,
            *(flags.uncommitted_flag(paths, where) for where, paths in open_work),
            *flags.drift_flags(one.drift, one.widened, free=self.config.ownership.unowned == "allow"),
            flags.lost_lines_flag(self._losses(entry, candidate, one), self._target),
        )
        return tuple(flag for flag in found if flag is not None)


def _passed(runs: Sequence[Sequence[Record]]) -> Iterator[Tested]:
    """What passed in this run (the last one) and those that asked for the same."""
    for run in (run for run in runs if _gates_of(run) == _gates_of(runs[-1])):
        for record in run:
            if isinstance(record, Tested) and record.result.verdict is GateVerdict.PASSED:
                yield record


def _gates_of(run: Sequence[Record]) -> bytes:
    """What a run was asked to test by, however its record has been kept."""
    begun = run[0]
    assert isinstance(begun, Started)
    return msgspec.json.encode([begun.request.gate, begun.config.get("gate"), begun.config.get("gates")])
