"""Which words of a plan are paths, and where in the repository they lead.

Knows the rules of the notation, and the tracked files when there are any. Whether a path is written or only
mentioned is decided by who reads the sentence.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from gitbot.plans.words import words

_TOKEN = re.compile(r"\[[^\]\n]{0,200}\]\((?P<link>[^()\s]{1,220})\)|`(?P<code>[^`\n]{1,220})`|[^\s`]+")
_SPAN = re.compile(r"(?::\d+(?:[-:]\d+)?|#L\d+(?:-L?\d+)?|::\w+)$")
_ENDING = re.compile(r"\.([A-Za-z][A-Za-z0-9]{0,9})$")
_PLACEHOLDER = re.compile(r"<|>|\bNNN?\b|\$|=|\(\)|(?<!\[)\.\.\.|…|\{[^,{}]*\}|\\[dws]|\?\.|[|;]")
_DOT_FILE = re.compile(r"\.[A-Za-z][\w.-]{1,40}")
_OUTSIDE = re.compile(r"[A-Za-z]:[\\/]|~|//|[A-Za-z][\w+.-]*://|-|www\.")


class Index:
    """The tracked files, with look-ups made when they are first asked for."""

    def __init__(self, files: Collection[str]) -> None:
        self.files = frozenset(files)

    @cached_property
    def folders(self) -> frozenset[str]:
        """Every folder that holds a tracked file, at any depth."""
        found: set[str] = set()
        for path in self.files:
            while (path := path.rpartition("/")[0]) and path not in found:
                found.add(path)
        return frozenset(found)

    @cached_property
    def by_name(self) -> dict[str, list[str]]:
        """Tracked files by base name."""
        found: dict[str, list[str]] = defaultdict(list)
        for path in self.files:
            found[path.rpartition("/")[2]].append(path)
        return found


@dataclass(frozen=True, slots=True)
class Tree:
    """The tracked files, when they are known, and the folder that a plan file speaks for."""

    index: Index | None = None
    folder: str = ""  # of a sub-project's plan, without a final slash

    def holds(self, path: str) -> bool:
        """Whether a tracked file or folder has this path."""
        return self.index is not None and (path in self.index.files or path in self.index.folders)

    def rooted(self, path: str) -> str:
        """The path seen from the top: a sub-project's plan means its own folder first, then the root."""
        inside = f"{self.folder}/{path}"
        if not self.folder or path.startswith(f"{self.folder}/"):
            return path
        plain = _SPAN.sub("", path).rstrip("/")
        return path if self.holds(plain) and not self.holds(f"{self.folder}/{plain}") else inside


@dataclass(frozen=True, slots=True)
class Token:
    """One word, code span or link target of a text that may be a path."""

    text: str
    start: int = 0
    end: int = 0
    quoted: bool = True
    link: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """A path; a `bare` one is a name without a folder that no tracked file explains."""

    path: str
    bare: bool = False


def tokens(text: str) -> Iterator[Token]:
    """The words, code spans and link targets of a text, in order, punctuation around them cut off."""
    for match in _TOKEN.finditer(text):
        code, link = match["code"], match["link"]
        word = code.strip() if code else link or _trim(match[0])
        yield Token(word, match.start(), match.end(), quoted=bool(code), link=bool(link))


def _trim(word: str) -> str:
    """Cut quotes, marks of emphasis and the punctuation of the sentence off a bare word."""
    word = word[:220]
    plain = word.rstrip(":,.;)")
    if word.startswith(("**", "__")) and plain.endswith(("**", "__")) and not word.startswith("**/"):
        word = plain[2:-2]
    word = word.lstrip("\"'“‘«").rstrip("\"'”’»,;!?").rstrip(".").removesuffix(":")
    for opening, closing in ("()", "[]"):
        if word.startswith(opening) and word.count(closing) < word.count(opening):
            word = word[1:]
        if word.endswith(closing) and word.count(opening) < word.count(closing):
            word = word[:-1]
    return word.strip("\"'“”,;")


def path_in(token: Token, tree: Tree, *, sure: bool = False) -> Found | None:
    """The path that a token is, seen from the repository's top, or None.

    `sure`: the place already says that a path is meant (an item that is nothing else, a list under "Owns").
    """
    text = token.text
    if text.startswith("!"):
        found = path_in(replace(token, text=text[1:]), tree, sure=sure)
        return replace(found, path=f"!{found.path}") if found else None
    text = (text if "/" in text else text.replace("\\", "/")).removeprefix("./")
    text = text[1:] if text.startswith("@") and _ENDING.search(text) and text.count("/") != 1 else text
    if not _possible(text):
        return None
    if text.startswith("/"):
        text = text[1:]
        if not (sure or _top(text.partition("/")[0], tree)):
            return None
    plain, quoted = _SPAN.sub("", text), token.quoted or sure
    if "/" not in plain:
        return _bare(text, plain, quoted, sure, tree)
    return Found(tree.rooted(text)) if _is_path(plain, quoted, sure, tree) else None


def _possible(text: str) -> bool:
    if not 2 <= len(text) <= 220 or any(c.isspace() or not c.isprintable() for c in text):
        return False
    refused = _OUTSIDE.match(text) or _PLACEHOLDER.search(text) or ".." in text.split("/")
    return not refused and text.lower() not in words("technology-names")


def _top(folder: str, tree: Tree) -> bool:
    return folder.lower() in words("top-folders") or tree.holds(folder)


def _is_path(plain: str, quoted: bool, sure: bool, tree: Tree) -> bool:
    """Whether a token with a slash is a path: by its last part, by its first, or because the tree has it."""
    segments = plain.strip("/").split("/")
    if not any(c.isalnum() for c in plain) or "" in segments:
        return False
    if sure or tree.holds("/".join(segments)):
        return True
    if not quoted and all(_has_ending(s) and "*" not in s for s in segments):
        return False  # "a.ts/b.ts": two files joined by a slash
    last, head = segments[-1], segments[0]
    if _has_ending(last, folder=True) or ("*" in last and (quoted or last != "*")):
        return not (head.startswith("@") and len(segments) == 2)
    if plain.endswith("/"):
        return quoted or _top(head, tree)
    return quoted and _top(head, tree) and not head.startswith("@")


def _has_ending(name: str, *, folder: bool = False) -> bool:
    if name.lower() in words("names") or (folder and name.startswith(".env")):
        return True
    match = _ENDING.search(name)
    ending = match[1].lower() if match else ""
    return ending in words("extensions") and (folder or ending not in words("ambiguous-extensions"))


def _bare(text: str, plain: str, quoted: bool, sure: bool, tree: Tree) -> Found | None:
    """A name without a folder: a file of the root, the only file of that name, or a name that belongs nowhere."""
    named = any(plain.lower() in words(names) for names in ("root-names", "names"))
    if not (_has_ending(plain, folder=quoted) or named or (quoted and _DOT_FILE.fullmatch(plain))):
        return Found(tree.rooted(text)) if sure and "*" in plain and "." in plain else None
    if plain.startswith("*") and not sure:
        return None
    if tree.holds(plain) or sure or (named and ("." in plain or quoted)):
        return Found(tree.rooted(text))
    alike = tree.index.by_name.get(plain, ()) if tree.index else ()
    return Found(alike[0]) if len(alike) == 1 else Found(tree.rooted(text), bare=True)
