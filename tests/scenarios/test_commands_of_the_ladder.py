"""The rungs that run a configured command or remember an answer: lock files, the resolver, recorded resolutions."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest

from gitbot.repository.recipes import Step
from tests.conftest import Sandbox, SandboxMaker, step
from tests.scenarios.beginnings import base
from tests.scenarios.test_concurrency import wait_for

PLAIN = ["{", '  "dependencies": {', '    "a": "1",', '    "m": "1",', '    "z": "1"', "  }", "}"]


def _wanting(name: str, below: str) -> list[str]:
    at = next(number for number, line in enumerate(PLAIN) if f'"{below}"' in line) + 1
    return [*PLAIN[:at], f'    "{name}": "1",', *PLAIN[at:]]


def _two_that_lock(config: str, *more: Step) -> list[Step]:
    """Two branches add a dependency each, at different places of the manifest and at one place of the lock file."""
    start = base(
        {
            "gitbot.toml": config,
            "package.json": PLAIN,
            "package-lock.json": ["locked: a m z"],
            "lock.sh": [
                'grep -o \'"[a-z]*": "1"\' package.json | tr -d \'": 1\' | xargs echo locked: >package-lock.json'
            ],
        }
    )
    return [
        start,
        step("agent-a", {"package.json": _wanting("b", "a"), "package-lock.json": ["locked: a b m z"]}),
        step("agent-b", {"package.json": _wanting("n", "m"), "package-lock.json": ["locked: a m n z"]}),
        *more,
    ]


def test_a_lock_file_is_made_anew_from_the_merged_manifest(sandbox: SandboxMaker) -> None:
    box = sandbox(*_two_that_lock('[integrate]\nregenerate = { "package-lock.json" = "sh lock.sh" }\n'))
    ran = box.integrate("agent-*")
    assert ran.outcomes == {"agent-a": "landed by rebase", "agent-b": "landed by accept-both"}
    assert box.show("main", "package-lock.json") == "locked: a b m n z"
    [resolved] = ran.branches["agent-b"]["resolved"]
    assert (resolved["path"], resolved["how"]) == ("package-lock.json", "lock-regenerated")


def test_without_its_command_a_lock_file_sends_the_branch_back(sandbox: SandboxMaker) -> None:
    ran = sandbox(*_two_that_lock("")).integrate("agent-*")
    assert ran.outcomes == {"agent-a": "landed by rebase", "agent-b": "set-aside: conflict"}


def test_a_failing_command_is_a_conflict_that_says_what_it_said(sandbox: SandboxMaker) -> None:
    config = '[integrate]\nregenerate = { "package-lock.json" = "echo no network >&2; exit 7" }\n'
    ran = sandbox(*_two_that_lock(config)).integrate("agent-*")
    assert ran.outcomes["agent-b"] == "set-aside: conflict"
    assert "ended with 7: no network" in ran.branches["agent-b"]["why"]


def test_what_a_command_leaves_is_not_trusted_to_be_a_file(sandbox: SandboxMaker) -> None:
    config = '[integrate]\nregenerate = { "package-lock.json" = "ln -sf /etc/hostname package-lock.json" }\n'
    ran = sandbox(*_two_that_lock(config)).integrate("agent-*")
    assert ran.outcomes["agent-b"] == "set-aside: conflict"
    assert "left no file" in ran.branches["agent-b"]["why"]


def test_a_branch_cannot_bring_a_command_along(sandbox: SandboxMaker, tmp_path: Path) -> None:
    proof = tmp_path / "ran"
    config = f'[integrate]\nresolver = "touch {proof}"\nregenerate = {{ "package-lock.json" = "touch {proof}" }}\n'
    box = sandbox(*_two_that_lock("", step("agent-b", {"gitbot.toml": config})))
    assert box.integrate("agent-*").outcomes["agent-b"] == "set-aside: conflict"
    assert not proof.exists()


def test_a_dry_run_starts_no_command(sandbox: SandboxMaker, tmp_path: Path) -> None:
    proof = tmp_path / "ran"
    box = sandbox(
        *_two_that_lock(f'[integrate]\nregenerate = {{ "package-lock.json" = "touch {proof}; sh lock.sh" }}\n')
    )
    ran = box.integrate("agent-*", "--dry-run")
    [resolved] = ran.branches["agent-b"]["resolved"]
    assert "a dry run starts no command" in resolved["hunks"][0]["why"]
    assert not proof.exists()


def _manifest(*names: str) -> list[str]:
    return json.dumps({"dependencies": dict.fromkeys(names, "1")}, indent=2).splitlines()


def test_two_locks_in_a_folder_follow_a_manifest_that_is_itself_merged_by_its_keys(sandbox: SandboxMaker) -> None:
    """Both branches add a dependency at one place; the second lock file is made from the first."""
    write = """grep -o '"[a-z]*": "1"' package.json | xargs echo >package-lock.json"""
    config = f"""[integrate.regenerate]
