"""What a result stands on beside tree and configuration: where it is another, an old pass does not count.

Named by the configuration are the files of `include` and the variables of `pass`. Of the other variables that the
tests see those count that say what to do, and none that says where one is, in which window, session or job: that
would make every shell a stranger. Of the machine counts what runs the tests, by where PATH leads.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from gitbot import process
from gitbot.config import Gate
from gitbot.gate.ignored import found
from gitbot.gate.steps import words
from gitbot.model.gate import GateStep

_RUN_TESTS = ("python3", "python", "node", "java", "go", "cargo", "rustc", "ruby", "php", "dotnet")
# What every shell, terminal, desktop, editor, service and job has another of, and what the tests get from gitbot.
_NOISE = re.compile(
    r"""_|PATH|MANPATH|INFOPATH|HOME|PWD|OLDPWD|SHLVL|SHELL|USER|USERNAME|LOGNAME|HOST|HOSTNAME|MAIL|TMP|TEMP|TMPDIR|TEMPDIR
    |TERM|TERM_\w+|TERMINFO\w*|COLORTERM|COLORFGBG|LC_TERMINAL\w*|COLUMNS|LINES|TTY|WINDOWID|WINDOWPATH|DISPLAY|XAUTHORITY
    |PS[0-4]|PROMPT\w*|HIST\w*|LS_COLORS|LESS\w*|PAGER|EDITOR|VISUAL|BROWSER|STY|TMUX\w*|ZELLIJ\w*|INVOCATION_ID
    |JOURNAL_STREAM|MANAGERPID\w*|BUILD_(?:ID|NUMBER|TAG|URL)|CI|CLAUDE\w*|OPENCODE\w*|PYTHONPYCACHEPREFIX|WSL\w*
    |(?:WAYLAND|XDG|DBUS|SSH|GPG|SYSTEMD|LISTEN|NOTIFY|MEMORY_PRESSURE|DESKTOP|GNOME|KDE|GTK|QT|VTE|KONSOLE|ITERM|KITTY
    |ALACRITTY|WEZTERM|GHOSTTY|WT|VSCODE|CURSOR|CODEX|GEMINI|STARSHIP|DIRENV|GITBOT|GITHUB|RUNNER|ACTIONS|GITLAB|CI
    |CIRCLE|BUILDKITE|JENKINS|TRAVIS|DRONE)_\w+
    |\w+_(?:PROMPT|P?PID|SOCK|SOCKET|TTY|FD|SESSION|SESSION_ID|RUN_ID)""",
    re.VERBOSE,
)
_SLOW = 50_000  # rounds: keys are references that others may fetch, and what is passed may be a weak secret


def surroundings(gate: Gate, steps: Sequence[GateStep], main: Path | None, env: Mapping[str, str]) -> str:
    """A digest. With `trust-remote` programs and plain variables are left out: no other machine has the same ones."""
    seen = {} if gate.trust_remote else process.without_secrets(env)
    told_by = {name: value for name, value in seen.items() if not _NOISE.fullmatch(name)}
    told_by |= {name: env[name] for name in gate.pass_ if name in env}
    files = sorted((str(name), _contents(path)) for path, name in found(main, gate.include)) if main else []
    commands = [command for step in steps for command in (step.command, step.setup)]
    names = set[str]().union(_RUN_TESTS, *map(words, (gate.setup, *commands)))
    programs = [] if gate.trust_remote else [_program(name, env.get("PATH")) for name in sorted(names)]
    told = hashlib.sha256(ascii((files, programs)).encode())
    told.update(_slowly(repr(sorted(told_by.items())).encode("utf-8", "surrogateescape")))
    return told.hexdigest()


@lru_cache(maxsize=8)
def _slowly(said: bytes) -> bytes:
    return hashlib.pbkdf2_hmac("sha256", said, b"gitbot", _SLOW)


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
