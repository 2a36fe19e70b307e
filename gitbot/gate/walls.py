"""What stands around the gate's command: nothing, bubblewrap's namespaces, or a command such as a container's.

Bubblewrap takes the network and every file but the checkout's away from writing, and what is in the home folder, /tmp
and /run from sight. The set-up has the network, since it downloads.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from gitbot import process
from gitbot.config import Config
from gitbot.errors import InputError
from gitbot.gate.ignored import main_work_tree, must_be_copyable
from gitbot.patterns import compile_patterns
from gitbot.repository import Repository
from gitbot.repository.temporary import temporary_folder

_BARE = (
    *("bwrap", "--unshare-all", "--die-with-parent", "--cap-drop", "ALL"),  # else root could unmount the walls
    *("--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"),
)
_NAMES = "/run/systemd/resolve"  # where /etc/resolv.conf may lead


def around(
    isolation: str | tuple[str, ...],
    command: str | tuple[str, ...],
    checkout: Path,
    stores: Iterable[Path],
    env: Mapping[str, str],
    *,
    network: bool = False,
) -> tuple[str, ...]:
    """The argument list that runs a command behind the configured walls."""
    if isolation == "process":
        return process.shell(command)
    if isolation == "bwrap":  # sh, so that a command that is not there ends with 127
        words = _bubble(os.path.realpath(checkout), stores, env, network=network)
        return (*words, "sh", "-c", 'exec "$@"', "sh", *process.shell(command))
    said = {"checkout": str(checkout), "command": command if isinstance(command, str) else shlex.join(command)}
    template = shlex.split(isolation) if isinstance(isolation, str) else isolation
    return tuple(re.sub(r"\{(checkout|command)\}", lambda found: said[found[1]], word) for word in template)


def _bubble(checkout: str, stores: Iterable[Path], env: Mapping[str, str], *, network: bool) -> tuple[str, ...]:
    home = os.path.realpath(env.get("HOME") or "/")
    hidden = [place for place in ("/tmp", "/run", home) if place != "/" and os.path.isdir(place)]
    unset = [name for name in env if name.startswith(("XDG_", "TMPDIR"))]
    seen = [*map(str, stores), *([_NAMES] if network else [])]
    return (
        *(*_BARE, "--new-session", *(["--share-net"] if network else [])),
        *(word for place in hidden for word in ("--tmpfs", place)),
        *(word for place in _with_borrowed(seen) for word in ("--ro-bind-try", place, place)),
        *(word for name in unset for word in ("--unsetenv", name)),
        *("--bind", checkout, checkout, "--chdir", checkout),
    )


def _with_borrowed(stores: list[str]) -> list[str]:
    """Object folders and those that they borrow from in turn; git follows five."""
    for store in stores[:20]:
        path = Path(store, "info", "alternates")
        lines = os.fsdecode(path.read_bytes()).splitlines() if path.is_file() else ()
        stores += [os.path.normpath(os.path.join(store, line)) for line in lines if not line.startswith("#")]
    return list(dict.fromkeys(stores))


def must_be_possible(config: Config, env: Mapping[str, str], repository: Repository) -> None:
    """Say before anything begins that a gate could not be run as it is configured.

    Raises:
        InputError: the isolation is not available here, or a file cannot be included; a PatternError where paths of
            a gate are none.
    """
    if config.gate.include and (main := main_work_tree(repository)) is not None:
        must_be_copyable(main, config.gate.include)
    for gate in config.gates.values():
        compile_patterns(gate.paths)
    isolation = config.gate.isolation
    if isolation == "process":
        return
    program = (shlex.split(isolation) if isinstance(isolation, str) else isolation)[0]
    if shutil.which(program, path=env.get("PATH")) is None:
        raise InputError(
            f"gate.isolation: {program} was not found on PATH",
            hint=f'install {"bubblewrap" if program == "bwrap" else "it"}, or use isolation = "process"',
        )
    if isolation == "bwrap":
        with temporary_folder() as folder:
            log = Path(folder, "log")
            ended = process.run((*_BARE, "true"), cwd=Path("/"), env=env, seconds=60, log=log)
        if ended.status != 0:
            raise InputError(
                f"gate.isolation: bwrap cannot make namespaces here: {ended.log.decode('utf-8', 'replace').strip()}",
                hint='allow user namespaces (kernel.unprivileged_userns_clone, AppArmor), or isolation = "process"',
            )
