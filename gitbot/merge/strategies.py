"""The forms in which a branch can land: rebase, squash, merge, accept-both, and sequential, which never merges.

Each takes what is known of a branch and gives a candidate, a conflict, or the word that there is nothing to land.
They only write to the workbench. What counts as passing is no business of theirs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from gitbot.merge.messages import merge_message, squash_message
from gitbot.merge.rungs import ConflictedFile, Manner, Refused, Settled, marker_size_for, settle
from gitbot.model.git import Commit, Oid, Person
from gitbot.model.merge import Branch, Candidate, Conflict, ConflictedPath, Nothing, Resolution, Strategy
from gitbot.repository import history
from gitbot.repository.workbench import Merged, Unmerged, Workbench

Proposal = tuple[Candidate, ...] | Conflict | Nothing


@dataclass(frozen=True, slots=True)
class Situation:
    """One branch before one target commit."""

    bench: Workbench
    branch: Branch
    onto: Oid
    base: Oid  # where the branch's new work starts: the merge base, or the tip that was landed before
    continued: bool  # the latter
    own: tuple[Commit, ...]  # the branch's new commits, oldest first
    committer: Person
    linear: bool = False  # no merge commits wanted
    manner: Manner = Manner.CAREFUL
    additive: Callable[[str], bool] = lambda path: False

    @property
    def onto_tree(self) -> Oid:
        """The target's tree."""
        return self.bench.repository.tree_of(self.onto)

    def apply(self, *, move_folders: bool = False) -> Merged | Unmerged:
        """The branch's new work, all at once, on the target, as git merges it."""
        ours = self.onto
        if self.continued:
            ours = self.bench.shim(self.onto_tree, self.base, self.branch.tip)
        return self.bench.merge(ours, self.branch.tip, move_folders=move_folders)


def propose(situation: Situation, strategies: tuple[Strategy, ...]) -> Proposal:
    """The first strategy's candidates, from left to right; the last conflict when there are none."""
    answer: Proposal | None = None
    for strategy in _spelled_out(situation, strategies):
        found = _FORMS[strategy[0]](situation, strategy[1])
        if not isinstance(found, Conflict):
            return found
        answer = _better(answer, found)
    assert answer is not None
    return answer


def _better(known: Proposal | None, found: Conflict) -> Conflict:
    """The conflict that tells a person more: paths that accept-both refused carry their reason."""
    if not isinstance(known, Conflict) or any(path.refused for path in found.paths):
        return found
    return known


def _spelled_out(situation: Situation, strategies: tuple[Strategy, ...]) -> tuple[tuple[Strategy, str], ...]:
    """`auto` in place of the forms it stands for, each form with its reason."""
    wanted = strategies
    if situation.branch.strategy is not None and strategies == (Strategy.AUTO,):
        wanted = (situation.branch.strategy,)
        if wanted != (Strategy.AUTO,):
            return ((wanted[0], "asked for by the plan or the configuration"),)
    found: list[tuple[Strategy, str]] = []
    for strategy in wanted:
        if strategy is Strategy.AUTO:
            found.append(choose_form(situation))
            found.append((Strategy.ACCEPT_BOTH, "both sides can be kept"))
            found.append((Strategy.SEQUENTIAL, "conflict"))
        else:
            found.append((strategy, "asked for"))
    return tuple(found)


_UNTIDY = ("wip", "fixup!", "squash!", "amend!", "revert", "tmp", "temp", "oops", "checkpoint", "undo", "try ")
LARGEST = 1 << 20  # bytes of a file in which both sides are kept
MANY = 6  # commits on the same few files that read as trial and error


def choose_form(situation: Situation) -> tuple[Strategy, str]:
    """The form that suits what the branch looks like, and why in one line."""
    own = situation.own
    merges = sum(len(commit.parents) > 1 for commit in own)
    untidy = [commit for commit in own if commit.subject.casefold().startswith(_UNTIDY)]
    if merges and not situation.linear:
        return Strategy.MERGE, f"{_count(merges, 'merge')} inside the branch"
    if merges:
        return Strategy.SQUASH, f"{_count(merges, 'merge')} inside the branch, and history is linear"
    if situation.continued:
        return Strategy.SQUASH, "goes on after an earlier landing: only what is new"
    if untidy:
        return Strategy.SQUASH, f"{_count(len(own), 'commit')}, {len(untidy)} of them trial and error"
    if len(own) >= MANY and _same_files(situation):
        return Strategy.SQUASH, f"{_count(len(own), 'small commit')} on the same files"
    return Strategy.REBASE, "clean and linear"


