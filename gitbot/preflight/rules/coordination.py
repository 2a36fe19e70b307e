"""How plans that depend on each other say so: layers, what one makes and another uses, events, failure.

These find dependences that no key declares. They are evidence from words, so nothing here is an error.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import chain, islice

from gitbot.model.plan import Access, Plan, PlanId, Source
from gitbot.model.preflight import Level, Location
from gitbot.plans import fold
from gitbot.preflight.overlap import Kind
from gitbot.preflight.rules.practice import DOCUMENTS, unfinished, with_work
from gitbot.preflight.rules.situation import Remark, Situation, Told, listed, named, of_kind, rule, together
from gitbot.preflight.vocabulary import layers, words

_EVENT = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)+")
_USING = (
    r"\b(?:need(?:s|ing)?|us(?:es?|ing)|requir(?:es?|ing)|depends? on|relies on|on top of|built on|consumes?|calls?)"
    r"\b[^.;\n]{0,40}?"
)
_UPON = re.compile(_USING + ".*")
_OTHERS = re.compile(_USING + r"\b(?:agent|plan)[ -](?P<name>[\w-]{1,40})", re.IGNORECASE)
_LONGEST = 400  # characters of a text that are looked at
_MOST_TEXTS = 100  # of one plan and kind
_MOST_TASKS = 1000  # of one plan, where each is looked at alone
_LONGEST_EVENT = 60
_MOST_ABOUT = 3  # plans: what more of them speak of is what the whole program is about


def _linked(situation: Situation) -> set[frozenset[PlanId]]:
    return {frozenset((edge.before, edge.after)) for edge in situation.edges}


@rule(Level.WARNING)
def layer_order(situation: Situation) -> Iterator[Told]:
    """A plan builds on a layer that another plan makes, and nothing orders the two."""
    linked = _linked(situation)
    mistaken = {plan for finding in situation.unresolved for plan in finding.plans}
    found: dict[Level | None, list[Remark]] = {}
    for lower, upper, why, level in _layered(unfinished(situation)):
        if upper.id in mistaken:
            continue  # the order was meant to be there: its name has been found wrong
        if {lower.id, upper.id} not in linked and not situation.precedence.first(lower.id, upper.id):
            place = Location(upper.path, upper.line)
            found.setdefault(level, []).append(Remark((upper.id, lower.id), why, place))
    for level, remarks in found.items():
        first, last = remarks[0].plans
        hint = f"build from below: `depends_on: [{last}]` in {first}; or give both layers to one plan"
        message = "layers are built on each other and nothing orders them: {}"
        yield from together(message, remarks, hint, level)


def _layered(plans: Sequence[Plan]) -> Iterator[tuple[Plan, Plan, str, Level | None]]:
    """Plans that build on one of a lower layer: the lower one, the upper one, what says so, and how surely."""
    ranked = list(layers())
    layer_of = {plan.id: layer for plan in plans if (layer := _layer(plan))}
    things = _things(plans)
    of_layer: dict[str, list[Plan]] = {}
    about: dict[tuple[str, str], Plan] = {}
    for plan in (plan for plan in plans if plan.id in layer_of):
        of_layer.setdefault(layer_of[plan.id], []).append(plan)
        for thing in things[plan.id]:
            about.setdefault((layer_of[plan.id], thing), plan)
    # Data that is called by the name of no thing is what all code stands on.
    titles = {plan.id: _plain([plan.title or plan.id]) for plan in plans}
    data = (plan for plan in of_layer.get(ranked[0], ()) if _spoken(ranked[0]).search(titles[plan.id]))
    whole = [plan for plan in data if not _named_in([titles[plan.id]])]
    for upper in plans:
        coded = not words("code").isdisjoint(titles[upper.id].split())
        top = layer_of.get(upper.id, ranked[coded])
        for layer in ranked[: ranked.index(top)]:
            shared = sorted(thing for thing in things[upper.id] if (layer, thing) in about)
            lowers = [about[layer, thing] for thing in shared] or of_layer.get(layer, [])
            said = re.search(_USING + _spoken(layer).pattern, _text(upper)) if shared or len(lowers) == 1 else None
            why, level = (f"“{said[0]}”" if said else ""), None
            if not said and layer == ranked[0] and top != ranked[-1] and (shared or whole):
                why, level = (f"both are about {shared[0]}", None) if shared else ("code needs its data", Level.NOTE)
                lowers = lowers if shared else whole
            if why:
                pair = f"{upper.id} ({layer_of.get(upper.id, 'code')}) on {lowers[0].id} ({layer})"
                yield lowers[0], upper, f"{pair}: {why}", level


@cache
def _spoken(layer: str) -> re.Pattern[str]:
    """The pattern of a layer's words."""
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, layers()[layer]))})\b")


