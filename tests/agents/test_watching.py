"""What the service takes for ready, and what it leaves alone."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from gitbot.agents.watching import Service, look, only_watcher, tried_before
from gitbot.errors import LockedError
from gitbot.journal import attendance, events, pauses
from gitbot.model.git import BranchName
from gitbot.model.run import Run
from gitbot.planset import InForce, in_force
from tests.conftest import Sandbox, SandboxMaker, step

CONFIG = '[gate]\ncommand = "sh gate.sh"\n'
GATE = ["! grep -rl BROKEN *.txt"]
PLAN = "# Agent {0}: work\n- [{1}] {0}.txt: text\n"


@pytest.fixture
def box(sandbox: SandboxMaker) -> Sandbox:
    """`a` has done its plan, `b` has not, `c` says so with a trailer."""
    plans = {f"plans/PLAN-{name}.md": PLAN.format(name, " ") for name in "abc"}
    return sandbox(
        step("main", {"gate.sh": GATE, "gitbot.toml": CONFIG, **plans}, "base"),
        step("agent-a", {"a.txt": "a\n", "plans/PLAN-a.md": PLAN.format("a", "x")}, "feat: a"),
        step("agent-b", {"b.txt": "b\n"}, "feat: b"),
        step("agent-c", {"c.txt": "c\n"}, "feat: c\n\nGitbot-Ready: yes"),
    )


def waits(box: Sandbox, service: Service | None = None) -> dict[str, str | None]:
    tried = service.tried if service is not None else {}
    return {one.branch: one.waits for one in look(box.repository, force(box), tried, time.time())}


def force(box: Sandbox) -> InForce:
    return in_force(box.repository, None, None)


class Bench:
    """A service under test: what it said and what it landed."""

    def __init__(self, box: Sandbox) -> None:
        self.said: list[str] = []
        self.runs: list[Run] = []
        repository = box.repository
        self.service = Service(
            repository,
            lambda: force(box),
            box.env,
            progress=_Quiet(),
            deliver=self.runs.append,
            tell=self.said.append,
            tried=tried_before(repository, force(box).target),
        )

    def round(self) -> dict[str, str] | None:
        run = self.service.round(time.time())
        return None if run is None else {one.branch: str(one.outcome) for one in run.branches}


class _Quiet:
    def __call__(self, happening: object, /) -> None: ...

    def tick(self) -> None: ...


def test_what_says_that_it_is_done_is_ready_and_lands(box: Sandbox) -> None:
    assert waits(box) == {"agent-a": None, "agent-b": "0 of 1 tasks are done", "agent-c": None}
    bench = Bench(box)
    with box.watched():
        assert bench.round() == {"agent-a": "landed", "agent-c": "landed"}
    assert bench.said == ["agent-b waits: 0 of 1 tasks are done"]
    assert bench.round() is None
    assert len(bench.said) == 1, "the same line is not said again"
    events.emit(box.repository, "ready", now=time.time(), actor="b")
    assert bench.round() == {"agent-b": "landed"}
    assert waits(box) == {}


def test_uncommitted_work_is_waited_for(box: Sandbox, tmp_path: Path) -> None:
    box.git("worktree", "add", "-q", str(tmp_path / "tree"), "agent-a")
    (tmp_path / "tree" / "more.txt").write_text("more\n")
    assert waits(box)["agent-a"] == f"uncommitted work in {tmp_path / 'tree'}: more.txt"
    box.git("add", "more.txt", cwd=tmp_path / "tree")
    box.git("commit", "-q", "-m", "more", cwd=tmp_path / "tree")
    assert waits(box)["agent-a"] is None


def test_what_went_back_red_is_not_tested_again_before_it_changes(box: Sandbox, tmp_path: Path) -> None:
    box.git("worktree", "add", "-q", str(tmp_path / "tree"), "agent-a")
    (tmp_path / "tree" / "a.txt").write_text("BROKEN\n")
    box.git("commit", "-q", "-am", "wip", cwd=tmp_path / "tree")
    bench = Bench(box)
    assert bench.round() == {"agent-a": "set-aside", "agent-c": "landed"}
    assert bench.round() is None
    assert Bench(box).round() is None, "nor by a service that was started anew"
    (tmp_path / "tree" / "a.txt").write_text("mended\n")
    box.git("commit", "-q", "-am", "mend", cwd=tmp_path / "tree")
    assert bench.round() == {"agent-a": "landed"}


def test_what_is_red_is_so_for_the_same_target_and_gate_only(box: Sandbox) -> None:
    """The gate's own fault is mended on the target, or in the configuration, and the branch lands as it is."""
    (box.path / "gate.sh").write_text("! test -e a.txt\n")
    box.git("commit", "-q", "-am", "a gate that is wrong")
    bench = Bench(box)
    assert bench.round() == {"agent-a": "set-aside", "agent-c": "landed"}
    assert bench.round() is None
    own = box.path.with_name("own.toml")
    own.write_text('[gate]\ncommand = "test -e a.txt"\n')
    for tried in (bench.service.tried, tried_before(box.repository, force(box).target)):
        for config, is_ready in ((None, False), (str(own), True)):
            seen = look(box.repository, in_force(box.repository, None, config), tried, time.time())
            assert [one.waits is None for one in seen if one.branch == "agent-a"] == [is_ready]
    (box.path / "gate.sh").write_text("true\n")
    box.git("commit", "-q", "-am", "mended")
    assert Bench(box).round() == {"agent-a": "landed"}


