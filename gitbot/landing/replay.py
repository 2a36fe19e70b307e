"""Past merges, made again as `integrate` would make them: read-only, all that is written goes to the workbench.

Rungs and candidates are those of a run; here they meet what people committed. What counts as alike is decided in
`gitbot.merge.hindsight`. No gate is run, and no command of the configuration.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from gitbot.errors import GitError
from gitbot.merge.accept_both import conflicted_file
from gitbot.merge.edits import Lines, split_lines
from gitbot.merge.hindsight import compare, in_place_of, least_like
from gitbot.merge.hunks import ConflictedFile, Shown, read_conflicts, read_markers
from gitbot.merge.rungs import Manner, Refused, answers
from gitbot.merge.situation import Situation
from gitbot.merge.strategies import propose
from gitbot.merge.survey import NewWork
from gitbot.model.git import BranchName, Commit, Oid, RefName
from gitbot.model.merge import Branch, Conflict, ConflictedPath, Nothing, Strategy
from gitbot.model.replay import Likeness, Replay, ReplayedFile, ReplayedHunk, ReplayedMerge
from gitbot.repository import Repository, history, refs
from gitbot.repository.workbench import Merged, Workbench

OTHER = {Manner.CAREFUL: Manner.BOLD, Manner.BOLD: Manner.CAREFUL}
_SHOWN = 4_000  # bytes of one text that a report gets


def replay(
    repository: Repository,
    target: RefName,
    last: int,
    manner: Manner,
    additive: Callable[[str], bool],
    scratch: Path,
    progress: Callable[[int], None],
) -> Replay:
    """The target's latest `last` merges of two branches, by its first parents; `progress` hears how many are done."""
    tip = refs.read(repository, target)
    assert tip is not None
    merges: list[ReplayedMerge] = []
    octopuses = forwards = 0
    listed = repository.git("rev-list", "--first-parent", "--min-parents=2", tip).decode().split()
    with _Past(repository, scratch) as past:
        for commit in map(repository.commit, map(Oid, listed)):
            progress(len(merges))
            if len(merges) == last:
                break
            if len(commit.parents) > 2:
                octopuses += 1
                continue
            try:
                if history.merge_base(repository, *commit.parents) in commit.parents:
                    forwards += 1
                    continue
                merges.append(_replayed(past.bench_on(commit.parents[0]), commit, manner, additive))
            except GitError as refused:
                merges.append(_merge(commit, Likeness.UNREADABLE, why=refused.message))
    name = BranchName(target.removeprefix(refs.HEADS))
    return Replay(name, repository.commit(tip), str(manner), tuple(merges), octopuses, forwards)


class _Past(ExitStack):
    """Workbenches that go by the attributes of one commit after the other; few commits change them."""

    def __init__(self, repository: Repository, scratch: Path) -> None:
        super().__init__()
        self.repository, self.scratch = repository, scratch
        self.latest: tuple[Workbench, Oid] | None = None

    def bench_on(self, commit: Oid) -> Workbench:
        """The latest workbench, unless the attributes have changed since."""
        known, self.latest = self.latest, None
        changed = self.repository.changed_paths(known[1], commit) if known is not None else ()
        if known is None or any(path.rpartition("/")[2] == ".gitattributes" for path in changed):
            self.close()
            bench = self.enter_context(Workbench(self.repository, self.scratch, commit))
        else:
            bench = known[0]
        self.latest = bench, commit
        return bench


def _merge(
    commit: Commit,
    likeness: Likeness,
    *,
    files: tuple[ReplayedFile, ...] = (),
    beyond: frozenset[str] = frozenset(),
    why: str | None = None,
) -> ReplayedMerge:
    time, extra = commit.committer.time, tuple(sorted(beyond))
    return ReplayedMerge(commit.oid, commit.subject, commit.author.name, time, likeness, why, files, extra)


