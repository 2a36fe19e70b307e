"""What a branch touched and never claimed: the one rule of ownership, for push, guard, status and integrate alike.

Pure: plans and changes in, values out. Which plans are in force and what a branch changed is found elsewhere.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from gitbot.config import Ownership
from gitbot.model.git import Change, fits_checkout
from gitbot.model.plan import BLOCKING_CONFIDENCE, Access, Claim, Plan, PlanId, PlanSet, Source
from gitbot.patterns import PatternList, compile_patterns, witness


@dataclass(frozen=True, slots=True)
class Trespass:
    """One path that a branch touched although it is another plan's, or shared and not listed."""

    path: str
    owner: PlanId | None  # None: a shared file, or a path that no checkout can have
    claim: Claim | None  # None: the owner's own plan file, or shared by configuration
    owner_path: str | None  # file in which the claim stands
    declared: bool  # somebody wrote it down; what gitbot found in prose never refuses
    text: str


@dataclass(frozen=True, slots=True)
class Drift:
    """Touched but not claimed, by kind; and claimed patterns that nothing touched."""

    foreign: tuple[Trespass, ...] = ()
    shared: tuple[Trespass, ...] = ()
    unowned: tuple[str, ...] = ()
    untouched: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a drift means under the configured rules: lines for people."""

    refused: tuple[str, ...] = ()
    warned: tuple[str, ...] = ()


def find_drift(
    plans: PlanSet,
    mine: tuple[Plan, ...],
    changes: Iterable[Change],
    *,
    shared: tuple[str, ...],
    active: Callable[[Plan], bool] = lambda plan: True,
    claimants: Claimants | None = None,
) -> Drift:
    """Compare what a branch changed with what its plans claim; without a plan of its own nothing is drift.

    `plans` are those in force. One of `mine` that is not among them is new on the branch: it counts, but takes
    nothing from a plan in force. `shared` is the configuration's; `active` says whether a plan's claims still
    stand, and is asked again for every path. `claimants` are those of `plans`, where several branches are compared.

    The stronger claim has a path, and among equals the branch: declared before inferred, in force before new, and
    a path spelled as claimed before one that differs in case only. A shared path is its plan's only when the plan
    names it; a wider pattern takes nothing from what is everybody's. What stands where a claimed folder is to be,
    as a file, a link or a submodule, is as much the claim's as what would be in it.
    """
    if not mine:
        return Drift()
    paths = sorted({path for change in changes for path in change.paths})
    ground = _Ground(plans, mine, shared, claimants or Claimants(plans))
    foreign, shared_ones, unowned = [], [], []
    for path in paths:
        if not fits_checkout(path):
            foreign.append(Trespass(path, None, None, None, True, f"{path} is a path that no checkout can have"))
            continue
        spelling = _spelling(path)
        common = ground.common(path, spelling)
        holds = ground.holds(path, spelling, common=common is not None)
        hold = next((hold for hold in holds if hold.mine or active(hold.plan)), None)
        if hold is not None and not hold.mine:
            foreign.append(_foreign(path, hold))
        elif hold is None and common is not None:
            shared_ones.append(common)
        elif hold is None:
            unowned.append(path)
    return Drift(tuple(foreign), tuple(shared_ones), tuple(unowned), tuple(_untouched(mine, paths)))


def unowned_text(path: str) -> str:
    """What is said of a path that nobody claims."""
    return f"{path} is nobody's: no plan claims it"


def judge(drift: Drift, ownership: Ownership, *, reason: str | None) -> Judgement:
    """What is refused and what is only said.

    `reason` (a commit's `Gitbot-Reason:`) turns refusals of shared and of nobody's files into warnings; it never
    opens another plan's file.
    """
    found: list[tuple[str, bool, str | None]]
    found = [(each.text, each.declared and ownership.foreign == "refuse", None) for each in drift.foreign]
    found += [(each.text, each.declared and ownership.shared == "refuse", reason) for each in drift.shared]
    if ownership.unowned != "allow":
        found += [(unowned_text(path), ownership.unowned == "refuse", reason) for path in drift.unowned]
    return Judgement(
        refused=tuple(text for text, forbidden, excuse in found if forbidden and excuse is None),
        warned=tuple(
            f"{text} (Gitbot-Reason: {excuse})" if forbidden else text
            for text, forbidden, excuse in found
            if not forbidden or excuse is not None
        ),
    )


def widened(mine_in_force: tuple[Plan, ...], mine_on_branch: tuple[Plan, ...]) -> tuple[str, ...]:
    """Patterns that the branch's version of its plans claims beyond the version in force, each once, in order.

    A plan that is new on the branch widens nothing: it is reported as new.
    """
    before = {plan.id: plan.claims for plan in mine_in_force}
    changed = [plan for plan in mine_on_branch if before.get(plan.id, plan.claims) != plan.claims]
    found: list[str] = []
    for access, allowed in ((Access.OWN, (Access.OWN,)), (Access.SHARED, (Access.OWN, Access.SHARED))):
        rest = [compile_patterns(["**", *map(_opposite, _patterns(plan, *allowed))]) for plan in mine_in_force]
        for plan in changed:
            after = _patterns(plan, access)
            exclusions = [pattern for pattern in after if pattern.startswith("!")]
            for pattern in after:
                wider = compile_patterns([pattern, *exclusions])
                if not pattern.startswith("!") and all(witness(wider, outside) for outside in rest):
                    found.append(pattern)
    return tuple(dict.fromkeys(found))


def _opposite(pattern: str) -> str:
    return pattern[1:] if pattern.startswith("!") else f"!{pattern}"


def _patterns(plan: Plan, *access: Access) -> tuple[str, ...]:
    return tuple(claim.pattern for claim in _claims(plan, *access))


def _claims(plan: Plan, *access: Access) -> tuple[Claim, ...]:
    """The claims that count. Inferred ones come first: the last match wins, and what is declared decides."""
    sure = (c for c in plan.claims if c.access in access and c.confidence >= BLOCKING_CONFIDENCE)
    return tuple(sorted(sure, key=_is_declared))


def _is_declared(claim: Claim) -> bool:
    return claim.source is Source.DECLARED


def _spelling(path: str) -> str:
    """The path for a file system that tells neither case nor Unicode form apart; per character, as patterns do."""
    if path.isascii():
        return path.lower()
    composed = unicodedata.normalize("NFC", path)
    return "".join(char.lower() if len(char.lower()) == 1 else char for char in composed)


def _at_or_above(path: str) -> Iterator[str]:
    """The path, the folders it lies in, and the top as the empty text."""
    yield path
    while path:
        path = path.rpartition("/")[0]
        yield path


class _Hold(NamedTuple):
    """A plan's claim on one path; the first five fields say how strong it is, the first most."""

    owns: bool  # False: it only lists the path under shared
    declared: bool
    in_force: bool
    as_spelled: bool
    mine: bool
    plan: Plan
    claim: Claim | None  # None: its own plan file


class _Claims:
    """Claims in order, asked for a path in whatever spelling."""

    def __init__(self, claims: tuple[Claim, ...]) -> None:
        self.claims = claims
        self.patterns = compile_patterns(claim.pattern for claim in claims)
        self.folded = self.patterns.folded

    def giving(self, path: str, spelling: str) -> tuple[Claim | None, bool]:
        """The claim that gives the path away, and whether the path is spelled as claimed.

        None when nothing covers it or the last word is an exclusion; what is excluded is so in every spelling.
        """
        anyhow = self._last_word(self.folded, spelling)
        exactly = self._last_word(self.patterns, path) if anyhow is not None else None
        return exactly or anyhow, exactly is not None

    def _last_word(self, patterns: PatternList, path: str) -> Claim | None:
        index = patterns.decided_by(path)
        return None if index is None or self.claims[index].pattern.startswith("!") else self.claims[index]


class _Claimant:
    """One plan and its claims of one access, ready to be asked."""

    def __init__(self, plan: Plan, access: Access, *, in_force: bool, mine: bool) -> None:
        self.plan, self.in_force, self.mine, self.owns = plan, in_force, mine, access is Access.OWN
        self.claims = _Claims(_claims(plan, access))
        self.names = {_spelling(claim.pattern): claim for claim in self.claims.claims if _is_declared(claim)}
        self.file = _spelling(plan.path) if self.owns else None
        self.heads = {*self.claims.folded.heads, *([self.file] if self.file else ())}
        self.above: dict[str, Claim] = {}
        folded = self.claims.folded
        for rule, origin in zip(folded.rules, folded.origins, strict=True) if self.owns else ():
            folder = rule.head if rule.literal is None else rule.head.rpartition("/")[0]
            if not rule.negative:
                self.above |= {above: self.claims.claims[origin] for above in _at_or_above(folder) if above}

    def hold(self, path: str, spelling: str, *, common: bool) -> _Hold | None:
        """How the plan holds the path, if at all; a `common` one by what is declared only, and as owner by name."""
        claim: Claim | None
        if spelling == self.file:
            return _Hold(True, True, self.in_force, path == self.plan.path, self.mine, self.plan, None)
        if common and self.owns:
            claim = self.names.get(spelling)
            exact = claim is not None and claim.pattern == path
        else:
            claim, exact = self.claims.giving(path, spelling)
            claim = claim or self.above.get(spelling)
        if claim is None or (common and not _is_declared(claim)):
            return None
        return _Hold(self.owns, _is_declared(claim), self.in_force, exact, self.mine, self.plan, claim)


class Claimants:
    """Plans, each compiled once, and found by the folders that their claims lie in."""

    def __init__(self, plans: PlanSet) -> None:
        self._plans = plans.plans

    @cached_property
    def places(self) -> _Places:
        """Those in force; a branch leaves its own out."""
        return _Places(_Claimant(plan, Access.OWN, in_force=True, mine=False) for plan in self._plans)


class _Places:
    def __init__(self, claimants: Iterable[_Claimant]) -> None:
        self.by_head: defaultdict[str, list[_Claimant]] = defaultdict(list)
        self.above: defaultdict[str, list[_Claimant]] = defaultdict(list)
        for claimant in claimants:
            for head in claimant.heads:
                self.by_head[head].append(claimant)
            for folder in claimant.above:
                self.above[folder].append(claimant)


class _Ground:
    """All claims around one branch."""

    def __init__(self, plans: PlanSet, mine: tuple[Plan, ...], shared: tuple[str, ...], others: Claimants) -> None:
        in_force, self.own = {plan.id for plan in plans.plans}, {plan.id for plan in mine}
        own = (
            _Claimant(plan, access, in_force=plan.id in in_force, mine=True)
            for access in (Access.OWN, Access.SHARED)
            for plan in mine
        )
        self.sides = (others.places, _Places(own))
        self.configured = compile_patterns(shared).folded
        self.set_shared = _Claims(tuple(c for c in plans.shared if c.confidence >= BLOCKING_CONFIDENCE))
        ids = " and ".join(dict.fromkeys(plan.id for plan in mine))
        self.unlisted = f", and plan {ids} does not list it under shared" if ids else ""

    def holds(self, path: str, spelling: str, *, common: bool) -> list[_Hold]:
        """Who holds the path, the strongest first."""
        near: dict[int, _Claimant] = {}
        for side in self.sides:
            near |= {id(each): each for head in _at_or_above(spelling) for each in side.by_head.get(head, ())}
            near |= {id(each): each for each in side.above.get(spelling, ())}
        strangers = (each for each in near.values() if each.mine or each.plan.id not in self.own)
        found = (each.hold(path, spelling, common=common) for each in strangers)
        return sorted((hold for hold in found if hold is not None), key=lambda hold: hold[:5], reverse=True)

    def common(self, path: str, spelling: str) -> Trespass | None:
        """What touching the path is for who does not list it; None when it is not shared."""
        if self.configured.matches(spelling):
            return Trespass(path, None, None, None, True, f"{path} is shared by configuration{self.unlisted}")
        claim, _ = self.set_shared.giving(path, spelling)
        if claim is None:
            return None
        place = f"{claim.path}:{claim.line}" if claim.path else f"line {claim.line}"
        text = f"{path} is shared ({place}){self.unlisted}"
        return Trespass(path, None, claim, claim.path, _is_declared(claim), text)


def _foreign(path: str, hold: _Hold) -> Trespass:
    plan, claim, declared = hold.plan, hold.claim, hold.declared
    if claim is None:
        return Trespass(path, plan.id, None, plan.path, True, f"{path} is the plan file of plan {plan.id}")
    file = claim.path or plan.path
    verb = "belongs" if declared else "seems to belong"
    text = f"{path} {verb} to plan {plan.id} ({file}:{claim.line}: {claim.pattern})"
    return Trespass(path, plan.id, claim, file, declared, text)


def _untouched(mine: tuple[Plan, ...], paths: Iterable[str]) -> Iterator[str]:
    """Owned patterns that match none of the paths; each is compared with what lies below its folder only."""
    below: defaultdict[str, list[str]] = defaultdict(list)
    for path in paths:
        for folder in _at_or_above(unicodedata.normalize("NFC", path)):
            below[folder].append(path)
    for pattern in dict.fromkeys(pattern for plan in mine for pattern in _patterns(plan, Access.OWN)):
        one = compile_patterns([pattern])
        near = (path for head in one.heads for path in below.get(head, ()))
        if not pattern.startswith("!") and not any(map(one.matches, near)):
            yield pattern
