"""What a run of integrate did: the document for programs and the screen for people."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import msgspec

from gitbot.model.merge import ConflictedPath, Resolution, ResolvedHunk
from gitbot.model.run import BranchReport, Outcome, Reason, Run
from gitbot.report.drift import places
from gitbot.report.pull_request import pull_request
from gitbot.report.terminal import printable, some

SCHEMA = "gitbot.integrate/1"
PLACES = 5  # of one file, and conflicts of one branch, that the screen names
SHOWN = 8  # lines of one place
_VERBATIM = " " * 6  # begins a line of a file, which is cut off and never wrapped

SIGNS: dict[str, tuple[str, int]] = {
    Outcome.LANDED: ("+", 32),
    Outcome.SET_ASIDE: ("!", 31),
    Outcome.WAITING: ("~", 33),
    Outcome.ALREADY_LANDED: ("=", 2),
    Outcome.EMPTY: ("=", 2),
}


def integrate_document(run: Run, folder: str) -> dict[str, object]:
    """The JSON document (docs/documents.md); `folder` is where the run's files are."""
    shown = msgspec.to_builtins(run)
    for own in ("started", "finished", "exit_code", "message", "hint"):
        del shown[own]
    shown["branches"] = [branch_document(report, folder) for report in run.branches]
    return {"schema": SCHEMA, **shown, "pull_request": pull_request(run) if run.land else None}


def branch_document(report: BranchReport, folder: str) -> dict[str, object]:
    """One element of `branches`."""
    conflicts = [{"path": c.path, "kind": c.kind, "with": other, "why": c.refused} for c, other in report.conflicts]
    files = {"log": _path(folder, report.log), "retry": _path(folder, report.retry)}
    told: dict[str, object] = msgspec.to_builtins(report)
    return told | {"conflicts": conflicts} | files


def _path(folder: str, name: str | None) -> str | None:
    return name and f"{folder}/{name}"


def integrate_text(run: Run, folder: str, *, colour: bool, width: int) -> str:
    """One screen of `width` columns: what landed, what did not and why, the cost, and the line that takes it back."""
    lines = [headline(run), ""]
    for report in run.branches:
        lines += _report(report, run.target, folder, colour=colour, width=width)
    kept = any(hunk.result for report in run.branches for one in report.resolved for hunk in one.hunks)
    marks = [f"marks  < {printable(run.target)}, > the branch, * made of both"] if kept else []
    lines += [
        "",
        *marks,
        _gate(run),
        *textwrap.wrap(_proof(run), width, subsequent_indent=" " * 7, break_on_hyphens=False),
    ]
    later = {report.next for report in run.branches if report.outcome is Outcome.WAITING and report.next}
    lines += [f"next   {printable(step)}" for step in sorted(later)]
    again = [printable(report.branch) for report in run.branches if report.reason is Reason.CONFLICT]
    if len(again) > 1:
        lines.append(f"next   redo one after the other, each when the one before has landed: {', '.join(again)}")
    takes_back = not run.dry_run and run.state != "undone"
    if takes_back and any(report.outcome is Outcome.LANDED for report in run.branches):
        lines.append(f"undo   gitbot undo {run.run}")
    request = pull_request(run) if run.land else None
    if request is not None:
        head = f"pull request from {printable(run.land or '')}"
        lines += ["", head, "", request["title"], "", request["body"].rstrip()]
    return "\n".join(lines) + "\n"


def headline(run: Run) -> str:
    """How much of it landed, and where."""
    landed = sum(report.outcome is Outcome.LANDED for report in run.branches)
    if run.dry_run:
        would = sum(report.outcome is Outcome.WAITING for report in run.branches)
        untested = "no gate is configured" if not run.gate.command else "nothing was tested"
        return f"dry run: {would} of {len(run.branches)} would merge onto {printable(run.target)}; {untested}"
    if all(report.outcome in (Outcome.ALREADY_LANDED, Outcome.EMPTY) for report in run.branches):
        return f"nothing to do: {len(run.branches)} of {len(run.branches)} landed before or have no change"
    moved = "".join(f", {before[:7]} → {after[:7]}" for before, after in run.spans)
    done = f"{landed} of {len(run.branches)} landed on {printable(run.target)}{moved}"
    if run.land is not None:
        beside = sum(report.proof is not None for report in run.branches)
        done = f"{beside} of {len(run.branches)} merged for {printable(run.target)}, in {printable(run.land)}"
    return done if run.state == "done" else f"{done} (run {run.state})"


def fate(report: BranchReport) -> str:
    """What became of a branch, in a few printable words."""
    would = report.outcome is Outcome.WAITING and report.reason is None and report.proof is None  # in a dry run
    how = f" by {report.strategy}" if report.strategy and (would or report.outcome is Outcome.LANDED) else ""
    why = f": {report.reason}" if report.reason else ""
    partner = f" with {printable(report.partner)}" if report.partner and not report.suspected else ""
    return f"{'would land' if would else report.outcome}{how}{why}{partner}"


