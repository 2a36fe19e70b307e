"""What the gate said about a tree, kept so that the same tree is never tested twice once it passed.

`refs/gitbot/result/<key>` is a tree of sightings: `<n>.json` and `<n>.log`, and `<n>.suite` where reports name every
test. A second, different outcome for one key is added as evidence of a flake; nothing is overwritten. Only a pass
counts across runs: a red one may have been the machine, and whoever has repaired it wants to be tested again.
"""

from __future__ import annotations

import contextlib
import hashlib
import platform
from collections.abc import Iterator, Sequence
from dataclasses import replace

import msgspec

from gitbot import __version__
from gitbot.config import Gate
from gitbot.errors import GitError
from gitbot.journal import clone
from gitbot.journal.pins import KEEP_SECONDS
from gitbot.model.gate import Flake, GateKey, GateResult, GateStep, GateVerdict, Suite
from gitbot.model.git import Oid, RefName
from gitbot.repository import Repository, refs
from gitbot.repository.writing import BLOB, write_blob, write_tree

PREFIX = "refs/gitbot/result/"


def key_of(tree: Oid, gate: Gate, steps: Sequence[GateStep], surroundings: str) -> GateKey:
    """The key under which a result counts: the exact tree, what is run on it and in what, the kind of machine, and
    who judged it. Limits of time are left out: a pass is one under any.
    """
    commands = [(step.command, step.setup) for step in steps]
    asked = [tree, commands, gate.setup, gate.isolation, gate.include, gate.junit, gate.pass_]
    machine = [platform.system(), platform.machine(), surroundings, __version__]
    return GateKey(hashlib.sha256(msgspec.json.encode([asked, machine])).hexdigest()[:40])


def sightings(repository: Repository, key: GateKey) -> tuple[GateResult, ...]:
    """All results recorded for a key, oldest first; what cannot be read says nothing. `clone` is empty where it is
    hearsay: only of its own results does a clone know whose they are.
    """
    tree = refs.read(repository, RefName(PREFIX + key))
    found: list[GateResult] = []
    here = clone.known(repository)
    with contextlib.suppress(GitError, msgspec.DecodeError):
        for change in repository.changes(None, tree) if tree is not None else ():
            if change.path.endswith(".json"):
                data, until = here.unseal(repository.blob(change.new_oid), key)
                result = msgspec.json.decode(data, type=GateResult)
                found.append(result if result.finished <= until else replace(result, clone=""))
    return tuple(found)


def known(repository: Repository, key: GateKey, *, anybodys: bool = False) -> GateResult | None:
    """The newest recorded pass for this key, else the newest red one, which is evidence and no verdict.

    `anybodys`: what another clone found out counts as well.
    """
    counts = verdicts(repository, key, anybodys=anybodys)
    passes = [result for result in counts if result.verdict is GateVerdict.PASSED]
    return next(reversed(passes or counts), None)


def verdicts(repository: Repository, key: GateKey, *, anybodys: bool = False) -> list[GateResult]:
    """All passes and red results that count for this key, oldest first."""
    here = clone.known(repository).id or None
    counts = [one for one in sightings(repository, key) if one.key == key and (anybodys or one.clone == here)]
    return [one for one in counts if one.verdict in (GateVerdict.PASSED, GateVerdict.FAILED)]


def suites_of(repository: Repository, result: GateResult) -> dict[str, Suite]:
    """The tests of one run by gate, where they are known and still kept."""
    with contextlib.suppress(GitError, msgspec.DecodeError):
        if result.suite is not None:
            return msgspec.json.decode(repository.blob(result.suite), type=dict[str, Suite])
    return {}


def flakes(repository: Repository) -> tuple[Flake, ...]:
    """Every tree of which the same gate said here both that it passes and that it fails, oldest first."""
    found = [
        Flake(
            tree=runs[0].tree,
            verdicts=tuple(run.verdict for run in runs),
            failing=tuple(dict.fromkeys(test for run in runs for test in run.failing)),
            when=max(run.finished for run in runs),
        )
        for runs in _good(repository)
        if any(run.verdict is GateVerdict.FAILED for run in runs)
    ]
    return tuple(sorted(found, key=lambda flake: flake.when))


def flake_rate(repository: Repository) -> tuple[int, float]:
    """How many runs there were here of trees that are good, and the share of them that was red."""
    verdicts = [run.verdict for runs in _good(repository) for run in runs]
    return len(verdicts), verdicts.count(GateVerdict.FAILED) / max(len(verdicts), 1)


def _good(repository: Repository) -> Iterator[list[GateResult]]:
    """By key: this clone's runs that came to a verdict, where one of them passed."""
    here = clone.known(repository).id or None
    for ref, _ in refs.below(repository, PREFIX):
        seen = sightings(repository, GateKey(ref.removeprefix(PREFIX)))
        runs = [run for run in seen if run.clone == here and run.verdict in (GateVerdict.PASSED, GateVerdict.FAILED)]
        if any(run.verdict is GateVerdict.PASSED for run in runs):
            yield runs


def let_go(repository: Repository, now: float) -> None:
    """Delete results that are older than 14 days."""
    for ref, oid in list(refs.below(repository, PREFIX)):
        seen = sightings(repository, GateKey(ref.removeprefix(PREFIX)))
        if not seen or now - seen[-1].finished > KEEP_SECONDS:
            refs.swap(repository, ref, before=oid, after=None, why="gitbot: expired")


def keep(repository: Repository, result: GateResult) -> None:
    """Add a sighting; losing a race to another writer only means that theirs came first."""
    ref = RefName(PREFIX + result.key)
    data = write_blob(repository, clone.marked(repository).seal(msgspec.json.encode(result), result.key))
    for _ in range(5):
        before = refs.read(repository, ref)
        number = sum(name.endswith(".json") for name in repository.files(before)) if before is not None else 0
        added = {f"{number:04d}.json": (data, BLOB), f"{number:04d}.log": (result.log, BLOB)}
        if result.suite is not None:
            added[f"{number:04d}.suite"] = (result.suite, BLOB)
        if refs.append(repository, ref, before=before, after=write_tree(repository, before, added)):
            return
