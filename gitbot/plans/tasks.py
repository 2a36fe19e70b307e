"""One item of a checklist: its state, id, estimate and needs, and the paths that its sentence writes.

The verb at the head decides what happens to a path, a marker beside the path beats it, and what stands behind
"when", "like" or a dash is only mentioned. The numbers are confidences measured on real plans (docs/plans.md).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from gitbot.model.plan import Need, Task, TaskState
from gitbot.plans.document import Block
from gitbot.plans.front import DURATION, minutes
from gitbot.plans.needs import bracket_needs, prose_needs
from gitbot.plans.paths import Token, tokens
from gitbot.plans.words import kinds, words

ARROW = re.compile(r"[ \t]*(?:←|⟵|<-{1,2}(?!>))[ \t]*")
_ID = re.compile(r"(?:\*\*)?(?P<id>T\d{1,5}[a-z]?|\d{1,3}(?:\.\d{1,3})+|\d{1,3}(?=\.[ \t]))[.:)]?(?:\*\*)?[ \t]+")
_MARKS = re.compile(r"(?:\[(?:P|US\d{1,3})\]|\(P\)|Task:|Step[ \t]\d{1,3}:)[ \t]*", re.I)
_ESTIMATE = re.compile(rf"~[ \t]?{DURATION}\b")
_MARKER = re.compile(r"[`*]{0,3}[ \t]{0,2}[(\[](?P<mark>[A-Za-z]{3,10})(?:[ \t][^()\[\]]{0,60})?[)\]]")
_RESET = re.compile(r"[:—–]$|^[—–-]$")
Use = tuple[str, float]  # the kind of claim that a path makes, and with which confidence


def read_item(block: Block) -> tuple[Task, str, tuple[Need, ...]]:
    """The task of an item with a box, without its paths; the sentence that is left of it; its needs."""
    needs, text = bracket_needs(ARROW.split(block.text, maxsplit=1)[0], block.line)
    estimate, parallel = _ESTIMATE.search(text), False
    if estimate:
        text = text[: estimate.start()] + text[estimate.end() :]
    text = text.strip()
    if id := _ID.match(text):
        text = text[id.end() :]
    while mark := _MARKS.match(text):
        parallel = parallel or mark[0].strip() in ("[P]", "(P)")
        text = text[mark.end() :]
    text = text.strip()
    task = Task(
        " ".join(text.split()),
        block.line,
        block.state or TaskState.OPEN,
        id["id"] if id else None,
        optional=block.optional,
        minutes=minutes(estimate) if estimate else None,
        parallel=parallel,
    )
    return task, text, needs or prose_needs(text, block.line)


def whole_path(text: str) -> tuple[Token, Use] | None:
    """The token of an item that is nothing but a path, with at most a marker behind it, and what it is for."""
    parts = text.split(maxsplit=1)
    rest = parts[1].rstrip() if len(parts) == 2 else ""
    use, end = _marked(rest, 0) if rest else (("own", 0.85), 0)
    token = next(tokens(parts[0]), None) if parts else None
    if token is None or token.text.startswith("(") or use is None or end < len(rest):
        return None
    return replace(token, quoted=True, link=False), use


def _marked(text: str, end: int) -> tuple[Use | None, int]:
    """What the marker says that stands behind a path's end, and where the marker itself ends."""
    marker = _MARKER.match(text, end)
    kind = kinds("markers").get(marker["mark"].lower()) if marker else None
    if marker is None or kind is None:
        return None, end
    return (kind, 0.95 if kind in ("create", "shared", "append") else 0.9), marker.end()


def uses(text: str) -> Iterator[tuple[Token, Use | None]]:
    """Every token of a sentence with what the words before it, or a marker behind it, make of it; None: a mention."""
    use: Use | None = None
    verb, previous = "", ""
    for token in tokens(text):
        low = token.text.lower()
        marked, _ = _marked(text, token.end)
        if marked:
            yield token, marked
        elif previous in words("negations"):
            yield token, None
        elif not previous and (token.quoted or not _verb(low)):
            yield token, ("own", 0.85)
        elif use is None and not verb and previous in words("prepositions"):
            yield token, ("own", 0.6)
        else:
            yield token, use
        raw = text[token.start : token.end]
        if low in words("clause-openers") or _RESET.search(raw):
            use, verb = None, low or "—"
        elif not token.quoted and "/" not in low:
            use, verb = _after_word(low, use, verb, previous)
        previous = "," if raw.endswith(",") else low or "—"


def _after_word(low: str, use: Use | None, verb: str, previous: str) -> tuple[Use | None, str]:
    """What the next path is for once this word was read: a verb counts at the head, later only behind "and"."""
    if use and low in ("to", "in", "into", "from") and (verb == "add" or use[0] == "delete"):
        return ("modify", use[1]), verb
    if use and previous not in ("and", "then", ","):
        return use, verb
    form = low if previous else _verb(low)
    kind = kinds("verbs").get(form)
    return ((kind, 0.55 if previous else 0.8), form) if kind else (use, verb)


def _verb(word: str) -> str:
    """The plain form of a verb that may carry -s or -ing: "refactoring" gives "refactor"; "" for no verb."""
    forms = [word]
    if word.endswith("ing") and len(word) > 5:
        stem = word[:-3]
        forms += [stem, f"{stem}e", stem[:-1] if stem[-1:] == stem[-2:-1] else stem]
    elif word.endswith("s"):
        forms += [word[:-1], word[:-2]]
    return next((form for form in forms if form in kinds("verbs")), "")
