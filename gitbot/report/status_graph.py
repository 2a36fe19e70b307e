"""All parallel work as one graph: the target's commits downwards in time, and beside them each branch as a lane."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from gitbot.report.terminal import cells, cut, printable, some

DOTS = 6  # commits of one lane that are drawn
DEEPEST = 8  # branches upon branches that are drawn further to the right
WIDEST = 28  # columns of a branch's name
_KEY = "● commit  ◆ merge  ○ nothing yet  × will conflict as things stand"


class _Row(NamedTuple):
    tree: str  # the lines and dots
    under: str  # the lines that go on below
    lane: Mapping[str, Any]


def graph_text(document: Mapping[str, Any], *, colour: bool, width: int) -> str:
    """The document of `gitbot status` as a graph of `width` columns."""
    target, graph = printable(document["target"]), document["graph"]
    branches = {one["branch"]: one for one in document["branches"]}
    lines: list[str] = []
    before = None
    for root in graph["target"]:
        if before is not None and (between := before - root["behind"] - 1) > 0:
            lines.append(f"┊  {between} commit{'s' if between > 1 else ''}")
        elif before is not None and lines[-1][:1] != "│":
            lines.append("│")
        before = root["behind"]
        at_tip = f"{target}  " if not before else ""
        text = cut(f"●  {at_tip}{root['oid'][:7]} {printable(root['subject'])}", width)
        lines.append(f"\x1b[1m{text}\x1b[0m" if colour and at_tip else text)
        lines += _lanes([*_rows(graph["branches"], root)], branches, document["conflicts"], width)
    if apart := [*_rows(graph["branches"], None)]:
        lines += ["", cut(f"○  nothing in common with {target}", width)]
        lines += _lanes(apart, branches, document["conflicts"], width)
    drawn = {lane["branch"] for lane in graph["branches"]}
    left = {
        state: [name for name, one in branches.items() if name not in drawn and one["state"] == state]
        for state in ("landed", "idle", "stuck", "running", "done")
    }
    lines += ["", *(cut(f"{state}: {some(names)}", width) for state, names in left.items() if names)]
    return "\n".join([*lines, cut(_KEY, width)]) + "\n"


def _rows(lanes: Sequence[Mapping[str, Any]], root: Mapping[str, Any] | None) -> Iterator[_Row]:
    """The lanes that stand on a commit of the target (None: on nothing), each followed by those upon it."""
    upon: dict[str | None, list[Mapping[str, Any]]] = {}
    for lane in lanes:
        upon.setdefault(lane["parent"], []).append(lane)
    base = root["oid"] if root is not None else None
    first = [lane for lane in upon.get(None, ()) if lane["root"] == base]
    trunk = root is not None and root["behind"] > 0
    left = [(lane, "", trunk or lane is not first[-1]) for lane in reversed(first)]
    while left:
        lane, prefix, goes_on = left.pop()
        inner = prefix + ("│ " if goes_on else "  ")
        children = upon.get(lane["branch"], [])
        yield _Row(prefix + ("├─" if goes_on else "└─") + _dots(lane), inner + "│ " * bool(children), lane)
        deeper = inner if len(inner) <= 2 * DEEPEST else prefix
        left += [(child, deeper, child is not children[-1]) for child in reversed(children)]


def _dots(lane: Mapping[str, Any]) -> str:
    merges = {one["at"] for one in lane["merges"]}
    dots = ["◆" if at in merges else "●" for at in range(lane["commits"])]
    if len(dots) > DOTS:
        dots[2:-2] = ["┄"]
    return "─".join(dots) or "○"


def _lanes(
    rows: Sequence[_Row],
    branches: Mapping[str, Mapping[str, Any]],
    conflicts: Sequence[Mapping[str, Any]],
    width: int,
) -> list[str]:
    lines: list[str] = []
    room = max((cells(row.tree) for row in rows), default=0)
    names = {row.lane["branch"]: cut(printable(row.lane["branch"]), WIDEST) for row in rows}
    most = max(map(cells, names.values()), default=0)
    gated = any(one["gate"] for one in branches.values())
    for row in rows:
        one, name = branches[row.lane["branch"]], names[row.lane["branch"]]
        marked = name + "*" * bool(one["uncommitted"])
        count, subject = row.lane["commits"], printable(one["last"]["subject"])
        tested = f"{one['gate']['verdict'] if one['gate'] else '-':10}" if gated else ""
        words = f"+{count:<3} {one['state']:8}{tested}{subject if count else ''}"
        lines.append(cut(f"{_padded(row.tree, room)} {_padded(marked, most + 1)} {words}".rstrip(), width))
        joined = [one["branch"] for one in row.lane["merges"] if one["branch"] is not None]
        meets = [
            o
            for pair in conflicts
            if one["branch"] in pair["branches"]
            for o in pair["branches"]
            if o != one["branch"]
        ]
        brought = [row.lane["base"][:7]] if row.lane["root"] and row.lane["root"] != row.lane["base"] else []
        for sign, others in (("begun before that merge, on", brought), ("◆ merged", joined), ("×", meets)):
            if others:
                lines.append(cut(f"{_padded(row.under, room)} {sign} {some([*dict.fromkeys(others)])}", width))
    return lines


def _padded(text: str, room: int) -> str:
    return text + " " * (room - cells(text))
