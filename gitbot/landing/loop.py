"""The one place that sequences effects: pin, examine, test, write down the intent, move the target, settle.

It asks the queue what is next, does just that, writes down what came of it, and asks again. Every intent is in the
journal before it is carried out, so a run that was killed goes on from its records and ends as if nothing had been.
Runs of the gate go on meanwhile (`underway`); what they say is written down here, when they have said it.
"""

from __future__ import annotations

import contextlib
import shlex
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import assert_never

import msgspec

from gitbot import gate
from gitbot.errors import (
    GitbotError,
    GitError,
    TargetMovedError,
    TargetRedError,
    UnwritableError,
    WorkTreeInTheWayError,
)
from gitbot.journal import pins, recorded
from gitbot.journal.runs import Journal, file_path
from gitbot.landing import beside, document, groups, queue, recovery, testing
from gitbot.landing.announce import announce
from gitbot.landing.aside import Aside
from gitbot.landing.chances import expected_seconds
from gitbot.landing.examine import Examination, Examiner
from gitbot.landing.following import update_branch
from gitbot.landing.notes import Notes
from gitbot.landing.underway import Underway
from gitbot.merge.accept_both import decisions
from gitbot.merge.proof import EMPTY, count_patches, residual
from gitbot.model.gate import GateResult, GateVerdict
from gitbot.model.git import ZERO, BranchName, Oid, RefName
from gitbot.model.merge import Branch, Candidate, Conflict, ConflictedPath, Nothing
from gitbot.model.progress import Ended, Left, Merging, Progress, TargetMoved, TestEnded, Testing
from gitbot.model.run import (
    BranchReport,
    Entry,
    Finished,
    Flag,
    Landed,
    Landing,
    Moved,
    Outcome,
    Proof,
    Reason,
    Record,
    RunEnd,
    Settled,
    Started,
    Stopped,
    Tested,
)
from gitbot.process import undisturbed
from gitbot.report.terminal import printable
from gitbot.repository import Repository, checkouts, history, refs, signing
from gitbot.repository.remotes import Place, RemotePlace
from gitbot.repository.workbench import Workbench

MOST_MOVES = 3  # how often somebody else may move the target before the run gives up


