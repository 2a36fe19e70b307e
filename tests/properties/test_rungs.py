"""What holds for every text that the rungs write, on texts made to be awkward."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from gitbot.languages import definitions, strict_parse, whole_definitions
from gitbot.merge.edits import apply_edits, find_edits, split_lines
from gitbot.merge.hunks import Conflicts, marker_size_for, read_conflicts
from gitbot.merge.invariants import find_breach
from gitbot.merge.rungs import ConflictedFile, Manner, Refused, Settled, settle
from tests.merge.conflicted import conflicted, union

REPEATED = (b"a", b"b", b"}", b"", b"  return x", b"caf\xe9", b"<<<<<<< HEAD", b"=======", b"||||||| base")

few = settings(max_examples=60, deadline=None)


@st.composite
def edited(draw: st.DrawFn, base: list[bytes], fresh: Iterable[bytes], *, insert_only: bool = False) -> list[bytes]:
    """A side: the base with one to three edits whose new lines come from `fresh`."""
    words = st.lists(st.sampled_from(tuple(fresh)), max_size=3, unique=not insert_only)
    side = list(base)
    for at in sorted(draw(st.lists(st.integers(0, len(base)), min_size=1, max_size=3, unique=True)), reverse=True):
        removed = 0 if insert_only else draw(st.integers(0, 2))
        side[at : at + removed] = draw(words)
    return side


@st.composite
def repeated_lines(draw: st.DrawFn, *, insert_only: bool = False) -> tuple[bytes, bytes, bytes]:
    """Base, ours, theirs of few different lines, with either line end, with or without the last one."""
    base = draw(st.lists(st.sampled_from(REPEATED), max_size=10))
    end = draw(st.sampled_from([b"\n", b"\r\n"]))
    texts = []
    for lines in (base, *(draw(edited(base, REPEATED, insert_only=insert_only)) for _ in range(2))):
        text = b"".join(line + end for line in lines)
        cut = draw(st.booleans()) and not insert_only
        texts.append(text.removesuffix(end) if cut else text)
    return texts[0], texts[1], texts[2]


@st.composite
def unique_lines(draw: st.DrawFn) -> tuple[bytes, bytes, bytes]:
    """Base, ours, theirs in which no line occurs twice and no new line is in two sides."""
    base = [b"%d" % number for number in range(draw(st.integers(1, 8)))]
    sides = (_distinct(draw(edited(base, (prefix + b"%d" % n for n in range(9))))) for prefix in (b"ours", b"theirs"))
    return _text(base), *(_text(side) for side in sides)  # type: ignore[return-value]


def _distinct(lines: list[bytes]) -> list[bytes]:
    return list(dict.fromkeys(lines))


def _text(lines: list[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in lines)


def answers(file: ConflictedFile | None, manner: Manner = Manner.BOLD) -> tuple[Settled, ...]:
    answer: tuple[Settled, ...] | Refused = () if file is None else settle(file, manner)
    return () if isinstance(answer, Refused) else answer


def bare(data: bytes) -> bytes:
    return b"".join(data.split())


def merged_set(base: bytes, ours: bytes, theirs: bytes) -> set[bytes]:
    """Lines of a three-way merge where no line occurs twice: an oracle that knows nothing of order."""
    b, o, t = (set(split_lines(text)) for text in (base, ours, theirs))
    return (o & t) | (o - b) | (t - b)


def is_subsequence(lines: tuple[bytes, ...], of: tuple[bytes, ...]) -> bool:
    rest = iter(of)
    return all(line in rest for line in lines)


@given(unique_lines())
@few
def test_nothing_is_lost_doubled_brought_back_or_made_up(texts: tuple[bytes, bytes, bytes]) -> None:
    for settled in answers(conflicted(*texts)):
        assert Counter(split_lines(settled.data)) == Counter(merged_set(*texts))


@given(repeated_lines(insert_only=True))
@few
def test_where_both_only_insert_each_side_is_found_whole_in_the_result(texts: tuple[bytes, bytes, bytes]) -> None:
    for settled in answers(conflicted(*texts)):
        lines = split_lines(settled.data)
        assert is_subsequence(split_lines(texts[1]), lines)
        assert is_subsequence(split_lines(texts[2]), lines)


@given(repeated_lines())
@few
def test_every_line_comes_from_a_side_and_no_marker_is_added(texts: tuple[bytes, bytes, bytes]) -> None:
    _, ours, theirs = texts
    for settled in answers(conflicted(*texts)):
        assert set(split_lines(settled.data)) <= {*split_lines(ours), *split_lines(theirs)}
        assert settled.data.count(b"<<<<<<<") <= max(ours.count(b"<<<<<<<"), theirs.count(b"<<<<<<<"))


@given(st.one_of(unique_lines(), repeated_lines()))
@few
def test_the_sides_are_treated_alike(texts: tuple[bytes, bytes, bytes]) -> None:
    """Line-disjoint edits commute, and the default order of insertions is the swapped order from the other side."""
    base, ours, theirs = texts
    there, back = answers(conflicted(base, ours, theirs)), answers(conflicted(base, theirs, ours))
    assert {settled.data for settled in there} == {settled.data for settled in back}
    if len(there) == 2:
        assert [settled.data for settled in there] == [settled.data for settled in reversed(back)]


@given(st.one_of(unique_lines(), repeated_lines()))
@few
def test_careful_offers_nothing_that_bold_would_not(texts: tuple[bytes, bytes, bytes]) -> None:
    file = conflicted(*texts)
    assert {settled.data for settled in answers(file, Manner.CAREFUL)} <= {settled.data for settled in answers(file)}


@given(unique_lines())
@few
def test_the_invariants_catch_every_union_that_brings_lines_back_or_makes_them_up(
    texts: tuple[bytes, bytes, bytes],
) -> None:
    file = conflicted(*texts)
    conflicts = file and read_conflicts(file)
    if file is None or not isinstance(conflicts, Conflicts):
        return
    result = union(*texts)
    if Counter(split_lines(result)) != Counter(merged_set(*texts)):
        assert find_breach(file, conflicts, result) is not None


def test_the_union_of_a_deletion_and_a_change_is_caught() -> None:
    base, ours, theirs = b"a\nb\nc\nd\n", b"a\nd\n", b"a\nb\nC\nd\n"
    file = conflicted(base, ours, theirs)
    assert file is not None
    conflicts = read_conflicts(file)
    assert isinstance(conflicts, Conflicts)
    assert union(base, ours, theirs) == b"a\nb\nC\nd\n", "the deleted b is back"
    assert find_breach(file, conflicts, union(base, ours, theirs)) is not None


@given(st.lists(st.sampled_from(REPEATED)), st.lists(st.sampled_from(REPEATED)))
@few
def test_edits_turn_the_one_text_into_the_other(base: list[bytes], side: list[bytes]) -> None:
    edits = find_edits(tuple(base), tuple(side))
    assert edits is not None
    assert apply_edits(tuple(base), edits) == tuple(side)
    assert all(before.stop < after.start for before, after in pairwise(edits))


@given(st.binary(max_size=200), st.binary(max_size=60), st.sampled_from(["a.py", "b.json", "c.toml", "d.yml", "e"]))
@few
def test_rubbish_is_answered_and_never_raises(marked: bytes, side: bytes, path: str) -> None:
    size = marker_size_for(side)
    lines = b"<" * size + b"\n" + side + b"\n" + b"|" * size + b"\n" + b"=" * size + b"\n" + marked
    settle(ConflictedFile(path, None, side, marked, lines, size, additive=True), Manner.BOLD)
    assert strict_parse(path, side) in (True, False, None)
    definitions(path, side)
    whole_definitions(path, side)
