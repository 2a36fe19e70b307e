"""The one dialect of path patterns: text as people write it → rules of tokens.

Rooted at the repository's top, POSIX, `!` excludes. Readers of other dialects (gitignore, CODEOWNERS) translate
into this one. What a rule matches is the automaton's business, which of several rules wins that of the list.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from itertools import chain, pairwise, product, takewhile
from math import prod
from typing import NamedTuple

from gitbot.errors import PatternError

LONGEST = 1024  # characters in a pattern; reading one takes time that is quadratic in them
MOST_SLASHES = 64  # in one pattern; lists are indexed by every folder above what they name
MOST_EXPANSIONS = 256  # brace alternatives of one pattern; above it every brace group counts as `*`
MOST_READINGS = 3  # bracket groups of one pattern that are class or name independently of each other

_SPAN = re.compile(
    r"(?<=[^:/])(?:"
    r"::.+"
    r"|:L?\d+(?:[-–,:]L?\d+)*"
    r"|#L\d+(?:C\d+)?(?:[-–]L?\d+(?:C\d+)?)?"
    r"|\s+\(lines?\s+\d+(?:\s*[-–,]\s*\d+)*\)"
    r")\s*$"
)
_CLEAN = re.compile(r"!?(?:\.?[\w*-][\w.*-]*/){0,32}\.?[\w*-][\w.*-]*/?", re.ASCII)  # most: normal as they stand
_SPECIAL = re.compile(r"[*?\[\\{]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_HOST_OR_MACHINE = re.compile(r"\\\\|/+(?:home|Users|root|tmp|mnt|Volumes)/")
_HOME_DRIVE_OR_URL = re.compile(r"~|[A-Za-z]:|[A-Za-z][\w+.-]+:/")
_CLIMBS = re.compile(r"(?:^|[/{,])\.\.(?=$|[/},])")
_SEPARATOR = re.compile(r"\\(?![\[\]!])")
_NAME_IN_BRACKETS = re.compile(r"\[+[^\[\]]*\]+")
_CLASS = re.compile(r"(?P<name>(?<![^/])\[+[^\[\]/]*\]+(?![^/]))|(?<!\\)\[[^\]/]+\]")  # a whole name is none
_BRACKETED = re.compile(r"\\[\[\]]|\[[^\]]+\]")
_PIECE = re.compile(
    r"\\(?P<escaped>[\[\]!])|\[(?P<negated>[!^]?+)(?P<members>[^\]]*[^\]\\])\]|(?P<run>\*+)|(?P<any>\?)|."
)
_FILE_NAME = re.compile(
    r".+\.[A-Za-z]\w{0,9}"
    r"|\.(?:babelrc|bashrc|browserslistrc|clang-format|coveragerc|dockerignore|editorconfig|env|envrc|eslintignore)"
    r"|\.(?:eslintrc|flake8|gitattributes|gitignore|gitkeep|gitmodules|mailmap|node-version|npmignore|npmrc|nvmrc)"
    r"|\.(?:prettierignore|prettierrc|python-version|ruby-version|stylelintrc|tool-versions|yarnrc)"
    r"|AUTHORS|CHANGELOG|CODEOWNERS|CONTRIBUTORS|COPYING|LICEN[CS]E|NOTICE|README|VERSION"
    r"|Brewfile|Containerfile|Dockerfile|Gemfile|GNUmakefile|Jenkinsfile|Justfile|justfile|Makefile|makefile"
    r"|Pipfile|Podfile|Procfile|Rakefile|Tiltfile|Vagrantfile"
)


class Wild(Enum):
    """Tokens that stand for more than one text."""

    ANY = "?"  # one character but `/`
    STAR = "*"  # a run without `/`
    FOLDERS = "**/"  # zero or more whole segments, each with its `/`


@dataclass(frozen=True, slots=True)
class CharClass:
    """`[a-z]` or `[!a-z]`; never matches `/`."""

    ranges: tuple[tuple[str, str], ...]  # inclusive
    negated: bool
    text: str

    @property
    def value(self) -> str:
        """A character to show what a name with it looks like."""
        return "a" if self.negated else self.ranges[0][0]

    def __contains__(self, char: str) -> bool:
        return char != "/" and any(low <= char <= high for low, high in self.ranges) != self.negated


Token = str | Wild | CharClass


class Tail(Enum):
    """What may stand below the last segment of a rule."""

    FILE = "nothing"
    EITHER = "nothing, or anything below"
    BELOW = "something below"


class NormalPattern(NamedTuple):
    """A pattern cleaned up: `text` normalises to itself."""

    text: str  # `!` kept
    span: str | None = None  # line range or symbol cut off the end, words for messages only
    remarks: tuple[str, ...] = ()  # what its author should hear of


class Rule(NamedTuple):
    """One reading of one pattern, without alternatives.

    `prefix` is how all its paths begin; `literal` the shortest of them, if that is the only one or stands above all
    others; `key` how they begin with a `/` put behind: two rules share a path only if one key begins with the other.
    """

    tokens: tuple[Token, ...] | str  # text where every token is a character
    tail: Tail
    negative: bool
    prefix: str
    literal: str | None
    key: str

    @property
    def head(self) -> str:
        """The folder that all paths of the rule lie in, or their only name."""
        return self.prefix.rpartition("/")[0] if self.literal is None else self.literal

    @property
    def sample(self) -> str | None:
        """A shortest path of a rule without wildcards."""
        return (self.literal or self.key + "x") if isinstance(self.tokens, str) else None

    def covers(self, path: str) -> bool:
        """Whether the path is one of a rule without wildcards."""
        # A literal file's name still covers what is below it: a path from a tree proves that it is a folder.
        return path.startswith(self.key) or path == self.literal


def _rule(tokens: tuple[Token, ...] | str, tail: Tail, *, negative: bool) -> Rule:
    if not isinstance(tokens, str):
        prefix = "".join(takewhile(lambda token: isinstance(token, str), tokens))  # type: ignore[arg-type]
        return Rule(tokens, tail, negative, prefix, None, prefix)
    below = tokens + "/"
    prefix, literal = (below, None) if tail is Tail.BELOW else (tokens, tokens)
    return Rule(tokens, tail, negative, prefix, literal, below)


@lru_cache(maxsize=1 << 16)
def normalise(pattern: str) -> NormalPattern:
    """Clean a pattern as a person wrote it, and cut a line range or symbol off its end.

    Raises:
        PatternError: empty, too long, `..`, `~`, a drive, a URL, a control character, or an absolute path of
            some machine.
    """
    if len(pattern) <= LONGEST and _CLEAN.fullmatch(pattern):
        return NormalPattern(pattern)
    written = unicodedata.normalize("NFC", pattern).strip()
    if len(written) > LONGEST:
        raise PatternError(f"pattern of {len(written)} characters; the most is {LONGEST}")
    if _CONTROL.search(written):
        raise PatternError(f"control character in pattern {written!r}")
    whole = path = written.removeprefix("!").strip()
    while match := _SPAN.search(path):
        path = path[: match.start()].rstrip()
    text = _separated(path)
    from_the_top = "write it from the repository's top, without a leading slash"
    if _HOST_OR_MACHINE.match(path) or _HOME_DRIVE_OR_URL.match(text):
        raise PatternError(f"path of one machine, not of the repository: {path}", hint=from_the_top)
    if _CLIMBS.search(text):
        raise PatternError(f"pattern climbs out of the repository: {path}", hint=from_the_top)
    if text.startswith("!"):
        text = "\\" + text  # a name that begins with `!` must not turn into an exclusion
    sign = "!" if written.startswith("!") else ""
    return NormalPattern(sign + text, whole[len(path) :].strip() or None, tuple(_remarks(text)))


def _separated(path: str) -> str:
    """The path with single `/` between its segments, none first, one last where a folder was meant."""
    slashed = _SEPARATOR.sub("/", path.replace("\\*", "*").replace("\\?", "?"))
    if slashed.count("/") > MOST_SLASHES:
        raise PatternError(f"pattern with {slashed.count('/')} slashes; the most is {MOST_SLASHES}")
    segments = [segment for each in slashed.split("/") if (segment := each.strip()) not in ("", ".")]
    if not segments:
        raise PatternError(f"pattern names no path: {path or '(nothing)'}", hint="write ** for the whole repository")
    return "/".join(segments) + "/" * slashed.endswith(("/", "/."))


def _remarks(text: str) -> Iterator[str]:
    if _too_many(text):
        yield "too many alternatives in braces; each group counts as *"
    if any("[" in _BRACKETED.sub("", segment) for segment in text.split("/")):
        yield "unclosed [ is taken as an ordinary character"


def rules_of(text: str, *, fold_case: bool = False, braces: bool = True) -> tuple[Rule, ...]:
    """All readings of one normalised pattern, all of one sign; () when none can match a path.

    With `fold_case` in lower case, a file staying a file; without `braces` every brace group counts as `*`.
    """
    body = text.removeprefix("!")
    name = body.removesuffix("/**").removesuffix("/")
    if not _SPECIAL.search(name):
        tail = _tail(name) if name == body else Tail.BELOW
        return (_rule(lower(name) if fold_case else name, tail, negative=text != body),)
    expansions = _expanded(body) if braces and not _too_many(body) else [_without_braces(body)]
    found = dict.fromkeys(each for expansion in expansions for each in _readings(expansion, fold_case=fold_case))
    return tuple(_rule(tokens, tail, negative=text != body) for tokens, tail in found)


def readings(text: str) -> int:
    """How many rules a pattern becomes at most."""
    groups = sum(not group["name"] for group in _CLASS.finditer(text))
    return (1 if _too_many(text) else _alternatives(text)) << (groups if groups <= MOST_READINGS else 1)


def _alternatives(text: str) -> int:
    """How many patterns one with braces stands for."""
    count = 1  # of the part at hand
    each: list[int] = []  # of the parts before it in its group
    outside: list[tuple[int, list[int]]] = []  # the same of the groups around
    for mark in re.findall("[{},]", text):
        if mark == "{":
            outside.append((count, each))
            count, each = 1, []
        elif outside and mark == ",":
            count, each = 1, [*each, count]
        elif outside:
            before, siblings = outside.pop()
            count, each = before * (sum(each) + count), siblings
    for before, siblings in reversed(outside):  # a brace without partner is ordinary text
        count, each = before * prod(each) * count, siblings
    return count


def _too_many(text: str) -> bool:
    return "{" in text and _alternatives(text) > min(MOST_EXPANSIONS, (1 << 16) // len(text))


def _expanded(text: str) -> list[str]:
    """The alternatives of nested braces."""
    found: list[str] = []
    waiting = [text]
    while waiting:
        text = waiting.pop()
        if group := _first_group(text):
            before, after = text[: group[0]], text[group[-1] + 1 :]
            waiting += [before + text[start + 1 : end] + after for start, end in pairwise(group)]
        else:
            found.append(text)
    return found


def starred(text: str) -> str:
    """The pattern with `*` for all that gives it several readings."""
    return _CLASS.sub(lambda group: group["name"] or "*", _without_braces(text))


def _without_braces(text: str) -> str:
    while group := _first_group(text):
        text = text[: group[0]] + "*" + text[group[-1] + 1 :]
    return text


def _first_group(text: str) -> list[int]:
    """Where the first outermost brace group opens, is divided and closes; [] when there is none.

    A group without comma and a brace without partner are ordinary text, as in bash(1), "Brace Expansion".
    """
    opened: list[list[int]] = []
    closed: list[list[int]] = []
    for mark in re.finditer("[{},]", text):
        if mark[0] == "{":
            opened.append([mark.start()])
        elif opened:
            opened[-1].append(mark.start())
            if mark[0] == "}":
                closed.append(opened.pop())
    return min((group for group in closed if len(group) > 2), default=[])


def _readings(text: str, *, fold_case: bool) -> Iterator[tuple[tuple[Token, ...] | str, Tail]]:
    """An expanded pattern with each bracket group as a class and as the literal spelling of a name."""
    segments = [segment for segment in text.split("/") if segment not in ("", ".")]
    below = text.endswith("/")
    while len(segments) > 1 and segments[-1] == "**":
        segments.pop()
        below = True
    if not segments or ".." in segments:
        return
    if segments == ["**"]:
        segments, below = ["**", "*"], False
    tokens = _tokens(segments)
    sample = "".join(token if isinstance(token, str) else token.value for token in tokens)
    tail = Tail.BELOW if below else _tail(sample)
    if fold_case:
        tokens = _tokens([lower(segment) for segment in segments])
    groups = sum(isinstance(token, CharClass) for token in tokens)
    some = product((False, True), repeat=groups) if groups <= MOST_READINGS else ((False,) * groups, (True,) * groups)
    for choice in some:
        spelled = iter(choice)
        reading = (token.text if isinstance(token, CharClass) and next(spelled) else (token,) for token in tokens)
        spelling = tuple(chain(*reading))
        literal = "".join(token for token in spelling if isinstance(token, str))
        yield literal if len(literal) == len(spelling) else spelling, tail


def lower(text: str) -> str:
    """In lower case, character by character: `İ` would become two, `Σ` differs at the end of a word."""
    if text.isascii():
        return text.lower()
    return "".join(char.lower() if len(char.lower()) == 1 else char for char in text)


def _tokens(segments: list[str]) -> list[Token]:
    tokens: list[Token] = []
    for segment in segments:
        if segment != "**":
            tokens += [*_tokens_of_segment(segment), "/"]
        elif tokens[-1:] != [Wild.FOLDERS]:
            tokens.append(Wild.FOLDERS)
    return tokens[:-1]


def _tokens_of_segment(segment: str) -> Iterator[Token]:
    if _NAME_IN_BRACKETS.fullmatch(segment):
        yield from segment
        return
    for piece in _PIECE.finditer(segment):
        match piece.lastgroup:
            case "run":
                yield Wild.STAR
            case "any":
                yield Wild.ANY
            case "members":
                pairs = re.findall(r"(.)-(.)|(.)", piece["members"])
                ranges = tuple((low or single, high or single) for low, high, single in pairs)
                yield CharClass(ranges, bool(piece["negated"]), piece[0])
            case _:
                yield piece["escaped"] or piece[0]


def _tail(sample: str) -> Tail:
    """FILE when the last segment looks like a file's name, else EITHER: the tree may say that it is a folder."""
    return Tail.FILE if _FILE_NAME.fullmatch(sample.rpartition("/")[2]) else Tail.EITHER
