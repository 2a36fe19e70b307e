"""The answer of `check` as people and programs get it."""

from __future__ import annotations

import json
import re
import tomllib

from hypothesis import given
from hypothesis import strategies as st

from gitbot.model.plan import Access, Claim, Need, NeedKind, Plan, PlanId, PlanSet, Source, Task, TaskState
from gitbot.model.preflight import Check
from gitbot.preflight import Surroundings, check
from gitbot.report.check import check_document, check_text, check_toml
from gitbot.report.terminal import printable


def owning(pattern: str, line: int) -> Claim:
    return Claim(pattern, Access.OWN, Source.DECLARED, line)


def answer() -> Check:
    """Two plans that collide, one that waits for the first, one that says nothing about its files."""
    tasks = (Task("lexer", 3, TaskState.DONE), Task("tokens", 4), Task("dropped", 5, TaskState.SKIPPED))
    wait = Need("Agent A", NeedKind.HARD, 2, "Waits for Agent A to finish the lexer")
    plans = (
        Plan(
            id=PlanId("A"),
            path="plans/a.md",
            format="canonical",
            title="Lexer",
            agent="claude-1",
            claims=(owning("src/lexer/**", 3),),
            tasks=tasks,
            confidence="declared",
        ),
        Plan(id=PlanId("B"), path="plans/b.md", format="canonical", claims=(owning("src/lexer/token.ts", 6),)),
        Plan(
            id=PlanId("C"),
            path="plans/c.md",
            format="canonical",
            branch="feat/c",
            claims=(owning("docs/", 4),),
            needs=(wait,),
        ),
        Plan(id=PlanId("D"), path="plans/d.md", format="prose"),
    )
    return check(PlanSet(plans), Surroundings())


TEXT = """\
4 plans in 2 phases: no file conflict found inside a phase; 1 of 4 unknown (D):
no path found; 1 error to look at

Phase 1
  A (Lexer): waits for nobody
  D: waits for nobody

Phase 2
  B: not beside A: both write it: src/lexer/token.ts
  C: after A: Waits for Agent A to finish the lexer

error: A and B: both write it: src/lexer/token.ts [overlap]
  plans/a.md:3
  plans/b.md:6
  hint: give it to one of them, let one wait for the other (`depends_on`), or
    list it as `shared` in both

warning: no path found in D: its conflicts are unknown [no-ownership]
  plans/d.md:1
  hint: name its files under `## Owns`, one per line, or in back-ticks in its
    tasks

unknown (no paths): D with every other plan

Only files were compared: settings, database migrations and interfaces that
plans share do not show in their paths.
"""


def test_the_text_says_first_what_a_person_wants_to_know() -> None:
    assert check_text(answer()) == TEXT


def test_color_adds_escapes_and_changes_no_word() -> None:
    colored = check_text(answer(), color=True)
    assert "\x1b[31merror\x1b[0m: A and B" in colored
    assert re.sub(r"\x1b\[\d+m", "", colored) == TEXT


def test_plans_without_conflict_are_never_called_safe() -> None:
    plans = tuple(
        Plan(id=PlanId(id), path=f"{id}.md", format="canonical", claims=(owning(f"{id}/**", 1),)) for id in "AB"
    )
    text = check_text(check(PlanSet(plans), Surroundings()))
    assert text.startswith("no file conflict found: 2 plans can run at the same time\n")
    assert "safe" not in text


def test_the_document_is_that_of_the_contract() -> None:
    document = check_document(answer())
    assert json.loads(json.dumps(document)) == document
    assert document["schema"] == "gitbot.check/1"
    assert document["verdict"] == "phased"
    assert document["phases"] == [["A", "D"], ["B", "C"]]
    assert document["edges"] == [
        {
            "before": "A",
            "after": "C",
            "kind": "plan",
            "reason": "Waits for Agent A to finish the lexer",
            "path": "plans/c.md",
            "line": 2,
            "pipelined": False,
        }
    ]
    assert document["overlaps"] == [
        {
            "plans": ["A", "B"],
            "paths": ["src/lexer/token.ts"],
            "severity": "blocks",
            "before": None,
            "same_phase": False,
            "reason": "both write it: src/lexer/** in plans/a.md:3, src/lexer/token.ts in plans/b.md:6",
            "locations": [
                {"path": "plans/a.md", "line": 3, "column": 1},
                {"path": "plans/b.md", "line": 6, "column": 1},
            ],
        }
    ]


def test_a_plan_in_the_document_carries_branch_claims_and_tasks() -> None:
    plans = check_document(answer())["plans"]
    assert isinstance(plans, list)
    assert plans[0] == {
        "id": "A",
        "path": "plans/a.md",
        "format": "canonical",
        "agent": "claude-1",
        "branch": "agent-a",
        "depends_on": [],
        "confidence": "declared",
        "claims": [
            {
                "pattern": "src/lexer/**",
                "access": "own",
                "source": "declared",
                "line": 3,
                "write": "any",
                "confidence": 1.0,
                "span": None,
                "path": None,
            }
        ],
        "never": [],
        "tasks": {"done": 1, "total": 2},
        "title": "Lexer",
        "line": 1,
    }
    assert (plans[2]["branch"], plans[2]["depends_on"]) == ("feat/c", ["A"])


def test_toml_says_the_same_and_leaves_out_what_has_no_value() -> None:
    document = check_document(answer())
    again = tomllib.loads(check_toml(answer()))
    assert again["findings"] == document["findings"]
    assert again["why"] == document["why"]
    assert "before" not in again["overlaps"][0]


@given(st.text())
def test_no_text_of_a_plan_reaches_the_terminal_with_control_characters(hostile: str) -> None:
    plan = Plan(id=PlanId(f"A{hostile}"), path=f"{hostile}.md", format="prose", title=hostile)
    text = check_text(check(PlanSet((plan,)), Surroundings()))
    assert printable(text, newlines=True) == text


def test_printable_text_moves_no_cursor_and_turns_no_direction() -> None:
    assert printable("a\x1b[2Jb\u202ec\x9bd\r\ne\ud800\x7f") == "a[2Jbcd  e\N{REPLACEMENT CHARACTER}"
    assert printable("one\ntwo\x00", newlines=True) == "one\ntwo"
