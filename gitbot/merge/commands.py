"""The rungs that need more than bytes: lock files made anew by their tool, and the user's own resolver.

Commands come from the target's configuration alone and see what the gate sees: no secrets, a deadline, a checkout or
folder that is thrown away. What one answered is recorded, so that a run picked up after a kill makes the same tree.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from gitbot import process
from gitbot.config import Config
from gitbot.fileclasses import FileClass, file_class
from gitbot.journal import recorded
from gitbot.merge.edits import Refused
from gitbot.merge.hunks import ConflictedFile
from gitbot.model.git import Oid
from gitbot.patterns import compile_patterns
from gitbot.repository import Repository, pool
from gitbot.repository.workbench import Workbench

LARGEST = 16 << 20  # bytes of an answer
_ANSWER = 'ulimit -f 32768; out=$1; shift; exec "$@" >"$out"'  # in blocks of 512 bytes


@dataclass(frozen=True, slots=True)
class Commands:
    """What the configuration lets run, and where. `dry`: nothing runs and nothing is recorded."""

    repository: Repository
    bench: Workbench
    config: Config
    env: Mapping[str, str]
    dry: bool

    def remembered(self, key: str) -> bytes | None:
        """What was decided before about a conflict with this key (`rungs.hunk_key`)."""
        return recorded.read(self.repository, key)

    def lock_command(self, path: str) -> str | None:
        """The command that makes this lock file, if it is one and the configuration names it."""
        if file_class(path) is not FileClass.LOCK:
            return None
        commands = self.config.integrate.regenerate.items()
        return next((command for pattern, command in commands if compile_patterns([pattern]).matches(path)), None)

    def regenerate(self, path: str, commit: Oid) -> tuple[bytes, str] | Refused:
        """A lock file as its tool makes it in a checkout of `commit`, a trial in which the manifests are merged.

        With it why it is right, in words. A dry run leaves the target's, and says so.
        """
        command = self.lock_command(path)
        assert command is not None
        key = recorded.key_of("regenerate", self.bench.repository.tree_of(commit), path, command)
        why = f"`{command}` made it from the merged files"
        if (known := recorded.read(self.repository, key)) is not None:
            return known, why
        if self.dry:
            here = self.bench.repository.read(commit, path) or b""
            return here, f"`{command}` will make it; a dry run starts no command"
        folder = pool.cache_folder(self.repository) / "lock"
        try:
            checkout = pool.make(self.repository, folder, commit, (self.bench.store, self.bench.objects))
            made = checkout / path
            said = self._run(process.shell(command), made.parent, folder)
            answer = said if isinstance(said, Refused) else _read(made, checkout)
        finally:
            pool.discard(folder)
        if isinstance(answer, Refused):
            return Refused(f"`{command}` {answer.why}")
        recorded.keep(self.repository, key, answer)
        return answer, why

    def resolve(self, file: ConflictedFile) -> bytes | Refused | None:
        """What the configured resolver prints for a file; None when there is no resolver.

        It finds the sides as files named by BASE, OURS and THEIRS in its environment, the path as FILE.
        """
        command = self.config.integrate.resolver
        if not command:
            return None
        sides = {"BASE": file.base or b"", "OURS": file.ours, "THEIRS": file.theirs}
        key = recorded.key_of("resolve", file.path, *sides.values(), *command)
        if (known := recorded.read(self.repository, key)) is not None:
            return known
        if self.dry:
            return Refused("the resolver would be asked; a dry run starts no command")
        folder = pool.cache_folder(self.repository) / "resolver"
        pool.discard(folder)  # what a killed run left there is of another conflict
        try:
            (folder / "work").mkdir(parents=True)
            for name, data in sides.items():
                (folder / name).write_bytes(data)
            names = {name: str(folder / name) for name in sides} | {"FILE": file.path}
            words = ("sh", "-c", _ANSWER, "resolver", str(folder / "answer"), *process.shell(command))
            said = self._run(words, folder / "work", folder, names)
            answer = said if isinstance(said, Refused) else _read(folder / "answer", folder)
        finally:
            pool.discard(folder)
        if isinstance(answer, Refused):
            return Refused(f"the resolver {answer.why}")
        recorded.keep(self.repository, key, answer)
        return answer

    def _run(
        self, words: tuple[str, ...], where: Path, folder: Path, more: Mapping[str, str] | None = None
    ) -> Refused | None:
        gate = self.config.gate
        env = process.without_secrets(self.env, gate.pass_) | {"CI": "true", "PWD": str(where)} | dict(more or {})
        if not where.is_dir():
            return Refused("has no folder to run in")
        ended = process.run(words, cwd=where, env=env, seconds=gate.timeout, log=folder / "log")
        if ended.status == 0:
            return None
        last = ended.log.decode("utf-8", "replace").split("\n")[-4:]
        kind = "did not end in time" if ended.timed_out else f"ended with {ended.status or ended.error or 'a signal'}"
        return Refused(f"{kind}: {' '.join(' '.join(last).split())[-200:]}".rstrip(": "))


def _read(path: Path, inside: Path) -> bytes | Refused:
    """A regular file of bounded size that lies inside a folder: what a command made is not to be trusted."""
    real = Path(os.path.realpath(path))
    if real != Path(os.path.realpath(inside)) / PurePosixPath(path.relative_to(inside)) or not path.is_file():
        return Refused("left no file")
    if path.stat().st_size > LARGEST:
        return Refused(f"made a file larger than {LARGEST} bytes")
    return path.read_bytes()
