"""The picture of all live branches: a table, then who is stuck, who will conflict with whom, and what to look at."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gitbot.report.drift import places
from gitbot.report.terminal import cells, cut, printable, some, wrapped

SCHEMA = "gitbot.status/1"
MANY = 20  # branches, of which no screen shows the whole table
LONGEST_NAME = 40  # columns, where two names stand beside each other
NOT_COUNTED = "too large, too many or not readable to be counted"
SHORTEST_NAME = 8  # columns, that still tell one from another


def status_text(document: Mapping[str, object], *, colour: bool, width: int) -> str:
    """The document of `gitbot status` as a table of `width` columns for people."""
    branches = document["branches"]
    conflicts = document["conflicts"]
    assert isinstance(branches, list)
    assert isinstance(conflicts, list)
    if not branches:
        return "no branch of a plan and no linked work tree here yet; name branches: gitbot status 'agent-*'\n"
    gated = any(one["gate"] for one in branches)
    rows = [("branch", "state", *(("gate",) if gated else ()), "tasks", "ahead", "files", "last commit")]
    rows += [
        (
            printable(one["branch"]) + "*" * bool(one["uncommitted"]),
            one["state"],
            *((one["gate"]["verdict"] if one["gate"] else "-",) if gated else ()),
            f"{one['tasks']['done']}/{one['tasks']['total']}" if one["tasks"] else "-",
            f"+{one['ahead']} -{one['behind']}",
            str(len(one["files"])),
            printable(one["last"]["subject"]),
        )
        for one in branches
    ]
    lines = _table(rows, width, bold=colour)
    working = [_working(one) for one in branches if one["progress"]["at_work"]]
    lines += _listed("at work:", working, width)
    stuck = [f"{one['branch']}: {one['stuck']}" for one in branches if one["stuck"]]
    lines += _listed("stuck:", stuck, width)
    red = [f"{one['branch']}: {some(words)}" for one in branches if (words := fails(one))]
    lines += _listed("does not pass the gate by itself:", red, width)
    met = [*(_pairs(conflicts) if len(conflicts) <= 2 * MANY else _partners(conflicts))]
    lines += _listed("conflicts as things stand (accept-both may still keep both):", met, width)
    lines += [line for one in conflicts for line in _hunks(one, width)]
    lines += _matrix([one["branches"] for one in conflicts], width)
    edited = [f"{one['branch']}: {some(paths)}" for one in branches if (paths := counted(one))]
    lines += _listed("* not committed yet, and counted above:", edited, width)
    dropped = [f"{one['branch']}: {some(one['uncounted'])}" for one in branches if one["uncounted"]]
    lines += _listed(f"* not committed yet, and {NOT_COUNTED}:", dropped, width)
    out = [f"{one['branch']}: {some(one['in_the_way'])}" for one in branches if one["in_the_way"]]
    lines += _listed(f"in the way in the checkout of {document['target']}, so that these cannot land:", out, width)
    told = [(one["branch"], one["drift"], one["state"]) for one in branches if one["drift"]]
    strayed = [f"{name}: {some([*places(drift)])}" for name, drift, _ in told if [*places(drift)]]
    lines += _listed("touched, and not claimed by its plan:", strayed, width)
    left = [f"{name}: {some(drift.untouched)}" for name, drift, state in told if drift.untouched and state == "done"]
    lines += _listed("done, and claimed but never touched:", left, width)
    if not conflicts:
        but = ", but for what is not counted" * bool(dropped)
        lines += ["", f"no textual conflict is coming, among them or with {printable(str(document['target']))}{but}"]
    hints = [f"{one['branch']}: {hint.text}" for one in branches for hint in one["hints"]]
    lines += _listed("merges cleanly, and may not work together:", hints, width)
    if pairs := document.get("unforeseen"):
        lines += ["", unforeseen(pairs)]
    overall = document["overall"]
    assert isinstance(overall, dict)
    if len(branches) > MANY:
        counts = Counter(one["state"] for one in branches)
        pairs = f"; {len(conflicts)} pair{'s' if len(conflicts) > 1 else ''} will conflict" if conflicts else ""
        lines += ["", ", ".join(f"{number} {state}" for state, number in counts.most_common()) + pairs]
    if overall["percent"] is not None:
        lines += ["", f"{overall['percent']} % of all, {overall['done']} of {overall['total']} tasks"]
    return "\n".join(lines) + "\n"


def counted(one: Mapping[str, Any]) -> list[str]:
    """What is uncommitted of a branch and has been part of the trials."""
    return sorted({*one["uncommitted"]} - {*one["uncounted"]})


def unforeseen(pairs: object) -> str:
    """How many pairs nobody has looked at."""
    return f"not looked at for what merges and may not work together: {pairs} pairs, being many or large"


def fails(one: Mapping[str, Any]) -> Sequence[str]:
    """Which tests of a branch failed, else what the gate wrote last."""
    gate = one["gate"] or {}
    return gate.get("failing") or [said for said in (gate.get("said"),) if said]


def _pairs(conflicts: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for one in conflicts:
        yield f"{' × '.join(map(_short, one['branches']))}  {some(one['paths'])}"


def _partners(conflicts: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The same where it would be too long: each branch once, with those that it meets, and where."""
    for name in dict.fromkeys(name for one in conflicts for name in one["branches"]):
        met = [one for one in conflicts if name in one["branches"]]
        others = [_short(other) for one in met for other in one["branches"] if other != name]
        paths = [*dict.fromkeys(path for one in met for path in one["paths"])]
        yield f"{_short(name)} × {some(others)}  {some(paths)}"


