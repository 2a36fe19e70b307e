"""A few short stories of the state machine, which `python -m tests.faults.machine` makes more and longer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.faults.machine import play


def test_whatever_happens_between_runs_main_stays_green_and_all_that_can_land_lands(
    tmp_path: Path, sealed_env: Mapping[str, str]
) -> None:
    play(tmp_path, sealed_env, examples=3, steps=6, jobs=1, random=False)
