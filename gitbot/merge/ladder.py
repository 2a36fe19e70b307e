"""The rungs: rules that keep both sides of one conflict, each with what it is expected to be right about.

Pure functions of a conflict and of what is around it. A rung says nothing (None) to a conflict that is not of its
shape, and why (Refused) to one that it had better not settle.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from itertools import chain, pairwise

from gitbot.fileclasses import FileClass
from gitbot.journal.recorded import key_of
from gitbot.languages import bound_names, is_data, is_import, strict_parse, whole_definitions
from gitbot.merge.edits import Edit, Lines, Refused, apply_edits, find_edits, first_clash, split_lines
from gitbot.merge.hunks import ConflictedFile, Hunk, inner_sides
from gitbot.merge.invariants import Grain, Sides, excerpt, split_tokens
from gitbot.merge.structure import merge_items

# Changelogs and lists of people: what is in them stands by itself, and its order hardly matters.
_ENTRIES = re.compile(
    r"(?:.*/)?(?:(?:changelogs?|whatsnew|release[-_]?notes|releases)/.*\.(?:md|rst|txt|adoc|markdown)"
    r"|(?:changelog|changes|history|news|release[-_]?notes|whatsnew|authors|contributors|thanks)"
    r"(?:\.(?:md|rst|txt|adoc|markdown))?)",
    re.I,
)
_PROSE = (".md", ".rst", ".txt", ".adoc", ".markdown")
_TITLE = re.compile(
    rb"^(?:#{1,6}|=+)[ \t]+(\S.*)|^(\S.*)\n(?:={3,}|~{3,}|\^{3,}|\*{3,}|\+{3,}|-{3,})\s*$|^(v?\d+\.\d.*|unreleased)$",
    re.M | re.I,
)
_OF_A_RELEASE = re.compile(rb"\d|unreleased", re.I)
_DATED = re.compile(rb"\W*(?:un|not yet )?released?\b[^(=]*", re.I)
_NUMBER = re.compile(rb"\d{1,9}(?:[.-]\d{1,9})*")
_TARGET = re.compile(rb"\.\. _.+:\s+\S|\[[^\]]+\]:\s")  # of a link, in reST and Markdown
_WORDS = re.compile(rb"[\w\x80-\xff]+")
_SEPARATORS = frozenset((b",", b";", b"(", b")", b"[", b"]", b"{", b"}"))
_LONGEST = 3  # lines: where both changed more, it was mostly one piece of work done twice
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


Recorded = Callable[[str], bytes | None]  # what was decided before about a conflict with this key


def hunk_key(path: str, hunk: Hunk) -> str:
    """What a decision about a conflict is recorded under: the same for the same texts, whichever side is whose."""
    return key_of(path, b"".join(hunk.base), *sorted(b"".join(side) for side in (hunk.ours, hunk.theirs)))


def recorded_as(answer: bytes | None) -> Rung:
    """The first rung: what was decided before for the same three texts of the same path."""
    lines = None if answer is None else split_lines(answer)
    return Rung("recorded", lambda hunk, context: lines, "this very conflict was decided before", Grain.DECIDED)


def line_disjoint(hunk: Hunk, context: Context) -> Lines | Refused | None:
    """Both sides' edits, when no line of the base was edited by both.

    Replacements may touch. Two insertions at one point, or an insertion beside the other side's change, may not:
    nothing says which comes first.
    """
    if not hunk.base:
        return None
    ours, theirs = set(hunk.ours_edits), set(hunk.theirs_edits)
    edits = sorted(ours | theirs)
    if clash := first_clash(edits):
        return Refused(_clash(hunk, *clash))
    if context.manner is Manner.CAREFUL and ours - theirs and theirs - ours:
        prose = "running text" if context.file.path.lower().endswith(_PROSE) else None
        why = "manifests" if context.kind is FileClass.MANIFEST else prose or _entangled(hunk)
        if why is not None:
            return Refused(f"careful leaves {why} to a person")
    return apply_edits(hunk.base, edits)


def _entangled(hunk: Hunk) -> str | None:
    """What tells that two changes may depend on each other, though they touch different lines or items."""
    if hunk.base and max(map(len, (hunk.base, hunk.ours, hunk.theirs))) > _LONGEST:
        return "long conflicts"
    changed = ((*hunk.base[e.start : e.stop], *e.lines) for e in hunk.ours_edits + hunk.theirs_edits)
    if any(map(_VERSION.match, chain(*changed))):
        return "version lines"
    before = _words(hunk.base)
    for side, edits in ((hunk.ours, hunk.theirs_edits), (hunk.theirs, hunk.ours_edits)):
        words = {word for edit in edits for word in _words(edit.lines) if not word.isdigit()}
        used = (before - _words(side)) & words
        if used:
            return f"what one side takes away and the other uses: {excerpt(min(used))}"
    return None


def _clash(hunk: Hunk, before: Edit, after: Edit) -> str:
    """Where two edits meet, in lines of the target's file as it is, or was."""
    apart = before.stop == after.start
    inserts, changed = (after, before) if apart and after.start == after.stop else (before, after)
    gained = sum(len(e.lines) - (e.stop - e.start) for e in hunk.ours_edits if e.stop <= changed.start)
    line = hunk.line + changed.start + gained
    if not apart:
        return f"both sides changed line {line}"
    who, other = ("the target", "the branch") if inserts in hunk.ours_edits else ("the branch", "the target")
    if inserts is before:
        return f"{who} inserted before line {line}, which {other} changed"
    there = changed.lines if changed in hunk.ours_edits else range(changed.start, changed.stop)
    return f"{who} inserted after line {line + max(len(there), 1) - 1}, which {other} changed"


