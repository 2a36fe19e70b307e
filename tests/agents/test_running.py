"""Commands side by side: real processes, and none of them left."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from gitbot.agents.running import Job, filled, side_by_side
from gitbot.errors import InputError
from gitbot.process import Ended


def job(folder: Path, name: str, script: str, seconds: float = 60) -> Job:
    return Job(name, ("sh", "-c", script), folder, {"PATH": os.environ["PATH"]}, seconds, folder / f"{name}.log")


def run(
    jobs: Sequence[Job], limit: int, is_over: Callable[[], bool] = lambda: False
) -> tuple[list[str], dict[str, Ended]]:
    """The order in which they began, and how each ended."""
    begun: list[str] = []
    ended: dict[str, Ended] = {}
    batches = iter([jobs])
    side_by_side(
        lambda: next(batches, None),
        limit,
        begun=lambda one: begun.append(one.name),
        ended=lambda one, end: ended.__setitem__(one.name, end),
        is_over=is_over,
        every=0.02,
    )
    return begun, ended


def test_all_run_at_most_so_many_at_once_each_with_its_log(tmp_path: Path) -> None:
    counting = "touch on-$$; ls on-* | wc -l; sleep .2; rm on-$$; exit {}"
    begun, ended = run([job(tmp_path, str(number), counting.format(number)) for number in range(5)], 2)
    assert begun == ["0", "1", "2", "3", "4"]
    assert {name: end.status for name, end in ended.items()} == {str(number): number for number in range(5)}
    seen = [int((tmp_path / f"{number}.log").read_text()) for number in range(5)]
    assert max(seen) <= 2


def test_what_takes_too_long_is_ended_and_what_cannot_start_is_told(tmp_path: Path) -> None:
    missing = Job("missing", ("/nowhere/at-all",), tmp_path, {}, 60, tmp_path / "missing.log")
    _, ended = run([job(tmp_path, "long", "sleep 60", seconds=0.3), missing], 2)
    assert ended["long"].timed_out
    assert ended["missing"].error is not None


def test_once_it_is_over_the_others_are_stopped_and_no_more_begin(tmp_path: Path) -> None:
    jobs = [
        job(tmp_path, "first", "touch failed"),
        *(job(tmp_path, f"{n}", f"echo $$ > pid-{n}; sleep 60") for n in range(3)),
    ]
    begun, ended = run(jobs, 3, is_over=lambda: (tmp_path / "failed").exists() and (tmp_path / "pid-1").exists())
    assert len(begun) < 4 or ended["2"].stopped
    assert ended["0"].stopped
    assert ended["1"].stopped
    for path in tmp_path.glob("pid-*"):
        with pytest.raises(ProcessLookupError):
            os.kill(int(path.read_text()), 0)


def test_an_interruption_stops_the_children_and_goes_on_to_the_caller(tmp_path: Path) -> None:
    def interrupted() -> bool:
        if (tmp_path / "pid").exists() and (tmp_path / "pid").read_text():
            raise KeyboardInterrupt
        return False

    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        run([job(tmp_path, "one", "echo $$ > pid; sleep 120")], 1, is_over=interrupted)
    assert time.monotonic() - begun < 60
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_values_are_filled_in_within_their_one_argument_and_never_again() -> None:
    values = {"brief": "do {plan}; $(rm -rf /)", "plan": "a", "brief_file": "/x y/brief.md"}
    command = ("claude", "-p", "{brief}", "--add={brief_file}", "{unknown}")
    assert filled(command, values) == ("claude", "-p", "do {plan}; $(rm -rf /)", "--add=/x y/brief.md", "{unknown}")
    with pytest.raises(InputError, match="too long"):
        filled(("{brief}",), {"brief": "x" * 200_000})
