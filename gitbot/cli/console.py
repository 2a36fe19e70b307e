"""What leaves the program: data on stdout, talk on stderr, bugs into a crash file."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import click
import msgspec

from gitbot import __version__
from gitbot.errors import InputError
from gitbot.report.terminal import printable


def data(text: str) -> None:
    """The answer of a command, as it stands. A reader who went away early has what he wanted."""
    try:
        sys.stdout.write(text.rstrip("\n") + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains while it ends


def deliver(text: str, output: str | None) -> None:
    """The answer of a command on stdout, or in the file that -o names."""
    if output is None:
        data(text)
        return
    try:
        Path(output).write_text(text.rstrip("\n") + "\n", encoding="utf-8", errors="backslashreplace")
    except OSError as refused:
        raise InputError(f"-o {output}: {refused.strerror}") from None


def document(value: object) -> None:
    """The same as JSON."""
    data(as_json(value))


def as_json(value: object) -> str:
    """JSON in ASCII: no control or direction character of a stranger reaches a terminal this way."""
    try:
        text = msgspec.json.format(msgspec.json.encode(value), indent=2).decode()  # json takes five times as long
    except UnicodeEncodeError:
        return json.dumps(value, indent=2)  # a file's name that is no UTF-8 comes as half of a surrogate pair
    return re.sub(r"[^\n -~]", lambda char: json.dumps(char[0])[1:-1], text)


def talk(text: str) -> None:
    """A word to the person; control characters of whoever wrote it are taken out."""
    click.echo(printable(text), err=True)


def complain(message: str, hint: str | None = None) -> None:
    """An error: what and where, then the way out."""
    for line in "\n  ".join(f"error: {message}".splitlines()).split("\n"):
        talk(line)
    if hint:
        talk(f"hint: {hint}")


def coloured(env: Mapping[str, str]) -> bool:
    """Whether to colour what goes to stdout: never with NO_COLOR or into a pipe."""
    return sys.stdout.isatty() and not env.get("NO_COLOR") and env.get("TERM") != "dumb"


def width(piped: int = 100, most: int = 120) -> int:
    """Columns of the terminal, or those for a pipe; never wider than lines that read well."""
    return max(40, min(shutil.get_terminal_size((piped, 24)).columns, most))


@contextmanager
def under_way(what: str, env: Mapping[str, str]) -> Iterator[None]:
    """Says on a terminal what takes its time, and wipes it away again; elsewhere quiet."""
    seen = sys.stderr.isatty() and env.get("TERM") != "dumb"
    print(f"{what} …" * seen, end="", file=sys.stderr, flush=True)
    try:
        yield
    finally:
        print("\r\x1b[K" * seen, end="", file=sys.stderr, flush=True)


def crash(bug: Exception) -> int:
    """Keep what a bug report needs in a file, say one line, and give exit code 70."""
    versions = f"gitbot {__version__}, Python {platform.python_version()}, {platform.platform()}\n"
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    said = f"error: a bug in gitbot: {bug!r}"
    for folder in (Path(base, "gitbot"), Path(tempfile.gettempdir())):
        with suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / time.strftime("crash-%Y%m%dT%H%M%SZ.txt", time.gmtime())
            path.write_text(versions + "".join(traceback.format_exception(bug)))
            said = f"error: a bug in gitbot ({type(bug).__name__}); versions and traceback are in {path}"
            break
    talk(said)
    return 70
