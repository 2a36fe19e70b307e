"""Plans in a line each, for tests of what is said about sets of them."""

from __future__ import annotations

from gitbot.model.plan import Access, Claim, Need, NeedKind, Plan, PlanId, PlanSet, Source, Task, TaskState, Write
from gitbot.model.preflight import Check, Finding
from gitbot.preflight import Surroundings, check

Minutes = tuple[float, float]


def own(pattern: str, write: Write = Write.ANY, confidence: float = 1.0) -> Claim:
    source = Source.DECLARED if confidence == 1.0 else Source.INFERRED
    return Claim(pattern, Access.OWN, source, 3, confidence, write)


def shares(pattern: str) -> Claim:
    return Claim(pattern, Access.SHARED, Source.DECLARED, 4)


def reads(pattern: str) -> Claim:
    return Claim(pattern, Access.READ, Source.DECLARED, 5)


def plan(id: str, *claims: Claim | str, **more: object) -> Plan:
    """A plan of claims; strings are own patterns."""
    made = tuple(own(each) if isinstance(each, str) else each for each in claims)
    return Plan(**{"id": PlanId(id), "path": f"plans/{id}.md", "format": "canonical", "claims": made, **more})  # type: ignore[arg-type]


def tasks(*texts: str, minutes: float | None = None) -> tuple[Task, ...]:
    """Open tasks on the lines from 10 on."""
    each = None if minutes is None else (minutes, minutes)
    return tuple(Task(text, 10 + at, minutes=each) for at, text in enumerate(texts))


def done(text: str) -> Task:
    return Task(text, 9, TaskState.DONE)


def waits(reference: str, line: int = 5) -> Need:
    return Need(reference, NeedKind.HARD, line, f"waits for {reference}")


def event(reference: str, line: int = 5, reason: str = "") -> Need:
    return Need(reference, NeedKind.PIPELINED, line, reason or f"waits_for: {reference}")


def commit(plan: str, word: str, line: int) -> Need:
    return Need(plan, NeedKind.PIPELINED, line, f"wait for Agent {plan} to commit {word}", word=word)


def hours(number: float) -> Minutes:
    return number * 60, number * 60


def checked(*plans: Plan, around: Surroundings | None = None) -> Check:
    return check(PlanSet(plans), around or Surroundings())


def of_rule(rule: str, *plans: Plan, around: Surroundings | None = None) -> list[Finding]:
    """What one rule says of these plans."""
    return [finding for finding in checked(*plans, around=around).findings if finding.rule == rule]
