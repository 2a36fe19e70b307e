"""How many of a set of parallel features land: plain merging, union with a gate, gitbot careful and bold.

    python -m tests.benchmarks.agent_branches REPOSITORY BASE --gate 'COMMAND' [--later REF] [--features N]
        [--tests REGEX] [--only REGEX] [--patches FOLDER] [--orders]

Agents that build features at the same time all start from one commit and put their work into the same places: the
end of a module, a registry, the tests. Such a set is made here from the project's own past. Every later commit of
REF's first-parent line (a merge counts as one) that changes a test and something else is put alone onto BASE: what
it changed by a three-way merge, and what it inserted beside work that BASE lacks is inserted there without that
work. Kept is what applies and is green alone; of those the N whose files most others touch as well. --patches takes
the features from a folder of patches instead. All of them were meant to land.

Works on clones in a temporary folder. A line for each way: landed of how many, states of the target that are red by
the same gate asked once more, and seconds; on stderr why each of the others did not land. --orders also has gitbot
bold take the branches one at a time in other orders than its own.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.benchmarks.real_branches import git

LARGEST = 600  # added lines of one feature
MARK = 31


@dataclass(slots=True)
class Gate:
    """The project's own tests, asked once about each tree."""

    command: str
    folder: Path  # a clone of its own
    known: dict[str, bool] = field(default_factory=dict)

    def passes(self, commit: str) -> bool:
        """Whether the tests pass on a commit."""
        tree = git(self.folder, "rev-parse", commit + "^{tree}")
        if tree not in self.known:
            git(self.folder, "checkout", "-q", "--force", "--detach", commit)
            git(self.folder, "clean", "-fdxq")
            env = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
            argv = ["sh", "-c", self.command]
            done = subprocess.run(argv, cwd=self.folder, env=env, capture_output=True, check=False)
            self.known[tree] = done.returncode == 0
        return self.known[tree]


# The set


