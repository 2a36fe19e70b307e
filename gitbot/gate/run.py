"""One run of the gate: a checkout of the exact commit, the commands that apply in its root, a verdict."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from gitbot import process
from gitbot.config import Gate
from gitbot.errors import GitbotError
from gitbot.fileclasses import FileClass, file_class
from gitbot.gate import junit
from gitbot.gate.ignored import include
from gitbot.gate.steps import words
from gitbot.gate.surroundings import surroundings
from gitbot.gate.verdict import Judgement, judge
from gitbot.gate.walls import around
from gitbot.model.gate import GateStep, GateVerdict, Suite
from gitbot.model.git import Oid
from gitbot.process import Ended, Stop
from gitbot.repository.pool import Listing, Origin, SetUp, Slot, take

_SETS_UP = (FileClass.LOCK, FileClass.MANIFEST, FileClass.BUILD)  # also Makefile, .gitignore and the like


@dataclass(frozen=True, slots=True)
class GateJob:
    """What is to be tested and how; plain values."""

    commit: Oid
    steps: tuple[GateStep, ...]
    gate: Gate
    seconds: float  # for the set-up that is all steps'
    origin: Origin
    folder: Path  # where the checkouts are
    env: Mapping[str, str]  # the caller's; what the gate must not see is taken out here
    main: Path | None = None  # where ignored files are copied from
    slot: int = 0
    fresh: bool = False  # in a checkout from nothing
    run: str = ""
    target: str = ""
    branches: tuple[str, ...] = ()
    surroundings: str = ""  # as they were when it was made


@dataclass(frozen=True, slots=True)
class GateOutcome:
    """The judgement with what it is based on."""

    judgement: Judgement
    seconds: float = 0  # of the commands alone
    log: bytes = b""
    gate: str = ""  # as in `GateResult`, and so are the counts
    counts: tuple[tuple[str, int | None, int | None], ...] = ()
    suites: tuple[tuple[str, Suite], ...] = ()  # of each gate whose reports name every test
    stopped: bool = False  # nobody needs an answer, and this is none
    fresh: bool = False  # as in `GateResult`


def run(job: GateJob, stop: Stop | None = None) -> GateOutcome:
    """Test one commit; whatever kept it from being tested is a verdict too."""
    try:
        with take(job.origin, job.folder, job.slot, job.commit, fresh=job.fresh) as slot:
            return replace(_test(job, slot, stop or Stop()), fresh=slot.fresh)
    except (GitbotError, OSError, RecursionError) as broken:  # folders in folders, deeper than Python goes
        log = f"gitbot: {broken}\n".encode("utf-8", "replace")
        return GateOutcome(Judgement(GateVerdict.BROKEN, 1), log=log, fresh=job.fresh)


def _test(job: GateJob, slot: Slot, stop: Stop) -> GateOutcome:
    """All steps, or those up to the first that does not pass; tests, seconds and output are those of all together."""
    files = slot.listing()
    wanted = job.gate.include if job.main is not None else ()
    include(job.main or slot.checkout, slot.checkout, wanted, files, slot.included)
    started = Judgement(GateVerdict.PASSED, 0)
    so_far = GateOutcome(started, log=b"" if job.steps else b"gitbot: no gate applies to what is changed\n")
    for step in (GateStep("gate", "", job.gate.setup, job.seconds), *job.steps):
        one = _set_up(job, slot, step, files, stop) or _run(job, slot, step, stop)
        if one is not None:
            so_far = _after(so_far, one, headed=len(job.steps) > 1)
        if so_far.judgement.verdict is not GateVerdict.PASSED:
            break
    return so_far


def _locks(files: Listing, setup: str | tuple[str, ...]) -> str:
    """A digest of what a set-up depends on, and of what says whether its work stays."""
    said = words(setup)
    modules = {word.replace(".", "/") + ".py" for word in said}
    ends = tuple(f"/{word}" for word in (said | modules))
    kinds = [path for path in files if file_class(path) in _SETS_UP or f"/{path}".endswith(ends)]
    return hashlib.sha256("\0".join(f"{files[path]} {path}" for path in kinds).encode("utf-8", "replace")).hexdigest()


def _after(before: GateOutcome, one: GateOutcome, *, headed: bool) -> GateOutcome:
    heading = f"gitbot: gate {one.gate}\n".encode() if headed else b""
    pairs = [(before.judgement.tests, one.judgement.tests), (before.judgement.skipped, one.judgement.skipped)]
    tests, skipped = ((a or 0) + b if b is not None else a for a, b in pairs)
    return replace(
        one,
        judgement=replace(one.judgement, tests=tests, skipped=skipped),
        seconds=before.seconds + one.seconds,
        counts=before.counts + one.counts,
        suites=before.suites + one.suites,
        log=(before.log + heading + one.log)[-process.LOG_BYTES :],
    )


def _run(job: GateJob, slot: Slot, step: GateStep, stop: Stop) -> GateOutcome | None:
    if not step.command:
        return None
    tracked = slot.listing().keys() if job.gate.junit else ()  # no reports, whatever the pattern says
    junit.forget(slot.checkout, job.gate.junit, tracked)
    ended = _carry_out(job, slot, step.command, step.seconds, stop)
    judged = judge(ended, junit.read(slot.checkout, job.gate.junit, tracked), walled=job.gate.isolation != "process")
    log, counts = ended.log + (ended.error or "").encode(), ((step.name, judged.tests, judged.skipped),)
    suites = ((step.name, judged.suite),) if judged.suite else ()
    return GateOutcome(judged, ended.seconds, log, step.name, counts, suites, ended.stopped)


def _set_up(job: GateJob, slot: Slot, step: GateStep, files: Listing, stop: Stop) -> GateOutcome | None:
    """Prepare the checkout where that was not done for the same files; None when all is well.

    Where it left what the next checkout takes away again, it is not remembered; nor are others whose work it changed.
    """
    if not step.setup:
        return None
    own = surroundings(job.gate, (replace(step, command=""),), job.main, job.env)
    command, key = repr(step.setup), f"{_locks(files, step.setup)} {own}"
    known = slot.setups.pop(command, SetUp("", frozenset()))
    if known.key == key:
        slot.setups[command] = known
        return None
    before, seen = slot.unclean(), slot.ignored()
    ended = _carry_out(job, slot, step.setup, step.seconds, stop, network=True)
    changed = {name for name, _ in seen.items() ^ slot.ignored().items()}
    for name, other in slot.setups.items():
        if ended.status != 0 or changed & other.touched:  # its work may be overwritten
            slot.setups[name] = SetUp("", other.touched)
    if ended.status == 0:
        if slot.unclean() == before:
            slot.setups[command] = SetUp(key, known.touched | changed)
        return None
    judged = judge(ended)
    if not ended.full and not ended.stopped:
        judged = replace(judged, verdict=GateVerdict.NO_START)
    words = f"\ngitbot: the gate's setup command ended with {judged.status}\n".encode()
    return GateOutcome(judged, ended.seconds, ended.log + words, step.name, stopped=ended.stopped)


def _carry_out(
    job: GateJob,
    slot: Slot,
    command: str | tuple[str, ...],
    seconds: float,
    stop: Stop,
    *,
    network: bool = False,
) -> Ended:
    env = _environment(job, slot.checkout)
    words = around(job.gate.isolation, command, slot.checkout, job.origin.stores, env, network=network)
    held = () if slot.held is None else (slot.held,)
    return process.run(words, cwd=slot.checkout, env=env, seconds=seconds, log=slot.log, stop=stop, held=held)


def _environment(job: GateJob, checkout: Path) -> dict[str, str]:
    kept = process.without_secrets(job.env, job.gate.pass_)
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
