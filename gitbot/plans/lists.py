"""The paths of a list: what a line of one names, and what a marker or a word beside each path says of it.

Front matter, labels, headings and tables keep lists; what a sentence does to its paths is read by `tasks`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from gitbot.plans.paths import Found, Tree, path_in, tokens
from gitbot.plans.phrases import phrase
from gitbot.plans.words import kinds, stem_kind, words

DASHES = ("—", "–", "-")
"""Words behind which another thought begins."""
Use = tuple[str, float]
"""The kind of claim that a path makes, and with which confidence."""
_MARKER = phrase(r"[`*]{0,3}[ \t]{0,2}[(\[（【](?P<mark>[^\W\d_]{2,12})(?:[ \t/,，、+][^()\[\]（）]{0,60})?[)\]）】]")
# In some languages the verb comes last.
_BEHIND = phrase(r"`?[ \t]*(?P<words>(?=[^`\n]{0,23}[\u3040-\u9fff\uac00-\ud7af])[^`\n,.;:，。、；：(（]{2,24})")


def marking(text: str, end: int) -> tuple[Use | None, int]:
    """What the marker says that stands behind a path's end, and where the marker itself ends."""
    marker = _MARKER.match(text, end)
    kind = kinds("markers").get(marker["mark"].lower()) if marker else None
    if kind is None and (behind := _BEHIND.match(text, end)):
        kind = stem_kind(behind["words"])
        return ((kind, 0.7) if kind else None), end
    if marker is None or kind is None:
        return None, end
    return (kind, 0.95 if kind in ("create", "shared", "append") else 0.9), marker.end()


def listed_paths(text: str, tree: Tree) -> Iterator[tuple[str | None, Found, int]]:
    """The paths of a list, with what a marker or a word such as "Modify" says of each, and where each stands.

    A bare name that nobody knows lies in the folder of the path before it.
    """
    only_names = all(any(c in part for c in "/.*") for part in re.split(r"[,\s]+", text.strip()) if part)
    said, folder, seen, depth, aside, previous = None, "", False, 0, False, ""
    for token in tokens(text):
        raw = text[token.start : token.end]
        depth += 0 if token.quoted or token.link else raw.count("(") - raw.count(")")
        aside = aside and previous[-1:] not in (",", ";") and "\n" not in text[token.start - 1 : token.start]
        # With a folder that neither the tree nor habit knows, `bank/mint` beside words is the name of something else.
        known = "/" not in token.text[1:] or token.text[0] == "/" or tree.index is None
        found = path_in(token, tree, sure=only_names or (token.quoted and known))
        dash = raw == ":" or raw in DASHES
        if not dash and not any(map(str.isalnum, raw)):
            previous = raw
            continue
        if found is None and not token.quoted:
            word = token.text.lower().strip(":")
            switch, example = kinds("switches").get(word), word in words("clause-openers")
            said, seen = switch or said, seen or example
            behind = previous[-1:] in (",", ";") and not switch
            aside = aside or example or behind or dash
        # Behind a dash, a colon or in brackets the paths are only mentioned, unless none stood before.
        elif found and not (seen and (aside or depth > 0) and not (token.link and depth == 0)):
            if folder:
                found = _beside(found, folder, tree)
            folder = "" if found.path.endswith("/") else found.path.rpartition("/")[0]
            marked, _ = marking(text, token.end)
            seen, aside = True, text[token.end : token.end + 1] in (":", "：") or raw.endswith(":")
            yield (marked[0] if marked else said), found, token.start
        previous = raw + text[token.end : token.end + 1]


def _beside(found: Found, folder: str, tree: Tree) -> Found:
    """A path of a list that is written short: it lies where the one before it does, or beside one of its folders."""
    if found.bare:
        return replace(found, path=f"{folder}/{found.path}")
    head = found.path.partition("/")[0]
    while "/" in found.path and folder and not tree.holds(head):
        if tree.holds(f"{folder}/{head}"):
            return Found(f"{folder}/{found.path}")
        folder = folder.rpartition("/")[0]
    return found
