"""The answer of `check` as people and programs get it."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gitbot.cli.console import as_json
from gitbot.model.plan import Access, Claim, Need, NeedKind, Plan, PlanId, PlanSet, Source, Task, TaskState
from gitbot.model.preflight import Check, Finding, Level
from gitbot.preflight import Surroundings, check
from gitbot.report.check import check_document, check_toml
from gitbot.report.check_text import check_text
from gitbot.report.terminal import printable


def plain(answer: Check) -> dict[str, Any]:
    """The document as a reader of its JSON has it."""
    document: dict[str, Any] = json.loads("".join(as_json(check_document(answer))))
    return document


def owning(pattern: str, line: int) -> Claim:
    return Claim(pattern, Access.OWN, Source.DECLARED, line)


def answer() -> Check:
    """Two plans that collide, one that waits for the first, one that says nothing about its files; no estimate."""
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
    got = check(PlanSet(plans), Surroundings())
    findings = tuple(finding for finding in got.findings if finding.rule in ("overlap", "no-ownership"))
    return replace(got, findings=findings, estimate=None, questions=())


TEXT = """\
1 error to look at; 4 plans in 2 phases: no file conflict found inside a phase;
1 of 4 unknown (D): no path found

error: A and B: both write it: src/lexer/token.ts [overlap]
  plans/a.md:3, plans/b.md:6
  hint: give it to one of them, let one wait for the other (`depends_on`), or
    list it as `shared` in both

Phase 1
  A (Lexer): waits for nobody
  D: waits for nobody

Phase 2
  B: not beside A: both write it: src/lexer/token.ts
  C: after A: Waits for Agent A to finish the lexer

warning: no path found in D: its conflicts are unknown [no-ownership]
  plans/d.md:1
  hint: name its files under `## Owns`, one per line, or in back-ticks in its
    tasks

Only files were compared: settings, database migrations and interfaces that
plans share do not show in their paths.
"""


def test_the_text_says_first_what_a_person_wants_to_know() -> None:
    assert check_text(answer()) == TEXT


def test_color_adds_escapes_and_changes_no_word() -> None:
    colored = check_text(answer(), color=True)
    assert "\x1b[31merror\x1b[0m: A and B" in colored
    assert re.sub(r"\x1b\[\d+m", "", colored) == TEXT


FULL = """\
1 error to look at; 6 plans in 2 phases: no file conflict found inside a phase;
1 of 6 unknown (loose): no path found

error: catalog and theme: both write it: src/layout.ts [overlap]
  plans/catalog.md:4, plans/theme.md:3
  hint: give it to one of them

Phase 1
  auth (Log in): waits for nobody
  catalog (All books): waits for nobody
  loose: waits for nobody
  schema (Tables): waits for nobody

Phase 2
  search (Full text): after schema: depends_on: schema
  theme (Colours): not beside catalog: both write it: src/layout.ts

auth and catalog: parallel with care for shared files, auth lands first: both
  list it as shared: src/registry.ts in plans/auth.md:4, src/registry.ts in
  plans/catalog.md:5

2 notes (2 tiny-task): -v shows them

Does it pay to work in parallel?
  no       Is the work truly independent? catalog and theme both write
           src/layout.ts
  unknown  Will conflicts be easy to resolve? nothing is known of src/layout.ts
  yes      Is each task substantial (30+ min)? the shortest plan takes 30 min
  unknown  Do you have time to monitor and merge? say `attended = true` in
           gitbot.toml

Estimate
  5 h to 7 h 30 min one after the other, 2 h 30 min to 3 h 30 min in parallel:
    2.0x as fast with at most 4 agents, 50% of their time at work
  critical path: catalog → theme
  requests 150 sequential, 75 parallel; tokens 450k one-session, 300k
    fresh-sessions, 150k parallel
  assumed ([estimate] in gitbot.toml): task-minutes = 30, iteration-minutes = 2;
    guessed for auth, loose