def _same_files(situation: Situation) -> bool:
    repository = situation.bench.repository
    touched: list[str] = []
    for commit in situation.own:
        before = repository.tree_of(commit.parents[0]) if commit.parents else None
        touched += [change.path for change in repository.changes(before, commit.tree)]
    return len(touched) >= 3 * len(set(touched))


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


# The forms


def rebase(situation: Situation, why: str) -> Proposal:
    """Every commit of the branch on the target, one by one, author and message kept.

    A commit whose patch the target has already is dropped, merges inside the branch are flattened.
    """
    bench, repository = situation.bench, situation.bench.repository
    there = history.already_there(repository, situation.own, situation.onto, situation.base)
    current, tree = situation.onto, situation.onto_tree
    written: list[Oid] = []
    for commit in situation.own:
        if len(commit.parents) != 1 or commit.oid in there or not history.touched(repository, commit):
            continue
        if commit.parents[0] == current:
            current, tree = commit.oid, commit.tree
            written.append(current)
            continue
        picked = bench.pick(commit.parents[0], commit.oid, current)
        if isinstance(picked, Unmerged):
            subject = commit.subject[:60]
            return _conflict(situation, picked, f"commit {commit.oid[:7]} ({subject}) does not apply", commit.oid)
        if picked.tree != tree:
            current, tree = (
                bench.write_commit(picked.tree, (current,), commit.author, situation.committer, commit.message),
                picked.tree,
            )
            written.append(current)
    if any(len(commit.parents) != 1 for commit in situation.own):
        whole = situation.apply()
        if isinstance(whole, Unmerged) or whole.tree != tree:
            path = ConflictedPath(".", "merges inside")
            words = "its merges hold changes that a rebase would drop"
            return Conflict(situation.branch.name, situation.branch.tip, situation.onto, (path,), words)
    if not written:
        return Nothing(situation.branch.name, situation.branch.tip, True, "every commit is on the target already")
    return (_candidate(situation, current, tree, tuple(written), Strategy.REBASE, why),)


def squash(situation: Situation, why: str) -> Proposal:
    """The branch's new work as one commit."""
    merged = situation.apply()
    if isinstance(merged, Unmerged):
        return _conflict(situation, merged, "does not merge cleanly")
    return (_squashed(situation, merged.tree, Strategy.SQUASH, why, ()),)


def merge(situation: Situation, why: str) -> Proposal:
    """A merge commit of target and branch."""
    merged = situation.apply()
    if isinstance(merged, Unmerged):
        return _conflict(situation, merged, "does not merge cleanly")
    return (_merged(situation, merged.tree, Strategy.MERGE, why, ()),)


def accept_both(situation: Situation, why: str) -> Proposal:
    """Both sides of every conflict, where rules that were measured allow it; the gate judges the result."""
    merged = situation.apply()
    if isinstance(merged, Unmerged) and merged.renamed_folder:
        moved = situation.apply(move_folders=True)
        if isinstance(moved, Merged):
            resolved = tuple(
                Resolution(path.path, "rename-dir", 0, path.ours or situation.onto, path.theirs or situation.onto)
                for path in merged.paths
            )
            return (_both(situation, moved.tree, why, resolved),)
        merged = moved
    if isinstance(merged, Merged):
        return (_both(situation, merged.tree, why, ()),)
    settled = {path: _settle(situation, path) for path in merged.paths}
    refused = tuple(
        replace(path, refused=answer.why) if isinstance(answer, Refused) else path for path, answer in settled.items()
    )
    if any(isinstance(answer, Refused) for answer in settled.values()):
        first = next(path for path in refused if path.refused)
        return _conflict(situation, Unmerged(merged.frame, refused, False), f"{first.path}: {first.refused}")
    done = {path: answer for path, answer in settled.items() if not isinstance(answer, Refused)}
    candidates: list[Candidate] = []
    for variant in (0, 1):
        found = _variant(situation, merged, done, variant, why)
        if found.tree not in {known.tree for known in candidates}:
            candidates.append(found)
    return tuple(candidates)


