"""Text of strangers inside Markdown of ours: in code spans and blocks that it cannot leave, or without marks."""

from __future__ import annotations

import re

from gitbot.report.terminal import printable

LONGEST = 60  # lines of a block
WIDEST = 1000  # characters of a line

_TICKS = re.compile("`+")
_LIVELY = re.compile(r"[<\[]")


def sentence(text: str) -> str:
    """It may begin with the name of a file or branch: never capitalised. No tag, link or image comes to life."""
    return _LIVELY.sub(r"\\\g<0>", " ".join(printable(text).split())).rstrip(".") + "."


def fenced(text: str, most: int = LONGEST, wide: int = WIDEST, info: str = "text") -> str:
    """A block of code of so many lines and columns, and how many lines were left out."""
    every = text.splitlines()
    shown = map(printable, every[:most])  # before the fence is measured: what is taken out may part backticks
    lines = [line[:wide] + "…" * (len(line) > wide) for line in shown]
    if len(every) > len(lines):
        lines.append(f"… {len(every) - len(lines)} more lines")
    fence = _fence("\n".join(lines), 3)
    return "\n".join([fence + info, *lines, fence])


def code(text: str) -> str:
    """A code span on one line, whatever the text holds."""
    text = " ".join(printable(text).split())
    fence = _fence(text, 1)
    room = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{room}{text}{room}{fence}"


def _fence(text: str, least: int) -> str:
    return "`" * max([least, *(len(run) + 1 for run in _TICKS.findall(text))])
