"""Running other people's commands: how they end, what they see, and that nothing is left of them."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from gitbot import process
from gitbot.process import Ended, Stop
from tests.conftest import ROOT


def run(command: str, tmp_path: Path, *, seconds: float = 60) -> Ended:
    env = {"PATH": os.environ["PATH"]}
    return process.run(process.shell(command), cwd=tmp_path, env=env, seconds=seconds, log=tmp_path / "log")


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_status_and_both_outputs_come_back(tmp_path: Path) -> None:
    ended = run("echo out; echo err >&2; exit 3", tmp_path)
    assert (ended.status, ended.signal, ended.timed_out, ended.error) == (3, None, False, None)
    assert sorted(ended.log.split()) == [b"err", b"out"]


def test_a_signal_is_told_from_a_status(tmp_path: Path) -> None:
    ended = run("kill -TERM $$", tmp_path)
    assert (ended.status, ended.signal) == (None, 15)


def test_a_command_that_is_not_there_is_an_answer(tmp_path: Path) -> None:
    ended = process.run(["/no/such/command"], cwd=tmp_path, env={}, seconds=5, log=tmp_path / "log")
    assert (ended.status, ended.signal, ended.error) == (None, None, "No such file or directory")


def test_standard_input_is_closed(tmp_path: Path) -> None:
    assert run("cat; echo done", tmp_path).log == b"done\n"


def test_no_descriptor_of_ours_reaches_the_command(tmp_path: Path) -> None:
    assert run("ls /proc/self/fd | sort -n | head -c 100", tmp_path).log.split() == [b"0", b"1", b"2", b"3"]


@pytest.mark.parametrize(
    "child", ["sleep 60", "setsid sleep 60", "setsid sh -c 'trap \"\" TERM HUP INT; while :; do sleep 1; done'"]
)
def test_whoever_it_started_ends_with_it(tmp_path: Path, child: str) -> None:
    ended = run(f"{child} & echo $!; sleep 0.1", tmp_path)
    assert ended.status == 0
    assert gone(int(ended.log))


def test_the_time_limit_ends_a_command_that_only_prints_and_ignores_signals(tmp_path: Path) -> None:
    ended = run("trap '' TERM INT HUP; while :; do echo spam; done", tmp_path, seconds=0.5)
    assert ended.timed_out
    assert ended.seconds < 20
    assert len(ended.log) <= process.LOG_BYTES


def test_when_the_caller_is_killed_the_command_dies_too(tmp_path: Path) -> None:
    call = (
        "import os, pathlib, sys\nfrom gitbot import process\n"
        "here = pathlib.Path(sys.argv[1])\n"
        "command = process.shell('echo $$ >pid; sleep 60')\n"
        "process.run(command, cwd=here, env=os.environ, seconds=60, log=here / 'log')\n"
    )
    caller = subprocess.Popen(
        [sys.executable, "-c", call, str(tmp_path)], env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    pid = tmp_path / "pid"
    while not (pid.exists() and pid.read_text().strip()):
        time.sleep(0.01)
    caller.kill()
    caller.wait()
    for _ in range(1000):
        if gone(int(pid.read_text())):
            return
        time.sleep(0.01)
    raise AssertionError("it outlived its caller")


def test_another_thread_stops_a_command_with_its_whole_family(tmp_path: Path) -> None:
    stop, pids = Stop(), tmp_path / "pids"
    hang = f"setsid sh -c 'echo $$ >>{pids}; exec sleep 60' & echo $$ >>{pids}; sleep 60"

    def end_it() -> None:
        while not (pids.exists() and len(pids.read_text().split()) == 2):
            time.sleep(0.01)
        stop.stop()
        stop.stop()

    thread = threading.Thread(target=end_it)
    thread.start()
    env = {"PATH": os.environ["PATH"]}
    ended = process.run(process.shell(hang), cwd=tmp_path, env=env, seconds=60, log=tmp_path / "log", stop=stop)
    thread.join()
    assert (ended.stopped, ended.status, ended.signal, ended.timed_out) == (True, None, None, False)
    assert [pid for pid in pids.read_text().split() if not gone(int(pid))] == []


def test_what_begins_after_the_stop_ends_at_once_and_what_ended_before_is_not_stopped(tmp_path: Path) -> None:
    stop, env = Stop(), {"PATH": os.environ["PATH"]}
    for command, stopped in (("exit 3", False), ("sleep 60", True)):
        ended = process.run(("sh", "-c", command), cwd=tmp_path, env=env, seconds=60, log=tmp_path / "log", stop=stop)
        assert (ended.stopped, ended.status) == (stopped, None if stopped else 3)
        stop.stop()


def test_commands_of_several_threads_end_each_by_themselves(tmp_path: Path) -> None:
    ended: dict[int, Ended] = {}

    def one(number: int) -> None:
        (tmp_path / str(number)).mkdir()
        ended[number] = run(f"echo {number}; exit {number}", tmp_path / str(number))

    threads = [threading.Thread(target=one, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {number: (end.status, end.log) for number, end in ended.items()} == {
        number: (number, f"{number}\n".encode()) for number in range(8)
    }


def test_a_log_for_which_there_is_no_space_is_said(tmp_path: Path) -> None:
    env = {"PATH": os.environ["PATH"]}
    ended = process.run(("echo", "out"), cwd=tmp_path, env=env, seconds=60, log=Path("/dev/full"))
    assert (ended.full, ended.status) == (True, 0)
    assert not run("echo out", tmp_path).full


def test_a_command_gets_its_signals_also_from_a_caller_that_holds_them_back(tmp_path: Path) -> None:
    with process.undisturbed():
        ended = run("kill -TERM $$; echo survived", tmp_path)
    assert (ended.signal, ended.log) == (15, b"")


def test_a_descriptor_that_is_held_reaches_the_supervisor_and_not_the_command(tmp_path: Path) -> None:
    with (tmp_path / "lock").open("w") as lock:
        env = {"PATH": os.environ["PATH"]}
        words = ("sh", "-c", f"ls /proc/$$/fd; ls -l /proc/$PPID/fd | grep -c {tmp_path}/lock")
        ended = process.run(words, cwd=tmp_path, env=env, seconds=60, log=tmp_path / "log", held=(lock.fileno(),))
    assert ended.log.split() == [b"0", b"1", b"2", b"1"]


@pytest.mark.parametrize(
    "name",
    [
        "GIT_DIR", "GITHUB_TOKEN", "API_KEY", "APIKEY", "DB_PASSWORD", "AWS_PROFILE", "SSH_AUTH_SOCK",
        "client_secret", "NPM_AUTH", "SENTRY_DSN", "SESSION_COOKIE", "GPG_TTY",
    ],
)  # fmt: skip
def test_names_that_look_like_secrets_are_left_out_unless_wanted(name: str) -> None:
    assert process.without_secrets({name: "x", "HOME": "/h"}) == {"HOME": "/h"}
    assert process.without_secrets({name: "x"}, [name]) == {name: "x"}


@pytest.mark.parametrize(
    "name", ["PWD", "OLDPWD", "PATH", "KEYBOARD", "MONKEY", "COMPASS", "GITHUB_ACTIONS", "AUTHOR"]
)
def test_names_that_only_sound_like_secrets_stay(name: str) -> None:
    assert process.without_secrets({name: "x"}) == {name: "x"}


def test_addresses_with_a_password_are_secrets_by_their_value() -> None:
    assert process.without_secrets({"A": "postgres://u:p@host/db", "B": "https://host/x", "C": "http://u@host"}) == {
        "B": "https://host/x",
        "C": "http://u@host",
    }
