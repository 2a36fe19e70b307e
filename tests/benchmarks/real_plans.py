"""Measure how well plans that other people wrote are read, against labels made by reading alone.

    python -m tests.benchmarks.real_plans --clones DIR [--labels DIR] [--details]
    python -m tests.benchmarks.real_plans --clones DIR --hidden-front REPOSITORY… [--most N]

DIR holds bare clones named `owner+name`. The first form reads each plan of `fixtures/labels/*.toml` at its commit,
with that commit's files as the tree, and compares the paths claimed for writing with the labels. The first and second
set were at hand when the rules were made, the blind set was not. The second form hides what the front matter of GSD
and spec-kitty plans declares, and asks how much of it the body gives back.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
import tomllib
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pygit2

from gitbot.model.plan import BLOCKING_CONFIDENCE, Access, PlanSet
from gitbot.model.plan import Source as ClaimSource
from gitbot.plans import Source, read_plans

LABELS = Path(__file__).parents[2] / "fixtures" / "labels"
SETS = {
    "gsd": re.compile(r"(?:.*/)?\.planning/.*\d+-PLAN\.md"),
    "spec-kitty": re.compile(r"kitty-specs/.*/WP\d+.*\.md"),
}
_FRONT = re.compile(r"---\n(.*?\n)---\n", re.S)
_KEY = re.compile(r"^(?=\w[\w-]*:)", re.M)
_KEPT = re.compile(r"(?:phase|plan|type|wave|work_package_id|title|lane|agent|dependencies|depends_on)\b")


@dataclass(slots=True)
class Score:
    """Paths found, found wrongly and missed, over some plans."""

    plans: int = 0
    paths: int = 0
    hits: int = 0
    wrong: int = 0
    missed: int = 0
    formats: set[str] = field(default_factory=set)

    def count(
        self, got: Collection[str], wanted: Collection[str], neither: Collection[str], formats: set[str]
    ) -> None:
        found, right = set(got) - set(neither), set(wanted) - set(neither)
        self.plans += 1
        self.paths += len(right)
        self.hits += len(found & right)
        self.wrong += len(found - right)
        self.missed += len(right - found)
        self.formats |= formats

    def row(self, name: str) -> str:
        precision = self.hits / (self.hits + self.wrong) if self.hits + self.wrong else 1.0
        recall = self.hits / self.paths if self.paths else 1.0
        numbers = (
            f"{self.plans:6}{self.paths:7}{self.hits:6}{self.wrong:5}{self.missed:5}{precision:7.2f}{recall:7.2f}"
        )
        return f"{name:24}{numbers}  {' '.join(sorted(self.formats))}"


HEADER = f"{'':24}{'plans':>6}{'paths':>7}{'tp':>6}{'fp':>5}{'fn':>5}{'prec':>7}{'recall':>7}  formats"


def plain(pattern: str) -> str:
    """One spelling for a folder with and without its slash or stars, and for escaped characters."""
    pattern = re.sub(r"\\(.)", r"\1", pattern.strip().removeprefix("./").lstrip("/"))
    return pattern.removesuffix("/**").rstrip("/")


def spelled_out(pattern: str) -> list[str]:
    """The names that the first pair of braces stands for, and so on for those behind it."""
    if not (braces := re.search(r"\{([^{}]*,[^{}]*)\}", pattern)):
        return [pattern]
    before, after = pattern[: braces.start()], spelled_out(pattern[braces.end() :])
    return [f"{before}{part.strip()}{rest}" for part in braces[1].split(",") for rest in after]


class Clones:
    """Bare repositories in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.trees: dict[tuple[str, str], tuple[str, ...]] = {}

    def open(self, name: str) -> pygit2.Repository:
        folder = self.folder / name.replace("/", "+")
        return pygit2.Repository(str(next((f.parent for f in sorted(folder.glob("**/HEAD"))[:1]), folder)))

    def files(self, name: str, commit: str) -> tuple[str, ...]:
        """Every path of the commit's tree."""
        if (name, commit) not in self.trees:
            repository = self.open(name)
            index = pygit2.Index()
            index.read_tree(repository.revparse_single(commit).peel(pygit2.Tree))
            self.trees[name, commit] = tuple(entry.path for entry in index)
        return self.trees[name, commit]

    def read(self, name: str, commit: str, paths: Iterable[str]) -> list[Source]:
        tree = self.open(name).revparse_single(commit).peel(pygit2.Tree)
        return [Source(path, tree[path].peel(pygit2.Blob).data) for path in paths]


