"""Front matter, YAML or TOML: what its keys mean, under all their names.

Every scalar stays the text that was written: `no`, `12:30` and `46-07` are ids here, not booleans and numbers.
Unknown keys never fail. A value of the wrong type is a warning with its place, and as good as absent.
"""

from __future__ import annotations

import difflib
import json
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from posixpath import dirname, join, normpath
from typing import TYPE_CHECKING, Any, NamedTuple

from gitbot.model.plan import Access, Claim, Need, NeedKind, Phase, Plan, PlanId, Problem, Task, TaskState
from gitbot.model.strategy import Strategy
from gitbot.plans.lists import listed_paths
from gitbot.plans.merging import united
from gitbot.plans.paths import Tree, path_in, tokens
from gitbot.plans.phrases import phrase
from gitbot.plans.words import claim, kinds, table, words

if TYPE_CHECKING:
    import yaml

_LARGEST = 64 * 1024  # bytes; honest front matter stays below 4 KiB
_DEEPEST = 16
_MOST = 20_000  # entries of lists that are read, long ones counting more: only aliases can make as many
_MOST_STRANGERS = 50  # unknown keys that are looked at: comparing each takes a millisecond
_INDENTED = phrase(r"(?:^|[\n\x85\u2028\u2029])[ \t?:-]*")
_SCALAR = phrase(r"""(?:[\w./][\w./*@+-]*(?: [\w./*@+-]+)*|"[^"\\]*"|'[^']*')""")
_PLAIN = phrase(
    rf"(?P<key>[a-z][\w-]{{0,60}}):(?: +(?:(?P<text>{_SCALAR.pattern})"
    rf"|(?P<list>\[(?:{_SCALAR.pattern}(?:, *{_SCALAR.pattern})*)?\])))? *"
    rf"|(?P<margin> *)- +(?P<entry>{_SCALAR.pattern}) *| *"
)
_FENCE = phrase(
    r"(?:[ \t]*+(?:\n|<!--(?>.*?-->)))*+"  # blank lines and comments
    r"(?P<fence>---|\+\+\+)[ \t]*\n(?P<content>.*?)^(?:(?P=fence)|\.\.\.)[ \t]*(?:\n|\Z)",
    re.S | re.M,
)
_LOWER = phrase(
    r"^(?P<fence>---|\+\+\+)[ \t]*\n(?P<content>(?:[ \t]*+(?:(?:[\w-]{1,60}[ \t]*[:=]|-[ \t]|#)[^\n]*)?\n){1,300}+)"
    r"(?P=fence)[ \t]*$",
    re.M,
)
_MOST_LOWER = 50  # looked at in one file
_OURS = phrase(
    r"^[ \t]{0,3}(plan|owns|shared|reads|never|depends_on|waits_for|emits|owned_files|files_modified)[ \t]*[:=]", re.M
)
_LANE_STATES = frozenset(["planned", "doing", "in_progress", "for_review", "done", "approved", "canceled"])
_NOTHING = frozenset(["", "-", "—", "~", "none", "n/a", "na", "[]", "null"])
_SEPARATOR = phrase(r",(?![^{}]*\})|\n")
_UNTIDY = phrase(r"[\s`;\"]|,$|\]\(")
_BRACES = phrase(r"\{[^{}]*\}")
_LINES = phrase(r"^\S+[ ]\(lines?[ ][^()]*\)$")
_BLANKS = phrase(r"\S*/[^`;,\"]*(?:\.\w{1,10}|/|\*)")  # "docs/My File.md"
_LONGEST = 8_000  # characters of several paths in one text; what is longer is a pattern and refused
_LISTS = ("depends_on", "conflicts_with", "waits_for", "emits", "tests")
_ENTRY_KINDS = ("create", "modify", "delete", "append")
_PATHLIKE = phrase(r"[^\s/]*/\S*|\S+\.[A-Za-z]\w{0,9}")
_SIZE = phrase(r"x{0,2}[sml]|xl|\d+(?:\.\d+)?|\d+ ?(?:points?|pts?|sp)|small|medium|large|low|high")
DURATION = (
    r"(?P<low>\d{1,5}(?:\.\d{1,3})?)(?:[ \t]?[-–][ \t]?(?P<high>\d{1,5}(?:\.\d{1,3})?))?[ \t]?"
    r"(?P<unit>m(?:in(?:ute)?s?)?|h(?:(?:ou)?rs?)?|d(?:ays?)?)"
)
"""The pattern of an estimate, for `minutes`."""
_DURATION = phrase(DURATION, re.I)


