"""What an old pass has to have in common to count again, beside the tree: included files, variables, programs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from gitbot.config import Gate
from gitbot.gate.surroundings import surroundings
from gitbot.model.gate import GateStep

RUN = (GateStep("gate", "check --all", "", 60),)


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("check", "python3", "unrelated"):
        (folder / name).write_text("#!/bin/sh\n")
        (folder / name).chmod(0o755)
    return folder


def told(main: Path | None, programs: Path, config: Gate, env: Mapping[str, str] | None = None) -> str:
    return surroundings(config, RUN, main, {"PATH": str(programs), **(env or {})})


def test_an_included_file_counts_by_its_contents_and_not_by_its_time(tmp_path: Path, programs: Path) -> None:
    config = Gate(include=(".env.test", "data", "missing"))
    (tmp_path / "data").mkdir()
    seen = [told(tmp_path, programs, config)]
    for name, text in ((".env.test", "A=1\n"), (".env.test", "A=2\n"), ("data/x", "1\n")):
        (tmp_path / name).write_text(text)
        seen.append(told(tmp_path, programs, config))
    (tmp_path / "data" / "link").symlink_to("x")
    seen.append(told(tmp_path, programs, config))
    (tmp_path / "data" / "x").chmod(0o755)
    seen.append(told(tmp_path, programs, config))
    (tmp_path / "elsewhere").write_text("1\n")
    (tmp_path / "data" / "far").symlink_to("../elsewhere")
    seen.append(told(tmp_path, programs, config))
    (tmp_path / "elsewhere").write_text("2\n")
    seen.append(told(tmp_path, programs, config))
    assert len(set(seen)) == len(seen)
    os.utime(tmp_path / ".env.test", (0, 0))
    (tmp_path / "other").write_text("x\n")
    assert told(tmp_path, programs, config) == seen[-1]


def test_a_plain_variable_counts_and_the_machines_own_noise_does_not(programs: Path) -> None:
    """What cannot reach the tests does not either; nor does any of them where other machines' results are trusted."""
    known = told(None, programs, Gate(), {"TZ": "UTC"})
    assert told(None, programs, Gate(), {"TZ": "Asia/Tokyo"}) != known
    assert told(None, programs, Gate(), {"TZ": "UTC", "DATABASE_URL": "sqlite:"}) != known
    elsewhere = (
        "HOME",
        "PWD",
        "TMPDIR",
        "TERM",
        "SSH_TTY",
        "XDG_SESSION_ID",
        "GITHUB_RUN_ID",
        "TERM_SESSION_ID",
        "CI",
    )
    unseen = ("API_TOKEN", "GIT_DIR", "PYTHONPYCACHEPREFIX")
    assert told(None, programs, Gate(), {"TZ": "UTC", **dict.fromkeys((*elsewhere, *unseen), "other")}) == known
    trusting = Gate(trust_remote=True)
    assert told(None, programs, trusting, {"TZ": "UTC"}) == told(None, programs, trusting, {"TZ": "Asia/Tokyo"})


def test_of_the_environment_count_the_variables_that_are_passed(programs: Path) -> None:
    config = Gate(pass_=("DB",))
    known = told(None, programs, config, {"DB": "one", "WINDOWID": "1"})
    assert told(None, programs, config, {"DB": "one", "WINDOWID": "2"}) == known
    assert told(None, programs, config, {"DB": "two", "WINDOWID": "1"}) != known
    assert told(None, programs, config) != known


@pytest.mark.parametrize("name", ["check", "python3"])
def test_another_program_of_a_name_that_runs_tests_is_another_result(
    tmp_path: Path, programs: Path, name: str
) -> None:
    config, trusting = Gate(), Gate(trust_remote=True)
    known, shared = told(None, programs, config), told(None, programs, trusting)
    (programs / "unrelated").write_text("#!/bin/sh\nexit 0\n")
    assert told(None, programs, config) == known
    (programs / name).write_text("#!/bin/sh\nexit 0\n")
    assert told(None, programs, config) != known
    assert told(None, programs, trusting) == shared
