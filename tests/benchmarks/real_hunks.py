"""accept-both on real conflicts: every hunk that git could not merge, beside what people committed in its place.

    python -m tests.benchmarks.real_hunks REPOSITORY… [--sample MERGES] [--seed S] [--manner careful|bold] [--details]
    python -m tests.benchmarks.real_hunks REPOSITORY… --dump FILE [--cases 60]
    python -m tests.benchmarks.real_hunks --verdicts FILE

Merges of two parents are made again, none of which could have been fast-forwarded. A hunk counts as accepted when a
rung settles it, before any gate; as right when people committed the same lines in any order, white space ignored;
and is left out of `right` where people changed the clean lines beside it, too. `words` counts those with the same
words in any order, as in a list of imports that people wrapped in another way. People also choose for reasons outside
the text, so both are lower bounds, and `--dump` writes a sample of what differs for a reader: two versions of each
case, and nothing says who wrote which but a second file, FILE.key.json. The reader fills in FILE.verdicts.txt, and
`--verdicts` prints how much of all that was accepted was wrong. Bounds are Wilson's, 95 %.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from gitbot.errors import GitError
from gitbot.fileclasses import FileClass, file_class
from gitbot.languages import defined_names, strict_parse
from gitbot.merge.accept_both import conflicted_file
from gitbot.merge.edits import Lines, find_edits
from gitbot.merge.hindsight import compare, in_place_of
from gitbot.merge.hunks import Conflicts, Hunk, inner_sides, read_conflicts, read_markers
from gitbot.merge.rungs import ConflictedFile, Manner, Refused, answers, settle
from gitbot.model.git import Oid
from gitbot.model.replay import Likeness
from gitbot.repository import Repository, open_repository
from gitbot.repository.history import merge_base
from gitbot.repository.workbench import Unmerged, Workbench

UNTOLD = "the conflict cannot be told apart"
VERDICTS = ("right", "wrong", "undecidable")


@dataclass(frozen=True, slots=True)
class Case:
    """One hunk: what it was, what people made of it, and what gitbot would have made of it."""

    repository: str
    merge: Oid
    path: str
    line: int
    base: Lines
    ours: Lines
    theirs: Lines
    above: Lines  # clean lines around it
    below: Lines
    both: Lines  # ours then theirs, what they have in common at both ends once
    people: Lines | None  # None: not comparable
    how: str | None = None
    result: Lines | None = None
    refused: str = ""

    @property
    def kind(self) -> str:
        """The class of the file, else what its name ends in."""
        return str(file_class(self.path) or Path(self.path).suffix or "no suffix")

    @property
    def accepted(self) -> bool:
        return self.result is not None

    def right(self, answer: Lines | None) -> bool | None:
        """Whether an answer is what people committed; None when there is none, or nothing to compare it with.

        Conflict markers that people committed are no answer.
        """
        if answer is None or self.people is None or any(line.startswith(b"<<<<<<<") for line in self.people):
            return None
        return compare(answer, self.people) is not Likeness.DIFFERENT

    def same_words(self, answer: Lines) -> bool:
        """Whether an answer has the words that people committed, each as often."""
        one, other = (Counter(re.findall(rb"\w+", b"".join(lines))) for lines in (answer, self.people or ()))
        return one == other


@dataclass(slots=True)
class Tally:
    """What one repository gave."""

    merges: int = 0
    conflicted: int = 0
    unread: int = 0  # objects are missing
    files: int = 0
    settled: int = 0  # files of which every hunk was
    unparsed: int = 0  # settled results that do not parse while both parents do


# Taking the conflicts out of history


def merges_of(repository: Repository, sample: int, seed: int) -> list[tuple[Oid, Oid, Oid]]:
    """A random sample of all merges of two parents: the commit and both."""
    two = ("--min-parents=2", "--max-parents=2")
    found = sorted(repository.git("rev-list", "--parents", *two, "HEAD").decode().splitlines())
    random.Random(seed).shuffle(found)
    commits = (tuple(map(Oid, line.split())) for line in found[: sample or None])
    return [(merge, ours, theirs) for merge, ours, theirs in commits]


def cases_of(path: Path, manner: Manner, sample: int, seed: int, tally: Tally) -> Iterator[Case]:
    """Every hunk of every conflicted text file of the sampled merges."""
    repository = open_repository(path, os.environ)
    name = path.resolve().parent.name if path.name in ("repo", ".git") else path.name
    head = repository.resolve("HEAD")
    if head is None:
        raise SystemExit(f"{path} has no commit")
    chosen = merges_of(repository, sample, seed)
    with tempfile.TemporaryDirectory() as folder, Workbench(repository, Path(folder, "scratch"), head) as bench:
        for number, (merge, ours, theirs) in enumerate(chosen, 1):
            print(f"\r{name} {number}/{len(chosen)}\x1b[K" * sys.stderr.isatty(), end="", file=sys.stderr)
            try:
                if merge_base(repository, ours, theirs) in (ours, theirs):
                    continue
                tally.merges += 1
                merged = bench.merge(ours, theirs)
                if isinstance(merged, Unmerged):
                    tally.conflicted += 1
                    found = [(file, one) for one in merged.paths if (file := conflicted_file(bench, one)) is not None]
                    tree = repository.tree_of(merge)
                    for file, one in found:
                        yield from cases_in(name, merge, file, repository.read(tree, one.path), manner, tally)
            except GitError:
                tally.unread += 1
    print("\r\x1b[K" * sys.stderr.isatty(), end="", file=sys.stderr)


def cases_in(
    name: str, merge: Oid, file: ConflictedFile, committed: bytes | None, manner: Manner, tally: Tally
) -> Iterator[Case]:
    """The hunks of one file; `committed` is None when people deleted it."""
    tally.files += 1
    whole = settle(file, manner)
    if not isinstance(whole, Refused):
        tally.settled += 1
        parents = strict_parse(file.path, file.ours) and strict_parse(file.path, file.theirs)
        tally.unparsed += bool(parents) and not all(strict_parse(file.path, one.data) for one in whole)
    conflicts = read_conflicts(file)
    if isinstance(conflicts, Refused):
        marked = read_markers(file)
        if marked is None:
            return
        clean, shown = marked
        given = answers(file, manner)
        why = given.why if isinstance(given, Refused) else conflicts.why
        found = in_place_of(clean, committed or b"") if committed is not None else (None,) * len(shown)
        for at, (each, people) in enumerate(zip(shown, found, strict=True)):
            around = clean[at][-8:], clean[at + 1][:8]
            sides, both = (each.base, each.ours, each.theirs), each.ours + each.theirs
            yield Case(name, merge, file.path, each.line, *sides, *around, both, people, refused=why)
        return
    yield from _whole_cases(name, merge, file, conflicts, committed, manner)


def _whole_cases(
    name: str, merge: Oid, file: ConflictedFile, conflicts: Conflicts, committed: bytes | None, manner: Manner
) -> Iterator[Case]:
    clean, hunks = conflicts.clean, conflicts.hunks
    found = in_place_of(clean, committed) if committed is not None else (None,) * len(hunks)
    given = answers(file, manner)
    for at, (hunk, people) in enumerate(zip(hunks, found, strict=True)):
        answer = None if isinstance(given, Refused) else given[at]
        refused = given.why if isinstance(given, Refused) else given[at].refused
        yield Case(
            *(name, merge, file.path, hunk.line, hunk.base, hunk.ours, hunk.theirs),
            *(clean[at][-8:], clean[at + 1][:8], _both(hunk), people),
            how=answer.how if answer else None,
            result=answer.lines if answer else None,
            refused=refused or "",
        )


def _both(hunk: Hunk) -> Lines:
    ours, theirs = inner_sides(hunk)
    return hunk.ours[: hunk.head] + ours + theirs + hunk.ours[len(hunk.ours) - hunk.foot :]


# What simpler rules would have made of them


def line_disjoint(case: Case) -> Lines | None:
    """Both sides' edits where they share no base line, lock files, manifests and versions left out."""
    left, right = find_edits(case.base, case.ours), find_edits(case.base, case.theirs)
    risky = file_class(case.path) in (FileClass.LOCK, FileClass.MANIFEST)
    if not case.base or left is None or right is None or risky:
        return None
    edits = sorted((*left, *right))
    for one, other in pairwise(edits):
        insertion = one.start == one.stop or other.start == other.stop
        if other.start < one.stop or (one.stop == other.start and insertion):
            return None
    made: list[bytes] = []
    at = 0
    for edit in edits:
        made += case.base[at : edit.start] + edit.lines
        at = edit.stop
    return (*made, *case.base[at:])