def duration(text: str) -> tuple[float, float] | None:
    """The minutes of a text that is nothing but an estimate."""
    match = _DURATION.fullmatch(text)
    return minutes(match) if match else None


def minutes(duration: re.Match[str]) -> tuple[float, float]:
    """Both ends of a match of DURATION; a day of work has eight hours."""
    unit = {"m": 1.0, "h": 60.0, "d": 480.0}[duration["unit"][0].lower()]
    low, high = float(duration["low"]), float(duration["high"] or duration["low"])
    return low * unit, max(low, high) * unit


def read_front(path: str, text: str, tracked: Callable[[str], bool] = bool) -> tuple[Plan, str, tuple[Problem, ...]]:
    """The plan of the keys, whose id may be empty; the text with the front matter's lines blank; what was wrong.

    `tracked` says whether the repository has a path.
    An error among the problems: a plan stood here whose body alone would say too little.
    """
    keys = _Keys(path, tracked)
    if match := _FENCE.match(text):
        content, start = match["content"], match.start("fence")
        keys.line = text.count("\n", 0, start) + 2
        text = text[:start] + "\n" * text.count("\n", start, match.end()) + text[match.end() :]
        try:
            keys.take(_nodes(_as_yaml(content) if match["fence"] == "+++" else content))
        except _Broken as broken:
            keys.problems.append(broken.problem(path, content, keys.line))
    plan = _plan(keys)
    _tell_of_strangers(keys)
    return plan, text, (*keys.problems, *_too_low(path, text))


def _too_low(path: str, body: str) -> Iterator[Problem]:
    """Front matter with keys of ours that does not open the file, unless it is shown in a fence of code."""
    for match in islice(_LOWER.finditer(body), _MOST_LOWER) if "\n---" in body or "\n+++" in body else ():
        shown = len(re.findall(r"^ {0,3}(?:```|~~~)", body[: match.start()], re.M)) % 2
        if not shown and _OURS.search(match["content"]):
            line = body.count("\n", 0, match.start()) + 1
            message, hint = "front matter below other text is not read", "let it open the file, or a file of its own"
            yield Problem("unreadable-plan", "warning", message, path, line, hint=hint)


class _Broken(Exception):
    """Front matter that cannot be read: what is wrong, and where in its own lines."""

    def __init__(self, message: str, line: int = 0, column: int = 0) -> None:
        super().__init__(message)
        self.message, self.line, self.column = message, line, column

    def problem(self, path: str, content: str, first: int) -> Problem:
        level = "error" if _OURS.search(content) else "warning"
        glob = any(mark in "".join(content.split("\n")[self.line : self.line + 1]) for mark in "*!`[{@")
        hint = "put patterns with *, !, [ or ` in quotes" if glob else None
        message = f"front matter cannot be read: {self.message}"
        return Problem("unreadable-plan", level, message, path, self.line + first, self.column + 1, hint)


def _as_yaml(toml: str) -> str:
    """The same as one YAML mapping, each value on the line of its key."""
    lines = [""] * (toml.count("\n") + 1)
    try:
        for name, value in tomllib.loads(toml).items():
            key = re.search(rf"^[ \t]*\[*[\"']?{re.escape(name)}(?![\w-])", toml, re.M)
            line = toml.count("\n", 0, key.end()) if key else 0
            lines[line] += json.dumps({name: value}, default=str, ensure_ascii=False)[1:-1] + ","
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"at line (\d+), column (\d+)", str(error))
        raise _Broken("it is no TOML", *(int(n) - 1 for n in place.groups()) if place else ()) from None
    except RecursionError:
        raise _Broken("it is nested too deeply") from None
    return "{" + "\n".join(lines) + "}"


