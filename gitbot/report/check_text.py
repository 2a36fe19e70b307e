"""What `gitbot check` answers a person at a terminal: first what matters, and no more than can be read.

Long lists are cut and say how much is missing; `whole` shows everything.
"""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TypeVar

from gitbot.model.plan import Access, Plan, PlanId, Source
from gitbot.model.preflight import Check, Estimate, Finding, Level, Overlap, Severity, Verdict
from gitbot.report.terminal import printable

ONLY_FILES = (
    "Only files were compared: settings, database migrations and interfaces that plans share do not show in their "
    "paths."
)
_MOST = {Level.ERROR: 10, Level.WARNING: 4, Level.NOTE: 0}  # findings of one rule
_MOST_PHASES = 24
_MOST_PAIRS = 8
_MOST_LINED = 12  # plans of a phase that have a line each; more of them share one per reason
_MOST_PLACES = 4
_COLORS = {"error": "31", "warning": "33", "note": "36", "no": "31", "unknown": "33", "yes": "32"}
_BOLD = "1"
_KINDS = {Access.OWN: "owns", Access.SHARED: "shares", Access.READ: "reads"}
_Thing = TypeVar("_Thing")


@dataclass(frozen=True, slots=True)
class _Look:
    width: int
    color: bool
    whole: bool

    def wrapped(self, text: str, first: str = "", rest: str = "  ") -> str:
        """Lines of the width without anything that a terminal would obey; six of them unless all is wanted."""
        return textwrap.fill(
            printable(text),
            self.width,
            initial_indent=first,
            subsequent_indent=rest,
            break_long_words=False,
            break_on_hyphens=False,
            max_lines=None if self.whole else 6,
            placeholder=" …",
        )

    def styled(self, text: str, word: str, code: str = _BOLD) -> str:
        """The text with the first such word of it in a colour."""
        return text.replace(word, f"\x1b[{code}m{word}\x1b[0m", 1) if self.color and word else text

    def cut(self, things: Sequence[_Thing], most: int) -> tuple[Sequence[_Thing], Sequence[_Thing]]:
        """What is shown of so many things, and what is not; never all but one."""
        shown = len(things) if self.whole or len(things) <= most + 1 else most
        return things[:shown], things[shown:]


