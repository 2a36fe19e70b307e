"""What the gate says of one commit: what is on record, what there is to run, and that its answer is kept."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import msgspec

from gitbot import gate
from gitbot.config import Config
from gitbot.gate.surroundings import surroundings
from gitbot.journal import results
from gitbot.model.gate import GateKey, GateResult, GateStep
from gitbot.model.git import BranchName, Oid
from gitbot.model.run import Started
from gitbot.repository import Repository, refs
from gitbot.repository.pool import Origin, cache_folder
from gitbot.repository.workbench import Workbench
from gitbot.repository.writing import write_blob

Moves = Sequence[tuple[Oid, Oid]]


@dataclass(frozen=True, slots=True)
class Tester:
    """The gate of one run, as its configuration has it. Jobs go to `gate.run`, in any thread; the rest stays in one.

    `moves` are the steps, from commit to commit, that made what is tested, None where that is the bare target. A gate
    applies where one of them touches its paths: what a later one takes back was there in between.
    """

    bench: Workbench
    repository: Repository
    started: Started
    config: Config
    env: Mapping[str, str]
    clone: str  # `journal.runs.clone_id`

    def known(self, commit: Oid, moves: Moves | None) -> GateResult | None:
        """A pass that is on record, else the newest red result: evidence, by which alone nobody is rejected."""
        return results.known(self.repository, self._key_of(commit, moves), anybodys=self.config.gate.trust_remote)

    def verdicts(self, commit: Oid, moves: Moves | None) -> list[GateResult]:
        """All that is on record, oldest first."""
        return results.verdicts(self.repository, self._key_of(commit, moves), anybodys=self.config.gate.trust_remote)

    def job(
        self, commit: Oid, moves: Moves | None, branches: tuple[BranchName, ...], slot: int = 0, fresh: bool = False
    ) -> gate.GateJob:
        """What is to be run for a commit; `fresh`: without anything that an earlier run left."""
        seen, steps = self.bench.repository, self.steps(moves)
        return gate.GateJob(
            commit=commit,
            steps=steps,
            gate=self.config.gate,
            seconds=self.started.request.gate_timeout,
            origin=Origin(seen.common, seen.env, (self.bench.store, self.bench.objects)),
            folder=cache_folder(self.repository),
            env=self.env,
            main=self._main,
            slot=slot,
            fresh=fresh or not self.config.gate.warm,
            run=self.started.run,
            target=refs.shorthand(self.started.request.target),
            branches=branches,
            surroundings=self._surroundings(steps),
        )

    def keep(self, job: gate.GateJob, outcome: gate.GateOutcome) -> tuple[GateResult, bytes]:
        """Record what a job came to: the result and the output. One that was stopped came to nothing.

        It does not count again where the surroundings changed meanwhile: which of them it had seen nobody knows.
        """
        assert not outcome.stopped
        judged = outcome.judgement
        result = GateResult(
            key=self._key(job.commit, job.steps, job.surroundings),
            tree=self.bench.repository.tree_of(job.commit),
            verdict=judged.verdict,
            status=judged.status,
            seconds=round(outcome.seconds, 3),
            tests=judged.tests,
            skipped=judged.skipped,
            log=write_blob(self.repository, outcome.log),
            run=self.started.run,
            finished=time.time(),
            gate=outcome.gate,
            failing=judged.failing,
            clone=self.clone,
            counts=outcome.counts,
            suite=write_blob(self.repository, msgspec.json.encode(dict(outcome.suites))) if outcome.suites else None,
            fresh=outcome.fresh,
        )
        if self._surroundings(job.steps) == job.surroundings:
            results.keep(self.repository, result)
        return result, outcome.log

    def steps(self, moves: Moves | None) -> tuple[GateStep, ...]:
        """The gates that apply: to the bare target all."""
        made = moves if moves and self.config.gates else ()
        changed = frozenset[str]().union(*(_touched(self.bench.repository, *move) for move in made))
        return gate.steps(self.config, self.started.request, None if moves is None else changed)

    @property
    def _main(self) -> Path | None:
        return gate.main_work_tree(self.repository) if self.config.gate.include else None

    def _surroundings(self, steps: tuple[GateStep, ...]) -> str:
        return surroundings(self.config.gate, steps, self._main, self.env)

    def _key_of(self, commit: Oid, moves: Moves | None) -> GateKey:
        steps = self.steps(moves)
        return self._key(commit, steps, self._surroundings(steps))

    def _key(self, commit: Oid, steps: tuple[GateStep, ...], surroundings: str) -> GateKey:
        return results.key_of(self.bench.repository.tree_of(commit), self.config.gate, steps, surroundings)


@lru_cache(maxsize=1024)  # each branch is tested on all that landed before it
def _touched(viewer: Repository, before: Oid, after: Oid) -> frozenset[str]:
    return frozenset(path for change in viewer.changes(before, after) for path in change.paths)