class _Mark(NamedTuple):
    line: int
    column: int


class Node(NamedTuple):
    """What is used of a node of YAML: one of the loader's serves as well."""

    id: str  # scalar, sequence or mapping
    value: Any
    start_mark: _Mark


def _plain_nodes(content: str) -> dict[str, Node] | None:
    """The values by key where each is a scalar of one line, or a list of such; None for all that is not so plain."""
    found: dict[str, Node] = {}
    entries: list[Node] | None = None  # of the last key, which waits for them
    key = margin = ""
    for number, line in enumerate(content.split("\n")):
        match = _PLAIN.fullmatch(line) if line.isascii() and line.isprintable() else None
        kind = match and match.lastgroup
        if match is None or (entries == [] and match["key"]) or (kind == "entry" and entries is None):
            return None
        if match["key"]:
            key, entries = match["key"].lower().replace("-", "_"), [] if kind == "key" else None
            if key in found:
                return None
        if kind == "text":
            found[key] = _plain(match["text"], number, match.start("text"))
        elif kind == "list":
            listed = (_plain(each[0], number, each.start()) for each in _SCALAR.finditer(line, match.start("list")))
            found[key] = Node("sequence", list(listed), _Mark(number, match.start("list")))
        elif kind == "entry" and entries is not None:
            if not entries:
                margin, found[key] = match["margin"], Node("sequence", entries, _Mark(number, len(match["margin"])))
            if match["margin"] != margin:
                return None
            entries.append(_plain(match["entry"], number, match.start("entry")))
    return None if entries == [] else found


def _plain(written: str, line: int, column: int) -> Node:
    return Node("scalar", written[1:-1] if written[0] in "\"'" else written, _Mark(line, column))


def _nodes(content: str) -> Iterable[tuple[str, Node]]:
    """The values, each with its key, lower-cased, with `-` read as `_`."""
    if len(content.encode()) > _LARGEST:
        raise _Broken("the front matter is larger than 64 KiB")
    if (plain := _plain_nodes(content)) is not None:
        return plain.items()
    import yaml  # which most canonical plans have no use for

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    # Below a level of indentation lie two collections at most, and brackets open one each.
    most = 2 * max(map(len, _INDENTED.findall(content)), default=0) + content.count("[") + content.count("{")
    depth = 0
    try:
        for event in yaml.parse(content, Loader=loader) if most > _DEEPEST - 2 else ():  # the composer recurses
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > _DEEPEST:
                raise _Broken("it is nested too deeply", *_place(getattr(event, "start_mark", None)))
        root: Any = yaml.compose(content, Loader=loader)
    except yaml.MarkedYAMLError as error:
        raise _Broken(f"it is no YAML ({error.problem or 'syntax error'})", *_place(error.problem_mark)) from None
    except yaml.YAMLError:
        raise _Broken("it holds characters that YAML does not allow") from None
    if root is not None and root.id != "mapping":
        raise _Broken("it is no mapping of keys to values", *_place(root.start_mark))
    return ((str(key.value).strip().lower().replace("-", "_"), node) for key, node in (root.value if root else ()))


def _place(mark: yaml.Mark | _Mark | None) -> tuple[int, int]:
    return (mark.line, mark.column) if mark else (0, 0)


