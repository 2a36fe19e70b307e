"""One item of a checklist: its state, id, estimate and needs, and the paths that its sentence writes.

The verb at the head decides what happens to a path, a marker beside the path beats it, and what stands behind
"when", "like" or a dash is only mentioned. The numbers are confidences measured on real plans (docs/plans.md).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gitbot.model.plan import Need, Task, TaskState
from gitbot.plans.document import Block
from gitbot.plans.front import DURATION, duration
from gitbot.plans.lists import DASHES, Use, marking
from gitbot.plans.needs import bracket_needs, prose_needs
from gitbot.plans.paths import Token, may_be_path, tokens
from gitbot.plans.phrases import phrase
from gitbot.plans.words import kinds, stem_kind, table, words

ARROW = phrase(r"[ \t]*(?:←|⟵|<-{1,2}(?!>))[ \t]*")
_ID = phrase(
    r"(?:\*\*)?(?:[Tt]ask[ \t])?(?P<id>T\d{1,5}[a-z]?|\d{1,3}(?:\.\d{1,3})+|\d{1,3}(?=\.[ \t])|(?<=ask )\d{1,3}(?=:))"
    r"[.:)]?(?:\*\*)?[ \t]+"
)
_MARKS = phrase(
    r"(?:\[(?:P|US\d{1,3})\]|\(P\)|\(\d{4}-\d\d-\d\d[^()]{0,20}\)|(?:Sub-)?Task:|Step[ \t]\d{1,3}:)[ \t]*", re.I
)
_TIME = re.sub(r"\?P<\w+>", "?:", DURATION)
_SAID = r"(?:est(?:imate[ds]?|\.)?|effort)(?:[ \t]time)?"
_ESTIMATE = phrase(
    rf"(?:~[ \t]?|(?:[—–-][ \t]+)?\*{{0,2}}\b{_SAID}\*{{0,2}}:\*{{0,2}}[ \t]*~?)({_TIME})\b"
    rf"|[(\[](?:{_SAID}:?[ \t]?)?~?({_TIME})[)\]](?=[ \t.]*(?:$|[(\[←<—–@#-]))|[—–-][ \t]+~?({_TIME})[ \t.]*$",
    re.I,
)
_RESETS = (":", "—", "–")  # at a word's end: what follows is another thought
_JOINT = phrase(r"[ \t]*(?:[,&+、，]|,?[ \t]*\band\b)[ \t]*")
_CODE_ONLY = phrase(r"(?:`[^`\n]{1,220}`[ \t,、]*(?:and[ \t]+)?){1,40}[.;]?")
_FREE = ("", "and", "then", ",", "will", "we", "i", "must", "to")  # words before a verb that asks for work, in prose
_NEW = phrase(
    r"\bnew[ \t](?:[\w-]+[ \t]){1,3}(?:(?:at|called|named)[ \t])?[`(\[]?$"
    r"|\b(?:goe?s?|lives?|belongs?|lands?)[ \t](?:in|into|to|under)[ \t][`(\[]?$",
    re.I,
)
_TO_CHANGE = phrase(
    r"[ \t](?:(?:will|must|should|shall|needs? to|has to|have to)[ \t]"
    r"(?!not\b|never\b|remain|stay|keep|still|pass|be (?:read|run|used))"
    r"|(?:gains?|gets?|receives?|grows|becomes)[ \t]|needs[ \t](?:a|an|new)\b)"
)
_KEPT = phrase(
    r"`?(?:(?:[ \t]*[,、]|[ \t]+(?:and|or|und|et|y|e|и)|[ \t]*[和与と])[ \t]*`?[^\s`,、]{1,220}`?){0,8}[ \t]*"
    rf"(?:(?:{'|'.join(table('around')['being'])})[ \t]+){{0,3}}"
    rf"(?:{'|'.join(map(re.escape, table('around')['kept']))})(?![^\W\u3040-\u9fff\uac00-\ud7af])",
    re.I,
)
_UNDER_TEST = phrase(r"\b(?:tests?|coverage)[ \t]+for[ \t]+`?$", re.I)
UNKNOWN: Use = ("unknown", 0.0)
"""The use of a path that no word of the sentence tells anything of."""
_UNBOUNDED = phrase(
    r"(?!.*\b(?:tests?|lint|linters?|type-?checks?|grep|search|audit|scan)\b)(?P<verb>[a-z-]+)[ \t].*?\b(?:everywhere"
    r"|(?:whole|entire)[ \t](?:repo|repository|codebase|project|tree)|(?:codebase|repo|project)-wide"
    r"|all[ \t](?:source[ \t])?files(?![ \t](?:in|of|under|below|from|that)\b))\b",
    re.I,
)


def is_unbounded(task: Task) -> bool:
    """Whether a task writes wherever something is found: "Run `black .` across the whole repo"."""
    found = None if task.paths else _UNBOUNDED.match(task.text[:400])
    return found is not None and (_changes(verb := found["verb"].lower()) or verb in ("apply", "format", "run"))


def read_item(block: Block) -> tuple[Task, str, tuple[Need, ...]]:
    """The task of an item with a box, without its paths; the sentence that is left of it; its needs."""
    needs, text = bracket_needs(ARROW.split(block.text, maxsplit=1)[0], block.line)
    estimate, text = estimated(text)
    parallel, text = False, text.strip()
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
        minutes=estimate,
        parallel=parallel,
    )
    return task, text, needs or prose_needs(text, block.line)


def estimated(text: str) -> tuple[tuple[float, float] | None, str]:
    """The minutes that a line gives for its work, if any, and the line without them."""
    found = _ESTIMATE.search(text)
    time = duration(found[found.lastindex or 0]) if found else None
    if found is None or time is None:
        return None, text
    return time, text[: found.start()] + text[found.end() :]


def whole_path(text: str) -> tuple[Token, Use] | None:
    """The token of an item that is nothing but a path, with at most a marker behind it, and what it is for."""
    parts = text.split(maxsplit=1)
    rest = parts[1].rstrip() if len(parts) == 2 else ""
    use, end = marking(rest, 0) if rest else (("own", 0.85), 0)
    token = next(tokens(parts[0]), None) if parts else None
    if token is None or token.text.startswith("(") or use is None or end < len(rest):
        return None
    return token._replace(quoted=True, link=False), use


def uses(text: str, *, prose: bool = False) -> Iterator[tuple[Token, Use | None]]:
    """The tokens up to the last path, each with what the words before it, or a marker behind it, make of it.

    None: no claim.
    `prose`: a path that opens the sentence is only mentioned.
    """
    places, pointed = table("places"), False
    use: Use | None = None
    verb, previous, negated = "", "", 0
    aside: Use | None = None  # what the verb says, while it is only told what is read for it
    held: Use | None = None  # what the verb in front of a colon says: "Adapt callers: `a.ts`"
    last: tuple[int, Use | None] = (-1, None)  # where the last path ends, and what it is for
    every = [(token, may_be_path(token)) for token in tokens(text)]
    while every and not every[-1][1]:
        every.pop()
    for token, path in every:
        low, raw = token.text.lower(), text[token.start : token.end]
        now = use
        if not (held or path) or _spared(text, token):
            now = None
        elif marked := marking(text, token.end)[0]:
            now = marked
        elif token.start < last[0] or (last[0] >= 0 and _JOINT.fullmatch(text, last[0], token.start)):
            now = last[1]
        elif previous in words("negations") or 0 < negated <= 2:
            now = None
        elif verb in ("", previous) and previous in words("labels-of-work") and not prose:
            now = ("own", 0.6)
        elif held and text[token.start - 2 : token.start] == ": " and _files(text, token):
            now, use = held, held
        elif not previous and (token.quoted or not _verb(low)):
            now = None if prose else ("own", 0.85)
        elif use is None and (said := _written(text, token, prose)):
            now = said
        elif previous == "for" and _UNDER_TEST.search(text[max(0, token.start - 30) : token.start]):
            now = None
        elif use is None and not prose and (previous in ("→", "->") or _alone(text, token, raw)):
            now = ("own", 0.6)
        elif use is None and not verb and previous in words("prepositions"):
            now = None if prose and not _does(text[token.end : token.end + 99]) else ("own", 0.6)
        elif use is None and not verb and not prose:
            now = UNKNOWN
        yield token, now
        if token.quoted or "/" in low or "." in low:
            last = (token.end - raw.endswith(","), now)
        negated = 1 if low in ("no", "without", "nothing") else 0 if raw[-1:] in ",;:" else negated + bool(negated)
        held = use if raw.endswith(":") and use and use[0] != "read" and not token.quoted else None
        if aside and (low in ("in", "into", "within") or (low == "to" and verb == "from")):
            use, aside = aside, None
        elif use and use[0] != "read" and _reads(low, previous, use, verb):
            use, aside, verb = ("read", 0.55), use, low
        elif low in words("clause-openers") or raw[-1] in _RESETS or raw in DASHES:
            use, verb = None, low or "—"
        elif low in places.get(verb, ()) and (verb != "use" or pointed):
            use = ("modify", 0.6)
        elif not (token.quoted or "/" in low or (prose and previous not in _FREE)):
            use, verb = _after_word(low, use, verb, previous)
        previous = raw[-1:] if raw.endswith((",", ".")) else low or "—"
        pointed = token.quoted or low in ("it", "them", "this", "these")


def _reads(word: str, previous: str, use: Use, verb: str) -> bool:
    """Whether a word behind a verb that writes speaks of what is read for it: "… to use `a.ts`", "… from `a.ts`"."""
    source = word == "from" and use[0] == "create" and verb != "add"
    return source or word in words("means") or (previous == "to" and kinds("verbs").get(word) == "read")


def _spared(text: str, token: Token) -> bool:
    """Whether a path is only there to stay as it is, or for something else to be made like it."""
    before = text[max(0, token.start - 40) : token.start].lower().rstrip(" \t`*")
    return before.endswith(table("around")["likened"]) or _KEPT.match(text, token.end) is not None


def _written(text: str, token: Token, prose: bool) -> Use | None:
    """What "a new module `till.ts`" says before a path, and "`till.ts` gains a field" behind it."""
    if _NEW.search(text[max(0, token.start - 60) : token.start]):
        return "create", 0.6
    if prose and token.quoted and _TO_CHANGE.match(text, token.end):
        return "own", 0.55
    return None


def _files(text: str, token: Token) -> bool:
    """Whether a path behind a colon is a file, or folders are all that is behind it."""
    return not token.text.endswith("/") or _CODE_ONLY.fullmatch(text, token.start) is not None


def _alone(text: str, token: Token, raw: str) -> bool:
    """Whether nothing but a path stands in a bracket, or behind a colon at the end: "Till (`shop/till.ts`)"."""
    before, after = text[max(0, token.start - 3) : token.start].rstrip(), text[token.end : token.end + 1]
    opens = before[-1:] in ("(", "（") and after in (")", ",", "）", "、")
    bracket = opens or (raw[:1] == "(" and (raw.endswith(",") or raw.rstrip(".,;:")[-1:] == ")"))
    return bracket or (before.endswith(":") and not text[token.end : token.end + 99].strip(" ."))


def _does(text: str) -> bool:
    """Whether an order comes first in what follows a path: ", add a flag"."""
    order = re.match(r"[ \t]*(?P<comma>[,:]?)[ \t]*(?:[a-z]+ly[ \t])?(?P<word>[a-z]+)", text[:60], re.I)
    if order is None:
        return False
    if order["word"].lower() in ("around", "near", "at", "on", "inside"):  # "in `till.ts` near line 40 replace …"
        return any(_changes(word) for word in re.findall(r"[a-z]+", text[:80].lower())[1:8])
    writes = _changes(order["word"].lower())
    return writes or (order["comma"] != "" and order["word"].lower() not in words("no-orders"))


def _changes(word: str) -> bool:
    return kinds("verbs").get(_verb(word)) in ("create", "modify", "delete")


def _after_word(low: str, use: Use | None, verb: str, previous: str) -> tuple[Use | None, str]:
    """What the next path is for once this word was read: a verb counts at the head, later only behind "and"."""
    if verb in ("from", "document") and low in ("to", "in", "into", "at"):
        return None, ""
    taken = kinds("verbs").get(verb) == "delete"
    if use and low in ("to", "in", "into", "from") and (verb == "add" or taken):
        return ("modify", use[1]), verb
    armed = previous in ("and", "then", ",", ".") or (previous == "to" and use is not None and use[0] == "read")
    if (use or verb in words("clause-openers")) and not armed:
        return use, verb
    form = low if previous else _verb(low)
    kind = kinds("verbs").get(form) or (None if low.isascii() else stem_kind(low))
    if kind is None:
        return use, verb
    return (kind, 0.8 if not previous else 0.55 if low.isascii() else 0.6), form


def _verb(word: str) -> str:
    """The plain form of a verb that may carry -s or -ing: "refactoring" gives "refactor"; "" for no verb."""
    forms = [word]
    if word.endswith("ing") and len(word) > 5:
        stem = word[:-3]
        forms += [stem, f"{stem}e", stem[:-1] if stem[-1:] == stem[-2:-1] else stem]
    elif word.endswith("s"):
        forms += [word[:-1], word[:-2]]
    known = next((form for form in forms if form in kinds("verbs")), "")
    return known or (word if not word.isascii() and stem_kind(word) else "")
