"""One run as Markdown for a pull request: the facts of its page, short enough to be read there.

Whatever others have written stands in code spans and blocks: there it mentions nobody, closes nothing, links nowhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate

from gitbot.model.run import BranchReport, Outcome, Reason, Record, Run
from gitbot.report.drift import places
from gitbot.report.integrate import headline
from gitbot.report.markdown import code, fenced
from gitbot.report.terminal import cut
from gitbot.report.timeline import cost_lines

LARGEST = 60_000  # characters; GitHub takes 65,536 in one text
_FEW = 3  # of one kind at a branch
_WIDE = 300  # columns of a sentence
_LINES = 12  # of each side of a conflict
_ENDS = (
    ("Went back", (Outcome.SET_ASIDE,)),
    ("Waiting", (Outcome.WAITING,)),
    ("Landed", (Outcome.LANDED,)),
    ("Nothing to land", (Outcome.ALREADY_LANDED, Outcome.EMPTY)),
)


def by_outcome(run: Run) -> list[tuple[str, list[BranchReport]]]:
    """The branches by how they ended, those that need somebody first."""
    groups = [(title, [one for one in run.branches if one.outcome in ends]) for title, ends in _ENDS]
    return [(title, reports) for title, reports in groups if reports]


def run_markdown(run: Run, records: Sequence[Record]) -> str:
    """The whole text; what is too long for one is left out at its end, and said so."""
    parts = [f"**{code(headline(run))}**, run {code(run.run)}"]
    for title, reports in by_outcome(run):
        parts += [f"\n### {title} ({len(reports)})\n", *("\n".join(_branch(report)) for report in reports)]
    parts += ["\n### Gate\n", *(f"- {line}" for line in cost_lines(run, records))]
    parts += [_conflicts(one, run.target) for one in run.branches if any(path.hunks for path, _ in one.conflicts)]
    fits = sum(size <= LARGEST for size in accumulate(len(part) + 1 for part in parts))
    more = [f"\n… the rest: {code(f'gitbot runs {run.run}')}"] if fits < len(parts) else []
    return "\n".join([*parts[:fits], *more]) + "\n"


def _branch(report: BranchReport) -> Iterator[str]:
    plan = f", plan {code(report.plan)}" if report.plan else ""
    how = f", by {report.strategy}" if report.strategy else ""
    why = f", {report.reason}" if report.reason else ""
    partner = f" with {code(report.partner)}" if report.partner and not report.suspected else ""
    yield f"- {code(report.branch)}{plan}{how}{why}{partner}: {_said(report.why)}"
    yield from [f"  - order: {_said(report.order)}"] if report.order else []
    yield from _first([f"{code(c.kind)} conflict in {code(c.path)} with {code(by)}" for c, by in report.conflicts])
    if report.reason is Reason.OWNERSHIP and report.drift is not None:
        yield from _first([f"touched {code(place)}" for place in places(report.drift)])
    kept = [f"both sides kept in {code(one.path)} ({code(one.how)})" for one in report.resolved if not one.hunks]
    for one in report.resolved:
        kept += [
            f"both sides kept in {code(f'{one.path}:{at.line}')}: {_said(f'{at.how}, {at.why}')}" for at in one.hunks
        ]
    yield from _first(kept)
    notes = [", ".join((flag.text, *flag.paths[:_FEW])) for flag in report.flags]
    yield from _first([f"note: {_said(note)}" for note in (*notes, *(hint.text for hint in report.hints))])
    if report.proof is not None:
        yield f"  - nothing of {code(report.tip[:12])} is missing (residual: {_said(report.proof.residual)})"
    yield from [f"  - next: {_said(report.next)}"] if report.next else []


def _first(items: Sequence[str]) -> Iterator[str]:
    more = [f"… and {len(items) - _FEW} more"] if len(items) > _FEW else []
    yield from (f"  - {one}" for one in [*items[:_FEW], *more])


def _said(text: str) -> str:
    return code(cut(text[: 4 * _WIDE], _WIDE))


def _conflicts(report: BranchReport, target: str) -> str:
    """The first places that keep it from landing, folded."""
    hunks = [(path.path, hunk) for path, _ in report.conflicts for hunk in path.hunks]
    parts = ["\n<details><summary>Conflict</summary>"]
    for path, hunk in hunks[:_FEW]:
        parts += [f"{code(f'{path}:{hunk.line}')} on {code(target)}, then on {code(report.branch)}:"]
        parts += [fenced(hunk.ours, _LINES), fenced(hunk.theirs, _LINES)]
    parts += [f"… and {len(hunks) - _FEW} more places"] if len(hunks) > _FEW else []
    return "\n\n".join([*parts, "</details>"])