def units(folder: Path, base: str, args: argparse.Namespace) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Later commits of the first-parent line that bring tests, with the paths they change, oldest first."""
    for commit in git(folder, "rev-list", "--first-parent", "--reverse", f"{base}..{args.later}").split():
        numbers = [line.split("\t") for line in git(folder, "diff", "--numstat", commit + "^", commit).splitlines()]
        if any(added == "-" for added, _, _ in numbers) or sum(int(added) for added, _, _ in numbers) > LARGEST:
            continue
        paths = tuple(path for _, _, path in numbers if re.search(args.only, path))
        tests = [path for path in paths if re.search(args.tests, path)]
        if tests and len(tests) < len(paths):
            yield commit, paths


def alone(folder: Path, base: str, commit: str, paths: Sequence[str]) -> str | None:
    """A commit on `base` with what `commit` brought in these paths; None where it does not apply."""
    git(folder, "checkout", "-q", "--force", "--detach", base)
    git(folder, "clean", "-fdxq")
    for path in paths:
        sides = [_content(folder, f"{one}:{path}") for one in (base, commit + "^", commit)]
        text = sides[2] if sides[0] == sides[1] else transplanted(*sides)
        if text is None:
            return None
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(text)
    git(folder, "add", "-A")
    if not git(folder, "status", "--porcelain"):
        return None
    git(folder, "commit", "-q", "--no-verify", "-m", git(folder, "log", "-1", "--format=%B", commit))
    return git(folder, "rev-parse", "HEAD")


def _content(folder: Path, name: str) -> bytes | None:
    done = subprocess.run(["git", "-C", str(folder), "show", name], capture_output=True, check=False)
    return done.stdout if done.returncode == 0 else None


def transplanted(ours: bytes | None, before: bytes | None, after: bytes | None) -> bytes | None:
    """`ours` with what was done from `before` to `after`; an insertion goes without neighbours that ours lacks."""
    if ours is None or before is None or after is None:
        return None
    with tempfile.TemporaryDirectory() as place:
        for name, data in (("ours", ours), ("before", before), ("after", after)):
            Path(place, name).write_bytes(data)
        command = ["git", "merge-file", "-p", "--diff3", f"--marker-size={MARK}", "ours", "before", "after"]
        merged = subprocess.run(command, cwd=place, capture_output=True, check=False).stdout.decode("latin-1")
    conflict = re.compile(
        rf"^<{{{MARK}}} [^\n]*\n(.*?)^\|{{{MARK}}} [^\n]*\n(.*?)^={{{MARK}}}\n(.*?)^>{{{MARK}}} [^\n]*\n", re.M | re.S
    )
    apart = False

    def inserted(found: re.Match[str]) -> str:
        nonlocal apart
        mine, old, new = found.groups()
        if new.startswith(old):
            return str(mine + new[len(old) :])
        if new.endswith(old):
            return str(new[: len(new) - len(old)] + mine)
        apart = True
        return ""

    text = conflict.sub(inserted, merged)
    return None if apart else text.encode("latin-1")


def touching(folder: Path, first: str, second: str) -> bool:
    """Whether git cannot merge the two."""
    command = ["git", "-C", str(folder), "merge-tree", "--write-tree", first, second]
    return subprocess.run(command, capture_output=True, check=False).returncode == 1


def gather(folder: Path, base: str, gate: Gate, args: argparse.Namespace) -> list[str]:
    """The features as commits on `base`: green alone, and as many that touch each other as there are."""
    if args.patches:
        found = [patched(folder, base, patch) for patch in sorted(args.patches.resolve().glob("*.patch"))]
    else:
        tried = (alone(folder, base, commit, paths) for commit, paths in units(folder, base, args))
        found = [commit for commit in tried if commit is not None]
    rivals = {one: {two for two in found if one != two and touching(folder, one, two)} for one in found}
    said(f"{len(found)} features apply alone, {sum(map(len, rivals.values())) // 2} pairs of them do not merge")
    kept: list[str] = []
    for commit in sorted(found, key=lambda one: (-len(rivals[one]), found.index(one))):
        if len(kept) < args.features and gate.passes(commit):
            kept.append(commit)
    return sorted(kept, key=found.index)


def patched(folder: Path, base: str, patch: Path) -> str:
    """A commit on `base` with one patch."""
    git(folder, "checkout", "-q", "--force", "--detach", base)
    git(folder, "apply", "--index", str(patch))
    git(folder, "commit", "-q", "--no-verify", "-m", patch.stem)
    return git(folder, "rev-parse", "HEAD")


# The ways to integrate


@dataclass(frozen=True, slots=True)
class Result:
    """What one way made of the set."""

    way: str
    landed: list[str]
    states: list[str]  # commits where the target has been
    seconds: float
    reasons: dict[str, str]


def merged_one_by_one(way: str, folder: Path, base: str, names: list[str], keep: Callable[[str], bool]) -> Result:
    """`git merge` of each in turn; one that conflicts is skipped, one that `keep` does not want taken back."""
    started, landed, states, reasons = time.monotonic(), [], [base], {}
    git(folder, "checkout", "-q", "--force", "-B", "target", base)
    for name in names:
        command = ["git", "-C", str(folder), "merge", "-q", "--no-ff", "--no-edit", name]
        if subprocess.run(command, capture_output=True, check=False).returncode:
            git(folder, "merge", "--abort")
            reasons[name] = "conflict"
        elif not keep(git(folder, "rev-parse", "HEAD")):
            git(folder, "reset", "-q", "--hard", states[-1])
            reasons[name] = "red"
        else:
            landed.append(name)
            states.append(git(folder, "rev-parse", "HEAD"))
    return Result(way, landed, states, time.monotonic() - started, reasons)


def integrated(way: str, folder: Path, base: str, names: list[str], args: argparse.Namespace, *more: str) -> Result:
    """`gitbot integrate` of all at once."""
    started = time.monotonic()
    git(folder, "checkout", "-q", "--force", "-B", "target", base)
    command = [sys.executable, "-m", "gitbot", "-C", str(folder), "integrate", *names, "--into", "target", *more]
    command += ["--gate", f"export PYTHONDONTWRITEBYTECODE=1; {args.gate}", "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if not done.stdout:
        raise SystemExit(done.stderr)
    branches = json.loads(done.stdout)["branches"]
    landed = [branch["branch"] for branch in branches if branch["outcome"] == "landed"]
    reasons = {b["branch"]: f"{b['reason']}: {b['why']}" for b in branches if b["outcome"] != "landed"}
    states = git(folder, "rev-list", "--first-parent", "--reverse", f"{base}..target").split()
    return Result(way, landed, [base, *states], time.monotonic() - started, reasons)


def in_turn(way: str, folder: Path, base: str, names: list[str], args: argparse.Namespace, *more: str) -> Result:
    """`gitbot integrate` of one after the other, in an order of somebody else's."""
    whole, tip, started = Result(way, [], [base], 0.0, {}), base, time.monotonic()
    for name in names:
        one = integrated(way, folder, tip, [name], args, *more)
        whole.landed.extend(one.landed)
        whole.states.extend(one.states[1:])
        whole.reasons.update(one.reasons)
        tip = one.states[-1]
    return Result(way, whole.landed, whole.states, time.monotonic() - started, whole.reasons)


