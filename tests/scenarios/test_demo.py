"""`gitbot demo` keeps what it says, on a machine where git knows nobody, and its last lines can be typed."""

from __future__ import annotations

import fcntl
import os
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from tests.conftest import ROOT, Ran, Sandbox


@pytest.fixture
def stranger(tmp_path: Path, sealed_env: dict[str, str]) -> Sandbox:
    """A home without any git configuration; `path` is a folder that is no repository."""
    home = tmp_path / "home"
    home.mkdir()
    env = sealed_env | {"HOME": str(home), "XDG_CACHE_HOME": str(home / "cache"), "TMPDIR": str(home)}
    return Sandbox(home, env | {"XDG_CONFIG_HOME": str(home / "config")})


def demo(stranger: Sandbox, folder: Path) -> Ran:
    return stranger.gitbot("demo", "--keep", str(folder))


def test_the_demo_is_killed_goes_on_and_proves_what_it_says_and_its_last_lines_undo_it(
    stranger: Sandbox, tmp_path: Path
) -> None:
    kept = tmp_path / "kept it here"
    ran = demo(stranger, kept)
    lines = ran.out.splitlines()
    assert (ran.code, ran.err) == (0, "")
    for line in (
        "error: catalog and theme: both write it: shelf/layout.py [overlap]",
        "(killed by SIGKILL while the tests ran; the same command goes on from there:)",
        "! agent-stats  set-aside: gate with agent-catalog",
        "+ agent-upload  landed by squash",
        "+ agent-list  landed by accept-both",
        "! agent-theme  set-aside: conflict with agent-catalog",
        "main was never red: each of the 4 commits it was at, tested again by itself",
        "untouched: README.md and ideas.txt (not committed), and every agent's branch",
    ):
        assert line in lines
    assert len(lines) <= 57
    box = Sandbox(kept, stranger.env)
    both_registrations_are_kept_and_twelve_commits_landed_as_one(box)
    at = lines.index(f"  cd '{kept}'")
    assert box.git("rev-list", "--count", "main") != "1"
    typed = "\n".join(lines[at : at + 2])
    subprocess.run(["sh", "-euc", typed], cwd=stranger.path, env=dict(stranger.env), check=True, capture_output=True)
    assert box.git("rev-list", "--count", "main") == "1"
    assert box.git("status", "--porcelain") == "M README.md\n?? ideas.txt"


def both_registrations_are_kept_and_twelve_commits_landed_as_one(box: Sandbox) -> None:
    registry = box.show("main", "shelf/registry.py")
    assert '"login": "shelf.auth"' in registry
    assert '"list": "shelf.listing"' in registry
    assert box.git("rev-list", "--count", "main..agent-upload") == "12"
    assert box.git("log", "--format=%s", "main").splitlines().count("feat: upload a file") == 1
    assert "wip" not in box.git("log", "--first-parent", "--format=%s", "main")


def test_without_keep_it_stays_in_a_temporary_folder_and_on_a_terminal_only_paths_are_wider_than_it(
    stranger: Sandbox,
) -> None:
    said = on_terminal(80, [sys.executable, "-m", "gitbot", "demo"], stranger)
    lines = said.splitlines()
    wide = [line for line in lines if len(line) > 80]
    assert [line for line in wide if len(line.split()) > 2] == []
    assert "killed by SIGKILL" in said
    assert "may be deleted" in said
    folder = next(path for path in map(Path, lines) if path.parent == stranger.path.resolve())
    assert (folder / "shelf" / "registry.py").exists()


def on_terminal(columns: int, command: list[str], person: Sandbox) -> str:
    """What a command writes to a terminal of that width."""
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    said = b""
    with subprocess.Popen(command, cwd=person.path, env=person.env, stdin=theirs, stdout=theirs, stderr=theirs):
        os.close(theirs)
        try:
            while part := os.read(ours, 65536):
                said += part
        except OSError:  # Linux says EIO when the last writer is gone
            pass
    os.close(ours)
    return said.decode()


def test_a_folder_that_holds_something_is_left_alone(stranger: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("mine")
    ran = demo(stranger, tmp_path / "full")
    assert (ran.code, ran.out) == (4, "")
    assert "is not empty" in ran.err
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["mine"]


def test_a_place_that_cannot_be_a_folder_is_bad_input(stranger: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert demo(stranger, tmp_path / "file" / "inside").code == 2


def test_the_recipe_of_the_demo_is_part_of_the_wheel() -> None:
    assert '"fixtures/repos/demo.toml" = "gitbot/demo.toml"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