def check_text(check: Check, *, color: bool = False, width: int = 80, whole: bool = False) -> str:
    """The verdict, what is wrong, who runs when and why, what to look at and to know, and whether it pays."""
    look = _Look(width, color, whole)
    hinted: set[str] = set()
    first = look.wrapped(headline(check), rest="")
    alone = len(check.plans.plans) == 1
    plans = [_plan(plan, look) for plan in check.plans.plans if whole or alone]
    blocks = [
        look.styled(first, first),
        look.wrapped(disputed(check)),
        *_findings(check, Level.ERROR, look, hinted),
        *(plans if alone else _phases(check, look)),
        *_findings(check, Level.WARNING, look, hinted),
        "\n".join(_pairs(check, look)),
        *(_findings(check, Level.NOTE, look, hinted) if whole else [_folded(check, look)]),
        *([] if alone else [*plans, _questions(check, look), _estimate(check, look)]),
        look.wrapped(ONLY_FILES, rest="") if check.verdict is not Verdict.SEQUENTIAL else "",
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def headline(check: Check) -> str:
    """The verdict in one sentence."""
    count, unknown, phases = len(check.plans.plans), len(check.unknown), len(check.phases)
    if count == 0:
        words = "no plan could be read"
    elif count == 1:
        words = "one plan: there is nothing to compare it with" + "; no path found in it" * unknown
    elif unknown == count:
        words = f"no path found in any of the {count} plans: their conflicts are unknown"
        words += f"; what waits for what makes {phases} phases" if phases > 1 else ""
    elif check.verdict is Verdict.PARALLEL and unknown:
        words = f"no file conflict found where files are known: {count} plans in one phase"
    elif check.verdict is Verdict.PARALLEL:
        words = f"no file conflict found: {count} plans can run at the same time"
    elif check.verdict is Verdict.PHASED:
        words = f"{count} plans in {phases} phases: no file conflict found inside a phase"
    else:
        words = f"{count} plans one after the other: no two of them can run at the same time"
    if 0 < unknown < count:
        words += f"; {unknown} of {count} unknown ({_names(check.unknown)}): no path found"
    errors = sum(finding.level is Level.ERROR for finding in check.findings)
    return f"{errors} error{'s' * (errors != 1)} to look at; {words}" if errors else words


def disputed(check: Check) -> str:
    """The paths that most of the errors are about, when a few paths make many errors."""
    errors = [finding for finding in check.findings if finding.level is Level.ERROR]
    often = [f"{path} ({count} errors)" for path, count in _often(each.paths for each in errors) if count > 2]
    return f"most disputed: {', '.join(often)}" if often else ""


def _often(named: Iterable[Sequence[str]]) -> list[tuple[str, int]]:
    """The three names that stand in most of some lists, and in how many."""
    times = Counter(name for names in named for name in set(names))
    return sorted(times.items(), key=lambda counted: (-counted[1], counted[0]))[:3]


def _findings(check: Check, level: Level, look: _Look, hinted: set[str]) -> Iterator[str]:
    """The findings of a level by rule, each way out said once."""
    groups: dict[str, list[Finding]] = {finding.rule: [] for finding in check.findings}
    for finding in check.findings:
        groups[finding.rule] += [finding] if finding.level is level else []
    for rule, found in groups.items():
        shown, rest = look.cut(found, _MOST[level])
        for finding in shown:
            yield _finding(finding, look, finding.hint if finding.hint not in hinted else None)
            hinted.add(finding.hint or "")
        if rest:
            often = [f"{plan} ({count})" for plan, count in _often(each.plans for each in rest) if count > 1]
            most = f", most with {', '.join(often)}" if often else ""
            yield look.wrapped(f"and {len(rest)} more {level}s [{rule}]{most}: -v shows them")


def _finding(finding: Finding, look: _Look, hint: str | None) -> str:
    message = finding.message if look.whole else textwrap.shorten(finding.message, 5 * look.width, placeholder=" …")
    first = look.wrapped(f"{finding.level}: {message} [{finding.rule}]")
    lines = [look.styled(first, finding.level, _COLORS[finding.level])]
    if places := [f"{place.path}:{place.line}" for place in finding.locations]:
        lines.append(look.wrapped(_names(places, len(look.cut(places, _MOST_PLACES)[0])), "  "))
    if hint:
        lines.append(look.wrapped(f"hint: {hint}", "  ", "    "))
    return "\n".join(lines)


def _folded(check: Check, look: _Look) -> str:
    rules = Counter(finding.rule for finding in check.findings if finding.level is Level.NOTE)
    count, words = rules.total(), ", ".join(f"{count} {rule}" if count > 1 else rule for rule, count in rules.items())
    them = ("s", "them") if count > 1 else ("", "it")
    return look.wrapped(f"{count} note{them[0]} ({words}): -v shows {them[1]}", rest="") if rules else ""


def _phases(check: Check, look: _Look) -> Iterator[str]:
    """The plans of each phase with their reasons; in a long one those with the same reason together."""
    shown, rest = look.cut(check.phases, _MOST_PHASES)
    named = (plan for plan in check.plans.plans if plan.title.casefold() not in ("", plan.id.casefold()))
    titled = {plan.id: f"{plan.id} ({textwrap.shorten(plan.title, 60, placeholder=' …')})" for plan in named}
    for number, phase in enumerate(shown, 1):
        head, long = f"Phase {number}", len(phase) > _MOST_LINED
        lines = [look.styled(head + f": {len(phase)} plans" * long, head)]
        groups: dict[str, list[PlanId]] = {}
        for plan in phase:
            groups.setdefault(check.why.get(plan, "") if long and not look.whole else plan, []).append(plan)
        lined, more = look.cut(sorted(groups.values(), key=lambda plans: -len(plans)), _MOST_LINED)
        for first, *others in lined:
            reason, who = check.why.get(first, ""), titled.get(first, first)
            words = f"{len(others) + 1} plans: {reason}: {_names([first, *others], 40)}"
            lines.append(look.wrapped(words if others else f"{who}: {reason}", "  ", "    "))
        if more:
            lines.append(f"  and {sum(map(len, more))} more plans: -v shows them")
        yield "\n".join(lines)
    if rest:
        yield f"and {len(rest)} more phases with {sum(map(len, rest))} plans: -v shows them"


def _plan(plan: Plan, look: _Look) -> str:
    """What was understood of one plan: where each of its paths comes from, and what could not be placed."""
    kinds: dict[str, dict[str, None]] = {}
    for claim in plan.claims:
        found = claim.source is Source.INFERRED and claim.access is not Access.READ
        kind = "found in its text" if found else _KINDS[claim.access]
        if claim.pattern not in kinds.get("owns", ()):
            kinds.setdefault(kind, {})[claim.pattern] = None
    kinds["never"] = dict.fromkeys(each.pattern for each in plan.never)
    kinds["named but not understood"] = dict.fromkeys(plan.unresolved)
    words = "; ".join(f"{kind}: {', '.join(names)}" for kind, names in kinds.items() if names)
    text = look.wrapped(f"{plan.id} ({plan.path}:{plan.line}, {plan.format}): {words or 'no path'}")
    return look.styled(text, printable(plan.id))


def _pairs(check: Check, look: _Look) -> Iterator[str]:
    """What to know of pairs that no finding speaks of; with mere notes when all is wanted."""
    phase_of = {plan: phase for phase in check.phases for plan in phase}
    loud = (finding for finding in check.findings if finding.level is not Level.NOTE)
    spoken = {(plan, path) for finding in loud for plan in finding.plans for path in finding.paths}
    told = [
        f"{' and '.join(overlap.plans)}: {_relation(overlap)}: {overlap.reason}"
        for overlap in check.overlaps
        if (look.whole and overlap.severity is not Severity.BLOCKS)
        or (overlap.severity is Severity.ORDERS and not spoken.issuperset(product(overlap.plans, overlap.paths)))
    ] + [
        f"{edge.after} may run beside {edge.before}: one task waits ({edge.reason})"
        for edge in check.edges
        if edge.pipelined and phase_of[edge.before] == phase_of[edge.after]
    ]
    shown, rest = look.cut(told, _MOST_PAIRS)
    yield from map(look.wrapped, shown)
    if rest:
        yield f"and {len(rest)} more pairs to know of: -v shows them"


def _relation(overlap: Overlap) -> str:
    if overlap.severity is Severity.NOTES:
        return "note"
    if overlap.same_phase:
        return f"parallel with care for shared files, {overlap.before} lands first"
    return " before ".join(overlap.plans if overlap.before == overlap.plans[0] else reversed(overlap.plans))


def _questions(check: Check, look: _Look) -> str:
    lines = [look.styled(head := "Does it pay to work in parallel?", head)]
    for asked in check.questions:
        evidence = "; ".join(asked.evidence if look.whole else asked.evidence[:1])
        first = look.wrapped(f"{asked.answer:<7}  {asked.question} {evidence}", "  ", " " * 11)
        lines.append(look.styled(first, asked.answer, _COLORS.get(asked.answer, _BOLD)))
    return "\n".join(lines) if check.questions else ""


def _estimate(check: Check, look: _Look) -> str:
    told = estimate_lines(check.estimate) if check.estimate else ()
    lines = [look.wrapped(words, "  ", "    ") for words in told]
    return "\n".join([look.styled("Estimate", "Estimate"), *lines]) if lines else ""


def estimate_lines(estimate: Estimate) -> tuple[str, ...]:
    """What the work takes, what that costs, and what had to be assumed for it; nothing where none is left."""
    if not estimate.sequential[1]:
        return ()
    gain = f"{estimate.speed_up:.1f}x as fast with at most {estimate.agents} agents"
    costs = [
        f"{name} {', '.join(f'{_amount(value)} {kind}' for kind, value in amounts.items())}"
        for name, amounts in (
            ("requests", estimate.requests),
            ("tokens", estimate.tokens),
            ("planning cycles", estimate.cycles),
        )
        if any(amounts.values())
    ]
    assumed = ", ".join(f"{name} = {value:g}" for name, value in estimate.assumptions.items())
    guessed = f"; guessed for {_names(estimate.guessed)}" if estimate.guessed else ""
    lines = (
        f"{_range(estimate.sequential)} one after the other, {_range(estimate.parallel)} in parallel: {gain}, "
        f"{estimate.utilisation:.0%} of their time at work",
        f"critical path: {' → '.join(estimate.critical_path)}" if estimate.critical_path else "",
        "; ".join(costs),
        f"assumed ([estimate] in gitbot.toml): {assumed}{guessed}" if assumed or guessed else "",
    )
    return tuple(line for line in lines if line)


def duration(minutes: float) -> str:
    """Minutes in words: `45 min`, `2 h`, `1 h 30 min`."""
    hours, rest = divmod(round(minutes), 60)
    return " ".join([f"{hours} h"] * (hours > 0) + [f"{rest} min"] * (rest > 0 or not hours))


def _range(minutes: tuple[float, float]) -> str:
    low, high = map(duration, minutes)
    return low if low == high else f"{low} to {high}"


def _amount(value: float) -> str:
    """`2.5`, `12`, `1,500`, `450k`, `12M`: as exact as an estimate may look."""
    for size, letter in ((1_000_000, "M"), (1_000, "k")):
        if value >= 10 * size:
            return f"{value / size:,.0f}{letter}"
    return f"{value:,.3g}" if value < 100 else f"{value:,.0f}"


def _names(names: Sequence[str], most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
