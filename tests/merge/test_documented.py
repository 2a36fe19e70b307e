"""The rungs that reports name are those that the documentation explains."""

from __future__ import annotations

import re

from gitbot.merge.ladder import LADDER
from tests.conftest import ROOT

ELSEWHERE = {"rename-dir", "recorded", "lock-regenerated", "resolver"}  # not on the ladder


def test_every_rung_is_in_the_table_of_the_documentation_and_no_other() -> None:
    text = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")
    table = text.partition("## What accept-both keeps\n")[2].partition("|---|---|---|---|\n")[2].partition("\n\n")[0]
    assert set(re.findall(r"^\| `([a-z-]+)` ", table, re.MULTILINE)) == {rung.name for rung in LADDER} | ELSEWHERE
