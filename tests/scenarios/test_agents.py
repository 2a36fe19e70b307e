"""Four agents over two phases, real processes in place of models, and a service that lands what is ready."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Sandbox, SandboxMaker, step

MARK = "GITBOT_TEST_AGENTS"
PLANS = {
    "plans/PLAN-A.md": "# Agent A: schema\n- [ ] src/a.txt: tables\n- [ ] emit schema_ready\n",
    "plans/PLAN-B.md": "# Agent B: queries\n- [ ] src/b.txt: queries\n- [ ] wait for schema_ready from Agent A\n",
    "plans/PLAN-C.md": "---\nid: C\ndepends_on: [A, B]\n---\n# Agent C: api\n- [ ] src/c.txt: routes\n",
    "plans/PLAN-D.md": "---\nid: D\ndepends_on: [A, B]\n---\n# Agent D: page\n- [ ] src/d.txt: page\n",
}
# Each does its plan as a model would: reads the brief, commits, ticks, tells. What has to go wrong goes wrong once.
AGENT = """
set -e
plan=$1 brief=$2 small=$(echo "$1" | tr A-Z a-z)
once() { [ ! -e "$OUTSIDE/$1" ] && touch "$OUTSIDE/$1"; }
finish() {
    echo "$1" > src/$small.txt
    sed -i 's/\\[ \\]/[x]/; /^STUCK/d' plans/PLAN-$plan.md
    git add -A
    git commit -qm "feat: $plan"
}
cp "$brief" "$OUTSIDE/brief-$plan-$(date +%s%N)"
case $plan in
    A) finish tables; gitbot emit schema_ready ;;
    B) gitbot wait schema_ready --timeout 60s
       if once broken; then finish BROKEN; else finish queries; fi ;;
    C) if once cancelled; then touch "$OUTSIDE/c-runs"; sleep 100; fi
       if once stuck; then
           echo 'STUCK: no key in .env' >> plans/PLAN-C.md; git commit -qam wip; exit 1
       fi
       finish routes ;;
    D) while [ ! -e "$OUTSIDE/c-runs" ]; do sleep .05; done
       if once failed; then
           gitbot emit task_failed --data should_cancel=true --data reason='the mock server is down'; exit 1
       fi
       finish page ;;
esac
"""
GATE = ["mkdir -p out", "! grep -rl BROKEN src"]


@pytest.fixture
def box(sandbox: SandboxMaker, tmp_path: Path) -> Sandbox:
    config = '[gate]\ncommand = "sh gate.sh"\n'
    made = sandbox(step("main", {"gate.sh": GATE, "gitbot.toml": config, "src/base.txt": "base\n", **PLANS}, "base"))
    (tmp_path / "outside").mkdir()
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "gitbot"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m gitbot "$@"\n')
    program.chmod(0o755)
    (tmp_path / "agent.sh").write_text(AGENT)
    path = f"{tmp_path / 'bin'}:{made.env['PATH']}"
    return Sandbox(made.path, {**made.env, "PATH": path, "OUTSIDE": str(tmp_path / "outside"), MARK: str(tmp_path)})


def start(box: Sandbox, *words: str) -> tuple[int, dict[str, str]]:
    """The exit code, and each agent's state with its reason."""
    script = str(box.path.with_name("agent.sh"))
    ran = box.gitbot("start", *words, "--format", "json", "--", "sh", script, "{plan}", "{brief_file}")
    assert ran.code in (0, 1), ran.err
    agents = ran.document["agents"]
    return ran.code, {
        one["plan"]: f"{one['state']}{': ' if one['reason'] else ''}{one['reason'] or ''}" for one in agents
    }


def told(box: Sandbox, name: str) -> list[dict[str, Any]]:
    """The events of this name so far."""
    every = map(json.loads, box.gitbot("events", "--format", "jsonl").out.splitlines())
    return [event for event in every if event["event"] == name]


def soon(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 100
    while not what():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.1)


