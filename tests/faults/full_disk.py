"""A run on a disk with little space left, and again when there is some: `python -m tests.faults.full_disk FOLDER`."""

from __future__ import annotations

import os
import random
import shutil
import sys
import tempfile
from pathlib import Path

from tests.faults.soak import sealed
from tests.faults.world import made, story

FREE = (16, 64, 128, 256, 400)  # KiB


def try_with(free: int, folder: Path, home: Path) -> None:
    """Whatever was under way when the space ran out, nothing is lost or left."""
    world = made(story(random.Random(3), jobs=1), folder / "repository", sealed(home), 1)
    tips, filler = world.branches(), folder / "filler"
    Path(world.env["TMPDIR"]).mkdir(exist_ok=True)
    space = os.statvfs(folder)
    filler.write_bytes(bytes(space.f_bavail * space.f_bsize - free * 1024))
    full = world.run()
    assert full.status == 4, (free, full.status, full.err)
    assert "No space left on device" in full.err, full.err
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
        for free in FREE:
            try_with(free, folder, Path(home))
            for path in folder.iterdir():
                shutil.rmtree(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
