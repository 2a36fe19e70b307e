"""The rungs: rules that keep both sides of one conflict, each with what it is expected to be right about.

Pure functions of a conflict and of what is around it. A rung says nothing (None) to a conflict that is not of its
shape, and why (Refused) to one that it had better not settle.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from itertools import pairwise

from gitbot.fileclasses import FileClass
from gitbot.languages import bound_names, is_data, is_import, strict_parse, whole_definitions
from gitbot.merge.edits import Edit, Lines, Refused, apply_edits, find_edits, split_lines
from gitbot.merge.hunks import ConflictedFile, Hunk, inner_sides
from gitbot.merge.invariants import Grain, Sides, excerpt, split_tokens
from gitbot.merge.structure import by_declaration, by_key

# Changelogs and lists of people: what is in them stands by itself, and its order hardly matters.
_ENTRIES = re.compile(
    r"(?:.*/)?(?:(?:changelogs?|whatsnew|release[-_]?notes|releases)/.*\.(?:md|rst|txt|adoc|markdown)"
    r"|(?:changelog|changes|history|news|release[-_]?notes|whatsnew|authors|contributors|thanks)"
    r"(?:\.(?:md|rst|txt|adoc|markdown))?)",
    re.I,
)
_HEADING = re.compile(rb"\s*(?:#{1,6}\s|=+\s\S|([=~^*+-])\1{2,}\s*$)")  # Markdown, AsciiDoc, reST's underlines
_PROSE = (".md", ".rst", ".txt", ".adoc", ".markdown")
_WORD = re.compile(rb"\w")
_SEPARATORS = frozenset((b",", b";", b"(", b")", b"[", b"]", b"{", b"}"))
_LONGEST = 12  # lines: where both changed more, it was mostly one piece of work done twice
_VERSION = re.compile(
    rb"""\W*(?:__version__|[\w.-]*version|pkgver)\b["']?\s*[:=]|\s*<version>|\W*v?\d+\.\d+\.\d+[\w.+-]*\W*$""", re.I
)


class Manner(StrEnum):
    """How much accept-both dares."""

    CAREFUL = "careful"
    BOLD = "bold"


@dataclass(frozen=True, slots=True)
class Context:
    """What a rung may look at besides its conflict."""

    file: ConflictedFile
    manner: Manner
    kind: FileClass | None
    hunk: Hunk
    before: bytes  # the text around the conflict, every other one as the target has it
    after: bytes

    @property
    def sides(self) -> Sides:
        """The file as if this were its only conflict."""
        base = None if self.file.base is None else self.filled(self.hunk.base)
        return Sides(self.file.path, base, self.filled(self.hunk.ours), self.filled(self.hunk.theirs))

    def filled(self, lines: Lines) -> bytes:
        """The text with these lines in place of the conflict."""
        return b"".join((self.before, *lines, self.after))


# None: the conflict is not of the shape that the rung is for.
Settle = Callable[[Hunk, Context], Lines | Refused | None]


@dataclass(frozen=True, slots=True)
class Rung:
    """One rule. `name` is what reports call it, `why` what makes its answer right."""

    name: str
    settle: Settle
    why: str
    grain: Grain = Grain.LINES
    costly: bool = False  # reads the whole file: asked only where no other rung answers


Recorded = Callable[[str], bytes | None]
"""What was decided before about a conflict with this key."""


def hunk_key(path: str, hunk: Hunk) -> str:
    """What a decision about a conflict is recorded under: the same for the same texts, whichever side is whose."""
    parts = [path.encode("utf-8", "surrogateescape"), b"".join(hunk.base)]
    parts += sorted(b"".join(side) for side in (hunk.ours, hunk.theirs))
    return hashlib.sha256(b"".join(b"%d\0%b" % (len(part), part) for part in parts)).hexdigest()[:40]


def recorded_as(known: Recorded) -> Rung:
    """The first rung: what was decided before for the same three texts of the same path."""

    def settle(hunk: Hunk, context: Context) -> Lines | None:
        answer = known(hunk_key(context.file.path, hunk))
        return None if answer is None else split_lines(answer)

    return Rung("recorded", settle, "this very conflict was decided before", Grain.DECIDED)