def _short(name: str) -> str:
    return cut(printable(name), LONGEST_NAME, middle=True)


def _working(one: Mapping[str, Any]) -> str:
    progress = one["progress"]
    since = f" since {time.strftime('%H:%M', time.localtime(progress['since']))}" if progress["since"] else ""
    share = f", {progress['percent']} %" if progress["percent"] is not None else ""
    return f"{one['branch']}{since}{share}"


def _hunks(conflict: Mapping[str, Any], width: int) -> Iterator[str]:
    """Where two branches wrote the same lines, and what."""
    for place in conflict.get("hunks", ()):
        yield from ("", cut(f"{printable(place['path'])}:{place['line']}", width))
        for name, side in zip(conflict["branches"], place["sides"], strict=True):
            yield cut(f"  {printable(name)}:", width)
            yield from (cut(f"    {printable(line)}", width) for line in side)
    if rest := places_left_out(conflict):
        yield from ("", cut(f"{' × '.join(map(_short, conflict['branches']))}: and {rest}", width))


def places_left_out(conflict: Mapping[str, Any]) -> str:
    """How many places of two branches are in no `hunks`; nothing where all are."""
    more = conflict.get("places", 0) - len(conflict.get("hunks", ()))
    unread = conflict.get("unread", 0)
    told = [f"{more} more place{'s' * (more > 1)}"] if more > 0 else []
    told += [f"{unread} file{'s' * (unread > 1)} whose changes are too long to be shown"] if unread else []
    return " and ".join(told)


def _matrix(pairs: Sequence[Sequence[str]], width: int) -> list[str]:
    """Who collides with whom, of those who do; nothing where a list says as much."""
    names = list(dict.fromkeys(name for pair in pairs for name in pair))
    if len(names) < 3:
        return []
    room = width - 6 - 3 * len(names)
    if room < SHORTEST_NAME:
        return _listed("who meets whom:", [f"{len(names)} are too many for {width} columns: --format html"], width)
    room = min(max(cells(printable(name)) for name in names), 30, room)
    met = {frozenset(pair) for pair in pairs}
    head = " " * (room + 6) + "".join(f"{number:>3}" for number in range(1, len(names) + 1))
    lines = ["", "who meets whom (× collides):", head]
    for number, name in enumerate(names, 1):
        shown = cut(printable(name), room, middle=True)
        row = "".join("  -" if name == other else "  ×" if {name, other} in met else "  ·" for other in names)
        lines.append(f"  {number:>3} {shown}{' ' * (room - cells(shown))}{row}")
    return lines


def _listed(title: str, items: Sequence[str], width: int) -> list[str]:
    """A heading over one paragraph for each."""
    return ["", title, *(line for item in items for line in wrapped(printable(item), width))] if items else []


def _table(rows: Sequence[Sequence[str]], width: int, *, bold: bool) -> list[str]:
    """Columns as wide as what they hold, the last one cut off, and names where nothing would be left for it."""
    widths = [max(cells(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    widths[0] = min(widths[0], max(20, width - sum(widths[1:]) - 2 * len(widths) - 20))
    room = max(20, width - sum(widths) - 2 * len(widths))
    lines: list[str] = []
    for name, *row, last in rows:
        row.insert(0, cut(name, widths[0], middle=True))
        padded = (cell + " " * (most - cells(cell)) for cell, most in zip(row, widths, strict=True))
        lines.append("  ".join([*padded, cut(last, room)]))
    if bold:
        lines[0] = f"\x1b[1m{lines[0]}\x1b[0m"
    return lines