def guarded(case: Case) -> Lines | None:
    """Both of two insertions without a common line or name, brackets closed."""
    if case.base:
        return None
    common = {line.strip() for line in case.ours if len(line.strip()) > 4} & {line.strip() for line in case.theirs}
    names = [{name for line in side for name in defined_names(line)} for side in (case.ours, case.theirs)]
    closed = all(
        b"".join(side).count(left) == b"".join(side).count(right)
        for side in (case.ours, case.theirs)
        for left, right in (b"()", b"[]", b"{}")
    )
    return case.ours + case.theirs if closed and not common and not names[0] & names[1] else None


BASELINES: dict[str, Callable[[Case], Lines | None]] = {
    "naive union": lambda case: case.both,
    "S2: guarded insertions": guarded,
    "D: line-disjoint": line_disjoint,
    "SAFE = S2 + D": lambda case: guarded(case) or line_disjoint(case),
}


# Figures


def wilson(part: int, whole: int) -> tuple[float, float]:
    """The 95 % bounds of a share."""
    if not whole:
        return 0.0, 1.0
    z, share = 1.96, part / whole
    middle = (share + z * z / (2 * whole)) / (1 + z * z / whole)
    half = z * math.sqrt(share * (1 - share) / whole + z * z / (4 * whole * whole)) / (1 + z * z / whole)
    return middle - half, middle + half


