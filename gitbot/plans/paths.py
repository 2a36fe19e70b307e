"""Which words of a plan are paths, and where in the repository they lead.

Knows the rules of the notation, and the tracked files when there are any. Whether a path is written or only
mentioned is decided by who reads the sentence.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from posixpath import normpath
from typing import NamedTuple

from gitbot.plans.phrases import phrase
from gitbot.plans.words import words

_WILD = phrase(r"[*?{]")
_TOKEN = phrase(
    r"\[[^\]\n]{0,200}\]\((?P<link>[^()\s]{1,220})\)|`(?P<code>[^`\n]{1,220})`|[^\s`（）、。，；：「」【】]+"
)
_TWINS = phrase(r"(?P<stem>.*[\w)\]*]\.)(?P<one>[A-Za-z]{1,5})[/·]\.?(?P<two>[A-Za-z]{1,5})")  # "till.h/cpp"
_SPAN = phrase(r"(?::\d+(?:[-:]\d+)?|#L\d+(?:-L?\d+)?|::\w+)$")
_ENDING = phrase(r"\.([A-Za-z][A-Za-z0-9]{0,9})$")
_PLACEHOLDER = phrase(r"<|>|\bNNN?\b|\$|=|\(\)|(?<!\[)\.\.\.|…|\{[^,{}]*\}|\\[dws]|\?\.|[|;\"']")
_WRITTEN = phrase(r"(?<![\w./@:-])[\w.@-][\w.@()\[\]-]{0,80}(?:/[\w.@()\[\]-]{1,80}){1,12}")
_WELL_KNOWN = phrase(r"\.(?:git(?:ignore|attributes|modules)|editorconfig|dockerignore|npmrc|nvmrc)")
_DOTTED = phrase(r"\.(?:env|\w+rc|\w+ignore|git\w+|editorconfig|[\w-]+-versions?)(?:\.[\w.-]{1,40})?")
_SETTINGS = phrase(r"\.(?:\w+rc\.[cm]?[jt]s|[\w-]{3,40}\.(?:json[5c]?|ya?ml|toml|ini|cfg|conf))")
_OUTSIDE = phrase(r"~|//|[A-Za-z][\w+.-]*:[\\/]|(?:package|dart|node|npm):|-|www\.")
_UNENDED = ("README", "CHANGELOG")  # files that people call by their names alone
_CALLED = words("names") | set(map(str.lower, _UNENDED))
_ABSOLUTE = phrase(r"(?:[A-Za-z]:)?[\\/](?![\\/])")


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
        return _by_name(self.files)

    @cached_property
    def folders_by_name(self) -> dict[str, list[str]]:
        """Folders of tracked files by their last part."""
        return _by_name(self.folders)


def _by_name(paths: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        found[path.rpartition("/")[2]].append(path)
    return found


@dataclass(frozen=True, slots=True)
class Tree:
    """The tracked files, when they are known, and the folder that a plan file speaks for."""

    index: Index | None = None
    folder: str = ""  # of a sub-project's plan, without a final slash
    home: str = ""  # the folder that the plan file lies in
    text: str = ""  # of the plan, as far as what it writes out once tells what it means by a mere name
    base: str = ""  # the folder that the plan says its paths are relative to
    grounds: tuple[str, ...] = ()  # the folders that the piece of work says it is done in

    def holds(self, path: str) -> bool:
        """Whether a tracked file or folder has this path."""
        return self.index is not None and (path in self.index.folders or path in self.index.files)

    def is_folder(self, path: str) -> bool:
        """Whether a path is a folder by its look or in the tree."""
        return path.endswith("/") or (self.index is not None and path in self.index.folders)

    def placed(self, plain: str) -> str | None:
        """What a name or path that is seen from one of the grounds is from the top."""
        if not self.grounds or self.holds(plain) or any(plain.startswith(f"{ground}/") for ground in self.grounds):
            return None
        head, rest, _ = plain.partition("/")
        inside = [f"{ground}/{plain}" for ground in self.grounds]
        for ground in self.grounds if rest else ():  # "shared/a.ts" in src/shared/
            parts = ground.split("/")
            inside += ["/".join((*parts[: parts.index(head)], plain))] if head in parts else []
        meant = [path for path in inside if self.holds(path)] or inside[len(self.grounds) :]
        if not meant and len(self.grounds) == 1 and not (rest and self.holds(head)):
            meant = inside
        return meant[0] if meant else None

    def rooted(self, path: str) -> str:
        """The path seen from the top: a sub-project's plan means its own folder first, then the root."""
        plain = _SPAN.sub("", path).rstrip("/")
        if self.folder and not path.startswith(f"{self.folder}/"):
            inside = f"{self.folder}/{path}"
            return path if self.holds(plain) and not self.holds(f"{self.folder}/{plain}") else inside
        return self.nearest(path)

    def nearest(self, path: str) -> str:
        """What the path means where the root has nothing like it.

        That is the same path below the nearest folder above the plan, else what the only tracked file or the only
        folder is that ends so.
        """
        surely = self.surely(path)
        return self.guessed(path) if surely is None else surely

    def surely(self, path: str) -> str | None:
        """The same, or None where it takes the guess."""
        plain, above = path.removeprefix("!"), self.home
        head = plain.partition("/")[0]
        there = self.holds(head)
        if self.index is None or (there and not self.grounds and not self.base) or not (folder := _folder(plain)):
            return path
        if placed := self.placed(plain):
            return f"{path[: -len(plain)]}{placed}"
        inside = self.base and not plain.startswith(f"{self.base}/")
        if inside and (not there or self.holds(f"{self.base}/{head}")):
            return f"{path[: -len(plain)]}{self.base}/{plain}"
        if there:
            return path
        while above:
            if self.holds(f"{above}/{folder}"):
                return f"{path[: -len(plain)]}{above}/{plain}"
            above = above.rpartition("/")[0]
        return None

    def guessed(self, path: str) -> str:
        """The only tracked file or folder of which the path is an end, else the path."""
        plain = path.removeprefix("!")
        folder = _folder(plain)
        if self.index is None:
            return path
        file = _SPAN.sub("", plain)
        ends = [known for known in self.index.by_name.get(file.rpartition("/")[2], ()) if known.endswith(f"/{file}")]
        if len(ends) == 1:
            return f"{path[: -len(plain)]}{ends[0]}{plain[len(file) :]}"
        # "Create `api/`" makes a folder more often than it means the only one of that name, however deep.
        likely = "/" in folder or (folder not in words("own-roots") and "*" not in plain and not plain.endswith("/"))
        alike = self.index.folders_by_name.get(folder.rpartition("/")[2], ()) if likely else ()
        ends = [known for known in alike if known.endswith(f"/{folder}")]
        return path if len(ends) != 1 else f"{path[: -len(plain)]}{ends[0]}{plain[len(folder) :]}"

    def inside(self, path: str) -> str:
        """An absolute path seen from the top: its longest end that is tracked, or whose folder is."""
        parts = path.replace("\\", "/").split("/")[1:]
        for whole in (True, False):
            for place in range(min(len(parts), 12)):
                rest = parts[place:]
                if (len(rest) > 1 or (whole and place < 2)) and self.holds("/".join(rest if whole else rest[:-1])):
                    return "/".join(rest)
        return "/".join(parts)


