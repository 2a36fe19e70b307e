"""With whom a branch that merges cleanly may collide all the same, so that somebody can talk to somebody.

A textual partner is found exactly, by trying the branch after each landing. This one is a reading of both sides'
work: a likely partner and the line that points to it, never proof.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import accumulate, combinations, permutations
from operator import itemgetter

from gitbot.errors import GitError
from gitbot.languages import defined_names, definitions
from gitbot.merge.hints import Suspect, Version, Work, read_work, suspects, use_after
from gitbot.model.git import ZERO, BranchName, Oid
from gitbot.model.run import Hint
from gitbot.repository import Repository, history
from gitbot.repository.workbench import Merged, Workbench

LARGEST = 1 << 20  # bytes of a file that is read
MOST_BYTES = 4 << 20  # of one side; the rest of a large difference is not looked at
MOST_FILES = 80  # likewise
_WORD = re.compile(r"[A-Za-z_$][\w$]*")
MOST_PAIRS = 4000  # of branches that have not landed
MOST_TRIED = 60  # of them, by a merge
MOST_AHEAD = 1500  # files of all branches that are read to look ahead
MOST_BEHIND = 20  # files that came to the target since, for a branch to be held against them before it lands
MOST_MENTIONS = 60  # files in which a name occurs; one that is more common than that means something else too


@dataclass(frozen=True, slots=True)
class Partner:
    """The branch that this one collides with, and what points to it where that is no conflict of git's."""

    branch: BranchName | None  # the likeliest; None where nothing tells them apart
    why: str
    among: tuple[BranchName, ...] = ()  # all of whom it may be, the likeliest first; (): just that one
    suspected: bool = False  # as whoever landed before, no more


Side = tuple[BranchName | None, Oid, Oid]
"""Whose work (None: nobody's in particular) took the target from one commit to the next."""


def find_hints(
    viewer: Repository, mine: tuple[Oid, Oid], others: Sequence[Side], tree: Oid, target: BranchName
) -> tuple[Hint, ...]:
    """Where the branch's work (`mine`: base and tip) and what landed since do not fit each other in the merged tree.

    The latest side that explains a place is its partner.
    """
    own = work_of(viewer, *mine)
    works = [(who, work_of(viewer, before, after)) for who, before, after in others]
    found: dict[tuple[str, str], tuple[Suspect, BranchName | None, bool]] = {}
    for who, theirs in works:
        found |= {one.key: (one, who, False) for one in suspects(own, theirs)}
        found |= {one.key: (one, who, True) for one in suspects(theirs, own) if one.kind != "doubled"}
    new = [own.lines, *(theirs.lines for _, theirs in works)]
    read = cache(lambda path: viewer.read(tree, path, most=LARGEST) or b"")

    def may_be(one: Suspect) -> bool:
        """By the files alone that the user's side has changed: the whole tree takes its time to search."""
        near = {path: read(path) for path in {*one.lines, one.cause.path}}
        there = {path: text for path, text in near.items() if one.cause.name.encode() in text}
        return use_after(one, there, new) is not None

    left = [known for known in found.values() if may_be(known[0])]
    merged = _mentions(viewer, tree, [one for one, _, _ in left])
    hints: list[Hint] = []
    for one, who, by_branch in left:
        use = use_after(one, merged.get(one.cause.name, {}), new)
        if use is not None:
            user, changer = (who or target, "this branch") if by_branch else (None, who or target)
            kind, name, text = *one.key, one.text(use, user, changer)
            hints.append(Hint(kind=kind, path=use.path, line=use.line, name=name, partner=who, text=text))
    return tuple(hints)


def foresee(
    bench: Workbench, ends: Sequence[Side], target: BranchName, tip: Oid | None = None
) -> tuple[list[tuple[BranchName | None, Hint]], int]:
    """Where branches that git merges may not fit each other before any has landed, nor the target at `tip`.

    A pair is told once, at its later branch. Also how many pairs nobody has looked at: all of many branches, and
    where much has to be read those of the largest ones.
    """
    viewer, tried, skipped = bench.repository, 0, 0
    found: list[tuple[BranchName | None, Hint]] = []
    pairs = [*combinations(ends, 2), *(((None, end[1], tip), end) for end in ends if tip is not None)]
    small = _smallest(viewer, ends) if len(pairs) <= MOST_PAIRS else set[Side]()
    for first, second in pairs:
        if tried == MOST_TRIED or second not in small or (first[0] is not None and first not in small):
            skipped += 1
            continue
        with suppress(GitError):  # a blob that a partial clone lacks; a note is not worth a stop
            behind = viewer.changes(*first[1:]) if first[0] is None else ()
            if len(behind) > MOST_BEHIND or not _meet(viewer, first, second) or _stacked(viewer, first, second):
                continue
            theirs, mine = (work_of(viewer, *side[1:]) for side in (first, second))
            if suspects(mine, theirs) or suspects(theirs, mine):
                tried += 1
                merged = bench.merge(first[2], second[2])
                if isinstance(merged, Merged):
                    hints = find_hints(viewer, second[1:], (first,), merged.tree, target)
                    found += [(second[0], hint) for hint in hints]
    return found, skipped


