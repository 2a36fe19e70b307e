"""Why a branch goes back, with whom it collides, what to do next, and the brief for who has to redo it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gitbot.journal.runs import file_path
from gitbot.landing import queue
from gitbot.landing.document import landed
from gitbot.landing.examine import Examination, Examiner
from gitbot.landing.partner import Partner, likely_partner
from gitbot.merge.accept_both import CONTENTS, conflicted_file
from gitbot.merge.hunks import read_markers
from gitbot.merge.survey import NewWork, survey
from gitbot.model.git import BranchName, Oid
from gitbot.model.merge import Branch, Candidate, Conflict, ConflictedPath
from gitbot.model.run import BranchReport, Entry, Outcome, Reason, Record, Started, Tested
from gitbot.report.retry import Retry, Side, retry_brief
from gitbot.repository import history, refs
from gitbot.repository.workbench import Workbench

_Collisions = tuple[tuple[ConflictedPath, BranchName], ...]

_LOG_TAIL = 60  # lines of the gate's output in a brief


@dataclass(frozen=True, slots=True)
class Aside:
    """Explains why a branch goes back: everything a reason can be found in."""

    bench: Workbench
    examiner: Examiner
    started: Started
    records: Sequence[Record]
    tip: Oid

    def report(self, step: queue.SetAside, one: Examination | None) -> tuple[BranchReport, str | None]:
        """The report, and the retry brief where the work has to be done again."""
        entry, found = step.entry, step.found
        candidate = found if isinstance(found, Candidate) else None
        resolved = candidate.resolved if candidate else ()
        paths = (
            found.paths if isinstance(found, Conflict) else tuple(ConflictedPath(r.path, CONTENTS) for r in resolved)
        )
        collisions = self._with_whom(entry, paths)
        partner = self._partner(step, one, collisions)
        log = self._log_of(candidate.tree) if candidate else None
        again = step.reason in (Reason.CONFLICT, Reason.GATE, Reason.INFRA)
        report = BranchReport(
            branch=entry.name,
            plan=entry.plan,
            tip=entry.tip,
            outcome=Outcome.SET_ASIDE,
            strategy=candidate.strategy if candidate else None,
            why=self._why(step, one, partner),
            resolved=resolved,
            reason=step.reason,
            partner=partner.branch if partner else None,
            conflicts=collisions if isinstance(found, Conflict) else (),
            log=log[0] if log else None,
            retry=self.brief_name(entry) if again else None,
            next=self._next(step),
        )
        return report, retry_brief(self._retry(report, partner, log)) if again else None

    def brief_name(self, entry: Entry) -> str:
        """The file name of an entry's brief: a number, never a branch's name."""
        return f"retry-{self.started.entries.index(entry) + 1:03d}.md"

    def _why(self, step: queue.SetAside, one: Examination | None, partner: Partner | None) -> str:
        match step.reason:
            case Reason.BLOCKED if step.entry.missing:
                return f"waits for {', '.join(step.entry.missing)}, neither landed nor in this command"
            case Reason.BLOCKED:
                return f"waits for {step.partner}, which did not land"
            case Reason.OWNERSHIP:
                assert one is not None
                return "; ".join(one.judgement.refused[:3])
            case Reason.GATE | Reason.INFRA:
                said = self._verdicts(step)
                return f"the tests {said}" + (f"; {partner.why}" if partner and partner.why else "")
            case Reason.CONFLICT if isinstance(step.found, Candidate):
                return f"keeping both sides merged, but the tests {self._verdicts(step)}"
            case _:
                return step.found.why if isinstance(step.found, Conflict) else "does not merge"

    def _verdicts(self, step: queue.SetAside) -> str:
        assert isinstance(step.found, Candidate)
        tree = step.found.tree
        seen = [r.result.verdict for r in self.records if isinstance(r, Tested) and r.result.tree == tree]
        kinds = {
            "failed": "fail",
            "timed-out": "do not end in time",
            "no-tests": "ran no test",
            "no-start": "could not start",
            "killed": "were killed by a signal",
            "broken": "could not be carried out",
        }
        kind = kinds.get(seen[-1], "fail") if seen else "fail"
        return f"{kind} ({len(seen)} times; the target passes)" if len(seen) > 1 else f"{kind} (the target passes)"

    def _next(self, step: queue.SetAside) -> str:
        again = f"gitbot integrate {step.entry.name}"
        match step.reason:
            case Reason.BLOCKED:
                other = step.partner or ", ".join(step.entry.missing)
                return f"land {other} first, then: {again}"
            case Reason.OWNERSHIP:
                return f"take the foreign changes out, or wait until their owner has landed, then: {again}"
            case _:
                return f"hand the brief to its agent, then: {again}"

    # With whom

    @property
    def _target(self) -> BranchName:
        return BranchName(self.started.request.target.removeprefix(refs.HEADS))

    def _with_whom(self, entry: Entry, paths: Sequence[ConflictedPath]) -> _Collisions:
        """For each path the branch after whose landing it began to conflict, found by trying; else the target."""
        states = [(self.started.before, self._target)]
        states += [(landing.after, landing.report.branch) for landing in landed(self.records)]
        culprit: dict[str, BranchName] = {}
        for commit, name in states if paths else ():
            for path in self.bench.conflicting_paths(commit, entry.tip):
                culprit.setdefault(path, name)
        return tuple((path, culprit.get(path.path, self._target)) for path in paths)

    def _partner(self, step: queue.SetAside, one: Examination | None, collisions: _Collisions) -> Partner | None:
        if step.partner:
            return Partner(step.partner, "")
        for _, name in collisions:
            if name != self._target:
                return Partner(name, "")
        if step.reason is Reason.OWNERSHIP and one is not None and one.drift is not None:
            owners = {trespass.owner for trespass in one.drift.foreign}
            for other in self.started.entries:
                if other.plan in owners:
                    return Partner(other.name, "")
        if isinstance(step.found, Candidate) and not collisions and one is not None and one.base is not None:
            viewer = self.bench.repository
            others = [(r.report.branch, history.patch(viewer, r.before, r.after)) for r in landed(self.records)]
            return likely_partner(history.patch(viewer, one.base, step.entry.tip), others)
        return None

    def _log_of(self, tree: Oid) -> tuple[str, str] | None:
        """Name and text of the last red log of a tree."""
        for record in reversed(self.records):
            if isinstance(record, Tested) and record.result.tree == tree and record.log:
                path = file_path(self.examiner.repository, self.started.run, record.log)
                text = path.read_bytes().decode("utf-8", "replace") if path.exists() else ""
                return record.log, text
        return None

    # The brief

    def _retry(self, report: BranchReport, partner: Partner | None, log: tuple[str, str] | None) -> Retry:
        viewer = self.bench.repository
        branch = Branch(report.branch, report.tip, report.plan)
        work = survey(self.bench, branch, self.tip, self.examiner.landed, None)
        theirs = [landing for landing in landed(self.records) if landing.report.branch == report.partner]
        gate = self.started.request.gate
        return Retry(
            report=report,
            plan=next((p for p in self.examiner.force.plans.plans if p.id == report.plan), None),
            target=self._target,
            start=self.tip,
            partner_why=partner.why if partner else "",
            partner_commits=tuple(viewer.commit(oid).subject for one in theirs for oid in one.report.commits[-10:]),
            own_commits=tuple(commit.subject for commit in work.own[-20:]) if isinstance(work, NewWork) else (),
            sides=tuple(self._side(path, name) for path, name in report.conflicts),
            log="\n".join(log[1].splitlines()[-_LOG_TAIL:]) if log else None,
            gate=gate if isinstance(gate, str) else " ".join(gate) if gate else None,
        )

    def _side(self, path: ConflictedPath, partner: str) -> Side:
        file = conflicted_file(self.bench, path)
        _, shown = (read_markers(file) if file else None) or ((), ())
        hunks = [(one.line, tuple(b"".join(side).decode("utf-8", "replace") for side in one[1:])) for one in shown]
        return Side(path.path, path.kind, partner, tuple(hunks), path.refused)