class Token(NamedTuple):
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


def _folder(pattern: str) -> str:
    """The folder that a path lies in, a folder is, or all that a pattern matches lies in."""
    return _WILD.split(pattern, maxsplit=1)[0].rpartition("/")[0]


@lru_cache(maxsize=4)
def _mentions(text: str) -> dict[str, str]:
    """The paths with a folder and an ending that a text writes out, by their last part; none where two share it."""
    found: dict[str, set[str]] = defaultdict(set)
    for match in _WRITTEN.finditer(text):
        path = match[0].rstrip(".").removeprefix("./")
        name = path.rpartition("/")[2]
        if _has_ending(name, folder=True) and ".." not in path.split("/"):
            found[name].add(path)
    return {name: next(iter(paths)) for name, paths in found.items() if len(paths) == 1}


def tokens(text: str) -> Iterator[Token]:
    """The words, code spans and link targets of a text, in order, punctuation around them cut off."""
    for match in _TOKEN.finditer(text):
        code, link = match.group("code", "link")
        word = code.strip() if code else link or _trim(match[0])
        twins = _TWINS.fullmatch(word) if "." in word and ("/" in word or "·" in word) else None
        if twins and {twins["one"].lower(), twins["two"].lower()} <= words("extensions"):
            yield Token(twins["stem"] + twins["one"], *match.span(), bool(code), bool(link))
            word = twins["stem"] + twins["two"]
        yield Token(word.partition("·")[0] if "·" in word else word, *match.span(), bool(code), bool(link))


