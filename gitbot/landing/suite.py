"""Whether a branch takes tests away: by the names that reports give them, else by what its diff does to tests."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice

from unidiff.errors import UnidiffParseError
from unidiff.patch import PatchSet

from gitbot.merge.invariants import excerpt
from gitbot.model.gate import Suite
from gitbot.model.git import Change, ChangeKind

LARGEST_PATCH = 4 << 20  # characters
MOST_COMPARED = 20  # tests for one that is gone

_NAMED_SO = re.compile(r"(^|/)(test_[^/]*|tests\.py|[^/]*(_test|[._](test|spec)|Tests?)\.\w+)$")
_TEST_FILE = re.compile(rf"(^|/)(tests?|specs?|__tests__)/|{_NAMED_SO.pattern}")
_SKIP = re.compile(
    r"pytest\.(mark\.)?(skip|xfail)|unittest\.skip|@skip|\b(it|test|describe)\.(skip|todo)\b|\bx(it|describe)\("
    r"|t\.Skip\(|#\[ignore|@Disabled|@Ignore"
)
_CONFIGURES = re.compile(
    r"(^|/)(conftest\.py|\.?pytest\.ini|tox\.ini|setup\.cfg|pyproject\.toml|package\.json|\.mocharc\..*"
    r"|(jest|vitest|vite|karma|playwright)\.config\.\w+)$"
)
_COLLECTS = re.compile(
    r"collect_ignore|pytest_(ignore_collect|collect_file|collection_modifyitems|deselected)|--(deselect|ignore)\b"
    r"|norecursedirs|testpaths|python_(files|classes|functions)|addopts.*\s-[km]\b|__test__|\bload_tests\b"
    r"|\btest(Match|Regex|PathIgnorePatterns|NamePattern)\b|\b(it|test|describe)\.only\b|\bf(it|describe)\("
    r"|^//\s*(go:build|\+build)"
)
_DEFINES = re.compile(
    r"(?:async\s+)?def\s+(test\w*)|class\s+(Test\w*)|func\s+((?:Test|Fuzz|Example)\w*)\("
    r"|(?:it|test|specify)(?:\.\w+)*(?:\([^()'\"`]{0,200}\))?\s*\(?\s*(?:'([^']{1,200})'|\"([^\"]{1,200})\"|`([^`]{1,200})`)"
)
_MARKS = re.compile(r"#\[(?:\w+::)*test\b|@(?:Parameterized)?Test\b|\[(?:Fact|Theory|Test(?:Method|Case)?)\b")
_MARKED = re.compile(r"(?:[\w<>.]+\s+){0,5}?(?:fn|fun|void|Task)\s+(\w+)")


@dataclass(slots=True, eq=False)
class _Test:
    """One that a hunk removes or adds: its lines, without the one that names it, as far as the hunk has them."""

    path: str
    hunk: int
    name: str
    lines: set[str] = field(default_factory=set)

    def is_twin_of(self, gone: _Test) -> bool:
        """Whether it is the other one, moved or renamed, and found by what found that, as far as names tell."""
        if self.path != gone.path and _shown_by_name(self.path) < _shown_by_name(gone.path):
            return False
        if not gone.lines and not self.lines:  # nothing but the name was changed
            return self.name == gone.name or (self.path, self.hunk) == (gone.path, gone.hunk)
        return self.name == gone.name or 0 < len(gone.lines) <= 2 * len(self.lines & gone.lines)


@lru_cache(maxsize=1 << 10)
def _shown_by_name(path: str) -> int:
    """How much the name of a file says that it has tests."""
    return 2 if _NAMED_SO.search(path) else 1 if _TEST_FILE.search(path) else 0


@dataclass(frozen=True, slots=True)
class SuiteDiff:
    """What a diff does to tests."""

    removed: frozenset[str] = frozenset()  # files from which it takes tests
    lost: tuple[tuple[str, str], ...] = ()  # path and name of those of them that have no twin
    renamed: frozenset[str] = frozenset()  # the names of the others
    collecting: tuple[str, ...] = ()  # files in which it changes what is collected
    skips: bool = False


def suite_diff(patch: str) -> SuiteDiff:
    """Read a unified diff without context; one that is too long or none says nothing."""
    try:
        files = PatchSet(patch) if len(patch) <= LARGEST_PATCH else ()
    except (UnidiffParseError, ValueError):
        return SuiteDiff()
    tests: tuple[list[_Test], list[_Test]] = ([], [])
    collecting: tuple[dict[str, str], dict[str, str]] = ({}, {})
    skips = False
    for file in files:
        is_test = bool(_TEST_FILE.search(file.path))
        for number, hunk in enumerate(file):
            for added in (False, True):
                lines = [line.value.strip() for line in hunk if line.is_added == added]
                tests[added].extend(_tests(file.path, number, lines, is_test=is_test))
                if _NAMED_SO.search(file.path) or _CONFIGURES.search(file.path):
                    said = (line for line in lines if line[:1] != "#" and _COLLECTS.search(line))
                    collecting[added].update(dict.fromkeys(said, file.path))
                skips |= added and is_test and any(map(_SKIP.search, lines))
    lost = list(_without_twin(*tests))
    changed = {(collecting[0] | collecting[1])[line] for line in collecting[0].keys() ^ collecting[1].keys()}
    return SuiteDiff(
        removed=frozenset(one.path for one in tests[0]),
        lost=tuple((one.path, one.name) for one in lost),
        renamed=frozenset(one.name for one in tests[0]) - {one.name for one in lost},
        collecting=tuple(sorted(changed)),
        skips=skips,
    )


def _tests(path: str, hunk: int, lines: Iterable[str], *, is_test: bool) -> Iterator[_Test]:
    """The tests that begin in one side of a hunk; where a mark makes a function a test, in any file."""
    found: list[_Test] = []
    marked = False
    for line in lines:
        mark, defined = _MARKS.match(line), _DEFINES.match(line) if is_test else None
        if mark or defined:
            name = mark[0] if mark else next(filter(None, defined.groups())) if defined else ""
            found.append(_Test(path, hunk, name))
            marked = bool(mark)
        elif marked and (function := _MARKED.match(line)):
            found[-1].name, marked = function[1], False
        elif found and re.search(r"\w", line):
            found[-1].lines.add(line)
    yield from found


def _without_twin(removed: Sequence[_Test], added: Sequence[_Test]) -> Iterator[_Test]:
    """A namesake is taken before any other; each is the twin of one."""
    named: dict[str, dict[_Test, None]] = {}
    for one in added:
        named.setdefault(one.name, {})[one] = None
    left: list[_Test] = []
    for one in removed:
        same = next(filter(lambda o: o.is_twin_of(one), islice(named.get(one.name, ()), MOST_COMPARED)), None)
        named[one.name].pop(same) if same else left.append(one)
    free = dict.fromkeys(one for some in named.values() for one in some)
    for one in left:
        twin = next((other for other in islice(free, MOST_COMPARED) if other.is_twin_of(one)), None)
        if twin is None:
            yield one
        else:
            del free[twin]


def lost_by_diff(changes: Sequence[Change], diff: SuiteDiff) -> tuple[list[str], set[str]]:
    """What the diff alone says, and of which paths. A test file is not lost when all of its tests have twins."""
    lost = {path for path, _ in diff.lost}
    moved = {c.new_oid for c in changes if c.kind is ChangeKind.ADDED}
    gone = [c for c in changes if c.kind is ChangeKind.DELETED and _TEST_FILE.search(c.path)]
    deleted = {c.path for c in gone if c.path in lost or not (c.path in diff.removed or c.old_oid in moved)}
    said = {
        f"{len(deleted)} test file{'s' if len(deleted) > 1 else ''} deleted": bool(deleted),
        f"removes tests: {_some([name for _, name in diff.lost])}": bool(lost),
        f"changes which tests are collected: {_some(diff.collecting)}": bool(diff.collecting),
        "marks tests as skipped": diff.skips,
    }
    return [text for text, holds in said.items() if holds], deleted | lost | set(diff.collecting)


def lost_by_name(had: Suite, has: Suite, diff: SuiteDiff) -> list[str]:
    """What ran and now neither runs nor is skipped, less what was moved or renamed; and what is skipped now."""
    there = {*has.ran, *has.skipped}
    gained = Counter(map(_leaf, there.difference(had.ran, had.skipped)))
    gone: list[str] = []
    for test in had.ran:
        leaf = _leaf(test)
        if test not in there and gained[leaf] > 0:
            gained[leaf] -= 1
        elif test not in there and not any(leaf == name or leaf.endswith(f" {name}") for name in diff.renamed):
            gone.append(test)
    skipped = sorted({*had.ran} & {*has.skipped})
    said = {"no longer run": gone, "now skipped": skipped}
    return [f"{text}: {_some(names)}" for text, names in said.items() if names]


def _leaf(test: str) -> str:
    """Its own name, without its class and parameters."""
    return test.rpartition("::")[2].partition("[")[0]


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(excerpt(name.encode("utf-8", "replace")) for name in names[:3])
    return f"{shown} and {len(names) - 3} more" if len(names) > 3 else shown
