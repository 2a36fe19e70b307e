"""Whether a plan's work has landed, remembered until the target, the plan or one of its branches is another.

Finding it out compares histories, which takes longer than all else that is done before an edit or a push. What is
remembered is a file in the common git folder; damaged or gone, it is found out again.
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


def has_landed(repository: Repository, plan: Plan, target: Oid, config: Config, find: Callable[[], bool]) -> bool:
    """What is remembered of a plan on a commit of the target, else what `find` says."""
    only, file = PlanSet((plan,)), repository.common / KEPT
    branches = [ref for ref in refs.branch_names(repository) if plans_of(refs.shorthand(ref), only, config)]
    tips = [f"{ref} {refs.read(repository, ref)}" for ref in branches]
    key = " ".join([__version__, target, str(zlib.crc32(msgspec.msgpack.encode(plan))), *tips])
    known: dict[str, tuple[str, bool]] = {}
    with contextlib.suppress(OSError, ValueError):  # not there, or damaged
        known = msgspec.json.decode(file.read_bytes(), type=dict[str, tuple[str, bool]])
    if plan.id in known and known[plan.id][0] == key:
        return known[plan.id][1]
    found, known = find(), known if len(known) < MOST else {}
    with contextlib.suppress(OSError, ValueError):  # nowhere to write, or a name that is no UTF-8
        file.parent.mkdir(exist_ok=True)
        written = file.with_name(f"{file.name}.{os.getpid()}")
        written.write_bytes(msgspec.json.encode(known | {plan.id: (key, found)}))
        written.replace(file)
    return found
