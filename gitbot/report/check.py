"""What `gitbot check` answers to programs: the JSON document, and the same as TOML.

Deciding is over when this begins: values in, text or plain dictionaries out, nothing printed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
import tomli_w

from gitbot.model.plan import Plan, PlanId, TaskState
from gitbot.model.preflight import Check
from gitbot.report.terminal import escaped

SCHEMA = "gitbot.check/1"


def check_document(check: Check) -> dict[str, object]:
    """The answer as the JSON document, its values still those of the check."""
    before: dict[PlanId, list[str]] = {}
    for edge in check.edges:
        if edge.kind == "plan" and not edge.pipelined:
            before.setdefault(edge.after, []).append(edge.before)
    return {
        "schema": SCHEMA,
        "verdict": check.verdict,
        "plans": [_plan(plan, check, before.get(plan.id, ())) for plan in check.plans.plans],
        "overlaps": check.overlaps,
        "edges": check.edges,
        "phases": check.phases,
        "findings": check.findings,
        "estimate": check.estimate or {},
        "questions": check.questions,
        "unknown": check.unknown,
        "why": check.why,
    }


def check_toml(check: Check) -> str:
    """The same document as TOML, which has no null: a key without a value is left out."""
    plain = _without_nulls(msgspec.to_builtins(check_document(check)))
    return escaped(tomli_w.dumps(plain))  # it quotes every string and odd key


def _without_nulls(value: Any) -> Any:  # noqa: ANN401 - plain values within each other
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, (list, tuple)) else value


def _plan(plan: Plan, check: Check, before: Iterable[str]) -> dict[str, object]:
    counted = [task.state is TaskState.DONE for task in plan.tasks if task.state is not TaskState.SKIPPED]
    return {
        "id": plan.id,
        "path": plan.path,
        "format": plan.format,
        "agent": plan.agent,
        "branch": check.branches.get(plan.id, plan.branch),
        "depends_on": list(dict.fromkeys(before)),
        "confidence": plan.confidence,
        "claims": plan.claims,
        "never": [claim.pattern for claim in plan.never],
        "tasks": {"done": sum(counted), "total": len(counted)},
        "title": plan.title,
        "line": plan.line,
        "unresolved": plan.unresolved,
    }
