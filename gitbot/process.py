"""Running other people's commands: to the end, to a deadline, or not at all, and never leaving a child behind.

The only room besides `gitbot.repository` that starts processes. What a command's end means is the gate's question.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

LOG_BYTES = 1 << 20  # newest 1 MiB of output is kept
PATIENCE = 30  # seconds in which a supervisor has to end its command's family

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
    """How a command ended. Exactly one of status, signal, timed_out, error and stopped says it."""

    status: int | None
    signal: int | None
    timed_out: bool
    error: str | None  # could not be started at all
    seconds: float
    log: bytes  # stdout and stderr together, newest `LOG_BYTES`
    full: bool = False  # no space was left for the log
    stopped: bool = False  # by `Stop`


class Stop:
    """Ends, from any thread, the command that was given it, with its whole family, and every later one at once."""

    def __init__(self) -> None:
        self.asked = False
        self._lines: set[socket.socket] = set()
        self._lock = threading.Lock()

    def stop(self) -> None:
        """See the class; asking twice is asking once."""
        with self._lock:
            self.asked = True
            for line in self._lines:
                with contextlib.suppress(OSError):  # its command has ended this moment
                    line.shutdown(socket.SHUT_WR)
            self._lines.clear()

    @contextlib.contextmanager
    def reaches(self, line: socket.socket) -> Iterator[None]:
        """Meanwhile `stop` cuts this life line."""
        with self._lock:
            if self.asked:
                line.shutdown(socket.SHUT_WR)
            else:
                self._lines.add(line)
        try:
            yield
        finally:
            with self._lock:
                self._lines.discard(line)


def run(
    command: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    seconds: float,
    log: Path,
    stop: Stop | None = None,
    held: Collection[int] = (),
    grace: float = 0,
) -> Ended:
    """Run a command with standard input closed until it ends or the time is over; its whole family ends with it.

    Interrupting this call (an exception such as KeyboardInterrupt) ends the command too, and so does `stop`: `grace`
    seconds after it was asked to, it is killed.
    Descriptors in `held` stay open until the family is gone, also when this process is killed: locks.
    """
    here, there = socket.socketpair()  # tells the supervisor that we live, and us what it has to report
    script, line = str(Path(__file__).with_name("supervisor.py")), str(there.fileno())
    limits = (str(seconds), str(grace), str(log), str(LOG_BYTES))
    with here, there, (stop or Stop()).reaches(here):
        try:
            supervisor = subprocess.Popen(
                [sys.executable, "-I", "-S", script, line, line, *limits, *command],
                cwd=cwd,
                env=dict(env),
                stdin=subprocess.DEVNULL,
                pass_fds=(there.fileno(), *held),
                start_new_session=True,
            )
        except OSError as refused:
            return Ended(None, None, False, refused.strerror or str(refused), 0.0, b"")
        there.close()
        try:
            answer = _report(here, supervisor, time.monotonic() + seconds, stop or Stop())
        finally:
            here.close()  # when it is not over yet: ends it now
            supervisor.send_signal(signal.SIGCONT)
            supervisor.wait()
    kept = _newest(log)
    if not answer.endswith(b"\n"):
        return Ended(None, 9, False, None, 0.0, kept)
    return Ended(**json.loads(answer), log=kept)


def _report(here: socket.socket, supervisor: subprocess.Popen[bytes], over: float, stop: Stop) -> bytes:
    """What the supervisor has to say. One that is suspended past its time is woken, one that stays silent killed."""
    here.settimeout(1)
    while True:
        with contextlib.suppress(TimeoutError):
            return here.recv(1 << 12)
        over = min(over, time.monotonic()) if stop.asked else over
        if time.monotonic() > over:
            supervisor.send_signal(signal.SIGCONT)
        if time.monotonic() > over + PATIENCE:
            supervisor.kill()


def _newest(log: Path) -> bytes:
    # A pipe or a link that the command has put in its place is not followed.
    with contextlib.suppress(OSError), open(os.open(log, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
        return (file.read(2 * LOG_BYTES) or b"")[-LOG_BYTES:]
    return b""


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
