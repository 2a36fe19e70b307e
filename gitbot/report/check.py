"""What `gitbot check` answers, as text for people and as a document for programs.

Deciding is over when this begins: values in, text or plain dictionaries out, nothing printed.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence

import msgspec
import tomli_w

from gitbot.model.plan import Plan, PlanId, TaskState
from gitbot.model.preflight import Check, Finding, Level, Overlap, Severity, Verdict
from gitbot.report.terminal import printable

SCHEMA = "gitbot.check/1"

_MOST_NOTES = 40  # pairs that the text tells; the document has them all
_MOST_FINDINGS = 200  # the same for findings; errors come first
_COLORS = {Level.ERROR: "31", Level.WARNING: "33", Level.NOTE: "36"}
_BOLD = "1"
_ONLY_FILES = (
    "Only files were compared: settings, database migrations and interfaces that plans share do not show in their "
    "paths."
)


def check_document(check: Check) -> dict[str, object]:
    """The answer as the JSON document: plain values only."""
    before: dict[PlanId, list[str]] = {}
    for edge in check.edges:
        if edge.kind == "plan" and not edge.pipelined:
            before.setdefault(edge.after, []).append(edge.before)
    document = {
        "schema": SCHEMA,
        "verdict": check.verdict,
        "plans": [_plan(plan, check, before.get(plan.id, ())) for plan in check.plans.plans],
        "overlaps": check.overlaps,
        "edges": check.edges,
        "phases": check.phases,
        "findings": check.findings,
        "estimate": {},
        "unknown": check.unknown,
        "why": check.why,
    }
    return {key: _plain(value) for key, value in msgspec.to_builtins(document).items()}


def check_toml(check: Check) -> str:
    """The same document as TOML, which has no null: a key without a value is left out."""
    return tomli_w.dumps({key: _plain(value, nulls=False) for key, value in check_document(check).items()})


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
    }


def _plain(value: object, *, nulls: bool = True) -> object:
    """The value with lists for tuples, on request without keys that have no value."""
    if isinstance(value, dict):
        return {key: _plain(item, nulls=nulls) for key, item in value.items() if nulls or item is not None}
    return [_plain(item, nulls=nulls) for item in value] if isinstance(value, (list, tuple)) else value


def check_text(check: Check, *, color: bool = False) -> str:
    """The answer for a person: the verdict, who runs when and why, what to look at, and what to know of pairs."""
    blocks = [
        _styled(_wrapped(_headline(check)), _BOLD, color),
        *(_phase(number, phase, check, color) for number, phase in enumerate(check.phases, 1)),
        *(_finding_text(finding, color) for finding in check.findings[:_MOST_FINDINGS]),
        _more(len(check.findings) - _MOST_FINDINGS, "findings"),
        "\n".join(_pair_notes(check)),
        _wrapped(_ONLY_FILES) if check.verdict is not Verdict.SEQUENTIAL else "",
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _headline(check: Check) -> str:
    count, unknown = len(check.plans.plans), len(check.unknown)
    if count == 1:
        words = "one plan: there is nothing to compare it with"
    elif check.verdict is Verdict.PARALLEL and unknown:
        words = f"no file conflict found where files are known: {count} plans in one phase"
    elif check.verdict is Verdict.PARALLEL:
        words = f"no file conflict found: {count} plans can run at the same time"
    elif check.verdict is Verdict.PHASED:
        words = f"{count} plans in {len(check.phases)} phases: no file conflict found inside a phase"
    else:
        words = f"{count} plans one after the other: no two of them can run at the same time"
    if unknown:
        words += f"; {unknown} of {count} unknown ({_names(check.unknown)}): no path found"
    errors = sum(finding.level is Level.ERROR for finding in check.findings)
    return f"{words}; {errors} error{'s' * (errors != 1)} to look at" if errors else words


def _phase(number: int, phase: Sequence[PlanId], check: Check, color: bool) -> str:
    titles = {plan.id: plan.title for plan in check.plans.plans if plan.title.casefold() != plan.id.casefold()}
    lines = [_styled(f"Phase {number}", _BOLD, color)]
    for plan in phase:
        title = f" ({titles[plan]})" if titles.get(plan) else ""
        lines.append(_wrapped(f"{plan}{title}: {check.why.get(plan, '')}", "  ", "    "))
    return "\n".join(lines)


def _finding_text(finding: Finding, color: bool) -> str:
    level = finding.level.value
    lines = [_wrapped(f"{level}: {finding.message} [{finding.rule}]", "", "  ")]
    lines[0] = lines[0].replace(level, _styled(level, _COLORS[finding.level], color), 1)
    lines += [f"  {printable(place.path)}:{place.line}" for place in finding.locations]
    if finding.hint:
        lines.append(_wrapped(f"hint: {finding.hint}", "  ", "    "))
    return "\n".join(lines)


def _pair_notes(check: Check) -> Iterator[str]:
    """What to know of pairs that no error speaks of, the strongest first."""
    told = [overlap for overlap in check.overlaps if overlap.severity is not Severity.BLOCKS]
    for overlap in told[:_MOST_NOTES]:
        yield _wrapped(f"{' and '.join(overlap.plans)}: {_relation(overlap)}: {overlap.reason}", "", "  ")
    if len(told) > _MOST_NOTES:
        yield _more(len(told) - _MOST_NOTES, "pairs")
    phase_of = {plan: phase for phase in check.phases for plan in phase}
    for edge in check.edges:
        if edge.pipelined and phase_of[edge.before] == phase_of[edge.after]:
            yield _wrapped(f"{edge.after} may run beside {edge.before}: one task waits ({edge.reason})", "", "  ")
    if check.unknown and len(check.plans.plans) > 1:
        yield _wrapped(f"unknown (no paths): {_names(check.unknown)} with every other plan", "", "  ")


def _relation(overlap: Overlap) -> str:
    if overlap.severity is Severity.NOTES:
        return "note"
    if overlap.same_phase:
        return f"parallel with care for shared files, {overlap.before} lands first"
    return " before ".join(overlap.plans if overlap.before == overlap.plans[0] else reversed(overlap.plans))


def _more(count: int, things: str) -> str:
    return f"and {count} more {things}, all of them in --format json" if count > 0 else ""


def _names(names: Sequence[str], most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _wrapped(text: str, first: str = "", rest: str = "") -> str:
    """Lines of 80 columns without anything that a terminal would obey."""
    return textwrap.fill(
        printable(text),
        80,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _styled(text: str, code: str, color: bool) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if color and text else text
