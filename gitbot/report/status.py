"""The picture of all live branches: a table, then who will conflict with whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gitbot.report.terminal import printable

SCHEMA = "gitbot.status/1"


def status_text(document: Mapping[str, object], *, colour: bool) -> str:
    """The document of `gitbot status` as a table for people."""
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
            _short(printable(one["last"]["subject"])),
        )
        for one in branches
    ]
    lines = _table(rows, bold=colour)
    lines.append("")
    if conflicts:
        lines.append("conflicts as things stand (accept-both may still keep both):")
        for one in conflicts:
            first, second = (printable(name) for name in one["branches"])
            shown = ", ".join(printable(path) for path in one["paths"][:3])
            more = f" and {len(one['paths']) - 3} more" if len(one["paths"]) > 3 else ""
            lines.append(f"  {first} × {second}  {shown}{more}")
    else:
        lines.append("no textual conflict is coming, among them or with " + printable(str(document["target"])))
    return "\n".join(lines) + "\n"


def _short(text: str) -> str:
    return text if len(text) <= 50 else text[:49] + "…"


def _table(rows: Sequence[Sequence[str]], *, bold: bool) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    if bold:
        lines[0] = f"\x1b[1m{lines[0]}\x1b[0m"
    return lines
