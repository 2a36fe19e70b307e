"""The forms in which a branch can land: rebase, squash, merge, accept-both, and sequential, which never merges.

Each takes what is known of a branch and gives a candidate, a conflict, or the word that there is nothing to land.
They only write to the workbench. What counts as passing is no business of theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from gitbot.merge.messages import merge_message, squash_message
from gitbot.merge.rungs import ConflictedFile, Manner, Refused, Settled, marker_size_for, settle
from gitbot.merge.survey import NewWork
from gitbot.model.git import Oid, Person
from gitbot.model.merge import Branch, Candidate, Conflict, ConflictedPath, Nothing, Resolution, Strategy
from gitbot.repository import history
from gitbot.repository.workbench import Merged, Unmerged, Workbench
from gitbot.repository.writing import write_blob, write_tree

CONTENTS = "contents"  # git's word for a conflict in the text of a file
Proposal = tuple[Candidate, ...] | Conflict | Nothing


@dataclass(frozen=True, slots=True)
class Situation:
    """One branch before one target commit."""

    bench: Workbench
    branch: Branch
    onto: Oid
    work: NewWork
    committer: Person
    linear: bool  # no merge commits wanted
    manner: Manner
    additive: Callable[[str], bool]  # whether a path was declared to take both sides

    def apply(self, *, move_folders: bool = False) -> Merged | Unmerged:
        """The branch's new work, all at once, on the target, as git merges it."""
        ours, tip = self.onto, self.branch.tip
        if self.work.continued:
            ours = self.bench.shim(self.bench.repository.tree_of(self.onto), self.work.base, tip)
        return self.bench.merge(ours, tip, move_folders=move_folders)


def propose(situation: Situation, strategies: tuple[Strategy, ...]) -> Proposal:
    """The first strategy's candidates, from left to right; when there are none the conflict that tells the most.

    Most tells one whose paths carry the reason for which accept-both refused them.
    """
    answer: Conflict | None = None
    for strategy, why in _spelled_out(situation, strategies):
        found = _FORMS[strategy](situation, strategy, why)
        if not isinstance(found, Conflict):
            return found
        if answer is None or any(path.refused for path in found.paths):
            answer = found
    assert answer is not None
    return answer


def _spelled_out(situation: Situation, strategies: tuple[Strategy, ...]) -> list[tuple[Strategy, str]]:
    """`auto` in place of the forms it stands for, each form with its reason."""
    reason = "asked for"
    if situation.branch.strategy is not None and strategies == (Strategy.AUTO,):
        strategies, reason = (situation.branch.strategy,), "asked for by the plan or the configuration"
    found: list[tuple[Strategy, str]] = []
    for strategy in strategies:
        if strategy is Strategy.AUTO:
            found.append(choose_form(situation))
            found.append((Strategy.ACCEPT_BOTH, "both sides can be kept"))
            found.append((Strategy.SEQUENTIAL, "conflict"))
        else:
            found.append((strategy, reason))
    return found


_UNTIDY = ("wip", "fixup!", "squash!", "amend!", "revert", "tmp", "temp", "oops", "checkpoint", "undo", "try ")
MANY = 6  # commits on the same few files that read as trial and error


def choose_form(situation: Situation) -> tuple[Strategy, str]:
    """The form that suits what the branch looks like, and why in one line."""
    own = situation.work.own
    merges = sum(len(commit.parents) > 1 for commit in own)
    untidy = [commit for commit in own if commit.subject.casefold().startswith(_UNTIDY)]
    if merges and not situation.linear:
        return Strategy.MERGE, f"{_count(merges, 'merge')} inside the branch"
    if merges:
        return Strategy.SQUASH, f"{_count(merges, 'merge')} inside the branch, and history is linear"
    if situation.work.continued:
        return Strategy.SQUASH, "goes on after an earlier landing: only what is new"
    if untidy:
        return Strategy.SQUASH, f"{_count(len(own), 'commit')}, {len(untidy)} of them trial and error"
    if len(own) >= MANY and _same_files(situation):
        return Strategy.SQUASH, f"{_count(len(own), 'small commit')} on the same files"
    return Strategy.REBASE, "clean and linear"


