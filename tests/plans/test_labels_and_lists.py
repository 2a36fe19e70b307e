"""Labels beside lists: what looks like one, and where one ends what stood before it."""

from __future__ import annotations

import pytest

from gitbot.model.plan import Plan
from gitbot.plans import Source, read_plans


def _plan(text: str) -> Plan:
    (plan,) = read_plans([Source("plans/PLAN-A.md", text.encode())]).plans
    return plan


@pytest.mark.parametrize("folder", ["docs", "commands", "source", "new", "protected", "tests", "output", "scope"])
def test_a_pattern_that_begins_like_a_label_is_a_claim(folder: str) -> None:
    plan = _plan(f"# PLAN-A.md (Agent A owns these)\n- {folder}/**\n- src/e.ts\n")
    assert [(str(claim.access), claim.pattern) for claim in plan.claims] == [
        ("own", f"{folder}/**"),
        ("own", "src/e.ts"),
    ]
    assert plan.never == ()


def test_a_label_right_below_a_list_ends_it() -> None:
    """Without a blank line Markdown counts the label to the last item."""
    plan = _plan("# Agent A\nOwned files:\n- `src/a.ts`\nDo not touch:\n- `src/b.ts`\nRead only:\n- `src/c.ts`\n")
    assert [(str(claim.access), claim.pattern, claim.line) for claim in plan.claims] == [
        ("own", "src/a.ts", 3),
        ("read", "src/c.ts", 7),
    ]
    assert [(claim.pattern, claim.line) for claim in plan.never] == [("src/b.ts", 5)]


def test_a_label_inside_an_item_stays_with_it() -> None:
    plan = _plan("# Agent A\n- [ ] T1 Build the parser\n  Files:\n  - `src/parser.py`\n- [ ] T2 Test it\n")
    assert [task.text for task in plan.tasks] == ["Build the parser Files:", "Test it"]
