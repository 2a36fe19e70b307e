"""Running other people's commands: to the end, to a deadline, or not at all, and never leaving a child behind.

The only room besides `gitbot.repository` that starts processes. What a command's end means is the gate's question.
"""

from __future__ import annotations

import contextlib
import json
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

LOG_BYTES = 1 << 20  # newest 1 MiB of output is kept

_SECRET = re.compile(
    r"TOKEN|SECRET|PASSW|PASSPHRASE|CREDENTIAL|COOKIE|PRIVATE|SIGNING|"
    r"(^|_)(PASS|PWD|PW|PAT|AUTH|KEY|KEYS|APIKEY|DSN)(_|$)|API_?KEY|ACCESS_?KEY|"
    r"^(AWS|AZURE|GCP|GOOGLE|SSH|GPG|VAULT|TWINE|NPM_CONFIG__AUTH)_?",
    re.IGNORECASE,
)
_HARMLESS = frozenset({"PWD", "OLDPWD", "SSH_TTY"})
_URL_WITH_PASSWORD = re.compile(r"^[a-z][a-z0-9+.-]*://[^/\s:@]*:[^/\s@]+@", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended. Exactly one of status, signal, timed_out and error says it."""

    status: int | None
    signal: int | None
    timed_out: bool
    error: str | None  # could not be started at all
    seconds: float
    log: bytes  # stdout and stderr together, newest `LOG_BYTES`


def run(command: Sequence[str], *, cwd: Path, env: Mapping[str, str], seconds: float, log: Path) -> Ended:
    """Run a command with standard input closed until it ends or the time is over; its whole family ends with it.

    Interrupting this call (an exception such as KeyboardInterrupt) ends the command too.
    """
    here, there = socket.socketpair()  # tells the supervisor that we live, and us what it has to report
    script, line = str(Path(__file__).with_name("supervisor.py")), str(there.fileno())
    with here, there:
        try:
            supervisor = subprocess.Popen(
                [sys.executable, "-I", "-S", script, line, line, str(seconds), str(log), str(LOG_BYTES), *command],
                cwd=cwd,
                env=dict(env),
                stdin=subprocess.DEVNULL,
                pass_fds=(there.fileno(),),
                start_new_session=True,
            )
        except OSError as refused:
            return Ended(None, None, False, refused.strerror or str(refused), 0.0, b"")
        there.close()
        try:
            with here.makefile("rb") as report:
                answer = report.readline()
        finally:
            here.close()  # when it is not over yet: ends it now
            supervisor.wait()
    kept = log.read_bytes() if log.exists() else b""
    if not answer.endswith(b"\n"):
        return Ended(None, 9, False, None, 0.0, kept)
    return Ended(**json.loads(answer), log=kept)


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Hold Ctrl-C and its like back until the end of the block; children started in it are spared as well."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def shell(command: str | Sequence[str]) -> tuple[str, ...]:
    """The argument list of a configured command: a string runs by `sh -c`, a list as it is."""
    return ("sh", "-c", command) if isinstance(command, str) else tuple(command)


def without_secrets(env: Mapping[str, str], wanted: Collection[str] = ()) -> dict[str, str]:
    """The environment less `GIT_*` and whatever looks like a secret by name, or is a URL with a password.

    `wanted` names variables that are let through although they look like one.
    """
    return {
        name: value
        for name, value in env.items()
        if name in wanted
        or not (
            name.startswith("GIT_")
            or (name not in _HARMLESS and _SECRET.search(name))
            or _URL_WITH_PASSWORD.match(value)
        )
    }