def test_a_conflict_is_tried_again_when_the_target_changes(box: Sandbox) -> None:
    box.git("commit", "-q", "--allow-empty", "-m", "other")
    (box.path / "a.txt").write_text("theirs\n")
    box.git("add", "a.txt")
    box.git("commit", "-q", "-m", "theirs")
    bench = Bench(box)
    assert bench.round() == {"agent-a": "set-aside", "agent-c": "landed"}
    assert bench.round() is None
    box.git("rm", "-q", "a.txt")
    box.git("commit", "-q", "-m", "away")
    assert bench.round() == {"agent-a": "landed"}


def test_a_pause_stops_all_but_the_urgent(box: Sandbox) -> None:
    bench = Bench(box)
    assert box.gitbot("watch", "--pause", "a release\x1b[2J").code == 0
    assert bench.round() is None
    assert bench.said[-1] == "paused by Grace Hopper <grace@example.org>: a release[2J"
    assert box.gitbot("watch", "--urgent", "agent-b").code == 0
    assert bench.round() == {"agent-b": "landed"}
    assert bench.round() is None
    assert box.gitbot("watch", "--resume").out.startswith("landing goes on; it was paused by Grace Hopper")
    assert bench.round() == {"agent-a": "landed", "agent-c": "landed"}
    assert pauses.resume(box.repository, time.time()) is None


def test_urgent_is_landed_as_it_is_committed_whoever_still_works_on_it(box: Sandbox, tmp_path: Path) -> None:
    box.git("worktree", "add", "-q", str(tmp_path / "tree"), "agent-b")
    (tmp_path / "tree" / "more.txt").write_text("more\n")
    assert box.gitbot("watch", "--urgent", "agent-b").code == 0
    lock = attendance.attend(box.repository, BranchName("agent-b"))
    assert lock is not None
    try:
        assert Bench(box).round() == {"agent-b": "landed", "agent-a": "landed", "agent-c": "landed"}
    finally:
        os.close(lock)
    assert (tmp_path / "tree" / "more.txt").read_text() == "more\n"


def test_urgent_is_kept_by_name_until_a_run_begins_with_it(box: Sandbox, tmp_path: Path) -> None:
    """Neither a new round nor a new commit makes it forgotten, and one run is all that it asks for."""
    box.git("worktree", "add", "-q", str(tmp_path / "tree"), "agent-b")
    assert box.gitbot("watch", "--urgent", "agent-b").code == 0
    events.emit(box.repository, "round_started", now=time.time())
    (tmp_path / "tree" / "b.txt").write_text("BROKEN\n")
    box.git("commit", "-q", "-am", "later", cwd=tmp_path / "tree")
    assert Bench(box).round() == {"agent-b": "set-aside", "agent-a": "landed", "agent-c": "landed"}
    (tmp_path / "tree" / "b.txt").write_text("mended\n")
    box.git("commit", "-q", "-am", "wip", cwd=tmp_path / "tree")
    assert Bench(box).round() is None
    assert waits(box) == {"agent-b": "0 of 1 tasks are done"}


def test_what_landed_elsewhere_lands_here_too(box: Sandbox) -> None:
    box.git("branch", "develop")
    assert box.gitbot("integrate", "agent-a", "--into", "develop").code == 0
    assert Bench(box).round() == {"agent-a": "landed", "agent-c": "landed"}


