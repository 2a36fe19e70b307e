"""A few episodes of the soak, which `python -m tests.faults.soak` makes longer, and full disks."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.faults.soak import episode


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_run_that_is_killed_again_and_again_ends_as_one_left_alone(
    tmp_path: Path, sealed_env: Mapping[str, str], jobs: int
) -> None:
    tally = episode(jobs, tmp_path / "episode", sealed_env, jobs=jobs, kills=3)
    assert tally.wrong == []
    assert tally.counts["kills"] > 0


def test_a_full_disk_stops_a_run_with_exit_4_and_the_same_command_goes_on(
    tmp_path: Path, sealed_env: Mapping[str, str]
) -> None:
    """On a small file system of its own, in a mount namespace that takes it away again."""
    mounted = 'mount -t tmpfs -o size=4m tmpfs "$1" && exec "$0" -m tests.faults.full_disk "$1"'
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", mounted, sys.executable, str(tmp_path)],
        cwd=ROOT,
        env=sealed_env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
