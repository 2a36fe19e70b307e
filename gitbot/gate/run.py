"""One run of the gate: a checkout of the exact commit, the command in its root, everything gone afterwards."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gitbot import process
from gitbot.config import Gate
from gitbot.errors import GitError
from gitbot.gate.verdict import Judgement, judge
from gitbot.model.gate import GateVerdict
from gitbot.model.git import Oid
from gitbot.repository import Repository, checkouts


@dataclass(frozen=True, slots=True)
class GateJob:
    """What is to be tested and how; plain values."""

    commit: Oid
    command: str | tuple[str, ...]
    gate: Gate
    seconds: float
    stores: tuple[Path, ...]  # object folders the checkout borrows from
    folder: Path  # where the checkout is made
    slot: int = 0
    run: str = ""
    target: str = ""
    branches: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GateOutcome:
    """The judgement with what it is based on."""

    judgement: Judgement
    seconds: float  # of the command alone
    log: bytes


def run(repository: Repository, job: GateJob, env: Mapping[str, str]) -> GateOutcome:
    """Test one commit. `env` is the caller's environment; what the gate must not see is taken out here.

    Raises:
        GitError: the commit could not be checked out.
    """
    checkout = job.folder / f"slot-{job.slot}" / "checkout"
    log = job.folder / f"slot-{job.slot}" / "log"
    checkouts.make(repository, checkout, job.commit, job.stores)
    try:
        _include(repository, checkout, job.gate.include)
        surrounding = _environment(job, env, checkout)
        for number, command in enumerate((job.gate.setup, job.command)):
            if not command:
                continue
            before = time.monotonic()
            ended = process.run(process.shell(command), cwd=checkout, env=surrounding, seconds=job.seconds, log=log)
            judgement = judge(ended)
            if number == 0 and ended.status != 0:
                words = f"\ngitbot: the gate's setup command ended with {judgement.status}\n".encode()
                return GateOutcome(
                    Judgement(GateVerdict.NO_START, judgement.status, None, None), ended.seconds, ended.log + words
                )
        words = (ended.error or "").encode()
        return GateOutcome(judgement, time.monotonic() - before, ended.log + words)
    finally:
        checkouts.discard(checkout.parent)
        with contextlib.suppress(OSError):
            job.folder.rmdir()  # stays while another slot is in use


def _environment(job: GateJob, env: Mapping[str, str], checkout: Path) -> dict[str, str]:
    kept = process.without_secrets(env, job.gate.pass_)
    # Bytecode outside the checkout is found by path, size and second: that of the branch before would be run.
    kept.pop("PYTHONPYCACHEPREFIX", None)
    return kept | {
        "CI": "true",
        "PWD": str(checkout),
        "GITBOT_SLOT": str(job.slot),
        "GITBOT_RUN": job.run,
        "GITBOT_TARGET": job.target,
        "GITBOT_BRANCHES": " ".join(job.branches),
        "GITBOT_COMMIT": job.commit,
    }


def _include(repository: Repository, checkout: Path, wanted: tuple[str, ...]) -> None:
    """Copy ignored files that the tests need from the main work tree; what is not there is left out."""
    trees = checkouts.work_trees(repository) if wanted else ()
    main = next((Path(tree.path) for tree in trees if not tree.bare), None)
    if main is None:
        return
    for name in wanted:
        source, goal = main / name, checkout / name
        if os.path.commonpath([main.resolve(), source.resolve()]) != str(main.resolve()):
            raise GitError(f"gate.include: {name} leads out of the work tree")
        if source.is_dir():
            shutil.copytree(source, goal, symlinks=True, dirs_exist_ok=True)
        elif source.is_file() and not goal.exists():
            goal.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, goal)
