"""Runs of the gate on real checkouts: what they see, what is remembered, and every way in which they can end."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from gitbot import gate
from gitbot.config import Gate
from gitbot.errors import InputError
from gitbot.gate import GateJob, GateOutcome, lacking, must_be_possible
from gitbot.model.gate import GateStep, GateVerdict
from gitbot.model.git import Oid
from gitbot.process import Stop
from gitbot.repository.pool import Origin
from tests.conftest import ROOT, Sandbox, SandboxMaker, step
from tests.gate.test_steps import configured


@pytest.fixture
def box(sandbox: SandboxMaker) -> Sandbox:
    ignored = "cache/\nsecret.env\n.venv/\n__pycache__/\nbuild/\n"
    return sandbox(
        step("main", {"a": "1\n", "uv.lock": "1\n", ".gitignore": ignored, "kept/tracked": "1\n"}),
        step("code", {"a": "2\n"}, start="main"),
        step("locked", {"uv.lock": "2\n"}, start="main"),
    )


def job(box: Sandbox, name: str = "main", *commands: str, gate: Gate | None = None, **more: object) -> GateJob:
    repository = box.repository
    names = ["gate", "second", "third"]
    made = GateJob(
        commit=box.tip(name),
        steps=tuple(GateStep(named, command, "", 60) for named, command in zip(names, commands, strict=False)),
        gate=gate or Gate(),
        seconds=60,
        origin=Origin(repository.common, repository.env, (repository.common / "objects",)),
        folder=box.path.parent / "pool",
        env={**box.env, "WHERE": str(box.path.parent)},
        main=box.path,
    )
    return replace(made, **more)  # type: ignore[arg-type]


def test_the_first_gate_that_does_not_pass_decides_and_the_later_ones_are_not_run(box: Sandbox) -> None:
    said = gate.run(
        job(box, "main", "echo '2 passed in 0.1s'", "echo '1 failed in 0.1s'; exit 1", "touch $WHERE/ran")
    )
    assert (said.judgement.verdict, said.gate, said.judgement.tests) == (GateVerdict.FAILED, "second", 3)
    assert not (box.path.parent / "ran").exists()
    assert said.log == b"gitbot: gate gate\n2 passed in 0.1s\ngitbot: gate second\n1 failed in 0.1s\n"


def test_gates_that_all_pass_share_one_checkout(box: Sandbox) -> None:
    said = gate.run(job(box, "main", "touch left", "test -e left"))
    assert (said.judgement.verdict, said.gate) == (GateVerdict.PASSED, "second")


def test_where_no_gate_applies_nothing_is_run_and_the_log_says_so(box: Sandbox) -> None:
    said = gate.run(job(box, "main"))
    assert (said.judgement.verdict, said.gate) == (GateVerdict.PASSED, "")
    assert said.log == b"gitbot: no gate applies to what is changed\n"


def set_ups(box: Sandbox, names: Sequence[str], setup: str, **more: object) -> int:
    """How often the set-up ran while these commits were tested one after the other."""
    for name in names:
        said = gate.run(job(box, name, "true", gate=Gate(setup=f"echo x >>$WHERE/ran; {setup}"), **more))
        assert said.judgement.verdict is GateVerdict.PASSED, said.log
    return len((box.path.parent / "ran").read_text().split())


def test_the_set_up_runs_again_when_a_lock_file_changed_and_in_every_fresh_checkout(box: Sandbox) -> None:
    setup = "mkdir -p .venv && touch .venv/done"
    assert set_ups(box, ["main", "code", "main"], setup) == 1
    assert set_ups(box, ["locked", "locked"], setup) == 2
    assert set_ups(box, ["main"], setup) == 3
    assert set_ups(box, ["main", "main"], setup, fresh=True) == 5


def test_the_set_up_runs_again_when_a_file_that_it_names_changed(sandbox: SandboxMaker) -> None:
    """A warm slot must not keep what an older script made."""
    script = {"tools/setup.sh": "mkdir -p .venv\n", "libs/core/m.py": "1\n", ".gitignore": ".venv/\n"}
    box = sandbox(
        step("main", {**script, "other": "1\n"}),
        step("other", {"other": "2\n"}, start="main"),
        step("script", {"tools/setup.sh": "mkdir -p .venv; true\n"}, start="main"),
        step("library", {"libs/core/m.py": "2\n"}, start="main"),
    )
    order = ["main", "other", "library", "library", "main", "script", "script"]
    assert set_ups(box, order, "sh ./tools/setup.sh; : -m libs.core.m") == 4


def test_the_set_up_runs_again_in_other_surroundings(box: Sandbox) -> None:
    """Included files, passed variables, programs: whatever makes an old result count no more."""
    setup = "mkdir -p .venv && touch .venv/done"
    env = {**box.env, "WHERE": str(box.path.parent)}
    assert set_ups(box, ["main", "main"], setup, env={**env, "LEVEL": "1"}) == 1
    assert set_ups(box, ["main", "main"], setup, env={**env, "LEVEL": "2"}) == 2


def test_which_other_gates_apply_is_nothing_to_a_set_up(sandbox: SandboxMaker) -> None:
    """Their commands name programs of their own."""
    config = """
