"""What leaves the program: data on stdout, talk on stderr, bugs into a crash file."""

from __future__ import annotations

import json
import os
import platform
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Mapping
from pathlib import Path

import click

from gitbot import __version__
from gitbot.report.terminal import printable


def data(text: str) -> None:
    """The answer of a command, as it stands. A reader who went away early has what he wanted."""
    try:
        sys.stdout.write(text.rstrip("\n") + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains while it ends


def document(value: object) -> None:
    """The same as JSON."""
    data(as_json(value))


def as_json(value: object) -> str:
    """JSON in ASCII: no control or direction character of a stranger reaches a terminal this way."""
    return json.dumps(value, indent=2)


def talk(text: str) -> None:
    """A word to the person; control characters of whoever wrote it are taken out."""
    click.echo(printable(text), err=True)


def complain(message: str, hint: str | None = None) -> None:
    """An error: what and where, then the way out."""
    first, *rest = message.splitlines() or [""]
    talk(f"error: {first}")
    for line in rest:
        talk(f"  {line}")
    if hint:
        talk(f"hint: {hint}")


def coloured(env: Mapping[str, str]) -> bool:
    """Whether to colour what goes to stdout: never with NO_COLOR or into a pipe."""
    return sys.stdout.isatty() and not env.get("NO_COLOR") and env.get("TERM") != "dumb"


def width() -> int:
    """Columns of the terminal, 100 into a pipe; never wider than lines that read well."""
    return max(40, min(shutil.get_terminal_size((100, 24)).columns, 120))


def crash(bug: Exception) -> int:
    """Keep what a bug report needs in a file, say one line, and give exit code 70."""
    text = "".join(traceback.format_exception(bug))
    versions = f"gitbot {__version__}, Python {platform.python_version()}, {platform.platform()}"
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    name = time.strftime("crash-%Y%m%dT%H%M%SZ.txt", time.gmtime())
    for folder in (Path(base) / "gitbot", Path(tempfile.gettempdir())):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / name
            path.write_text(f"{versions}\n{text}")
        except OSError:
            continue
        talk(f"error: a bug in gitbot ({type(bug).__name__}); versions and traceback are in {path}")
        return 70
    talk(f"error: a bug in gitbot: {bug!r}")
    return 70