def _plain(texts: Iterable[str]) -> str:
    """A line per text, in lower case, its words divided by spaces."""
    return re.sub(r"[_/\-]+", " ", "\n".join(text[:_LONGEST] for text in islice(texts, _MOST_TEXTS))).lower()


def _text(plan: Plan) -> str:
    reasons = (need.reason for need in plan.needs)
    return _plain((plan.title, *reasons, *plan.relies, *(task.text for task in plan.tasks)))


def _layer(plan: Plan) -> str | None:
    """The only layer that a plan's title speaks of, else the only one that its files do."""
    for texts in ([plan.title, plan.id], [c.pattern for c in plan.claims if c.access is not Access.READ]):
        # What stands behind "using" or "needs" is another layer than the plan's own.
        spoken = _UPON.sub("", _plain(texts))
        some = [layer for layer, phrases in layers().items() if any(map(spoken.__contains__, phrases))]
        if found := [layer for layer in some if _spoken(layer).search(spoken)]:
            return found[0] if len(found) == 1 else None
    return None


@cache
def _ordinary() -> frozenset[str]:
    return words("no-entity") | words("code") | set(" ".join(chain(*layers().values())).split())


def _named_in(texts: Iterable[str]) -> set[str]:
    """The things that texts and names of files speak of, in the singular."""
    parted = (re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text[:_LONGEST]) for text in texts)
    return {word.removesuffix("s") for word in set(re.findall(r"[^\W\d_]{4,30}", _plain(parted))) - _ordinary()}


def _things(plans: Sequence[Plan]) -> dict[PlanId, set[str]]:
    """What each plan's title and file names speak of, but for what many plans speak of."""
    found = {}
    for plan in plans:
        names = (claim.pattern.rpartition("/")[2] for claim in plan.claims if claim.access is not Access.READ)
        found[plan.id] = _named_in([plan.title, *(name.partition(".")[0] for name in names)])
    spread = Counter(word for some in found.values() for word in some)
    return {plan: {word for word in some if spread[word] <= _MOST_ABOUT} for plan, some in found.items()}


@rule(Level.WARNING)
def coupling_without_event(situation: Situation) -> Iterator[Told]:
    """A plan uses what another plan of its phase makes or changes, and waits for nothing."""
    linked = _linked(situation)
    phase_of = {plan: at for at, phase in enumerate(situation.phases) for plan in phase}
    found: dict[tuple[PlanId, ...], Remark] = {}
    for remark in (*_reads(situation), *_mentions(situation.plans)):
        maker, user = remark.plans
        working = situation.works[maker].steps and situation.works[user].steps
        if working and phase_of[maker] == phase_of[user] and {maker, user} not in linked:
            found.setdefault(remark.plans, remark)
    for maker, user in list(found)[:1]:
        event = f"{_slug(maker)}_ready"
        hint = f"`emits: [{event}]` in {maker} and `waits_for: [{event}]` in {user}, or `depends_on: [{maker}]`"
        message = "used in the phase in which it is made: {}"
        yield from together(message, list(found.values()), hint)


def _reads(situation: Situation) -> Iterator[Remark]:
    """What plans declare that they read, of the plan that changes it; `plans` is who makes and who uses it."""
    for meeting in of_kind(situation, Kind.READ):
        maker, user = sorted(meeting.stakes, key=lambda stake: stake.claim.access is Access.READ)
        declared = user.claim.source is Source.DECLARED and maker.firm
        if declared and not meeting.path.endswith(DOCUMENTS):
            yield Remark((maker.plan, user.plan), f"{user.plan} reads {meeting.path} of {maker.plan}", user.place)