@dataclass(slots=True)
class _Keys:
    """The keys, and what is found wrong with their values."""

    path: str
    tracked: Callable[[str], bool]
    line: int = 2  # of the first key
    unresolved: list[str] = field(default_factory=list)
    nodes: dict[str, Node] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    left: int = _MOST

    def take(self, pairs: Iterable[tuple[str, Node]]) -> None:
        """Take the keys in; lists under one key that stands there twice are one list."""
        groups: dict[str, list[Node]] = {}
        for name, node in pairs:
            groups.setdefault(name, []).append(node)
        for name, (first, *more) in groups.items():
            self.nodes[name] = more[-1] if more else first
            if more and (name in kinds("claim-keys") or kinds("keys").get(name) in _LISTS):
                entries = [entry for node in (first, *more) for entry in self.entries(node)]
                self.nodes[name] = Node("sequence", entries, first.start_mark)
            elif more and name in kinds("keys"):
                self.problem(f"the key {name} stands here again; what it said above is left out", more[-1])

    def warn(self, name: str, node: Node, wanted: str) -> None:
        self.problem(f"the key {name} wants {wanted}; it is left out", node)

    def problem(self, message: str, node: Node, hint: str | None = None) -> None:
        line, column = node.start_mark.line + self.line, node.start_mark.column + 1
        self.problems.append(Problem("unreadable-plan", "warning", message, self.path, line, column, hint))

    def entries(self, node: Node) -> Iterator[Node]:
        """A list's entries, one nested list deep, or the parts of a text."""
        entries: Iterable[Node] = [node]
        if node.id == "scalar":
            parts = (part.strip() for part in _SEPARATOR.split(node.value))
            entries = (Node("scalar", part, node.start_mark) for part in parts if part)
        elif node.id == "sequence":
            entries = (e for item in node.value for e in (item.value if item.id == "sequence" else [item]))
        for entry in entries:
            if self.left <= 0:
                return
            self.left -= 1 + len(entry.value) // 100
            yield entry

    def found(self, names: tuple[str, ...]) -> Iterator[tuple[str, Node]]:
        """The keys of these names that are there, the canonical one first."""
        return ((name, self.nodes[name]) for name in names if name in self.nodes)

    def named(self, key: str) -> tuple[str, str]:
        """The first name of the key that holds a text, and the text; two empty texts when there is none."""
        for name, node in self.found(table("keys")[key]):
            if key == "agent" and node.id == "sequence":  # "assignee: []", "assignee: [claude]"
                node = next(iter(node.value), Node("scalar", "", node.start_mark))
            if node.id != "scalar":
                self.warn(name, node, "a text")
                continue
            text = " ".join(node.value.split())[:400]
            if text.lower() not in (_NOTHING | _LANE_STATES if (key, name) == ("agent", "lane") else _NOTHING):
                return name, text
        return "", ""

    def text(self, key: str) -> str:
        return self.named(key)[1]

    def number(self, key: str) -> Phase | None:
        name, text = self.named(key)
        if not name:
            return None
        if match := re.match(r"(?:phase[ -]?)?(-?\d{1,6}(?:\.\d{1,6}){0,3})(?!\d)", text, re.I):
            return Phase.of(match[1])
        if rank := kinds("priorities").get(text.lower()):
            return Phase.of(rank)
        self.warn(name, self.nodes[name], "a whole number")
        return None

    def texts(self, key: str) -> Iterator[tuple[str, int]]:
        """The entries of every name of the key, each with its line."""
        for name, node in self.found(table("keys")[key]):
            for entry in self.entries(node):
                if entry.id != "scalar":
                    self.warn(name, entry, "texts")
                elif (text := entry.value.strip()).lower() not in _NOTHING:
                    yield text, entry.start_mark.line + self.line


