"""Messages that hand out work: numbered agents, calls, lines and ranges of cycles."""

from __future__ import annotations

from gitbot.model.plan import PlanSet
from gitbot.plans import Source, read_plans


def read(text: str) -> PlanSet:
    return read_plans([Source("plans/message.md", text.encode())])


def ids(found: PlanSet) -> list[str]:
    return [plan.id for plan in found.plans]


def test_a_list_of_agents_is_a_plan_each() -> None:
    found = read("AGENTS:\n1. agent-backend: Create `src/api.ts`\n2. agent-quality: Create `tests/api.ts`\n")
    assert ids(found) == ["backend", "quality"]
    assert [plan.claims[0].pattern for plan in found.plans] == ["src/api.ts", "tests/api.ts"]


def test_entries_of_one_name_are_agents_of_their_own() -> None:
    found = read(
        '```typescript\n"Build:\n1. agent-builder: Log in\n2. agent-builder: Search\n3. agent-builder: Pay"\n```\n'
    )
    assert ids(found) == ["builder", "builder-2", "builder-3"]
    assert found.plans[2].title == "Pay"


def test_lines_of_one_agent_without_numbers_are_one_plan() -> None:
    found = read("Agent A: Create src/a.ts\nAgent B: Create src/b.ts\nAgent A: Create src/c.ts\n")
    assert ids(found) == ["A", "B"]
    assert [claim.pattern for claim in found.plans[0].claims] == ["src/a.ts", "src/c.ts"]


def test_code_holds_no_agents_without_numbers() -> None:
    assert read("```ts\nagent-a: work,\nagent-b: work,\n```\n").plans == ()


def test_calls_that_start_agents_are_plans_with_their_lines() -> None:
    first = '<Task agent="agent-one" context={spec}>\n  Create `a.ts`\n</Task>'
    found = read(f'```\n{first}\n<Task agent="two">Create `b.ts`</Task>\n```\n')
    assert [(plan.id, plan.line) for plan in found.plans] == [("one", 2), ("two", 5)]


def test_ranges_that_follow_each_other_are_phases_and_those_that_overlap_are_one() -> None:
    found = read("Cycle 1-10: Backend + Frontend simultaneously = 2 hours\nCycle 5-12: Docs\nCycle 13-20: Quality\n")
    phases = {plan.id: str(plan.phase) for plan in found.plans}
    assert phases == {"backend": "1", "frontend": "1", "docs": "1", "quality": "2"}


def test_words_like_agent_driven_name_nobody() -> None:
    found = read("- Agent-driven: read it\n- agent-based: write it\n\n- [ ] Create `src/a.py`\n")
    assert ids(found) == ["message"]
