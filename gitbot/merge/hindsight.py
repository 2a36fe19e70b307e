"""What people made of a conflict, beside what gitbot would have made of it.

A merge in the past shows what was wanted, as far as text can: whoever committed it saw both sides. Here the place of
each conflict is found again in a text, and two answers to one conflict are compared. Nobody's answer is taken for the
right one: people also choose for reasons outside the text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from gitbot.merge.edits import Lines, find_edits, split_lines
from gitbot.model.replay import Likeness


def in_place_of(clean: Sequence[Lines], text: bytes) -> tuple[Lines | None, ...]:
    """The lines of `text` that stand where each conflict was, between the clean texts around them.

    None where the lines next to a conflict are not as git left them: nobody can say where the answer begins.
    """
    frame: list[bytes] = []
    places: list[int] = []
    for number, part in enumerate(clean[:-1]):
        frame += part
        places.append(len(frame))
        frame.append(b"\0%d" % number)  # equal to no line: what git merges as text has no NUL
    edits = find_edits((*frame, *clean[-1]), split_lines(text)) or ()
    found = {edit.start: edit.lines for edit in edits if edit.stop == edit.start + 1}
    return tuple(found.get(place) for place in places)


def compare(one: Lines, other: Lines) -> Likeness:
    """How alike two answers are; blank lines and white space count only for `identical`."""
    if one == other:
        return Likeness.IDENTICAL
    return Likeness.SAME_LINES if _bare(one) == _bare(other) else Likeness.DIFFERENT


def least_like(found: Iterable[Likeness]) -> Likeness:
    """The one that decides what a whole is like."""
    return max(found, key=list(Likeness).index)


def _bare(lines: Lines) -> Counter[bytes]:
    return Counter(bare for line in lines if (bare := b"".join(line.split())))
