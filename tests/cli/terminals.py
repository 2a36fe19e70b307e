"""A terminal for tests: a program behind a pseudo-terminal, and what a person would see of what it writes there."""

from __future__ import annotations

import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping
from types import TracebackType

from gitbot.report.terminal import cells

_WORDS = re.compile(r"\x1b\[(\??)(\d*)([A-Za-z])|([\r\n])|([^\x1b\r\n]+)")


class Terminal:
    """Rows of text, and no more of a terminal's language than a picture that is drawn in place may need."""

    def __init__(self, columns: int, rows: int) -> None:
        self.columns, self.rows = columns, rows
        self.lines = [""] * rows
        self.other = ([""] * rows, 0, 0)  # the usual screen while the second is shown
        self.history: list[str] = []  # what was scrolled out at the top
        self.row = 0
        self.column = 0
        self.wraps = True
        self.coloured = False

    def feed(self, text: str) -> None:
        """Do what the text says; what is not known here is not to be written to any terminal."""
        at = 0
        while at < len(text):
            word = _WORDS.match(text, at)
            assert word is not None, text[at : at + 20]
            at = word.end()
            self._obey(word)

    def _obey(self, word: re.Match[str]) -> None:
        private, number, letter, move, plain = word.groups()
        match private, letter, move:
            case None, None, "\r":
                self.column = 0
            case None, None, "\n":
                self._down()
            case "?", "h" | "l", _:
                if number == "1049":  # the second screen, and back
                    there = ([""] * self.rows, 0, 0) if letter == "h" else self.other
                    self.other = (self.lines, self.row, self.column)
                    self.lines, self.row, self.column = there
                else:
                    assert number == "7"
                    self.wraps = letter == "h"
            case "", "H", _:
                self.row = self.column = 0
            case "", "A", _:
                self.row = max(0, self.row - int(number or 1))
            case "", "K", _:
                self.lines[self.row] = self.lines[self.row][: self.column]
            case "", "J", _:
                self.lines[self.row] = self.lines[self.row][: self.column]
                self.lines[self.row + 1 :] = [""] * (self.rows - self.row - 1)
            case "", "m", _:
                self.coloured = self.coloured or number != "0"
            case None, None, None:
                self._put(plain)
            case unknown:
                raise AssertionError(unknown)

    def _put(self, text: str) -> None:
        assert not self.wraps or self.column + cells(text) < self.columns, "wraps at the margin"
        line = self.lines[self.row].ljust(self.column)
        self.lines[self.row] = line[: self.column] + text + line[self.column + len(text) :]
        self.column += len(text)

    def _down(self) -> None:
        self.row += 1
        if self.row == self.rows:
            self.history.append(self.lines.pop(0))
            self.lines.append("")
            self.row -= 1

    def fold(self, columns: int) -> None:
        """Become narrower, as terminals do that keep all text: what is too long goes on in the next row."""
        rows = [line[at : at + columns] for line in self.seen for at in range(0, max(1, len(line)), columns)]
        self.row, self.column = len(rows) - 1, len(rows[-1])
        self.lines = rows + [""] * (self.rows - len(rows))
        self.columns = columns

    @property
    def seen(self) -> list[str]:
        """The lines from the top to the last that is not empty."""
        return "\n".join(line.rstrip() for line in self.lines).rstrip("\n").split("\n")


def _in_front() -> None:
    """Be what a person's keyboard speaks to; a background job would ignore SIGINT, and hand that down."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    fcntl.ioctl(2, termios.TIOCSCTTY, 0)


class Watched:
    """A Python program whose stderr is such a terminal; it goes a step further for every line on its stdin."""

    def __init__(self, program: str, *arguments: str, columns: int, rows: int, env: Mapping[str, str]) -> None:
        self.terminal = Terminal(columns, rows)
        self.master, slave = os.openpty()
        self._size()
        self.process = subprocess.Popen(
            [sys.executable, "-c", program, *arguments],
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=slave,
            text=True,
            start_new_session=True,
            preexec_fn=_in_front,
        )
        os.close(slave)

    def _size(self) -> None:
        size = struct.pack("HHHH", self.terminal.rows, self.terminal.columns, 0, 0)
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, size)

    def narrow(self, columns: int) -> None:
        """Drag the window's edge."""
        self.look()
        self.terminal.fold(columns)
        self._size()

    def step(self) -> list[str]:
        """Let it go on until it says that it has, and look at the screen."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "done\n"
        return self.look()

    def look(self) -> list[str]:
        """Take in what has arrived."""
        while select.select([self.master], [], [], 0)[0]:
            try:
                data = os.read(self.master, 1 << 16)
            except OSError:  # nobody holds the other end any more
                break
            if not data:
                break
            self.terminal.feed(data.decode())
        return self.terminal.seen

    def interrupt(self) -> int:
        """Ctrl-C at the keyboard; the exit code."""
        os.write(self.master, b"\x03")
        return self.process.wait(30)

    def __enter__(self) -> Watched:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.communicate()
        os.close(self.master)
