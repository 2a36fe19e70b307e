"""Who owns what in a drawn tree: `auth.ts ← Agent A`, `cli.ts ← Shared, agents don't touch`, `shared/ ← Build first`.

Runs on every file beside its reader. An entry without an arrow claims nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice, pairwise

from gitbot.model.plan import Claim, Need, NeedKind, Plan, PlanId
from gitbot.plans.document import PLAIN_FENCES, Document, Kind
from gitbot.plans.merging import merge_same
from gitbot.plans.names import agents_in, fold, slug
from gitbot.plans.paths import Tree
from gitbot.plans.phrases import phrase
from gitbot.plans.words import claim, words

_LINE = phrase(r"(?P<lead>(?:[\s│┃|├└╰╠╚─━═`\\-]|\+(?=-))*+)(?P<name>\([\w.-]{1,80}\)/?|[^\s←⟵✅#(<]\S*)(?P<rest>.*)")
_BRANCH = phrase(r"[├└╰╠╚]|[|+`\\](?=--)")
_NAME = phrase(r"\S*/\S*|[`*]*\.?[\w-]+(?:\.[\w-]+)+[`*]*")
_DEEPEST = 64
_MOST_BESIDE = 50  # names on one line
_BULLET = phrase(r"^(\s*)[-*+] (?:\[.\] )?")
_SIGN = phrase(r"←|⟵|<-{1,2}|#|✅")
_ARROW = phrase(rf"[ \t`*]*(?P<sign>{_SIGN.pattern})[ \t]*(?P<words>\S.{{0,399}})")
_OWNS = phrase(r"(?P<who>\w[\w-]{0,60})[ \t]+owns\b", re.I)
_NOBODYS = phrase(
    r"(?:don't|do not|never|must not)[ \t]+(?:touch|edit|modify)|\bnobody\b"
    r"|(?:multiple|both|all|several)[ \t]agents|everyone",
    re.I,
)
_CHANGED = phrase(
    r"[←(\[<][\s*`-]*(?:new|add|creat|modif|updat|edit|chang|extend|delet|remov|新|修改|更新|変更|修正|追加|수정|추가|нов|измен)"
    r"|(?<![\w/])(?:NEW|ADD|CREATED?|MODIF(?:Y|IED)|UPDATED?|EDIT(?:ED)?|CHANGED?|DELETED?)(?![\w/])"
)
_MOST_MARKS = 1_000  # entries with arrows that are read
_MOST_FIRST = 12  # entries that hold all others back: each gives every plan a need
FIRST = phrase(r"\b(?:build|built|finish|finished|done|comes?|goes|lands?)\b.{0,20}\bfirst\b|^first\b", re.I)
"""Words behind an arrow that put an entry before all others."""
AFTER = phrase(
    r"(?:depends on|needs|requires|after|waits? for|blocked by)[ \t]+(?:the[ \t]+)?(?P<what>\S.{0,200})", re.I
)
"""Words behind an arrow that put an entry behind what they name."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a tree: its path from the tree's root, and what stands behind the name."""

    line: int
    path: str  # ends in a slash where the line does
    rest: str
    leaf: bool = True


@dataclass(frozen=True, slots=True)
class _Mark:
    """One entry with an arrow."""

    path: str
    line: int
    words: str
    owners: tuple[str, ...]  # () = the set's, nobody's alone
    agents: bool = False  # the owners are agents, not the entry itself


def entries(lines: Iterable[str], first: int) -> list[Entry]:
    """The entries of some lines, the first of which has this number; a line of prose begins a new tree."""
    found: list[Entry] = []
    stack: list[tuple[int, str, int]] = []  # depth, path without final slash, place in `found`
    for number, line in enumerate(lines, first):
        match = _LINE.match(line[:1_000])
        if match is None:
            continue
        branch = _BRANCH.search(match["lead"])
        if not branch and not (_NAME.fullmatch(match["name"].rstrip(",")) or match["name"].lower() in words("names")):
            stack.clear()
            continue
        depth = 2 * (branch.start() if branch else len(match["lead"])) + (branch is not None)
        while stack and stack[-1][0] >= depth:
            stack.pop()
        name = match["name"].rstrip(",").strip("`*").removeprefix("./")
        above = stack[-1][1] if stack else ""
        path = "/".join(part for part in (above, name) if part and part != ".")
        if stack:
            found[stack[-1][2]] = replace(found[stack[-1][2]], leaf=False)
        if len(stack) < _DEEPEST:
            stack.append((depth, path.rstrip("/"), len(found)))
        found.append(Entry(number, path, match["rest"]))
        if match["name"].endswith(","):  # "till.c, cart.c" on one line
            beside = (part.strip() for part in match["rest"].split(",")[:_MOST_BESIDE])
            found += [Entry(number, f"{above}/{part}".lstrip("/"), "") for part in beside if _NAME.fullmatch(part)]
    return found