def _mentions(plans: Sequence[Plan]) -> Iterator[Remark]:
    """Tasks that say that they use another plan's work, or name an event of it."""
    ids = {fold(plan.id): plan.id for plan in plans}
    events = {event: plan.id for plan in plans for event, _ in plan.emits if _EVENT.fullmatch(event)}
    for plan in plans:
        for task in plan.tasks[:_MOST_TASKS]:
            text, place = task.text[:_LONGEST], Location(plan.path, task.line)
            named = [ids.get(fold(match["name"])) for match in _OTHERS.finditer(text)]
            for maker in (*named, *(events.get(event) for event in _EVENT.findall(text))):
                if maker is not None and maker != plan.id:
                    yield Remark((maker, plan.id), f"{plan.id} uses what {maker} makes (“{text}”)", place)


def _slug(text: str) -> str:
    """A name in lower snake case."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text[:_LONGEST_EVENT])
    slug = "_".join(re.findall(r"[a-z0-9]+", parted.lower()))
    return slug if slug[:1].isalpha() else f"plan_{slug}".rstrip("_")


def _events(plans: Iterable[Plan]) -> Iterator[tuple[str, Remark]]:
    """Every event that is emitted under a name: other tools write sentences there."""
    for plan in plans:
        for event, line in plan.emits:
            if len(event) <= _LONGEST_EVENT and not re.search(r"[\s/]", event):
                yield event, Remark((plan.id,), f"{event} of {plan.id}", Location(plan.path, line))


@rule(Level.NOTE)
def event_name(situation: Situation) -> Iterator[Told]:
    """An event is not named `domain_action`."""
    found = [(event, remark) for event, remark in _events(situation.plans) if not _EVENT.fullmatch(event)]
    better = listed(f"`{_better(remark.plans[0], event)}` for {event}" for event, remark in found)
    message, remarks = "events are named domain_action: {}", [remark for _, remark in found]
    yield from together(message, remarks, f"write {better}")


def _better(plan: PlanId, event: str) -> str:
    slug = _slug(event)
    if "_" in slug:
        return slug
    return f"{_slug(plan)}_{slug}" if slug in words("actions") | words("failures") else f"{slug}_ready"


@rule(Level.NOTE)
def event_unmatched(situation: Situation) -> Iterator[Told]:
    """A plan emits an event that no plan waits for."""
    needs = [need for plan in situation.plans for need in plan.needs]
    awaited = {need.reference.casefold() for need in needs}
    in_words = {need.word.casefold() for need in needs if need.word}
    wholly = {edge.before for edge in situation.edges if edge.kind != "event"}
    found = [
        (event, remark)
        for event, remark in _events(situation.plans if len(situation.plans) > 1 else ())
        if remark.plans[0] not in wholly
        and event.casefold() not in awaited
        and words("failures").isdisjoint(_slug(event).split("_"))
        and in_words.isdisjoint(_slug(event).split("_"))
    ]
    for event, remark in found[:1]:
        name = _better(remark.plans[0], event)
        hint = f"write `waits_for: [{name}]` in the plan that needs it, or leave the event out"
        yield from together("nobody waits for {}", [each for _, each in found], hint)


@rule(Level.NOTE)
def no_failure_handling(situation: Situation) -> Iterator[Told]:
    """Plans wait for each other, and none says what happens when one fails."""
    waiting = {plan for edge in situation.edges if edge.kind != "file" for plan in (edge.before, edge.after)}
    concerned = [plan for plan in with_work(situation) if plan.id in waiting]
    if len(concerned) > 1 and not any(map(_minds_failure, situation.plans)):
        message = "nothing is said about failure, and {} build on each other"
        yield from together(message, named(concerned))


def _minds_failure(plan: Plan) -> bool:
    emitted: Iterable[str] = (part for event, _ in plan.emits for part in _slug(event).split("_"))
    return "failure" in plan.topics or not words("failures").isdisjoint(emitted)
