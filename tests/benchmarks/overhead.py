"""What a branch costs beside its gate: `python -m tests.benchmarks.overhead [--branches 50 200] [--profile]`.

Branches of one repository land by the real command, one after the other so that each has a gate run of its own. Taken
off is what the gate's job took, from its checkout on. The yardstick is what git itself needs to write a commit and a
reference, a process each; on a busy machine the ratio to it decides. Memory must not grow with the branches.
"""

from __future__ import annotations

import argparse
import contextlib
import cProfile
import gc
import os
import pstats
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gitbot import gate
from gitbot.cli import main as gitbot
from gitbot.process import Stop
from tests.benchmarks.composing import make
from tests.conftest import ROOT

AIM = 60.0  # ms per branch on a quiet machine
ROUNDS = 50  # of the yardstick


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one command, without its gates: wall clock, and processor time of gitbot's own process."""

    milliseconds: float  # per branch
    processor: float  # per branch
    gates: float  # ms per branch
    megabytes: float


def yardstick(repository: Path) -> float:
    """Milliseconds for a `git commit-tree` and a `git update-ref`."""
    git = ("git", "-C", str(repository))
    tree = subprocess.run([*git, "rev-parse", "main^{tree}"], capture_output=True, text=True, check=True).stdout
    begun = time.perf_counter()
    for number in range(ROUNDS):
        commit = subprocess.run(
            [*git, "commit-tree", "-m", str(number), tree.strip()], capture_output=True, text=True, check=True
        )
        subprocess.run([*git, "update-ref", "refs/heads/yardstick", commit.stdout.strip()], check=True)
    return (time.perf_counter() - begun) / ROUNDS * 1000


def land(folder: Path, branches: int, files: int, words: Sequence[str], *, profile: bool) -> Cost:
    """In a process of its own, so that memory is that of this many branches."""
    os.environ |= {"HOME": str(folder), "XDG_CACHE_HOME": str(folder / "cache"), "GIT_CONFIG_NOSYSTEM": "1"}
    repository = folder / "repository"
    make(repository, branches, files)
    os.chdir(repository)
    spent, run = [0.0], gate.run

    def timed(job: gate.GateJob, stop: Stop | None = None) -> gate.GateOutcome:
        begun = time.perf_counter()
        try:
            return run(job, stop)
        finally:
            spent[0] += time.perf_counter() - begun

    gate.run = timed
    profiler = cProfile.Profile()
    begun, worked = time.perf_counter(), time.process_time()
    if profile:
        profiler.enable()
    with (folder / "document").open("w") as document, contextlib.redirect_stdout(document):
        gc.set_threshold(500_000)  # as in gitbot.__main__
        code = gitbot(["integrate", "agent-*", "--gate", "true", "--format", "json", *words])
    profiler.disable()
    took, worked = time.perf_counter() - begun, time.process_time() - worked
    if code:
        raise SystemExit(f"exit code {code}")
    if profile:
        pstats.Stats(profiler, stream=sys.stderr).sort_stats("tottime").print_stats(25)
        pstats.Stats(profiler, stream=sys.stderr).sort_stats("cumulative").print_stats(60)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    each = 1000 / branches
    return Cost((took - spent[0]) * each, worked * each, spent[0] * each, memory)


def main(argv: Sequence[str] | None = None) -> None:
    """See the module."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--branches", type=int, nargs="*", default=[50, 200])
    parser.add_argument("--files", type=int, default=5000)
    parser.add_argument("--queues", nargs="*", default=["serial", "auto"])
    parser.add_argument("--profile", action="store_true", help="where the time goes, on stderr")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.here:
        with tempfile.TemporaryDirectory(prefix="gitbot-") as place:
            folder = Path(place)
            (folder / ".gitconfig").write_text("[user]\n\tname = Ada\n\temail = ada@example.org\n")
            cost = land(folder, args.branches[0], args.files, ["--queue", args.queues[0]], profile=args.profile)
            unit = yardstick(folder / "repository")
        print(
            f"{args.queues[0]:<8}{args.branches[0]:>9}{cost.milliseconds:>11.1f}{cost.processor:>11.1f}"
            f"{cost.gates:>10.1f}{unit:>11.1f}{cost.milliseconds / unit:>8.2f}{cost.megabytes:>6.0f}"
        )
        return
    print(f"{args.files} files; ms per branch, less than {AIM:.0f} on a quiet machine")
    print("queue    branches  ms/branch  processor   gate ms  yardstick   ratio    MB")
    for queue in args.queues:
        for branches in args.branches:
            words = ["--here", "--branches", str(branches), "--files", str(args.files), "--queues", queue]
            command = [sys.executable, "-m", "tests.benchmarks.overhead", *words]
            env = {**os.environ, "PYTHONPATH": str(ROOT)}
            subprocess.run([*command, *(["--profile"] if args.profile else [])], check=True, cwd=ROOT, env=env)


if __name__ == "__main__":
    main()
