"""What a checkout for the gate costs when a slot is used again, as a share of one made from nothing.

python -m tests.benchmarks.gate_checkout [FILES]
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from gitbot.model.git import Oid
from gitbot.repository import pool
from gitbot.repository.pool import Origin
from gitbot.repository.recipes import Recipe, Step, build

ROUNDS = 7
CHANGED = 20  # files between two commits


def main(files: int) -> None:
    with tempfile.TemporaryDirectory(prefix="gitbot-") as folder:
        here = Path(folder)
        env = {"PATH": os.environ["PATH"], "HOME": folder, "GIT_CONFIG_NOSYSTEM": "1"}
        base = {f"package{n % 50}/module{n}.py": f"value = {n}\n" * 40 for n in range(files)}
        after = {name: text + "more = 1\n" for name, text in list(base.items())[:CHANGED]}
        steps = [
            Step(branch="main", message="base", files=dict(base)),
            Step(branch="main", files=dict(after), message="a"),
        ]
        repository = build(Recipe(commit=steps), here / "repository", env)
        words = repository.git("rev-parse", "main~1", "main").decode().split()
        origin = Origin(repository.common, repository.env, (repository.common / "objects",))
        seconds: dict[bool, list[float]] = {True: [], False: []}
        for fresh in (True, False):
            for commit in map(Oid, words * ROUNDS):
                begun = time.perf_counter()
                with pool.take(origin, here / "pool", 0, commit, fresh=fresh):
                    pass
                seconds[fresh].append(time.perf_counter() - begun)
        new, again = statistics.median(seconds[True]), statistics.median(seconds[False])
        print(f"{files} files, {CHANGED} of them changed")
        print(f"from nothing, and gone again  {new * 1000:7.0f} ms")
        print(f"used again                    {again * 1000:7.0f} ms")
        print(f"ratio                         {again / new:7.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5000)
