"""Calling git itself, with a surrounding that no user's variable can bend."""

from __future__ import annotations

import re
import resource
import subprocess
import threading
from collections.abc import Collection, Mapping
from functools import partial
from pathlib import Path

from gitbot.errors import GitError, UnsupportedRepositoryError, UnwritableError

MINIMUM = (2, 39)  # merge-tree --write-tree --stdin

SEALED: Mapping[str, str] = {
    # Nothing of the user's or the machine's configuration may change the outcome of a merge.
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_NO_LAZY_FETCH": "1",
}


_THE_USERS = re.compile(
    r"GIT_((AUTHOR|COMMITTER)_(NAME|EMAIL)|SSH\w*|ASKPASS|"
    r"CONFIG_(GLOBAL|NOSYSTEM|PARAMETERS|COUNT|(KEY|VALUE)_\d+))"
)


def surrounding(env: Mapping[str, str]) -> dict[str, str]:
    """The environment for git: in English, never asking a person.

    Of `GIT_*` it keeps who the user is, what stands for configuration, and how to reach a remote; nothing that says
    which repository, index, object store or date is meant.
    """
    kept = {name: value for name, value in env.items() if not name.startswith("GIT_") or _THE_USERS.fullmatch(name)}
    return kept | {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"}


def sealed(env: Mapping[str, str]) -> dict[str, str]:
    """The environment for a merge, less all configuration that is not the repository's own."""
    return {name: value for name, value in env.items() if not name.startswith("GIT_CONFIG_")} | dict(SEALED)


# By what git says of it, in English by `surrounding`: what the machine refuses is no bug.
_MACHINE = re.compile(r": (No space left on device|Disk quota exceeded|Read-only file system)\b|\. Out of diskspace")


def failure(words: str) -> GitError | UnwritableError:
    """The error for what git said when it ended badly."""
    if _MACHINE.search(words):
        return UnwritableError(words, hint="nothing is lost; mend that, then run the same command again")
    return GitError(words)


def attempt(
    *arguments: str,
    cwd: Path,
    env: Mapping[str, str],
    feed: bytes | None = None,
    timeout: float = 600,
    held: Collection[int] = (),
    memory: int | None = None,
) -> subprocess.CompletedProcess[bytes]:
    """Run git and give back however it ended. Descriptors in `held` stay open while it runs, whoever else dies;
    `memory` is how many bytes it may have.

    Raises:
        UnsupportedRepositoryError: there is no git.
        GitError: git did not end within `timeout` seconds.
    """
    try:
        return subprocess.run(
            ("git", *arguments),
            cwd=cwd,
            env=dict(env),
            input=feed,
            stdin=subprocess.DEVNULL if feed is None else None,
            capture_output=True,
            check=False,
            timeout=timeout,
            pass_fds=held,
            preexec_fn=partial(resource.setrlimit, resource.RLIMIT_AS, (memory, memory)) if memory else None,
        )
    except FileNotFoundError:
        raise UnsupportedRepositoryError("git was not found on PATH", hint="install git 2.39 or newer") from None
    except subprocess.TimeoutExpired:
        raise GitError(f"git {arguments[0]} did not end within {timeout:.0f} seconds") from None


def run(
    *arguments: str, cwd: Path, env: Mapping[str, str], feed: bytes | None = None, held: Collection[int] = ()
) -> bytes:
    """Run git and give its standard output.

    Raises:
        GitError: git ended with anything but 0; carries its words.
        UnwritableError: likewise, where a disk is full or the like.
    """
    done = attempt(*arguments, cwd=cwd, env=env, feed=feed, held=held)
    if done.returncode != 0:
        words = done.stderr.decode(errors="replace").strip() or f"exit status {done.returncode}"
        raise failure(f"git {' '.join(a for a in arguments[:3] if not a.startswith('/'))}: {words}")
    return done.stdout


def beginning(*arguments: str, cwd: Path, env: Mapping[str, str], most: int, seconds: float) -> tuple[bytes, bool]:
    """The first `most` bytes that git writes within some seconds, and whether that is all and git ended well."""
    with subprocess.Popen(
        ("git", *arguments),
        cwd=cwd,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdout is not None
        late = threading.Timer(seconds, process.kill)
        late.start()
        try:
            data = process.stdout.read(most)
            if not process.stdout.read(1):
                process.wait()
        finally:
            late.cancel()
            process.kill()
    return data, process.returncode == 0


def check_version(text: str) -> None:
    """Refuse a git that is too old.

    Raises:
        UnsupportedRepositoryError: older than 2.39.
    """
    found = re.search(r"(\d+)\.(\d+)", text)
    if found is None or (int(found[1]), int(found[2])) < MINIMUM:
        raise UnsupportedRepositoryError(
            f"{text.strip() or 'git'} is too old: 2.39 or newer is needed",
            hint="merge-tree --write-tree --stdin, by which gitbot merges, came with git 2.39",
        )
