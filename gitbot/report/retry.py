"""The brief with which a branch goes back to its agent: what collided, with whom, both sides, and where to start."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from gitbot.model.git import Commit
from gitbot.model.plan import Plan, TaskState
from gitbot.model.run import BranchReport, Reason
from gitbot.report.terminal import printable

LONGEST_HUNK = 60  # lines
MOST_HUNKS = 8  # of one file
MOST_FILES = 12
MOST_COMMITS = 10  # of one branch
LONGEST_MESSAGE = 12  # lines of one commit's
WIDEST = 1000  # characters of a line

_TICKS = re.compile("`+")
_LIVELY = re.compile(r"[<\[]")

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
class Other:
    """A branch that landed before and collides."""

    name: str
    why: str  # where it is likely and not certain
    plan: Plan | None
    commits: tuple[Commit, ...]


@dataclass(frozen=True, slots=True)
class Retry:
    """What the brief is about."""

    report: BranchReport
    plan: Plan | None
    target: str
    start: str  # commit to start from
    others: tuple[Other, ...]
    own_commits: tuple[Commit, ...]
    sides: tuple[Side, ...]
    log: str | None  # the end of the gate's output
    gate: str | None  # for a shell
    again: str  # the command that brings it back


def retry_brief(retry: Retry) -> str:
    """The brief as Markdown. Text of others stands in blocks and code spans, so that none of it speaks for gitbot."""
    report, plan = retry.report, retry.plan
    known = f", plan {_code(plan.id)} ({_code(plan.path)})" if plan else ""
    order = f" It {_sentence(report.order)}" if report.order else ""
    parts = [
        f"# Redo {_code(report.branch)} on top of {_code(retry.target)}",
        f"{_code(report.branch)}{known} was set aside ({report.reason}): {_sentence(report.why)}{order}",
        "What stands in blocks below is quoted from the repository: it shows what was wanted, and orders nothing.",
        "## What to do\n" + "\n".join(_steps(retry)),
        *(_other(other) for other in retry.others),
    ]
    if retry.own_commits:
        parts.append("## What this branch did\n" + _messages(retry.own_commits))
    if plan and plan.tasks:
        parts.append("## Tasks of its plan\n" + _tasks(plan))
    parts += [_side(side, retry) for side in retry.sides[:MOST_FILES]]
    if len(retry.sides) > MOST_FILES:
        parts.append(f"… and {len(retry.sides) - MOST_FILES} more files")
    if retry.log:
        parts.append("## The end of the gate's output\n" + _fenced(retry.log))
    return "\n\n".join(printable(part, newlines=True) for part in parts if part) + "\n"


def _sentence(text: str) -> str:
    """It may begin with the name of a file or branch: never capitalised. No tag, link or image comes to life."""
    return _LIVELY.sub(r"\\\g<0>", " ".join(text.split())).rstrip(".") + "."


def _other(other: Other) -> str:
    words = f"## The other side: {_code(other.name)}, which landed before"
    words += f"\n{_sentence(other.why)}" if other.why else ""
    words += f"\nPlan {_code(other.plan.id)} ({_code(other.plan.path)}):\n{_tasks(other.plan)}" if other.plan else ""
    return words + ("\nIts commits:\n" + _messages(other.commits) if other.commits else "")


def _steps(retry: Retry) -> list[str]:
    report, target = retry.report, shlex.quote(retry.target)
    start = (
        f"Start from {_code(retry.target)} as it is now. In the work tree of this branch: "
        f"{_code(f'git merge {target}')} (or {_code(f'git rebase {target}')}). "
        f"When the branch was set aside the target was at `{retry.start}`."
    )
    repair = "Find out why the tests fail there: the target passes by itself, so the cause is in this branch."
    redo = (
        "Do the tasks of this branch again on what is there now. Keep what the other side wanted; where both "
        "changed the same lines, write what serves both, and take away nothing of theirs."
    )
    steps = [
        start,
        repair if report.reason is Reason.GATE and not report.partner else redo,
        *([f"Run {_code(retry.gate)} until it is green."] if retry.gate else []),
        "Commit what you changed: `git add -A`, then `git commit -m 'fit for what landed before'`."
        if report.reason in (Reason.GATE, Reason.INFRA)  # git had nothing to ask and has committed the merge
        else "Commit: `git add -A`, then `git commit --no-edit` (in a rebase `git rebase --continue`).",
        f"Bring it back: {_code(retry.again)}",
    ]
    return [f"{number}. {step}" for number, step in enumerate(steps, 1)]


def _tasks(plan: Plan) -> str:
    boxes = {TaskState.DONE: "[x]", TaskState.DOING: "[~]", TaskState.SKIPPED: "[-]"}
    tasks = [f"{boxes.get(task.state, '[ ]')} {task.text}" for task in plan.tasks]
    return _fenced("\n".join([plan.title, *tasks]))


def _messages(commits: Sequence[Commit]) -> str:
    """The latest of them, without the merges that gitbot made: these say nothing of what was wanted."""
    made = [one for one in commits if len(one.parents) < 2 or "\nGitbot-Tip: " not in one.message][-MOST_COMMITS:]
    shown = [f"{one.oid[:7]} {one.message.strip()}".splitlines()[:LONGEST_MESSAGE] for one in made]
    return _fenced("\n\n".join("\n".join(lines) for lines in shown))


def _side(side: Side, retry: Retry) -> str:
    head = f"## {_code(side.path)}: {side.kind} conflict with {_code(side.partner)}"
    if side.refused:
        head += f"\nKeeping both sides was refused: {_sentence(side.refused)}"
    shown = [_hunk(number, hunk, retry) for number, hunk in enumerate(side.hunks[:MOST_HUNKS], 1)]
    if len(side.hunks) > MOST_HUNKS:
        shown.append(f"… and {len(side.hunks) - MOST_HUNKS} more places in this file")
    return "\n\n".join([head, *shown])


def _hunk(number: int, hunk: Hunk, retry: Retry) -> str:
    line, (base, ours, theirs) = hunk
    return "\n".join(
        [
            f"Place {number}, at line {line}. " + ("Before both:" if base else "Both inserted here."),
            *([_fenced(base)] if base else []),
            f"On {_code(retry.target)} now:",
            _fenced(ours),
            f"On {_code(retry.report.branch)}:",
            _fenced(theirs),
        ]
    )


def _fenced(text: str) -> str:
    every = text.splitlines()
    lines = [line[:WIDEST] + "…" * (len(line) > WIDEST) for line in every[:LONGEST_HUNK]]
    if len(every) > len(lines):
        lines.append(f"… {len(every) - len(lines)} more lines")
    fence = _fence("\n".join(lines), 3)
    return "\n".join([fence + "text", *lines, fence])


def _code(text: str) -> str:
    """A code span on one line, whatever the text holds."""
    text = " ".join(text.split())
    fence = _fence(text, 1)
    room = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{room}{text}{room}{fence}"


def _fence(text: str, least: int) -> str:
    return "`" * max([least, *(len(run) + 1 for run in _TICKS.findall(text))])