@dataclass(slots=True)
class Loop:
    """One run under way. `journal` is None in a dry run, which writes nothing and runs no gate."""

    repository: Repository
    bench: Workbench
    examiner: Examiner
    started: Started
    tester: testing.Tester
    place: Place  # where the target really lives
    journal: Journal | None
    progress: Progress
    confirm: int  # further red runs before a branch is rejected
    records: list[Record] = field(default_factory=list)
    known: dict[tuple[BranchName, Oid], Examination] = field(default_factory=dict)
    recent: tuple[Landed, ...] = ()  # what earlier runs landed
    earlier: Sequence[Sequence[Record]] = ()  # records of earlier runs, newest first
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
            if self.started.request.land is None and self.place.read() != self.tip:
                self._target_moved()
        request = self.started.request
        if self.journal is not None and request.land is not None:  # before anything is tested in vain
            tips = (self.started.before, *(entry.tip for entry in self.started.entries))
            beside.keep_what_waits(self.repository, self.bench, self.started, self.examiner.landed, tips)
        decide = queue.decide if request.queue == "serial" else groups.decide
        with Underway(self.workers) as gates:
            while (steps := decide(self._facts(gates))) != (queue.Done(),):
                for step in steps:
                    self._do(step, gates)
        if self.journal is not None and request.land is not None and self.tip != self.started.before:
            beside.publish(self.repository, self.bench, self.started, self.examiner.landed, self.tip)

    @property
    def workers(self) -> int:
        """Runs of the gate at once."""
        return 1 if self.started.request.queue == "serial" else self.started.request.jobs

    def _do(self, step: queue.Step, gates: Underway) -> None:
        match step:
            case queue.TargetRed():
                raise self._red_target()
            case queue.Examine():
                self._examine(step.entry, step.onto)
            case queue.Test():
                self._test(gates, step.chain)
            case queue.TestTarget():
                self._test(gates, ())
            case queue.Stop():
                self._stop(gates, step.tree)
            case queue.Wait():
                self._hear(gates)
            case queue.Land():
                self._land(step.chain)
            case queue.SetAside():
                self._set_aside(step)
            case queue.Hold():
                words = ("gitbot", "approve", step.entry.name)
                cure = "commit it on a branch" if step.entry.patch is not None else shlex.join(words)
                self._hold(step.entry, step.why, cure)
            case queue.Close():
                self._close(step.entry, step.nothing)
            case queue.Done():
                pass
            case _:
                assert_never(step)

    def _facts(self, gates: Underway) -> queue.Facts:
        return queue.Facts(
            entries=self.started.entries,
            reports=document.reports(self.records),
            examined={where: one.found for where, one in self.known.items()},
            sightings=tuple(self._sightings()),
            tip=self.tip,
            tree=self.bench.repository.tree_of(self.tip),
            gated=self.started.request.gate is not None and self.journal is not None,
            confirm=self.confirm,
            trespass=frozenset(where for where, one in self.known.items() if one.judgement.refused),
            unapproved={where: one.unapproved for where, one in self.known.items() if one.unapproved},
            running=gates.running,
            workers=gates.jobs,
        )

    def _sightings(self) -> Iterator[queue.Sighting]:
        for record in self.records:
            if isinstance(record, Tested):
                result = record.result
                fresh = result.fresh and result.run == self.started.run
                yield queue.Sighting(result.tree, record.branches, result.verdict, fresh, record.whole, result.gate)

    def _write(self, record: Record, files: Mapping[str, bytes] | None = None) -> None:
        self.records.append(record)
        if self.journal is not None:
            self.journal.append(record, files)

    def _settle(self, report: BranchReport, files: Mapping[str, bytes] | None = None) -> None:
        self._write(Settled(report=report), files)
        self.progress(Ended(report=report))

    def _close(self, entry: Entry, nothing: Nothing) -> None:
        outcome = Outcome.ALREADY_LANDED if nothing.landed else Outcome.EMPTY
        self._settle(
            BranchReport(branch=entry.name, plan=entry.plan, tip=entry.tip, outcome=outcome, why=nothing.why)
        )

    def finish(self, state: RunEnd = "done", stopped: GitbotError | None = None) -> None:
        """The last record of a run, whether it came to its end or could not go on."""
        at = self.tip if self.started.request.land is None else self.started.before
        after = at if self.journal is not None else None
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
    def _settled(self) -> frozenset[BranchName]:
        return frozenset(document.reports(self.records))

    @property
    def _target(self) -> RefName:
        return self.started.request.target

    @property
    def _notes(self) -> Notes:
        where, config = self.examiner.refs, self.tester.config
        notes = Notes(self.repository, self.bench, self.started, config, self.records, self.recent, where)
        return replace(notes, earlier=self.earlier)

    # Examining and testing

    def _examine(self, entry: Entry, onto: Oid) -> None:
        self.progress(Merging(branch=entry.name))
        self._bring_back(entry)
        branch = Branch(entry.name, entry.tip, entry.plan, entry.title, entry.strategy)
        self.known[entry.name, onto] = self.examiner.examine(branch, onto)

    def _bring_back(self, entry: Entry) -> None:
        """A branch that was deleted meanwhile, and its commits swept away, is there again as it was pinned."""
        if self.journal is not None and not self.repository.has(entry.tip):
            pins.restore(self.repository, entry.pin)

    def _test(self, gates: Underway, chain: queue.Chain) -> None:
        """Ask the gate about a chain, or the bare target, in a slot of its own, unless its answer is on record."""
        links = [link.candidate for link in chain]
        commit, branches = links[-1].commit if links else self.tip, tuple(link.branch for link in links)
        tree = self.bench.repository.tree_of(commit)
        again = any(isinstance(record, Tested) and record.result.tree == tree for record in self.records)
        # All since the run began: from the target of now on, a red tree would mean another thing after a landing.
        landed = [(move.before, move.after) for move in document.moves(self.records)]
        moves = [*landed, *((link.base, link.commit) for link in links)] if links else None
        known = None if again else self.tester.known(commit, moves)
        if known is not None and self._counts(known, branches):
            own = known.run == self.started.run  # found out right before this run was killed
            output = self.repository.blob(known.log) if own else None
            whole = self.tester.steps(moves) == self.tester.steps(None)
            self._tested(Tested(branches=branches, result=known, cached=not own, whole=whole, onto=self.tip), output)
            return
        if branches:
            checkouts.must_be_free(self.bench.repository, self._target, self.tip, commit)
        slot = gates.free_slot()
        expected = expected_seconds((self.records, *self.earlier), self.started.request.gate)
        self.progress(Testing(slot=slot, branches=branches, expected=expected, again=again))
        gates.start(tree, self.tip, branches, self.tester.job(commit, moves, branches, slot, fresh=again))
        facts = self._facts(gates)
        left = len(facts.entries) - len(facts.reports)
        runs = left if self.started.request.queue == "serial" else groups.expected_runs(facts)
        self.progress(Left(runs=round(runs, 1), branches=left))

    def _counts(self, known: GateResult, branches: tuple[BranchName, ...]) -> bool:
        """A pass always does; a red one of another run only steers, and whoever mended the target is asked again."""
        return known.verdict is GateVerdict.PASSED or known.run == self.started.run or bool(branches)

    def _hear(self, gates: Underway) -> None:
        for flight, outcome in gates.answers(self.progress.tick):
            for entry in self.started.entries:
                self._bring_back(entry)
            result, output = self.tester.keep(flight.job, outcome)
            whole, began = flight.job.steps == self.tester.steps(None), round(flight.began, 3)
            told = Tested(branches=flight.branches, result=result, cached=False, whole=whole, onto=flight.onto)
            self._tested(msgspec.structs.replace(told, began=began, slot=flight.job.slot), output)

    def _tested(self, told: Tested, output: bytes | None) -> None:
        number = sum(isinstance(record, Tested) for record in self.records) + 1
        name = f"gate-{number:03d}.log" if output is not None else None
        named = msgspec.structs.replace(told, log=name)
        self._write(named, {name: output} if name is not None and output is not None else None)
        slot, result = told.slot if told.began is not None else None, told.result
        self.progress(TestEnded(slot=slot, branches=told.branches, verdict=result.verdict, seconds=result.seconds))

    def _stop(self, gates: Underway, tree: Oid) -> None:
        flight = gates.end(tree)
        seconds = round(time.monotonic() - flight.started, 3)
        began, slot = round(flight.began, 3), flight.job.slot
        self._write(Stopped(branches=flight.branches, seconds=seconds, began=began, slot=slot))
        self.progress(TestEnded(slot=flight.job.slot, branches=flight.branches, verdict=None, seconds=seconds))

    # Landing

    def _land(self, chain: queue.Chain) -> None:
        for link in chain:
            left = residual(self.bench, link.candidate, self._base(link))
            if left != EMPTY:
                why = f"the proof that nothing is lost failed: {left}"
                self._refuse(link.entry, Reason.CONFLICT, "not proven", why)
                return
        try:
            signed = signing.sign(self.bench, [link.candidate for link in chain]) if self.journal is not None else ()
        except GitError as refused:
            self._refuse(chain[-1].entry, Reason.INFRA, "not signed", refused.message)
            return
        steps: list[Landed] = []
        for link, new in zip(chain, signed or [link.candidate for link in chain], strict=True):
            report = self._report(link, new, tuple(steps), chain)
            steps.append(Landed(before=new.base, after=new.commit, report=report))
        intent = Landing(ref=self._target, steps=tuple(steps))
        if self.journal is None:
            self._would_land(intent)
            return
        self.bench.promote(intent.after)
        for link in chain:
            self._keep_backup(link.entry)
        if self.started.request.land is not None:
            self._write(intent)
            self._is_beside(intent)
            return
        checkouts.must_be_free(self.bench.repository, self._target, intent.before, intent.after)
        names = ", ".join(step.report.branch for step in steps)
        # A push may take minutes, so it can be interrupted: `recover` asks the remote what came of it.
        with contextlib.nullcontext() if isinstance(self.place, RemotePlace) else undisturbed():
            self._write(intent)
            moved = self.place.move(intent.before, intent.after, f"gitbot: {names}")
            if moved:
                with undisturbed():
                    self._after_landing(intent)
        if not moved:
            self._target_moved()

    def _base(self, link: queue.Link) -> Oid:
        base = self.known[link.entry.name, link.candidate.base].base
        assert base is not None
        return base

    def _would_land(self, intent: Landing) -> None:
        self.tip = intent.after
        self._write(intent)
        for step in intent.steps:
            would = msgspec.structs.replace(
                step.report,
                outcome=Outcome.WAITING,
                why=f"would land by {step.report.strategy}: {step.report.why}",
                commits=(),
                proof=None,
                next="run it without --dry-run",
            )
            self._settle(would)

    def _is_beside(self, intent: Landing) -> None:
        """--land: for the branches to come the target is here, and for all others where it was."""
        self.tip = intent.after
        settled = self._settled
        where = f"{self.started.request.land}, waits until its patches are on {self.place.name}"
        step = f"merge {self.started.request.land} into {self.place.name}"
        for report in (one.report for one in intent.steps if one.report.branch not in settled):
            why = f"goes to {where}: {report.why}"
            self._settle(msgspec.structs.replace(report, outcome=Outcome.WAITING, why=why, next=step))

    def _report(
        self, link: queue.Link, candidate: Candidate, ahead: tuple[Landed, ...], chain: queue.Chain
    ) -> BranchReport:
        entry, one = link.entry, self.known[link.entry.name, link.candidate.base]
        notes = replace(self._notes, ahead=ahead, chain=chain)
        return BranchReport(
            branch=entry.name,
            plan=entry.plan,
            tip=entry.tip,
            outcome=Outcome.LANDED,
            strategy=candidate.strategy,
            why=candidate.why,
            commits=candidate.commits,
            resolved=candidate.resolved,
            proof=Proof(
                residual=EMPTY, backup=entry.backup, patches=count_patches(self.bench, candidate, self._base(link))
            ),
            flags=notes.flags(entry, candidate, one),
            hints=notes.hints(candidate, one),
            drift=one.drift_report(self.bench.repository),
        )

    def _after_landing(self, intent: Landing) -> None:
        """Work trees follow, the records are closed. May be done again after a kill.

        Raises:
            UnwritableError: the machine does not let it; the next command does it first.
            WorkTreeInTheWayError: a checkout could not follow.
        """
        try:
            self._bring_along(intent)
        except (UnwritableError, OSError) as refused:
            words = refused.message if isinstance(refused, UnwritableError) else refused.strerror or str(refused)
            raise UnwritableError(
                f"{', '.join(step.report.branch for step in intent.steps)}: landed, {self.place.name} is at "
                f"{intent.after[:7]}; what follows it could not be written: {words}",
                hint="nothing is lost; mend that, then run the same command again: it does the rest first",
            ) from refused

    def _bring_along(self, intent: Landing) -> None:
        lagging = checkouts.follow_all(self.repository, self._target, intent.before, intent.after)
        self.tip = intent.after
        settled = self._settled
        for step in intent.steps:
            if step.report.branch not in settled:
                self._close_step(step)
        announce(self.repository, self.records)
        if lagging:
            names = ", ".join(step.report.branch for step in intent.steps)
            raise WorkTreeInTheWayError(
                f"{names}: landed, but a checkout could not follow: {lagging[0]}",
                hint="nothing is lost; mend that, then run the same command again: the checkout is brought up first",
            )

    def _close_step(self, step: Landed) -> None:
        report = step.report
        left = (
            update_branch(self.repository, self.examiner.refs, step) if self.started.request.update_branches else None
        )
        if left is not None:
            text = f"{report.branch} was left where it is: {left}"
            flag = Flag(kind="not-updated", paths=(), text=text)
            report = msgspec.structs.replace(report, flags=(*report.flags, flag))
        self.examiner.landed[report.tip] = step.after
        if self.started.request.gate is not None:
            self._remember(step.before, report.tip)
        self._settle(report)

    def _remember(self, before: Oid, tip: Oid) -> None:
        """Keep how a branch that passed had settled conflicts by merges of its own: the next one need not ask."""
        with contextlib.suppress(GitError):  # objects that a partial clone lacks
            for key, lines in decisions(self.bench, history.own_commits(self.bench.repository, tip, before)):
                recorded.keep(self.repository, key, lines)

    def _keep_backup(self, entry: Entry) -> None:
        pinned = refs.read(self.repository, entry.pin)
        if pinned is not None and refs.read(self.repository, entry.backup) is None:
            refs.append(self.repository, entry.backup, before=None, after=pinned)

    def _target_moved(self) -> None:
        """Somebody else was faster: everything is computed again on what is there now."""
        now = self.place.read()
        if now is None:
            raise TargetMovedError(
                f"{self._target} was deleted while the run was under way", hint="restore it, then run this again"
            )
        self._own_up(now)
        self._write(Moved(before=self.tip, after=now))
        self.progress(TargetMoved(before=self.tip, after=now))
        moves = [record for record in self.records if isinstance(record, Moved)]
        if len(moves) > MOST_MOVES:
            short = self.place.name
            raise TargetMovedError(
                f"{short} moved {len(moves)} times while the gate ran, last from {self.tip[:7]} to {now[:7]}\n"
                "nothing more was landed",
                hint="run the same command again, it goes on from here",
            )
        self.tip = now

    def _own_up(self, now: Oid) -> None:
        """What somebody has taken off the target has not landed, and is not landed again: that may be on purpose."""
        for step in document.landed(self.records):
            if not history.holds(self.repository, now, step.after):
                entry = next(entry for entry in self.started.entries if entry.name == step.report.branch)
                self.examiner.landed.pop(entry.tip, None)
                short, again = self.place.name, shlex.join(("gitbot", "integrate", *entry.words))
                why = f"it landed as {step.after[:7]}; then somebody set {short} back or rewrote it during the run"
                self._hold(entry, why, f"look at {short}; what is not there lands again by: {again}")

    def recover(self) -> None:
        """Settle what a kill between intent and settlement left open; the tip is then where the run left it."""
        known = document.moves(self.records)
        self.tip = known[-1].after if known else self.started.before  # where the target was last
        intent = recovery.open_intent(self.records)
        if intent is not None and self.started.request.land is not None:
            self._is_beside(intent)
            return
        now = self.place.ask() if intent is not None else None
        if intent is None or now is None:
            return
        there = history.holds(self.repository, now, intent.after)
        if recovery.fate(intent, now, contains_after=there) is not recovery.Fate.HAPPENED:
            return
        if now == intent.after:
            with undisturbed():
                self._after_landing(intent)
        else:  # somebody built on it since, and brought the checkouts along
            settled = self._settled
            for step in intent.steps:
                if step.report.branch not in settled:
                    self._settle(step.report)
            self.tip = intent.after

    # Setting aside and reporting

    def _set_aside(self, step: queue.SetAside) -> None:
        one = self.known.get((step.entry.name, self.tip))
        hints = self._notes.hints(step.found, one) if isinstance(step.found, Candidate) and one is not None else ()
        aside = Aside(self.bench, self.examiner, self.started, self.records, self.tip, hints, self.earlier)
        report, brief = aside.report(step, one)
        if self.journal is None:
            report, brief = msgspec.structs.replace(report, retry=None, next="redo it, or let it wait"), None
        name = aside.brief_name(step.entry)
        self._settle(report, {name: brief.encode("utf-8", "backslashreplace")} if brief else {})

    def _hold(self, entry: Entry, why: str, cure: str) -> None:
        held = BranchReport(
            branch=entry.name,
            plan=entry.plan,
            tip=entry.tip,
            outcome=Outcome.WAITING,
            why=why,
            reason=Reason.BLOCKED,
            next=cure,
        )
        self._settle(held)

    def _refuse(self, entry: Entry, reason: Reason, kind: str, why: str) -> None:
        conflict = Conflict(entry.name, entry.tip, self.tip, (ConflictedPath(".", kind),), why)
        self._set_aside(queue.SetAside(entry, reason, conflict))

    def _red_target(self) -> TargetRedError:
        """Says why, as far as the end of the output does."""
        last = next(r for r in reversed(self.records) if isinstance(r, Tested) and not r.branches)
        log = file_path(self.repository, self.started.run, last.log) if last.log else None
        output = log.read_text(errors="replace").strip().splitlines()[-3:] if log is not None and log.exists() else []
        short = self.place.name
        gate_or_command = "correct --gate or [gate] command"
        ends = {
            GateVerdict.NO_START: (f"the gate could not start on {short}", gate_or_command),
            GateVerdict.BROKEN: (f"the tests could not be carried out on {short}; nobody is blamed", "mend that"),
            GateVerdict.NO_TESTS: (f"the gate ran no test on {short}", gate_or_command),
            GateVerdict.TIMED_OUT: (
                f"the gate timed out on {short} after {last.result.seconds:.1f} s",
                "raise --gate-timeout or [gate] timeout, or mend what hangs",
            ),
        }
        red = f"{short} does not pass its own tests; nobody is blamed", f"repair {short}"
        said, cure = ends.get(last.result.verdict, red)
        lacking = gate.lacking(self.repository, self.tester.config.gate.include)
        if lacking and last.result.verdict is not GateVerdict.BROKEN:
            named = ", ".join(map(printable, lacking))
            output.append(f"ignored files that the checkout lacks, often the cause: {named}")
            cure += ", or name what it needs in [gate] include"
        where = f" (all output: {log})" if log is not None else ""
        return TargetRedError("\n".join([said, *output]), hint=f"{cure}, then run the same command again{where}")
