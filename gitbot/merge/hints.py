"""Where a merge that git calls clean may still be wrong: one side's definitions against the other side's uses.

A name that one side took away and the other newly uses, a call that fitted until the other side changed what it
calls, one name added by both. On real merges nobody had to act on such hints: they order, explain and are told, and
never decide. Words come first: the lines that either side changed say which names are worth a look, and only the
merged files in which such a name stands are read. Pure, on bytes; whose work a side is and what the merged tree
holds is for `landing.partner`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from inspect import Parameter, Signature
from itertools import islice, pairwise

from gitbot.languages import defined_names, definitions, is_import

MOST_SUSPECTS = 20  # of one pair of sides
MOST_USES = 1000  # of one name

_LONGEST_LIST = 1000  # bytes between two brackets that are read
_LONGEST_LINE = 400  # bytes of a line in which a name may get a meaning
_LONGEST_SHOWN = 60  # characters
_BY_FOLDER = (".go", ".java", ".cs")  # where all files of a folder share one set of top-level names

# Strings and comments of all languages at once. What never ends takes all that follows, so that no text is read
# twice; only an apostrophe may stand alone, as in front of a lifetime.
_NO_CODE = re.compile(
    rb'"""(?:\\.?|[^\\])*?(?:"""|\Z)|\'\'\'(?:\\.?|[^\\])*?(?:\'\'\'|\Z)|"(?:\\.|[^"\\\n])*"?'
    rb"|`(?:\\.?|[^`\\])*`?|'(?<![<&]')(?:\\.|[^'\\\n]){0,300}'|#[^\n]*|//[^\n]*|/\*.*?(?:\*/|\Z)",
    re.DOTALL,
)
_BLANK = bytes(10 if byte == 10 else 32 for byte in range(256))
_NAME = re.compile(rb"[A-Za-z_$][\w$]*")
_OWNER = re.compile(rb"([\w$]*)\s*(?:\.|::|->)\s*$")
_GIVEN = re.compile(rb"\bas\s+([\w$]+)|([\w$]+)\s*=(?![=>])")
_LEFT = re.compile(rb"([\w$\s,.*:]*)(?:(?<![=!<>])=(?!=)|\bin\b)")  # what gets a value
_WORD, _OPTIONAL, _KEYWORD = re.compile(r"[A-Za-z_]\w*"), re.compile(r"=(?!>)|\?"), re.compile(r"(\w+)\s*=(?![=>])")

Lines = Mapping[str, frozenset[bytes]]
"""The lines that a side added, by path, without the white space around them."""


@dataclass(frozen=True, slots=True)
class Version:
    """One file before and after a side's work; empty where it is not there."""

    path: str
    before: bytes
    after: bytes


@dataclass(frozen=True, slots=True)
class Definition:
    """A line that begins like one. `taken`: what stands in its brackets, None where that says too little."""

    path: str
    name: str
    member: bool  # of a class, or the like
    taken: tuple[str, ...] | None

    def may_be(self, owner: bytes | None, data: bytes) -> bool:
        """Whether a name in a file can mean this; `owner` is what stands before its dot, None without a dot."""
        if owner is None:
            return not self.member
        of_module = owner.decode() in _places(self.path) or (owner != b"" and b" as " + owner in data)
        return self.member != of_module


@dataclass(frozen=True, slots=True)
class Work:
    """What one side did to names: definitions that are gone or take something else, those it added, by namespace."""

    gone: tuple[Definition, ...] = ()
    changed: tuple[tuple[Definition, Definition], ...] = ()
    added: Mapping[tuple[str, str], Definition] = field(default_factory=dict)
    lines: Lines = field(default_factory=dict)
    words: frozenset[bytes] = frozenset()  # of those lines


@dataclass(frozen=True, slots=True)
class Use:
    """Where a name stands. `fresh`: on a line of the side in question; `old`: on one that no side added."""

    path: str
    line: int
    call: tuple[str, ...] | None  # its arguments
    fresh: bool
    old: bool
    binds: bool  # the line gives the name a meaning


@dataclass(frozen=True, slots=True)
class Suspect:
    """A name in one side's work that the other's may have broken. `kind`: removed, signature, doubled."""

    kind: str
    cause: Definition  # as it was, of what is gone
    lines: Lines  # of the side that uses it
    before: Definition | None = None

    @property
    def key(self) -> tuple[str, str]:
        """What makes two suspects one for a reader."""
        return self.kind, self.cause.name

    def text(self, use: Use, user: str | None, changer: str) -> str:
        """What is wrong, in one sentence: whose the place is (None: the reader's own) and who did the other thing."""
        place, name, path = f"{use.path}:{use.line}{f' of {user}' if user else ''}", self.cause.name, self.cause.path
        if self.kind == "removed":
            return f"{place} uses {name}, which {changer} took out of {path}"
        if self.kind == "signature":
            return (
                f"{place} calls {_shown(name, use.call)}, which {changer} changed to {_shown(name, self.cause.taken)}"
            )
        return f"{place} defines {name}, which {changer} added to {path} as well"


def read_work(files: Iterable[Version]) -> Work:
    """What the files' changes say about names."""
    gone, changed = dict[str, Definition](), list[tuple[Definition, Definition]]()
    added, lines, words = dict[tuple[str, str], Definition](), dict[str, frozenset[bytes]](), set[bytes]()
    for file in files:
        path, old_lines = file.path, {line.strip() for line in file.before.split(b"\n")}
        code = _code(file.after)
        fresh = {line.strip(): one for line, one in _both(file.after, code) if line.strip() not in old_lines}
        lines[path] = frozenset(fresh)
        words.update(word for line in fresh.values() for word in _NAME.findall(line))
        changes = old_lines.symmetric_difference(line.strip() for line in file.after.split(b"\n"))
        if not any(defined_names(line) or line.endswith((b",", b":", b"(", b"{")) for line in changes):
            continue  # none is the head of a definition, or a part of one
        was, now = _heads(path, file.before, _code(file.before)), _heads(path, file.after, code)
        gone |= {name: was[name] for name in was.keys() - now.keys()}
        both = ((was[name], now[name]) for name in was.keys() & now.keys())
        changed += (
            pair for pair in both if None not in {one.taken for one in pair} and pair[0].taken != pair[1].taken
        )
        space = path.rpartition("/")[0] + "/" if path.endswith(_BY_FOLDER) else path
        added |= {(space, name): now[name] for name in now.keys() - was.keys()}
    still = {name for _, name in added}
    left = tuple(one for name, one in gone.items() if name not in still)
    return Work(left, tuple(changed), added, lines, frozenset(words))


def suspects(user: Work, changer: Work) -> tuple[Suspect, ...]:
    """What the changer's work may have broken in the user's, before anybody looked at the merged tree."""
    found = [Suspect("removed", one, user.lines) for one in changer.gone]
    found += [Suspect("signature", after, user.lines, before) for before, after in changer.changed]
    found = [one for one in found if one.cause.name.encode() in user.words]
    for key in sorted(user.added.keys() & changer.added.keys()):
        path = user.added[key].path
        found.append(Suspect("doubled", changer.added[key], {path: user.lines[path]}))
    return tuple(found[:MOST_SUSPECTS])


def use_after(one: Suspect, merged: Mapping[str, bytes], new: Sequence[Lines]) -> Use | None:
    """The place in the merged tree that is wrong, or None when the suspect is innocent there.

    `merged` holds every merged file of a known language in which the name occurs, and `new` what each side added. A
    file that its parser refuses, or for which there is none, is no place; nor is a broken cause one.
    """
    seen = (use for path, data in sorted(merged.items()) for use in _uses(one, path, data, new))
    uses = list(islice(seen, MOST_USES))
    fresh = [use for use in uses if use.fresh]
    if one.kind == "doubled":
        fresh = [use for use in fresh if use.binds and _is_doubled(one, use, merged)]
    elif one.kind == "signature":
        bound = {use.path for use in uses if use.binds} - {one.cause.path}
        heads = [head for path, data in merged.items() for head in _heads(path, data, _code(data)).values()]
        shapes = [_signature(head.taken) for head in heads if head.name == one.cause.name]
        before = _signature(one.before.taken) if one.before else None
        fresh = [use for use in fresh if use.path not in bound and _accepts(before, use.call)]
        fresh = [
            use for use in fresh if shapes and not any(shape is None or _accepts(shape, use.call) for shape in shapes)
        ]
    elif any(use.binds or use.old for use in uses):  # what the changer left there means something else
        return None
    there = merged.get(one.cause.path, b"")
    if not fresh or definitions(one.cause.path, there) is None:
        return None
    return next((use for use in fresh if definitions(use.path, merged[use.path]) is not None), None)


def _is_doubled(one: Suspect, use: Use, merged: Mapping[str, bytes]) -> bool:
    """Whether the name is defined twice, and not as a part of something that is."""
    files = [definitions(path, merged.get(path, b"")) or Counter() for path in {use.path, one.cause.path}]
    twice = {name for name, count in sum(files, Counter[str]()).items() if count == 2}
    return any(_last(name) == one.cause.name and name.rpartition(".")[0] not in twice for name in twice)


def _uses(one: Suspect, path: str, data: bytes, new: Sequence[Lines]) -> Iterator[Use]:
    name, code, start = one.cause.name.encode(), _code(data), 0
    word = re.compile(rb"(?<![\w$])" + re.escape(name) + rb"(?![\w$])")
    for number, (said, line) in enumerate(_both(data, code), 1):
        defines = name in line and one.cause.name in map(_last, defined_names(line))
        for found in islice(word.finditer(line), 5) if name in line else ():
            owner = _OWNER.search(line[max(0, found.start() - _LONGEST_SHOWN) : found.start()])
            if defines or one.cause.may_be(owner and owner[1], data):
                call, text = _pieces(data, code, start + found.end()), said.strip()
                fresh, old = (text in one.lines.get(path, ()), not any(text in side.get(path, ()) for side in new))
                yield Use(path, number, call, fresh, old, defines or _binds(one.cause, path, said, line))
        start += len(line) + 1


def _binds(cause: Definition, path: str, said: bytes, line: bytes) -> bool:
    """Whether a line gives the name a meaning; an import that speaks of where it was gives none."""
    if is_import(path, said):
        return _places(cause.path).isdisjoint(word.decode() for word in _NAME.findall(said))
    line = line[:_LONGEST_LINE]
    left = _LEFT.match(line)
    given = {word for pair in _GIVEN.findall(line) for word in pair} | set(_NAME.findall(left[1]) if left else ())
    if defined_names(line):
        given.update(_NAME.findall(line.partition(b"=")[0]))
    return b"lambda" in line or b"=>" in line or cause.name.encode() in given


def _places(path: str) -> frozenset[str]:
    return frozenset(part.partition(".")[0] for part in path.split("/"))


@lru_cache(maxsize=64)  # many names are looked for in the same files
def _code(data: bytes) -> bytes:
    """The text with blanks in place of strings and comments."""
    return _NO_CODE.sub(lambda found: found[0].translate(_BLANK), data)


def _both(data: bytes, code: bytes) -> Iterator[tuple[bytes, bytes]]:
    return zip(data.split(b"\n"), code.split(b"\n"), strict=True)


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def _heads(path: str, data: bytes, code: bytes) -> dict[str, Definition]:
    """The definitions of a file; of several with one name it is not told what they take."""
    found: dict[str, Definition] = {}
    start, above = 0, b""
    for line in code.split(b"\n"):
        for name in defined_names(line):
            whole = name if "." in name or not line[:1].isspace() else f".{name}"
            end = code.find(b" " + _last(name).encode(), start) + 1 + len(_last(name))
            hidden = whole in found or above.lstrip().startswith(b"@")  # a decorator may change what it takes
            found[whole] = Definition(path, _last(name), "." in whole, None if hidden else _pieces(data, code, end))
        start, above = start + len(line) + 1, line
    return found


def _pieces(data: bytes, code: bytes, start: int) -> tuple[str, ...] | None:
    """What stands between the bracket at that place and its end, cut at the commas; None without either."""
    depth, cuts = 0, [start]
    for at, sign in enumerate(code[start : start + _LONGEST_LIST], start):
        depth += (sign in b"([{") - (sign in b")]}")
        if at == start and sign not in b"(":
            return None
        if depth == 0 or (depth == 1 and sign in b","):
            cuts.append(at)
        if depth == 0:
            pieces = (data[a + 1 : b].decode("utf-8", "replace").split() for a, b in pairwise(cuts))
            return tuple(" ".join(piece) for piece in pieces if piece)
    return None


def _shown(name: str, pieces: tuple[str, ...] | None) -> str:
    """A call or a definition as a person reads it."""
    text = f"{name}({', '.join(pieces or ())})"
    return text if len(text) <= _LONGEST_SHOWN else f"{name}(…)"


def _signature(taken: tuple[str, ...] | None) -> Signature | None:
    """What a call has to give, whatever the language; None where that cannot be told."""
    found, star = dict[str, Parameter](), False
    try:
        for number, piece in enumerate(taken or ()):
            word = _WORD.search(piece)
            name = word[0] if word and word[0] not in found else f"_{number}"
            if piece.startswith("**"):
                found[name] = Parameter(name, Parameter.VAR_KEYWORD)
            elif piece.startswith(("*", "...")) or " ..." in piece:
                star = True
                found |= {name: Parameter(name, Parameter.VAR_POSITIONAL)} if word else {}
            elif piece != "/" and not (number == 0 and re.fullmatch(r"(&|&?mut )?(self|cls)", piece)):
                default = None if _OPTIONAL.search(piece) else Parameter.empty
                kind = Parameter.KEYWORD_ONLY if star else Parameter.POSITIONAL_OR_KEYWORD
                found[name] = Parameter(name, kind, default=default)
        return None if taken is None else Signature(tuple(found.values()))
    except ValueError:
        return None


def _accepts(taken: Signature | None, call: tuple[str, ...] | None) -> bool:
    """Whether a call with these arguments fits; one with a star may always."""
    if taken is None or call is None:
        return False
    words = {found[1]: None for piece in call if (found := _KEYWORD.match(piece))}
    try:
        taken.bind(*(piece for piece in call if not _KEYWORD.match(piece)), **words)
    except TypeError:
        return any(piece.startswith(("*", "...", "&")) for piece in call)
    return True
