"""The word lists of the plan readers, read once from `words.toml`, and the claims that their kinds of words make."""

from __future__ import annotations

import re
import tomllib
from functools import cache, lru_cache
from importlib import resources
from typing import Any

from gitbot.model.plan import Access, Claim, Source, Write
from gitbot.plans.phrases import phrase

_ACCESSES = {access.value: access for access in (Access.SHARED, Access.READ)}
_WRITES = {write.value: write for write in Write if write is not Write.ANY}


@cache
def _lists() -> dict[str, Any]:
    return tomllib.loads(resources.files("gitbot.plans").joinpath("words.toml").read_text(encoding="utf-8"))


@cache
def words(name: str) -> frozenset[str]:
    """One list of single words."""
    return frozenset(_lists()[name].split())


@cache
def table(name: str) -> dict[str, tuple[str, ...]]:
    """One table of lists, in the order of the file; phrases are divided by `|`, single words by spaces."""
    lists = {key: text.split("|") if "|" in text else text.split() for key, text in _lists()[name].items()}
    return {key: tuple(" ".join(part.split()) for part in parts) for key, parts in lists.items()}


@cache
def kinds(name: str) -> dict[str, str]:
    """One table the other way round: which kind of claim a word makes."""
    return {word: kind for kind, listed in table(name).items() for word in listed}


_ASIDE = phrase(r"\([^()]{0,200}\)|（[^（）]{0,200}）")
_AROUND = phrase(r"^[\W\d_]+|[\W_]+$")


def stem_kind(text: str) -> str | None:
    """What a word or phrase of a language with many endings, or with none between its words, does to a path."""
    return next((kind for stem, kind in kinds("stems").items() if stem in text), None)


@lru_cache(maxsize=1 << 10)
def label_kind(text: str) -> str | None:
    """What a heading, label or column says of the paths below it: its whole words, or a phrase among them."""
    whole = text[:200].lower()
    plain = _AROUND.sub("", _ASIDE.sub(" ", whole))
    kind = kinds("labels").get(" ".join(plain.split())) or kinds("labels").get(_AROUND.sub("", whole))
    kind = kind or next((kind for phrase, kind in kinds("phrases").items() if phrase in whole), None)
    if kind is None and plain.startswith(("existing", "current ")):
        return "read"
    of_files = kind is None and any(noun in whole for noun in words("file-nouns"))
    return stem_kind(whole) or "own" if of_files else kind or _said(plain)


def _said(label: str) -> str | None:
    """What the words of a label say together: a noun for files, and what is done to them; in doubt nothing."""
    said = re.findall(r"[a-z']+", label)
    noun = not words("file-words").isdisjoint(said) or said[:1] in (["writes"], ["edits"], ["owns"], ["touches"])
    if not noun or len(said) > (9 if said[0] in words("file-words") else 6):  # what is longer is a sentence
        return None
    if not words("forbidding").isdisjoint(said):
        return "never"
    kind = next((kinds("markers")[word] for word in said if word in kinds("markers")), None)
    if kind == "read" or not words("reading").isdisjoint(said):
        return "read" if words("writing").isdisjoint(said) else None
    return kind or ("own" if not words("writing").isdisjoint(said) else None)


@cache
def _topic(name: str) -> re.Pattern[str]:
    """Context where a heading, label or key names it; the others also by a phrase in the text."""
    any_word = "|".join(map(re.escape, sorted(table("topics")[name], key=len, reverse=True)))
    if name != "context":
        return re.compile(rf"(?<!\w)(?:{any_word})")
    return re.compile(
        rf"^[\s#>*_\d.\-🎯]{{0,12}}(?:{any_word})\b[\w &/,-]{{0,40}}[:*：]|^#{{1,6}}[^\n]{{0,40}}\b(?:{any_word})"
        # What a message hands to several at once.
        rf"|\b(?:same|shared)\b[^\n.]{{0,40}}\b(?:{any_word})\b|^\W{{0,4}}given the [^\n]{{0,60}}\bspec",
        re.M,
    )


@lru_cache(maxsize=64)
def topics_in(text: str) -> tuple[str, ...]:
    """Which of "context", "acceptance" and "failure" a text speaks of."""
    plain = text.casefold()
    found = []
    for topic, phrases in table("topics").items():
        # Looking for phrases one by one takes a tenth of the time of the pattern, which then sees few lines.
        some = tuple(filter(plain.__contains__, phrases))
        lines = (line for line in plain.split("\n") if any(map(line.__contains__, some)))
        if some and _topic(topic).search("\n".join(lines)):
            found.append(topic)
    return tuple(found)


def claim(kind: str, pattern: str, line: int, confidence: float = 1.0, source: Source = Source.DECLARED) -> Claim:
    """A claim of the kind own, create, modify, delete, append, test, shared, read or never."""
    access, write = _ACCESSES.get(kind, Access.OWN), _WRITES.get(kind, Write.ANY)
    return Claim(pattern, access, source, line, confidence, write)
