"""What a result stands on beside tree and configuration: where it is another, an old pass does not count.

The whole environment would make every shell a stranger. Named by the configuration are the files of `include` and
the variables of `pass`; of the machine counts what runs the tests, by where PATH leads.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path

from gitbot.config import Gate
from gitbot.gate.ignored import found
from gitbot.gate.steps import words
from gitbot.model.gate import GateStep

_RUN_TESTS = ("python3", "python", "node", "java", "go", "cargo", "rustc", "ruby", "php", "dotnet")
_SLOW = 50_000  # rounds: keys are references that others may fetch, and what is passed may be a weak secret


def surroundings(gate: Gate, steps: Sequence[GateStep], main: Path | None, env: Mapping[str, str]) -> str:
    """A digest. With `trust-remote` programs are left out: no other machine has the same ones."""
    passed = repr([(name, env.get(name)) for name in gate.pass_]).encode("utf-8", "surrogateescape")
    files = sorted((str(name), _contents(path)) for path, name in found(main, gate.include)) if main else []
    commands = [command for step in steps for command in (step.command, step.setup)]
    names = set[str]().union(_RUN_TESTS, *map(words, (gate.setup, *commands)))
    programs = [] if gate.trust_remote else [_program(name, env.get("PATH")) for name in sorted(names)]
    told = hashlib.sha256(ascii((files, programs)).encode())
    told.update(hashlib.pbkdf2_hmac("sha256", passed, b"gitbot", _SLOW) if gate.pass_ else b"")
    return told.hexdigest()


def _program(name: str, path: str | None) -> tuple[str, int, int] | None:
    """Where a program is and when it was made: a shim stays in its place, an upgrade does not keep both."""
    place = shutil.which(name, path=path) if "/" not in name or name.startswith("/") else None
    seen = os.stat(place) if place else None
    return (place, seen.st_size, seen.st_mtime_ns) if place and seen else None


def _contents(path: Path) -> str:
    """What is in a file and whether it can be run; of a link also where it leads."""
    try:
        where = f"-> {os.readlink(path)} " if path.is_symlink() else ""
        if not path.is_file():
            return where
        with path.open("rb") as file:
            kind = "program" if os.fstat(file.fileno()).st_mode & stat.S_IXUSR else "file"
            return f"{where}{kind} {hashlib.file_digest(file, 'sha256').hexdigest()}"
    except OSError as refused:
        return f"unreadable: {refused.errno}"
