"""The door: help, versions, exit codes, and how bugs and broken pipes leave."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from gitbot import __version__
from gitbot.cli import console, main
from tests.conftest import Sandbox, SandboxMaker, step


@pytest.fixture
def box(sandbox: SandboxMaker) -> Sandbox:
    return sandbox(step("main", {"a.txt": "1\n"}), step("agent-a", {"x.txt": "x\n"}))


def test_help_shows_the_five_of_the_first_day_before_the_rest(box: Sandbox) -> None:
    ran = box.gitbot("--help")
    assert ran.code == 0
    first, _, more = ran.out.partition("More:")
    listed = [line.split()[0] for line in first.partition("Commands:")[2].splitlines() if line.strip()]
    assert listed == ["status", "check", "integrate", "undo", "demo"]
    assert "runs" in more


def test_the_version_is_the_packages(box: Sandbox) -> None:
    assert box.gitbot("--version").out == f"gitbot, version {__version__}\n"


def test_without_a_command_it_shows_the_help_and_leaves_with_2(box: Sandbox) -> None:
    ran = box.gitbot()
    assert (ran.code, ran.out) == (2, "")
    assert "integrate" in ran.err


def test_an_unknown_command_is_bad_usage(box: Sandbox) -> None:
    ran = box.gitbot("frobnicate")
    assert ran.code == 2
    assert ran.err == "error: no such command: frobnicate\nhint: gitbot --help lists the commands\n"
    assert box.gitbot("chekc").err == "error: no such command: chekc\nhint: did you mean `gitbot check`?\n"


def test_minus_c_works_as_gits_does(box: Sandbox, tmp_path: Path) -> None:
    (box.path / "sub").mkdir()
    ran = box.gitbot("-C", str(box.path), "-C", "sub", "integrate", "agent-a", "--no-gate", cwd=tmp_path)
    assert ran.code == 0, ran.err
    assert box.gitbot("-C", "nowhere", "status").err == "error: -C nowhere: No such file or directory\n"


@pytest.mark.parametrize(
    "words", [("integrate", "agent-a", "--no-gate"), ("guard", "a.txt"), ("demo", "--keep", "x")]
)
def test_a_current_folder_that_is_gone_is_bad_usage_and_another_can_be_named(
    box: Sandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert main(words) == 2
    way_out = "go to one that is, or name the repository: gitbot -C PATH …"
    assert capsys.readouterr().err == f"error: the current folder is no longer there\nhint: {way_out}\n"
    assert main(("-C", str(box.path), "runs")) == 0


def test_a_reader_that_went_away_hears_no_complaint(box: Sandbox) -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "gitbot", "--help"], cwd=box.path, env=box.env, stdout=write, stderr=subprocess.PIPE,
        check=False,
    )  # fmt: skip
    os.close(write)
    assert done.stderr == b""


def test_a_bug_leaves_one_line_and_a_crash_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert console.crash(RuntimeError("boom \x1b[31m")) == 70
    [line] = capsys.readouterr().err.splitlines()
    [file] = (tmp_path / "gitbot").glob("crash-*.txt")
    assert str(file) in line
    assert __version__ in file.read_text()
    assert "boom" in file.read_text()


def test_an_error_in_our_own_words_never_shows_a_traceback(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["status"]) == 2
    assert capsys.readouterr().err.splitlines()[0] == f"error: {tmp_path} is not inside a git repository"


def test_init_writes_what_the_repository_suggests_and_never_overwrites(sandbox: SandboxMaker) -> None:
    box = sandbox(step("main", {"package.json": "{}\n", "package-lock.json": "{}\n", "CHANGELOG.md": "# Log\n"}))
    with box.watched():
        assert box.gitbot("init", cwd=box.path).code == 0
        written = (box.path / "gitbot.toml").read_text()
        assert box.gitbot("init").code == 4
        assert (box.path / "gitbot.toml").read_text() == written
        (box.path / "gitbot.toml").unlink()
    table = tomllib.loads(written)
    assert table["gate"]["command"] == "npm test"
    assert (table["target"], table["additive"]) == ("main", ["CHANGELOG.md"])
    assert set(table["shared"]) == {"package.json", "package-lock.json"}


def test_init_guesses_plain_unittest_where_there_is_only_a_folder_of_tests(sandbox: SandboxMaker) -> None:
    """What it guesses is a gate that passes there."""
    test = "import unittest\n\n\nclass T(unittest.TestCase):\n    def test_it(self):\n        import shop\n"
    box = sandbox(step("main", {"shop.py": "", "tests/test_shop.py": test}), step("agent-a", {"x.txt": "x\n"}))
    ran = box.gitbot("init")
    assert (ran.code, ran.out) == (0, f"wrote {box.path / 'gitbot.toml'}\n")
    assert ran.err.splitlines()[0] == "the gate is a guess: python3 -m unittest discover -s tests"
    landed = box.gitbot("integrate", "agent-a", "--format", "json")
    assert landed.outcomes == {"agent-a": "landed by rebase"}, landed.err


def test_what_init_wrote_is_in_force_at_once(box: Sandbox) -> None:
    (box.path / "Makefile").write_text("test:\n\ttrue\n")
    assert box.gitbot("init").code == 0
    assert box.gitbot("integrate", "agent-a", "--dry-run").code == 0


def test_the_text_report_is_one_screen(box: Sandbox) -> None:
    ran = box.gitbot("integrate", "agent-a", "--no-gate")
    run = box.gitbot("runs", "--format", "json").document["runs"][0]
    assert ran.out.splitlines() == [
        f"1 of 1 landed on main, {run['before'][:7]} → {run['after'][:7]}",
        "",
        "+ agent-a  landed by rebase",
        "    1 commit, clean and linear",
        "",
        "gate   none (--no-gate): nothing was tested",
        f"proof  nothing is missing; patches: 1 same; tips in refs/gitbot/backup/{run['run']}/",
        f"undo   gitbot undo {run['run']}",
    ]


def test_a_stream_that_knows_no_signs_of_ours_gets_plain_ones(sandbox: SandboxMaker) -> None:
    box = sandbox(
        step("main", {"a.txt": "1\n"}), *(step(f"agent-{one}", {"a.txt": one}, start="main") for one in ("a", "ü"))
    )
    for words in (("--graph",), ()):
        ran = box.gitbot("status", "agent-*", *words, env={"PYTHONIOENCODING": "ascii", "COLUMNS": "60"})
        assert (ran.code, ran.err) == (0, "")
        assert "agent-?" in ran.out
        assert ("+-* agent-a" in ran.out and "x agent-?" in ran.out) if words else "agent-a x agent-?" in ran.out
