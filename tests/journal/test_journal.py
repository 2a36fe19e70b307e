"""What must last: records, files, pins and results, all as blobs and trees."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from gitbot.errors import DamagedRecordError, GitError, LockedError
from gitbot.journal import pins, results, runs
from gitbot.journal.lock import only_writer
from gitbot.journal.runs import Journal
from gitbot.model.git import Oid, RefName
from gitbot.model.run import Moved, Record, Request, RunId, Started
from tests.conftest import ROOT, Sandbox, SandboxMaker, step

RUN = RunId("20260101T000000Z-0000")
PIN = RefName(f"refs/gitbot/pin/{RUN}/001")


@pytest.fixture
def box(sandbox: SandboxMaker) -> Sandbox:
    return sandbox(
        step("main", {"a": "1\n"}),
        step("agent-a", {"a": "2\n"}, "first"),
        step("agent-a", {"b": "2\n"}, "second\n\nwith a body"),
    )


def started(box: Sandbox) -> Started:
    request = Request(names=("agent-a",), target=RefName("refs/heads/main"))
    return Started(
        run=RUN,
        time=1.0,
        request=request,
        before=box.tip("main"),
        identity=("G", "g@x"),
        entries=(),
        config={},
        clone=runs.mark_clone(box.repository),
    )


def test_records_come_back_as_they_were_written_and_in_their_order(box: Sandbox) -> None:
    journal = Journal(box.repository, RUN)
    written: list[Record] = [started(box), *(Moved(before=Oid(f"{n:040d}"), after=Oid("1" * 40)) for n in range(250))]
    for record in written:
        journal.append(record)
    assert list(runs.read(box.repository, RUN)) == written
    assert Journal(box.repository, RUN).records == written


def test_files_are_kept_with_the_record_and_as_a_copy_to_open(box: Sandbox) -> None:
    journal = Journal(box.repository, RUN)
    journal.append(started(box), {"retry-001.md": b"brief\xff"})
    copy = runs.file_path(box.repository, RUN, "retry-001.md")
    assert copy.read_bytes() == b"brief\xff"
    assert dict(Journal(box.repository, RUN).files()) == {"retry-001.md": b"brief\xff"}


def test_two_writers_of_one_journal_are_noticed(box: Sandbox) -> None:
    first, second = Journal(box.repository, RUN), Journal(box.repository, RUN)
    first.append(started(box))
    with pytest.raises(GitError):
        second.append(started(box))


def test_a_damaged_record_is_an_error_and_no_crash(box: Sandbox) -> None:
    lib = box.repository.lib
    inner, mode = lib.create_blob(b"{}"), 0o100644
    for name in ("000000", "0000", "records"):
        builder = lib.TreeBuilder()
        builder.insert(name, inner, mode)
        inner, mode = builder.write(), 0o040000
    box.git("update-ref", runs.ref_of(RUN), str(inner))
    with pytest.raises(DamagedRecordError):
        runs.read(box.repository, RUN)
    assert runs.latest(box.repository) is None
    assert box.gitbot("integrate", "agent-a", "--gate", "true").code == 0
    assert "cannot be read" in box.gitbot("runs").err


def test_a_run_of_the_same_second_or_of_an_earlier_clock_is_still_the_latest(box: Sandbox) -> None:
    now = 1_900_000_000.5
    for clock in (now, now, now, now - 3600, now + 1):
        run = runs.fresh_id(box.repository, clock)
        Journal(box.repository, run).append(started(box))
        assert runs.latest(box.repository) == run
    assert [run.partition("-")[0] for run in runs.runs(box.repository)] == [
        f"20300317T1746{second}Z" for second in (40, 41, 42, 43, 44)
    ]


def test_the_latest_run_is_the_newest_one(box: Sandbox) -> None:
    assert runs.latest(box.repository) is None
    for run in (RUN, RunId("20300101T000000Z-0000"), RunId("20200101T000000Z-ffff")):
        Journal(box.repository, run).append(started(box))
    assert runs.latest(box.repository) == "20300101T000000Z-0000"


def test_a_run_to_which_another_clone_has_added_is_no_longer_ones_own(box: Sandbox, tmp_path: Path) -> None:
    """It can be read, but neither is it gone on with nor has anything landed on its word."""
    Journal(box.repository, RUN).append(started(box))
    assert runs.latest(box.repository) == RUN
    box.git("clone", "-q", ".", str(tmp_path / "other"))
    other = Sandbox(tmp_path / "other", box.env)
    other.git("fetch", "-q", "origin", "refs/gitbot/*:refs/gitbot/*")
    assert runs.latest(other.repository) is None
    added = Moved(before=Oid("0" * 40), after=Oid("1" * 40))
    Journal(other.repository, RUN).append(added)
    box.git("fetch", "-q", str(other.path), "+refs/gitbot/*:refs/gitbot/*")
    assert runs.read(box.repository, RUN)[1:] == (added,)
    assert runs.latest(box.repository) is None


def test_a_copied_or_moved_repository_keeps_its_runs_and_a_copy_has_no_part_in_later_ones(
    box: Sandbox, tmp_path: Path
) -> None:
    Journal(box.repository, RUN).append(started(box))
    shutil.copytree(box.path, tmp_path / "copy", symlinks=True)
    copy = Sandbox(tmp_path / "copy", box.env)
    assert runs.latest(copy.repository) == RUN
    later = RunId("20990101T000000Z-0000")
    Journal(box.repository, later).append(msgspec.structs.replace(started(box), run=later, time=time.time() + 60))
    for _ in range(2):  # before it has recorded anything itself, and after
        copy.git("fetch", "-q", str(box.path), "+refs/gitbot/runs/*:refs/gitbot/runs/*")
        assert runs.latest(copy.repository) == RUN
        runs.mark_clone(copy.repository)
    theirs = RunId("20980101T000000Z-0000")
    Journal(copy.repository, theirs).append(msgspec.structs.replace(started(copy), run=theirs))
    assert runs.latest(copy.repository) == theirs
    box.git("fetch", "-q", str(copy.path), "+refs/gitbot/runs/*:refs/gitbot/runs/*")
    assert runs.latest(box.repository) == later
    box.path.rename(tmp_path / "moved")
    assert runs.latest(Sandbox(tmp_path / "moved", box.env).repository) == later


def test_a_pinned_branch_outlives_its_deletion_and_comes_back_commit_for_commit(box: Sandbox) -> None:
    tip = box.tip("agent-a")
    before = box.git("log", "--all", "--format=%H")
    pins.pin(box.repository, PIN, tip, box.tip("main"))
    assert box.git("log", "--all", "--format=%H") == before
    box.git("branch", "-q", "-D", "agent-a")
    box.git("gc", "-q", "--prune=now")
    assert box.repository.resolve(tip) is None
    assert pins.restore(box.repository, PIN) == tip
    assert box.git("log", "-1", "--format=%B", tip) == "second\n\nwith a body"
    assert box.git("fsck", "--no-dangling") == ""


def test_pins_and_results_are_let_go_after_two_weeks(box: Sandbox) -> None:
    pins.pin(box.repository, PIN, box.tip("agent-a"), box.tip("main"))
    begun = pins.run_time(RUN)
    assert begun is not None
    pins.let_go(box.repository, "refs/gitbot/pin/", begun + 13 * 86400)
    pins.let_go(box.repository, "refs/gitbot/pin/", begun + 15 * 86400, spared=RUN)
    assert box.git("for-each-ref", "refs/gitbot/pin") != ""
    pins.let_go(box.repository, "refs/gitbot/pin/", begun + 15 * 86400)
    assert box.git("for-each-ref", "refs/gitbot/pin") == ""
    assert pins.run_time("no-run") is None


def test_the_lock_is_free_again_however_its_holder_died(box: Sandbox, tmp_path: Path) -> None:
    hold = (
        "import os, sys, pathlib\n"
        "from gitbot.journal.lock import only_writer\n"
        "from gitbot.repository import open_repository\n"
        "with only_writer(open_repository(pathlib.Path(sys.argv[1]), os.environ)):\n"
        "    print('held', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", hold, str(box.path)],
        env={**box.env, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    with pytest.raises(LockedError, match=str(holder.pid)), only_writer(box.repository):
        pass
    holder.kill()
    holder.communicate()
    with only_writer(box.repository):
        pass


@pytest.mark.parametrize("kind", ["blob", "tree"])
def test_a_damaged_gate_result_says_nothing_and_stops_nobody(box: Sandbox, kind: str) -> None:
    lib = box.repository.lib
    blob = lib.create_blob(b"rubbish")
    builder = lib.TreeBuilder()
    builder.insert("0000.json", blob, 0o100644)
    box.git("update-ref", results.PREFIX + "0" * 40, str(blob if kind == "blob" else builder.write()))
    assert box.integrate("agent-a", gate="true").outcomes == {"agent-a": "landed by rebase"}
