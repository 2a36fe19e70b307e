"""Why a branch goes back, with whom it collides, what to do next, and the brief for who has to redo it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gitbot.journal.runs import file_path
from gitbot.landing import queue
from gitbot.landing.examine import Examination, Examiner
from gitbot.landing.partner import Partner, likely_partner
from gitbot.merge.rungs import marker_size_for
from gitbot.merge.survey import NewWork, survey
from gitbot.model.git import BranchName, Oid
from gitbot.model.merge import Branch, Candidate, Conflict, ConflictedPath
from gitbot.model.run import (
    BranchReport,
    Entry,
    Landing,
    Outcome,
    Reason,
    Record,
    Settled,
    Started,
    Tested,
)
from gitbot.report.retry import Retry, Side, retry_brief
from gitbot.repository import history, refs
from gitbot.repository.workbench import Unmerged, Workbench

NOT_PROVEN = ConflictedPath(".", "not proven")
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
        conflicts = self._with_whom(entry, found.paths) if isinstance(found, Conflict) else ()
        log = self._log_of(found.tree) if isinstance(found, Candidate) else None
        partner = self._partner(step, one, conflicts)
        why = self._why(step, one, partner)
        brief = None
        if step.reason in (Reason.CONFLICT, Reason.GATE, Reason.INFRA):
            brief = retry_brief(self._retry(step, why, conflicts, partner, log))
        return BranchReport(
            branch=entry.name,
            plan=entry.plan,
            tip=entry.tip,
            outcome=Outcome.SET_ASIDE,
            strategy=found.strategy if isinstance(found, Candidate) else None,
            why=why,
            resolved=found.resolved if isinstance(found, Candidate) else (),
            reason=step.reason,
            partner=partner.branch if partner else None,
            conflicts=conflicts,
            log=log[0] if log else None,
            retry=self.brief_name(entry) if brief else None,
            next=self._next(step),
        ), brief

    def brief_name(self, entry: Entry) -> str:
        """The file name of an entry's brief: a number, never a branch's name."""
        number = next(i for i, other in enumerate(self.started.entries, 1) if other.name == entry.name)
        return f"retry-{number:03d}.md"

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

    def _landed(self) -> list[Landing]:
        done = {r.report.branch for r in self.records if isinstance(r, Settled)}
        return [r for r in self.records if isinstance(r, Landing) and r.report.branch in done]

    def _with_whom(self, entry: Entry, paths: tuple[ConflictedPath, ...]) -> tuple[tuple[ConflictedPath, str], ...]:
        """For each path the branch after whose landing it began to conflict, found by trying; else the target."""
        target = self.started.request.target.removeprefix(refs.HEADS)
        culprit: dict[str, str] = {}
        for landing in [None, *self._landed()]:
            commit = landing.after if landing else self.started.before
            for path in self._conflicted(entry, commit):
                culprit.setdefault(path, landing.report.branch if landing else target)
        return tuple((path, culprit.get(path.path, target)) for path in paths)

    def _conflicted(self, entry: Entry, onto: Oid) -> set[str]:
        if history.merge_base(self.bench.repository, onto, entry.tip) is None:
            return set()
        merged = self.bench.merge(onto, entry.tip)
        return {path.path for path in merged.paths} if isinstance(merged, Unmerged) else set()

    def _partner(
        self,
        step: queue.SetAside,
        one: Examination | None,
        conflicts: tuple[tuple[ConflictedPath, str], ...],
    ) -> Partner | None:
        if step.partner:
            return Partner(step.partner, "")
        target = self.started.request.target.removeprefix(refs.HEADS)
        for _, name in conflicts:
            if name != target:
                return Partner(BranchName(name), "")
        if step.reason is Reason.OWNERSHIP and one is not None and one.drift is not None:
            owners = {trespass.owner for trespass in one.drift.foreign}
            for other in self.started.entries:
                if other.plan in owners:
                    return Partner(other.name, "")
        if isinstance(step.found, Candidate) and one is not None and one.base is not None:
            if step.found.resolved:
                return self._resolved_with(step.entry, step.found)
            patch = self._patch(one.base, step.entry.tip)
            others = [(r.report.branch, self._patch(r.before, r.after)) for r in self._landed()]
            return likely_partner(patch, others)
        return None

    def _resolved_with(self, entry: Entry, candidate: Candidate) -> Partner | None:
        found = self._with_whom(entry, tuple(ConflictedPath(r.path, "contents") for r in candidate.resolved))
        target = self.started.request.target.removeprefix(refs.HEADS)
        return next((Partner(BranchName(name), "") for _, name in found if name != target), None)

    def _patch(self, old: Oid, new: Oid) -> str:
        viewer = self.bench.repository
        return history.patch(viewer, viewer.tree_of(old), viewer.tree_of(new), context=0)

    def _log_of(self, tree: Oid) -> tuple[str, str] | None:
        """Name and text of the last red log of a tree."""
        for record in reversed(self.records):
            if isinstance(record, Tested) and record.result.tree == tree and record.log:
                path = file_path(self.examiner.repository, self.started.run, record.log)
                text = path.read_bytes().decode("utf-8", "replace") if path.exists() else ""
                return record.log, text
        return None

    # The brief

    def _retry(
        self,
        step: queue.SetAside,
        why: str,
        conflicts: tuple[tuple[ConflictedPath, str], ...],
        partner: Partner | None,
        log: tuple[str, str] | None,
    ) -> Retry:
        entry = step.entry
        branch = Branch(entry.name, entry.tip, entry.plan)
        work = survey(self.bench, branch, self.tip, self.examiner.landed, None)
        own = [commit.subject for commit in work.own] if isinstance(work, NewWork) else []
        plan = next((p for p in self.examiner.force.plans.plans if p.id == entry.plan), None)
        gate = self.started.request.gate
        return Retry(
            branch=entry.name,
            plan=entry.plan,
            plan_path=plan.path if plan else None,
            target=self.started.request.target.removeprefix(refs.HEADS),
            start=self.tip,
            reason=step.reason,
            why=why,
            partner=partner.branch if partner else None,
            partner_why=partner.why or None if partner else None,
            partner_commits=tuple(self._subjects(partner)),
            own_commits=tuple(own[-20:]),
            sides=tuple(self._side(path, name) for path, name in conflicts),
            tasks=tuple(task.text for task in plan.tasks) if plan else (),
            log="\n".join(log[1].splitlines()[-_LOG_TAIL:]) if log else None,
            gate=gate if isinstance(gate, str) else " ".join(gate) if gate else None,
        )

    def _subjects(self, partner: Partner | None) -> list[str]:
        for landing in self._landed():
            if partner is not None and landing.report.branch == partner.branch:
                return [self.bench.repository.commit(oid).subject for oid in landing.report.commits[-10:]]
        return []

    def _side(self, path: ConflictedPath, partner: str) -> Side:
        marked, size = None, 0
        if path.ours is not None and path.theirs is not None and path.kind == "contents":
            viewer = self.bench.repository
            base = viewer.blob(path.base) if path.base is not None else b""
            ours, theirs = viewer.blob(path.ours), viewer.blob(path.theirs)
            size = marker_size_for(base, ours, theirs)
            text = self.bench.marked(base, ours, theirs, size)
            marked = text.decode("utf-8", "replace") if text is not None else None
        return Side(path.path, path.kind, partner, marked, size, path.refused)