def _report(report: BranchReport, target: str, folder: str, *, colour: bool, width: int) -> Sequence[str]:
    sign, code = SIGNS[report.outcome]
    name = printable(report.branch)
    head = f"{sign} {name}  {fate(report)}"
    lines = [f"\x1b[{code}m{head}\x1b[0m" if colour else head]
    details = [printable(report.why.removeprefix(f"{fate(report)}: "))]
    details += [f"order: {printable(report.order)}"] if report.order else []
    if report.reason is Reason.OWNERSHIP and report.drift is not None:
        details.append(f"touched: {some(tuple(places(report.drift)))}")
    with_whom = report.partner or target
    told = [(c, other) for c, other in report.conflicts if c.path not in report.why or other != with_whom]
    details += [f"{printable(c.path)}: {_refusal(c, other)}" for c, other in told[:PLACES]]
    if len(told) > PLACES:
        details.append(f"and {len(told) - PLACES} more conflicts, all of them in the JSON document")
    details += [line for resolution in report.resolved for line in _kept(resolution, report.why)]
    details += [f"note: {flag.text}{_some(flag.paths)}" for flag in report.flags]
    details += [f"note: {printable(hint.text)}" for hint in report.hints if hint.text not in report.why]
    files = (("log", report.log), ("brief", report.retry))
    details += [f"{name}: {_path(folder, file)}" for name, file in files if file]
    if report.next and report.outcome not in (Outcome.LANDED, Outcome.WAITING):
        details.append(f"next: {printable(report.next)}")
    wrap = textwrap.TextWrapper(width, initial_indent="    ", subsequent_indent="      ", break_long_words=False)
    wrap.break_on_hyphens = False
    for detail in details:
        lines += [detail[:width]] if detail.startswith(_VERBATIM) else wrap.wrap(detail)
    return lines


def _whose(hunk: ResolvedHunk) -> list[str]:
    """The beginning of what was written in place of a conflict, each line marked with the side that it is from."""
    base, ours, theirs = (frozenset(text.splitlines()) for text in (hunk.base, hunk.ours, hunk.theirs))
    lines = [line for line in hunk.result.splitlines() if line.strip()]
    marked: list[str] = []
    for line in lines[:SHOWN]:
        if line in base or (line in ours and line in theirs):
            mark = " "
        else:
            mark = "<" if line in ours else ">" if line in theirs else "*"
        marked.append(f"{_VERBATIM}{mark} {printable(line)}")
    return [*marked, f"{_VERBATIM}  … {len(lines) - SHOWN} more lines"] if len(lines) > SHOWN else marked


def _refusal(conflict: ConflictedPath, other: str) -> str:
    why = f": {printable(conflict.refused)}" if conflict.refused else ""
    return f"{conflict.kind} conflict with {printable(other)}{why}"


def _kept(resolution: Resolution, why: str) -> list[str]:
    """Where both sides of a file were kept, by which rung and why; the texts themselves are in the document."""
    path = printable(resolution.path)
    if not resolution.hunks:
        return [] if resolution.path in why else [f"kept both in {path} ({resolution.how})"]
    if resolution.how == "lock-regenerated":
        return [f"{path}: {hunk.why}" for hunk in resolution.hunks]
    places: list[str] = []
    for hunk in resolution.hunks[:PLACES]:
        places.append(f"kept both in {path} line {hunk.line} ({hunk.how}): {hunk.why}")
        places += _whose(hunk)
    more = len(resolution.hunks) - PLACES
    return [*places, f"and in {more} more places of {path}"] if more > 0 else places


def _proof(run: Run) -> str:
    """That nothing of what landed is missing, what became of its commits, and where they are kept."""
    proofs = [report.proof for report in run.branches if report.proof is not None]
    patches = [proof.patches for proof in proofs if proof.patches is not None]
    counts = {what: sum(getattr(one, what) for one in patches) for what in ("same", "adapted", "dropped")}
    told = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
    if not proofs:
        return ""
    rest = any(one.outcome is Outcome.WAITING and one.proof is None for one in run.branches)
    what = "nothing of what landed" if rest else "nothing"
    return f"proof  {what} is missing; patches: {told or 'none'}; tips in {proofs[0].backup.rpartition('/')[0]}/"


def _some(paths: tuple[str, ...]) -> str:
    return f" ({some(paths)})" if paths else ""


def _gate(run: Run) -> str:
    use = run.gate
    if run.dry_run:
        return "gate   not run"
    if use.command is None:
        return "gate   none (--no-gate): nothing was tested"
    parts = [f"{use.runs} run{'s' if use.runs != 1 else ''}"]
    if use.cached:
        parts.append(f"{use.cached} known from before")
    if use.failed:
        parts.append(f"{use.failed} red")
    return f"gate   {', '.join(parts)}, {use.seconds:.1f} s in all"
