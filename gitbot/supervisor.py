"""Runs one command and makes sure that nothing of it is left, whoever dies first.

A script of its own, started by `gitbot.process` with nothing but the standard library, so that the command's whole
family hangs below one small process: children that start sessions of their own are re-parented here
(PR_SET_CHILD_SUBREAPER) and killed, and when gitbot itself is killed the closed pipe tells.

Arguments: life line descriptor, report descriptor, seconds allowed, seconds between SIGTERM and SIGKILL (0: no
SIGTERM), log path, log bytes kept, then the command.
Writes one JSON line to the report descriptor: what `gitbot.process.Ended` holds, less the log.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36  # linux/prctl.h
CHUNK = 1 << 16
FULL = (errno.ENOSPC, errno.EDQUOT)


class Log:
    """A file that keeps the newest bytes: when it has doubled its limit it is cut back to it."""

    def __init__(self, path: str, limit: int) -> None:
        self.file = open(path, "w+b", buffering=0)  # noqa: SIM115 - lives as long as the process
        self.limit = limit
        self.size = 0
        self.full = False  # the disk

    def write(self, data: bytes) -> None:
        """Append; a full disk loses log lines, which is said."""
        try:
            self.size += self.file.write(data)
            if self.size > 2 * self.limit:
                self.cut()
        except OSError as refused:
            self.full |= refused.errno in FULL

    def cut(self) -> None:
        """Keep the newest `limit` bytes."""
        if self.size > self.limit:
            self.file.seek(-self.limit, os.SEEK_END)
            kept = self.file.read()
            self.file.seek(0)
            self.file.truncate()
            self.size = self.file.write(kept)


def ask_kernel(option: int, value: int) -> None:
    """prctl(2), on Linux; elsewhere the process group has to do."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def children() -> list[int]:
    """Living children of this process; [] where the system does not tell."""
    try:
        return [int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]
    except OSError:
        return []


def end_family(group: int) -> None:
    """Kill the command's group and then, generation by generation, whatever was re-parented to here."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        for pid in children():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.005)


def ask_family(group: int, grace: float) -> None:
    """Let the command end by itself, as git does that takes its lock files away."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGTERM)
    deadline = time.monotonic() + grace
    while children() and time.monotonic() < deadline:
        reap(group)
        time.sleep(0.005)


def watch(child: subprocess.Popen[bytes], life: int, seconds: float, log: Log) -> tuple[int | None, bool]:
    """Copy output until the command ends, the time is over or gitbot is gone: (wait status, timed out)."""
    assert child.stdout is not None
    out: int | None = child.stdout.fileno()
    os.set_blocking(child.stdout.fileno(), False)
    wake, poke = os.pipe()
    os.set_blocking(poke, False)
    signal.set_wakeup_fd(poke)
    deadline = time.monotonic() + seconds
    while True:
        status = reap(child.pid)
        if status is not None:
            drain(out, log)
            return status, False
        left = deadline - time.monotonic()
        if left <= 0:
            drain(out, log)
            return None, True
        ready, _, _ = select.select([fd for fd in (life, wake, out) if fd is not None], [], [], min(left, 60))
        if life in ready:
            return None, False
        if wake in ready:
            os.read(wake, CHUNK)
        if out in ready and not drain(out, log):
            out = None


def drain(out: int | None, log: Log) -> bool:
    """Copy what is there, at most 64 chunks so that a command that only prints still meets its time limit."""
    for _ in range(64):
        if out is None:
            return False
        try:
            data = os.read(out, CHUNK)
        except BlockingIOError:
            return True
        except OSError:
            return False
        if not data:
            return False
        log.write(data)
    return True


def reap(pid: int) -> int | None:
    """The wait status of `pid` if it has ended; adopted orphans are buried on the way."""
    while True:
        try:
            ended, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return 0
        if ended == pid:
            return status
        if ended == 0:
            return None


def main(argv: list[str]) -> int:
    """See the module."""
    life, report, seconds, grace = int(argv[0]), int(argv[1]), float(argv[2]), float(argv[3])
    path, limit = argv[4], int(argv[5])
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # gitbot decides when this ends, by closing the life line
    signal.signal(signal.SIGCHLD, lambda *_: None)
    ask_kernel(PR_SET_CHILD_SUBREAPER, 1)  # every descendant whose own parent ends becomes a child of this process
    answer: dict[str, object] = {"status": None, "signal": None, "timed_out": False, "error": None}
    started = time.monotonic()
    try:
        log = Log(path, limit)
        child = subprocess.Popen(
            argv[6:],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            restore_signals=True,
            preexec_fn=restore_signals,
        )
    except OSError as refused:
        answer["error"] = refused.strerror or str(refused)
        answer["full"] = refused.errno in FULL
    else:
        status, timed_out = watch(child, life, seconds, log)
        if status is None and grace:
            ask_family(child.pid, grace)
        end_family(child.pid)
        answer["timed_out"] = timed_out
        answer["stopped"] = status is None and not timed_out
        if status is not None and os.WIFSIGNALED(status):
            answer["signal"] = os.WTERMSIG(status)
        elif status is not None:
            answer["status"] = os.WEXITSTATUS(status)
        with contextlib.suppress(OSError):
            log.cut()
        answer["full"] = log.full
    answer["seconds"] = time.monotonic() - started
    with contextlib.suppress(OSError):
        os.write(report, json.dumps(answer).encode() + b"\n")
    return 0


def restore_signals() -> None:
    """The command gets the usual answers to the usual signals back, and dies when this process is killed."""
    ask_kernel(PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])  # it may have been started by a thread that blocks them


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