def _same_files(situation: Situation) -> bool:
    touched = [history.touched(situation.bench.repository, commit) for commit in situation.work.own]
    return sum(map(len, touched)) >= 3 * len(frozenset().union(*touched))


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


# The forms


def rebase(situation: Situation, strategy: Strategy, why: str) -> Proposal:
    """Every commit of the branch on the target, one by one, author and message kept.

    A commit whose patch the target has already is dropped, merges inside the branch are flattened.
    """
    bench, repository, own = situation.bench, situation.bench.repository, situation.work.own
    there = history.already_there(repository, own, situation.onto, situation.work.base)
    current, tree = situation.onto, repository.tree_of(situation.onto)
    written: list[Oid] = []
    for commit in own:
        if len(commit.parents) != 1 or commit.oid in there or not history.touched(repository, commit):
            continue
        if commit.parents[0] == current:
            current, tree = commit.oid, commit.tree
            written.append(current)
            continue
        picked = bench.pick(commit.parents[0], commit.oid, current)
        if isinstance(picked, Unmerged):
            words = f"commit {commit.oid[:7]} ({commit.subject[:60]}) does not apply"
            return _conflict(situation, picked.paths, words, commit.oid)
        if picked.tree != tree:
            tree = picked.tree
            current = bench.write_commit(tree, (current,), commit.author, situation.committer, commit.message)
            written.append(current)
    if any(len(commit.parents) != 1 for commit in own):
        whole = situation.apply()
        if isinstance(whole, Unmerged) or whole.tree != tree:
            inside = ConflictedPath(".", "merges inside")
            return _conflict(situation, (inside,), "its merges hold changes that a rebase would drop")
    if not written:
        return Nothing(situation.branch.name, situation.branch.tip, True, "every commit is on the target already")
    return (_candidate(situation, current, tree, tuple(written), strategy, why),)


def at_once(situation: Situation, strategy: Strategy, why: str) -> Proposal:
    """The branch's new work in one step: squash, merge, and sequential, which is the dullest that can be had."""
    merged = situation.apply()
    if isinstance(merged, Merged):
        return (_written(situation, merged.tree, strategy, why),)
    redo = strategy is Strategy.SEQUENTIAL
    words = "has to be redone on top of what landed before it" if redo else "does not merge cleanly"
    return _conflict(situation, merged.paths, words)


def accept_both(situation: Situation, strategy: Strategy, why: str) -> Proposal:
    """Both sides of every conflict, where rules that were measured allow it; the gate judges the result."""
    merged = situation.apply()
    if isinstance(merged, Unmerged) and merged.renamed_folder:
        moved = situation.apply(move_folders=True)
        if isinstance(moved, Merged):
            resolved = tuple(
                Resolution(path.path, "rename-dir", 0, path.ours or situation.onto, path.theirs or situation.onto)
                for path in merged.paths
            )
            return (_written(situation, moved.tree, strategy, _kept_in(resolved), resolved),)
        merged = moved
    if isinstance(merged, Merged):
        return (_written(situation, merged.tree, strategy, why),)
    answers = {path: _settle(situation, path) for path in merged.paths}
    settled = {path: answer for path, answer in answers.items() if not isinstance(answer, Refused)}
    if len(settled) < len(answers):
        refused = tuple(
            replace(path, refused=answer.why) if isinstance(answer, Refused) else path
            for path, answer in answers.items()
        )
        why = next(f"{path.path}: {path.refused}" for path in refused if path.refused)
        return _conflict(situation, refused, why)
    first, second = (_variant(situation, merged.frame, settled, number) for number in (0, 1))
    return (first,) if first.tree == second.tree else (first, second)