"**/package-lock.json" = {json.dumps(write)}
"**/yarn.lock" = "sed 's/^/yarn /' package-lock.json >yarn.lock"
"""
    names = ("web/package.json", "web/package-lock.json", "web/yarn.lock")

    def files(*names_: str) -> dict[str, str | list[str]]:
        locked = " ".join(f"{name}: 1" for name in names_)
        return dict(zip(names, (_manifest(*names_), [locked], [f"yarn {locked}"]), strict=True))

    box = sandbox(
        base({"gitbot.toml": config, **files("a", "z")}),
        step("agent-a", files("a", "b", "z")),
        step("agent-b", files("a", "c", "z")),
    )
    ran = box.integrate("agent-*")
    assert ran.branches["agent-b"]["strategy"] == "accept-both", ran.branches["agent-b"]["why"]
    how = {one["path"]: one["how"] for one in ran.branches["agent-b"]["resolved"]}
    assert how == dict(zip(names, ("keys", "lock-regenerated", "lock-regenerated"), strict=True))
    assert json.loads(box.show("main", names[0]))["dependencies"].keys() == {"a", "b", "c", "z"}
    assert box.show("main", names[1]) == "a: 1 b: 1 c: 1 z: 1"
    assert box.show("main", names[2]) == "yarn a: 1 b: 1 c: 1 z: 1"


def test_a_command_that_hangs_ends_with_what_it_started(sandbox: SandboxMaker, tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    command = f"(setsid sleep 600 & echo $! >{pid}); sleep 600"
    config = f'[gate]\ntimeout = 2\n[integrate]\nregenerate = {{ "package-lock.json" = "{command}" }}\n'
    ran = sandbox(*_two_that_lock(config)).integrate("agent-*")
    assert ran.outcomes["agent-b"] == "set-aside: conflict"
    assert "did not end in time" in ran.branches["agent-b"]["why"]
    _is_gone(int(pid.read_text()))


def _is_gone(pid: int) -> None:
    for _ in range(200):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    raise AssertionError(f"{pid} is still there")


def test_what_a_command_says_reaches_no_terminal_as_it_is(sandbox: SandboxMaker) -> None:
    config = """[integrate]\nregenerate = { "package-lock.json" = 'printf "\\033[2Jboo\\007" >&2; exit 1' }\n"""
    box = sandbox(*_two_that_lock(config))
    ran = box.gitbot("integrate", "agent-*", "--gate", "sh gate.sh")
    assert "boo" in ran.out
    assert not {"\033", "\007"} & {*ran.out, *ran.err}


def test_a_lock_file_larger_than_anybody_writes_is_not_taken(sandbox: SandboxMaker) -> None:
    config = '[integrate]\nregenerate = { "package-lock.json" = "truncate -s 20M package-lock.json" }\n'
    ran = sandbox(*_two_that_lock(config)).integrate("agent-*")
    assert ran.outcomes["agent-b"] == "set-aside: conflict"
    assert "made a file larger than" in ran.branches["agent-b"]["why"]


@pytest.mark.parametrize("kind", ["regenerate", "resolver"])
def test_killed_while_a_command_runs_the_same_command_goes_on(
    kind: str, sandbox: SandboxMaker, tmp_path: Path
) -> None:
    """The first try leaves a mark and hangs; the command dies with its run, and the next try is undisturbed by it."""
    pid = tmp_path / "pid"
    mark = f"echo left >left; echo $$ >{pid}.new; mv {pid}.new {pid}"
    hangs = f"if ! test -e {pid}; then {mark}; exec sleep 600; fi; test ! -e left || exit 9; "
    if kind == "regenerate":
        line = json.dumps(hangs + "sh lock.sh")
        box = sandbox(*_two_that_lock(f'[integrate]\nregenerate = {{ "package-lock.json" = {line} }}\n'))
    else:
        keeps = 'sed /three/d "$OURS"; sed -n 2p "$THEIRS"; echo three'
        box = sandbox(*_two_that_change_a_line(f"[integrate]\nresolver = {json.dumps(hangs + keeps)}\n"))
    running = box.start("integrate", "agent-*", "--gate", "sh gate.sh", "--format", "json")
    wait_for(pid)
    os.kill(running.pid, signal.SIGKILL)
    running.communicate()
    _is_gone(int(pid.read_text()))
    again = box.integrate("agent-*")
    assert again.outcomes == {"agent-a": "landed by rebase", "agent-b": "landed by accept-both"}


def _two_that_change_a_line(config: str) -> list[Step]:
    return [
        base({"gitbot.toml": config}),
        step("agent-a", {"a.txt": ["one", "two of a", "three"]}),
        step("agent-b", {"a.txt": ["one", "two of b", "three"]}),
    ]


def test_the_resolver_is_asked_last_and_has_to_keep_every_line(sandbox: SandboxMaker) -> None:
    keeps = r"""resolver = 'sed /three/d "$OURS"; sed -n 2p "$THEIRS"; echo three'"""
    box = sandbox(*_two_that_change_a_line(f"[integrate]\n{keeps}\n"))
    ran = box.integrate("agent-*")
    assert ran.outcomes == {"agent-a": "landed by rebase", "agent-b": "landed by accept-both"}
    assert box.show("main", "a.txt") == "one\ntwo of a\ntwo of b\nthree"
    [resolved] = ran.branches["agent-b"]["resolved"]
    assert resolved["how"] == "resolver"


def test_a_resolver_that_drops_a_line_is_not_believed(sandbox: SandboxMaker) -> None:
    box = sandbox(*_two_that_change_a_line("""[integrate]\nresolver = 'cat "$THEIRS"'\n"""))
    ran = box.integrate("agent-*")
    assert ran.outcomes["agent-b"] == "set-aside: conflict"
    assert "two of a" in ran.branches["agent-b"]["why"]


def test_a_resolver_sees_no_secret_and_not_the_work_tree(sandbox: SandboxMaker, tmp_path: Path) -> None:
    said = tmp_path / "said"
    box = sandbox(*_two_that_change_a_line(f"[integrate]\nresolver = '(env; pwd; ls) >{said}; exit 1'\n"))
    box.integrate("agent-*", env={"API_TOKEN": "hunter2"})
    told = said.read_text()
    assert "FILE=a.txt" in told
    assert "hunter2" not in told
    assert "gate.sh" not in told


def _redone(box: Sandbox, text: str) -> None:
    """agent-b merges main by hand, as its brief says."""
    box.git("worktree", "add", "-q", str(box.path.parent / "b"), "agent-b")
    where = box.path.parent / "b"
    box.git("merge", "main", check=False, cwd=where)
    (where / "a.txt").write_text(text)
    box.git("commit", "-qam", "Merge main", cwd=where)


def test_what_an_agent_decided_once_is_decided_for_the_next_with_the_same_conflict(sandbox: SandboxMaker) -> None:
    box = sandbox(
        *_two_that_change_a_line(""), step("agent-c", {"a.txt": ["one", "two of b", "three"], "c.txt": "c"})
    )
    first = box.integrate("agent-a", "agent-b")
    assert first.outcomes["agent-b"] == "set-aside: conflict"
    _redone(box, "one\ntwo of a\nand\ntwo of b\nthree\n")
    assert box.integrate("agent-b").outcomes == {"agent-b": "landed by merge"}
    assert box.gitbot("undo", "last").code == 0
    ran = box.integrate("agent-c")
    assert ran.outcomes == {"agent-c": "landed by accept-both"}
    assert box.show("main", "a.txt") == "one\ntwo of a\nand\ntwo of b\nthree"
    [resolved] = ran.branches["agent-c"]["resolved"]
    assert resolved["how"] == "recorded"
    assert box.git("for-each-ref", "refs/gitbot/recorded")
