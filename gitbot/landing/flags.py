"""What a person would want to know of a branch that lands, said aloud without holding it up."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence, Set

from gitbot.config import FILE, given
from gitbot.errors import ConfigurationError
from gitbot.gate.steps import words
from gitbot.guard.drift import Drift
from gitbot.merge.invariants import excerpt
from gitbot.merge.losses import Loss
from gitbot.model.git import BranchName, Change, Oid
from gitbot.model.run import Flag
from gitbot.patterns import compile_patterns
from gitbot.report.terminal import printable

Count = tuple[int | None, int | None]  # of tests that ran and that were skipped, None where unknown
Counts = Mapping[str, Count]  # by the name of a gate

MOST_FOLDERS = 40  # of one path
_COMPOSE = ("Dockerfile", "compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
_READ_BY = {
    "make": ("GNUmakefile", "makefile", "Makefile"),
    "gmake": ("GNUmakefile", "makefile", "Makefile"),
    **dict.fromkeys(("npm", "npx", "pnpm", "yarn", "bun"), ("package.json",)),
    **dict.fromkeys(("docker", "podman", "docker-compose"), _COMPOSE),
    "just": ("justfile", "Justfile", ".justfile"),
    "rake": ("Rakefile",),
    "tox": ("tox.ini",),
    "nox": ("noxfile.py",),
    "task": ("Taskfile.yml", "Taskfile.yaml"),
}


def gate_file_flag(
    commands: Iterable[str | Sequence[str] | None], changes: Iterable[Change], own: Collection[str] = ()
) -> Flag | None:
    """The branch changes a file that the gate's commands name: it has a hand in its own exam.

    Also one that a tool reads by itself, and one in a folder that is named too (`cd tools && ./check`). `own`
    are gitbot's, which say what the exam of the next ones is.
    """
    said = set[str]().union(*map(words, commands))
    names = said | {name for word in said for name in _READ_BY.get(word.rpartition("/")[2], ())}
    names |= {re.sub(r"^(\.\./)+", "", word) for word in said}
    mounts = [f"{word}/" for word in said if word.startswith("/")]  # by which a container knows the checkout
    names |= {word.removeprefix(mount) for word in said for mount in mounts}
    paths = _paths(change for change in changes if any(_is_named(path, names) for path in change.paths))
    texts = ["changes a file that the gate command names"] if paths else []
    texts += ["changes how gitbot is configured, the gate perhaps"] if own else []
    return Flag(kind="gate-file", paths=tuple(sorted({*paths, *own})), text="; ".join(texts)) if texts else None


def settings(path: str, data: bytes | None) -> object:
    """What of a file configures gitbot: of pyproject.toml its own table, where that can be read."""
    with contextlib.suppress(ConfigurationError):
        return data if path == FILE else given({path: (data or b"").decode("utf-8-sig", "replace")}, origin="")[1]
    return data


def _is_named(path: str, names: Set[str]) -> bool:
    """Whole, or cut into names at its slashes: the folders that were entered, and the file there."""
    cuts = [at for at, sign in enumerate(path) if sign == "/"]
    within = {0}  # where a name may begin
    for cut in cuts[:MOST_FOLDERS]:
        within |= {cut + 1} if any(path[start:cut] in names for start in within) else set()
    return any(path[start:] in names for start in within)


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


def by_counts(had: Counts, has: Counts) -> list[str]:
    """Whether fewer tests ran or more were skipped in a gate that ran on the target too."""
    said: list[str] = []
    for gate in sorted(had.keys() & has.keys()):
        before, after, of = had[gate], has[gate], f" (gate {printable(gate)})" if gate != "gate" else ""
        if before[0] is not None and after[0] is not None and after[0] < before[0]:
            said.append(f"{after[0]} tests ran, {before[0]} on the target{of}")
        if before[1] is not None and after[1] is not None and after[1] > before[1]:
            said.append(f"{after[1]} tests skipped, {before[1]} on the target{of}")
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
    said = [("claims-widened", widened, "the branch widens its own plan's claims, or brings its plan itself")]
    if drift is not None:
        foreign, listed = (tuple(trespass.path for trespass in found) for found in (drift.foreign, drift.shared))
        said.append(("foreign", foreign, "changes files of other plans"))
        said.append(("unowned", () if free else drift.unowned, "changes files that no plan claims"))
        said.append(("shared", listed, "changes shared files that its plan does not list"))
    return tuple(Flag(kind=kind, paths=paths, text=text) for kind, paths, text in said if paths)


def _paths(changes: Iterable[Change]) -> tuple[str, ...]:
    return tuple(sorted({change.path for change in changes}))
