"""What the gate says of each branch by itself: its tip as its agent left it, before anything is merged.

No run is recorded; a result is, so that a tree which has been tested here is not tested again, by integrate neither.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from gitbot.config import gate_command
from gitbot.errors import GitError, NoGateError
from gitbot.gate import must_be_possible
from gitbot.gate.verdict import closing
from gitbot.journal import results, runs
from gitbot.journal.lock import only_writer
from gitbot.landing.chances import confirmations
from gitbot.landing.queue import Sighting, Standing, standing
from gitbot.landing.testing import Tester
from gitbot.landing.underway import Underway
from gitbot.model.gate import GateResult, GateVerdict
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
    """The result for every tip, from the record or by runs of the gate, as many at once as are configured.

    A red one is confirmed as in a run, where what is on record counts too. `tell` hears of each run that begins, and
    what it said when it has ended.

    Raises:
        LockedError: a run is under way, which the checkouts belong to.
    """
    must_be_possible(force.config, env, repository)
    target = refs.read(repository, force.target)
    assert target is not None
    seen: dict[BranchName, list[GateResult]] = {}
    asked = force.config.gate.confirm
    confirm = confirmations(*results.flake_rate(repository)) if asked == "auto" else asked
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
                flight, outcome = next(underway.answers(lambda: None))
                (name,) = flight.branches
                seen[name].append(tester.keep(flight.job, outcome)[0])
                tell(name, seen[name][-1])
                if _standing(seen[name], confirm) is Standing.AGAIN:
                    left.insert(0, (name, tips[name]))
                continue
            name, tip = left.pop(0)
            try:
                base = history.merge_base(repository, target, tip)
                history.must_be_whole(repository, tip, repository.changes(base, tip) if base else ())
            except GitError:  # status says why
                continue
            moves = [(base, tip)] if base else None
            again = bool(seen.setdefault(name, tester.verdicts(tip, moves)))
            if _standing(seen[name], confirm) in (Standing.UNKNOWN, Standing.AGAIN):
                tell(name, None)
                job = tester.job(tip, moves, (name,), underway.free_slot(), fresh=again)
                underway.start(tip, target, (name,), job)
    passes = {name: [one for one in all_of if one.verdict is GateVerdict.PASSED] for name, all_of in seen.items()}
    return {name: (passes[name] or all_of)[-1] for name, all_of in seen.items()}


def last_line(repository: Repository, result: GateResult) -> str | None:
    """What a run of the gate that is not green wrote last, where its output is kept."""
    with suppress(GitError):
        said = closing(repository.blob(result.log)).rstrip() if result.verdict is not GateVerdict.PASSED else ""
        return said.rpartition("\n")[2] or None
    return None


def _standing(seen: Sequence[GateResult], confirm: int) -> Standing:
    """By the rule of a run; nobody is rejected here, so that an earlier one's word is as good."""
    return standing([Sighting(one.tree, (), one.verdict, one.fresh, gate=one.gate) for one in seen], confirm)


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
