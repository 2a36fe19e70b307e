"""Every recipe builds, and integrating it gives what the recipe expects; the work tree's edits survive."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitbot.errors import InputError
from gitbot.repository.recipes import read_recipe
from tests.conftest import ROOT, SandboxMaker

RECIPES = sorted((ROOT / "fixtures" / "repos").glob("*.toml"))


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_ends_as_it_says(path: Path, sandbox: SandboxMaker) -> None:
    recipe = read_recipe(path.read_text(encoding="utf-8"))
    box = sandbox(recipe=recipe)
    edits = {name: (box.path / name).read_bytes() for name in recipe.work_tree}
    ran = box.gitbot("integrate", "agent-*", "--format", "json")
    found = {branch["branch"]: branch for branch in ran.document["branches"]}
    told = {name: {key: found[name][key] for key in wanted} for name, wanted in recipe.expected.items()}
    assert told == recipe.expected
    assert set(found) == set(recipe.expected)
    assert {name: (box.path / name).read_bytes() for name in recipe.work_tree} == edits


def test_the_list_of_recipes_is_complete() -> None:
    listed = (ROOT / "fixtures" / "repos" / "README.md").read_text(encoding="utf-8")
    assert [path.name for path in RECIPES if f"| `{path.name}` |" not in listed] == []


@pytest.mark.parametrize("text", ["", "commit = 3", "[[commit]]\nbranch = 'a'", "unknown = 1\ncommit = []", "["])
def test_what_is_no_recipe_is_refused_as_input(text: str) -> None:
    with pytest.raises(InputError, match="no recipe"):
        read_recipe(text)
