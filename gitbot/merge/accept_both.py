"""accept-both on a whole branch: every conflicted file settled by the ladder, or the branch goes back.

Which lines a file gets is decided in `rungs`, on bytes; here conflicts become files and answers become candidates.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from gitbot.merge.hindsight import in_place_of
from gitbot.merge.hunks import Conflicts, marker_size_for, read_conflicts
from gitbot.merge.rungs import ConflictedFile, Refused, Settled, hunk_key, settle, settle_as
from gitbot.merge.situation import Proposal, Situation, as_conflict, write_candidate
from gitbot.model.git import Commit, Oid
from gitbot.model.merge import Candidate, Conflict, ConflictedPath, Resolution, ResolvedHunk, Strategy
from gitbot.repository import Repository
from gitbot.repository.workbench import Merged, Unmerged, Workbench
from gitbot.repository.writing import write_blob, write_tree

MOST_MERGES = 20  # of one branch whose decisions are read
CONTENTS = "contents"  # git's word for a conflict in the text of a file


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
            return (write_candidate(situation, moved.tree, strategy, _kept_in(resolved), resolved),)
        merged = moved
    if isinstance(merged, Merged):
        return (write_candidate(situation, merged.tree, strategy, why),)
    locks = [path for path in merged.paths if _is_made(situation, path)]
    answers: dict[ConflictedPath, tuple[Settled, ...] | Refused] = {}
    for path in merged.paths:
        if path not in locks and not (situation.trial and any(isinstance(a, Refused) for a in answers.values())):
            answers[path] = _settle(situation, path)
    settled = {path: answer for path, answer in answers.items() if not isinstance(answer, Refused)}
    if len(settled) < len(answers):
        refused = tuple(
            replace(path, refused=answer.why) if isinstance(answer, Refused) else path
            for path, answer in answers.items()
        )
        return _refused(situation, refused)
    candidates: dict[Oid, Candidate] = {}
    for number in range(max(map(len, settled.values()), default=1)):
        candidate = _variant(situation, merged.frame, settled, locks, number)
        if isinstance(candidate, Conflict):
            return candidate
        candidates.setdefault(candidate.tree, candidate)
    return tuple(candidates.values())


def _refused(situation: Situation, paths: tuple[ConflictedPath, ...]) -> Conflict:
    return as_conflict(situation, paths, next(f"{path.path}: {path.refused}" for path in paths if path.refused))


def _settle(situation: Situation, path: ConflictedPath) -> tuple[Settled, ...] | Refused:
    if path.kind != CONTENTS:
        return Refused(path.refused or f"a {path.kind} conflict is never settled by keeping both")
    if path.ours is None or path.theirs is None:
        return Refused("one side has no file here")
    file = conflicted_file(situation.bench, path, additive=situation.additive(path.path))
    if file is None:
        return Refused("git takes it for binary")
    owners = None if file.additive else situation.owned_twice(path.path)
    if owners is not None:
        return Refused(f"{owners} both own it")
    commands = situation.commands
    answer = settle(file, situation.manner, commands.remembered if commands else lambda _: None)
    said = commands.resolve(file) if commands and isinstance(answer, Refused) else None
    if said is None or not isinstance(answer, Refused):
        return answer
    wrote = "the configured resolver wrote it: look at it"
    resolved = settle_as(file, said, "resolver", wrote) if isinstance(said, bytes) else said
    return (resolved,) if isinstance(resolved, Settled) else Refused(f"{answer.why}; {resolved.why}")


def _is_made(situation: Situation, path: ConflictedPath) -> bool:
    """Whether a configured command makes this lock file anew."""
    both, commands = path.ours is not None and path.theirs is not None, situation.commands
    return both and path.kind in (CONTENTS, "binary") and bool(commands and commands.lock_command(path.path))


def decisions(bench: Workbench, own: Sequence[Commit]) -> Iterator[tuple[str, bytes]]:
    """How the merges inside a branch settled their conflicts: what `hunk_key` gives, and the lines written there."""
    for commit in [one for one in own if len(one.parents) == 2][-MOST_MERGES:]:
        merged = bench.merge(*commit.parents)
        for path in merged.paths if isinstance(merged, Unmerged) else ():
            file, data = conflicted_file(bench, path), bench.repository.read(commit.oid, path.path)
            conflicts = read_conflicts(file) if file is not None else None
            if isinstance(conflicts, Conflicts) and data is not None:
                for hunk, lines in zip(conflicts.hunks, in_place_of(conflicts.clean, data), strict=True):
                    if lines is not None:
                        yield hunk_key(path.path, hunk), b"".join(lines)


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
    situation: Situation,
    frame: Oid,
    settled: Mapping[ConflictedPath, tuple[Settled, ...]],
    locks: Sequence[ConflictedPath],
    number: int,
) -> Candidate | Conflict:
    """The candidate with the first, second or third text of every file, or its last one where it has fewer."""
    repository, me = situation.bench.repository, situation.committer
    files: dict[str, tuple[Oid, int]] = {}
    resolved: list[Resolution] = []
    for path, answers in settled.items():
        answer = answers[min(number, len(answers) - 1)]
        files[path.path] = (write_blob(repository, answer.data), _entry(repository, frame, path.path)[1])
        sides = path.ours or situation.onto, path.theirs or situation.onto
        resolved.append(Resolution(path.path, answer.how, answer.lines, *sides, answer.hunks))
    files |= {path.path: _entry(repository, situation.onto, path.path) for path in locks}
    tree = write_tree(repository, frame, files)
    for path in locks:  # one by one: a second lock file may be made from the first
        trial = situation.bench.write_commit(tree, (situation.onto,), me, me, "trial\n")
        assert situation.commands is not None
        made = situation.commands.regenerate(path.path, trial)
        if isinstance(made, Refused):
            return _refused(situation, (replace(path, refused=made.why),))
        data, why = made
        tree = write_tree(repository, tree, {path.path: (write_blob(repository, data), files[path.path][1])})
        hunk = ResolvedHunk(1, "lock-regenerated", why, "", "", "", "")
        sides = path.ours or situation.onto, path.theirs or situation.onto
        resolved.append(Resolution(path.path, "lock-regenerated", 0, *sides, (hunk,)))
    return write_candidate(situation, tree, Strategy.ACCEPT_BOTH, _kept_in(resolved), tuple(resolved))


def _entry(repository: Repository, tree: Oid, path: str) -> tuple[Oid, int]:
    found = repository.entry(tree, path)
    assert found is not None
    return found


def _kept_in(resolved: Sequence[Resolution]) -> str:
    how = ", ".join(f"{r.path} ({r.how})" for r in resolved[:3])
    return f"both sides kept in {how}{' …' if len(resolved) > 3 else ''}"