def sequential(situation: Situation, why: str) -> Proposal:
    """Never merges a conflict; without one it is a plain merge or squash, the dullest that can be had."""
    merged = situation.apply()
    if isinstance(merged, Unmerged):
        return _conflict(situation, merged, "has to be redone on top of what landed before it")
    return ((_squashed if situation.linear else _merged)(situation, merged.tree, Strategy.SEQUENTIAL, why, ()),)


_FORMS: dict[Strategy, Callable[[Situation, str], Proposal]] = {
    Strategy.REBASE: rebase,
    Strategy.SQUASH: squash,
    Strategy.MERGE: merge,
    Strategy.ACCEPT_BOTH: accept_both,
    Strategy.SEQUENTIAL: sequential,
}


# Parts of accept-both


def _settle(situation: Situation, path: ConflictedPath) -> tuple[Settled, ...] | Refused:
    if path.kind != "contents":
        return Refused(f"a {path.kind} conflict is never settled by keeping both")
    if path.ours is None or path.theirs is None:
        return Refused("one side has no file here")
    repository, bench = situation.bench.repository, situation.bench
    ours, theirs = repository.blob(path.ours), repository.blob(path.theirs)
    base = repository.blob(path.base) if path.base is not None else None
    if max(len(ours), len(theirs), len(base or b"")) > LARGEST:
        return Refused("it is larger than 1 MiB")
    size = marker_size_for(ours, theirs, base or b"")
    marked = bench.marked(base or b"", ours, theirs, size)
    if marked is None:
        return Refused("git takes it for binary")
    file = ConflictedFile(path.path, base, ours, theirs, marked, size, situation.additive(path.path))
    return settle(file, situation.manner)


def _variant(
    situation: Situation,
    merged: Unmerged,
    settled: dict[ConflictedPath, tuple[Settled, ...]],
    number: int,
    why: str,
) -> Candidate:
    bench, repository = situation.bench, situation.bench.repository
    files: dict[str, tuple[Oid, int]] = {}
    resolved: list[Resolution] = []
    for path, answers in settled.items():
        answer = answers[min(number, len(answers) - 1)]
        entry = repository.entry(merged.frame, path.path)
        assert entry is not None
        assert path.ours is not None
        assert path.theirs is not None
        files[path.path] = (bench.write_blob(answer.data), entry[1])
        resolved.append(Resolution(path.path, answer.how, answer.lines, path.ours, path.theirs))
    return _both(situation, bench.replace(merged.frame, files), why, tuple(resolved))


def _both(situation: Situation, tree: Oid, why: str, resolved: tuple[Resolution, ...]) -> Candidate:
    how = ", ".join(f"{r.path} ({r.how})" for r in resolved[:3]) + (" …" if len(resolved) > 3 else "")
    words = f"both sides kept in {how}" if resolved else why
    form = _squashed if situation.linear else _merged
    return form(situation, tree, Strategy.ACCEPT_BOTH, words, resolved)


# Commits


def _squashed(
    situation: Situation, tree: Oid, strategy: Strategy, why: str, resolved: tuple[Resolution, ...]
) -> Candidate:
    message = squash_message(situation.branch, situation.own, situation.committer)
    author = situation.own[-1].author
    commit = situation.bench.write_commit(tree, (situation.onto,), author, situation.committer, message)
    return _candidate(situation, commit, tree, (commit,), strategy, why, resolved)


def _merged(
    situation: Situation, tree: Oid, strategy: Strategy, why: str, resolved: tuple[Resolution, ...]
) -> Candidate:
    message = merge_message(situation.branch, situation.own, situation.committer)
    parents = (situation.onto, situation.branch.tip)
    commit = situation.bench.write_commit(tree, parents, situation.committer, situation.committer, message)
    commits = (*(one.oid for one in situation.own), commit)
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


def _conflict(situation: Situation, merged: Unmerged, why: str, commit: Oid | None = None) -> Conflict:
    branch = situation.branch
    return Conflict(branch.name, branch.tip, situation.onto, merged.paths, why, commit)
