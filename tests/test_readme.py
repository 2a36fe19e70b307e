"""What README.md shows is what happens: its blocks are run in order, on the repository of the demo."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from gitbot import config
from gitbot.plans import Source, read_plans
from gitbot.repository.recipes import read_recipe
from tests.conftest import ROOT, Sandbox, SandboxMaker

README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
LEFT_OUT = "…"
# What differs from run to run: run ids, commits of that moment, seconds.
_VARYING = re.compile(r"\b\d{8}T\d{6}Z-[0-9a-f]{4}\b|\b[0-9a-f]{7}\b|\b\d+\.\d s\b")


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block: its language, its text, and the name by which `.ci/run` runs it, if it does."""

    kind: str
    text: str
    ci: str | None


def blocks(text: str) -> Iterator[Block]:
    fenced = r"(?:^<!-- ci: (?P<ci>\w+) -->\n)?^(?P<fence>`{3,})(?P<kind>\w+)\n(?P<text>.*?)^(?P=fence)$"
    for found in re.finditer(fenced, text, re.MULTILINE | re.DOTALL):
        yield Block(found["kind"], found["text"], found["ci"])


def sessions(text: str) -> Iterator[tuple[str, list[str]]]:
    """Every `$ command` of a block with the lines it answers."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        line, *answer = part.rstrip("\n").split("\n")
        yield line, answer


def assert_answers(answer: list[str], out: str) -> None:
    """Every stretch between two `…` is in the output as it stands, in order, but for what varies."""
    position, said = 0, _VARYING.sub("#", out) + "\n"
    for stretch in "\n".join(answer).split(LEFT_OUT + "\n"):
        wanted = _VARYING.sub("#", stretch.removesuffix(LEFT_OUT))
        found = said.find(wanted, position)
        assert found >= 0, f"{wanted!r} is not in what follows:\n{said[position:]}"
        position = found + len(wanted)


@pytest.fixture
def person(sandbox: SandboxMaker, tmp_path: Path) -> tuple[Sandbox, Mapping[str, str]]:
    """The demo's repository with a remote, and an environment in which `gitbot` is installed."""
    recipe = read_recipe((ROOT / "fixtures" / "repos" / "demo.toml").read_text(encoding="utf-8"))
    box = sandbox(recipe=recipe)
    box.git("init", "-q", "--bare", str(tmp_path / "origin.git"))
    box.git("remote", "add", "origin", str(tmp_path / "origin.git"))
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("gitbot", "git-bot"):
        (folder / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" -m gitbot "$@"\n')
        (folder / name).chmod(0o755)
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    return box, {**box.env, "PATH": f"{folder}:{box.env['PATH']}", "TMPDIR": str(temporary)}


def test_every_block_does_what_it_shows(person: tuple[Sandbox, Mapping[str, str]]) -> None:
    box, env = person
    for block in blocks(README):
        match block.kind:
            case "console":
                for line, answer in sessions(block.text):
                    done = subprocess.run(
                        ["sh", "-c", line], cwd=box.path, env=dict(env), capture_output=True, text=True, check=False
                    )
                    assert done.returncode in (0, 1), f"{line}: {done.stderr}"
                    assert_answers(answer, done.stdout)
            case "sh" if block.ci is None:
                subprocess.run(
                    ["sh", "-euc", block.text], cwd=box.path, env=dict(env), capture_output=True, check=True
                )
            case "sh":
                assert f"typed {block.ci}" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
            case "markdown":
                assert_is_a_plan(block.text)
            case _:
                raise AssertionError(f"nobody runs a block of {block.kind}")


def assert_is_a_plan(text: str) -> None:
    found = read_plans([Source("plans/shown.md", text.encode())])
    assert found.problems == ()
    assert found.plans != ()


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_the_examples_in_the_documents_are_read_without_complaint(path: Path) -> None:
    for block in blocks(path.read_text(encoding="utf-8")):
        if block.kind == "toml":
            config.parse({config.FILE: block.text}, origin=path.name)
        if block.kind == "markdown":
            assert_is_a_plan(block.text)


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_links_between_the_documents_lead_somewhere(path: Path) -> None:
    linked = re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text(encoding="utf-8"))
    assert [goal for goal in linked if not (path.parent / goal).exists()] == []


def test_the_first_screen_says_what_it_is_and_what_one_command_prints() -> None:
    first = "\n".join(README.splitlines()[:25])
    [block] = blocks(first)
    assert block.text.startswith("$ gitbot demo\n")
    assert "main was never red" in block.text


def test_set_up_takes_two_commands_of_one_line() -> None:
    lines = {block.ci: block.text.strip() for block in blocks(README) if block.ci}
    assert {name: text.count("\n") for name, text in lines.items()} == {"install": 0, "test": 0}
