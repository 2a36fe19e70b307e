"""The table of pattern pairs of the PLAN notation, row by row."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from gitbot.patterns import compile_patterns, witness

with (Path(__file__).parent / "plan-cases.tsv").open(encoding="utf-8", newline="") as table:
    ROWS = list(csv.DictReader(table, delimiter="\t", quoting=csv.QUOTE_NONE))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['left_patterns']} x {row['right_patterns']}")
def test_two_lists_overlap_exactly_where_the_table_says_so(row: dict[str, str]) -> None:
    left = compile_patterns(row["left_patterns"].split(" ; "))
    right = compile_patterns(row["right_patterns"].split(" ; "))
    found, mirrored = witness(left, right), witness(right, left)
    assert found == mirrored
    assert (found is not None) is (row["overlap"] == "true")
    if found is not None:
        assert found.exact
        assert left.matches(found.path)
        assert right.matches(found.path)


def test_the_table_is_complete() -> None:
    assert len(ROWS) == 103
