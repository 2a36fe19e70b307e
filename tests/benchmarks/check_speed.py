"""How long `gitbot check` takes, and how much memory, beside what a fixed amount of Python takes here and now.

    python -m tests.benchmarks.check_speed [--plans 1000 10000] [--hostile 300] [--only NAME]

Works on a repository in a temporary folder whose tree holds 100,000 files, and calls the real program. Seconds are
those of a quiet machine; on another one the ratio to the yardstick decides: that of the first process's own work, at
whose side the workers' goes on where there is a second processor, and that of all work together. The last column says
what is aimed at. Memory is that of the whole program: what its processes share counts once.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pygit2

from gitbot.repository.recipes import build, read_recipe

ROOT = Path(__file__).parents[2]
FOLDERS, FILES_EACH = 1_000, 100
ENV = {"GIT_CONFIG_NOSYSTEM": "1", "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}


@dataclass(frozen=True, slots=True)
class Cost:
    """What one process took."""

    wall: float  # seconds
    first: float  # seconds of processor time of the process itself, its workers' left out
    process: float  # seconds of processor time, children included
    memory: float  # MB at the peak, children included


def cost_of(*command: str, cwd: Path) -> Cost:
    """Run a command to its end; what it prints is dropped."""
    started = time.monotonic()
    child = os.posix_spawn(
        "/usr/bin/env",
        ["env", "-C", str(cwd), *command],
        ENV | {"HOME": str(cwd)},
        file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)],
    )
    ended, first, held = 0, 0.0, 0.0
    while not ended:
        time.sleep(0.02)
        first, held = max(first, _own_seconds(child)), max(held, _held(child))
        ended, status, used = os.wait4(child, os.WNOHANG)
    if os.waitstatus_to_exitcode(status) not in (0, 1):
        raise SystemExit(f"{' '.join(command)}: status {os.waitstatus_to_exitcode(status)}")
    held = max(held, used.ru_maxrss / 1024)
    return Cost(time.monotonic() - started, first, used.ru_utime + used.ru_stime, held)


def _own_seconds(process: int) -> float:
    """Processor time of a living process so far; see proc(5)."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _held(process: int) -> float:
    """MB that a process and its children hold now."""
    kilobytes = 0
    try:
        children = Path(f"/proc/{process}/task/{process}/children").read_text(encoding="ascii").split()
        for one in (str(process), *children):
            lines = Path(f"/proc/{one}/smaps_rollup").read_text(encoding="ascii").splitlines()
            kilobytes += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    except OSError:
        return 0.0  # one of them has just ended
    return kilobytes / 1024


def yardstick() -> float:
    """Seconds that a fixed amount of work with text and dictionaries takes in this process."""
    started = time.process_time()
    words: dict[str, int] = {}
    for number in range(1_000_000):
        word = f"src/m{number % 1000}/f{number % 77}.ts"
        words[word] = words.get(word, 0) + len(word.split("/"))
    return time.process_time() - started


def repository(folder: Path) -> Path:
    """A repository of which only index and tree exist: its plans lie beside, its 100,000 files nowhere."""
    made = pygit2.init_repository(folder, initial_head="main")
    blob = made.create_blob(b"text\n")
    top = made.TreeBuilder()
    area = made.TreeBuilder()
    for number in range(FILES_EACH):
        area.insert(f"f{number:02}.ts", blob, pygit2.enums.FileMode.BLOB)
    areas = area.write()
    sources = made.TreeBuilder()
    for number in range(FOLDERS):
        sources.insert(f"m{number:04}", areas, pygit2.enums.FileMode.TREE)
    top.insert("src", sources.write(), pygit2.enums.FileMode.TREE)
    tree, author = top.write(), pygit2.Signature("Ada", "ada@example.org", 0, 0)
    made.create_commit("refs/heads/main", author, author, "start", tree, [])
    made.index.read_tree(tree)
    made.index.write()
    return folder


