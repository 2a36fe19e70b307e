"""The sizes of groups against published and hand-computed values."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitbot.landing import search

# Expected runs and first group for n branches with one chance: exact for n up to 16, rounded to four decimals.
TABLE = {
    (1, 0.02): (1.0000, 1), (1, 0.30): (1.0000, 1),
    (2, 0.02): (1.0596, 2), (2, 0.05): (1.1475, 2), (2, 0.10): (1.2900, 2), (2, 0.20): (1.5600, 2),
    (2, 0.30): (1.8100, 2), (2, 0.38): (1.9956, 2), (16, 0.38): (15.9582, 2),
    (3, 0.02): (1.1384, 3), (3, 0.05): (1.3401, 3), (3, 0.10): (1.6610, 3), (3, 0.20): (2.2480, 3),
    (3, 0.30): (2.7530, 2),
    (4, 0.02): (1.2180, 4), (4, 0.05): (1.5376, 4), (4, 0.10): (2.0510, 4), (4, 0.20): (3.0080, 4),
    (4, 0.30): (3.6029, 2),
    (5, 0.02): (1.3153, 5), (5, 0.05): (1.7712, 5), (5, 0.10): (2.4895, 5), (5, 0.20): (3.7357, 3),
    (5, 0.30): (4.5180, 2),
    (8, 0.02): (1.6117, 8), (8, 0.05): (2.4993, 8), (8, 0.10): (3.9044, 8), (8, 0.20): (5.9152, 3),
    (8, 0.30): (7.1678, 2),
    (12, 0.02): (2.0735, 12), (12, 0.05): (3.5940, 12), (12, 0.10): (5.7896, 6), (12, 0.20): (8.8193, 3),
    (12, 0.30): (10.7237, 2),
    (16, 0.02): (2.5472, 16), (16, 0.05): (4.7532, 16), (16, 0.10): (7.6945, 7), (16, 0.20): (11.7345, 3),
    (16, 0.30): (14.2773, 2),
    (64, 0.02): (9.2492, 32), (64, 0.05): (18.5877, 13), (64, 0.10): (30.3649, 7), (64, 0.20): (46.6716, 3),
    (64, 0.30): (56.9128, 2),
}  # fmt: skip

TAINTED = {
    (2, 0.05): (1.5128, 1), (3, 0.05): (2.3848, 1), (4, 0.05): (2.8983, 2), (8, 0.05): (4.4546, 4),
    (2, 0.10): (1.5263, 1), (3, 0.10): (2.4391, 1), (4, 0.10): (3.0561, 2), (8, 0.10): (5.0996, 4),
}  # fmt: skip


@pytest.mark.parametrize(("asked", "answer"), TABLE.items(), ids=str)
def test_unknown_branches(asked: tuple[int, float], answer: tuple[float, int]) -> None:
    number, chance = asked
    runs = search.expected_runs([chance] * number)
    assert (round(runs, 4), search.group([chance] * number)) == answer


@pytest.mark.parametrize(("asked", "answer"), TAINTED.items(), ids=str)
def test_a_red_group_with_nothing_behind_it(asked: tuple[int, float], answer: tuple[float, int]) -> None:
    number, chance = asked
    runs = search.expected_runs([chance] * number, number)
    assert (round(runs, 4), search.split([chance] * number, number)) == answer


def test_unequal_chances_the_likely_ones_last() -> None:
    rising = (0.02, 0.02, 0.10, 0.30)
    assert round(search.expected_runs(rising), 4) == 1.7276
    assert (search.group(rising), search.split(rising, 4), search.split(rising, 3)) == (4, 3, 2)
    assert round(search.expected_runs(rising[::-1]), 4) == 1.9902


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40), st.data())
def test_a_tail_is_answered_as_if_it_had_been_asked_by_itself(chances: list[float], data: st.DataObject) -> None:
    """Tables are kept, and a queue that grew shorter reads the tail of one."""
    search.expected_runs(chances)
    tail = chances[data.draw(st.integers(0, len(chances) - 1)) :]
    known = search.group(tail), search.expected_runs(tail)
    search._recent.clear()
    assert (search.group(tail), search.expected_runs(tail)) == known


@given(st.lists(st.floats(0, 1), min_size=2, max_size=40), st.data())
def test_sizes_are_in_range(chances: list[float], data: st.DataObject) -> None:
    red = data.draw(st.integers(2, len(chances)))
    workers = data.draw(st.integers(1, 9))
    assert 1 <= search.group(chances) <= len(chances)
    assert 1 <= search.split(chances, red) < red
    assert all(1 <= size < red for size in search.cuts(chances, red, workers))
    unknown = search.cuts(chances, 0, workers)
    assert sorted(set(unknown)) == [*unknown]
    assert all(1 <= size <= len(chances) for size in unknown)


def test_no_queue_costs_fewer_runs_than_it_has_bits() -> None:
    """The limit of Shannon; and never more than one by one."""
    for chance in (0.02, 0.1, 0.3):
        bits = -chance * math.log2(chance) - (1 - chance) * math.log2(1 - chance)
        assert 100 * bits <= search.expected_runs([chance] * 100) <= 100


def test_a_long_queue_is_decided_by_halves() -> None:
    long = [0.01] * 400
    assert search.group(long) == 69
    assert search.split(long, 60) == 26
    assert search.cuts(long, 0, 2) == (40, 109)
