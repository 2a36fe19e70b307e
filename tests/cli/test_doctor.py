"""`gitbot doctor`: what is so is said once, what is wrong comes first, and nothing is changed by asking."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from gitbot.cli import main
from gitbot.journal import leases, pauses, runs
from gitbot.journal.runs import Journal
from gitbot.model.git import RefName
from gitbot.model.run import Finished, Request, RunId, Started
from gitbot.monitor.health import Sign, examine
from gitbot.repository import pool, refs
from gitbot.repository.writing import write_blob
from tests.conftest import Sandbox, SandboxMaker, step
from tests.scenarios.beginnings import plan

RUN = RunId("20260101T000000Z-0000")


def signs(box: Sandbox) -> dict[str, list[Sign]]:
    """What is found, by what it is about; asking changes not one byte."""
    found: dict[str, list[Sign]] = {}
    with box.watched(dry=True):
        for sign in examine(box.repository, box.env, time.time()):
            found.setdefault(sign.about, []).append(sign)
    return found


def state(box: Sandbox, about: str) -> list[str]:
    return [sign.state for sign in signs(box).get(about, [])]


@pytest.fixture
def box(sandbox: SandboxMaker) -> Sandbox:
    return sandbox(step("main", {"a.txt": "1\n"}))


def test_a_repository_without_any_set_up_is_well(
    box: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(box.path)
    with box.watched(dry=True):
        assert main(["doctor"]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if "ok       git " not in line]
    assert lines == [
        'note     gate       no command, so that nothing can be tested; gitbot init guesses one, or --gate "…"',
        "note     plans      none in plans: no file has an owner; see docs/plans.md",
        f"note     hook       pre-push does not fire in {box.path}: "
        f"there is no {box.path}/.git/hooks/pre-push; gitbot hook install",
        "ok       identity   Grace Hopper <grace@example.org>",
        "ok       target     main; configuration: none, the defaults are in force",
        "ok       isolation  process",
        "ok       runs       0 recorded, none is open",
        "ok       locks      none was left behind",
        "ok       record     refs/gitbot: 0 references, 0.0 MB that no branch has",
    ]


def test_what_is_set_up_and_works_is_said_to_be_so(sandbox: SandboxMaker) -> None:
    settings = (
        '[gate]\ncommand = "cd . && sh gate.sh"\nsetup = ["sh", "-c", "true"]\n[gates.own]\ncommand = "./own"\n'
    )
    box = sandbox(step("main", {"gitbot.toml": settings, "plans/a.md": plan("a", "src/**")}))
    assert box.gitbot("hook", "install").code == 0
    found = signs(box)
    assert {sign.state for some in found.values() for sign in some} == {"ok"}
    assert found.keys() == {
        *("git", "identity", "target", "gate", "isolation", "plans", "hook", "runs", "locks", "record")
    }
    assert [sign.text for sign in found["gate"]] == [
        "gate.setup: sh -c true",
        "gate.command: cd . && sh gate.sh",
        "gates.own.command: ./own",
    ]


def test_problems_are_told_first_and_leave_with_1(
    sandbox: SandboxMaker, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = '[gate]\ncommand = "no-such-program --all"\nisolation = "no-such-wall {command}"\n'
    box = sandbox(step("main", {"gitbot.toml": settings, "plans/a.md": "---\nplan: [\n---\n"}))
    monkeypatch.chdir(box.path)
    assert main(["doctor", "--format", "json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert (document["schema"], document["verdict"]) == ("gitbot.doctor/1", "problem")
    states = [check["state"] for check in document["checks"]]
    assert states == sorted(states, key=["problem", "note", "ok"].index)
    assert {check["about"] for check in document["checks"] if check["state"] == "problem"} == {"isolation", "plans"}


def test_a_program_that_is_not_on_path_is_a_problem_and_a_shells_own_command_none(sandbox: SandboxMaker) -> None:
    settings = (
        '[gate]\ncommand = ["no-such-program", "x"]\nsetup = "X=1 Y= no-such"\n[gates.b]\ncommand = "test -f a"\n'
    )
    settings += '[gates.c]\ncommand = "PATH=bin no-such"\n[gates.d]\ncommand = "X=$(git no-such) test -f a"\n'
    found = signs(sandbox(step("main", {"gitbot.toml": settings})))["gate"]
    assert [sign.text for sign in found if sign.state != "ok"] == [
        "gate.setup: no-such was not found on PATH",
        "gate.command: no-such-program was not found on PATH",
    ]


@pytest.mark.parametrize("settings", ["target = [", 'target = "nowhere"', "unknown = 1"])
def test_a_configuration_that_is_broken_hides_nothing_else(sandbox: SandboxMaker, settings: str) -> None:
    found = signs(sandbox(step("main", {"gitbot.toml": settings})))
    assert [sign.state for sign in found["target"]] == ["problem"]
    assert "hook" in found
    assert "record" in found


def test_without_an_identity_and_without_a_commit_both_are_problems(sandbox: SandboxMaker, tmp_path: Path) -> None:
    box = sandbox()
    env = {**box.env, "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "EMAIL": ""}
    box.git("config", "user.useConfigOnly", "true")
    for key in ("user.name", "user.email"):
        box.git("config", "--unset", key, check=False)
    found = {sign.about: sign.state for sign in examine(Sandbox(box.path, env).repository, env, time.time())}
    assert (found["identity"], found["target"]) == ("problem", "problem")


def test_a_hook_that_fires_in_one_work_tree_only_is_a_problem(box: Sandbox, tmp_path: Path) -> None:
    box.git("worktree", "add", "-q", "-b", "agent-a", str(tmp_path / "agent-a"))
    assert state(box, "hook") == ["note"]
    assert box.gitbot("hook", "install").code == 0
    assert state(box, "hook") == ["ok"]
    box.git("config", "extensions.worktreeConfig", "true")
    box.git("config", "--worktree", "core.hooksPath", str(tmp_path), cwd=tmp_path / "agent-a")
    assert sorted(state(box, "hook")) == ["ok", "problem"]


def test_a_run_that_was_broken_off_is_a_problem_until_it_has_ended(box: Sandbox) -> None:
    repository = box.repository
    clone, request = runs.mark_clone(repository), Request(names=("agent-a",), target=RefName("refs/heads/main"))
    before = box.tip("main")
    journal = Journal(repository, RUN)
    journal.append(
        Started(
            run=RUN, time=1, request=request, before=before, identity=("G", "g@x"), entries=(), config={}, clone=clone
        )
    )
    [sign] = signs(box)["runs"]
    assert (sign.state, sign.text) == ("problem", f"{RUN} was broken off")
    journal.append(Finished(time=2, state="done", after=None))
    assert [sign.text for sign in signs(box)["runs"]] == ["1 recorded, none is open"]


def test_records_that_cannot_be_read_are_problems_with_a_way_to_drop_them(box: Sandbox) -> None:
    repository = box.repository
    junk = write_blob(repository, b"junk\x1b[31m")
    assert refs.append(repository, leases.TABLE, before=None, after=junk)
    box.git("update-ref", runs.ref_of(RUN), box.git("rev-parse", "main^{tree}"))
    found = signs(box)
    assert [sign.state for sign in found["leases"]] == ["problem"]
    assert [sign.hint for sign in found["runs"] if sign.state == "problem"] == [
        f"to drop it: git update-ref -d {runs.ref_of(RUN)}"
    ]


def test_a_reference_to_what_is_gone_is_a_problem_and_no_crash(box: Sandbox) -> None:
    path = box.path / ".git" / "refs" / "gitbot" / "pin"
    path.parent.mkdir()
    path.write_text(f"{'1' * 40}\n")
    found = [sign for sign in examine(box.repository, box.env, time.time()) if sign.about == "record"]
    assert [sign.state for sign in found] == ["problem"]


def test_what_killed_processes_left_is_named(box: Sandbox) -> None:
    git = box.path / ".git"
    for name, age in (("index.lock", 3600), ("refs/heads/main.lock", 3600), ("HEAD.lock", 0)):
        (git / name).touch()
        os.utime(git / name, (time.time() - age,) * 2)
    (git / "gitbot" / "scratch").mkdir(parents=True)
    found = [
        (sign.state, sign.text) for sign in examine(box.repository, box.env, time.time()) if sign.about == "locks"
    ]
    assert found == [
        ("problem", f"{git}/index.lock has been there for 60 min"),
        ("problem", f"{git}/refs/heads/main.lock has been there for 60 min"),
        ("note", f"{git}/gitbot/scratch was left by a run that was killed"),
    ]


def test_a_pause_and_leases_are_noted_and_say_who(box: Sandbox) -> None:
    repository, now = box.repository, time.time()
    pauses.pause(repository, "release\x1b[31m week", now)
    assert leases.claim(repository, ["src/**"], "agent-a", seconds=600, now=now)
    assert leases.claim(repository, ["docs/**"], "agent-b", seconds=60, now=now - 3600)
    assert leases.claim(repository, ["web/**"], "agent-c", seconds=600, now=now)
    found = signs(box)
    assert [sign.text for sign in found["pause"]] == [
        "landing is paused by Grace Hopper <grace@example.org>: release[31m week"
    ]
    assert [(sign.state, sign.text) for sign in found["leases"]] == [
        ("note", "2 in force (src/** by agent-a, web/** by agent-c), 0 over")
    ]


def test_what_is_kept_for_too_long_is_noted_and_checkouts_are_measured(box: Sandbox) -> None:
    tree = box.git("rev-parse", "main^{tree}")
    for name in ("pin/20200101T000000Z-abcd/001", "backup/20200101T000000Z-abcd/001", "result/abc", "pin/odd"):
        box.git("update-ref", f"refs/gitbot/{name}", tree)
    folder = pool.cache_folder(box.repository)
    folder.mkdir(parents=True)
    (folder / "file").write_bytes(b"x" * 300_000)
    found = signs(box)
    assert [sign.text for sign in found["record"]] == [
        "pins, backups and results older than 14 days: 3",
        "refs/gitbot: 4 references, 0.0 MB that no branch has",
    ]
    assert [sign.text for sign in found["checkouts"]] == [f"{folder}: 0.3 MB"]


def test_outside_of_a_repository_it_is_bad_usage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["doctor"]) == 2
