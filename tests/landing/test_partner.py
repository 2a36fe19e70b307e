"""With whom a branch that merges cleanly may collide, on real merges."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitbot.landing import partner
from gitbot.landing.partner import MOST_MENTIONS, Side, find_hints, foresee
from gitbot.model.git import BranchName
from gitbot.model.run import Hint
from gitbot.repository.recipes import Step
from gitbot.repository.workbench import Merged, Workbench
from tests.conftest import Sandbox, SandboxMaker, step

A, B = BranchName("agent-a"), BranchName("agent-b")
MAIN = BranchName("main")
LIB = "def area(side):\n    return side * side\n"
SURFACE = LIB.replace("area", "surface")


def hints(box: Sandbox, tmp_path: Path, mine: BranchName, theirs: BranchName, who: BranchName | None) -> list[Hint]:
    """What `mine` is told when `theirs` has landed."""
    base, tip, other = box.tip("main"), box.tip(mine), box.tip(theirs)
    with Workbench(box.repository, tmp_path / "scratch", base) as bench:
        merged = bench.merge(other, tip)
        assert isinstance(merged, Merged)
        sides: list[Side] = [(None, base, base), (who, base, other)]
        return list(find_hints(bench.repository, (base, tip), sides, merged.tree, MAIN))


def pair(sandbox: SandboxMaker, base: dict[str, str], a: dict[str, str], b: dict[str, str], *more: Step) -> Sandbox:
    return sandbox(step("main", base), step(A, a), step(B, b), *more)


def test_the_line_and_whoever_took_away_what_it_uses_are_named(sandbox: SandboxMaker, tmp_path: Path) -> None:
    box = pair(sandbox, {"lib.py": LIB}, {"lib.py": SURFACE}, {"app.py": "import lib\nprint(lib.area(2))\n"})
    [hint] = hints(box, tmp_path, B, A, A)
    assert (hint.kind, hint.path, hint.line, hint.name, hint.partner) == ("removed", "app.py", 2, "area", A)
    assert hint.text == "app.py:2 uses area, which agent-a took out of lib.py"


def test_it_works_in_the_other_direction_too(sandbox: SandboxMaker, tmp_path: Path) -> None:
    box = pair(sandbox, {"lib.py": LIB}, {"lib.py": SURFACE}, {"app.py": "import lib\nprint(lib.area(2))\n"})
    [hint] = hints(box, tmp_path, A, B, B)
    assert hint.partner == B
    assert hint.text == "app.py:2 of agent-b uses area, which this branch took out of lib.py"


def test_of_several_that_landed_and_use_what_is_gone_the_latest_is_named(
    sandbox: SandboxMaker, tmp_path: Path
) -> None:
    use = "import lib\nprint(lib.area(2))\n"
    box = pair(sandbox, {"lib.py": LIB}, {"lib.py": SURFACE}, {"one.py": use}, step(B, {"two.py": use + "# two\n"}))
    base, first, second = box.tip("main"), box.tip("agent-b~1"), box.tip(B)
    with Workbench(box.repository, tmp_path / "scratch", base) as bench:
        merged = bench.merge(second, box.tip(A))
        assert isinstance(merged, Merged)
        sides: list[Side] = [(BranchName("agent-x"), base, first), (B, first, second)]
        [hint] = find_hints(bench.repository, (base, box.tip(A)), sides, merged.tree, MAIN)
    assert hint.text == "two.py:2 of agent-b uses area, which this branch took out of lib.py"


def test_what_nobody_of_the_run_did_is_the_targets(sandbox: SandboxMaker, tmp_path: Path) -> None:
    box = pair(sandbox, {"lib.py": LIB}, {"lib.py": SURFACE}, {"app.py": "import lib\nprint(lib.area(2))\n"})
    [hint] = hints(box, tmp_path, B, A, None)
    assert hint.partner is None
    assert hint.text == "app.py:2 uses area, which main took out of lib.py"


def test_the_line_is_that_of_the_merged_file(sandbox: SandboxMaker, tmp_path: Path) -> None:
    app = ["import page", "", "a = 1", "b = 2", "c = 3", ""]
    base = {"page.py": "def render(a, b):\n    return a\n", "app.py": "\n".join(app)}
    changed = {"page.py": "def render(a, b, c):\n    return a\n", "app.py": "\n".join(["# new", *app])}
    box = pair(sandbox, base, changed, {"app.py": "\n".join([*app[:5], "page.render(1, 2)", ""])})
    [hint] = hints(box, tmp_path, B, A, A)
    assert hint.text == "app.py:7 calls render(1, 2), which agent-a changed to render(a, b, c)"


def test_nothing_in_common_points_to_nobody(sandbox: SandboxMaker, tmp_path: Path) -> None:
    box = pair(sandbox, {"lib.py": LIB}, {"x.py": "y = 1\n"}, {"z.py": "w = 2\n"})
    assert hints(box, tmp_path, B, A, A) == []


def test_a_name_that_half_the_project_speaks_of_is_no_hint(sandbox: SandboxMaker, tmp_path: Path) -> None:
    many = {f"use{number}.py": "print(area)\n" for number in range(MOST_MENTIONS + 1)}
    box = pair(sandbox, {"lib.py": LIB} | many, {"lib.py": SURFACE}, {"app.py": "import lib\nprint(lib.area(2))\n"})
    assert hints(box, tmp_path, B, A, A) == []


def test_files_beyond_the_limit_and_binary_ones_are_not_read(sandbox: SandboxMaker, tmp_path: Path) -> None:
    big = "import lib\nprint(lib.area(2))\n" + "# filler\n" * 120_000
    box = pair(sandbox, {"lib.py": LIB}, {"lib.py": SURFACE}, {"app.py": big, "b.py": "\0area(2)\n"})
    assert hints(box, tmp_path, B, A, A) == []


def test_a_look_ahead_leaves_out_who_stands_on_the_other_and_says_how_much_it_has_not_read(
    sandbox: SandboxMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use = "import lib\nprint(lib.area(2))\n"
    box = sandbox(
        step("main", {"lib.py": LIB}),
        step(A, {"lib.py": SURFACE}),
        step(B, {"app.py": use}),
        step("agent-c", {"use.py": use}, start=A),
        *(step("agent-d", {f"{number}.txt": ""}) for number in range(3)),
    )
    base, names = box.tip("main"), (A, B, BranchName("agent-c"), BranchName("agent-d"))
    ends: list[Side] = [(name, base, box.tip(name)) for name in names]
    with Workbench(box.repository, tmp_path / "scratch", base) as bench:
        hints, left = foresee(bench, ends, MAIN, base)
        assert [(name, hint.path, hint.partner) for name, hint in hints] == [
            (B, "app.py", A),
            ("agent-c", "app.py", B),
        ]
        assert left == 0
        monkeypatch.setattr(partner, "MOST_AHEAD", 4)
        assert foresee(bench, ends, MAIN, base) == (hints, 4), "of agent-d, which changes the most"
        monkeypatch.setattr(partner, "MOST_PAIRS", 9)
        assert foresee(bench, ends, MAIN, base) == ([], 10)