def row(name: str, cases: Sequence[Case], answer: Callable[[Case], Lines | None], of: int) -> str:
    """One line of a table: coverage of `of` hunks, and how much of it is right."""
    given = [(case, lines) for case in cases if (lines := answer(case)) is not None]
    judged = [right for case, lines in given if (right := case.right(lines)) is not None]
    words = sum(case.same_words(lines) for case, lines in given if case.right(lines) is not None)
    low, high = wilson(sum(judged), len(judged))
    share = f"{100 * sum(judged) / len(judged):5.1f} %  {100 * low:4.0f}-{100 * high:3.0f}" if judged else f"{'-':>7}"
    coverage = 100 * len(given) / of if of else 0.0
    counts = f"{len(given):>6} {coverage:>7.1f} % {sum(judged):>6} of {len(judged):<6}"
    return f"{name[:34]:<34} {counts} {share:<16} {words:>5}"


def groups(cases: Iterable[Case], name: Callable[[Case], str]) -> dict[str, list[Case]]:
    """The cases by a name, the largest group first."""
    found: dict[str, list[Case]] = {}
    for case in cases:
        found.setdefault(name(case), []).append(case)
    return dict(sorted(found.items(), key=lambda item: -len(item[1])))


def show(title: str, cases: list[Case], *, details: bool) -> None:
    """Everything about one repository, or all of them."""
    header = f"{'accepted':>41} {'coverage':>9} {'right':>6}    {'compared':<6} {'right':>7}  {'95 %':>7}  words"
    compared = sum(case.people is not None for case in cases)
    print(f"\n{title}: {len(cases)} hunks, of which {compared} can be compared with what people committed\n{header}")
    total = len(cases)
    print(row("accept-both", cases, lambda case: case.result, total))
    for how, some in groups((case for case in cases if case.how), lambda case: case.how or "").items():
        print(row(f"  {how}", some, lambda case: case.result, total))
        for suffix, few in groups(some if details else (), lambda case: Path(case.path).suffix).items():
            print(row(f"    in {suffix or 'no suffix'}", few, lambda case: case.result, total))
    for name, baseline in BASELINES.items():
        print(row(name, cases, baseline, total))
    print(f"by class of file ({'accepted':>8} of its hunks)")
    for kind, some in [*groups(cases, lambda case: case.kind).items()][: None if details else 12]:
        print(row(f"  {kind} ({len(some)})", some, lambda case: case.result, len(some)))
    if details:
        print("refused")
        reasons = Counter(_reason(case.refused) for case in cases if not case.accepted)
        for why, count in reasons.most_common(25):
            print(f"  {count:>6}  {why}")


def _reason(words: str) -> str:
    """A reason without what differs from hunk to hunk."""
    return "".join("#" if char.isdigit() else char for char in words)[:90]


# For a reader