def test_what_was_taken_back_long_ago_is_not_landed_again(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gitbot.agents.watching._RECENT", 1)
    assert box.gitbot("integrate", "agent-a").code == 0
    assert box.gitbot("undo", "last").code == 0
    assert box.gitbot("integrate", "agent-c").code == 0
    assert Bench(box).round() is None
    assert waits(box)["agent-a"] == "its landing was taken back (gitbot undo); it is landed again when it changes"
    assert box.gitbot("watch", "--urgent", "agent-a").code == 0
    assert Bench(box).round() == {"agent-a": "landed"}


def test_stuck_that_is_said_after_the_trailer_counts(box: Sandbox) -> None:
    events.emit(box.repository, "stuck", now=1, actor="c", data={"reason": "no key"})
    assert waits(box)["agent-c"] is None
    events.emit(box.repository, "stuck", now=time.time(), actor="c", data={"reason": "no key"})
    assert waits(box)["agent-c"] == "stuck: no key"


def test_a_pause_and_its_end_are_heard_from_other_clones(box: Sandbox, tmp_path: Path) -> None:
    box.git("clone", "-q", "--bare", ".", str(tmp_path / "server"))
    box.git("remote", "add", "origin", str(tmp_path / "server"))
    other = Sandbox(tmp_path / "other", box.env)
    box.git("clone", "-q", str(tmp_path / "server"), str(other.path))
    bench = Bench(box)
    assert other.gitbot("watch", "--pause", "a release").code == 0
    other.git("push", "-q", "origin", "+refs/gitbot/paused")
    assert bench.round() is None
    assert bench.said[-1] == "paused by Grace Hopper <grace@example.org>: a release"
    assert other.gitbot("watch", "--resume").code == 0
    other.git("push", "-q", "origin", "+refs/gitbot/paused")
    assert bench.round() == {"agent-a": "landed", "agent-c": "landed"}


def test_a_pause_of_a_clone_whose_clock_is_ahead_can_be_ended(box: Sandbox) -> None:
    pauses.pause(box.repository, "from the future", time.time() + 90_000)
    assert pauses.resume(box.repository, time.time()) is not None
    assert pauses.read(box.repository) is None


def test_a_remote_that_was_silent_is_given_little_time_for_a_while(
    box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    box.git("clone", "-q", "--bare", ".", str(tmp_path / "server"))
    box.git("branch", "-q", "-D", "agent-b")
    (tmp_path / "slow.sh").write_text(f"sleep 2; exec git-upload-pack {tmp_path / 'server'}\n")
    box.git("remote", "add", "origin", f"ext::sh {tmp_path / 'slow.sh'}")
    box.git("config", "protocol.ext.allow", "always")
    bench, now = Bench(box), time.time()
    monkeypatch.setattr("gitbot.repository.remotes.HASTILY", 0.2)
    for seconds, later, is_there in ((0.2, 0, False), (60, 10, False), (60, 1000, True)):
        monkeypatch.setattr("gitbot.repository.remotes.BRIEFLY", seconds)
        bench.service.round(now + later)
        assert bool(box.git("branch", "--remotes", "--list", "origin/agent-b")) == is_there
    assert [line.partition(":")[0] for line in bench.said if "fetched" in line] == ["origin cannot be fetched"]


def test_the_configuration_is_read_anew(box: Sandbox) -> None:
    bench = Bench(box)
    changed = CONFIG + '[integrate]\nrequire = "approved"\n'
    (box.path / "gitbot.toml").write_text(changed)
    box.git("commit", "-q", "-am", "ask people")
    assert bench.round() == {"agent-a": "waiting", "agent-c": "waiting"}
    assert bench.round() is None
    assert box.gitbot("approve", "agent-a").code == 0
    found = bench.round()
    assert found is not None
    assert found["agent-a"] == "landed"


def test_branches_of_a_remote_are_fetched_and_a_silent_remote_is_told_of(box: Sandbox, tmp_path: Path) -> None:
    box.git("clone", "-q", "--bare", ".", str(tmp_path / "server"))
    other = Sandbox(tmp_path / "other", box.env)
    box.git("clone", "-q", str(tmp_path / "server"), str(other.path))
    other.git("checkout", "-q", "agent-b")
    (other.path / "b.txt").write_text("more\n")
    other.git("commit", "-q", "-am", "feat: more\n\nGitbot-Ready: yes")
    box.git("remote", "add", "origin", str(tmp_path / "server"))
    box.git("branch", "-q", "-D", "agent-b")
    bench = Bench(box)
    assert bench.round() == {"agent-a": "landed", "agent-c": "landed"}
    other.git("push", "-q")
    assert bench.round() == {"origin/agent-b": "landed"}
    (tmp_path / "server").rename(tmp_path / "gone")
    assert bench.round() is None
    assert bench.said[-1].startswith("origin cannot be fetched: ")


def test_there_is_one_service_and_one_look_ends_it(box: Sandbox) -> None:
    with only_watcher(box.repository):
        with pytest.raises(LockedError), only_watcher(box.repository):
            pass
        second = box.gitbot("watch", "--once")
        assert second.code == 4
        assert second.err.startswith("error: another gitbot watch is at work in this repository")
    once = box.gitbot("watch", "--once")
    assert once.code == 0, once.err
    assert "2 of 2 landed on main" in once.out