def _replayed(bench: Workbench, commit: Commit, manner: Manner, additive: Callable[[str], bool]) -> ReplayedMerge:
    repository, (ours, theirs) = bench.repository, commit.parents
    merged = bench.merge(ours, theirs)
    if isinstance(merged, Merged):
        return _merge(commit, Likeness.CLEAN, beyond=repository.changed_paths(merged.tree, commit.tree))
    base = history.merge_base(repository, ours, theirs)
    assert base is not None
    situation = Situation(
        bench=bench,
        branch=Branch(BranchName(theirs[:12]), theirs),
        onto=ours,
        work=NewWork(base, False, history.own_commits(repository, theirs, ours)),
        committer=commit.committer,
        linear=False,
        manner=manner,
        additive=additive,
    )
    proposal = propose(situation, (Strategy.ACCEPT_BOTH,))
    assert not isinstance(proposal, Nothing)
    if isinstance(proposal, Conflict):
        files = tuple(_file(situation, path, commit.tree, None) for path in proposal.paths)
        return _merge(commit, Likeness.SET_ASIDE, files=files, why=proposal.why)
    mine = proposal[0].tree
    files = tuple(_file(situation, path, commit.tree, mine) for path in merged.paths)
    told = {file.path for file in files if file.likeness is not Likeness.IDENTICAL}
    beyond = repository.changed_paths(mine, commit.tree) - told
    return _merge(commit, least_like(file.likeness for file in files), files=files, beyond=beyond)


def _file(situation: Situation, path: ConflictedPath, committed: Oid, mine: Oid | None) -> ReplayedFile:
    """One conflicted path; `mine` is gitbot's tree, None where it has none."""
    repository = situation.bench.repository
    file = conflicted_file(situation.bench, path, additive=situation.additive(path.path))
    theirs = repository.read(committed, path.path)
    own = repository.read(mine, path.path) if mine is not None else None
    hunks = _hunks(file, situation.manner, theirs, own) if file is not None else ()
    if mine is None:
        return ReplayedFile(path.path, path.kind, Likeness.SET_ASIDE, path.refused, hunks)
    found = [hunk.likeness for hunk in hunks if hunk.likeness is not None]
    if repository.entry(committed, path.path) == repository.entry(mine, path.path):
        likeness = Likeness.IDENTICAL
    elif found and len(found) == len(hunks):
        likeness = least_like(found)  # what people changed elsewhere in the file is no answer to the conflict
    else:
        likeness = compare(split_lines(theirs or b""), split_lines(own or b""))
    return ReplayedFile(path.path, path.kind, likeness, None, hunks)


def _hunks(
    file: ConflictedFile, manner: Manner, committed: bytes | None, own: bytes | None
) -> tuple[ReplayedHunk, ...]:
    """Each conflict of a file; `own` is gitbot's text, None where it would have set the file aside."""
    conflicts, given, others = read_conflicts(file), answers(file, manner), answers(file, OTHER[manner])
    if isinstance(conflicts, Refused):
        clean, hunks = read_markers(file) or ((), ())
    else:
        clean = conflicts.clean
        hunks = tuple(Shown(one.line, one.base, one.ours, one.theirs) for one in conflicts.hunks)
    if not hunks:
        return ()
    people, placed = (
        in_place_of(clean, text) if text is not None else (None,) * len(hunks) for text in (committed, own)
    )
    found: list[ReplayedHunk] = []
    for at, hunk in enumerate(hunks):
        answer = None if isinstance(given, Refused) else given[at]
        why = given.why if isinstance(given, Refused) else given[at].why or given[at].refused
        mine = answer.lines if answer and own is None else placed[at]
        told = people[at]
        likeness = None if mine is None or told is None else compare(mine, told)
        sides = _text(hunk.base), _text(hunk.ours), _text(hunk.theirs)
        how = answer.how if answer else None
        other = None if isinstance(others, Refused) else others[at]
        kept, rung = (other.lines, other.how) if other else (None, None)
        alike = None if kept is None or told is None else compare(kept, told)
        found.append(ReplayedHunk(hunk.line, *sides, _told(told), _told(mine), how, why, likeness, rung, alike))
    return tuple(found)


def _told(lines: Lines | None) -> str | None:
    return None if lines is None else _text(lines)


def _text(lines: Lines) -> str:
    text = b"".join(lines)
    return text[:_SHOWN].decode("utf-8", "replace") + ("…" if len(text) > _SHOWN else "")
