"""What a pull request says of a tested result that was pushed beside its target (`integrate --land`)."""

from __future__ import annotations

from collections.abc import Iterator

from gitbot.model.run import BranchReport, Outcome, Run
from gitbot.report.terminal import cut, printable

WIDEST = 72  # of a title


def pull_request(run: Run) -> dict[str, str] | None:
    """`title` and `body` (Markdown); None when nothing is waiting for the target.

    The body ends in the trailers of a squash: a host that makes it the message of one lets the branches be known as
    landed. Names and texts of others stand in code spans, where they mention nobody and close nothing.
    """
    there = [one for one in run.branches if one.outcome is Outcome.WAITING and one.proof is not None]
    names, command = ", ".join(printable(one.branch) for one in there), run.gate.command
    title = cut(f"Land {names}" if len(there) == 1 else f"Land {len(there)} branches: {names}", WIDEST)
    words = command if isinstance(command, str) else " ".join(command or ())
    tested = "was not tested (--no-gate)" if command is None else f"passed {_code(words)}"
    head = f"On top of {_code(run.target)} at {run.before[:12]}; the whole of it, as one tree, {tested}."
    about = "\n".join(line for one in there for line in _about(one))
    trailers = "\n".join((f"Gitbot-Run: {run.run}", *(line for one in there for line in _trailers(one))))
    return {"title": title, "body": f"{head}\n\n{about}\n\n{trailers}\n"} if there else None


def _about(report: BranchReport) -> Iterator[str]:
    plan = f", plan {_code(report.plan)}" if report.plan else ""
    yield f"- {_code(report.branch)}{plan}, by {report.strategy}"
    if report.proof is not None:
        yield f"  - nothing of {report.tip[:12]} is missing (residual: {report.proof.residual})"
    yield from (f"  - both sides were kept in {_code(one.path)} ({one.how})" for one in report.resolved)
    yield from (f"  - note: {_code(', '.join((flag.text, *flag.paths[:3])))}" for flag in report.flags)


def _trailers(report: BranchReport) -> Iterator[str]:
    yield f"Gitbot-Branch: {printable(report.branch)}"
    if report.plan:
        yield f"Gitbot-Plan: {printable(report.plan)}"
    yield f"Gitbot-Tip: {report.tip}"


def _code(text: str) -> str:
    return "`" + printable(text).replace("`", "'") + "`"
