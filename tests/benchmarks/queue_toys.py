"""The three toys as real repositories, with a gate that takes a second: `python -m tests.benchmarks.queue_toys`.

One line for each queue: who landed, how often the gate ran (it counts by itself), and the time of the whole command.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gitbot.repository.recipes import Recipe, build
from tests.conftest import ROOT, Sandbox
from tests.scenarios import toys

QUEUES = {"serial": ("--queue", "serial"), "one worker": ("--jobs", "1"), "two workers": ("--jobs", "2")}
FASTER = 1.6  # two workers against the plain queue, three of twelve broken


@dataclass(frozen=True, slots=True)
class Toy:
    """One repository, and how many runs one worker may need without confirmations."""

    name: str
    most: int
    broken: tuple[int, ...] = ()

    def recipe(self, confirm: str) -> Recipe:
        """Its commits."""
        made = {"five": toys.five, "nine": toys.nine}
        return made[self.name](confirm) if self.name in made else toys.twelve(confirm, self.broken)


TOYS = (
    Toy("five", 4),
    Toy("nine", 8),
    Toy("twelve, none broken", 2),
    Toy("twelve, one broken", 5, (7,)),
    Toy("twelve, three broken", 12, (2, 7, 11)),
)


@dataclass(frozen=True, slots=True)
class Told:
    """What one command came to."""

    landed: int
    rejected: int
    runs: int
    seconds: float


def run(toy: Toy, confirm: str, queue: str, seconds: float) -> Told:
    """One command on a fresh repository."""
    with tempfile.TemporaryDirectory(prefix="gitbot-") as folder:
        here = Path(folder)
        (here / ".gitconfig").write_text("[user]\n\tname = Ada\n\temail = ada@example.org\n")
        env = {"PATH": os.environ["PATH"], "HOME": folder, "GIT_CONFIG_NOSYSTEM": "1", "PYTHONPATH": str(ROOT)}
        build(toy.recipe(confirm), here / "repository", env)
        gate = toys.counting(here / "runs", seconds)
        begun = time.monotonic()
        ran = Sandbox(here / "repository", env).gitbot(
            *("integrate", "agent-*", "--gate", gate, "--format", "json"), *QUEUES[queue]
        )
        took = time.monotonic() - begun
        if ran.code not in (0, 1):
            raise SystemExit(ran.err)
        said = list(ran.outcomes.values())
        landed = sum(one.startswith("landed") for one in said)
        return Told(landed, said.count("set-aside: gate"), toys.counted(here / "runs"), took)


def main(argv: Sequence[str] | None = None) -> None:
    """See the module."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default="", metavar="NAME", help="only toys whose name holds this")
    parser.add_argument("--seconds", type=float, default=1, help="that the gate sleeps")
    args = parser.parse_args(argv)
    print(f"{'toy':<22}{'confirm':>8}  {'queue':<12}{'landed':>7}{'runs':>6}{'seconds':>9}  aim")
    for toy in (one for one in TOYS if args.only in one.name):
        for confirm in ("0", '"auto"'):
            plain = 0.0
            for queue in QUEUES:
                told = run(toy, confirm, queue, args.seconds)
                aim = ""
                if queue == "serial":
                    plain = told.seconds
                elif queue == "one worker":
                    most = toy.most + (told.rejected + 1 if confirm != "0" else 0)
                    aim = f"at most {most} runs: {'yes' if told.runs <= most else 'NO'}"
                elif toy.broken == (2, 7, 11):
                    gain = plain / told.seconds
                    aim = f"{gain:.2f} times as fast as serial, {FASTER} or more: {'yes' if gain >= FASTER else 'NO'}"
                told_by = f"{toy.name:<22}{confirm:>8}  {queue:<12}{told.landed:>7}{told.runs:>6}"
                print(f"{told_by}{told.seconds:>9.1f}  {aim}", flush=True)


if __name__ == "__main__":
    main()
