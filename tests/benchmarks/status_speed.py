"""How long `gitbot status` takes with many branches, cold and warm, beside what Python needs to import the two
libraries that it cannot do without.

    python -m tests.benchmarks.status_speed [--rounds 5] [--branches 200] [--files 20000] [--most 3.0]

Makes a repository in a temporary folder: every branch has a plan of its own and three commits, five each meet in one
file, where three of them collide; eight have a work tree in which git has been used since it was made, and two of
these hold uncommitted work. Then the real program is called there, by turns with the yardstick: cold with nothing
remembered, warm once more. With --most it ends with 1 where the warm ratio by the clock is above that, which is what
counts on a quiet machine; on a loaded one that of the processor tells more.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pygit2
from pygit2.enums import FileMode

from tests.benchmarks.check_speed import ROOT, Cost, cost_of

FILES_EACH = 100
TOGETHER = 5  # branches that write to one file
WORK_TREES = 8
YARDSTICK = (sys.executable, "-c", "import pygit2, click")
STATUS = (sys.executable, "-m", "gitbot", "status")


class Made:
    """A repository under construction: one folder `src/mNNNN` a hundred files."""

    def __init__(self, folder: Path, files: int) -> None:
        self.lib = pygit2.init_repository(folder, initial_head="main")
        self.author = pygit2.Signature("Ada", "ada@example.org", 1_700_000_000, 0)
        area = self.lib.TreeBuilder()
        for number in range(FILES_EACH):
            area.insert(f"f{number:02}.ts", self.blob(self.lines({})), FileMode.BLOB)
        self.area, sources = area.write(), self.lib.TreeBuilder()
        for number in range(files // FILES_EACH):
            sources.insert(f"m{number:04}", self.area, FileMode.TREE)
        self.sources = sources.write()

    def blob(self, text: str) -> pygit2.Oid:
        return self.lib.create_blob(text.encode())

    def lines(self, new: dict[int, str]) -> str:
        return "".join(f"{new.get(number, f'const v{number} = {number};')}\n" for number in range(40))

    def commit(self, ref: str, top: pygit2.Oid, parents: list[pygit2.Oid], message: str) -> pygit2.Oid:
        return self.lib.create_commit(ref, self.author, self.author, message, top, parents)

    def start(self, plans: int) -> pygit2.Oid:
        """The target's commit: the files, and a plan for each branch."""
        texts = self.lib.TreeBuilder()
        for number in range(plans):
            tasks = "".join(f"- [ ] T{task}: write `src/m{number:04}/f{task:02}.ts`\n" for task in range(5))
            front = f"plan: P{number}\nbranch: agent-P{number}\nowns: [src/m{number:04}/**]\n"
            text = f"---\n{front}---\n# Agent {number}\n\n## Tasks\n{tasks}"
            texts.insert(f"PLAN-{number}.md", self.blob(text), FileMode.BLOB)
        self.top = self.lib.TreeBuilder()
        self.top.insert("src", self.sources, FileMode.TREE)
        self.top.insert("plans", texts.write(), FileMode.TREE)
        return self.commit("refs/heads/main", self.top.write(), [], "start")

    def branch(self, number: int, start: pygit2.Oid) -> None:
        """Three commits in the branch's own folder, the last also in the file of its five."""
        mine, parent = self.lib.TreeBuilder(self.area), start
        folders = {f"m{number:04}": mine}
        for step in range(3):
            mine.insert(f"f{step:02}.ts", self.blob(self.lines({3: f"const mine = {number};"})), FileMode.BLOB)
            if step == 2:
                group, one = divmod(number, TOGETHER)
                other = f"m{group * TOGETHER:04}"
                met = folders.setdefault(other, self.lib.TreeBuilder(self.area))
                line = 20 if one < 3 else 4 * one - 10
                met.insert("f99.ts", self.blob(self.lines({line: f"const met = {number};"})), FileMode.BLOB)
            sources = self.lib.TreeBuilder(self.sources)
            for name, builder in folders.items():
                sources.insert(name, builder.write(), FileMode.TREE)
            self.top.insert("src", sources.write(), FileMode.TREE)
            name = f"refs/heads/agent-P{number}"
            parent = self.commit(name, self.top.write(), [parent], f"agent {number}: step {step}")


def repository(folder: Path, branches: int, files: int) -> Path:
    """See above; the branches stand one commit behind the target."""
    made = Made(folder, files)
    start = made.start(branches)
    for number in range(branches):
        made.branch(number, start)
    made.top.insert("src", made.sources, FileMode.TREE)
    made.top.insert("README.md", made.blob("new\n"), FileMode.BLOB)
    made.commit("refs/heads/main", made.top.write(), [start], "more")
    git = ("git", "-C", str(folder))
    subprocess.run((*git, "reset", "--quiet", "--hard"), check=True)
    subprocess.run((*git, "gc", "--quiet"), check=True)
    for number in range(min(WORK_TREES, branches)):
        tree = folder.parent / f"tree-{number}"
        subprocess.run((*git, "worktree", "add", "--quiet", str(tree), f"agent-P{number}"), check=True)
        if number < 2:
            (tree / "README").write_text("not committed\n")
    time.sleep(1.1)  # git reads files again that are as young as its index, until a later command has refreshed it
    for used in (folder, *(folder.parent / f"tree-{number}" for number in range(min(WORK_TREES, branches)))):
        subprocess.run(("git", "-C", str(used), "update-index", "-q", "--refresh"), check=True)
    return folder


def median(costs: list[Cost]) -> tuple[float, float]:
    """Seconds on the clock and of the processor."""
    return statistics.median(c.wall for c in costs), statistics.median(c.process for c in costs)


def main() -> int:
    """Print the figures; 1 when they are above --most."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--branches", type=int, default=200)
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--most", type=float, help="the warm ratio above which this fails")
    asked = parser.parse_args()
    taken: dict[str, list[Cost]] = {"import pygit2, click": [], "cold": [], "warm": []}
    with tempfile.TemporaryDirectory() as folder:
        cwd = repository(Path(folder, "repository"), asked.branches, asked.files)
        for _ in range(asked.rounds):
            shutil.rmtree(cwd / ".git/gitbot", ignore_errors=True)
            for name, command in zip(taken, (YARDSTICK, STATUS, STATUS), strict=True):
                taken[name].append(cost_of(*command, cwd=cwd))
    yardstick = median(taken["import pygit2, click"])
    print(f"{asked.branches} branches, {asked.files} files, {asked.rounds} rounds, {os.cpu_count()} processors")
    print(f"{'':24}{'clock':>8} {'ratio':>7} {'processor':>10} {'ratio':>7}")
    for name, costs in taken.items():
        (wall, process), (clock, processor) = median(costs), yardstick
        print(f"{name:24}{wall:6.2f} s {wall / clock:7.1f} {process:8.2f} s {process / processor:7.1f}")
    return int(asked.most is not None and median(taken["warm"])[0] / yardstick[0] > asked.most)


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main())
