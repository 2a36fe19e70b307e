"""Where two branches wrote in one place: as many places as git has, and nothing of them is left out unsaid."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gitbot.model.git import Oid
from gitbot.monitor import clashes
from gitbot.monitor.clashes import Clashes, find_clashes
from gitbot.report.status import places_left_out
from gitbot.repository import open_repository
from gitbot.repository.workbench import Workbench
from tests.conftest import Sandbox, SandboxMaker, step

NUMBERS = [f"{number}\n" for number in range(1, 301)]
BASE = {
    "many.txt": "".join(NUMBERS),
    "long.txt": "".join(NUMBERS),
    "gone.txt": "a\nb\nc\nd\ne\n",
    "grown.txt": "a\nb\n",
    "same.txt": "one\n2\n3\n4\nfive\n",
    "dos.txt": "a\r\nb",
    "beside.txt": "1\n2\n3\n4\n",
}


def written(name: str) -> dict[str, str | list[str]]:
    """What one of two branches makes of it."""
    first = name == "a"
    return {
        "many.txt": "".join(f"{name} {line}" if not at % 10 else line for at, line in enumerate(NUMBERS)),
        "long.txt": "".join(f"{name} {line}" if 9 < at < 41 else line for at, line in enumerate(NUMBERS)),
        "gone.txt": "a\nd\ne\n" if first else "a\nb\nC\nd\ne\n",
        "grown.txt": f"a\nof {name}\nb\n",
        "same.txt": f"ONE\n2\n3\n4\n{name}\n",
        "dos.txt": f"a\r\n{name}\x1b[2J",
        "beside.txt": "1\nII\n3\n4\n" if first else "1\n2\nIII\n4\n",
        "new.txt": f"only {name}\n",
        "binary": f"\0{name}",
    }


@pytest.fixture
def bench(sandbox: SandboxMaker, tmp_path: Path) -> Iterator[tuple[Sandbox, Workbench, tuple[Oid, Oid]]]:
    box = sandbox(step("main", BASE, "base"), *(step(name, written(name), start="main") for name in "ab"))
    repository = open_repository(box.path, box.env)
    with Workbench(repository, tmp_path / "scratch", box.tip("main")) as opened:
        yield box, opened, (box.tip("a"), box.tip("b"))


def test_both_sides_of_each_place_are_hunks_of_their_diffs_and_git_counts_as_many_places(
    bench: tuple[Sandbox, Workbench, tuple[Oid, Oid]], monkeypatch: pytest.MonkeyPatch
) -> None:
    box, opened, tips = bench
    monkeypatch.setattr(clashes, "MOST", 100)
    found = find_clashes(opened, *tips, {})
    tree = box.git("merge-tree", "--write-tree", "a", "b", check=False).split("\n")[0]
    by_path = {path: [one for one in found.shown if one.path == path] for path in {**BASE, "new.txt": ""}}
    for path, places in by_path.items():
        marked = box.git("cat-file", "blob", f"{tree}:{path}")
        assert len(places) == ("\n" + marked).count("\n<<<<<<< "), path
    assert (found.places, found.unread) == (len(found.shown), 0)
    (gone,), (grown,), (beside,), (new,) = (by_path[f"{name}.txt"] for name in ("gone", "grown", "beside", "new"))
    assert (gone.line, gone.base, gone.first, gone.second) == (2, ("b", "c"), (), ("b", "C"))
    assert (grown.line, grown.base, grown.first, grown.second) == (2, (), ("of a",), ("of b",))
    assert (beside.base, beside.first, beside.second) == (("2", "3"), ("II", "3"), ("2", "III"))
    assert (new.line, new.base, new.first, new.second) == (1, (), ("only a",), ("only b",))
    (long,) = by_path["long.txt"]
    went, came = ([f"{sign}{number}" for number in range(11, 19)] for sign in ("-", "+a "))
    left = "… 23 more lines"
    assert [*long.sides[0]] == ["@@ -11,31 +11,31 @@", *went, left, *came, left]


def test_what_is_not_shown_is_counted(
    bench: tuple[Sandbox, Workbench, tuple[Oid, Oid]], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, opened, tips = bench
    found = find_clashes(opened, *tips, {})
    assert (len(found.shown), found.places) == (20, 37)
    told = {"hunks": found.shown, "places": found.places, "unread": 1}
    assert places_left_out(told) == "17 more places and 1 file whose changes are too long to be shown"
    monkeypatch.setattr(clashes, "LARGEST", 500)
    few = find_clashes(opened, *tips, {})
    assert few.unread > 0
    assert 0 < few.places < 37
    assert find_clashes(opened, tips[0], tips[0], {}) == Clashes((), 0, 0)