def drawn(lines: list[str], first: int, tree: Tree) -> list[Entry]:
    """The files and empty folders of a drawing with branches, from the repository's top; nothing for other lines.

    Where some are marked as new or changed, the others only show where those lie.
    """
    branches = sum(_BRANCH.search(line[:200]) is not None for line in lines)
    found = entries(lines, first) if branches > 1 or _indented(lines) else []
    heads = {entry.path.partition("/")[0] for entry in found}
    seconds = {entry.path.split("/")[1].lower() for entry in found if "/" in entry.path}
    top = seconds & (words("top-folders") | words("root-names") | words("names"))
    head = next(iter(heads)) if len(heads) == 1 else ""
    if head and top and head.lower() not in words("top-folders") and not tree.holds(head):  # the project's name
        found = [replace(entry, path=entry.path.partition("/")[2]) for entry in found]
    if any(owned(entry.rest) for entry in found):
        return []
    leaves = [entry for entry in found if entry.leaf]
    return [entry for entry in leaves if _CHANGED.search(entry.rest)] or leaves


def _indented(lines: list[str]) -> bool:
    """Whether lines are a tree of names that only their margins draw: folders with names below them."""
    named = [match for line in lines if line.strip() and (match := _LINE.match(line[:1_000]))]
    below = any(
        above["name"].endswith("/") and len(name["lead"]) > len(above["lead"]) for above, name in pairwise(named)
    )
    return below and all(_NAME.fullmatch(match["name"].rstrip(",")) for match in named)


def owned(rest: str) -> bool:
    """Whether what stands behind an entry gives it to somebody."""
    arrow = _ARROW.match(rest)
    given = arrow and arrow["sign"] not in "#✅" and not _CHANGED.search(rest)
    return bool(given or agents_in(rest) or _OWNS.search(rest))


def read(document: Document) -> tuple[tuple[Plan, ...], tuple[Claim, ...]]:
    """A plan per agent that the trees name, and what they share."""
    marks = list(islice(_marks(document), _MOST_MARKS))
    shared = (replace(claim("shared", m.path, m.line, 0.9), path=document.path) for m in marks if not m.owners)
    plans = merge_same(_plan(document, mark, owner) for mark in marks for owner in mark.owners)
    firsts = [(owner, mark) for mark in marks if FIRST.search(mark.words) for owner in mark.owners][:_MOST_FIRST]
    ahead = {fold(owner) for owner, _ in firsts}
    waits = tuple(Need(owner, NeedKind.HARD, mark.line, mark.words) for owner, mark in firsts)
    held = (plan if fold(plan.id) in ahead else replace(plan, needs=plan.needs + waits) for plan in plans)
    return tuple(held), tuple(shared)


def _marks(document: Document) -> Iterator[_Mark]:
    lines = document.text.split("\n")
    for block in document.blocks:
        if block.kind is Kind.HEADING or (block.kind is Kind.FENCE and block.info not in PLAIN_FENCES):
            continue
        drawn = lines[block.line - 1 : block.line + block.text.count("\n")]
        if not any(map(_SIGN.search, drawn)):
            continue
        for entry in entries((_BULLET.sub(r"\1", line) for line in drawn), block.line):
            if arrow := _ARROW.match(entry.rest):
                mark = _mark(_path(entry.path, document.tree), entry.line, arrow["sign"], arrow["words"].strip())
                if mark and (mark.agents or not mark.owners or block.state is None):
                    yield mark


def _mark(path: str, line: int, sign: str, words: str) -> _Mark | None:
    """What an arrow's words say of an entry; None when they are a mere comment."""
    arrow = sign != "#"
    agents = agents_in(words)
    if arrow and not agents and (owns := _OWNS.match(words)):
        agents = (owns["who"],)
    if re.match(r"shared\b", words, re.I) or (not agents and _NOBODYS.search(words)):
        return _Mark(path, line, words, ()) if arrow else None
    if agents:
        return _Mark(path, line, words, agents, agents=True)
    entry = slug(path.rstrip("/").rpartition("/")[2])
    return _Mark(path, line, words, (entry,)) if arrow and (FIRST.search(words) or AFTER.match(words)) else None


def _path(path: str, tree: Tree) -> str:
    """The entry seen from the repository's top: a root that is only the project's name is dropped."""
    head, _, rest = path.partition("/")
    if rest and tree.index and not tree.holds(head) and tree.holds(rest.partition("/")[0]):
        return rest
    return tree.rooted(path)


def _plan(document: Document, mark: _Mark, owner: str) -> Plan:
    after = AFTER.match(mark.words)
    return Plan(
        id=PlanId(owner),
        path=document.path,
        format="tree",
        line=mark.line,
        agent=owner if mark.agents else None,
        title="" if mark.agents else mark.path,
        phase=document.phase_at(mark.line),
        claims=(claim("own", mark.path, mark.line, 0.9),),
        needs=(Need(after["what"].strip(), NeedKind.HARD, mark.line, mark.words, strict=False),) if after else (),
    )
