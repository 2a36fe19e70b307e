"""Reports of tests in JUnit's XML, as most runners can write them, from tests that nobody vouches for.

Without document types there are no entities, so that a file costs what it is long.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from xml.parsers import expat

LARGEST = 16 << 20  # bytes of one file
MOST_BYTES = 128 << 20  # of all files
MOST_FILES = 1000


@dataclass(slots=True)
class Report:
    """What the files of one run say. Tests are `class::name`."""

    ran: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    failing: list[str] = field(default_factory=list)
    whole: bool = True  # no file was left out

    def add(self, data: bytes) -> bool:
        """Count one file; False, and nothing counted, where it is no XML or has a document type."""
        seen: list[str] = []
        ends: dict[str, set[int]] = {"failure": set(), "error": set(), "skipped": set()}
        parser = expat.ParserCreate()

        def start(element: str, attributes: dict[str, str]) -> None:
            if element == "testcase":
                names = (attributes.get("classname"), attributes.get("name"))
                seen.append("::".join(filter(None, names)))
            elif seen and element in ends:
                ends[element].add(len(seen) - 1)

        def refuse(*_: object) -> None:
            raise ValueError("a document type")

        parser.StartElementHandler = start
        parser.StartDoctypeDeclHandler = refuse
        try:
            parser.Parse(data, True)
        except (expat.ExpatError, ValueError, LookupError):
            return False
        self.ran += (name for number, name in enumerate(seen) if number not in ends["skipped"])
        self.skipped += (seen[number] for number in sorted(ends["skipped"]))
        self.failing += (seen[number] for number in sorted(ends["failure"] | ends["error"]))
        return True


def forget(checkout: Path, pattern: str, tracked: Collection[str] = ()) -> None:
    """Remove the reports of an earlier run; what is tracked is none."""
    for path in _found(checkout, pattern, tracked):
        path.unlink(missing_ok=True)


def read(checkout: Path, pattern: str, tracked: Collection[str] = ()) -> Report | None:
    """What the reports say; None where there is none that can be read."""
    report, left, known = Report(), MOST_BYTES, False
    paths = list(_found(checkout, pattern, tracked))
    for data in _contents(paths):
        left -= len(data)
        added = left >= 0 and report.add(data)
        known, report.whole = known or added, report.whole and added and len(paths) < MOST_FILES
    return report if known else None


def _found(checkout: Path, pattern: str, tracked: Collection[str]) -> Iterator[Path]:
    """Files that lie in the checkout; a link on the way to one could lead anywhere."""
    inside = Path(os.path.realpath(checkout))
    for path in sorted(islice(checkout.glob(pattern), MOST_FILES)) if pattern else ():
        lies_here = Path(os.path.realpath(path.parent)).is_relative_to(inside) and not os.path.isdir(path)
        if lies_here and path.relative_to(checkout).as_posix() not in tracked:
            yield path


def _contents(paths: Iterable[Path]) -> Iterator[bytes]:
    """What is in each; nothing for one that is no file or too long."""
    for path in paths:
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            yield b""
            continue
        with open(descriptor, "rb") as file:
            data = file.read(LARGEST + 1) if stat.S_ISREG(os.fstat(descriptor).st_mode) else b""
            yield data if len(data) <= LARGEST else b""