def dump(path: Path, cases: list[Case], most: int, seed: int) -> None:
    """A sample of what was accepted and is not what people committed, as Markdown, with its key beside it."""
    dice = random.Random(seed)
    compared = [case for case in cases if case.accepted and case.people is not None]
    differ = [case for case in compared if not case.right(case.result)]
    chosen = dice.sample(differ, min(most, len(differ)))
    swapped = [dice.random() < 0.5 for _ in chosen]
    lines = [f"# {len(chosen)} conflicts and two answers to each", "", *_TO_THE_READER]
    for number, (case, swap) in enumerate(zip(chosen, swapped, strict=True), 1):
        versions = [case.people or (), case.result or ()]
        first, second = reversed(versions) if swap else versions
        one, other = dice.sample((case.ours, case.theirs), 2)  # their order would give an author away
        lines += ["", f"## {number}. {case.path}, line {case.line}", "", f"{case.repository}, {case.merge[:12]}"]
        parts = {"Before it": case.above, "Base": case.base, "One side": one, "Other side": other}
        for title, text in {**parts, "After it": case.below}.items():
            lines += ["", f"{title}:", *_block(text)]
        lines += ["", f"**Version 1 of case {number}:**", *_block(first)]
        lines += ["", f"**Version 2 of case {number}:**", *_block(second)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    key = {
        "accepted": sum(case.accepted for case in cases),
        "compared": len(compared),
        "different": len(differ),
        "gitbot": {str(number): 1 if swap else 2 for number, swap in enumerate(swapped, 1)},
        "how": {str(number): case.how for number, case in enumerate(chosen, 1)},
    }
    Path(f"{path}.key.json").write_text(json.dumps(key, indent=1) + "\n", encoding="utf-8")
    blank = "".join(f"{number} ? ?\n" for number in range(1, len(chosen) + 1))
    Path(f"{path}.verdicts.txt").write_text(blank, encoding="utf-8")
    print(f"\n{len(chosen)} of {len(differ)} in {path}; judge in {path}.verdicts.txt, the key is in {path}.key.json")


_TO_THE_READER = (
    "Each case is a place in a file that two branches changed, so that git could not merge it. Both versions were",
    "proposed for it; at most one of them was committed, and which is not said. Judge each version by itself:",
    "",
    "- `right`: a careful colleague could commit it; both sides' intent is in it, or its order makes no difference",
    "- `wrong`: it loses or doubles work, contradicts itself, does not parse, or behaves as neither side meant",
    "- `undecidable`: not without more of the code",
    "",
    "One line a case in the file of verdicts: its number, then the word for version 1 and for version 2.",
)


def _block(text: Lines) -> list[str]:
    """Lines as an indented block; what is too long for a reader is cut."""
    shown = [line.rstrip(b"\r\n").decode("utf-8", "replace")[:200] for line in text[:80]]
    more = [f"… {len(text) - 80} more lines"] if len(text) > 80 else []
    return ["", *(f"    {line}" for line in [*shown, *more] or ["(nothing)"])]


def judged(path: Path) -> None:
    """How much of what was accepted was wrong, from a reader's verdicts; what is as people did is not."""
    key = json.loads(Path(f"{str(path).removesuffix('.verdicts.txt')}.key.json").read_text())
    count: Counter[str] = Counter()
    of_people: Counter[str] = Counter()
    for line in path.read_text().splitlines():
        number, *words = line.split()
        if len(words) != 2 or number not in key["gitbot"] or not set(words) <= {*VERDICTS, "?"}:
            raise SystemExit(f"not a verdict: {line}")
        mine = key["gitbot"][number]
        count[words[mine - 1]] += 1
        of_people[words[2 - mine]] += 1
    sample = sum(count[word] for word in VERDICTS)
    share = key["different"] / key["compared"] if key["compared"] else 0.0
    print(f"accepted {key['accepted']}, compared {key['compared']}, different from people {key['different']}")
    for name, counted in (("gitbot's", count), ("people's", of_people)):
        print(f"{name} version: " + ", ".join(f"{counted[word]} {word}" for word in VERDICTS) + f" of {sample}")
    for title in ("wrong", "wrong or undecidable"):
        part = sum(count[word] for word in title.split(" or "))
        low, high = wilson(part, sample)
        print(
            f"{title} among all that was accepted: {100 * share * part / max(sample, 1):.1f} %, "
            f"95 %: {100 * share * low:.1f} to {100 * share * high:.1f} %"
        )


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("repositories", nargs="*", type=Path)
    parser.add_argument("--sample", type=int, default=0, metavar="MERGES", help="of each repository; 0: all of them")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--manner", choices=[str(each) for each in Manner], default="careful")
    parser.add_argument("--details", action="store_true", help="every class of file, and why hunks were refused")
    parser.add_argument("--dump", type=Path, metavar="FILE")
    parser.add_argument("--cases", type=int, default=60, help="how many to dump")
    parser.add_argument("--verdicts", type=Path, metavar="FILE")
    args = parser.parse_args()
    if args.verdicts is not None:
        judged(args.verdicts)
        return
    everything: list[Case] = []
    locks = unparsed = 0
    for path in args.repositories:
        tally = Tally()
        cases = list(cases_of(path, Manner(args.manner), args.sample, args.seed, tally))
        show(path.resolve().parent.name if path.name == "repo" else path.name, cases, details=args.details)
        print(
            f"{tally.merges} merges, {tally.conflicted} conflicted, {tally.unread} not readable; "
            f"{tally.settled} of {tally.files} conflicted text files settled whole, {tally.unparsed} do not parse"
        )
        everything += cases
        unparsed += tally.unparsed
    if len(args.repositories) > 1:
        show(f"all {len(args.repositories)} repositories", everything, details=args.details)
    locks = sum(case.accepted and case.kind == FileClass.LOCK for case in everything)
    print(f"\nlock files accepted: {locks}; results that do not parse while both parents do: {unparsed}")
    if args.dump is not None:
        dump(args.dump, everything, args.cases, args.seed)


if __name__ == "__main__":
    main()