def _smallest(viewer: Repository, ends: Sequence[Side]) -> set[Side]:
    """Those that change the fewest files, as many as may be read for a look ahead."""
    sizes: list[tuple[int, Side]] = []
    for end in ends:
        with suppress(GitError):
            sizes.append((min(len(viewer.changes(*end[1:])), MOST_FILES), end))
    sizes.sort(key=itemgetter(0))
    read = accumulate(size for size, _ in sizes)
    return {end for (_, end), files in zip(sizes, read, strict=True) if files <= MOST_AHEAD}


def _stacked(viewer: Repository, first: Side, second: Side) -> bool:
    """Whether one was made on top of the other and so with it in view."""
    return any(history.contains(viewer, *tips) for tips in permutations((first[2], second[2])))


def _meet(viewer: Repository, first: Side, second: Side) -> bool:
    """Whether one side's lines name what the other defines differently, or both define one thing."""
    (gone, new, words), (also_gone, also_new, also_words) = (_lines(viewer, *side[1:]) for side in (first, second))
    return bool(gone & also_words or also_gone & words or new & also_new)


@lru_cache(maxsize=128)
def _lines(viewer: Repository, base: Oid, tip: Oid) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """By the lines of a diff alone: names defined before, or in a head that goes on; those defined now; new words."""
    gone, new, words = set[str](), set[str](), set[str]()
    for line in history.patch(viewer, base, tip, context=3).split("\n"):
        names = [name.rpartition(".")[2] for name in defined_names(line[1:].encode())]
        gone.update(names if line.startswith("-") or line.endswith(("(", ",")) else ())
        new.update(names if line.startswith("+") else ())
        words.update(_WORD.findall(line) if line.startswith("+") else ())
    return frozenset(gone), frozenset(new), frozenset(words)


@lru_cache(maxsize=1024)  # each branch is held against all that landed before it
def work_of(viewer: Repository, base: Oid, tip: Oid) -> Work:
    """What happened to names between two commits."""
    return read_work(_versions(viewer, base, tip))


def _versions(viewer: Repository, base: Oid, tip: Oid) -> Iterator[Version]:
    known = [change for change in viewer.changes(base, tip) if definitions(change.path, b"") is not None]
    size = 0
    for change in known[:MOST_FILES]:
        before, after = (viewer.read(side, change.path, most=LARGEST) for side in (base, tip))
        size += len(before or b"") + len(after or b"")
        if size > MOST_BYTES:
            return
        if (before is None) == (change.old_oid == ZERO) and (after is None) == (change.new_oid == ZERO):
            yield Version(change.path, before or b"", after or b"")


def _mentions(viewer: Repository, tree: Oid, found: Iterable[Suspect]) -> dict[str, dict[str, bytes]]:
    """For each name the files of its language in which it occurs, and its own; none for one that is in too many."""
    causes = sorted({(one.cause.name, one.cause.path) for one in found})
    words = [word for name, _ in causes for word in ("-e", name)]
    kinds = {f"*.{path.rpartition('.')[2]}" for _, path in causes}
    if not causes:
        return {}
    done = viewer.attempt("grep", "-o", "-z", "-w", "-F", "--no-color", *words, tree, "--", *sorted(kinds))
    paths = {name: {path} for name, path in causes}
    for line in done.stdout.splitlines():
        place, _, name = line.partition(b"\0")
        paths.get(name.decode(), set()).add(place.partition(b":")[2].decode("utf-8", "surrogateescape"))
    few = {name: files for name, files in paths.items() if len(files) <= MOST_MENTIONS}
    texts = {path: viewer.read(tree, path, most=LARGEST) for files in few.values() for path in files}
    return {name: {path: text for path in files if (text := texts[path]) is not None} for name, files in few.items()}
