"""Integrate branches that were really merged, in a real project, with its own tests as the gate.

    python -m tests.benchmarks.real_branches REPOSITORY BASE --gate 'COMMAND' [--later REF] [--branches 'GLOB']

BASE becomes the target. The branches are the second parents of the merges that REF has on top of BASE, as far as they
forked at or before BASE, or those that GLOB names. Works on a clone in a temporary folder; prints a table of each
branch: what plain `git merge` says alone and after those before it, what gitbot made of it; and of the gate's cost.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def git(folder: Path, *arguments: str, check: bool = True) -> str:
    """git's standard output."""
    done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise SystemExit(f"git {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout.strip()


def merged_later(folder: Path, base: str, later: str) -> list[str]:
    """Second parents of later merges that forked at or before `base`, oldest merge first."""
    found = []
    for line in git(
        folder, "rev-list", "--first-parent", "--merges", "--parents", "--reverse", f"{base}..{later}"
    ).splitlines():
        tip = line.split()[2]
        fork = git(folder, "merge-base", base, tip, check=False)
        inside = git(folder, "rev-list", "--count", f"{base}..{tip}")
        between = git(folder, "merge-base", "--all", tip, f"{line.split()[1]}", check=False)
        if fork and fork == between and inside != "0":
            found.append(tip)
    return found


def clone(source: Path, folder: Path, base: str, args: argparse.Namespace) -> list[str]:
    """A clone whose `target` is at `base`, with one local branch per tip; gives their names."""
    git(source, "rev-parse", "--verify", base + "^{commit}")
    subprocess.run(["git", "clone", "-q", "--no-checkout", str(source), str(folder)], check=True)
    git(folder, "config", "user.name", "benchmark")
    git(folder, "config", "user.email", "benchmark@localhost")
    if args.branches:
        names = git(source, "branch", "--list", "--format=%(refname:short)", args.branches).split()
        tips = [git(source, "rev-parse", name) for name in names]
    else:
        tips = merged_later(source, base, args.later)
    git(folder, "checkout", "-q", "-B", "target", git(source, "rev-parse", base))
    made = []
    for number, tip in enumerate(tips[: args.most], 1):
        name = f"agent-{number:02d}"
        git(folder, "branch", name, tip)
        made.append(name)
    return made


def plain_merges(folder: Path, names: list[str]) -> dict[str, tuple[str, str]]:
    """For each branch: does it merge alone, and after all before it that did? By `git merge-tree`, untested."""
    found = {}
    current = git(folder, "rev-parse", "target")
    for name in names:
        alone = subprocess.run(
            ["git", "-C", str(folder), "merge-tree", "--write-tree", "target", name], capture_output=True
        )
        after = subprocess.run(
            ["git", "-C", str(folder), "merge-tree", "--write-tree", current, name], capture_output=True, text=True
        )
        if after.returncode == 0:
            tree = after.stdout.split()[0]
            current = git(folder, "commit-tree", tree, "-p", current, "-p", name, "-m", name)
        found[name] = (
            "clean" if alone.returncode == 0 else "conflict",
            "clean" if after.returncode == 0 else "conflict",
        )
    return found


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser()
    parser.add_argument("repository", type=Path)
    parser.add_argument("base")
    parser.add_argument("--gate", required=True)
    parser.add_argument("--later", default="HEAD")
    parser.add_argument("--branches")
    parser.add_argument("--most", type=int, default=20)
    parser.add_argument("--accept-both", default="careful")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "clone"
        names = clone(args.repository.resolve(), folder, args.base, args)
        if not names:
            raise SystemExit("no branch forked at or before that commit and was merged later")
        plain = plain_merges(folder, names)
        started = time.monotonic()
        command = [sys.executable, "-m", "gitbot", "-C", str(folder), "integrate", *names, "--into", "target"]
        command += ["--gate", args.gate, "--accept-both", args.accept_both, "--format", "json"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if not done.stdout:
            raise SystemExit(done.stderr)
        report(json.loads(done.stdout), plain, time.monotonic() - started)


def report(document: dict[str, object], plain: dict[str, tuple[str, str]], seconds: float) -> None:
    """The table."""
    branches, use = document["branches"], document["gate"]
    assert isinstance(branches, list)
    assert isinstance(use, dict)
    print(f"{'branch':<10} {'alone':<9} {'in order':<9} {'gitbot':<24} why")
    for one in branches:
        outcome = one["outcome"] + (f": {one['reason']}" if one["reason"] else f" ({one['strategy']})")
        partner = f" [{one['partner']}]" if one["partner"] else ""
        alone, in_order = plain[one["branch"]]
        print(f"{one['branch']:<10} {alone:<9} {in_order:<9} {outcome:<24} {one['why'][:70]}{partner}")
    landed = sum(one["outcome"] == "landed" for one in branches)
    overhead = seconds - float(use["seconds"])
    print(
        f"\n{landed} of {len(branches)} landed; gate: {use['runs']} runs, {use['failed']} red, {use['seconds']:.0f} s"
    )
    print(f"everything but the gate's own run: {overhead:.1f} s, {overhead / len(branches):.2f} s a branch")


if __name__ == "__main__":
    main()
