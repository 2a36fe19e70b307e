"""The picture of all live branches: a table, then who is stuck, who will conflict with whom, and what to look at."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

from gitbot.report.terminal import cells, cut, printable, some

SCHEMA = "gitbot.status/1"


def status_text(document: Mapping[str, object], *, colour: bool, width: int) -> str:
    """The document of `gitbot status` as a table of `width` columns for people."""
    branches = document["branches"]
    conflicts = document["conflicts"]
    assert isinstance(branches, list)
    assert isinstance(conflicts, list)
    if not branches:
        return "no branch of a plan and no linked work tree here yet; name branches: gitbot status 'agent-*'\n"
    rows = [("branch", "state", "tasks", "ahead", "files", "last commit")]
    rows += [
        (
            printable(one["branch"]),
            one["state"],
            f"{one['tasks']['done']}/{one['tasks']['total']}" if one["tasks"] else "-",
            f"+{one['ahead']} -{one['behind']}",
            str(len(one["files"])),
            printable(one["last"]["subject"]),
        )
        for one in branches
    ]
    lines = _table(rows, width, bold=colour)
    stuck = [f"{one['branch']}: {one['stuck']}" for one in branches if one["stuck"]]
    lines += _listed("stuck:", stuck, width)
    met = [f"{' × '.join(map(printable, one['branches']))}  {some(one['paths'])}" for one in conflicts]
    lines += _listed("conflicts as things stand (accept-both may still keep both):", met, width)
    if not conflicts:
        lines += ["", f"no textual conflict is coming, among them or with {printable(str(document['target']))}"]
    hints = [f"{one['branch']}: {hint.text}" for one in branches for hint in one["hints"]]
    lines += _listed("merges cleanly, and may not work together:", hints, width)
    return "\n".join(lines) + "\n"


def _listed(title: str, items: Sequence[str], width: int) -> list[str]:
    """A heading over one paragraph for each; paths in them stay whole."""
    wrap = textwrap.TextWrapper(width, initial_indent="  ", subsequent_indent="    ", break_long_words=False)
    wrap.break_on_hyphens = False
    return ["", title, *(line for item in items for line in wrap.wrap(printable(item)))] if items else []


def _table(rows: Sequence[Sequence[str]], width: int, *, bold: bool) -> list[str]:
    """Columns as wide as what they hold, the last one cut off."""
    widths = [max(cells(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    room = max(20, width - sum(widths) - 2 * len(widths))
    lines: list[str] = []
    for *row, last in rows:
        padded = (cell + " " * (most - cells(cell)) for cell, most in zip(row, widths, strict=True))
        lines.append("  ".join([*padded, cut(last, room)]))
    if bold:
        lines[0] = f"\x1b[1m{lines[0]}\x1b[0m"
    return lines
