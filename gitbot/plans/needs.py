"""The phrases in which plans wait for each other, read as needs. Whether a need resolves is decided later.

A phrase that names nobody ("needs business logic") speaks of a product; `resolve_products` finds who builds it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache

from gitbot.model.plan import Need, NeedKind, Plan
from gitbot.plans.names import AGENT, fold
from gitbot.plans.phrases import phrase
from gitbot.plans.words import words

_BRACKET = phrase(r"\(([^()\n]{2,300})\)|\[([^\[\]\n]{4,300})\](?!\()")
_TAIL = phrase(
    r"[ \t][—–-][ \t]((?:after|waits?|once|(?:starts?|runs)[ \t](?:after|once|when))[ \t][^\n]{1,300})$", re.I
)
_LEAD = phrase(
    r"(?P<lead>waits?(?:[ \t](?:for|until|on))?|waiting[ \t](?:for|until|on)"
    r"|(?:is[ \t])?blocked[ \t](?:by|on)|depends?[ \t]on"
    r"|needs|requires|after|once|prerequisites?|(?:starts?|runs?|begins?)[ \t](?:only[ \t])?(?:after|once|when)"
    r"|(?:(?:must|may|can|do|does)[ \t])?not[ \t](?:to[ \t])?(?:(?:start|begin|run)[ \t])?before)"
    r"[ \t:]+(?P<the>the[ \t])?",
    re.I,
)
_LAST = phrase(r"(?:(?:it|this)[ \t])?(?:(?:runs?|goes|comes|starts?|lands?)[ \t])?last", re.I)
_ALL = phrase(
    r"(?:all[ \t])?the[ \t](?:others|rest)\b|all[ \t]others\b|every(?:one|body)[ \t]else\b"
    r"|(?:all|every)[ \t](?:the[ \t])?other[ \t](?:agent|plan|workstream|lane|stream|track|worker|phase)s?\b",
    re.I,
)
_PARTNERS = (*words("owner-nouns"), "other", "rest", "else")  # one of which every match of AGENT and _ALL holds
EVERYBODY = ("all", "*")
"""The references that mean every other plan of the set."""
_LABELLED = phrase(
    r"\W{0,6}(depends?[ \t]on|blocked[ \t]by|waits?[ \t]for|prerequisites?)[*_]{0,3}:[*_]{0,3}[ \t]*(\S[^\n]{0,300})",
    re.I,
)
_EVENT = r"`?[a-z][a-z0-9]{0,60}(?:_[a-z0-9]{1,60}){1,12}`?(?![\w/.(])"
_EVENTS = rf"{_EVENT}(?:(?:[ \t]*,|[ \t]and)[ \t]{_EVENT}){{0,10}}"
_WAITS = phrase(rf"\b(?:wait(?:s|ing)?[ \t](?:for|on)|(?<=gitbot[ \t])wait)[ \t]{_EVENTS}", re.I)
_EMITS = phrase(rf"\b(?:emits?|publish(?:es)?)[ \t]{_EVENTS}", re.I)
_EMITS_LABEL = phrase(rf"^\W{{0,6}}emits?[*_]{{0,3}}:[*_]{{0,3}}[ \t]{{0,3}}({_EVENTS})", re.I | re.M)
_VERB = phrase(
    r"[ \t](?:to[ \t]|has[ \t]|have[ \t]|is[ \t]|are[ \t])?"
    r"(?P<verb>commit|land|push|merge|emit|publish|finish|complete|done|build)(?:s|d|es|ed|ted|ing)?\b"
    r"[ \t]*(?:the[ \t])?(?P<word>[^,;]{0,200})",
    re.I,
)
_NAMED = ("commit", "land", "push", "merge", "emit", "publish")
_NAME = phrase(
    r"phase[ :]?(?P<phase>\d{1,4}(?:\.\d{1,4}){0,2})"
    r"|(?P<part>(?:[\w.-]{1,80}#)?(?:T\d{1,5}[a-z]?|\d{1,3}(?:\.\d{1,3})+)|[\w.-]{1,80}#[\w.-]{1,80}"
    r"|[a-z][a-z0-9]*(?:_[a-z0-9]+)+)"  # a task or an event: part of somebody's plan
    rf"|(?P<whole>{AGENT.pattern}|[\w.@/-]*/[\w.@/*-]+|[\w-]+\.[A-Za-z]\w{{0,9}})"
    r"|(?P<word>[A-Za-z0-9][\w.-]{0,80})",
    re.I,
)
_SPLIT = phrase(r"[ \t]*(?:[,;]|[ \t]and[ \t]|[ \t]\+[ \t])[ \t]*")
_MOST_LINES = 200  # that are compared for one product: a word on more of them names nobody
_SMALL_WORDS = frozenset(("the", "a", "an", "of", "for", "and", "its", "to", "be", "is", "all", "from", "using"))


def phrase_needs(phrase: str, line: int, *, bracket: bool, products: bool = False) -> tuple[Need, ...]:
    """The needs of one phrase that opens with "waits for", "after", "depends on" or "needs"; () when it is none.

    `bracket`: it stands in brackets of its own, so that a name which resolves to nothing is a mistake.
    `products`: a phrase that names nobody counts as the name of a product.
    """
    lead = _LEAD.match(phrase)
    if lead is None:
        last = products and _LAST.fullmatch(phrase.strip())
        return (Need("all", NeedKind.HARD, line, phrase.strip()),) if last else ()
    opening, rest, reason = lead["lead"].lower(), phrase[lead.end() :].strip(" \t."), phrase.strip()
    said = opening not in ("needs", "requires")
    if _ALL.match(rest):
        return (Need("all", NeedKind.HARD, line, reason),)
    # A single word may be the name of a plan; "the change" and "needs review" hold none.
    any_word = said and not lead["the"]
    verb = _VERB.search(rest)
    found = _references(rest[: verb.start()] if verb else rest, any_word)
    if not found and (agent := AGENT.match(rest)):
        found = _references(agent[0], any_word)
    if not found and not verb and products and rest and opening not in ("after", "once"):
        return (Need(rest, NeedKind.HARD, line, reason, strict=False),)
    word = verb["word"].strip(" \t.") if verb and verb["verb"].lower() in _NAMED else ""
    return tuple(
        Need(name, NeedKind.PIPELINED if word else kind, line, reason, bracket and said, word or None)
        for name, kind in found
    )


def _references(text: str, any_word: bool) -> list[tuple[str, NeedKind]]:
    """What a list of names refers to; nothing as soon as one of them is prose."""
    found = []
    for part in filter(None, _SPLIT.split(text)):
        name = _NAME.fullmatch(part.strip(" \t`\"'.").removeprefix("the "))
        if name is None or (name["word"] and not any_word):
            return []
        reference = f"phase:{name['phase']}" if name["phase"] else name[0]
        found.append((reference, NeedKind.PIPELINED if name["part"] else NeedKind.HARD))
    return found


def bracket_needs(text: str, line: int, *, products: bool = False) -> tuple[tuple[Need, ...], str]:
    """The needs in the brackets of a text, and the text without those brackets."""
    needs: list[Need] = []

    def take(match: re.Match[str]) -> str:
        at = line + text.count("\n", 0, match.start())
        phrase = match[1] or match[2]
        found = phrase_needs(phrase, at, bracket=True, products=products)
        needs.extend(found)
        return "" if found or (match[1] and _LEAD.match(phrase)) else match[0]

    rest = _BRACKET.sub(take, text)
    if tail := _TAIL.search(rest):
        needs += phrase_needs(tail[1], line + rest.count("\n"), bracket=False)
    return tuple(needs), rest


def prose_needs(text: str, line: int) -> tuple[Need, ...]:
    """Needs said in plain words, believed only where they name an agent: "wait for Agent A to commit parser"."""
    plain = text.casefold()
    if "last" in plain and _LAST.fullmatch(text.strip(" *_.")):
        return phrase_needs(text.strip(" *_."), line, bracket=False, products=True)
    if _LABELLED.match(text):
        return labelled_needs(text, line)
    if "wait" in plain and (wait := _WAITS.search(text)):
        return phrase_needs(wait[0], line, bracket=False)
    if not any(map(plain.__contains__, _PARTNERS)):
        return ()
    # A wait for everybody opens a sentence; further on it speaks of somebody else's.
    leads = (
        lead
        for lead in _LEAD.finditer(text)
        if AGENT.match(text, lead.end()) or (lead.start() <= 12 and _ALL.match(text, lead.end()))
    )
    if (lead := next(leads, None)) is None:
        return ()
    phrase = text[lead.start() :].split("\n", 1)[0]
    return phrase_needs(phrase[:300], line, bracket=False)


def labelled_needs(text: str, line: int) -> tuple[Need, ...]:
    """Those of "Waits for: schema_ready"; none where the label speaks of files."""
    label = _LABELLED.match(text)
    needs = phrase_needs(f"{label[1]} {label[2]}".rstrip(" *_."), line, bracket=False) if label else ()
    return () if any("." in need.reference for need in needs) else needs  # "Prerequisites: plan.md"


def emitted(text: str) -> Iterator[str]:
    """The events that "emits schema_ready" names."""
    return (event for said in _EMITS.finditer(text) for event in re.findall(r"[^\W_]\w*_\w+", said[0]))


def emitted_by_label(text: str) -> Iterator[tuple[str, int]]:
    """Those of a line "Emits: schema_ready", each with the number of its line in the text, from 0."""
    for said in _EMITS_LABEL.finditer(text):
        line = text.count("\n", 0, said.start(1))
        yield from ((event, line) for event in re.findall(r"[^\W_]\w*_\w+", said[1]))


def resolve_products(plans: Sequence[Plan]) -> tuple[Plan, ...]:
    """Replace each need for a product by the id of the one plan that builds it; leave it alone when none does."""
    known = {fold(name) for plan in plans for name in (plan.id, plan.agent or "")}
    builders = cache(lambda: Builders(plans))

    def resolved(place: int, need: Need) -> Need:
        if need.strict or need.kind is not NeedKind.HARD or fold(need.reference) in known:
            return need
        builder = builders().of(need.reference, apart_from=place)
        return need if builder is None else replace(need, reference=plans[builder].id)

    return tuple(
        replace(plan, needs=tuple(resolved(place, need) for need in plan.needs)) if plan.needs else plan
        for place, plan in enumerate(plans)
    )


def is_riddle(need: Need) -> bool:
    """Whether somebody surely waits, and for a product that nobody was found to build."""
    product = " " in need.reference and not need.strict and not AGENT.match(need.reference)
    return product and re.match(r"wait|start|begin|blocked|depend|not|must", need.reason, re.I) is not None


class Builders:
    """Which plan speaks of making what."""

    def __init__(self, plans: Sequence[Plan]) -> None:
        self._lines: dict[str, list[tuple[int, list[str]]]] = {}  # titles and tasks, under each of their words
        for place, plan in enumerate(plans):
            for text in (plan.title, *(task.text for task in plan.tasks)):
                line = _words(text)
                for word in set(line):
                    self._lines.setdefault(word, []).append((place, line))

    def of(self, product: str, *, apart_from: int) -> int | None:
        """The place of the plan with a line that holds all words of the product; of several, as a run."""
        words = _words(product)
        lines = min((self._lines.get(word, []) for word in words), key=len, default=[])[:_MOST_LINES]
        fitting = [(place, line) for place, line in lines if place != apart_from and set(words) <= set(line)]
        places = {place for place, _ in fitting}
        if len(places) > 1:
            places = {place for place, line in fitting if " ".join(words) in " ".join(line)}
        return places.pop() if len(places) == 1 else None


def _words(text: str) -> list[str]:
    found = re.findall(r"\w+", text.casefold())
    return [word.removesuffix("s") for word in found if word not in _SMALL_WORDS]
