"""Three small repositories with agent branches, by which queues can be compared run by run of a gate that counts."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from gitbot.repository.recipes import Recipe, Step, read_recipe
from tests.conftest import ROOT

UNITTEST = "python3 -m unittest -q"
NINE = ROOT / "fixtures" / "repos" / "nine-branches.toml"


def nine(confirm: str) -> Recipe:
    """An edit and its rival, a red one, a rename against a new user of the old name, three that write at one end."""
    recipe = read_recipe(NINE.read_text(encoding="utf-8"))
    base, *branches = recipe.commit
    return Recipe(commit=[_configured(base, confirm), *branches], work_tree=recipe.work_tree)


def five(confirm: str) -> Recipe:
    """The first five of them."""
    recipe = nine(confirm)
    wanted = {"main", *(f"agent-{number}" for number in range(1, 6))}
    return Recipe(commit=[one for one in recipe.commit if one.branch in wanted], work_tree=recipe.work_tree)


def twelve(confirm: str, broken: Collection[int] = ()) -> Recipe:
    """Independent branches `agent-01` to `agent-12`, each with a module and its test; some assert a wrong value."""
    base = nine(confirm).commit[0]
    branches = [_module(number, number + (number in broken)) for number in range(1, 13)]
    return Recipe(commit=[base, *branches], work_tree={"README.md": ["# toy", "not committed"]})


def _configured(base: Step, confirm: str) -> Step:
    files = {**base.files, "gitbot.toml": f"[gate]\nconfirm = {confirm}\n"}
    return Step(branch=base.branch, message=base.message, files=files)


def _module(number: int, asserted: int) -> Step:
    name = f"m{number:02}"
    test = [
        "import unittest",
        f"from calc.{name} import value",
        "",
        "class Value(unittest.TestCase):",
        "    def test_value(self):",
        f"        self.assertEqual(value(), {asserted})",
    ]
    module = ["def value():", f"    return {number}"]
    files: dict[str, str | list[str]] = {f"calc/{name}.py": module, f"tests/test_{name}.py": test}
    return Step(branch=f"agent-{number:02}", message=f"{name}", files=files)


def counting(runs: Path, seconds: float = 0) -> str:
    """A gate that writes a line for each of its runs to a file outside the repository, and may take its time."""
    nap = f"sleep {seconds}; " if seconds else ""
    return f"echo run >>{runs}; {nap}{UNITTEST}"


def counted(runs: Path) -> int:
    """How often it ran."""
    return len(runs.read_text().splitlines()) if runs.exists() else 0