def canonical(number: int, count: int) -> str:
    """One plan of 32 lines and 20 claims that overlaps with the two before it and the two behind it."""
    area, later = f"src/m{number % FOLDERS:04}", f"src/m{(number + 2) % FOLDERS:04}"
    mine = f"{area}/p{number:05}"
    own = [f"{mine}/**", f"!{mine}/legacy/**", *(f"{area}/p{number:05}-{part}.ts" for part in range(6))]
    own += [f"{area}/p{number:05}-*.spec.ts", f"docs/p{number:05}.md", f"tests/p{number:05}_{{a,b}}.py"]
    after = (number + 1) % count
    shared, reads = [f"app/registry{number // 2:05}.ts", f"app/lists{after // 2:05}.ts"], [f"{later}/f00.ts"]
    reads += [f"src/m{after % FOLDERS:04}/p{after:05}-1.ts", f"lib/p{number:05}/api.ts"]
    tasks = [f"- [ ] T{n} `{mine}/step{n}.ts` (new) — part {n} of the work ~45m" for n in range(1, 5)]
    return "\n".join(
        [
            *("---", f"plan: P{number:05}", f"title: Work {number}", f"branch: agent-p{number:05}", "owns:"),
            *(f'  - "{path}"' for path in own),
            *(f"shared: [{', '.join(shared)}]", f"reads: [{', '.join(reads)}]", f"emits: [p{number:05}_ready]"),
            *("estimate: 3h", "---", f"# Work {number}", "", "Context and acceptance stand in SPEC.md.", ""),
            *("## Tasks", *tasks, ""),
        ]
    )


def hostile(number: int, _: int) -> str:
    """One plan of fifty globs that take long to compare."""
    globs = [f"src/**/*a*{'?' * (n % 17)}*{'[a-m]' * (n % 3)}*{number:03}*b*{n}*.t?" for n in range(50)]
    return "\n".join(["---", f"plan: H{number:05}", "owns:", *(f'  - "{each}"' for each in globs), "---", ""])


def write_plans(folder: Path, count: int, text: Callable[[int, int], str]) -> None:
    """The plans of one measurement in place of those before."""
    plans = folder / "plans"
    plans.mkdir(exist_ok=True)
    for old in plans.iterdir():
        old.unlink()
    for number in range(count):
        (plans / f"PLAN-{number:05}.md").write_text(text(number, count), encoding="utf-8")


def overlaps_per_plan(answer: Path) -> int:
    """The most overlaps that one plan has in an answer."""
    counted: dict[str, int] = {}
    for overlap in json.loads(answer.read_bytes())["overlaps"]:
        for plan in overlap["plans"]:
            counted[plan] = counted.get(plan, 0) + 1
    return max(counted.values(), default=0)


def main(argv: Sequence[str] | None = None) -> None:
    """See the module."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--plans", type=int, nargs="*", default=[1_000, 10_000])
    parser.add_argument("--hostile", type=int, default=300, help="how many plans of hostile patterns")
    parser.add_argument("--only", default="", metavar="NAME", help="only the rows whose name holds this")
    args = parser.parse_args(argv)
    unit = min(yardstick() for _ in range(3))
    print(f"yardstick: {unit:.2f} s\n")
    print(f"{'what':<34}{'wall s':>8}{'first s':>9}{'ratio':>7}{'all s':>8}{'ratio':>7}{'MB':>6}  aim")

    def row(what: str, aim: str, *command: str, cwd: Path, times: int = 1) -> None:
        """Measure the command, if wanted: the cheapest of some runs."""
        if args.only not in what:
            return
        cost = min((cost_of(*command, cwd=cwd) for _ in range(times)), key=lambda cost: cost.process)
        first, every = (f"{seconds:.2f}{seconds / unit:>7.1f}" for seconds in (cost.first, cost.process))
        print(f"{what:<34}{cost.wall:>8.2f}{first:>16}{every:>15}{cost.memory:>6.0f}  {aim}", flush=True)

    gitbot = (sys.executable, "-m", "gitbot")
    with tempfile.TemporaryDirectory() as place:
        here = Path(place)
        row("python alone", "", sys.executable, "-c", "", cwd=here, times=5)
        imported = (sys.executable, "-c", "import gitbot.cli")
        row("import gitbot.cli", "< .15 s without python", *imported, cwd=here, times=5)
        build(read_recipe((ROOT / "fixtures/repos/demo.toml").read_text(encoding="utf-8")), here / "demo", ENV)
        row("check of the demo's plans", "< .35 s of process time", *gitbot, "check", cwd=here / "demo", times=5)
        big = repository(here / "big")
        command = (*gitbot, "check", "--format", "json", "-o", str(here / "answer.json"))
        for count in args.plans:
            write_plans(big, count, canonical)
            row(f"{count} plans", f"< {count / 250 if count > 1_000 else 3:.0f} s, < 500 MB", *command, cwd=big)
            if args.only in f"{count} plans":
                print(f"  up to {overlaps_per_plan(here / 'answer.json')} overlaps of one plan")
        if args.hostile:
            write_plans(big, args.hostile, hostile)
            row(f"{args.hostile} plans of 50 hostile patterns", "< 20 s, < 500 MB", *command, cwd=big)


if __name__ == "__main__":
    main()