def line_disjoint(hunk: Hunk, context: Context) -> Lines | Refused | None:
    """Both sides' edits, when no line of the base was edited by both.

    Replacements may touch. Two insertions at one point, or an insertion beside the other side's change, may not:
    nothing says which comes first.
    """
    if not hunk.base:
        return None
    edits = sorted(hunk.ours_edits + hunk.theirs_edits)
    for before, after in pairwise(edits):
        touching = before.stop == after.start
        if after.start < before.stop or (touching and (_inserts(before) or _inserts(after))):
            return Refused(f"both sides changed line {_target_line(hunk, after.start)}")
    if context.manner is Manner.CAREFUL:
        why = _not_careful(hunk, context)
        if why is not None:
            return Refused(f"careful leaves {why} to a person")
    return apply_edits(hunk.base, edits)


def _not_careful(hunk: Hunk, context: Context) -> str | None:
    """What this conflict is, where touching edits turned out to depend on each other more often than elsewhere."""
    if context.kind is FileClass.MANIFEST:
        return "manifests"
    if context.file.path.lower().endswith(_PROSE):
        return "running text"
    if any(_VERSION.match(line) for line in _changed(hunk.base, hunk.ours_edits + hunk.theirs_edits)):
        return "version lines"
    return _entangled(hunk)


def _entangled(hunk: Hunk) -> str | None:
    """What tells that two changes may depend on each other, though they touch different lines or items."""
    if hunk.base and max(map(len, (hunk.base, hunk.ours, hunk.theirs))) > _LONGEST:
        return "long conflicts"
    before = _words(hunk.base)
    for side, edits in ((hunk.ours, hunk.theirs_edits), (hunk.theirs, hunk.ours_edits)):
        words = {word for edit in edits for word in _words(edit.lines) if not word.isdigit()}
        used = (before - _words(side)) & words
        if used:
            return f"what one side takes away and the other uses: {excerpt(min(used))}"
    return None


def _target_line(hunk: Hunk, at: int) -> int:
    """Where line `at` of the hunk's base is, or was, in the target's file."""
    gained = sum(len(e.lines) - (e.stop - e.start) for e in hunk.ours_edits if e.stop <= at)
    return hunk.line + at + gained


def _inserts(edit: Edit) -> bool:
    return edit.start == edit.stop


def _changed(base: Lines, edits: Iterable[Edit]) -> Iterable[bytes]:
    for edit in edits:
        yield from base[edit.start : edit.stop]
        yield from edit.lines


def shared_union(hunk: Hunk, context: Context, *, swapped: bool) -> Lines | Refused | None:
    """Both insertions in a file that was declared to take them."""
    if hunk.base or not context.file.additive:
        return None
    return _both(hunk, context, swapped)


def insert_both(hunk: Hunk, context: Context, *, swapped: bool) -> Lines | Refused | None:
    """Both insertions at one point, one after the other."""
    if hunk.base:
        return None
    answer = _both(hunk, context, swapped)
    if context.manner is Manner.BOLD or isinstance(answer, Refused) or _is_careful(hunk, context):
        return answer
    return Refused(
        f"both sides inserted at line {hunk.line}, and careful keeps both only where order hardly matters; "
        "`additive` can name the file"
    )


def under_heading(hunk: Hunk, context: Context) -> Lines | Refused | None:
    """The entries of both sides below a heading that both wrote, which then stands once."""
    head, (ours, theirs) = hunk.ours[: hunk.head], inner_sides(hunk)
    if hunk.base or not (ours and theirs) or _ENTRIES.fullmatch(context.file.path) is None:
        return None
    if not any(map(_HEADING.match, head)) or any(map(_HEADING.match, ours + theirs)):
        return None
    common = _telling(ours) & _telling(theirs)
    if common:
        return Refused(f"both sides wrote the line {excerpt(min(common))}")
    return head + ours + theirs + hunk.ours[len(hunk.ours) - hunk.foot :]


