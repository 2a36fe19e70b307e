"""Lines of others that a branch took away: by a merge of its own, or by deleting what had landed just before.

Its diff cannot show it: to git a branch that merged the target and kept its own side is one that wants these lines
gone. So its merges are made again and held against what it made of them. Told and never refused: it may be meant.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from gitbot.merge.accept_both import conflicted_file
from gitbot.merge.hunks import read_markers
from gitbot.model.git import BranchName, Commit, Oid
from gitbot.model.merge import ConflictedPath
from gitbot.repository import Repository, history
from gitbot.repository.workbench import Unmerged, Workbench

LARGEST = 1 << 20  # bytes of a file that is read
MOST_FILES = 100  # of one merge, or of one branch
MOST_MERGES = 20
LIKE = 0.6  # from here on a line counts as an edited form of another
MOST_PAIRS = 100_000  # of lines that are compared for likeness
FEWEST = 3  # lines in one piece: what is shorter goes in ordinary work

_TELLING = re.compile(rb"\w.*\w.*\w.*\w")

Landed = tuple[BranchName, Oid, Oid]
"""A branch that landed, and the target before and after."""


@dataclass(frozen=True, slots=True)
class Loss:
    """Lines of `owner` (None: somebody of the target) that are gone from a file, and by which merge if by one."""

    path: str
    lines: tuple[bytes, ...]
    owner: BranchName | None
    merge: Oid | None


def dropped_by_merges(
    bench: Workbench, own: Sequence[Commit], onto: Oid, result: Oid, landed: Sequence[Landed]
) -> tuple[Loss, ...]:
    """What the branch's own merges dropped of the target's side, and the result still lacks."""
    merges = [commit for commit in own if len(commit.parents) == 2][-MOST_MERGES:]
    return tuple(loss for commit in merges for loss in _dropped(bench, commit, onto, result, landed))


def _dropped(bench: Workbench, merge: Commit, onto: Oid, result: Oid, landed: Sequence[Landed]) -> Iterator[Loss]:
    repository, (first, second) = bench.repository, merge.parents
    other = first if history.contains(repository, onto, first) else second
    base = history.merge_base(repository, first, second)
    if base is None:
        return
    again = bench.merge(first, second)
    conflicts = {path.path: path for path in again.paths} if isinstance(again, Unmerged) else {}
    frame = again.frame if isinstance(again, Unmerged) else again.tree
    paths = sorted(repository.changed_paths(frame, merge.oid) | conflicts.keys())[:MOST_FILES]
    made, sides = (_lines(repository, pair, *paths) for pair in ((merge.oid, result), (first, second)))
    for path in paths:
        kept = _kept_anyway(bench, conflicts[path]) if path in conflicts else _lines(repository, (frame,), path)
        gone = _unlike(_written(repository, (base, other), path) & kept - made, made - sides)
        if gone:
            owners = (name for name, *work in landed if not _written(repository, work, path).isdisjoint(gone))
            yield Loss(path, gone, next(owners, None), merge.oid)


def _kept_anyway(bench: Workbench, path: ConflictedPath) -> frozenset[bytes]:
    """The lines of a conflicted file that nobody has to choose about: outside the conflicts, and mere insertions."""
    file = conflicted_file(bench, path)
    clean, shown = (read_markers(file) if file else None) or ((), ())
    inserted = (one.theirs + one.ours for one in shown if not one.base)
    return frozenset(line.strip() for text in (*clean, *inserted) for line in text)


def deleted_landings(
    repository: Repository, base: Oid, tip: Oid, result: Oid, landed: Sequence[Landed]
) -> tuple[Loss, ...]:
    """What the branch deleted, without anything in its place, of that which had landed before it began or went on."""
    changes = repository.changes(base, tip)[:MOST_FILES] if landed else ()
    old = (one.path for one in changes if one.old_mode)
    gone = {path: lines for path in old if len(lines := _gone(repository, path, base, tip)) >= FEWEST}
    if not gone:
        return ()
    made = _lines(repository, (tip, result), *(one.path for one in changes))
    seen = [one for one in landed if history.contains(repository, base, one[2])]
    return tuple(loss for path, lines in gone.items() for loss in _deleted(repository, path, lines - made, seen))


def _gone(repository: Repository, path: str, base: Oid, tip: Oid) -> frozenset[bytes]:
    """Lines that were deleted with nothing in their place, many at a time."""
    old, new = (repository.read(tree, path, most=LARGEST) or b"" for tree in (base, tip))
    pieces = history.differing_lines(old, new) if b"\0" not in old + new else ()
    lines = old.splitlines()
    return frozenset(line.strip() for a, b, c, d in pieces if c == d and b - a >= FEWEST for line in lines[a:b])


def _deleted(repository: Repository, path: str, gone: frozenset[bytes], seen: Sequence[Landed]) -> Iterator[Loss]:
    for name, *work in seen if len(gone) >= FEWEST else ():
        theirs = gone & _written(repository, work, path)
        if len(theirs) >= FEWEST:
            yield Loss(path, tuple(sorted(theirs)), name, None)
            return


def _written(repository: Repository, work: Sequence[Oid], path: str) -> frozenset[bytes]:
    """The lines that are new in a file after some work."""
    before, after = work
    return _lines(repository, (after,), path) - _lines(repository, (before,), path)


def _lines(repository: Repository, trees: Iterable[Oid], *paths: str) -> frozenset[bytes]:
    """The lines of files that say something, without the white space around them."""
    texts = (repository.read(tree, path, most=LARGEST) or b"" for tree in trees for path in paths)
    lines = (line for text in texts if b"\0" not in text for line in text.splitlines())
    return frozenset(line.strip() for line in lines if _TELLING.search(line))


def _unlike(gone: frozenset[bytes], new: frozenset[bytes]) -> tuple[bytes, ...]:
    """Those of the lines that no new one is an edited form of."""
    few = len(gone) * len(new) < MOST_PAIRS
    texts = [line.decode("utf-8", "replace") for line in new] if few else []
    found = (difflib.get_close_matches(line.decode("utf-8", "replace"), texts, 1, LIKE) for line in sorted(gone))
    return tuple(line for line, like in zip(sorted(gone), found, strict=True) if not like)
