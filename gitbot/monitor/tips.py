"""What the gate says of each branch by itself: its tip as its agent left it, before anything is merged.

No run is recorded; a result is, so that a tree which has been tested here is not tested again, by integrate neither.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

from gitbot.config import gate_command
from gitbot.errors import GitError, NoGateError
from gitbot.gate import must_be_possible
from gitbot.journal import runs
from gitbot.journal.lock import only_writer
from gitbot.landing.testing import Tester
from gitbot.landing.underway import Underway
from gitbot.model.gate import GateResult
from gitbot.model.git import BranchName, Oid
from gitbot.model.run import Request, RunId, Started
from gitbot.planset import InForce
from gitbot.repository import Repository, history, refs
from gitbot.repository.temporary import temporary_folder
from gitbot.repository.workbench import Workbench


def must_have_a_gate(force: InForce) -> None:
    """Raises NoGateError where there is nothing to run."""
    if not gate_command(force.config):
        raise NoGateError(
            "no integration tests are configured, so there is nothing to say of any tip",
            hint="[gate] command in gitbot.toml on the target (gitbot init makes a guess), or leave --gate out",
        )


def gate_of_tips(
    repository: Repository,
    force: InForce,
    tips: Mapping[BranchName, Oid],
    env: Mapping[str, str],
    tell: Callable[[BranchName, GateResult | None], None],
) -> dict[BranchName, GateResult]:
    """The result for every tip, from the record or by a run of the gate, as many at once as are configured.

    `tell` hears of each run that begins, and what it said when it has ended.

    Raises:
        LockedError: a run is under way, which the checkouts belong to.
    """
    must_be_possible(force.config, env, repository)
    target = refs.read(repository, force.target)
    assert target is not None
    found: dict[BranchName, GateResult] = {}
    with (
        only_writer(repository),
        temporary_folder() as folder,
        Workbench(repository, Path(folder, "scratch"), target) as bench,
        Underway(force.config.integrate.jobs) as underway,
    ):
        tester = _tester(bench, repository, force, target, env)
        left = list(tips.items())
        while left or underway.flights:
            if not left or len(underway.flights) == underway.jobs:
                flight, outcome = underway.next(lambda: None)
                (name,) = flight.branches
                found[name], _ = tester.keep(flight.job, outcome)
                tell(name, found[name])
                continue
            name, tip = left.pop(0)
            try:
                base = history.merge_base(repository, target, tip)
                history.must_be_whole(repository, tip, repository.changes(base, tip) if base else ())
            except GitError:  # status says why
                continue
            moves = [(base, tip)] if base else None
            known = tester.known(tip, moves)
            if known is not None:
                found[name] = known
            else:
                tell(name, None)
                underway.start(tip, target, (name,), tester.job(tip, moves, (name,), underway.free_slot()))
    return found


def _tester(bench: Workbench, repository: Repository, force: InForce, target: Oid, env: Mapping[str, str]) -> Tester:
    request = Request(
        names=(),
        target=force.target,
        gate=gate_command(force.config),
        gate_timeout=force.config.gate.timeout,
        jobs=force.config.integrate.jobs,
    )
    started = Started(
        run=RunId("status"),
        time=time.time(),
        request=request,
        before=target,
        identity=("", ""),
        entries=(),
        config={},
    )
    return Tester(bench, repository, started, force.config, env, runs.mark_clone(repository))
