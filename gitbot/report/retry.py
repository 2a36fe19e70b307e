"""The brief with which a branch goes back to its agent: what collided, with whom, both sides, and where to start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gitbot.report.terminal import printable

LONGEST_HUNK = 80  # lines
MOST_HUNKS = 12  # of one file


@dataclass(frozen=True, slots=True)
class Side:
    """One conflicted file as git marked it: the target's side, the base and the branch's side of each hunk."""

    path: str
    kind: str
    partner: str  # a branch, or the target
    marked: str | None  # None for what is no text conflict
    marker_size: int
    refused: str | None


@dataclass(frozen=True, slots=True)
class Retry:
    """What the brief is about."""

    branch: str
    plan: str | None
    plan_path: str | None
    target: str
    start: str  # commit to start from
    reason: str  # "conflict", "gate", …
    why: str
    partner: str | None
    partner_why: str | None
    partner_commits: tuple[str, ...]  # subjects
    own_commits: tuple[str, ...]
    sides: tuple[Side, ...]
    tasks: tuple[str, ...]
    log: str | None  # the end of the gate's output
    gate: str | None


def retry_brief(retry: Retry) -> str:
    """The brief as Markdown."""
    plan = f", plan {retry.plan} ({retry.plan_path})" if retry.plan else ""
    parts = [
        f"# Redo `{retry.branch}` on top of {retry.target}",
        f"`{retry.branch}`{plan} was set aside ({retry.reason}): {_sentence(retry.why)}",
        _partner(retry),
        "## What to do\n" + "\n".join(_steps(retry)),
    ]
    if retry.own_commits:
        parts.append("## What this branch did\n" + _list(retry.own_commits))
    if retry.tasks:
        parts.append("## Tasks of its plan\n" + _list(retry.tasks))
    for side in retry.sides:
        parts.append(_side(side, retry))
    if retry.log:
        parts.append("## The end of the gate's output\n" + _fenced(retry.log))
    return "\n\n".join(printable(part, newlines=True) for part in parts if part) + "\n"


def _sentence(text: str) -> str:
    return text.rstrip(".") + "."  # it may begin with the name of a file or branch: never capitalised


def _partner(retry: Retry) -> str:
    if retry.partner is None:
        return ""
    words = f"## The other side\n`{retry.partner}` landed before it"
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
        repair if retry.reason == "gate" and not retry.partner else redo,
        *([f"Run `{retry.gate}` until it is green."] if retry.gate else []),
        f"Commit, then: `gitbot integrate {retry.branch}`",
    ]
    return [f"{number}. {step}" for number, step in enumerate(steps, 1)]


def _side(side: Side, retry: Retry) -> str:
    head = f"## {side.path}: {side.kind} conflict with {side.partner}"
    if side.refused:
        head += f"\nKeeping both sides was refused: {side.refused}."
    if side.marked is None:
        return head
    hunks = _hunks(side.marked, side.marker_size)
    shown = [_hunk(number, hunk, retry) for number, hunk in enumerate(hunks[:MOST_HUNKS], 1)]
    if len(hunks) > MOST_HUNKS:
        shown.append(f"… and {len(hunks) - MOST_HUNKS} more places in this file")
    return "\n\n".join([head, *shown])


def _hunk(number: int, hunk: tuple[int, list[str], list[str], list[str]], retry: Retry) -> str:
    line, ours, base, theirs = hunk
    return "\n".join(
        [
            f"Place {number}, at line {line}. Before both:",
            _fenced("\n".join(base)),
            f"On {retry.target} now:",
            _fenced("\n".join(ours)),
            f"On `{retry.branch}`:",
            _fenced("\n".join(theirs)),
        ]
    )


def _hunks(marked: str, size: int) -> list[tuple[int, list[str], list[str], list[str]]]:
    """(line on the target's side, ours, base, theirs) of each conflict in text with diff3 markers."""
    found: list[tuple[int, list[str], list[str], list[str]]] = []
    line = 1
    into: list[str] | None = None
    for text in marked.splitlines():
        mark = text[:size]
        if mark == "<" * size:
            found.append((line, [], [], []))
            into = found[-1][1]
        elif into is not None and mark == "|" * size:
            into = found[-1][2]
        elif into is not None and text == "=" * size:
            into = found[-1][3]
        elif into is not None and mark == ">" * size:
            into = None
        else:
            line += into is None or into is found[-1][1]
            if into is not None:
                into.append(text)
    return found


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
