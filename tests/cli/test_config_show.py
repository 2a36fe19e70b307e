"""`gitbot config show`: all that is in force, in a form that can be used again, and from where."""

from __future__ import annotations

import json
import tomllib

import pytest

from gitbot import config
from gitbot.cli import main
from gitbot.planset import in_force
from tests.conftest import Sandbox, SandboxMaker, step

SETTINGS = """\
target = "main"
shared = ["a b", "c\\u202ed"]
rules = { "parallel-hint" = "off" }
[gate]
command = ["x", "\\n\\""]
timeout = 90.5
[gates."a.b"]
command = "y"
[integrate]
branches = { "agent-x" = { strategy = "squash" } }
regenerate = { "uv.lock" = "uv lock" }
"""


@pytest.fixture
def box(sandbox: SandboxMaker, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    made = sandbox(step("main", {"gitbot.toml": SETTINGS}))
    monkeypatch.chdir(made.path)
    return made


def test_what_is_shown_is_a_configuration_that_says_the_same(
    box: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in (["config", "show"], ["config", "show", "--origin"]):
        with box.watched(dry=True):
            assert main(words) == 0
        shown = capsys.readouterr().out
        assert "\u202e" not in shown
        assert config.parse({config.FILE: shown}, origin="shown") == in_force(box.repository, None).config


def test_every_key_says_where_it_comes_from(box: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    """A key that is given its default is given all the same."""
    assert main(["config", "show", "--origin"]) == 0
    here = f"main at {box.tip('main')[:7]}: gitbot.toml"
    given = [
        line.partition(" = ")[0] for line in capsys.readouterr().out.splitlines() if line.endswith(f"  # {here}")
    ]
    assert given == [
        *("target", "shared", "parallel-hint", "command", "timeout"),
        *("command", '"uv.lock"', "strategy"),
    ]


@pytest.mark.parametrize("place", ["work tree", "pyproject", "variable", "nowhere"])
def test_each_place_of_a_configuration_is_named(
    sandbox: SandboxMaker, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], place: str
) -> None:
    committed = {"pyproject.toml": "[tool.gitbot.gate]\ntimeout = 7\n"} if place == "pyproject" else {"a": ""}
    box = sandbox(step("main", committed))
    file = box.path / ("gitbot.toml" if place == "work tree" else "other.toml")
    file.write_text("[gate]\ntimeout = 7\n")
    if place == "variable":
        monkeypatch.setenv("GITBOT_CONFIG", str(file))
    monkeypatch.chdir(box.path)
    assert main(["config", "show", "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["schema"], document["target"]) == ("gitbot.config/1", "main")
    [timeout] = [key for key in document["keys"] if key["key"] == "gate.timeout"]
    tip = box.tip("main")[:7]
    assert (timeout["value"], timeout["origin"]) == {
        "work tree": (7, "the work tree: gitbot.toml"),
        "pyproject": (7, f"main at {tip}: [tool.gitbot] in pyproject.toml"),
        "variable": (7, f"GITBOT_CONFIG: {file}"),
        "nowhere": (1800, "default"),
    }[place]


def test_numbers_are_shown_as_people_write_them(box: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "show"]) == 0
    shown = capsys.readouterr().out
    assert "task-minutes = 30\n" in shown
    assert tomllib.loads(shown)["gate"]["timeout"] == 90.5


def test_a_configuration_that_is_edited_and_not_in_force_is_told_of(
    box: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    (box.path / "gitbot.toml").write_text('target = "main"\n')
    assert main(["config", "show"]) == 0
    assert capsys.readouterr().err == "note: gitbot.toml in the work tree is edited; the one on main is in force\n"