[gate]
command = "test -e made/x"
setup = "mkdir -p made; touch made/x; echo x >>$WHERE/ran"
[gates.web]
command = "ls web"
paths = ["web/**"]
"""
    files = {"gitbot.toml": config, ".gitignore": "made/\n", "web/a": "1\n"}
    box = sandbox(step("main", files), step("code", {"a": "1\n"}), step("page", {"web/b": "1\n"}))
    for name in ("code", "page"):
        ran = box.integrate(name, gate="", env={"WHERE": str(box.path.parent)})
        assert ran.outcomes == {name: "landed by rebase"}
    assert (box.path.parent / "ran").read_text() == "x\n"


def test_set_ups_that_leave_each_others_work_alone_are_each_remembered(box: Sandbox) -> None:
    """Also when one has to run again; where both write to one folder the other is repeated."""
    places = {"python": ".venv", "web": "build"}

    def ran(name: str = "main") -> str:
        steps = (
            GateStep(n, "true", f"mkdir -p {p}; echo >{p}/x; echo {n} >>$WHERE/ran", 60) for n, p in places.items()
        )
        gate.run(replace(job(box, name), steps=tuple(steps)))
        return " ".join((box.path.parent / "ran").read_text().split())

    first = ran()
    assert (first, ran(), ran("code")) == ("python web", first, first)
    assert ran("locked") == f"{first} {first}"
    assert ran("locked") == f"{first} {first}"
    places["other"] = "build"
    told = [ran("locked") for _ in range(3)][-1].removeprefix(f"{first} {first} ").split()
    assert (told.count("python"), told[0], told[1]) == (0, "other", "web")


def test_bytecode_of_a_package_that_a_branch_deletes_does_not_make_it_importable(sandbox: SandboxMaker) -> None:
    """Nor is anything else left of the folder; what lies in others stays warm."""
    files = {"old/in/m.py": "x = 1\n", "new.py": "x = 1\n", ".gitignore": "__pycache__/\n*.log\n"}
    box = sandbox(step("main", files), step("gone", {"new.py": "x = 2\n"}, start="main", delete=["old/in/m.py"]))
    assert gate.run(job(box, "main", "mkdir old/__pycache__; echo >old/in/a.log; echo >b.log")).judgement.status == 0
    said = gate.run(job(box, "gone", "ls"))
    assert said.log == b"b.log\nnew.py\n"


@pytest.mark.parametrize("setup", ["touch made", "echo x >>a", "mkdir made; touch made/x"])
def test_a_set_up_whose_work_is_cleaned_away_runs_each_time(box: Sandbox, setup: str) -> None:
    assert set_ups(box, ["main", "code", "main"], setup) == 3


def test_a_set_up_that_failed_or_was_killed_is_not_taken_for_done(box: Sandbox) -> None:
    config = Gate(setup="echo x >>$WHERE/ran; echo why; exit 3")
    for _ in range(2):
        said = gate.run(job(box, "main", "touch $WHERE/tested", gate=config))
        assert (said.judgement.verdict, said.judgement.status) == (GateVerdict.NO_START, 3)
        assert said.log == b"why\n\ngitbot: the gate's setup command ended with 3\n"
    assert (box.path.parent / "ran").read_text() == "x\nx\n"
    assert not (box.path.parent / "tested").exists()


def test_ignored_files_are_copied_anew_and_never_over_what_the_commit_has(box: Sandbox) -> None:
    (box.path / "build").mkdir()
    (box.path / "build" / "x").write_text("1\n")
    (box.path / "build" / "link").symlink_to("x")
    with socket.socket(socket.AF_UNIX) as here:
        here.bind(os.path.relpath(box.path / "build" / "socket"))
    (box.path / "secret.env").write_text("1\n")
    (box.path / "kept" / "tracked").write_text("an edit\n")
    config = Gate(include=("secret.env", "build", "kept", "missing"))
    look = "cat secret.env build/link kept/tracked; ls build"
    assert gate.run(job(box, "main", look, gate=config)).log == b"1\n1\n1\nlink\nx\n"
    (box.path / "secret.env").write_text("2\n")
    (box.path / "build" / "x").write_text("2\n")
    assert gate.run(job(box, "main", look, gate=config)).log == b"2\n2\n1\nlink\nx\n"


def test_what_is_no_longer_there_to_be_included_is_gone_from_the_checkout_too(box: Sandbox, tmp_path: Path) -> None:
    """Whichever way it went, and whatever tests left in its place."""
    (box.path / "build" / "in").mkdir(parents=True)
    for name in ("secret.env", "build/x", "build/in/y"):
        (box.path / name).write_text("1\n")
    config, look = Gate(include=("secret.env", "build")), "find secret.env build | sort"
    assert gate.run(job(box, "main", look, gate=config)).log == b"build\nbuild/in\nbuild/in/y\nbuild/x\nsecret.env\n"
    (box.path / "build" / "in" / "y").unlink()
    assert gate.run(job(box, "main", look, gate=config)).log == b"build\nbuild/x\nsecret.env\n"
    (box.path / "outside").mkdir()
    (box.path / "outside" / "x").write_text("mine\n")
    assert gate.run(job(box, "main", f"rm -r build; ln -s {box.path}/outside build", gate=config)).log == b""
    assert gate.run(job(box, "main", "ls secret.env", gate=Gate())).judgement.verdict is GateVerdict.FAILED
    assert (box.path / "outside" / "x").read_text() == "mine\n"


def test_an_included_file_whose_name_is_no_utf_8_comes_and_goes_as_others_do(box: Sandbox) -> None:
    odd = Path(os.fsdecode(os.fsencode(box.path) + b"/build/caf\xe9"))
    odd.parent.mkdir()
    odd.write_text("x\n")
    config, seen = Gate(include=("build",)), []
    for _ in range(2):
        seen.append(gate.run(job(box, "main", "ls build", gate=config)).log)
        odd.unlink(missing_ok=True)
    assert seen[0].startswith(b"caf")
    assert b"caf" not in seen[1]


def test_a_link_in_an_included_folder_that_leads_out_is_refused_unless_to_a_program(
    box: Sandbox, tmp_path: Path
) -> None:
    """As those of virtual environments do."""
    (box.path / ".venv").mkdir()
    (box.path / ".venv" / "python").symlink_to(sys.executable)
    (box.path / ".venv" / "gone").symlink_to("nowhere")
    config = Gate(include=(".venv",))
    assert gate.run(job(box, "main", "test -x .venv/python", gate=config)).judgement.verdict is GateVerdict.PASSED
    (tmp_path / "data").write_text("x\n")
    (box.path / ".venv" / "data").symlink_to(tmp_path / "data")
    said = gate.run(job(box, "main", "true", gate=config))
    assert b"'.venv/data' leads out of the work tree" in said.log


def test_no_copy_is_led_out_of_a_checkout_by_a_link_that_tests_left(box: Sandbox, tmp_path: Path) -> None:
    (box.path / "build").mkdir()
    (box.path / "build" / "x").write_text("1\n")
    config = Gate(include=("build", "secret.env"))
    (box.path / "secret.env").write_text("1\n")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("mine\n")
    trap = f"rm -r build secret.env; ln -s {outside} build; ln -s {outside}/secret secret.env"
    assert gate.run(job(box, "main", trap, gate=config)).judgement.verdict is GateVerdict.PASSED
    assert gate.run(job(box, "main", "cat build/x secret.env", gate=config)).log == b"1\n1\n"
    assert [(path.name, path.read_text()) for path in outside.iterdir()] == [("secret", "mine\n")]


def test_an_ignored_file_that_leads_out_of_the_work_tree_is_not_copied(box: Sandbox) -> None:
    (box.path / "secret.env").symlink_to("/etc/passwd")
    said = gate.run(job(box, "main", "true", gate=Gate(include=("secret.env",))))
    assert said.judgement.verdict is GateVerdict.BROKEN
    assert b"leads out of the work tree" in said.log


def test_what_the_commit_or_an_earlier_run_has_in_the_way_does_not_keep_a_file_from_being_included(
    sandbox: SandboxMaker,
) -> None:
    box = sandbox(
        step("main", {".gitignore": "build\n", "x": "1\n"}),
        step("owner", {"build": "a tracked file\n"}, start="main"),
    )
    (box.path / "build").mkdir()
    (box.path / "build" / "x").write_text("1\n")
    config = Gate(include=("build/x",))
    assert gate.run(job(box, "main", "rm -r build; touch build", gate=config)).judgement.verdict is GateVerdict.PASSED
    assert gate.run(job(box, "main", "cat build/x", gate=config)).log == b"1\n"
    assert gate.run(job(box, "owner", "cat build", gate=config)).log == b"a tracked file\n"


def test_what_the_checkout_lacks_is_named_with_caches_last(box: Sandbox) -> None:
    for name in ("secret.env", "build/deep/x", "__pycache__/a.pyc", ".venv/bin/python"):
        (box.path / name).parent.mkdir(parents=True, exist_ok=True)
        (box.path / name).write_text("x\n")
    assert lacking(box.repository, ("build/",)) == (".venv/", "secret.env", "__pycache__/")
    assert lacking(box.repository) == (".venv/", "build/", "secret.env", "__pycache__/")


def test_reports_count_and_an_old_one_never_does(box: Sandbox) -> None:
    case = '<testcase classname="t" name="n"><failure/></testcase>'
    write = f"mkdir -p cache; printf '<testsuite>{case}</testsuite>' >cache/report.xml; exit 1"
    config = Gate(junit="cache/*.xml")
    said = gate.run(job(box, "main", write, gate=config)).judgement
    assert (said.verdict, said.tests, said.failing) == (GateVerdict.FAILED, 1, ("t::n",))
    said = gate.run(job(box, "main", "ls cache; exit 1", gate=config)).judgement
    assert (said.verdict, said.tests, said.failing) == (GateVerdict.FAILED, None, ())


MODES = "stat -c %A kept kept/tracked | cut -c 2-3"


@pytest.mark.parametrize(
    "command",
    [
        "rm -rf ../checkout",
        "rm -rf ../../slot-0",
        "chmod 000 . ..",
        "cd ..; rm -rf checkout; ln -s $WHERE checkout",
        "cd ..; rm -rf checkout own; touch own checkout",
        "rm -rf .git; ln -s $WHERE/repository-0/.git .git",
        "setsid sleep 60 & setsid sh -c 'sleep 0.2; while :; do echo spam; done' & sleep 0.4",
        "yes | head -c 5000000",
        "ln -sf /dev/zero ../log",
        "mkfifo pipe; mkdir -p d/d; chmod 0 d",
        "rm -f ../log; mkfifo ../log",
        "rm ../log; mkdir ../log",
        "git init -q kept",
        "chmod 444 kept/tracked; chmod 555 kept",
        f'{sys.executable} -c "import os; [(os.mkdir(10 * str(0)), os.chdir(10 * str(0))) for _ in range(1500)]"',
    ],
)
def test_whatever_a_gate_does_to_its_checkout_the_next_one_is_sound(box: Sandbox, command: str) -> None:
    before = box.git("status", "--porcelain"), box.git("for-each-ref")
    assert gate.run(job(box, "main", command)).judgement.verdict is GateVerdict.PASSED
    said = gate.run(job(box, "code", f"git status --porcelain; cat a; git -C kept rev-parse HEAD; {MODES}"))
    assert said.log.decode().split() == ["2", box.tip("code"), "rw", "rw"]
    assert (box.git("status", "--porcelain"), box.git("for-each-ref")) == before


def test_what_cannot_be_checked_out_or_written_is_broken_and_no_exception(box: Sandbox) -> None:
    (box.path.parent / "file").touch()
    missing = replace(job(box, "main", "true"), commit=Oid("1" * 40))
    for one in (missing, job(box, "main", "true", folder=box.path.parent / "file")):
        said = gate.run(one)
        assert said.judgement.verdict is GateVerdict.BROKEN
        assert said.log.startswith(b"gitbot: ")


def test_several_gates_run_at_once_from_threads_each_in_its_own_slot(box: Sandbox) -> None:
    said: dict[int, GateOutcome] = {}

    def one(slot: int) -> None:
        said[slot] = gate.run(job(box, "main", "pwd; echo $GITBOT_SLOT; touch here; sleep 0.3; ls here", slot=slot))

    threads = [threading.Thread(target=one, args=(slot,)) for slot in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    pool = box.path.parent / "pool"
    assert {slot: outcome.log.decode().split() for slot, outcome in said.items()} == {
        slot: [str(pool / f"slot-{slot}" / "checkout"), str(slot), "here"] for slot in range(4)
    }


@pytest.mark.parametrize("setup", ["", "touch $WHERE/begun; sleep 60"])
def test_a_gate_that_is_stopped_has_no_verdict_and_its_slot_is_free(box: Sandbox, setup: str) -> None:
    stop, begun = Stop(), box.path.parent / "begun"

    def end_it() -> None:
        while not begun.exists():
            time.sleep(0.01)
        stop.stop()

    thread = threading.Thread(target=end_it)
    thread.start()
    said = gate.run(job(box, "main", "touch $WHERE/begun; sleep 60", "true", gate=Gate(setup=setup)), stop)
    thread.join()
    assert (said.stopped, said.judgement.verdict) == (True, GateVerdict.BROKEN)
    assert gate.run(job(box, "code", "true")).judgement.verdict is GateVerdict.PASSED


KILLED = (
    "import sys\nfrom pathlib import Path\nfrom gitbot import gate\nfrom gitbot.config import Gate\n"
    "from gitbot.gate import GateJob\nfrom gitbot.model.gate import GateStep\n"
    "from gitbot.repository.pool import Origin\n"
    "common, folder, commit, setup, command = sys.argv[1:]\nimport os\n"
    "origin = Origin(Path(common), dict(os.environ), (Path(common, 'objects'),))\n"
    "step = GateStep('gate', command, '', 60)\n"
    "gate.run(GateJob(commit, (step,), Gate(setup=setup), 60, origin, Path(folder), dict(os.environ)))\n"
)


@pytest.mark.parametrize("at", ["setup", "command"])
def test_after_a_kill_the_slot_waits_for_what_was_running_and_is_then_sound(box: Sandbox, at: str) -> None:
    begun, pool = box.path.parent / "begun", box.path.parent / "pool"
    hang = f"touch left; setsid sh -c 'while :; do date >>left; done' & touch {begun}; sleep 60"
    commands = (hang, "true") if at == "setup" else ("", hang)
    killed = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(box.path / ".git"), str(pool), box.tip("main"), *commands],
        env={**box.env, "PYTHONPATH": str(ROOT)},
    )
    while not begun.exists():
        time.sleep(0.01)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    said = gate.run(job(box, "code", "ls -A; cat a; git status --porcelain"))
    assert said.log.decode().split() == [".git", ".gitignore", "a", "kept", "uv.lock", "2"]


def test_a_time_limit_is_each_commands_own(box: Sandbox) -> None:
    made = job(box, "main", "true", "sleep 60")
    steps = (made.steps[0], replace(made.steps[1], seconds=0.3))
    said = gate.run(replace(made, steps=steps))
    assert (said.judgement.verdict, said.gate) == (GateVerdict.TIMED_OUT, "second")


def test_a_template_gets_checkout_and_command_as_they_are(box: Sandbox) -> None:
    wall = ("sh", "-c", 'echo "[$1]"; cd "$2" && exec sh -c "$3"', "sh", "{checkout}", "{checkout}", "{command}")
    command = "echo '{checkout}' \"$(pwd)\"; exit 137"
    said = gate.run(job(box, "main", command, gate=Gate(isolation=wall)))
    here = box.path.parent / "pool" / "slot-0" / "checkout"
    assert said.log.decode() == f"[{here}]\n{{checkout}} {here}\n"
    assert said.judgement.verdict is GateVerdict.KILLED
    said = gate.run(job(box, "main", "echo $HOME; pwd", gate=Gate(isolation="env HOME=/nowhere sh -c {command}")))
    assert said.log.decode() == f"/nowhere\n{here}\n"


SANDBOXED = Gate(isolation="bwrap")


def test_behind_bwrap_only_the_checkout_can_be_written_and_secrets_are_out_of_sight(box: Sandbox) -> None:
    home, mark = Path(box.env["HOME"]), f"x-{box.path.parent.name}-{os.getpid()}"
    (home / ".ssh").mkdir(exist_ok=True)
    (home / ".ssh" / "id").write_text("private")
    tries = [
        f"touch inside $HOME/x /tmp/{mark} && echo can write",
        "git status --porcelain",
        "git log --format=%s -1",
        f"touch {box.path}/x",
        f"touch /etc/{mark} /usr/{mark} /{mark} ../x ../own/x",
        f"cat {home}/.ssh/id",
        "ls /run /tmp | head -3",
        "echo ${API_TOKEN-none}",
    ]
    said = gate.run(job(box, "main", "; ".join(tries) + "; exit 0", gate=SANDBOXED))
    text = said.log.decode()
    assert said.judgement.verdict is GateVerdict.PASSED
    assert "can write\n?? inside\nmain: change\n" in text
    assert "private" not in text
    assert text.endswith("none\n")
    for path in (box.path / "x", home / "x", *(Path(place, mark) for place in ("/etc", "/usr", "/", "/tmp"))):
        assert not path.exists()
    assert gate.run(job(box, "code", "true", gate=SANDBOXED)).judgement.verdict is GateVerdict.PASSED


def test_behind_bwrap_root_gets_none_of_the_walls_down(box: Sandbox, tmp_path: Path) -> None:
    """Who is root outside keeps no capability inside: no unmounting, no remounting, no device of its own."""
    mark = f"x-{box.path.parent.name}-{os.getpid()}"
    tries = [
        "mount -o remount,rw,bind / && echo remounted",
        f"umount -l /tmp && touch {tmp_path}/{mark} && echo unmounted",
        f"unshare -m sh -c 'umount -l /tmp && touch {tmp_path}/{mark} && echo unshared'",
        f"mknod {mark} b 7 0 && echo made",
        "grep CapEff: /proc/self/status",
    ]
    said = gate.run(job(box, "main", "; ".join(tries), gate=SANDBOXED)).log.decode().splitlines()
    assert not {"remounted", "unmounted", "unshared", "made"} & set(said)
    assert said[-1] == "CapEff:\t0000000000000000"
    assert not (tmp_path / mark).exists()


def test_behind_bwrap_there_is_no_network_but_for_the_set_up(box: Sandbox) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        reach = f"bash -c 'echo >/dev/tcp/127.0.0.1/{server.getsockname()[1]}'"
        config = Gate(isolation="bwrap", setup=reach)
        said = gate.run(job(box, "main", f"! {reach} 2>/dev/null", gate=config))
    assert said.judgement.verdict is GateVerdict.PASSED, said.log


def test_behind_bwrap_everything_ends_as_elsewhere(box: Sandbox) -> None:
    ends = {
        "exit 3": GateVerdict.FAILED,
        "no-such-command": GateVerdict.NO_START,
        "kill -9 $$": GateVerdict.KILLED,
        "echo 'Ran 0 tests in 0.0s'": GateVerdict.NO_TESTS,
    }
    for command, verdict in ends.items():
        assert gate.run(job(box, "main", command, gate=SANDBOXED)).judgement.verdict is verdict
    made = job(box, "main", "setsid sleep 60 & sleep 60", gate=SANDBOXED)
    said = gate.run(replace(made, steps=(replace(made.steps[0], seconds=0.5),)))
    assert said.judgement.verdict is GateVerdict.TIMED_OUT
    assert said.seconds < 20
    listed = replace(made, steps=(replace(made.steps[0], command=("no-such-program", "x")),))
    assert gate.run(listed).judgement.verdict is GateVerdict.NO_START


def test_what_is_behind_bwrap_cannot_bend_what_is_run_outside_it(box: Sandbox) -> None:
    """The repository that it can write to is never one that git is run in."""
    mark = box.path.parent / "escaped"
    bend = (
        f"git config core.fsmonitor 'touch {mark}'; git config filter.x.clean 'touch {mark}; cat';"
        "mkdir -p .git/hooks .git/info; echo '* filter=x' >.git/info/attributes;"
        f"printf '#!/bin/sh\\ntouch {mark}\\n' >.git/hooks/post-checkout; chmod +x .git/hooks/post-checkout;"
        "echo x >>a"
    )
    for name in ("main", "code"):
        said = gate.run(job(box, name, bend, gate=Gate(isolation="bwrap", setup=bend)))
        assert said.judgement.verdict is GateVerdict.PASSED
    assert not mark.exists()


def test_an_isolation_that_is_not_there_is_refused_with_a_way_out(box: Sandbox, tmp_path: Path) -> None:
    repository = box.repository
    bwrap, template = configured('[gate]\nisolation = "bwrap"'), configured('[gate]\nisolation = "nope {command}"')
    with pytest.raises(InputError) as nowhere:
        must_be_possible(bwrap, {"PATH": str(tmp_path)}, repository)
    assert nowhere.value.hint == 'install bubblewrap, or use isolation = "process"'
    with pytest.raises(InputError, match="nope was not found"):
        must_be_possible(template, dict(os.environ), repository)
    refusing = tmp_path / "bwrap"
    refusing.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
    refusing.chmod(0o755)
    with pytest.raises(InputError, match="cannot make namespaces here: bwrap: No permissions"):
        must_be_possible(bwrap, {"PATH": f"{tmp_path}:{os.environ['PATH']}"}, repository)
    must_be_possible(bwrap, dict(os.environ), repository)
    must_be_possible(configured(""), {}, repository)
