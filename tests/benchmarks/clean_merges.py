"""Whether gitbot merges as git does: `python -m tests.benchmarks.clean_merges REPOSITORY… [--sample N]`.

Replays real two-parent merges, a random sample of each repository. `git merge` runs in a real checkout (a clone that
borrows the objects); where it ends without a conflict gitbot must give the very same tree. It prints how many
merges were clean, how many trees are equal, every one that is not, and how often it is the tree people committed.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import tempfile
from collections import Counter
from pathlib import Path

from gitbot.errors import GitError
from gitbot.model.git import Oid
from gitbot.repository import Repository, history, open_repository
from gitbot.repository.workbench import Merged, Workbench

SEALED = {
    **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "LC_ALL": "C",
    **{f"GIT_{who}_{what}": "benchmark@localhost" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
}


def real_merges(repository: Repository) -> list[tuple[Oid, Oid, Oid]]:
    """Commit and both parents of every merge that could not have been a fast-forward."""
    listed = repository.git("rev-list", "--all", "--min-parents=2", "--max-parents=2", "--parents").decode()
    return [(Oid(one), Oid(ours), Oid(theirs)) for one, ours, theirs in map(str.split, listed.splitlines())]


def in_a_checkout(clone: Path, ours: Oid, theirs: Oid) -> Oid | None:
    """The tree that `git merge` commits; None on a conflict.

    Raises:
        GitError: git could not, such as for a missing object.
    """
    _git(clone, "reset", "-q", "--hard", ours)
    _git(clone, "clean", "-qffdx")
    done = _attempt(clone, "merge", "-q", "--no-ff", "--no-edit", theirs)
    if done.returncode and _git(clone, "ls-files", "--unmerged"):
        return None
    if done.returncode:
        raise GitError(done.stderr.strip())
    return Oid(_git(clone, "rev-parse", "HEAD^{tree}"))


def _attempt(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, env=SEALED, check=False)


def _git(folder: Path, *words: str) -> str:
    done = _attempt(folder, *words)
    if done.returncode:
        raise GitError(f"git {words[0]}: {done.stderr.strip()}")
    return done.stdout.strip()


def by_gitbot(repository: Repository, scratch: Path, ours: Oid, theirs: Oid) -> Oid | str:
    """The tree, or in words what kept gitbot from it."""
    with Workbench(repository, scratch, ours) as bench:
        merged = bench.merge(ours, theirs)
    if isinstance(merged, Merged):
        return merged.tree
    return ", ".join(f"{path.path}: {path.refused or path.kind}" for path in merged.paths)


def replay(path: Path, folder: Path, sample: int) -> Counter[str]:
    """`sample` clean merges of one repository, in random order."""
    repository = open_repository(path, SEALED)
    clone = folder / "clone"
    _git(folder, "clone", "-q", "--shared", "--no-checkout", str(path), str(clone))
    merges = real_merges(repository)
    random.Random(0).shuffle(merges)
    tally: Counter[str] = Counter()
    for commit, ours, theirs in merges:
        if tally["clean"] == sample:
            break
        if history.merge_base(repository, ours, theirs) in (ours, theirs, None):
            continue
        try:
            tree = in_a_checkout(clone, ours, theirs)
        except GitError as broken:
            tally["not merged by git"] += 1
            print(f"  {commit}: {str(broken).splitlines()[-1]}")
            continue
        tally["clean" if tree else "conflicts"] += 1
        if tree is not None:
            mine = by_gitbot(repository, folder / "scratch", ours, theirs)
            tally["equal" if mine == tree else "unequal"] += 1
            tally["as committed"] += tree == repository.tree_of(commit)
            if mine != tree:
                print(f"  {commit}: git {tree}, gitbot {mine}")
    return tally


def main() -> None:
    """Print a row for each repository, and the differences above it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("repositories", nargs="+", type=Path)
    parser.add_argument("--sample", type=int, default=110, help="clean merges of each")
    asked = parser.parse_args()
    columns = ("clean", "equal", "unequal", "as committed", "conflicts", "not merged by git")
    print(f"{'repository':<32}" + "".join(f"{name:>19}" for name in columns), flush=True)
    for path in asked.repositories:
        with tempfile.TemporaryDirectory(prefix="clean-merges-") as folder:
            tally = replay(path.resolve(), Path(folder), asked.sample)
        print(f"{str(path)[-32:]:<32}" + "".join(f"{tally[name]:>19}" for name in columns), flush=True)


if __name__ == "__main__":
    main()