def _both(hunk: Hunk, context: Context, swapped: bool) -> Lines | Refused:
    why = guard(hunk, context.file.path)
    if why is not None:
        return Refused(why)
    first, second = (hunk.theirs, hunk.ours) if swapped else (hunk.ours, hunk.theirs)
    if not first[-1].endswith(b"\n"):
        return Refused("nothing can follow a last line without a line end")
    headed = [any(map(_HEADING.match, side)) for side in (first, second)]
    if context.file.path.lower().endswith(_PROSE) and headed == [True, False]:
        return Refused("what one side added would come under the other's heading")
    return first + second


def guard(hunk: Hunk, path: str) -> str | None:
    """Why two insertions look like two versions of one thing (measured: such pairs are rarely both wanted).

    Lines that git moved out of the hunk are whole insertions' first and last ones. Two definitions may well begin
    with the same decorator and end with the same return; anything else that does is one thing written twice.
    """
    ours, theirs = (bound_names(path, side) for side in (hunk.ours, hunk.theirs))
    inner_ours, inner_theirs = (hunk.ours, hunk.theirs) if not (ours and theirs) else inner_sides(hunk)
    common = _telling(inner_ours) & _telling(inner_theirs)
    if common:
        return f"both sides wrote the line {excerpt(min(common))}"
    if not (_is_balanced(hunk.ours) and _is_balanced(hunk.theirs)):
        return "an insertion opens a bracket that it does not close, or the reverse"
    return None


def bound_twice(hunk: Hunk, path: str) -> str | None:
    """The name that both sides newly give a meaning, in words: two versions of one thing, or one hides the other."""
    if is_data(path) or path.lower().endswith(_PROSE):
        return None
    alike = {line for edit in hunk.ours_edits for line in edit.lines}
    alike &= {line for edit in hunk.theirs_edits for line in edit.lines}
    ours, theirs = (
        {name for e in edits for name in bound_names(path, [line for line in e.lines if line not in alike])}
        for edits in (hunk.ours_edits, hunk.theirs_edits)
    )
    both = (ours & theirs) - bound_names(path, hunk.base)
    return f"both sides define {excerpt(min(both))}" if both else None


def _telling(lines: Lines) -> set[bytes]:
    """Lines long enough to say something: five bytes or more without white space around them, and a word in them."""
    return {line.strip() for line in lines if len(line.strip()) > 4 and _WORD.search(line)}


def _is_balanced(lines: Lines) -> bool:
    text = b"".join(lines)
    return all(text.count(opening) == text.count(closing) for opening, closing in (b"()", b"{}", b"[]"))


def _is_careful(hunk: Hunk, context: Context) -> bool:
    """Whether keeping both insertions is right about as often as a colleague would be."""
    file = context.file
    if file.base is None:
        return False
    if _ENTRIES.fullmatch(file.path) is not None:
        return True
    if bool(strict_parse(file.path, file.ours) and strict_parse(file.path, file.theirs)) and _both_define(
        file.path, hunk
    ):
        return True
    lines = [line for line in hunk.ours + hunk.theirs if line.strip()]
    open_to_both = context.kind is FileClass.WIRING or all(is_import(file.path, line) for line in lines)
    return open_to_both and not _mostly_alike(hunk)


def _mostly_alike(hunk: Hunk) -> bool:
    """Whether two thirds of the shorter insertion's words are the other's too: one thing in two versions."""
    ours, theirs = map(_words, (hunk.ours, hunk.theirs))
    return 3 * len(ours & theirs) >= 2 * min(len(ours), len(theirs))


def _both_define(path: str, hunk: Hunk) -> bool:
    """Whether both insertions are whole new definitions with distinct names.

    git slides an insertion down as far as equal lines allow, so that it may begin after its own decorator and end
    with the next one's. Both are turned back together, or the second would take the first one's place.
    """
    ours, theirs, above = hunk.ours, hunk.theirs, hunk.above
    while True:
        names = whole_definitions(path, b"".join(ours)), whole_definitions(path, b"".join(theirs))
        if names[0] and names[1]:
            return not set(names[0]) & set(names[1])
        if not above or not ours[-1] == theirs[-1] == above[-1]:
            return False
        ours, theirs, above = (above[-1], *ours[:-1]), (above[-1], *theirs[:-1]), above[:-1]