def orders(folder: Path, base: str, names: list[str]) -> dict[str, list[str]]:
    """Orders to compare with gitbot's own."""
    size = {name: len(git(folder, "diff", base, name)) for name in names}
    clash = {name: sum(touching(folder, name, other) for other in names if other != name) for name in names}
    return {
        "as given": names,
        "reversed": names[::-1],
        "smallest first": sorted(names, key=lambda name: size[name]),
        "largest first": sorted(names, key=lambda name: -size[name]),
        "fewest git conflicts": sorted(names, key=lambda name: (clash[name], size[name])),
    }


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("repository", type=Path)
    parser.add_argument("base")
    parser.add_argument("--gate", required=True)
    parser.add_argument("--later", default="HEAD")
    parser.add_argument("--features", type=int, default=16)
    parser.add_argument("--tests", default=r"(^|/)tests?[/_]")
    parser.add_argument("--only", default="")
    parser.add_argument("--patches", type=Path)
    parser.add_argument("--orders", action="store_true")
    return parser.parse_args()


def main() -> None:
    """See the module."""
    args = arguments()
    with tempfile.TemporaryDirectory() as place:
        first = Path(place, "set")
        base = git(args.repository, "rev-parse", "--verify", args.base + "^{commit}")
        args.later = git(args.repository, "rev-parse", "--verify", args.later + "^{commit}")
        subprocess.run(
            ["git", "clone", "-q", "--no-checkout", str(args.repository.resolve()), str(first)], check=True
        )
        git(first, "config", "user.name", "benchmark")
        git(first, "config", "user.email", "benchmark@localhost")
        gate = Gate(args.gate, first)
        if not gate.passes(base):
            raise SystemExit("the gate is red on the base")
        names = []
        for number, commit in enumerate(gather(first, base, gate, args), 1):
            names.append(f"agent-{number:02}")
            git(first, "branch", names[-1], commit)
            said(f"{names[-1]}  {git(first, 'log', '-1', '--format=%s', commit)[:70]}")
        compare(Path(place), first, base, names, gate, args)


def compare(place: Path, first: Path, base: str, names: list[str], gate: Gate, args: argparse.Namespace) -> None:
    """Every way on its own clone, a line each."""
    counter = iter(range(1000))

    def clone() -> Path:
        folder = place / f"clone-{next(counter)}"
        shutil.copytree(first, folder)
        return folder

    pairs = sum(touching(first, one, two) for i, one in enumerate(names) for two in names[i + 1 :])
    print(f"{len(names)} features, {pairs} of {len(names) * (len(names) - 1) // 2} pairs do not merge", flush=True)
    union = clone()
    (union / ".git" / "info" / "attributes").write_text("* merge=union\n")
    plain, gated = clone(), clone()
    tested = Gate(args.gate, clone(), gate.known)

    def green(folder: Path) -> Callable[[str], bool]:
        return lambda commit: tested.passes(_fetched(tested.folder, folder, commit))

    show(merged_one_by_one("git merge, no gate", plain, base, names, lambda _: True), plain, tested, names)
    show(merged_one_by_one("git merge, gate", gated, base, names, green(gated)), gated, tested, names)
    show(merged_one_by_one("union, gate", union, base, names, green(union)), union, tested, names)
    for manner in ("careful", "bold"):
        folder = clone()
        result = integrated(f"gitbot {manner}", folder, base, names, args, "--accept-both", manner)
        show(result, folder, tested, names)
    for order, given in orders(first, base, names).items() if args.orders else ():
        folder = clone()
        show(in_turn(f"bold, {order}", folder, base, given, args, "--accept-both", "bold"), folder, tested, names)


def _fetched(into: Path, source: Path, commit: str) -> str:
    git(into, "fetch", "-q", str(source), commit)
    return commit


def show(result: Result, folder: Path, gate: Gate, names: list[str]) -> None:
    """One line, and one for each feature that did not land."""
    red = sum(not gate.passes(_fetched(gate.folder, folder, state)) for state in result.states)
    print(
        f"{result.way:<34} landed {len(result.landed):>2} of {len(names)}, "
        f"{red} of {len(result.states)} states red, {result.seconds:6.1f} s",
        flush=True,
    )
    for name, why in sorted(result.reasons.items()):
        said(f"    {name}  {why[:150]}")


def said(text: str) -> None:
    """Talk, on stderr."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
