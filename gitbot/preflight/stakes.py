"""What each plan really claims: one stake per claim, with all that the same plan takes out of it again.

Whether two stakes collide is `gitbot.preflight.overlap`'s question.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace

from gitbot.fileclasses import FileClass, file_class, lock_of
from gitbot.model.plan import BLOCKING_CONFIDENCE, Access, Claim, Plan, PlanId, Source, Write
from gitbot.model.preflight import Location
from gitbot.patterns import PatternList, compile_patterns, witness

WILD = re.compile(r"[*?\[{\\]")
"""What makes a pattern more than the name of one path, or of one folder with what is below it."""

LONGEST = 160
"""Characters of a pattern that is told of: two plans meet in each of many, and every meeting tells of both."""

_TELLING = (Write.DELETE, Write.CREATE, Write.MODIFY, Write.APPEND, Write.ANY)
_MOST_STAKES = 500  # of one plan compared one by one: stakes of two plans meet in quadratic time
_EVERYTHING = compile_patterns(["**"])


@dataclass(frozen=True, slots=True)
class Stake:
    """One claim of one plan, without what the plan's own exclusions and finer claims take out of it."""

    plan: PlanId
    claim: Claim
    paths: PatternList
    file: str  # that the claim stands in
    manifest: str | None = None  # the claimed file that this lock file follows
    link: str | None = None  # the symbolic link by which the claim means this path

    @property
    def place(self) -> Location:
        """Where the claim stands."""
        return Location(self.file, self.claim.line)

    @property
    def firm(self) -> bool:
        """Whether it may block somebody: declared or read with confidence, and no roster of the plans themselves."""
        sure = self.claim.confidence >= BLOCKING_CONFIDENCE
        return self.claim.source is Source.DECLARED or (
            sure and file_class(self.claim.pattern) is not FileClass.COORDINATION
        )

    @property
    def plain(self) -> bool:
        """Whether it has no wildcard, so that where it meets another such one is just looked up."""
        return all(isinstance(rule.tokens, str) for rule in self.paths.rules)

    @property
    def sort(self) -> tuple[object, ...]:
        """What it has in common with all that meet what this one meets, in the same way."""
        return self.paths.patterns, self.claim.access, self.claim.write, self.firm, self.manifest, self.link

    @property
    def words(self) -> str:
        """The claim and where it stands, for a message."""
        span = f" ({self.claim.span})" if self.claim.span else ""
        implied = f" through {self.manifest or self.link}" if self.manifest or self.link else ""
        return f"{shown(self.claim.pattern)}{span[:LONGEST]}{implied} in {self.file}:{self.claim.line}"


def shown(pattern: str) -> str:
    """The pattern, a long one without its middle."""
    half = LONGEST // 2
    return pattern if len(pattern) <= LONGEST else f"{pattern[:half]}…{pattern[-half:]}"


def stakes_of(
    plan: Plan, links: Mapping[str, str] | None = None, tracked: Set[str] = frozenset()
) -> tuple[Stake, ...]:
    """The stakes of one plan, in the order of its claims; an access to a pattern counts once.

    What lies at or below a symbolic link counts where the link leads too, and of the tracked files the lock files
    that follow a claimed manifest.
    """
    shared, never = _positive(plan.patterns(Access.SHARED)), _positive(plan.never)
    found = []
    for access in Access:
        claims = plan.patterns(access)
        at = [position for position, claim in enumerate(claims) if claim.pattern.startswith("!")]
        excluded = compile_patterns(claims[position].pattern.removeprefix("!") for position in at)
        for position, claim in _distinct(claims):
            if access is Access.READ and claim.confidence < BLOCKING_CONFIDENCE:
                continue  # the mention of a path binds nobody
            paths = compile_patterns([claim.pattern]).without(excluded, bisect_left(at, position))
            if access is Access.OWN:  # what a plan shares it does not own, unless it declares that very part
                rest = paths.without(shared)
                paths = paths if claim.source is Source.DECLARED and not _any_path(rest) else rest
            if access is not Access.READ and _any_path(rest := paths.without(never)):
                paths = rest
            if _any_path(paths):
                found.append(Stake(plan.id, claim, paths, claim.path or plan.path))
    found = list(_bounded(found))
    found += _behind(found, links or {})
    return (*found, *_locks(found, tracked, excluded=compile_patterns([*shared.patterns, *never.patterns])))


