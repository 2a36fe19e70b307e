"""`gitbot brief` as a user runs it, and the script that it prints as a shell runs it."""

from __future__ import annotations

import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gitbot.cli import Surroundings
from gitbot.cli.brief import command
from gitbot.errors import InputError
from tests.conftest import Ran, Sandbox, SandboxMaker, step
from tests.scenarios.beginnings import plan

CONFIG = '[gate]\ncommand = "test ! -e BROKEN && echo Ran 1 test"\n'
WORK = """\
own=${PWD##*-}
grep -o "^## Plan .*"
ls >seen.txt
mkdir -p $own
echo done >$own/work.txt
git add $own
git commit -qm "the work of $own"
"""


@pytest.fixture
def box(sandbox: SandboxMaker) -> Sandbox:
    plans = {
        f"plans/{name}.md": plan(name, f"{name}/**", needs=needs)
        for name, needs in (("a", ""), ("b", ""), ("c", "a"))
    }
    return sandbox(step("main", {"gitbot.toml": CONFIG, "plans/CONTEXT.md": "for all\n", **plans}))


Run = Callable[..., Ran]


@pytest.fixture
def run(box: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """The command in this process, which is started faster than another one."""

    def call(*words: str, cwd: Path | None = None) -> Ran:
        monkeypatch.chdir(cwd or box.path)
        code = command.main([*words], standalone_mode=False, obj=Surroundings(box.env))
        return Ran(code, *capsys.readouterr())

    return call


def test_the_whole_set_one_phase_and_one_plan_are_printed_and_nothing_is_written(box: Sandbox, run: Run) -> None:
    with box.watched(dry=True):
        every, second, one = (run(*words) for words in ((), ("--phase", "2"), ("--plan", "agent-B")))
    assert [(ran.code, ran.err) for ran in (every, second, one)] == [(0, "")] * 3
    assert [line for line in every.out.splitlines() if line.startswith(("# ", "## "))] == [
        "# Phase 1 of 2: 2 agents, started together by this one message",
        "## Context that all of them share",
        "## Plan `a`",
        "## Plan `b`",
        "# Phase 2 of 2: 1 agent",
        "## Context that all of them share",
        "## Plan `c`",
    ]
    assert every.out.endswith(second.out)
    assert one.out.startswith("## Plan `b`\n")
    assert "for all" in one.out


def test_the_document_goes_into_a_file_and_standard_output_gets_nothing(box: Sandbox) -> None:
    ran = box.gitbot("brief", "plans", "--format", "json", "--for", "claude-code", "-o", "../briefs.json")
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    written = (box.path.parent / "briefs.json").read_text(encoding="utf-8")
    assert written.startswith('{\n  "schema": "gitbot.brief/1"')
    assert '"again": "gitbot brief plans --plan a"' in written


def test_what_is_not_there_is_bad_input(box: Sandbox, run: Run) -> None:
    ran = box.gitbot("brief", "--phase", "3")
    assert (ran.code, ran.out, ran.err) == (2, "", "error: there is no phase 3\nhint: phases: 1 to 2\n")
    (box.path / "empty").mkdir()
    for words in (("nowhere",), ("gitbot.toml",), ("empty",), ("--plan", "x"), ("--phase", "2", "--plan", "a")):
        with pytest.raises(InputError):
            run(*words)


def test_plans_that_are_wrong_are_briefed_with_a_warning_and_an_exit_code(box: Sandbox, run: Run) -> None:
    (box.path / "plans" / "c.md").write_text(plan("c", "a/**", needs="nobody"))
    ran = run("--plan", "c")
    assert (ran.code, ran.out.startswith("## Plan `c`")) == (1, True)
    assert "warning: c waits for “nobody”, which nothing here is called\n" in ran.err
    assert ran.err.endswith("hint: gitbot check shows what is wrong with the plans\n")
    assert run("--plan", "b").code == 0


def test_agents_of_what_has_landed_are_not_started_again(box: Sandbox, run: Run) -> None:
    box.git("checkout", "-q", "-b", "agent-a")
    (box.path / "a").mkdir()
    (box.path / "a" / "work.txt").write_text("done\n")
    box.git("add", "-A")
    box.git("commit", "-qm", "work of a")
    box.git("checkout", "-q", "main")
    box.git("merge", "-q", "--no-ff", "agent-a")
    for form in ("shell", "claude-code", "openclaw"):
        ran = run("--for", form)
        assert ("gitbot brief --plan a" in ran.out, "gitbot brief --plan b" in ran.out) == (False, True)
        assert ran.err == "warning: a: landed, and left out\n"
    assert "## Plan `a`" in run("--for", "shell", "--plan", "a").out
    ran = run("--for", "shell", "--phase", "1", "--format", "json")
    assert [brief["plan"] for brief in ran.document["briefs"]] == ["b"]


@pytest.mark.parametrize("time", ["999999999d", "366d", "soon", "-1s"])
def test_what_is_no_time_that_clocks_take_is_bad_input(box: Sandbox, run: Run, time: str) -> None:
    with pytest.raises(InputError):
        run("--for", "openclaw", "--every", time)
    assert '"everyMs": 31536000000}' in run("--for", "openclaw", "--every", "365d").out


def test_outside_of_git_there_are_briefs_but_no_script(box: Sandbox, run: Run) -> None:
    where = box.path.parent / "gitless"
    (where / "plans").mkdir(parents=True)
    (where / "plans" / "a.md").write_text(plan("a", "a/**"))
    assert "- Branch: `agent-a`\n" in run(cwd=where).out
    with pytest.raises(InputError):
        run("--for", "shell", cwd=where)


def test_templates_count_as_they_are_on_the_target_and_a_mistake_names_its_line(box: Sandbox, run: Run) -> None:
    (box.path / "gitbot.toml").write_text(CONFIG + '[brief]\ntemplates = "docs"\n')
    (box.path / "docs").mkdir()
    (box.path / "docs" / "brief.md").write_text("{{ brief.plan.id | code }} \x1b[31m\n")
    box.git("add", "-A")
    box.git("commit", "-qm", "templates")
    (box.path / "docs" / "brief.md").write_text("not committed\n")
    assert run("--plan", "a").out == "`a` [31m\n"
    (box.path / "docs" / "brief.md").write_text("fine\n{{ brief.nothing }}\n")
    box.git("commit", "-qam", "a mistake")
    with pytest.raises(InputError) as refused:
        run("--plan", "a")
    assert refused.value.message.startswith("docs/brief.md:2: ")


def test_the_script_works_through_the_phases_with_a_command_of_the_users(box: Sandbox) -> None:
    """Side by side in work trees of their own; the second phase begins on what the first has landed."""
    tools = box.path.parent / "tools"
    tools.mkdir()
    (tools / "gitbot").write_text(f'#!/bin/sh\nexec {sys.executable} -m gitbot "$@"\n')
    (tools / "gitbot").chmod(stat.S_IRWXU)
    script = box.gitbot("brief", "--for", "shell").out
    (box.path.parent / "start.sh").write_text(script)

    def start(*words: str) -> subprocess.CompletedProcess[str]:
        env = {**box.env, "PATH": f"{tools}:{box.env['PATH']}"}
        return subprocess.run(
            ["sh", "../start.sh", *words], cwd=box.path, env=env, capture_output=True, text=True, check=False
        )

    assert start().returncode == 2
    failed = start("sh", "-c", "exit 7")
    assert (failed.returncode, failed.stderr.endswith("an agent failed: see the logs\n")) == (1, True)
    done = start("sh", "-ec", WORK)
    assert done.returncode == 0, done.stderr
    trees = {name: f"{box.path}-agent-{name}" for name in "abc"}
    told = {name: Path(f"{tree}.log").read_text() for name, tree in trees.items()}
    assert told == {name: f"## Plan `{name}`\n" for name in "abc"}
    assert "a" in Path(trees["c"], "seen.txt").read_text().split()
    landed = box.git("ls-tree", "-r", "--name-only", "main").splitlines()
    assert [path for path in landed if path.endswith("work.txt")] == ["a/work.txt", "b/work.txt"]
