"""Where an answer to a conflict is found again, and when two answers are alike."""

from __future__ import annotations

import pytest

from gitbot.merge.edits import split_lines
from gitbot.merge.hindsight import compare, in_place_of, least_like
from gitbot.model.replay import Likeness

CLEAN = (split_lines(b"one\ntwo\n"), split_lines(b"three\nfour\n"), split_lines(b"five\n"))


def test_each_answer_is_what_stands_between_the_clean_texts() -> None:
    text = b"one\ntwo\nA\nB\nthree\nfour\nfive\n"
    assert in_place_of(CLEAN, text) == ((b"A\n", b"B\n"), ())


def test_an_answer_beside_a_clean_line_that_changed_too_cannot_be_told() -> None:
    text = b"one\nTWO\nA\nthree\nfour\nB\nfive\n"
    assert in_place_of(CLEAN, text) == (None, (b"B\n",))


def test_conflicts_at_both_ends_of_a_file_and_a_last_line_without_an_end_are_found() -> None:
    assert in_place_of(((), (b"one\n",), ()), b"A\none\nB") == ((b"A\n",), (b"B",))


def test_an_answer_that_ends_as_the_clean_text_before_it_is_found_whole() -> None:
    """A diff may slide such lines over the border; no line is lost to it."""
    clean = (split_lines(b"f {\n}\n"), split_lines(b"h {\n}\n"))
    assert in_place_of(clean, b"f {\n}\ng {\n}\nh {\n}\n") == ((b"g {\n", b"}\n"),)


@pytest.mark.parametrize(
    ("one", "other", "likeness"),
    [
        (b"a\nb\n", b"a\nb\n", Likeness.IDENTICAL),
        (b"a\nb\n", b"b\n\n  a\n", Likeness.SAME_LINES),
        (b"a\nb\n", b"a\n", Likeness.DIFFERENT),
        (b"a\na\n", b"a\n", Likeness.DIFFERENT),
        (b"", b"\n", Likeness.SAME_LINES),
    ],
)
def test_order_and_white_space_make_no_difference_and_every_line_does(
    one: bytes, other: bytes, likeness: Likeness
) -> None:
    assert compare(split_lines(one), split_lines(other)) is likeness
    assert compare(split_lines(other), split_lines(one)) is likeness


def test_the_least_like_part_decides_what_a_whole_is_like() -> None:
    assert least_like([Likeness.IDENTICAL, Likeness.DIFFERENT, Likeness.SAME_LINES]) is Likeness.DIFFERENT
