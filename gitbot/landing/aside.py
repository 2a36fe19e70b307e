"""Why a branch goes back, with whom it collides, what to do next, and the brief for who has to redo it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace

from gitbot.journal.runs import file_path
from gitbot.landing import queue
from gitbot.landing.document import landed
from gitbot.landing.examine import Examination, Examiner
from gitbot.landing.newcomers import newcomers, passed_before
from gitbot.landing.partner import Partner
from gitbot.merge.accept_both import CONTENTS, conflicted_file
from gitbot.merge.edits import Refused
from gitbot.merge.hunks import Conflicts, read_conflicts, read_markers
from gitbot.merge.survey import NewWork, survey
from gitbot.model.git import BranchName, Oid
from gitbot.model.merge import Branch, Candidate, Conflict, ConflictedPath, Resolution, UnmergedHunk
from gitbot.model.plan import Plan, PlanId
from gitbot.model.run import BranchReport, Entry, Hint, Outcome, Reason, Record, Started, Tested
from gitbot.report.retry import MOST_COMMITS, MOST_HUNKS, Other, Retry, Side, retry_brief
from gitbot.repository import refs
from gitbot.repository.workbench import Workbench

_Collisions = tuple[tuple[ConflictedPath, BranchName], ...]


MOST_OTHERS = 3  # branches whose plan and commits a brief tells
_LOG_TAIL = 60  # lines of the gate's output in a brief
_PLACES, _SHOWN = 24, 2_000  # of one branch in a record, and characters of a side: each run reads 150 earlier ones


@dataclass(frozen=True, slots=True)
class Aside:
    """Explains why a branch goes back: everything a reason can be found in."""

    bench: Workbench
    examiner: Examiner
    started: Started
    records: Sequence[Record]
    tip: Oid
    hints: tuple[Hint, ...] = ()  # of the candidate that was red
    earlier: Sequence[Sequence[Record]] = ()  # of earlier runs, newest first

    def report(self, step: queue.SetAside, one: Examination | None) -> tuple[BranchReport, str | None]:
        """The report, and the retry brief where the work has to be done again."""
        entry, found = step.entry, step.found
        candidate = found if isinstance(found, Candidate) else None
        resolved = candidate.resolved if candidate else ()
        paths = found.paths if isinstance(found, Conflict) else tuple(self._kept(r, one) for r in resolved)
        collisions = self._with_whom(entry, paths)
        partner = self._partner(step, one, collisions)
        log = self._log_of(candidate.tree) if candidate else None
        again = step.reason in (Reason.CONFLICT, Reason.GATE, Reason.INFRA, Reason.OWNERSHIP)
        sides = tuple(self._side(path, name) for path, name in collisions) if again else ()
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
            partners=partner.among or tuple(filter(None, (partner.branch,))) if partner else (),
            suspected=partner is not None and partner.suspected,
            conflicts=_recorded(collisions, sides) if isinstance(found, Conflict) else (),
            log=log[0] if log else None,
            hints=self.hints,
            drift=one.drift_report(self.bench.repository) if one is not None else None,
            retry=self.brief_name(entry) if again else None,
            next=self._next(step),
            order=entry.order,
        )
        return report, retry_brief(self._retry(report, partner, sides, log)) if again else None

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
            case Reason.GATE | Reason.INFRA if isinstance(step.found, Candidate):
                said = self._verdicts(step)
                why = partner.why if partner else self.hints[0].text if self.hints else ""
                return f"the tests {said}; {why}" if why else f"the tests {said}"
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
        again = shlex.join(["gitbot", "integrate", *step.entry.words])
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
        return BranchName(refs.shorthand(self.started.request.target))

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
        others = tuple(dict.fromkeys(name for _, name in collisions if name != self._target))
        if others:
            return Partner(others[0], "", others)
        if step.reason is Reason.OWNERSHIP and one is not None and one.drift is not None:
            owners = {trespass.owner for trespass in one.drift.foreign}
            for other in self.started.entries:
                if other.plan in owners:
                    return Partner(other.name, "")
        new = self._newcomers(step, one) if step.reason is Reason.GATE and one is not None else None
        fits = [hint for hint in self.hints if not new or new.branch is None or hint.partner in new.among]
        hint = next((hint for hint in fits if hint.partner), None)
        if hint is None or hint.partner is None:
            return new
        among = new.among if new else ()
        return Partner(hint.partner, hint.text, tuple(dict.fromkeys((hint.partner, *among))))

    def _newcomers(self, step: queue.SetAside, one: Examination) -> Partner | None:
        viewer = self.bench.repository
        mine = {path for change in one.changes for path in change.paths}
        seen = [*passed_before(self.earlier, step.entry, self.started.before), *self.records]
        return newcomers(seen, step.entry.name, mine, lambda one: viewer.changed_paths(one.before, one.after))

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
        self, report: BranchReport, partner: Partner | None, sides: tuple[Side, ...], log: tuple[str, str] | None
    ) -> Retry:
        branch = Branch(report.branch, report.tip, report.plan)
        work = survey(self.bench, branch, self.tip, self.examiner.landed, None)
        likely = [name for name in (partner.branch, *partner.among) if name] if partner else []
        names = dict.fromkeys([*likely, *(BranchName(side.partner) for side in sides)])
        gate = self.started.request.gate
        command = gate if isinstance(gate, str) else shlex.join(gate) if gate else None
        entry = next(entry for entry in self.started.entries if entry.name == report.branch)
        words = ["gitbot", "integrate", *entry.words, "--into", self._target]
        if gate != (self.examiner.force.config.gate.command or None):
            words += ["--gate", command] if command else ["--no-gate"]
        return Retry(
            report=report,
            plan=self._plan(report.plan),
            target=self._target,
            start=self.tip,
            others=tuple(
                self._other(landing.report, partner.why if partner and partner.branch == name else "")
                for name in [*names][:MOST_OTHERS]
                for landing in landed(self.records)
                if landing.report.branch == name
            ),
            own_commits=work.own if isinstance(work, NewWork) else (),
            sides=sides,
            log="\n".join(log[1].splitlines()[-_LOG_TAIL:]) if log else None,
            gate=command,
            again=shlex.join(words),
            is_patch=entry.patch is not None,
        )

    def _plan(self, wanted: PlanId | None) -> Plan | None:
        return next((plan for plan in self.examiner.force.plans.plans if plan.id == wanted), None)

    def _other(self, report: BranchReport, why: str) -> Other:
        commits = tuple(self.bench.repository.commit(oid) for oid in report.commits[-MOST_COMMITS - 1 :])
        return Other(report.branch, why, self._plan(report.plan), commits)

    def _kept(self, resolved: Resolution, one: Examination | None) -> ConflictedPath:
        """A file in which both sides were kept in vain, with the sides as git had them."""
        viewer, vain = self.bench.repository, f"with both sides kept ({resolved.how}) the tests fail"
        if one is None or one.base is None or resolved.how == "rename-dir":  # which moves files whole
            return ConflictedPath(resolved.path, CONTENTS, refused=vain)
        entry = viewer.entry(viewer.tree_of(one.base), resolved.path)
        return ConflictedPath(
            resolved.path, CONTENTS, entry[0] if entry else None, resolved.ours, resolved.theirs, vain
        )

    def _side(self, path: ConflictedPath, partner: str) -> Side:
        file = conflicted_file(self.bench, path)
        whole = read_conflicts(file) if file else Refused("")
        if isinstance(whole, Conflicts):  # all three cut alike; markers leave out what both sides begin or end with
            shown = [(one.line, (one.base, one.ours, one.theirs)) for one in whole.hunks]
        else:
            _, marked = (read_markers(file) if file else None) or ((), ())
            shown = [(one.line, (one.base, one.ours, one.theirs)) for one in marked]
        hunks = [(line, tuple(b"".join(side).decode("utf-8", "replace") for side in sides)) for line, sides in shown]
        return Side(path.path, path.kind, partner, tuple(hunks), path.refused)


def _recorded(collisions: _Collisions, sides: Sequence[Side]) -> _Collisions:
    """The same with the first places of its files, for reports that are made when the objects are gone."""
    kept, room = list(collisions), _PLACES
    for at, (side, (path, partner)) in enumerate(zip(sides, collisions, strict=False)):  # no sides: nothing to redo
        shown = side.hunks[: min(room, MOST_HUNKS)]
        texts = ((line, [text[:_SHOWN] + "\n…" * (len(text) > _SHOWN) for text in three]) for line, three in shown)
        kept[at] = replace(path, hunks=tuple(UnmergedHunk(line, *three) for line, three in texts)), partner
        room -= len(shown)
    return tuple(kept)