_FORMS: dict[Strategy, Callable[[Situation, Strategy, str], Proposal]] = {
    Strategy.REBASE: rebase,
    Strategy.SQUASH: at_once,
    Strategy.MERGE: at_once,
    Strategy.ACCEPT_BOTH: accept_both,
    Strategy.SEQUENTIAL: at_once,
}


# Parts of accept-both


def _settle(situation: Situation, path: ConflictedPath) -> tuple[Settled, ...] | Refused:
    if path.kind != CONTENTS:
        return Refused(f"a {path.kind} conflict is never settled by keeping both")
    if path.ours is None or path.theirs is None:
        return Refused("one side has no file here")
    file = conflicted_file(situation.bench, path, additive=situation.additive(path.path))
    return settle(file, situation.manner) if file is not None else Refused("git takes it for binary")


def conflicted_file(bench: Workbench, path: ConflictedPath, *, additive: bool = False) -> ConflictedFile | None:
    """A conflict in contents with its markers; None where a side has no file, or one that git takes for binary."""
    if path.kind != CONTENTS or path.ours is None or path.theirs is None:
        return None
    ours, theirs = bench.repository.blob(path.ours), bench.repository.blob(path.theirs)
    base = bench.repository.blob(path.base) if path.base is not None else None
    size = marker_size_for(ours, theirs, base or b"")
    marked = bench.marked(base or b"", ours, theirs, size)
    return ConflictedFile(path.path, base, ours, theirs, marked, size, additive) if marked is not None else None


def _variant(
    situation: Situation, frame: Oid, settled: Mapping[ConflictedPath, tuple[Settled, ...]], number: int
) -> Candidate:
    """The candidate with the first or the second order of insertions, where a file has two."""
    repository = situation.bench.repository
    files: dict[str, tuple[Oid, int]] = {}
    resolved: list[Resolution] = []
    for path, answers in settled.items():
        answer = answers[min(number, len(answers) - 1)]
        entry = repository.entry(frame, path.path)
        assert entry is not None
        assert path.ours is not None
        assert path.theirs is not None
        files[path.path] = (write_blob(repository, answer.data), entry[1])
        resolved.append(Resolution(path.path, answer.how, answer.lines, path.ours, path.theirs))
    tree = write_tree(repository, frame, files)
    return _written(situation, tree, Strategy.ACCEPT_BOTH, _kept_in(resolved), tuple(resolved))


def _kept_in(resolved: Sequence[Resolution]) -> str:
    how = ", ".join(f"{r.path} ({r.how})" for r in resolved[:3])
    return f"both sides kept in {how}{' …' if len(resolved) > 3 else ''}"


# Commits


def _written(
    situation: Situation, tree: Oid, strategy: Strategy, why: str, resolved: tuple[Resolution, ...] = ()
) -> Candidate:
    """A squash where one is asked for or merge commits are not wanted, else a merge of target and branch."""
    bench, branch, own, me = situation.bench, situation.branch, situation.work.own, situation.committer
    if strategy is Strategy.SQUASH or (situation.linear and strategy is not Strategy.MERGE):
        commit = bench.write_commit(tree, (situation.onto,), own[-1].author, me, squash_message(branch, own))
        return _candidate(situation, commit, tree, (commit,), strategy, why, resolved)
    commit = bench.write_commit(tree, (situation.onto, branch.tip), me, me, merge_message(branch, own, me))
    commits = (*(one.oid for one in own), commit)
    return _candidate(situation, commit, tree, commits, strategy, why, resolved)


def _candidate(
    situation: Situation,
    commit: Oid,
    tree: Oid,
    commits: tuple[Oid, ...],
    strategy: Strategy,
    why: str,
    resolved: tuple[Resolution, ...] = (),
) -> Candidate:
    branch = situation.branch
    return Candidate(branch.name, branch.tip, situation.onto, commit, tree, commits, strategy, why, resolved)


def _conflict(
    situation: Situation, paths: tuple[ConflictedPath, ...], why: str, commit: Oid | None = None
) -> Conflict:
    branch = situation.branch
    return Conflict(branch.name, branch.tip, situation.onto, paths, why, commit)
