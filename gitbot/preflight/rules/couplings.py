"""What the repository and its past add: plans that depend on each other without a common file, and reviewers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations

from gitbot.model.plan import Access, PlanId
from gitbot.model.preflight import Level, Location, Severity
from gitbot.plans.codeowners import PLACES, CodeOwners
from gitbot.preflight.couplings import Owners, Tie, changed_together, contested, imports_between
from gitbot.preflight.rules.situation import Situation, Told, about, listed, rule
from gitbot.preflight.stakes import Stake

_HOT = 3  # merges that found a file changed on both sides
_MOST_NAMED = 3  # imports, or pairs of files, that one finding names


@rule(Level.WARNING)
def imports(situation: Situation) -> Iterator[Told]:
    """A file of one plan imports a file that another plan changes."""
    around = situation.around
    if around.rules.get("imports") == "off" or around.files is None or len(situation.plans) < 2:
        return
    reading = imports_between(Owners(situation.stakes, Access.OWN), around.files, around.read)
    phase_of = {plan: at for at, phase in enumerate(situation.phases) for plan in phase}
    # Who imports what an earlier phase changes starts from what that phase has landed.
    early = [tie for tie in reading.found if phase_of[tie.stakes[0].plan] <= phase_of[tie.stakes[1].plan]]
    for _, found in _untold(situation, early, Severity.BLOCKS, Severity.ORDERS):
        user, maker = (stake.plan for stake in found[0].stakes)
        if any(each.stakes[0].plan == maker for each in found):
            hint = "agree on the interface first, or let one wait for the other"
            yield _told(f"{user} and {maker} build on each other", found, hint)
        else:
            hint = f"let {user} wait for {maker}, or agree on the interface first"
            yield _told(f"{user} builds on what {maker} changes", found, hint)
    if reading.missing:
        message = f"imports in {listed(reading.missing)} files were not read: their parsers are not installed"
        yield Told(message, hint="pip install 'gitbot-merge[structure]'", level=Level.NOTE)
    if not reading.whole:
        yield Told("imports were read in a part of the plans' files only: there are too many", level=Level.NOTE)


@rule(Level.WARNING)
def co_change(situation: Situation) -> Iterator[Told]:
    """Files of two plans have mostly been changed together."""
    around = situation.around
    if len(situation.plans) < 2 or not around.history.together:
        return
    together = changed_together(Owners(situation.stakes, Access.OWN), around.history, around.files or ())
    for plans, found in _untold(situation, together, *Severity):
        yield _told(f"files of {' and '.join(plans)} changed together", found)


def _untold(
    situation: Situation, ties: Iterable[Tie], *severities: Severity
) -> Iterator[tuple[list[PlanId], list[Tie]]]:
    """The ties of each pair of plans that nothing orders and whose claims do not meet as badly as that."""
    met = {frozenset(contact.plans) for contact in situation.contacts if contact.severity in severities}
    found: dict[frozenset[PlanId], list[Tie]] = {}
    for tie in ties:
        pair = frozenset(stake.plan for stake in tie.stakes)
        if pair not in met and not situation.precedence.first(*pair):
            found.setdefault(pair, []).append(tie)
    return ((sorted(pair), found[pair]) for pair in sorted(found, key=sorted))


def _told(said: str, found: Sequence[Tie], hint: str | None = None) -> Told:
    named = found[: _MOST_NAMED if len(found) <= _MOST_NAMED else 1]
    more = [f"{len(found) - len(named)} more"] if len(found) > len(named) else []
    stakes = [stake for each in named for stake in each.stakes]
    places = (each.place for each in named if each.place)
    paths = (path for each in found for path in each.paths)
    return about(f"{said}: {listed([*(each.words for each in named), *more])}", stakes, paths, hint, *places)


@rule(Level.WARNING)
def hot_spot(situation: Situation) -> Iterator[Told]:
    """A file that this repository's merges have often found changed on both sides."""
    if not situation.around.history.contested:
        return
    owned: list[tuple[str, str, Iterable[Location]]] = []
    owners = Owners(situation.stakes, Access.OWN, Access.SHARED)
    for path, merges, stakes in contested(owners, situation.around.history, _HOT):
        looked_at = max(merges, situation.around.history.merges)
        words = f"{path}, changed on both sides of {merges} of the last {looked_at} merges"
        if any(not situation.precedence.first(one.plan, other.plan) for one, other in combinations(stakes, 2)):
            yield about(f"{listed(stake.plan for stake in stakes)} change {words}", stakes, (path,))
        else:
            owned.append((path, f"{words} ({stakes[0].plan})", (stake.place for stake in stakes)))
    if owned:
        places = tuple(dict.fromkeys(place for _, _, some in owned for place in some))
        message = f"conflicts were frequent in {listed(words for _, words, _ in owned)}"
        hint = "land these plans early, and keep other work away from these files"
        yield Told(message, (), tuple(path for path, _, _ in owned), places, hint, Level.NOTE)


@rule(Level.WARNING)
def claims_widened(situation: Situation) -> Iterator[Told]:
    """The plan here claims more than its version on the target."""
    for plan in situation.plans:
        if patterns := situation.around.widened.get(plan.id):
            lines = [claim for claim in plan.claims if claim.pattern in patterns]
            places = tuple(dict.fromkeys(Location(claim.path or plan.path, claim.line) for claim in lines))
            message = f"{plan.id} claims more here than on the target, which is what counts: {listed(patterns)}"
            yield Told(message, (plan.id,), patterns, places)


@rule(Level.NOTE)
def reviewers(situation: Situation) -> Iterator[Told]:
    """CODEOWNERS names who must review what a plan writes."""
    texts = ((place, situation.around.read(place)) for place in PLACES)
    place, text = next(((place, text) for place, text in texts if text is not None), ("", b""))
    owners = CodeOwners(text.decode("utf-8", "replace")[:1_000_000])
    by_names: dict[tuple[str, ...], list[tuple[Stake, Location]]] = {}
    every = (stake for plan in situation.plans for stake in situation.stakes[plan.id]) if text else ()
    for stake in (stake for stake in every if stake.firm and stake.claim.access is not Access.READ):
        path = f"{stake.claim.pattern}x" if stake.claim.pattern.endswith("/") else stake.claim.pattern
        names, line = owners.of(path.replace("**", "x").replace("*", "x"))
        if names:
            by_names.setdefault(names, []).append((stake, Location(place, line)))
    for names, found in by_names.items():
        stakes, lines = zip(*found, strict=True)
        plans = list(dict.fromkeys(stake.plan for stake in stakes))
        paths = tuple(dict.fromkeys(stake.claim.pattern for stake in stakes))
        message = f"{listed(names)} must review what {listed(plans)} write{'s' * (len(plans) == 1)}: {listed(paths)}"
        places = tuple(dict.fromkeys([*lines, *(stake.place for stake in stakes)]))
        yield Told(message, tuple(plans), paths, places)
