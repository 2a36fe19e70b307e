"""Temporary folders: gone with their owner, and with whoever was killed by the next owner."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from gitbot.repository.temporary import temporary_folder

# Makes a folder, tells of it, and ends by a signal that nobody hears of, or when it is told to.
OWNER = """
import os, sys
from gitbot.repository.temporary import temporary_folder
with temporary_folder() as folder:
    (folder / "scratch").mkdir()
    (folder / "scratch" / "object").write_text("x")
    (folder / "scratch" / "object").chmod(0o444)
    print(folder, flush=True)
    if sys.argv[1] == "killed":
        os.kill(os.getpid(), 9)
    sys.stdin.read()
"""
CROWD = """
import os, sys
from gitbot.repository.temporary import temporary_folder
for _ in range(30):
    with temporary_folder() as folder:
        (folder / "mine").write_text("x")
        assert [path.name for path in folder.iterdir()] == ["mine"]
"""


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


def owner(end: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", OWNER, end], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def test_a_folder_is_gone_after_its_block_whatever_happened_in_it(place: Path) -> None:
    with contextlib.suppress(ZeroDivisionError), temporary_folder() as folder:
        (folder / "file").touch()
        raise ZeroDivisionError
    assert not folder.exists()
    assert list(place.iterdir()) == []


def test_what_the_killed_left_goes_and_what_the_living_and_others_have_stays(place: Path) -> None:
    others = {place / "gitbot-project", place / "gitbot-demo-abcdefgh", place / "gitbot-project.scratch"}
    for other in others:
        other.mkdir()
    (place / "gitbot-abcdefgh.scratch").symlink_to(place / "gitbot-project")
    with owner("killed") as killed:
        left = Path(killed.communicate()[0].strip())
    with owner("told") as living:
        assert living.stdout is not None
        held = Path(living.stdout.readline().strip())
        assert not left.exists()
        with temporary_folder() as mine:
            assert {*place.iterdir()} == {*others, place / "gitbot-abcdefgh.scratch", held, mine}
            assert (held / "scratch" / "object").exists()
        living.communicate("")
    assert not held.exists()


def test_many_owners_at_once_never_take_each_others_folders(place: Path) -> None:
    crowd = [subprocess.Popen([sys.executable, "-c", CROWD], env=dict(os.environ)) for _ in range(6)]
    assert [one.wait() for one in crowd] == [0] * 6
    assert list(place.iterdir()) == []