def insert_both(hunk: Hunk, context: Context, *, swapped: bool, declared: bool = False) -> Lines | Refused | None:
    """Both insertions at one point, one after the other; `declared`: only in a file that was declared for it."""
    if hunk.base or (declared and not context.file.additive):
        return None
    answer = _both(hunk, context, swapped)
    if declared or context.manner is Manner.BOLD or isinstance(answer, Refused):
        return answer
    if context.file.base is not None and _ENTRIES.fullmatch(context.file.path) is not None:
        why = _in_doubt(hunk, context, swapped)
        return answer if why is None else Refused(f"careful leaves {why} to a person")
    if _is_careful(hunk, context):
        return answer
    return Refused(
        f"both sides inserted at line {hunk.line}, and careful keeps both only where order hardly matters; "
        "`additive` can name the file"
    )


def _in_doubt(hunk: Hunk, context: Context, swapped: bool) -> str | None:
    """What makes it doubtful where an entry of a changelog belongs, or whether it is one of its own."""
    file = context.file
    base, ours, theirs = (_releases(text or b"") for text in (file.base, file.ours, file.theirs))
    here, there = (_releases(b"".join(side)) for side in (hunk.ours, hunk.theirs))
    if ((ours - base - here) ^ (theirs - base - there)) & _releases(context.before):
        return "entries below a release that one side began or named"
    if not (here and there):
        return "entries that may be of one thing" if _one_thing(hunk, file) else None
    numbers = [{found[0] for title in side if (found := _NUMBER.search(title))} for side in (here, there)]
    if not all(numbers) or numbers[0] & numbers[1]:
        return "headings that may be of one release"
    latest = [max(tuple(map(int, re.split(rb"\D", one))) for one in side) for side in numbers]
    return "an earlier release above a later one" if (latest[0] < latest[1]) is not swapped else None


def _releases(text: bytes) -> set[bytes]:
    """The headings that name a release."""
    return {title for pair in _TITLE.findall(text) for title in pair if _OF_A_RELEASE.search(title)}


def under_heading(hunk: Hunk, context: Context) -> Lines | Refused | None:
    """The entries of both sides below a heading that both wrote, which then stands once."""
    head, (ours, theirs) = hunk.ours[: hunk.head], inner_sides(hunk)
    if hunk.base or not (ours and theirs) or _ENTRIES.fullmatch(context.file.path) is None:
        return None
    if not _TITLE.search(b"".join(head)) or _TITLE.search(b"".join(ours + theirs)):
        return None
    common = _telling(ours) & _telling(theirs)
    if common:
        return Refused(f"both sides wrote the line {excerpt(min(common))}")
    return head + ours + theirs + hunk.ours[len(hunk.ours) - hunk.foot :]


def _both(hunk: Hunk, context: Context, swapped: bool) -> Lines | Refused:
    why = guard(hunk, context.file)
    if why is not None:
        return Refused(why)
    first, second = (hunk.theirs, hunk.ours) if swapped else (hunk.ours, hunk.theirs)
    if not first[-1].endswith(b"\n"):
        return Refused("nothing can follow a last line without a line end")
    headed = [_TITLE.search(b"".join(side)) for side in (first, second)]
    if context.file.path.lower().endswith(_PROSE) and headed[0] and not headed[1]:
        return Refused("what one side added would come under the other's heading")
    return _joined(first, second, context)


