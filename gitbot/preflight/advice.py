"""What to do about a file that several plans need: who should own it, or how each could have its own.

Words for the hints of findings; nothing is decided by them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import takewhile

from gitbot.fileclasses import FileClass, advice, file_class
from gitbot.model.plan import Access, PlanId
from gitbot.preflight.references import Precedence
from gitbot.preflight.stakes import WILD, Stake
from gitbot.preflight.vocabulary import words

_FIRST = frozenset({FileClass.MANIFEST, FileClass.BUILD, FileClass.CI})
_LAST = frozenset({FileClass.WIRING, FileClass.DOCS})
_NUMBERED = re.compile(r"V?\d")
_MOST_PLANS = 200  # among which an owner is looked for
_WAIT_OR_SHARE = "let one wait for the other (`depends_on`), or list it as `shared` in both"
_Stakes = Mapping[PlanId, Sequence[Stake]]


def way_out(plans: tuple[PlanId, PlanId], paths: Collection[str], stakes: _Stakes, order: Precedence) -> str:
    """What frees two plans that write the same paths, the best first."""
    for path in paths if len(paths) == 1 else ():
        if own := _own_names(plans, path, stakes):
            return f"{own} instead of `{path}` would free them; else {_WAIT_OR_SHARE}"
        if owner := owner_of(plans, path, stakes, order):
            return f"{owner}; else {_WAIT_OR_SHARE}"
    return f"give it to one of them, {_WAIT_OR_SHARE}"


def owner_of(plans: Collection[PlanId], path: str, stakes: _Stakes, order: Precedence) -> str | None:
    """Who should own a file that many need, by its class: a plan before or after them, else the class's advice."""
    kind, (folder, slash, name) = file_class(path), path.rpartition("/")
    if kind is None or (kind is FileClass.SEQUENCE and not _NUMBERED.match(name)):
        return None
    others = stakes.keys() - set(plans) if kind in _FIRST | _LAST and len(stakes) <= _MOST_PLANS else ()
    ordered = ((plan, {order.first(plan, user) for user in plans}) for plan in sorted(others))
    near = [(plan, first) for plan, first in ordered if first in ({plan}, set(plans))]
    turns = {
        plan: first
        for plan, first in near
        if any(each.claim.pattern.startswith(folder + slash) for each in stakes[plan])
    }
    for plan in (plan for plan, first in turns.items() if first == {plan} and kind in _FIRST):
        return f"let {plan}, which runs before them, own it"
    for plan in (plan for plan, first in turns.items() if first == set(plans)):
        return f"let {plan}, which runs after them, own it"
    return advice(kind)


def _own_names(plans: tuple[PlanId, PlanId], path: str, stakes: _Stakes) -> str | None:
    """For a file of a general name between two plans with folders of their own: a name in each of the folders."""
    name = path.rpartition("/")[2]
    if "." not in name or name.partition(".")[0].lower() not in words("generic-names"):
        return None
    one, other = (_home(path.removesuffix(name), path, stakes[plan]) for plan in plans)
    if not one or not other or one.startswith(other) or other.startswith(one):
        return None
    return f"`{one}{name}` for {plans[0]} and `{other}{name}` for {plans[1]}"


def _home(base: str, path: str, stakes: Iterable[Stake]) -> str:
    """The folder below `base` that holds all that a plan owns there beside the path, or ""."""
    owned = (stake.claim.pattern for stake in stakes if stake.claim.access is Access.OWN and not stake.manifest)
    below = [each for each in owned if each != path and each.startswith(base)]
    # The literal folder of each; a last name without a dot is taken for one.
    heads = (WILD.split(each if "." in each.rpartition("/")[2] else f"{each}/")[0] for each in below)
    folders = [head.split("/")[:-1] for head in heads]
    shared = takewhile(lambda parts: len(set(parts)) == 1, zip(*folders, strict=False))
    home = "".join(f"{parts[0]}/" for parts in shared if parts[0])
    return home if len(home) > len(base) else ""
