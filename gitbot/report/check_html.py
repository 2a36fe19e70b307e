"""The answer of `gitbot check` as one page: no script, nothing from elsewhere, text of strangers escaped.

What stands where is the templates' business; here are the numbers and the links between the parts of the page.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from gitbot.model.plan import Claim, PlanId
from gitbot.model.preflight import Check, Location, Severity, Span
from gitbot.report.check_text import ONLY_FILES, disputed, duration, estimate_lines, headline
from gitbot.report.pages import Live, pages

_MOST = {"matrix": 40, "plans": 300, "findings": 1_000, "overlaps": 1_000}  # of many plans the loudest
_TICKS = (1, 2, 5, 10, 15, 30, 60, 120, 240, 480, 1_440, 2_880, 10_080)  # minutes that a time axis may go by
Lines = dict[Location, list[Claim]]
"""What each line of a plan claims."""


def check_html(check: Check, live: Live | None = None) -> str:
    """The whole page."""
    loudest = _loudest(check)
    plans = [plan for plan in check.plans.plans if loudest[plan.id] < _MOST["plans"]]
    number = {plan.id: at for at, plan in enumerate(plans, 1)}
    lines: dict[PlanId, Lines] = {plan.id: {} for plan in plans}
    for plan in plans:
        for claim in (*plan.claims, *plan.never):
            lines[plan.id].setdefault(Location(claim.path or plan.path, claim.line), []).append(claim)
    ticks, bars = _chart(check)
    overlaps = check.overlaps[: _MOST["overlaps"]]
    return (
        pages()
        .get_template("check.html")
        .render(
            check=check,
            live=live,
            headline=headline(check),
            disputed=disputed(check),
            counts=Counter(each.level for each in check.findings),
            findings=check.findings[: _MOST["findings"]],
            overlaps=overlaps,
            plans=plans,
            number=number,
            lines=lines,
            link=_links(check, number, lines),
            met={overlap.plans: at for at, overlap in reversed([*enumerate(overlaps, 1)])},  # the worst of each pair
            matrix=[plan.id for plan in plans if loudest[plan.id] < _MOST["matrix"]],
            bars=bars,
            ticks=ticks,
            estimate=estimate_lines(check.estimate) if check.estimate else (),
            critical=set(check.estimate.critical_path) if check.estimate else set(),
            only_files=ONLY_FILES,
        )
    )


def _loudest(check: Check) -> dict[PlanId, int]:
    """The rank of each plan by how many others it meets, and how hard."""
    weight = {Severity.BLOCKS: 10_000, Severity.ORDERS: 100, Severity.NOTES: 1}
    meetings: Counter[PlanId] = Counter({plan.id: 0 for plan in check.plans.plans})
    for overlap in check.overlaps:
        meetings.update(dict.fromkeys(overlap.plans, weight[overlap.severity]))
    return {plan: rank for rank, (plan, _) in enumerate(meetings.most_common())}


def _links(check: Check, number: Mapping[PlanId, int], lines: Mapping[PlanId, Lines]) -> Callable[[Location], str]:
    """From a place in a file to where the page shows it: the claims of that line, else the plan it is in."""
    exact = {
        (place.path, place.line): f"plan-{number[plan]}-{at}"
        for plan in lines
        for at, place in enumerate(lines[plan], 1)
    }
    plans = sorted((plan for plan in check.plans.plans if plan.id in number), key=lambda plan: -plan.line)

    def link(place: Location) -> str:
        holder = next((plan.id for plan in plans if plan.path == place.path and plan.line <= place.line), None)
        return exact.get((place.path, place.line)) or (f"plan-{number[holder]}" if holder else "")

    return link


def _chart(check: Check) -> tuple[list[tuple[float, str]], dict[PlanId, tuple[float, float, str]]]:
    """The marks of the time axis, none where times are not known, and each plan's start, length and words."""
    spans: Sequence[Span] = check.estimate.timeline if check.estimate else ()
    end, marks = max((span.end for span in spans), default=0), []
    if end:
        step = next((step for step in _TICKS if end / step <= 4), end / 4)
        marks = [(at * step * 100 / end, duration(at * step)) for at in range(int(end / step) + 1)]
    else:
        spans = [Span(plan, at, at + 1) for at, phase in enumerate(check.phases) for plan in phase]
        end = len(check.phases) or 1
    bars = {}
    for span in spans[: _MOST["plans"]]:
        width = max(0.5, (span.end - span.start) * 100 / end)
        words = f"{duration(span.start)} – {duration(span.end)}" if marks else ""
        bars[span.plan] = (round(span.start * 100 / end, 2), round(width, 2), words)
    return marks, bars