def _trim(word: str) -> str:
    """Cut quotes, marks of emphasis and the punctuation of the sentence off a bare word."""
    word = word[:220]
    if word.isalnum():
        return word
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


def names_any(text: str) -> bool:
    """Whether any token of a text may be a path; False for most sentences."""
    return "`" in text or _like_path(text) or not _CALLED.isdisjoint(re.findall(r"[^\W_]+", text.lower()))


def may_be_path(token: Token) -> bool:
    """Whether anything but a sure place could make a path of the token; False for mere words."""
    return token.quoted or _like_path(token.text.strip("()"))


def _like_path(text: str) -> bool:
    known = text in _UNENDED or text.lower() in words("names")
    return known or "/" in text or "." in text or "\\" in text


def path_in(token: Token, tree: Tree, *, sure: bool = False) -> Found | None:
    """The path that a token is, seen from the repository's top, or None.

    `sure`: the place already says that a path is meant (an item that is nothing else, a list under "Owns").
    """
    text = token.text
    if text.startswith("(") and text.endswith(")"):
        text, sure = text[1:-1], False
    if text in _UNENDED:
        text = next((name for name in (f"{text}.md", text, f"{text}.rst") if tree.holds(name)), f"{text}.md")
    if not (token.quoted or sure or _like_path(text)):
        return None
    if text.startswith("!"):
        found = path_in(token._replace(text=text[1:]), tree, sure=sure)
        return replace(found, path=f"!{found.path}") if found else None
    text = (text if "/" in text else text.replace("\\", "/")).removeprefix("./")
    text = text[1:] if text.startswith("@") and _ENDING.search(text) and text.count("/") != 1 else text
    if token.link and tree.home and text.startswith("../"):
        text = normpath(f"{tree.home}/{text}")
    if _ABSOLUTE.match(text):
        text = tree.inside(text)
        plain = _SPAN.sub("", text).rstrip("/")
        named = text.endswith(("/", "*")) or _has_ending(plain.rpartition("/")[2], folder=True) or tree.holds(plain)
        if not (named and (sure or _top(text.partition("/")[0], tree))):
            return None
    if not _possible(text):
        return None
    plain, quoted = _SPAN.sub("", text), token.quoted or sure
    if "/" not in plain:
        return _bare(text, plain, quoted, sure, tree)
    return Found(tree.rooted(text)) if _is_path(plain, quoted, sure, tree) else None


def _possible(text: str) -> bool:
    if not 2 <= len(text) <= 220 or " " in text or not text.isprintable():
        return False
    refused = _OUTSIDE.match(text) or _PLACEHOLDER.search(text) or ".." in text.split("/")
    return not refused and text.lower().rpartition("/")[2] not in words("technology-names")


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
    # "license" and "codeowners" are words, LICENSE and CODEOWNERS are files.
    written = "." in plain or not plain.islower() or tree.holds(plain)
    named = written and any(plain.lower() in words(names) for names in ("root-names", "names"))
    dotted: object = plain.startswith(".") and (
        _WELL_KNOWN.fullmatch(plain) or _SETTINGS.fullmatch(plain) or (quoted and _DOTTED.fullmatch(plain))
    )
    dotted = dotted or (quoted and "." in plain and tree.holds(plain))
    if not ((written and _has_ending(plain, folder=quoted) and plain[0] != ".") or named or dotted):
        folder = tree.index and plain in tree.index.folders
        return Found(tree.rooted(text)) if sure and (folder or ("*" in plain and "." in plain)) else None
    if plain.startswith("*") and not sure:
        return None
    if tree.holds(plain) or (named and ("." in plain or quoted)):
        return Found(tree.rooted(text))
    alike = tree.index.by_name.get(plain, ()) if tree.index else ()
    near = [path for path in alike if tree.home and path == f"{tree.home}/{plain}"] or alike
    if len(near) != 1 and (placed := tree.placed(plain)):
        return Found(placed)
    if len(near) != 1 and (mentioned := _mentions(tree.text).get(plain)):
        return Found(tree.rooted(mentioned))
    at_top = dotted and not alike and _SETTINGS.fullmatch(plain)
    return Found(near[0]) if len(near) == 1 else Found(tree.rooted(text), bare=not at_top)
