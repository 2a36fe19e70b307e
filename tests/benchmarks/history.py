"""How long the past of a repository takes to read: `python -m tests.benchmarks.history REPOSITORY…`.

The yardstick is `git log --name-only` over the same commits, run right before; warm is from the cache.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from gitbot.errors import GitError
from gitbot.repository import open_repository
from gitbot.repository.mining import COMMITS, history_before


def main(paths: list[str]) -> None:
    """Print a table."""
    print(f"{'repository':<40} {'commits':>8} {'pairs':>8} {'git log':>8} {'cold':>8} {'ratio':>6} {'warm':>8}")
    for path in paths:
        with tempfile.TemporaryDirectory() as cache:
            repository = open_repository(Path(path), {**os.environ, "XDG_CACHE_HOME": cache})
            tip = repository.resolve("HEAD")
            if tip is None:
                raise SystemExit(f"{path} has no commit")
            log = ("log", f"--max-count={COMMITS}", "--name-only", "--format=%H", tip, "--")
            try:
                yardstick = _seconds(partial(repository.git, *log))
            except GitError as missing:  # a snapshot, or a clone that has only a part of the objects
                print(f"{path[-40:]:<40} git log does not get through: {missing}")
                continue
            cold = _seconds(partial(history_before, repository, tip))
            warm = _seconds(partial(history_before, repository, tip))
            found = history_before(repository, tip)
        counts = f"{found.commits:>8} {len(found.together):>8}"
        print(f"{path[-40:]:<40} {counts} {yardstick:>7.2f}s {cold:>7.2f}s {cold / yardstick:>6.1f} {warm:>7.3f}s")


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    main(sys.argv[1:])
