"""How much processor time `gitbot guard` takes, beside what Python needs to import the two libraries that it cannot
do without.

    python -m tests.benchmarks.guard_speed [--rounds 15] [--plans 20] [--files 20000] [--most 1.5]

Makes a repository in a temporary folder and calls the real program there, by turns with the yardstick; the plans
have been read once before. Then the same with more in it: rules in the configuration, 900 leases, a task that the
branch has ticked; and each time with a target that has moved, so that whether the owner's work landed is not known.
With --most it ends with 1 where a ratio of the medians, but for those of 1000 paths and of a moved target, is above
that. The load of the machine falls on both alike.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import pygit2
from pygit2.enums import FileMode

from tests.benchmarks.check_speed import ROOT, cost_of

FILES_EACH = 100
YARDSTICK = (sys.executable, "-c", "import pygit2, click")


def repository(folder: Path, plans: int, files: int) -> Path:
    """A repository on the branch of its first plan; every plan has a branch with a commit. Its work tree is empty."""
    made = pygit2.init_repository(folder, initial_head="main")
    area = made.TreeBuilder()
    blob = made.create_blob(b"text\n")
    for number in range(FILES_EACH):
        area.insert(f"f{number:02}.ts", blob, FileMode.BLOB)
    areas, sources = area.write(), made.TreeBuilder()
    for number in range(files // FILES_EACH):
        sources.insert(f"m{number:04}", areas, FileMode.TREE)
    texts = made.TreeBuilder()
    for number in range(plans):
        tasks = "".join(f"- [ ] T{task}: write `src/m{number:04}/f{task:02}.ts`\n" for task in range(10))
        text = f"---\nplan: P{number}\nowns: [src/m{number:04}/**]\n---\n# Agent {number}\n\n## Tasks\n{tasks}"
        texts.insert(f"PLAN-{number}.md", made.create_blob(text.encode()), FileMode.BLOB)
    top = made.TreeBuilder()
    top.insert("src", sources.write(), FileMode.TREE)
    top.insert("plans", texts.write(), FileMode.TREE)
    author = pygit2.Signature("Ada", "ada@example.org", 1_700_000_000, 0)
    start = made.create_commit("refs/heads/main", author, author, "start", top.write(), [])
    for number in range(plans):
        mine = made.TreeBuilder(areas)
        mine.insert("new.ts", blob, FileMode.BLOB)
        sources.insert(f"m{number:04}", mine.write(), FileMode.TREE)
        top.insert("src", sources.write(), FileMode.TREE)
        made.create_commit(f"refs/heads/agent-P{number}", author, author, "work", top.write(), [start])
        sources.insert(f"m{number:04}", areas, FileMode.TREE)
    made.set_head("refs/heads/agent-P0")
    made.index.read_tree(made[start].peel(pygit2.Tree))
    made.index.write()
    return folder


def change(folder: Path, branch: str, path: str, text: str) -> None:
    """A commit on top of a branch, whose work tree is left alone."""
    made = pygit2.Repository(str(folder))
    tip, index = made.branches[branch].peel(pygit2.Commit), pygit2.Index()
    index.read_tree(tip.tree)
    index.add(pygit2.IndexEntry(path, made.create_blob(text.encode()), FileMode.BLOB))
    author = pygit2.Signature("Ada", "ada@example.org", tip.commit_time + 1, 0)
    made.create_commit(f"refs/heads/{branch}", author, author, "change", index.write_tree(made), [tip.id])


def harder(folder: Path) -> None:
    """What makes an answer take longer: rules, leases, and a branch whose plan is not the target's."""
    made = pygit2.Repository(str(folder))
    plan = made[made.branches["main"].peel(pygit2.Tree)["plans/PLAN-0.md"].id].peel(pygit2.Blob).data.decode()
    change(folder, "main", "gitbot.toml", '[rules]\nparallel-hint = "off"\n')
    change(folder, "agent-P0", "plans/PLAN-0.md", plan.replace("[ ]", "[x]", 1))
    now = time.time()
    table = [
        {"pattern": f"docs/d{n}/x.md", "holder": f"agent-P{n % 20}", "since": now, "until": now + 9000}
        for n in range(900)
    ]
    made.references.create("refs/gitbot/lease/table", made.create_blob(json.dumps(table).encode()))


def median(rounds: int, *commands: Sequence[str], cwd: Path) -> list[float]:
    """Seconds of processor time per command, children included; the commands take turns."""
    taken = [[cost_of(*command, cwd=cwd).process for command in commands] for _ in range(rounds)]
    return [statistics.median(column) for column in zip(*taken, strict=True)]


def main() -> int:
    """Print the figures; 1 when they are above --most."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--plans", type=int, default=20)
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--most", type=float, help="the ratio above which this fails")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        cwd = repository(Path(folder, "repository"), asked.plans, asked.files)
        guard = (sys.executable, "-m", "gitbot", "guard")
        own, foreign, many = ("src/m0000/f00.ts",), ("src/m0001/f00.ts",), [f"src/m0000/n{n}.ts" for n in range(1000)]
        cost_of(*guard, *own, cwd=cwd)
        yardstick, *taken = median(
            asked.rounds, YARDSTICK, (*guard, *own), (*guard, *foreign), (*guard, *many), cwd=cwd
        )
        harder(cwd)
        cost_of(*guard, *foreign, cwd=cwd)
        after, *more = median(asked.rounds, YARDSTICK, (*guard, *own), (*guard, *foreign), cwd=cwd)
        moved = []
        for number in range(asked.rounds):
            change(cwd, "main", "README.md", f"{number}\n")
            cost_of(*guard, *own, cwd=cwd)  # reads the plans
            moved.append(cost_of(*guard, *foreign, cwd=cwd).process)
        taken += [seconds * yardstick / after for seconds in (*more, statistics.median(moved))]
    print(f"{asked.plans} plans, {asked.files} files, {asked.rounds} rounds, {os.cpu_count()} processors")
    print(f"{'import pygit2, click':24}{1000 * yardstick:8.1f} ms")
    names = ("own path", "another plan's path", "1000 paths", "own, harder", "another's, harder", "target has moved")
    for name, seconds in zip(names, taken, strict=True):
        print(f"{name:24}{1000 * seconds:8.1f} ms  ratio {seconds / yardstick:.2f}")
    return int(asked.most is not None and max(*taken[:2], *taken[3:5]) / yardstick > asked.most)


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main())