Only files were compared: settings, database migrations and interfaces that
plans share do not show in their paths.
"""


def test_whether_it_pays_comes_after_what_is_wrong_and_notes_are_folded(full_answer: Check) -> None:
    collision = next(finding for finding in full_answer.findings if finding.rule == "overlap")
    note = Finding("tiny-task", Level.NOTE, "schema takes 20 minutes", (PlanId("schema"),))
    findings = (replace(collision, hint="give it to one of them"), note, note)
    assert check_text(replace(full_answer, findings=findings)) == FULL


def test_everything_is_told_when_it_is_asked_for(full_answer: Check) -> None:
    text = check_text(full_answer, whole=True)
    assert "note: no gate is configured" in text
    assert "catalog and search: note: catalog writes what search reads" in text
    assert "catalog and theme both write src/layout.ts; one more" in " ".join(text.split())
    assert " -v " not in text


def test_the_text_is_as_wide_as_the_terminal(full_answer: Check) -> None:
    for width in (60, 110):
        longest = max(len(line) for line in check_text(full_answer, width=width).splitlines())
        assert width - 15 < longest <= width


def test_a_hundred_plans_with_a_thousand_findings_stay_readable() -> None:
    """Cut with counts, the plans with most of the rest named; the whole of it is one option away."""
    plans = tuple(
        Plan(id=PlanId(f"p{at:02}"), path=f"{at}.md", format="canonical", claims=(owning(f"src/{at}.ts", 1),))
        for at in range(100)
    )
    got = check(PlanSet(plans), Surroundings())
    findings = tuple(
        Finding("overlap", level, f"{plan.id} and more", (plan.id, PlanId("p07")))
        for level in Level
        for plan in plans * 4
    )
    many = replace(got, findings=findings, estimate=None, questions=())
    text = check_text(many)
    assert "Phase 1: 100 plans\n  100 plans: waits for nobody: p00, p01," in text
    assert "and 390 more errors [overlap], most with p07 (390), p" in text
    assert "400 notes (400 overlap): -v shows them" in text
    assert len(text.splitlines()) < 50
    whole = check_text(many, whole=True)
    assert whole.count("error: p") == whole.count("note: p") == 400
    assert whole.count(": waits for nobody") == 100


def test_plans_without_conflict_are_never_called_safe() -> None:
    plans = tuple(
        Plan(id=PlanId(id), path=f"{id}.md", format="canonical", claims=(owning(f"{id}/**", 1),)) for id in "AB"
    )
    text = check_text(check(PlanSet(plans), Surroundings()))
    assert text.startswith("no file conflict found: 2 plans can run at the same time\n")
    assert "safe" not in text


def test_the_document_is_that_of_the_contract() -> None:
    document = plain(answer())
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
    plans = plain(answer())["plans"]
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
        "unresolved": [],
    }
    assert (plans[2]["branch"], plans[2]["depends_on"]) == ("feat/c", ["A"])


def test_estimate_and_questions_are_in_the_document(full_answer: Check) -> None:
    document = plain(full_answer)
    assert document["estimate"]["sequential"] == [300, 450]
    assert document["estimate"]["timeline"][1] == {"plan": "catalog", "start": 0, "end": 90}
    assert document["questions"][0]["answer"] == "no"
    again = tomllib.loads(check_toml(full_answer))
    assert (again["estimate"], again["questions"]) == (document["estimate"], document["questions"])
    assert check_document(replace(full_answer, estimate=None))["estimate"] == {}


def test_toml_says_the_same_and_leaves_out_what_has_no_value() -> None:
    document = plain(answer())
    again = tomllib.loads(check_toml(answer()))
    assert again["findings"] == document["findings"]
    assert again["why"] == document["why"]
    assert "before" not in again["overlaps"][0]


@given(st.text())
def test_whatever_a_plan_says_comes_back_from_toml_and_stays_in_its_quotes(hostile: str) -> None:
    plan = Plan(id=PlanId("A"), path="a.md", format="prose", title=hostile + "\x9b\u202e")
    text = check_toml(check(PlanSet((plan,)), Surroundings()))
    assert printable(text, newlines=True) == text
    [read] = tomllib.loads(text)["plans"]
    assert read["title"] == re.sub("[\ud800-\udfff]", "\N{REPLACEMENT CHARACTER}", plan.title)


@given(st.text())
def test_no_text_of_a_plan_reaches_the_terminal_with_control_characters(hostile: str) -> None:
    plan = Plan(id=PlanId(f"A{hostile}"), path=f"{hostile}.md", format="prose", title=hostile)
    text = check_text(check(PlanSet((plan,)), Surroundings()))
    assert printable(text, newlines=True) == text


def test_printable_text_moves_no_cursor_and_turns_no_direction() -> None:
    assert printable("a\x1b[2Jb\u202ec\x9bd\r\ne\ud800\x7f") == "a[2Jbcd  e\N{REPLACEMENT CHARACTER}"
    assert printable("one\ntwo\x00", newlines=True) == "one\ntwo"
