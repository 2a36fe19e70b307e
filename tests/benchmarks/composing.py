"""What it costs to compose many branches: `python -m tests.benchmarks.composing [--branches N] [--files N]`.

Makes a repository, lands every branch with gitbot (survey, form, proof, commit, promotion: all but the gate), and has
git make the same merges by `merge-tree` and `commit-tree`, a process each; the two take turns, branch by branch, so
that whatever else the machine does meets both. At the end both targets must have one tree.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from gitbot.config import Config
from gitbot.merge.commands import Commands
from gitbot.merge.proof import EMPTY, residual
from gitbot.merge.rungs import Manner
from gitbot.merge.situation import Situation
from gitbot.merge.strategies import propose
from gitbot.merge.survey import NewWork, survey
from gitbot.model.git import BranchName, Oid, Person
from gitbot.model.merge import Branch, Strategy
from gitbot.repository import Repository, open_repository
from gitbot.repository.workbench import Workbench

HOT = 20  # files of which every third branch edits one, each its own line
DATED = {f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in (
    ("NAME", "Ada"), ("EMAIL", "ada@example.org"), ("DATE", "1700000000 +0000"))}  # fmt: skip
ME = Person("Ada", "ada@example.org", 1_700_000_000, 0)


@dataclass(slots=True)
class Tally:
    """Seconds by branch of each of the two, and the memory of this process after each branch."""

    gitbot: list[float] = field(default_factory=list)
    git: list[float] = field(default_factory=list)
    merge_tree: list[float] = field(default_factory=list)  # the part of it that merges
    kilobytes: list[int] = field(default_factory=list)


def make(folder: Path, branches: int, files: int) -> None:
    """A repository with `main` and branches of two commits: eight files each, every third one a hot file as well."""
    chance = random.Random(files)
    paths = [f"area{n % 25:02}/part{n // 25 % 20:02}/file{n:05}.txt" for n in range(files)]
    spread = chance.sample(paths[HOT:], min(files - HOT, 8 * branches))
    text = [f"line {n}\n" for n in range(branches + 10)]
    feed = [_commit("main", None, dict.fromkeys(paths, text))]
    for number in range(branches):
        own = [spread[(8 * number + n) % len(spread)] for n in range(8)]
        changed = {
            path: [f"branch {number}\n" if n == number + 2 else line for n, line in enumerate(text)] for path in own
        }
        if number % 3 == 0:
            hot = paths[number % HOT]
            changed[hot] = [
                f"{line[:-1]} of branch {number}\n" if n == number + 2 else line for n, line in enumerate(text)
            ]
        name, half = f"agent-{number:03}", dict(list(changed.items())[:4])
        feed.append(_commit(name, "refs/heads/main", half))
        feed.append(_commit(name, None, {path: text for path, text in changed.items() if path not in half}))
    subprocess.run(["git", "init", "-q", "--bare", str(folder)], check=True)
    subprocess.run(["git", "-C", str(folder), "fast-import", "--quiet"], input="".join(feed).encode(), check=True)


def _commit(branch: str, start: str | None, files: dict[str, list[str]]) -> str:
    head = f"commit refs/heads/{branch}\ncommitter Ada <ada@example.org> 1700000000 +0000\ndata 5\nwork\n"
    listed = [f"M 100644 inline {path}\ndata {len(''.join(text))}\n{''.join(text)}\n" for path, text in files.items()]
    return head + (f"from {start}\n" if start else "") + "".join(listed) + "\n"


def land(bench: Workbench, branch: Branch, onto: Oid, landed: dict[Oid, Oid], strategy: Strategy) -> Oid:
    """All that gitbot does with a branch before and after its gate."""
    bench.stand_on(onto)
    work = survey(bench, branch, onto, landed, None)
    if not isinstance(work, NewWork):
        raise SystemExit(f"{branch.name}: {work.why}")
    situation = Situation(
        bench=bench,
        branch=branch,
        onto=onto,
        work=work,
        committer=ME,
        linear=False,
        manner=Manner("careful"),
        additive=lambda path: False,
        commands=Commands(bench.keeper, bench, Config(), bench.keeper.env, dry=True),
        owned_twice=lambda path: None,
    )
    found = propose(situation, (strategy,))
    if not isinstance(found, tuple):
        raise SystemExit(f"{branch.name}: {found.why}")
    if residual(bench, found[0], work.base) != EMPTY:
        raise SystemExit(f"{branch.name}: not proven")
    bench.promote(found[0].commit)
    landed[branch.tip] = found[0].commit
    return found[0].commit


def merge(repository: Repository, branch: Branch, onto: Oid, tally: Tally) -> Oid:
    """The same by git alone."""
    begun = time.perf_counter()
    tree = repository.git("merge-tree", "--write-tree", onto, branch.tip).decode().split()[0]
    tally.merge_tree.append(time.perf_counter() - begun)
    words = ("commit-tree", "-p", onto, "-p", branch.tip, "-m", f"Merge {branch.name}", tree)
    return Oid(repository.git(*words).decode().strip())


def compose(repository: Repository, folder: Path, strategy: Strategy) -> Tally:
    """Both, in turns."""
    tally, landed = Tally(), dict[Oid, Oid]()
    start = repository.resolve("main")
    names = repository.git("for-each-ref", "--format=%(refname:short)", "refs/heads/agent-*").decode().split()
    branches = [Branch(BranchName(name), repository.resolve(name) or Oid("")) for name in names]
    assert start is not None
    ours = theirs = start
    with Workbench(repository, folder / "scratch", start) as bench:
        for branch in branches:
            begun = time.perf_counter()
            ours = land(bench, branch, ours, landed, strategy)
            between = time.perf_counter()
            theirs = merge(repository, branch, theirs, tally)
            tally.git.append(time.perf_counter() - between)
            tally.gitbot.append(between - begun)
            tally.kilobytes.append(_resident())
    if repository.tree_of(ours) != repository.tree_of(theirs):
        raise SystemExit("the two made different trees")
    return tally


def _resident() -> int:
    """Kilobytes in memory now, where the system tells; else the most there were."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().split("VmRSS:")[1].split()[0])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main() -> None:
    """Print a table: a row for each form."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--branches", type=int, default=200)
    parser.add_argument("--files", type=int, default=5000)
    asked = parser.parse_args()
    print(
        f"{asked.branches} branches on {asked.files} files, milliseconds a branch; first and last 20 branches apart"
    )
    heads = ("gitbot", "git", "to git", "to merge-tree", "first", "last", "memory growth")
    print("form    ", *(f"{head:>13}" for head in heads))
    with tempfile.TemporaryDirectory(prefix="composing-") as folder:
        make(Path(folder, "repository"), asked.branches, asked.files)
        repository = open_repository(Path(folder, "repository"), {**os.environ, **DATED})
        for strategy in (Strategy.MERGE, Strategy.SQUASH, Strategy.REBASE):
            tally = compose(repository, Path(folder), strategy)
            each = (tally.gitbot, tally.git, tally.merge_tree)
            mine, its, alone = (1000 * sum(seconds) / len(seconds) for seconds in each)
            first, last = (1000 * sum(part) / len(part) for part in (tally.gitbot[:20], tally.gitbot[-20:]))
            grown = tally.kilobytes[-1] - tally.kilobytes[min(19, len(tally.kilobytes) - 1)]
            figures = (f"{mine:.1f}", f"{its:.1f}", f"{mine / its:.2f}", f"{mine / alone:.2f}", f"{first:.1f}")
            print(f"{strategy:<8}", *(f"{one:>13}" for one in (*figures, f"{last:.1f}", f"{grown} kB")))


if __name__ == "__main__":
    main()
