"""What leaves the program: data on stdout, talk on stderr, bugs into a crash file."""

from __future__ import annotations

import codecs
import io
import os
import re
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path

import click
import msgspec

from gitbot import __version__
from gitbot.errors import InputError
from gitbot.report.terminal import printable

_MOST_PARTED = 2  # levels of a document whose entries are written one by one
# What stands for the signs of our pictures where the encoding of a stream has none of them, column for column.
_PLAIN = str.maketrans("×●○◆✕│┃┊├└─━╌┄…·→←–", "x*o#x|||+`---.~.><-")


def make_streams_ready() -> None:
    """Have stdout and stderr take any text, whatever their encoding."""
    codecs.register_error("gitbot.plain", _plain)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by who started this
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115 - for as long as the process lives
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="gitbot.plain")


def _plain(wrong: UnicodeError) -> tuple[str, int]:
    assert isinstance(wrong, UnicodeEncodeError)
    signs = wrong.object[wrong.start : wrong.end].translate(_PLAIN)
    return "".join(sign if sign.isascii() else "?" for sign in signs), wrong.end


def data(answer: str | Iterable[str]) -> None:
    """The answer of a command, as it stands. A reader who went away early has what he wanted."""
    try:
        sys.stdout.writelines(_lines(answer))
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains while it ends


def deliver(answer: str | Iterable[str], output: str | None) -> None:
    """The answer of a command on stdout, or in the file that -o names."""
    if output is None:
        data(answer)
        return
    try:
        with open(output, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.writelines(_lines(answer))
    except OSError as refused:
        raise InputError(f"-o {output}: {refused.strerror}") from None


def _lines(answer: str | Iterable[str]) -> Iterable[str]:
    return chain([answer.rstrip("\n")] if isinstance(answer, str) else answer, "\n")


def document(value: object) -> None:
    """The same as JSON."""
    data(as_json(value))


def as_json(value: object, depth: int = 0) -> Iterator[str]:
    """JSON in ASCII: no control or direction character of a stranger reaches a terminal this way.

    It comes in parts, the entries of the lists in a document one by one: as a whole it can be 100 MB.
    """
    margin = "\n" + "  " * depth
    if depth < _MOST_PARTED and value and isinstance(value, (dict, list, tuple)):
        named = isinstance(value, dict)
        for at, entry in enumerate(value.items() if isinstance(value, dict) else value):
            yield ("," if at else "{" if named else "[") + margin + "  "
            yield f"{_json(entry[0])}: " if named else ""
            yield from as_json(entry[1] if named else entry, depth + 1)
        yield margin + ("}" if named else "]")
    else:
        yield _json(value).replace("\n", margin)


def _json(value: object) -> str:
    import json  # here and not above, as further down: a hook has to start fast

    try:
        text = msgspec.json.format(msgspec.json.encode(value), indent=2).decode()  # json takes five times as long
    except UnicodeEncodeError:  # a file's name that is no UTF-8 comes as half of a surrogate pair
        text = json.dumps(msgspec.to_builtins(value), indent=2)
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
    import shutil

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
    import platform
    import tempfile
    import traceback

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
