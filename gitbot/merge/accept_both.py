"""accept-both on a whole branch: every conflicted file settled by the ladder, or the branch goes back.

Which lines a file gets is decided in `rungs`, on bytes; here conflicts become files and answers become candidates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from gitbot.merge.rungs import ConflictedFile, Refused, Settled, marker_size_for, settle
from gitbot.merge.situation import Proposal, Situation, as_conflict, write_candidate
from gitbot.model.git import Oid
from gitbot.model.merge import Candidate, ConflictedPath, Resolution, Strategy
from gitbot.repository.workbench import Merged, Unmerged, Workbench
from gitbot.repository.writing import write_blob, write_tree

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
            return (write_as_candidate(situation, moved.tree, strategy, _kept_in(resolved), resolved),)
        merged = moved
    if isinstance(merged, Merged):
        return (write_as_candidate(situation, merged.tree, strategy, why),)
    answers = {path: _settle(situation, path) for path in merged.paths}
    settled = {path: answer for path, answer in answers.items() if not isinstance(answer, Refused)}
    if len(settled) < len(answers):
        refused = tuple(
            replace(path, refused=answer.why) if isinstance(answer, Refused) else path
            for path, answer in answers.items()
        )
        why = next(f"{path.path}: {path.refused}" for path in refused if path.refused)
        return as_conflict(situation, refused, why)
    first, second = (_variant(situation, merged.frame, settled, number) for number in (0, 1))
    return (first,) if first.tree == second.tree else (first, second)


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
    return write_as_candidate(situation, tree, Strategy.ACCEPT_BOTH, _kept_in(resolved), tuple(resolved))


def _kept_in(resolved: Sequence[Resolution]) -> str:
    how = ", ".join(f"{r.path} ({r.how})" for r in resolved[:3])
    return f"both sides kept in {how}{' …' if len(resolved) > 3 else ''}"
