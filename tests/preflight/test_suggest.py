"""The front matter that is suggested for plans without any."""

from __future__ import annotations

import re

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gitbot.model.plan import Access, Claim, Plan, PlanSet, Source, Write
from gitbot.model.preflight import Check
from gitbot.plans import Source as File
from gitbot.plans import read_plans
from gitbot.preflight import Surroundings, check
from gitbot.preflight.suggest import suggest
from tests.preflight.plan_sets import checked, own, plan, waits

FILES = ("src/cli.ts", "src/auth/login.ts", "docs/guide.md")
TEXTS = {
    "plans/PLAN-A.md": "# Auth\n\n- [ ] Create `src/auth/token.ts`\n- [ ] Modify `src/cli.ts` ~45m\n",
    "plans/PLAN-B.md": "# List\n\n- [ ] Create `src/list.ts`\n- [ ] Update `src/cli.ts`\n",
    "plans/PLAN-C.md": "# Docs\n\n- [ ] Rewrite `docs/guide.md` (after A)\n",
}


def read(texts: dict[str, str]) -> Check:
    sources = [File(path, text.encode()) for path, text in texts.items()]
    return check(read_plans(sources, FILES), Surroundings(files=FILES))


def blocks(text: str) -> dict[str, str]:
    """The suggested front matter by file."""
    found = re.findall(r"^# (\S+)\n(---\n.*?^---\n)", text, re.M | re.S)
    return dict(found)


def written(answer: Check) -> dict[str, set[tuple[str, Access, Write]]]:
    return {
        plan.id: {(claim.pattern, claim.access, claim.write) for claim in plan.claims} for plan in answer.plans.plans
    }


def test_a_plan_with_its_suggestion_declares_what_was_found_and_keeps_its_place() -> None:
    before = read(TEXTS)
    front = blocks(suggest(before))
    after = read({path: front[path] + text for path, text in TEXTS.items()})
    assert written(after) == written(before)
    assert after.phases == before.phases
    assert after.branches == before.branches
    assert all(
        any(claim.pattern == inferred.pattern and claim.source is Source.DECLARED for claim in declared.claims)
        for declared, found in zip(after.plans.plans, before.plans.plans, strict=True)
        for inferred in found.claims
    )
    assert suggest(after) == "# every plan declares its claims: there is nothing to suggest\n"


SUGGESTED = """\
# plans/A.md
---
plan: "A"
title: "Tokens"
branch: "agent-a"
depends_on: ["B"]
owns:
  - create: "src/*.ts"  # confidence 0.8, plans/A.md:3
  # - "src/old.ts"  # too unsure to claim, confidence 0.4, plans/A.md:3
---
"""


def test_each_line_says_where_it_comes_from_and_what_is_unsure_is_a_comment() -> None:
    unsure = (own("src/*.ts", Write.CREATE, 0.8), own("src/old.ts", confidence=0.4))
    answer = checked(plan("A", *unsure, title="Tokens", needs=(waits("B"),)), plan("B", "b"))
    assert suggest(answer) == SUGGESTED


def test_a_roster_gets_a_file_for_each_plan() -> None:
    roster = [plan(id, own(id, confidence=0.8), path="plans/all.md", line=at) for at, id in enumerate("AB", 5)]
    text = suggest(checked(*roster))
    assert "# plans/all.md:5, as a file of its own beside the others\n" in text
    assert text.count("---\n") == 4


def test_numbers_of_phases_are_left_out_beside_plans_that_declare_theirs() -> None:
    declared = plan("A", "a", phase=7)
    text = suggest(checked(declared, plan("B", own("b", confidence=0.8), needs=(waits("A"),))))
    assert "phase:" not in text
    assert 'depends_on: ["A"]' in text


def test_a_plan_without_paths_is_told_to_list_them() -> None:
    assert "# no path to write was found" in suggest(checked(plan("A"), plan("B", "b")))


def test_what_a_plan_shares_is_not_suggested_as_its_own() -> None:
    shared = Claim("package.json", Access.SHARED, Source.INFERRED, 4, 0.9)
    text = suggest(checked(plan("A", own("package.json", confidence=0.8), shared)))
    assert yaml.safe_load(text.split("---\n")[1])["shared"] == ["package.json"]
    assert "owns:" not in text


@given(st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=20))
def test_any_name_stays_the_text_that_it_is(name: str) -> None:
    answer = check(PlanSet((plan("A", own("a", confidence=0.8), title=name, agent=name),)), Surroundings())
    front = yaml.safe_load(suggest(answer).split("---\n")[1])
    assert (front["title"], front["agent"]) == (name, name)


@pytest.mark.parametrize("path", ["plans/x\n---\nplan: B.md", "plans/\x1b[31m.md"])
def test_a_hostile_file_name_stays_in_its_comment(path: str) -> None:
    odd: Plan = plan("A", own("a", confidence=0.8), path=path)
    text = suggest(checked(odd))
    assert text.count("\n---\n") == 2
    assert "\x1b" not in text