def _plan(keys: _Keys) -> Plan:
    lists, id = _claims(keys), _id(keys)
    emits = [(text[:200], line) for text, line in keys.texts("emits")]
    # A file among what is produced is created, not announced.
    lists.append([("create", claim("create", name, line)) for name, line in emits if _PATHLIKE.fullmatch(name)])
    claims = united([made for kind, made in some if kind != "never"] for some in lists)
    return Plan(
        id=PlanId(id),
        path=keys.path,
        format="canonical",
        title=keys.text("title"),
        agent=keys.text("agent") or None,
        branch=keys.text("branch") or None,
        strategy=_strategy(keys),
        phase=keys.number("phase"),
        wave=next(iter(keys.number("wave") or ()), None),
        priority=next(iter(keys.number("priority") or ()), 0),
        claims=claims,
        never=united([made for kind, made in some if kind == "never"] for some in lists),
        needs=tuple(_needs(keys)),
        emits=tuple(event for event in emits if not _PATHLIKE.fullmatch(event[0])),
        parallel=keys.text("parallel").lower() not in ("false", "no", "off")
        and keys.text("scope").lower() not in ("codebase-wide", "repo-wide"),
        minutes=_estimate(keys),
        tests=tuple(text for text, _ in keys.texts("tests")),
        tasks=tuple(_todos(keys)),
        unresolved=tuple(dict.fromkeys(keys.unresolved)),
        finished=keys.text("status").lower() in words("finished"),
        confidence="declared" if id or any(made.access is not Access.READ for made in claims) else "unknown",
    )


def _tell_of_strangers(keys: _Keys) -> None:
    """Warn of keys that look like a slip of the pen, or that hold files nobody gets by them."""
    ours = keys.nodes.keys() & {"plan", "agent", "branch", "owns", "depends_on"}
    known = kinds("keys"), kinds("claim-keys"), words("other-keys")
    strangers = ((name, node) for name, node in keys.nodes.items() if not any(name in some for some in known))
    for name, node in islice(strangers, _MOST_STRANGERS):
        meant = difflib.get_close_matches(name, known[0] | known[1], n=1, cutoff=0.75) if 3 < len(name) < 40 else []
        entries = [entry.value for entry in keys.entries(node) if entry.id == "scalar"]
        if (ours and meant) or any(keys.tracked(text.rstrip("/*")) and "/" in text for text in entries):
            hint = (
                f"did you mean `{meant[0]}`?" if meant else "files are given to a plan by `owns`, `shared` or `reads`"
            )
            keys.problem(f"the key {name[:60]} is not known; it is left out", node, hint)


def _todos(keys: _Keys) -> Iterator[Task]:
    """The tasks of a list of mappings `todos`: id, content, status."""
    node = keys.nodes.get("todos")
    for entry in keys.entries(node) if node and node.id == "sequence" else ():
        pairs = entry.value if entry.id == "mapping" else ()
        said = {str(key.value): value.value for key, value in pairs if value.id == "scalar"}
        if text := " ".join(said.get("content", "").split()):
            state = TaskState(kinds("states").get(said.get("status", "").lower(), "open"))
            yield Task(text, entry.start_mark.line + keys.line, state, said.get("id"))


def _id(keys: _Keys) -> str:
    name, id = keys.named("plan")
    if name == "plan" and id.isdecimal() and keys.nodes.keys() & {"wave", "files_modified"}:
        phase = re.match(r"(\d+)((?:\.\d+)*)", keys.text("phase"))
        return f"{int(phase[1]):02}{phase[2]}-{int(id):02}"[:100] if phase else id[:100]
    return id[:100]


def _estimate(keys: _Keys) -> tuple[float, float] | None:
    name, text = keys.named("estimate")
    text = text.lower().lstrip("~ ")
    found = duration(text) or (duration(f"{text}h") if name == "hours" else None)
    if name in ("estimate", "hours", "duration") and not found and not _SIZE.fullmatch(text):
        keys.warn(name, keys.nodes[name], "a duration such as 30m or 2-4h")
    return found


def _strategy(keys: _Keys) -> str | None:
    name, text = keys.named("strategy")
    if name and text.lower() not in (strategy.value for strategy in Strategy):
        keys.warn(name, keys.nodes[name], f"one of {', '.join(Strategy)}")
        return None
    return text or None


def _needs(keys: _Keys) -> Iterator[Need]:
    for key, kind in (("depends_on", NeedKind.HARD), ("conflicts_with", NeedKind.APART)):
        for text, line in keys.texts(key):
            reference = re.sub(r"^phase[ :-]+(?=[\d.]+$)", "phase:", text, flags=re.I)
            yield Need(reference[:200], kind, line, f"{key}: {text}")
    for text, line in keys.texts("waits_for"):
        kind = NeedKind.HARD if _PATHLIKE.fullmatch(text) else NeedKind.PIPELINED
        yield Need(text[:200], kind, line, f"waits_for: {text}")