def written(found: PlanSet) -> dict[str, str]:
    """Every path that somebody is to write, with why it counts."""
    claims = (claim for plan in found.plans for claim in plan.claims if claim.access is not Access.READ)
    sure = (c for c in claims if c.source is ClaimSource.DECLARED or c.confidence >= BLOCKING_CONFIDENCE)
    return {
        name: f"{c.source}:{c.confidence}:{c.path or ''}{c.line}"
        for c in sure
        if c.pattern[0] != "!"
        for name in spelled_out(plain(c.pattern))
    }


def labelled(clones: Clones, labels: Path, details: bool, only: str) -> None:
    scores: dict[str, Score] = defaultdict(Score)
    for path in sorted(labels.glob("**/*.toml")):
        label: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        name = path.parent.name if path.name == "label.toml" else path.stem
        if only not in name:
            continue
        try:
            sources = clones.read(label["repo"], label["commit"], label["paths"])
            files = clones.files(label["repo"], label["commit"])
        except (pygit2.GitError, KeyError, ValueError) as missing:
            print(f"{name}: not in the clones ({missing})", file=sys.stderr)
            continue
        started = time.process_time()
        found = read_plans(sources, files)
        seconds = time.process_time() - started
        got, wanted = written(found), {name for w in label["writes"] for name in spelled_out(plain(w))}
        neither = {plain(p) for key in ("optional", "shared") for p in label.get(key, ())} - wanted
        formats = {plan.format for plan in found.plans}
        kind = f"{label.get('set', '')} set, {'known' if label.get('known') else 'unseen'}"
        for row in (label["family"], kind, "all"):
            scores[row].count(got, wanted, neither, formats)
        if details:
            wrong = {p: why for p, why in got.items() if p not in wanted | neither}
            ids = [str(plan.id) for plan in found.plans]
            print(f"\n{name}  {seconds:.2f} s  {' '.join(sorted(formats))}\n  plans {ids} for {label.get('agents')}")
            print(f"  missed {sorted(wanted - set(got))}\n  wrong  {wrong}")
            print(f"  unresolved {sorted({u for plan in found.plans for u in plan.unresolved})}")
    ordered = sorted(scores, key=lambda row: (row == "all", " set, " in row, row))
    print(HEADER, *(scores[row].row(row) for row in ordered), sep="\n")


def without_claims(text: str) -> str:
    """The plan with the keys of its front matter blank that tell what it writes; line numbers stay."""
    if not (match := _FRONT.match(text)):
        return text
    parts = _KEY.split(match[1])
    kept = "".join(part if _KEPT.match(part) else "\n" * part.count("\n") for part in parts)
    return text[: match.start(1)] + kept + text[match.end(1) :]


def hidden(clones: Clones, names: Iterable[str], most: int, details: bool) -> None:
    scores: dict[str, Score] = defaultdict(Score)
    for name in names:
        for family, path, text in _declaring(clones, name, most):
            files = clones.files(name, "HEAD")
            front = _FRONT.match(text)
            declared = set(written(_read(path, front[0], files))) if front else set()
            if not declared:
                continue
            got = written(_read(path, without_claims(text), files))
            for row in (f"{family} {name}"[:23], family):
                scores[row].count(got, declared, (), {family})
            if details:
                wrong = {p: why for p, why in got.items() if p not in declared}
                print(f"\n{name}:{path}\n  missed {sorted(declared - set(got))}\n  wrong  {wrong}")
    print(HEADER, *(scores[row].row(row) for row in sorted(scores)), sep="\n")


def _read(path: str, text: str, files: Collection[str]) -> PlanSet:
    return read_plans([Source(path, text.encode())], files)


def _declaring(clones: Clones, name: str, most: int) -> Iterator[tuple[str, str, str]]:
    """Plans of a repository by family, at most so many of each, spread over all of them."""
    for family, shape in SETS.items():
        paths = [path for path in clones.files(name, "HEAD") if shape.fullmatch(path)]
        for path in paths[:: max(1, len(paths) // most)]:
            (source,) = clones.read(name, "HEAD", [path])
            yield family, path, source.data.decode("utf-8", "replace").replace("\r\n", "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clones", type=Path, required=True)
    parser.add_argument("--labels", type=Path, default=LABELS)
    parser.add_argument("--hidden-front", nargs="+", metavar="OWNER/NAME", default=[])
    parser.add_argument("--most", type=int, default=250)
    parser.add_argument("--only", default="", help="labels whose name holds this")
    parser.add_argument("--details", action="store_true")
    args = parser.parse_args()
    clones = Clones(args.clones)
    if args.hidden_front:
        hidden(clones, args.hidden_front, args.most, args.details)
    else:
        labelled(clones, args.labels, args.details, args.only)


if __name__ == "__main__":
    main()
