"""Which landed branch explains a red one best, read from patches alone."""

from __future__ import annotations

from gitbot.landing.partner import likely_partner
from gitbot.model.git import BranchName


def patch(path: str, removed: str = "", added: str = "") -> str:
    before, after = removed.splitlines(), added.splitlines()
    head = f"diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n@@ -1,{len(before)} +1,{len(after)} @@\n"
    return head + "".join(f"-{line}\n" for line in before) + "".join(f"+{line}\n" for line in after)


A, B = BranchName("agent-a"), BranchName("agent-b")
RENAMES = patch("lib.py", "def area(side):", "def surface(side):")
CALLS = patch("main.py", "", "print(area(2))")


def test_a_name_that_one_took_away_and_the_other_uses_points_to_it() -> None:
    found = likely_partner(CALLS, [(A, RENAMES), (B, patch("x.py", "", "y = 1"))])
    assert found is not None
    assert found.branch == A
    assert "`area`" in found.why


def test_it_works_in_the_other_direction_too() -> None:
    found = likely_partner(RENAMES, [(B, CALLS)])
    assert found is not None
    assert found.branch == B


def test_a_definition_that_changed_points_to_whoever_changed_it() -> None:
    found = likely_partner(CALLS, [(A, patch("lib.py", "def area(side):", "def area(width, height):"))])
    assert found is not None
    assert found.branch == A


def test_nothing_in_common_points_to_nobody() -> None:
    assert likely_partner(patch("x.py", "", "y = 1"), [(A, patch("z.py", "", "w = 2"))]) is None
    assert likely_partner("no patch at all", [(A, "\x00\n@@ -1 +1 @@\n")]) is None