def processes(box: Sandbox) -> list[int]:
    """Whatever is alive of all that was started here."""
    mark, found = f"{MARK}={box.env[MARK]}".encode(), []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark in path.read_bytes().split(b"\0"):
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


@contextmanager
def watching(box: Sandbox) -> Iterator[subprocess.Popen[str]]:
    log = box.path.with_name("watch.log").open("a")
    with log, box.start("watch", "--interval", "0.2s") as service:
        try:
            yield service
        finally:
            service.kill()


def holds(box: Sandbox, path: str, text: str) -> Callable[[], bool]:
    return lambda: box.git("show", f"main:{path}", check=False) == text


def test_four_agents_over_two_phases_end_on_a_main_that_was_never_red(box: Sandbox) -> None:
    outside = Path(box.env["OUTSIDE"])
    with watching(box) as service:
        # Phase 1: B waits for A's event; what B makes is red and goes back.
        assert start(box, "plans") == (0, {"A": "done", "B": "done"})
        soon(holds(box, "src/a.txt", "tables"))
        soon(lambda: any(box.path.glob(".git/gitbot/runs/*/retry-*.md")))
        run = next(box.path.glob(".git/gitbot/runs/*/retry-*.md")).parent.name
        soon(lambda: run in [one["data"]["run"] for one in told(box, "run_finished")])
        # Its agent is handed the brief, and the second time it lands.
        code, states = start(box, "--retry", run)
        assert (code, states) == (0, {"B": "done"})
        given = max(outside.glob("brief-B-*"), key=lambda path: path.stat().st_mtime_ns).read_text()
        assert given.startswith("# Redo `agent-b`")
        soon(holds(box, "src/b.txt", "queries"))
        # Phase 2: D fails in a way that stops C, then C is stuck, then it is resumed.
        said = "D said task_failed: the mock server is down"
        assert start(box, "plans") == (1, {"C": f"stopped: {said}", "D": f"stuck: {'the mock server is down'}"})
        assert start(box, "plans") == (1, {"C": "stuck: no key in .env", "D": "done"})
        assert start(box, "plans")[1]["C"] == "done"
        soon(holds(box, "src/c.txt", "routes"))
        soon(holds(box, "src/d.txt", "page"))
        service.send_signal(signal.SIGTERM)
        assert service.wait(60) == 0
    for commit in box.git("log", "-g", "--format=%H", "main").split():
        assert "BROKEN" not in box.git("grep", "-h", "", commit, "--", "src")
    assert box.gitbot("start", "plans").err.endswith("every plan has landed: nothing is left to start\n")
    assert len(told(box, "landed")) == 4
    assert box.gitbot("tidy", "--apply").code == 0
    assert len(box.git("worktree", "list").splitlines()) == 1
    assert processes(box) == []
    assert box.git("fsck", "--no-dangling") == ""


def test_what_is_killed_leaves_no_child_and_goes_on_when_it_is_started_again(box: Sandbox) -> None:
    outside = Path(box.env["OUTSIDE"])
    script = str(box.path.with_name("agent.sh"))
    (outside / "broken").touch()
    begun = box.start(
        "start", "plans", "--", "sh", "-c", 'sleep .3; exec sh "$0" "$@"', script, "{plan}", "{brief_file}"
    )
    waiting = box.start("wait", "never_comes")
    with begun, waiting, watching(box) as service:
        soon(lambda: len(box.git("worktree", "list").splitlines()) == 3)
        time.sleep(0.2)
        for one in (begun, waiting, service):
            os.kill(one.pid, signal.SIGKILL)
            one.wait()
        soon(lambda: processes(box) == [])
    assert list(box.path.rglob("*.lock")) == []
    assert start(box, "plans")[0] == 0
    with watching(box):
        soon(holds(box, "src/a.txt", "tables"))
        soon(holds(box, "src/b.txt", "queries"))
    assert processes(box) == []
