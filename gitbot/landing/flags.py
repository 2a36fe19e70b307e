"""What a person would want to know of a branch that lands, said aloud without holding it up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gitbot.gate.steps import words
from gitbot.guard.drift import Drift
from gitbot.merge.invariants import excerpt
from gitbot.merge.losses import Loss
from gitbot.model.git import BranchName, Change, Oid
from gitbot.model.run import Flag
from gitbot.patterns import compile_patterns


def gate_file_flag(command: str | Sequence[str] | None, changes: Iterable[Change]) -> Flag | None:
    """The branch changes a file that the gate command names: it has a hand in its own exam."""
    said = words(command)
    paths = _paths(change for change in changes if any(_same(path, word) for path in change.paths for word in said))
    return Flag(kind="gate-file", paths=paths, text="changes a file that the gate command names") if paths else None


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


def by_counts(before: tuple[int | None, int | None], after: tuple[int | None, int | None]) -> list[str]:
    """Whether fewer tests ran or more were skipped. Counts are (ran, skipped), None where unknown."""
    said: list[str] = []
    if before[0] is not None and after[0] is not None and after[0] < before[0]:
        said.append(f"{after[0]} tests ran, {before[0]} on the target")
    if before[1] is not None and after[1] is not None and after[1] > before[1]:
        said.append(f"{after[1]} tests skipped, {before[1]} on the target")
    return said


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


def drift_flags(drift: Drift | None, widened: tuple[str, ...], *, free: bool) -> tuple[Flag, ...]:
    """Files outside the plan's claims, and claims that the branch widened by itself."""
    said = [("claims-widened", widened, "the branch widens its own plan's claims")]
    if drift is not None:
        foreign, listed = (tuple(trespass.path for trespass in found) for found in (drift.foreign, drift.shared))
        said.append(("foreign", foreign, "changes files of other plans"))
        said.append(("unowned", () if free else drift.unowned, "changes files that no plan claims"))
        said.append(("shared", listed, "changes shared files that its plan does not list"))
    return tuple(Flag(kind=kind, paths=paths, text=text) for kind, paths, text in said if paths)


def _paths(changes: Iterable[Change]) -> tuple[str, ...]:
    return tuple(sorted({change.path for change in changes}))
