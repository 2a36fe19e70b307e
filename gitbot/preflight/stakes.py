"""What each plan really claims: one stake per claim, with all that the same plan takes out of it again.

Whether two stakes collide is `gitbot.preflight.overlap`'s question.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from gitbot.fileclasses import FileClass, file_class, lock_of
from gitbot.model.plan import BLOCKING_CONFIDENCE, Access, Claim, Plan, PlanId, Source, Write
from gitbot.model.preflight import Location
from gitbot.patterns import PatternList, compile_patterns, witness

WILD = re.compile(r"[*?\[{\\]")
"""What makes a pattern more than the name of one path, or of one folder with what is below it."""

_TELLING = (Write.DELETE, Write.CREATE, Write.MODIFY, Write.APPEND, Write.ANY)
_MOST_STAKES = 500  # of one plan compared one by one: stakes of two plans meet in quadratic time
_EVERYTHING = compile_patterns(["**"])


@dataclass(frozen=True, slots=True)
class Stake:
    """One claim of one plan, without what the plan's own exclusions and finer claims take out of it."""

    plan: PlanId
    claim: Claim
    paths: PatternList
    place: Location
    manifest: str | None = None  # the claimed file that this lock file follows

    @property
    def firm(self) -> bool:
        """Whether it may block somebody: declared or read with confidence, and no roster of the plans themselves."""
        coordination = file_class(self.claim.pattern) is FileClass.COORDINATION
        sure = self.claim.confidence >= BLOCKING_CONFIDENCE and not coordination
        return sure or self.claim.source is Source.DECLARED

    @property
    def words(self) -> str:
        """The claim and where it stands, for a message."""
        span = f" ({self.claim.span})" if self.claim.span else ""
        implied = f" through {self.manifest}" if self.manifest else ""
        return f"{self.claim.pattern}{span}{implied} in {self.place.path}:{self.place.line}"


def stakes_of(plan: Plan) -> tuple[Stake, ...]:
    """The stakes of one plan, in the order of its claims; an access to a pattern counts once."""
    shared, never = _positive(plan.patterns(Access.SHARED)), _positive(plan.never)
    found = []
    for access in Access:
        claims = plan.patterns(access)
        exclusions = [(at, claim.pattern) for at, claim in enumerate(claims) if claim.pattern.startswith("!")]
        for position, claim in _distinct(claims):
            if access is Access.READ and claim.confidence < BLOCKING_CONFIDENCE:
                continue  # the mention of a path binds nobody
            paths = compile_patterns([claim.pattern, *(pattern for at, pattern in exclusions if at > position)])
            if access is Access.OWN:  # what a plan shares it does not own, unless it declares that very part
                rest = _without(paths, shared)
                paths = paths if claim.source is Source.DECLARED and not _any_path(rest) else rest
            if access is not Access.READ and _any_path(rest := _without(paths, never)):
                paths = rest
            if _any_path(paths):
                found.append(Stake(plan.id, claim, paths, Location(claim.path or plan.path, claim.line)))
    found = list(_bounded(found))
    return (*found, *_locks(found, excluded=compile_patterns([*shared, *never])))


def inside(paths: PatternList, region: PatternList) -> bool:
    """Whether every path of the first list is one of the second."""
    return not _any_path(_without(paths, region.patterns))


def _any_path(paths: PatternList) -> bool:
    return len(paths.patterns) == 1 or witness(paths, _EVERYTHING) is not None


def _without(paths: PatternList, taken: Sequence[str]) -> PatternList:
    return compile_patterns([*paths.patterns, *("!" + pattern for pattern in taken)]) if taken else paths


def _positive(claims: Iterable[Claim]) -> list[str]:
    return [claim.pattern for claim in claims if not claim.pattern.startswith("!")]


def _distinct(claims: Sequence[Claim]) -> Iterator[tuple[int, Claim]]:
    """Every positive pattern once, where it stands last: the surest claim, with the most telling kind of write."""
    same: dict[str, list[tuple[int, Claim]]] = {}
    for position, claim in enumerate(claims):
        if not claim.pattern.startswith("!"):
            same.setdefault(claim.pattern, []).append((position, claim))
    for found in same.values():
        _, surest = max(found, key=lambda member: (member[1].source is Source.DECLARED, member[1].confidence))
        write = min((claim.write for _, claim in found), key=_TELLING.index)
        yield found[-1][0], replace(surest, write=write)


def _bounded(stakes: Sequence[Stake]) -> Iterator[Stake]:
    """The stakes, those beyond the most taken together per access: nothing is lost but the exact line."""
    yield from stakes[:_MOST_STAKES]
    for access in Access:
        rest = [stake for stake in stakes[_MOST_STAKES:] if stake.claim.access is access]
        if rest:
            paths = compile_patterns(pattern for stake in rest for pattern in stake.paths.patterns)
            yield replace(rest[0], claim=replace(rest[0].claim, write=Write.ANY), paths=paths)


def _locks(stakes: Iterable[Stake], excluded: PatternList) -> Iterator[Stake]:
    """Who writes a manifest writes its lock file too."""
    for stake in stakes:
        manifest, written = stake.claim.pattern, stake.claim.access is not Access.READ
        if written and not WILD.search(manifest) and file_class(manifest) is FileClass.MANIFEST:
            for lock in lock_of(manifest):
                if not excluded.matches(lock):
                    claim = replace(stake.claim, pattern=lock, write=Write.ANY, span=None)
                    yield replace(stake, claim=claim, paths=compile_patterns([lock]), manifest=manifest)