def _claims(keys: _Keys) -> list[list[tuple[str, Claim]]]:
    """Each claim with its kind, in a list per key."""
    lists: list[list[tuple[str, Claim]]] = []
    for kind, names in table("claim-keys").items():
        for name, value in keys.found(names):
            if name == "authoritative_surface" and any(lists):
                continue  # where the listed files lie, no claim beyond them
            lists.append(found := [])
            for entry in keys.entries(value):
                for made, written, line in _patterns(keys, name, entry, kind):
                    above = name == "context" and written.startswith(("./", "../"))  # a document, as from the plan
                    pattern = normpath(join(dirname(keys.path), written)) if above else written
                    if kind != "read" or (
                        _PATHLIKE.fullmatch(pattern) and "://" not in pattern
                    ):  # prose stands there as often as paths
                        found.append((made, claim(made, pattern, line)))
    if not any(lists):  # the files that a plan must have made are its own when it lists no others
        entries = (_patterns(keys, "must_haves", entry, "own") for entry in _artifacts(keys))
        lists = [[(kind, claim(kind, text, at)) for found in entries for kind, text, at in found]]
    return lists


def _artifacts(keys: _Keys) -> Iterator[Node]:
    """The paths below must_haves: artifacts."""
    for listed in _below(keys.nodes.get("must_haves"), "artifacts"):
        for entry in keys.entries(listed):
            yield from (path for path in _below(entry, "path") if path.id == "scalar")


def _below(node: Node | None, name: str) -> Iterator[Node]:
    if node and node.id == "mapping":
        yield from (value for key, value in node.value if key.value == name)


def _paths(keys: _Keys, text: str, kind: str) -> Iterable[tuple[str, str]]:
    """What a text claims, which as a rule is a pattern; one that is written as in a list below "Owns" is read so."""
    text = _BRACES.sub(lambda braces: re.sub(r",\s+", ",", braces[0]), text)
    prose = kind == "read" and not _PATHLIKE.match(text)
    if not _UNTIDY.search(text) or len(text) > _LONGEST or keys.tracked(text) or prose:
        return [(kind, text)]
    found = _listed(text)
    if not found and kind != "read":
        keys.unresolved.append(text[:200])
    return [(said if said in (*_ENTRY_KINDS, "shared") and kind == "own" else kind, path) for said, path in found]


@lru_cache(maxsize=64)  # aliases repeat one text
def _listed(text: str) -> tuple[tuple[str | None, str], ...]:
    head = next(tokens(text.split(maxsplit=1)[0]), None)
    if _LINES.search(text) or (_BLANKS.fullmatch(text[:1_000]) and not (head and path_in(head, Tree()))):
        return ((None, text),)
    return tuple((said, found.path) for said, found, _ in listed_paths(text, Tree()))


def _patterns(keys: _Keys, name: str, entry: Node, kind: str) -> Iterator[tuple[str, str, int]]:
    """The patterns of one entry: a text, or a mapping from the kind of write to one or several texts."""
    if entry.id == "scalar":
        text = entry.value.strip()
        if text.lower() not in (*_NOTHING, "true", "false") and not text.isdigit():
            yield from ((made, path, entry.start_mark.line + keys.line) for made, path in _paths(keys, text, kind))
        return
    mapping = {str(key.value): value for key, value in entry.value} if entry.id == "mapping" else {}
    known = {word: (word,) for word in _ENTRY_KINDS} | {"path": (kind,), "move": ("delete", "create")}
    if not mapping.keys() & known.keys():
        keys.warn(name, entry, "patterns")
    for word, value in mapping.items():
        for number, end in enumerate(keys.entries(value) if word in known else ()):
            if end.id == "scalar":
                yield from _patterns(keys, name, end, known[word][min(number, len(known[word]) - 1)])
            else:
                keys.warn(name, end, "patterns")
