"""What a person would want to know of a branch that lands, said aloud without holding it up."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence

from unidiff.errors import UnidiffParseError
from unidiff.patch import PatchSet

from gitbot.guard.drift import Drift
from gitbot.merge.invariants import excerpt
from gitbot.merge.losses import Loss
from gitbot.model.git import BranchName, Change, ChangeKind, Oid
from gitbot.model.run import Flag
from gitbot.patterns import compile_patterns

LARGEST_PATCH = 4 << 20  # characters

_TEST_FILE = re.compile(r"(^|/)(tests?|specs?|__tests__)/|(^|/)test_[^/]*$|[._](test|spec)\.[^/]+$|_test\.[^/]+$")
_SKIP = re.compile(
    r"pytest\.(mark\.)?(skip|xfail)|unittest\.skip|@skip|\b(it|test|describe)\.(skip|todo)\b|\bx(it|describe)\("
    r"|t\.Skip\(|#\[ignore|@Disabled|@Ignore"
)


def gate_file_flag(command: str | Sequence[str] | None, changes: Iterable[Change]) -> Flag | None:
    """The branch changes a file that the gate command names: it has a hand in its own exam."""
    words = _words(command)
    paths = _paths(change for change in changes if any(_same(path, word) for path in change.paths for word in words))
    return Flag(kind="gate-file", paths=paths, text="changes a file that the gate command names") if paths else None


def _words(command: str | Sequence[str] | None) -> set[str]:
    if command is None:
        return set()
    try:
        words = shlex.split(command) if isinstance(command, str) else list(command)
    except ValueError:
        words = str(command).split()
    return {word.removeprefix("./") for word in words if not word.startswith("-")}


def _same(path: str, word: str) -> bool:
    return path == word or ("/" not in path and path in ("Makefile", "package.json") and word in ("make", "npm"))


def moved_flag(pinned: Oid, now: Oid | None) -> Flag | None:
    """The branch is elsewhere than when the run began: what lands is what it was then."""
    if now == pinned:
        return None
    where = f"is at {now[:7]} now" if now is not None else "is gone"
    return Flag(kind="moved", paths=(), text=f"it {where}; what landed is {pinned[:7]}, as it was when the run began")


def protected_flag(protect: Sequence[str], changes: Sequence[Change]) -> Flag | None:
    """The branch changes what the configuration protects."""
    if not protect:
        return None
    matcher = compile_patterns(protect)
    paths = _paths(change for change in changes if any(matcher.matches(path) for path in change.paths))
    return Flag(kind="protected", paths=paths, text="changes protected files") if paths else None


def fewer_tests_flag(
    before: tuple[int | None, int | None], after: tuple[int | None, int | None], changes: Sequence[Change], added: str
) -> Flag | None:
    """Fewer tests ran, more were skipped, or test files are gone. Counts are (ran, skipped), None where unknown.

    `added` is the text of the lines that the branch adds to test files, where counts are not known.
    """
    deleted = [c for c in changes if c.kind is ChangeKind.DELETED and _TEST_FILE.search(c.path)]
    moved = {c.new_oid for c in changes if c.kind is ChangeKind.ADDED}
    deleted = [change for change in deleted if change.old_oid not in moved]
    said: list[str] = []
    if before[0] is not None and after[0] is not None and after[0] < before[0]:
        said.append(f"{after[0]} tests ran, {before[0]} on the target")
    if before[1] is not None and after[1] is not None and after[1] > before[1]:
        said.append(f"{after[1]} tests skipped, {before[1]} on the target")
    if deleted:
        said.append(f"{len(deleted)} test file{'s' if len(deleted) > 1 else ''} deleted")
    if _SKIP.search(added):
        said.append("marks tests as skipped")
    return Flag(kind="fewer-tests", paths=_paths(deleted), text="; ".join(said)) if said else None


def added_to_tests(patch: str) -> str:
    """The lines that a unified diff adds to files that look like tests; "" for one that is too long to be read."""
    try:
        files = PatchSet(patch) if len(patch) <= LARGEST_PATCH else ()
    except (UnidiffParseError, ValueError):
        return ""
    tests = (file for file in files if _TEST_FILE.search(file.path))
    return "".join(line.value for file in tests for hunk in file for line in hunk if line.is_added)


def uncommitted_flag(paths: Sequence[str], where: str) -> Flag | None:
    """The branch's work tree holds work that is in no commit and so does not land."""
    if not paths:
        return None
    text = f"uncommitted work in {where} does not land: {len(paths)} path{'s' if len(paths) > 1 else ''}"
    return Flag(kind="uncommitted", paths=tuple(paths[:20]), text=text)


def lost_lines_flag(losses: Sequence[Loss], target: BranchName) -> Flag | None:
    """The branch took lines of others away: by a merge of its own, or what had landed just before."""
    if not losses:
        return None
    told: list[str] = []
    for loss in losses[:3]:
        by = f"its merge {loss.merge[:7]} dropped" if loss.merge else "deletes"
        count = f"{len(loss.lines)} line{'s' if len(loss.lines) > 1 else ''}"
        told.append(f"{by} {count} of {loss.owner or target} in {loss.path}, such as `{excerpt(loss.lines[0])}`")
    return Flag(kind="lost-lines", paths=tuple(dict.fromkeys(loss.path for loss in losses)), text="; ".join(told))


def drift_flags(drift: Drift | None, widened: tuple[str, ...]) -> tuple[Flag, ...]:
    """Files outside the plan's claims, and claims that the branch widened by itself."""
    said = [("claims-widened", widened, "the branch widens its own plan's claims")]
    if drift is not None:
        listed = tuple(trespass.path for trespass in drift.shared)
        said.append(("unowned", drift.unowned, "changes files that no plan claims"))
        said.append(("shared", listed, "changes shared files that its plan does not list"))
    return tuple(Flag(kind=kind, paths=paths, text=text) for kind, paths, text in said if paths)


def _paths(changes: Iterable[Change]) -> tuple[str, ...]:
    return tuple(sorted({change.path for change in changes}))
