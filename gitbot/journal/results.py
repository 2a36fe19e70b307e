"""What the gate said about a tree, kept so that the same tree is never tested twice once it passed.

`refs/gitbot/result/<key>` is a tree of sightings: `<n>.json` and `<n>.log`. A second, different outcome for one key
is added as evidence of a flake; nothing is overwritten. Only a pass counts across runs: a red one may have been the
machine, and whoever has repaired it wants to be tested again.
"""

from __future__ import annotations

import contextlib
import hashlib
import platform
from collections.abc import Sequence

import msgspec

from gitbot.config import Gate
from gitbot.errors import GitError
from gitbot.journal.pins import KEEP_SECONDS
from gitbot.model.gate import GateKey, GateResult, GateVerdict
from gitbot.model.git import Oid, RefName
from gitbot.repository import Repository, refs
from gitbot.repository.writing import BLOB, write_blob, write_tree

PREFIX = "refs/gitbot/result/"


def key_of(tree: Oid, gate: Gate, command: str | Sequence[str]) -> GateKey:
    """The key under which a result counts: the exact tree, what is run on it, and the kind of machine."""
    asked = [tree, command, gate.setup, gate.isolation, gate.include, gate.timeout]
    machine = [platform.system(), platform.machine()]
    return GateKey(hashlib.sha256(msgspec.json.encode([asked, machine])).hexdigest()[:40])


def sightings(repository: Repository, key: GateKey) -> tuple[GateResult, ...]:
    """All results recorded for a key, oldest first; what cannot be read says nothing."""
    tree = refs.read(repository, RefName(PREFIX + key))
    found: list[GateResult] = []
    with contextlib.suppress(GitError, msgspec.DecodeError):
        for change in repository.changes(None, tree) if tree is not None else ():
            if change.path.endswith(".json"):
                found.append(msgspec.json.decode(repository.blob(change.new_oid), type=GateResult))
    return tuple(found)


def passed(repository: Repository, key: GateKey) -> GateResult | None:
    """A recorded pass for this key, if there is one."""
    known = [result for result in sightings(repository, key) if result.verdict is GateVerdict.PASSED]
    return known[-1] if known else None


def let_go(repository: Repository, now: float) -> None:
    """Delete results that are older than 14 days."""
    for ref, oid in list(refs.below(repository, PREFIX)):
        known = sightings(repository, GateKey(ref.removeprefix(PREFIX)))
        if not known or now - known[-1].finished > KEEP_SECONDS:
            refs.swap(repository, ref, before=oid, after=None, why="gitbot: expired")


def keep(repository: Repository, result: GateResult) -> None:
    """Add a sighting; losing a race to another writer only means that theirs came first."""
    ref = RefName(PREFIX + result.key)
    data = write_blob(repository, msgspec.json.encode(result))
    for _ in range(5):
        before = refs.read(repository, ref)
        number = len(repository.changes(None, before)) // 2 if before is not None else 0
        added = {f"{number:04d}.json": (data, BLOB), f"{number:04d}.log": (result.log, BLOB)}
        if refs.append(repository, ref, before=before, after=write_tree(repository, before, added)):
            return
