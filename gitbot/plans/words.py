"""The word lists of the plan readers, read once from `words.toml`, and the claims that their kinds of words make."""

from __future__ import annotations

import re
import tomllib
from functools import cache, lru_cache
from importlib import resources
from typing import Any

from gitbot.model.plan import Access, Claim, Source, Write

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


_ASIDE = re.compile(r"\([^()]{0,200}\)|（[^（）]{0,200}）")
_AROUND = re.compile(r"^[\W\d_]+|[\W_]+$")


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
    return stem_kind(whole) or "own" if of_files else kind


@cache
def _topics() -> dict[str, re.Pattern[str]]:
    """Context where a heading, label or key names it; the others also by a phrase in the text."""
    found = {}
    for topic, listed in table("topics").items():
        any_word = "|".join(map(re.escape, sorted(listed, key=len, reverse=True)))
        opens = r"^[\s#>*_\d.\-🎯]{0,12}" if topic == "context" else r"(?<!\w)"
        closes = r"\b[\w &/,-]{0,40}[:*：]|^#{1,6}[^\n]{0,40}\b(?:" + any_word + ")" if topic == "context" else ""
        if topic == "context":  # what a message hands to several at once
            closes += r"|\b(?:same|shared)\b[^\n.]{0,40}\b(?:" + any_word + r")\b|^\W{0,4}given the [^\n]{0,60}\bspec"
        found[topic] = re.compile(f"{opens}(?:{any_word}){closes}", re.I | re.M)
    return found


@lru_cache(maxsize=64)
def topics_in(text: str) -> tuple[str, ...]:
    """Which of "context", "acceptance" and "failure" a text speaks of."""
    plain, kind = text.casefold(), str.isascii if text.isascii() else None
    phrases = ((topic, filter(kind, some)) for topic, some in table("topics").items())
    # Looking for phrases one by one takes a tenth of the time of the patterns.
    likely = (topic for topic, some in phrases if any(map(plain.__contains__, some)))
    return tuple(topic for topic in likely if _topics()[topic].search(text))


def claim(kind: str, pattern: str, line: int, confidence: float = 1.0, source: Source = Source.DECLARED) -> Claim:
    """A claim of the kind own, create, modify, delete, append, test, shared, read or never."""
    access, write = _ACCESSES.get(kind, Access.OWN), _WRITES.get(kind, Write.ANY)
    return Claim(pattern, access, source, line, confidence, write)
