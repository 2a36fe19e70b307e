"""What the gate says of one commit: a pass that is on record costs nothing, anything else is found out."""

from __future__ import annotations

import time
from collections.abc import Mapping

from gitbot import gate
from gitbot.config import Config
from gitbot.errors import GitError
from gitbot.journal import results
from gitbot.model.gate import GateResult, GateVerdict
from gitbot.model.git import BranchName, Oid
from gitbot.model.run import Started
from gitbot.repository import Repository, checkouts, refs
from gitbot.repository.workbench import Workbench
from gitbot.repository.writing import write_blob


def find_out(
    bench: Workbench,
    repository: Repository,
    started: Started,
    config: Config,
    env: Mapping[str, str],
    commit: Oid,
    branch: BranchName | None,
) -> tuple[GateResult, bytes | None]:
    """The result for a commit, and the output if the gate was run now. A red result of another run never counts."""
    command = started.request.gate
    assert command is not None
    tree = bench.repository.tree_of(commit)
    key = results.key_of(tree, config.gate, command)
    known = results.passed(repository, key)
    if known is not None:
        return known, None
    job = gate.GateJob(
        commit=commit,
        command=command,
        gate=config.gate,
        seconds=started.request.gate_timeout,
        stores=(bench.store, bench.objects),
        folder=checkouts.cache_folder(repository),
        run=started.run,
        target=started.request.target.removeprefix(refs.HEADS),
        branches=(branch,) if branch else (),
    )
    try:
        outcome = gate.run(repository, job, env)
    except (GitError, OSError) as broken:
        outcome = gate.GateOutcome(gate.Judgement(GateVerdict.BROKEN, 1, None, None), 0.0, f"{broken}\n".encode())
    judged = outcome.judgement
    result = GateResult(
        key=key,
        tree=tree,
        verdict=judged.verdict,
        status=judged.status,
        seconds=round(outcome.seconds, 3),
        tests=judged.tests,
        skipped=judged.skipped,
        log=write_blob(repository, outcome.log),
        run=started.run,
        finished=time.time(),
    )
    results.keep(repository, result)
    return result, outcome.log
