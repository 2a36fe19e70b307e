"""What README.md shows is what happens: its blocks are run in order, from a checkout in which gitbot is installed."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gitbot import config
from gitbot.plans import Source, read_plans
from tests.conftest import ROOT

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


@dataclass(frozen=True, slots=True)
class Shell:
    """A person's shell, opened in the checkout: what enters a folder or an environment holds for what follows."""

    checkout: Path
    env: Mapping[str, str]
    entered: list[str] = field(default_factory=list)

    def type(self, text: str) -> subprocess.CompletedProcess[str]:
        script = "\n".join(["set -e", *self.entered, text])
        if text.startswith(("cd ", ". ")):
            self.entered.append(text)
        return subprocess.run(
            ["sh", "-c", script], cwd=self.checkout, env=dict(self.env), capture_output=True, text=True, check=False
        )


@pytest.fixture
def shell(tmp_path: Path, sealed_env: Mapping[str, str]) -> Shell:
    """Every repository has a remote: the one that the person's git configuration names."""
    programs = tmp_path / "gitbot" / ".venv" / "bin"
    programs.mkdir(parents=True)
    for name in ("gitbot", "git-bot"):
        (programs / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" -m gitbot "$@"\n')
        (programs / name).chmod(0o755)
    (programs / "activate").write_text(f'PATH="{programs}:$PATH"\n')
    (tmp_path / "tmp").mkdir()
    origin = tmp_path / "origin.git"
    subprocess.run(["git", "init", "-q", "--bare", str(origin)], env=dict(sealed_env), check=True)
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text(f'[remote "origin"]\n\turl = {origin}\n')
    return Shell(programs.parents[1], {**sealed_env, "HOME": str(home), "TMPDIR": str(tmp_path / "tmp")})


def test_every_block_does_what_it_shows(shell: Shell) -> None:
    first, *others = blocks(README)
    [(demo, shown)] = sessions(first.text)
    assert_answers(shown, shell.type(f".venv/bin/{demo}").stdout)
    for block in others:
        match block.kind:
            case "console":
                for line, answer in sessions(block.text):
                    done = shell.type(line)
                    assert done.returncode in (0, 1), f"{line}: {done.stderr}"
                    assert_answers(answer, done.stdout)
            case "sh" if block.ci is None:
                done = shell.type(block.text)
                assert done.returncode == 0, done.stderr
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