def inside(paths: PatternList, region: PatternList) -> bool:
    """Whether every path of the first list is one of the second, of which no pattern excludes."""
    return not _any_path(paths.without(region))


def _any_path(paths: PatternList) -> bool:
    if len(paths.patterns) == 1:
        return True
    sample = paths.rules[0].sample if paths.rules else None
    return (sample is not None and paths.matches(sample)) or witness(paths, _EVERYTHING) is not None


def _positive(claims: Iterable[Claim]) -> PatternList:
    return compile_patterns(claim.pattern for claim in claims if not claim.pattern.startswith("!"))


def _distinct(claims: Sequence[Claim]) -> Iterator[tuple[int, Claim]]:
    """Every positive pattern once, where it stands last: the surest claim, with the most telling kind of write."""
    same: dict[str, list[tuple[int, Claim]]] = {}
    for position, claim in enumerate(claims):
        if not claim.pattern.startswith("!"):
            same.setdefault(claim.pattern, []).append((position, claim))
    for found in same.values():
        _, surest = max(found, key=lambda member: (member[1].source is Source.DECLARED, member[1].confidence))
        write = min((claim.write for _, claim in found), key=_TELLING.index)
        yield found[-1][0], surest if surest.write is write else replace(surest, write=write)


def _bounded(stakes: Sequence[Stake]) -> Iterator[Stake]:
    """The stakes, those beyond the most taken together per access: nothing is lost but the exact line."""
    yield from stakes[:_MOST_STAKES]
    for access in Access:
        rest = [stake for stake in stakes[_MOST_STAKES:] if stake.claim.access is access]
        if rest:
            paths = compile_patterns(pattern for stake in rest for pattern in stake.paths.patterns)
            yield replace(rest[0], claim=replace(rest[0].claim, write=Write.ANY), paths=paths)


def _behind(stakes: Iterable[Stake], links: Mapping[str, str]) -> Iterator[Stake]:
    """The stakes that claims on symbolic links bring; whoever makes or deletes a link leaves alone what it means."""
    for stake in stakes if links else ():
        pattern = stake.claim.pattern
        followed: list[str] = []
        whole = stake.claim.write not in (Write.CREATE, Write.DELETE)
        while True:
            ends = (at for at in range(len(pattern.rstrip("/")) + whole) if pattern[at : at + 1] in ("/", ""))
            link = next((pattern[:at] for at in ends if pattern[:at] in links), None)
            if link is None or link in followed:
                break
            followed.append(link)
            pattern = links[link] + pattern[len(link) :]
        if followed and pattern != stake.claim.pattern:
            claim = replace(stake.claim, pattern=pattern)
            yield replace(stake, claim=claim, paths=compile_patterns([pattern]), link=followed[0])


def _locks(stakes: Iterable[Stake], tracked: Set[str], excluded: PatternList) -> Iterator[Stake]:
    """Who writes a manifest writes its lock file too: the one beside it, and that of the workspace it is part of."""
    for stake in stakes:
        manifest, written = stake.claim.pattern, stake.claim.access is not Access.READ
        if written and not WILD.search(manifest.rpartition("/")[2]) and file_class(manifest) is FileClass.MANIFEST:
            folder, beside = manifest.rpartition("/")[0], lock_of(manifest)
            names = [lock.rpartition("/")[2] for lock in beside]
            above = [folder[:at] for at in range(len(folder), 0, -1) if folder[at : at + 1] in ("/", "")]
            levels = ([f"{at}/{name}".lstrip("/") for name in names] for at in (*above, ""))
            workspace = next((level for level in levels if not tracked.isdisjoint(level)), [])
            for lock in dict.fromkeys((*beside, *filter(tracked.__contains__, workspace))):
                if not excluded.matches(lock):
                    claim = replace(stake.claim, pattern=lock, write=Write.ANY, span=None)
                    yield replace(stake, claim=claim, paths=compile_patterns([lock]), manifest=manifest)
