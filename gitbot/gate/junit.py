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
MOST_FILES = 1000
_MOST_NAMES = 1000


@dataclass(slots=True)
class Report:
    """What the files of one run say."""

    tests: int = 0  # that ran
    skipped: int = 0
    failing: list[str] = field(default_factory=list)  # `class::name`

    def add(self, data: bytes) -> bool:
        """Count one file; False, and nothing counted, where it is no XML or has a document type."""
        seen: list[tuple[str, set[str]]] = []
        parser = expat.ParserCreate()

        def start(element: str, attributes: dict[str, str]) -> None:
            if element == "testcase":
                names = (attributes.get("classname"), attributes.get("name"))
                seen.append(("::".join(filter(None, names)), set()))
            elif seen and element in ("failure", "error", "skipped"):
                seen[-1][1].add(element)

        def refuse(*_: object) -> None:
            raise ValueError("a document type")

        parser.StartElementHandler = start
        parser.StartDoctypeDeclHandler = refuse
        try:
            parser.Parse(data, True)
        except (expat.ExpatError, ValueError, LookupError):
            return False
        left_out = sum("skipped" in ends for _, ends in seen)
        self.tests += len(seen) - left_out
        self.skipped += left_out
        red = (name for name, ends in seen if ends & {"failure", "error"})
        self.failing += islice(red, _MOST_NAMES - len(self.failing))
        return True


def forget(checkout: Path, pattern: str, tracked: Collection[str] = ()) -> None:
    """Remove the reports of an earlier run; what is tracked is none."""
    for path in _found(checkout, pattern, tracked):
        path.unlink(missing_ok=True)


def read(checkout: Path, pattern: str, tracked: Collection[str] = ()) -> Report | None:
    """What the reports say; None where there is none that can be read."""
    report = Report()
    known = [report.add(data) for data in _contents(_found(checkout, pattern, tracked))]
    return report if any(known) else None


def _found(checkout: Path, pattern: str, tracked: Collection[str]) -> Iterator[Path]:
    """Files that lie in the checkout; a link on the way to one could lead anywhere."""
    inside = Path(os.path.realpath(checkout))
    for path in sorted(islice(checkout.glob(pattern), MOST_FILES)) if pattern else ():
        lies_here = Path(os.path.realpath(path.parent)).is_relative_to(inside) and not os.path.isdir(path)
        if lies_here and path.relative_to(checkout).as_posix() not in tracked:
            yield path


def _contents(paths: Iterable[Path]) -> Iterator[bytes]:
    for path in paths:
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            continue
        with open(descriptor, "rb") as file:
            if stat.S_ISREG(os.fstat(descriptor).st_mode) and len(data := file.read(LARGEST + 1)) <= LARGEST:
                yield data
