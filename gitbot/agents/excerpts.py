"""What a plan's text says to its agent beyond tasks and files: how to know the end, and what all agents should know.

Pure: lines in, text out, line numbers from 0. What the text means to a schedule is `gitbot.plans`' business.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from gitbot.plans.words import table

_KEYS = ("acceptance", "acceptance_criteria", "success_criteria", "done_when", "must_haves")
_KEY = re.compile(r"([A-Za-z][\w-]*)[ \t]*[:=]")
_HEADING = re.compile(r" {0,3}(#{1,6})[ \t]+(.*)")
_SAYS = "|".join(map(re.escape, sorted(table("topics")["acceptance"], key=len, reverse=True)))
_TITLE = re.compile(rf"[\W\d_]{{0,12}}(?:{_SAYS})", re.I)
_LABEL = re.compile(rf"[\s>*_-]{{0,12}}(?:{_SAYS})\b[\w ()]{{0,40}}[*_]{{0,2}}[:：]", re.I)


def front_lines(lines: Sequence[str], keys: Collection[str]) -> range:
    """Where the front matter holds the first of these keys with its value; an empty range at its end without one."""
    ends = ("---", "+++", "...") if lines and lines[0].rstrip() in ("---", "+++") else ()
    end = next((at for at, line in enumerate(lines[1:], 1) if line.rstrip() in ends), 0)
    names = {at: found[1].lower().replace("-", "_") for at in range(1, end) if (found := _KEY.match(lines[at]))}
    start = next((at for at, name in names.items() if name in keys), end)
    return range(start, next((at for at in names if at > start), end))


def acceptance(lines: Sequence[str], start: int, stop: int) -> str:
    """What the lines from `start` to `stop` say of when the work is done: under a heading or label, or in a key."""
    kept = [lines[at] for at in front_lines(lines, _KEYS)] if start == 0 else []
    level, labelled, fence = 0, False, False
    for line in lines[start or front_lines(lines, ()).stop : stop]:
        fence ^= line.lstrip().startswith(("```", "~~~"))
        heading = None if fence else _HEADING.match(line)
        if heading and not 0 < level < len(heading[1]):
            level = len(heading[1]) if _TITLE.match(heading[2]) else 0
        begins = labelled or (not fence and _LABEL.match(line) is not None)
        labelled = begins and not heading and bool(line.strip())
        kept += [line] if level or labelled else []
    return "\n".join(kept).strip()


def around(lines: Sequence[str], plans: Sequence[int]) -> str:
    """What stands above the first and below the last of the plans of one file, which begin at these lines."""
    front, last = front_lines(lines, ()).stop, max(plans)
    own = _HEADING.match(lines[last])
    headings = ((at, _HEADING.match(lines[at])) for at in range(last + 1, len(lines) if own else 0))
    below = next((at for at, found in headings if found and own and len(found[1]) <= len(own[1])), len(lines))
    parts = ("\n".join(lines[front + bool(front) : min(plans)]), "\n".join(lines[below:]))
    return "\n\n".join(part.strip("\n") for part in parts if part.strip())
