"""The one place that sequences effects: pin, examine, test, write down the intent, move the target, settle.

It asks the queue what is next, does just that, writes down what came of it, and asks again. Every intent is in the
journal before it is carried out, so a run that was killed goes on from its records and ends as if nothing had been.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import assert_never

import msgspec

from gitbot.config import Config
from gitbot.errors import GitbotError, GitError, TargetMovedError, TargetRedError, WorkTreeInTheWayError
from gitbot.journal import pins, recorded
from gitbot.journal.runs import Journal, file_path
from gitbot.landing import document, queue, recovery, testing
from gitbot.landing.aside import Aside
from gitbot.landing.examine import Examination, Examiner
from gitbot.landing.notes import Notes
from gitbot.merge.accept_both import decisions
from gitbot.merge.proof import EMPTY, count_patches, residual
from gitbot.model.gate import GateVerdict
from gitbot.model.git import ZERO, BranchName, Oid, RefName
from gitbot.model.merge import Branch, Candidate, Conflict, ConflictedPath, Nothing
from gitbot.model.run import (
    BranchReport,
    Entry,
    Finished,
    Flag,
    Landing,
    Moved,
    Outcome,
    Proof,
    Reason,
    Record,
    RunEnd,
    Settled,
    Started,
    Tested,
)
from gitbot.process import undisturbed
from gitbot.repository import Repository, checkouts, history, refs, signing
from gitbot.repository.workbench import Workbench

MOST_MOVES = 3  # how often somebody else may move the target before the run gives up

Progress = Callable[[str], None]


@dataclass(slots=True)
class Loop:
    """One run under way. `journal` is None in a dry run, which writes nothing and runs no gate."""

    repository: Repository
    bench: Workbench
    examiner: Examiner
    started: Started
    config: Config
    env: Mapping[str, str]
    journal: Journal | None
    progress: Progress
    records: list[Record] = field(default_factory=list)
    known: dict[tuple[BranchName, Oid], Examination] = field(default_factory=dict)
    recent: tuple[Landing, ...] = ()  # what earlier runs landed
    tip: Oid = ZERO  # where the target is, or would be in a dry run

    # The loop

    def go(self) -> None:
        """Bring every branch to its end.

        Raises:
            TargetRedError: the target does not pass by itself.
            RiskError: going on is not safe; what has landed stays landed.
        """
        self.tip = self.started.before
        if self.journal is not None:
            self.recover()
            if refs.read(self.repository, self._target) != self.tip:
                self._target_moved()
        while True:
            for step in queue.decide(self._facts()):
                if isinstance(step, queue.Done):
                    return
                self._do(step)

    def _do(self, step: queue.Step) -> None:
        match step:
            case queue.TargetRed():
                raise self._red_target()
            case queue.Examine():
                self._examine(step.entry)
            case queue.Test():
                self._test(step.candidate)
            case queue.TestTarget():
                self._test(None)
            case queue.Land():
                self._land(step.entry, step.candidate)
            case queue.SetAside():
                self._set_aside(step)
            case queue.Close():
                self._close(step.entry, step.nothing)
            case queue.Done():
                pass
            case _:
                assert_never(step)

    def _facts(self) -> queue.Facts:
        sightings: dict[Oid, tuple[GateVerdict, ...]] = {}
        for record in self.records:
            if isinstance(record, Tested):
                result = record.result
                sightings[result.tree] = (*sightings.get(result.tree, ()), result.verdict)
        here = {name: one for (name, onto), one in self.known.items() if onto == self.tip}
        confirm = self.config.gate.confirm
        return queue.Facts(
            entries=self.started.entries,
            reports={r.report.branch: r.report for r in self.records if isinstance(r, Settled)},
            examined={name: one.found for name, one in here.items()},
            sightings=sightings,
            target=self.bench.repository.tree_of(self.tip),
            gated=self.started.request.gate is not None and self.journal is not None,
            confirm=1 if confirm == "auto" else confirm,
            trespass=frozenset(name for name, one in here.items() if one.judgement.refused),
        )

    def _write(self, record: Record, files: Mapping[str, bytes] | None = None) -> None:
        self.records.append(record)
        if self.journal is not None:
            self.journal.append(record, files)

    def _settle(self, report: BranchReport, files: Mapping[str, bytes] | None = None) -> None:
        self._write(Settled(report=report), files)
        self.progress(f"{report.branch}: {report.outcome}" + (f" ({report.reason})" if report.reason else ""))

    def _close(self, entry: Entry, nothing: Nothing) -> None:
        outcome = Outcome.ALREADY_LANDED if nothing.landed else Outcome.EMPTY
        self._settle(
            BranchReport(branch=entry.name, plan=entry.plan, tip=entry.tip, outcome=outcome, why=nothing.why)
        )

    def finish(self, state: RunEnd = "done", stopped: GitbotError | None = None) -> None:
        """The last record of a run, whether it came to its end or could not go on."""
        after = refs.read(self.repository, self._target) if self.journal is not None else None
        last = Finished(time=time.time(), state=state, after=after)
        if stopped is not None:
            said, code = stopped.message, stopped.exit_code
            last = msgspec.structs.replace(last, message=said, hint=stopped.hint, exit_code=code)
        self._write(last)

    def close_interrupted(self) -> None:
        """End a killed run for good, because another command comes: what it had landed is settled, no more."""
        self.recover()
        self.finish("interrupted")

    @property
    def _target(self) -> RefName:
        return self.started.request.target

    @property
    def _notes(self) -> Notes:
        where = self.examiner.refs
        return Notes(self.repository, self.bench, self.started, self.config, self.records, self.recent, where)

    # Examining and testing

    def _examine(self, entry: Entry) -> None:
        self.progress(f"{entry.name}: merging")
        if self.journal is not None and self.repository.resolve(entry.tip) is None:
            pins.restore(self.repository, entry.pin)  # the branch was deleted, and its commits swept away
        self.known[entry.name, self.tip] = self.examiner.examine(self._branch(entry), self.tip)

    def _branch(self, entry: Entry) -> Branch:
        return Branch(entry.name, entry.tip, entry.plan, entry.title, entry.strategy)

    def _test(self, candidate: Candidate | None) -> None:
        """Ask the gate about a candidate or, for None, about the bare target."""
        commit, branch = (candidate.commit, candidate.branch) if candidate else (self.tip, None)
        if candidate is not None:
            checkouts.must_be_free(self.bench.repository, self._target, self.tip, commit)
        self.progress(f"{branch or 'the bare target'}: testing")
        result, output = testing.find_out(
            self.bench, self.repository, self.started, self.config, self.env, commit, branch
        )
        number = sum(isinstance(record, Tested) for record in self.records) + 1
        name = f"gate-{number:03d}.log" if output is not None else None
        cached = output is None and result.run != self.started.run
        tested = Tested(branch=branch, result=result, cached=cached, log=name)
        self._write(tested, {name: output} if name is not None and output is not None else None)

    # Landing

    def _land(self, entry: Entry, candidate: Candidate) -> None:
        one = self.known[entry.name, self.tip]
        assert one.base is not None
        left = residual(self.bench, candidate, one.base)
        if left != EMPTY:
            why = f"the proof that nothing is lost failed: {left}"
            self._refuse(entry, Reason.CONFLICT, "not proven", why)
            return
        try:
            candidate = signing.sign(self.bench, candidate) if self.journal is not None else candidate
        except GitError as refused:
            self._refuse(entry, Reason.INFRA, "not signed", refused.message)
            return
        report = self._report(entry, candidate, one)
        intent = Landing(ref=self._target, before=candidate.base, after=candidate.commit, report=report)
        if self.journal is None:
            self.tip = candidate.commit
            self._write(intent)
            self._settle(
                msgspec.structs.replace(
                    report,
                    outcome=Outcome.WAITING,
                    why=f"would land by {report.strategy}: {report.why}",
                    commits=(),
                    proof=None,
                    next="run it without --dry-run",
                )
            )
            return
        checkouts.must_be_free(self.bench.repository, self._target, candidate.base, candidate.commit)
        self.bench.promote(candidate.commit)
        self._keep_backup(entry)
        why = f"gitbot: {entry.name} ({candidate.strategy})"
        with undisturbed():
            self._write(intent)
            moved = refs.swap(self.repository, self._target, before=candidate.base, after=candidate.commit, why=why)
            if moved:
                self._after_landing(candidate.base, candidate.commit, report)
        if not moved:
            self._target_moved()

    def _report(self, entry: Entry, candidate: Candidate, one: Examination) -> BranchReport:
        assert one.base is not None
        patches = count_patches(self.bench, candidate, one.base)
        return BranchReport(
            branch=entry.name,
            plan=entry.plan,
            tip=entry.tip,
            outcome=Outcome.LANDED,
            strategy=candidate.strategy,
            why=candidate.why,
            commits=candidate.commits,
            resolved=candidate.resolved,
            proof=Proof(residual=EMPTY, backup=entry.backup, patches=patches),
            flags=self._notes.flags(entry, candidate, one),
            hints=self._notes.hints(candidate, one),
        )

    def _after_landing(self, before: Oid, after: Oid, report: BranchReport) -> None:
        """Work trees follow, the record is closed. May be done again after a kill."""
        lagging = checkouts.follow_all(self.repository, self._target, before, after)
        left = self._update_branch(report, after) if self.started.request.update_branches else None
        if left is not None:
            text = f"{report.branch} was left where it is: {left}"
            flag = Flag(kind="not-updated", paths=(), text=text)
            report = msgspec.structs.replace(report, flags=(*report.flags, flag))
        self.tip = after
        self.examiner.landed[report.tip] = after
        if self.started.request.gate is not None:
            self._remember(before, report.tip)
        self._settle(report)
        if lagging:
            raise WorkTreeInTheWayError(
                f"{report.branch} has landed, but a checkout could not follow: {lagging[0]}",
                hint="nothing is lost; mend that, then run the same command again: the checkout is brought up first",
            )

    def _remember(self, before: Oid, tip: Oid) -> None:
        """Keep how a branch that passed had settled conflicts by merges of its own: the next one need not ask."""
        with contextlib.suppress(GitError):  # objects that a partial clone lacks
            for key, lines in decisions(self.bench, history.own_commits(self.bench.repository, tip, before)):
                recorded.keep(self.repository, key, lines)

    def _update_branch(self, report: BranchReport, after: Oid) -> str | None:
        """--update-branches: the agent's own branch goes along, its old commits are in the backup; else why not."""
        ref = self.examiner.refs.get(report.branch, RefName(refs.HEADS + report.branch))
        now, trees = refs.read(self.repository, ref), checkouts.showing(self.repository, ref)
        if not ref.startswith(refs.HEADS):
            return "only a remote has it"
        if now == after:  # moved before a kill, or there from the start
            for tree in trees:
                if checkouts.lags(self.repository, tree.path, report.tip):
                    checkouts.follow(self.repository, tree.path, report.tip, after)
            return None
        if report.proof is None or refs.read(self.repository, report.proof.backup) is None:
            return "its commits could not be backed up"
        if any(checkouts.uncommitted(self.repository, tree.path) for tree in trees):
            return "its work tree has edits that are in no commit"
        try:
            checkouts.must_be_free(self.repository, ref, report.tip, after)
        except WorkTreeInTheWayError as busy:
            return busy.message
        if not refs.swap(self.repository, ref, before=report.tip, after=after, why="gitbot: --update-branches"):
            return "it has gone on meanwhile"
        return next(iter(checkouts.follow_all(self.repository, ref, report.tip, after)), None)

    def _keep_backup(self, entry: Entry) -> None:
        pinned = refs.read(self.repository, entry.pin)
        if pinned is not None and refs.read(self.repository, entry.backup) is None:
            refs.append(self.repository, entry.backup, before=None, after=pinned)

    def _target_moved(self) -> None:
        """Somebody else was faster: everything is computed again on what is there now."""
        now = refs.read(self.repository, self._target)
        if now is None:
            raise TargetMovedError(
                f"{self._target} was deleted while the run was under way", hint="restore it, then run this again"
            )
        self._write(Moved(before=self.tip, after=now))
        moves = [record for record in self.records if isinstance(record, Moved)]
        if len(moves) > MOST_MOVES:
            short = self._target.removeprefix(refs.HEADS)
            raise TargetMovedError(
                f"{short} moved {len(moves)} times while the gate ran, last from {self.tip[:7]} to {now[:7]}\n"
                "nothing more was landed",
                hint="run the same command again, it goes on from here",
            )
        self.tip = now

    def recover(self) -> None:
        """Settle what a kill between intent and settlement left open; the tip is then where the run left it."""
        known = document.moves(self.records)
        self.tip = known[-1].after if known else self.started.before  # where the target was last
        intent = recovery.open_intent(self.records)
        now = refs.read(self.repository, self._target)
        if intent is None or now is None:
            return
        there = self.repository.resolve(intent.after) is not None
        there = there and history.contains(self.repository, now, intent.after)
        if recovery.fate(intent, now, contains_after=there) is not recovery.Fate.HAPPENED:
            return
        if now == intent.after:
            with undisturbed():
                self._after_landing(intent.before, intent.after, intent.report)
        else:  # somebody built on it since, and brought the checkouts along
            self._settle(intent.report)
            self.tip = intent.after

    # Setting aside and reporting

    def _set_aside(self, step: queue.SetAside) -> None:
        one = self.known.get((step.entry.name, self.tip))
        hints = self._notes.hints(step.found, one) if isinstance(step.found, Candidate) and one is not None else ()
        aside = Aside(self.bench, self.examiner, self.started, self.records, self.tip, hints)
        report, brief = aside.report(step, one)
        if self.journal is None:
            report, brief = msgspec.structs.replace(report, retry=None, next="redo it, or let it wait"), None
        name = aside.brief_name(step.entry)
        self._settle(report, {name: brief.encode("utf-8", "backslashreplace")} if brief else {})

    def _refuse(self, entry: Entry, reason: Reason, kind: str, why: str) -> None:
        conflict = Conflict(entry.name, entry.tip, self.tip, (ConflictedPath(".", kind),), why)
        self._set_aside(queue.SetAside(entry, reason, conflict))

    def _red_target(self) -> TargetRedError:
        """Says why, as far as the end of the output does."""
        last = next(r for r in reversed(self.records) if isinstance(r, Tested) and r.branch is None)
        log = file_path(self.repository, self.started.run, last.log) if last.log else None
        output = log.read_text(errors="replace").strip().splitlines()[-3:] if log is not None and log.exists() else []
        short = self._target.removeprefix(refs.HEADS)
        if last.result.verdict is GateVerdict.NO_START:
            said, cure = f"the gate could not start on {short}", "correct --gate or [gate] command"
        else:
            said, cure = f"{short} does not pass its own tests; nobody is blamed", f"repair {short}"
        where = f" (all output: {log})" if log is not None else ""
        return TargetRedError("\n".join([said, *output]), hint=f"{cure}, then run the same command again{where}")