def _joined(first: Lines, second: Lines, context: Context) -> Lines:
    """One after the other, but what continues a sorted list keeps it sorted, and link targets go to those below."""
    above, lines = context.hunk.above[-2:], first + second
    whole = len(above) == 2 and lines[-1].endswith(b"\n")
    if whole and all(list(above + side) == sorted(above + side) for side in (first, second)):
        return tuple(sorted(lines))
    below = _TARGET.match(context.after.lstrip())
    return tuple(sorted(lines, key=lambda line: bool(_TARGET.match(line)))) if below else lines


def guard(hunk: Hunk, file: ConflictedFile) -> str | None:
    """Why two insertions look like two versions of one thing (measured: such pairs are rarely both wanted).

    Lines that git moved out of the hunk are whole insertions' first and last ones. Two definitions may well begin
    with the same decorator and end with the same return; anything else that does is one thing written twice. A line
    that the file had before is a phrase of it.
    """
    ours, theirs = (bound_names(file.path, side) for side in (hunk.ours, hunk.theirs))
    inner_ours, inner_theirs = (hunk.ours, hunk.theirs) if not (ours and theirs) else inner_sides(hunk)
    common = (_telling(inner_ours) & _telling(inner_theirs)) - _telling(split_lines(file.base or b""))
    common = {line for line in common if not _DATED.fullmatch(line)}
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
    return {line.strip() for line in lines if len(line.strip()) > 4 and _WORDS.search(line)}


def _is_balanced(lines: Lines) -> bool:
    text = b"".join(lines)
    return all(text.count(opening) == text.count(closing) for opening, closing in (b"()", b"{}", b"[]"))


def _is_careful(hunk: Hunk, context: Context) -> bool:
    """Whether keeping both insertions is right about as often as a colleague would be."""
    file = context.file
    if file.base is None:
        return False
    if strict_parse(file.path, file.ours) and strict_parse(file.path, file.theirs) and _both_define(file.path, hunk):
        return True
    lines = [line for line in hunk.ours + hunk.theirs if line.strip()]
    open_to_both = context.kind is FileClass.WIRING or all(is_import(file.path, line) for line in lines)
    return open_to_both and not _one_thing(hunk, file)


def _one_thing(hunk: Hunk, file: ConflictedFile) -> bool:
    """Whether every word that one side brought into the file the other brought too: one thing in two versions."""
    known = _words((file.base or b"",))
    ours, theirs = (_words(side) - known for side in (hunk.ours, hunk.theirs))
    return bool(ours and theirs) and (ours <= theirs or theirs <= ours)


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
    return {word for word in _WORDS.findall(b"".join(lines)) if word[:1].isalnum()}


def structural(hunk: Hunk, context: Context, *, data: bool, careful: tuple[str, ...]) -> Lines | Refused | None:
    """Both sides' changes of different keys or declarations, when nothing around the conflict changes with them.

    `careful` are the files of which careful takes the answer.
    """
    path, base, ours, theirs = context.sides
    if is_data(path) is not data:
        return None
    if context.manner is Manner.CAREFUL:
        if not path.lower().endswith(careful):
            return None
        why = _entangled(hunk)
        if why is not None:
            return Refused(f"careful leaves {why} to a person")
    answer = None if base is None else merge_items(path, base, ours, theirs)
    if answer is None or isinstance(answer, Refused):
        return answer
    before, after = context.before, context.after
    if len(answer) < len(before) + len(after) or not (answer.startswith(before) and answer.endswith(after)):
        return Refused("text outside the conflicts would change")
    return split_lines(answer[len(before) : len(answer) - len(after)])


_KEYS = partial(structural, data=True, careful=(".json",))
_ENTITIES = partial(structural, data=False, careful=(".py", ".pyi"))
_IN_ORDER, _SWAPPED = (partial(insert_both, swapped=swapped) for swapped in (False, True))
_DECLARED = (partial(_IN_ORDER, declared=True), partial(_SWAPPED, declared=True))
LADDER = (
    Rung("line-disjoint", line_disjoint, "the sides changed different lines"),
    *(Rung("shared-union", part, "the file is declared to take what both add") for part in _DECLARED),
    Rung("insert-both", _IN_ORDER, "both only added, and share no line and no name"),
    Rung("insert-both-swapped", _SWAPPED, "both only added, and share no line and no name"),
    Rung("under-heading", under_heading, "both added entries below the same heading", Grain.TOKENS),
    Rung("tokens", tokens, "the sides changed different words of a line", Grain.TOKENS),
    Rung("keys", _KEYS, "the sides changed different keys", Grain.TOKENS, costly=True),
    Rung("entities", _ENTITIES, "the sides changed different declarations", Grain.TOKENS, costly=True),
)