def tokens(hunk: Hunk, context: Context) -> Lines | Refused | None:
    """Both sides' edits within the lines that both changed, when they changed different words of them."""
    if not len(hunk.base) == len(hunk.ours) == len(hunk.theirs) > 0:
        return None
    merged = tuple(map(_merged_line, hunk.base, hunk.ours, hunk.theirs))
    if None in merged:
        return Refused(f"both sides changed the same words near line {hunk.line}")
    if context.manner is Manner.CAREFUL and not all(
        is_import(context.file.path, line) for line in hunk.base + hunk.ours + hunk.theirs if line.strip()
    ):
        return Refused("careful merges within lines only in lists of imports")
    return tuple(line for line in merged if line is not None)


def _merged_line(base: bytes, ours: bytes, theirs: bytes) -> bytes | None:
    """One line with the words of both sides; None where they meet."""
    if base in (ours, theirs) or ours == theirs:
        return theirs if base == ours else ours
    old, *new = map(split_tokens, (base, ours, theirs))
    to_ours, to_theirs = (find_edits(old, side) for side in new)
    if to_ours is None or to_theirs is None:
        return None
    edits = sorted({*to_ours, *to_theirs})
    for before, after in pairwise(edits):
        if after.start <= before.stop and not (before.start == before.stop == after.start and _lists(before, after)):
            return None
        if after.start > before.stop and not _SEPARATORS & set(old[before.stop : after.start]):
            return None  # two edits of one expression, number, date or address make a third that nobody wrote
    return b"".join(apply_edits(old, edits))


def _lists(one: Edit, other: Edit) -> bool:
    """Whether two insertions at one point are further items of one list."""
    if one.start != one.stop or other.start != other.stop or _words(one.lines) & _words(other.lines):
        return False
    bare = [b"".join(edit.lines).strip() for edit in (one, other)]
    return all(text.startswith(b",") for text in bare) or all(text.endswith(b",") for text in bare)


def _words(lines: Lines) -> set[bytes]:
    return {token for line in lines for token in split_tokens(line) if token[:1].isalnum()}


def structural(
    hunk: Hunk,
    context: Context,
    *,
    merge: Callable[[str, bytes, bytes, bytes], bytes | Refused | None],
    careful: tuple[str, ...],
) -> Lines | Refused | None:
    """Both sides' changes of different keys or declarations, when nothing around the conflict changes with them.

    `careful` are the files of which careful takes the answer.
    """
    path, base, ours, theirs = context.sides
    if context.manner is Manner.CAREFUL:
        if not path.lower().endswith(careful):
            return None
        why = _entangled(hunk)
        if why is not None:
            return Refused(f"careful leaves {why} to a person")
    answer = None if base is None else merge(path, base, ours, theirs)
    if answer is None or isinstance(answer, Refused):
        return answer
    before, after = context.before, context.after
    if len(answer) < len(before) + len(after) or not (answer.startswith(before) and answer.endswith(after)):
        return Refused("text outside the conflicts would change")
    return split_lines(answer[len(before) : len(answer) - len(after)])


_KEYS = partial(structural, merge=by_key, careful=(".json",))
_ENTITIES = partial(structural, merge=by_declaration, careful=(".py", ".pyi"))
LADDER = (
    Rung("line-disjoint", line_disjoint, "the sides changed different lines"),
    Rung("shared-union", partial(shared_union, swapped=False), "the file is declared to take what both add"),
    Rung("shared-union", partial(shared_union, swapped=True), "the file is declared to take what both add"),
    Rung("insert-both", partial(insert_both, swapped=False), "both only added, and share no line and no name"),
    Rung("insert-both-swapped", partial(insert_both, swapped=True), "both only added, and share no line and no name"),
    Rung("under-heading", under_heading, "both added entries below the same heading", Grain.TOKENS),
    Rung("tokens", tokens, "the sides changed different words of a line", Grain.TOKENS),
    Rung("keys", _KEYS, "the sides changed different keys", Grain.TOKENS, costly=True),
    Rung("entities", _ENTITIES, "the sides changed different declarations", Grain.TOKENS, costly=True),
)
