"""Whether a plan's work has landed, remembered until the plan or one of its branches is another, or the target.

Finding it out compares histories, which takes longer than all else that is done before an edit or a push. So what git
can tell at once is asked first: what has landed stays so while the target only goes on, and the work of a branch is
not there while the target changed nothing that the branch did. What is remembered is a file in the common git folder;
damaged or gone, it is found out again.
"""

from __future__ import annotations

import contextlib
import os
import zlib
from collections.abc import Callable

import msgspec

from gitbot import __version__
from gitbot.config import Config
from gitbot.model.git import Oid
from gitbot.model.plan import Plan, PlanSet
from gitbot.planset import plans_of
from gitbot.repository import Repository, refs

KEPT = "gitbot/landed"  # in the common git folder
MOST = 10_000  # plans
_MOST_PATHS = 50_000  # characters of all that a branch changes; beyond it the long way is taken


def has_landed(repository: Repository, plan: Plan, target: Oid, config: Config, find: Callable[[], bool]) -> bool:
    """What is remembered of a plan on a commit of the target, else what `find` says."""
    only, file = PlanSet((plan,)), repository.common / KEPT
    branches = [ref for ref in refs.branch_names(repository) if plans_of(refs.shorthand(ref), only, config)]
    tips = {ref: tip for ref in branches if (tip := refs.read(repository, ref)) is not None}
    key = " ".join(
        [__version__, str(zlib.crc32(msgspec.msgpack.encode(plan))), *(f"{r} {t}" for r, t in tips.items())]
    )
    known: dict[str, tuple[str, Oid, bool]] = {}
    with contextlib.suppress(OSError, ValueError):  # not there, or damaged
        known = msgspec.json.decode(file.read_bytes(), type=dict[str, tuple[str, Oid, bool]])
    kept, before, found = known.get(plan.id, ("", target, False))
    if kept == key and before == target:
        return found
    if not (found and tips and kept == key and _goes_on(repository, before, target)):
        local = {tip for ref, tip in tips.items() if ref.startswith(refs.HEADS)}
        found = not any(_is_new(repository, tip, target) for tip in local or {*tips.values()}) and find()
    known = known if len(known) < MOST else {}
    with contextlib.suppress(OSError, ValueError):  # nowhere to write, or a name that is no UTF-8
        file.parent.mkdir(exist_ok=True)
        written = file.with_name(f"{file.name}.{os.getpid()}")
        written.write_bytes(msgspec.json.encode(known | {plan.id: (key, target, found)}))
        written.replace(file)
    return found


def _goes_on(repository: Repository, before: Oid, target: Oid) -> bool:
    """Whether the target has all that it had, and nothing since speaks of a revert."""
    words = ("rev-list", "--max-count=1", "-i", "--grep=revert")
    went = repository.attempt(*words, target, f"^{before}")
    gone = repository.attempt("rev-list", "--max-count=1", before, f"^{target}")
    return went.returncode == gone.returncode == 0 and not (went.stdout or gone.stdout)


def _is_new(repository: Repository, tip: Oid, target: Oid) -> bool:
    """Whether a branch has work that cannot be on the target, as nothing changed there what the branch changes."""
    base = repository.attempt("merge-base", target, tip).stdout.decode().strip()
    if base in ("", tip):
        return False
    paths = {path for change in repository.changes(Oid(base), repository.tree_of(tip)) for path in change.paths}
    words = ("--literal-pathspecs", "rev-list", "--full-history", "--max-count=1", target, f"^{base}", "--")
    done = repository.attempt(*words, *paths) if 0 < sum(map(len, paths)) <= _MOST_PATHS else None
    return done is not None and done.returncode == 0 and not done.stdout
