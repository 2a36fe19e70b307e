"""The brief with which a branch goes back to its agent: what collided, with whom, both sides, and where to start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gitbot.model.plan import Plan
from gitbot.model.run import BranchReport, Reason
from gitbot.report.terminal import printable

LONGEST_HUNK = 80  # lines
MOST_HUNKS = 12  # of one file


Hunk = tuple[int, tuple[str, ...]]
"""Line on the target's side; the texts of base, target and branch."""


@dataclass(frozen=True, slots=True)
class Side:
    """One conflicted file as git marked it."""

    path: str
    kind: str
    partner: str  # a branch, or the target
    hunks: tuple[Hunk, ...]  # none for what is no text conflict
    refused: str | None


@dataclass(frozen=True, slots=True)
class Retry:
    """What the brief is about."""

    report: BranchReport
    plan: Plan | None
    target: str
    start: str  # commit to start from
    partner_why: str
    partner_commits: tuple[str, ...]  # subjects
    own_commits: tuple[str, ...]
    sides: tuple[Side, ...]
    log: str | None  # the end of the gate's output
    gate: str | None


def retry_brief(retry: Retry) -> str:
    """The brief as Markdown."""
    branch, reason, plan = retry.report.branch, retry.report.reason, retry.plan
    known = f", plan {plan.id} ({plan.path})" if plan else ""
    parts = [
        f"# Redo `{branch}` on top of {retry.target}",
        f"`{branch}`{known} was set aside ({reason}): {_sentence(retry.report.why)}",
        _partner(retry),
        "## What to do\n" + "\n".join(_steps(retry)),
    ]
    if retry.own_commits:
        parts.append("## What this branch did\n" + _list(retry.own_commits))
    if plan and plan.tasks:
        parts.append("## Tasks of its plan\n" + _list([task.text for task in plan.tasks]))
    parts += [_side(side, retry) for side in retry.sides]
    if retry.log:
        parts.append("## The end of the gate's output\n" + _fenced(retry.log))
    return "\n\n".join(printable(part, newlines=True) for part in parts if part) + "\n"


def _sentence(text: str) -> str:
    return text.rstrip(".") + "."  # it may begin with the name of a file or branch: never capitalised


def _partner(retry: Retry) -> str:
    if retry.report.partner is None:
        return ""
    words = f"## The other side\n`{retry.report.partner}` landed before it"
    words += f": {_sentence(retry.partner_why)}" if retry.partner_why else "."
    return words + ("\n" + _list(retry.partner_commits) if retry.partner_commits else "")


def _steps(retry: Retry) -> list[str]:
    start = (
        f"Start from {retry.target} as it is now: in this branch's work tree `git merge {retry.target}`, or "
        f"`git rebase {retry.target}`. When the branch was set aside it was at `{retry.start}`."
    )
    repair = f"Find out why the tests fail there: {retry.target} passes by itself, so the cause is in this branch."
    redo = (
        "Do the tasks of this branch again on what is there now. Keep what the other side wanted; where both "
        "changed the same lines, write what serves both, and take away nothing of theirs."
    )
    steps = [
        start,
        repair if retry.report.reason is Reason.GATE and not retry.report.partner else redo,
        *([f"Run `{retry.gate}` until it is green."] if retry.gate else []),
        f"Commit, then: `gitbot integrate {retry.report.branch}`",
    ]
    return [f"{number}. {step}" for number, step in enumerate(steps, 1)]


def _side(side: Side, retry: Retry) -> str:
    head = f"## {side.path}: {side.kind} conflict with {side.partner}"
    if side.refused:
        head += f"\nKeeping both sides was refused: {side.refused}."
    shown = [_hunk(number, hunk, retry) for number, hunk in enumerate(side.hunks[:MOST_HUNKS], 1)]
    if len(side.hunks) > MOST_HUNKS:
        shown.append(f"… and {len(side.hunks) - MOST_HUNKS} more places in this file")
    return "\n\n".join([head, *shown])


def _hunk(number: int, hunk: Hunk, retry: Retry) -> str:
    line, (base, ours, theirs) = hunk
    return "\n".join(
        [
            f"Place {number}, at line {line}. Before both:",
            _fenced(base),
            f"On {retry.target} now:",
            _fenced(ours),
            f"On `{retry.report.branch}`:",
            _fenced(theirs),
        ]
    )


def _fenced(text: str) -> str:
    lines = text.splitlines()
    if len(lines) > LONGEST_HUNK:
        lines = [*lines[:LONGEST_HUNK], f"… {len(lines) - LONGEST_HUNK} more lines"]
    fence = "```"
    while any(line.lstrip().startswith(fence) for line in lines):
        fence += "`"
    return "\n".join([fence + "text", *lines, fence])


def _list(items: Sequence[str]) -> str:
    return "\n".join(f"- {' '.join(item.split())}" for item in items)
