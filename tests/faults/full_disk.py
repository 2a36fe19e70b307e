"""A run on a disk with little space left, and again when there is some.

    python -m tests.faults.full_disk FOLDER [--all]

With `--all` at every amount of `FREE`, else at two of them.
"""

from __future__ import annotations

import os
import random
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from gitbot.repository.recipes import Step
from tests.conftest import step
from tests.faults.soak import sealed
from tests.faults.world import GATE, made, story

FREE = (16, 64, 128, 256, 400)  # KiB
LARGE = "".join(f"{number} {number * number}\n" for number in range(12_000))  # more than 64 KiB, also packed


def large() -> list[Step]:
    """A file that both sides change, and for whose merge git finds no room; one branch is red."""
    begun = step("main", {"gate.sh": GATE, "a.txt": LARGE})
    mine, red = step("agent-0", {"a.txt": f"mine\n{LARGE}"}), step("agent-1", {"b.txt": "BROKEN\n"})
    return [begun, mine, red, step("main", {"a.txt": f"{LARGE}theirs\n"})]


def try_with(free: int, steps: Sequence[Step], folder: Path, home: Path, whose: str = "") -> None:
    """Whatever was under way when the space ran out, nothing is lost or left; `whose` words it is told in."""
    world = made(steps, folder / "repository", sealed(home), 1)
    tips, filler = world.branches(), folder / "filler"
    Path(world.env["TMPDIR"]).mkdir(exist_ok=True)
    space = os.statvfs(folder)
    filler.write_bytes(bytes(space.f_bavail * space.f_bsize - free * 1024))
    full = world.run()
    assert full.status == 4, (free, full.status, full.err)
    assert "No space left on device" in full.err, full.err
    assert full.err.startswith(f"error: {whose}"), full.err
    assert world.branches() == tips
    filler.unlink()
    again = world.run()
    assert (again.status, again.err) == (1, ""), (free, again.err)
    assert world.branches() == tips
    assert world.red() == world.leftovers() == [], free


def main() -> int:
    """See the module."""
    folder = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as home:
        amounts = FREE if "--all" in sys.argv else FREE[::3]
        told = [(free, story(random.Random(3), jobs=1), "") for free in amounts]
        for free, steps, whose in [*told, (64, large(), "git cannot merge ")]:
            try_with(free, steps, folder, Path(home), whose)
            for path in folder.iterdir():
                shutil.rmtree(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
