"""`gitbot status` on a screen: what takes long is shown, and nothing goes over the edge."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from gitbot.cli import main
from gitbot.report.status import status_text
from gitbot.report.terminal import cells, wrapped
from tests.cli.terminals import Watched
from tests.conftest import SandboxMaker, step
from tests.report.test_status_page import branch, document

PROGRAM = """
import os, sys
from gitbot.cli import main
os.chdir(sys.argv[1])
sys.exit(main(["status", "agent-a", "--gate"]))
"""


def test_on_a_terminal_one_sees_whose_gate_is_running(sandbox: SandboxMaker, tmp_path: Path) -> None:
    gate = f"[gate]\ncommand = 'until test -e {tmp_path}/go; do sleep 0.1; done'\n"
    box = sandbox(step("main", {"gitbot.toml": gate}), step("agent-a", {"a.txt": "a\n"}, start="main"))
    env = {**box.env, "TERM": "xterm"}
    with Watched(PROGRAM, str(box.path), columns=60, rows=20, env=env) as watched:

        def seen() -> Iterator[list[str]]:
            while watched.process.poll() is None:
                yield watched.look()
                time.sleep(0.05)

        assert any(look[0].startswith("gate: testing agent-a since ") for look in seen())
        (tmp_path / "go").touch()
        assert watched.process.stdout is not None
        assert "passed" in watched.process.stdout.read()
        assert watched.process.wait(30) == 0
        (line,) = watched.look()
        assert line.startswith("gate: agent-a passed (")


WATCH = """
import os, sys
from gitbot.cli import main
os.dup2(2, 1)
os.write(1, b"before\\r\\n")
os.chdir(sys.argv[1])
sys.exit(main(["status", "agent-a", "--watch"]))
"""


def test_a_window_that_changes_its_size_keeps_what_stood_there_and_nothing_old(sandbox: SandboxMaker) -> None:
    box = sandbox(
        step("main", {"gate.sh": "\n"}), step("agent-a", {"a.txt": "a\n"}, "a long subject " * 9, start="main")
    )
    with Watched(WATCH, str(box.path), columns=160, rows=12, env={**box.env, "TERM": "xterm"}) as watched:

        def until(told: Callable[[list[str]], bool]) -> list[str]:
            while not told(seen := watched.look()):
                assert watched.process.poll() is None
                time.sleep(0.05)
            return seen

        wide = until(lambda seen: "agent-a" in "".join(seen))
        assert wide[0].startswith("branch ")
        watched.narrow(50)
        (box.path / "gitbot.toml").write_text("nonsense = 1\n")
        box.git("add", "gitbot.toml")
        box.git("commit", "--quiet", "--message", "configure")
        small = until(lambda seen: seen[0].startswith("error: "))
        assert small[1].startswith("hint: ")
        assert [line.split()[0] for line in small[2:4]] == ["branch", "agent-a"]
        watched.narrow(160)
        until(lambda seen: len(seen[1]) > 50)
        assert watched.interrupt() == 130
        assert [line.split()[0] for line in watched.look()[:5]] == ["before", "error:", "hint:", "branch", "agent-a"]


@pytest.mark.parametrize("width", [80, 100])
def test_long_paths_and_wide_names_stay_within_the_columns(width: int) -> None:
    name = "機能/認証フローの実装と統合テストの追加作業ブランチその一"
    path = "a/very/long/folder/name/that/goes/on/and/on/for/many/columns/a-file-with-a-long-name.component.test.tsx"
    seen: dict[str, Any] = document(branch(name, stuck="認証" * 60), branch("b"), conflicts=((name, "b"),))
    seen["conflicts"][0]["paths"] = [path, path + "x"]
    lines = status_text(seen, colour=False, width=width).splitlines()
    assert max(map(cells, lines)) <= width
    assert path.replace("/", "") in "".join(line.strip() for line in lines).replace("/", "")


def test_what_is_wrapped_is_whole_and_broken_only_where_no_line_has_room() -> None:
    assert wrapped("agent-a: one  two", 12) == ["  agent-a:", "    one  two"]
    assert wrapped("", 10) == [""]
    assert wrapped("x" * 20, 10) == ["  xxxxxxxx", "    xxxxxx", "    xxxxxx"]
    assert wrapped("日本語日本語", 7) == ["  日本", "    語", "    日", "    本", "    語"]


@pytest.mark.parametrize(("number", "drawn"), [(18, True), (22, True), (23, False)])
def test_names_give_way_to_the_matrix_until_a_word_takes_its_place(number: int, drawn: bool) -> None:
    names = [f"agent-with-a-long-name-{at}" for at in range(number)]
    text = status_text(document(*map(branch, names), conflicts=tuple(pairwise(names))), colour=False, width=80)
    assert max(map(cells, text.splitlines())) <= 80
    assert ("who meets whom (× collides):" in text) is drawn
    assert (f"who meets whom:\n  {number} are too many for 80 columns: --format html\n" in text) is not drawn


def test_on_a_terminal_a_first_look_says_that_it_is_under_way(
    sandbox: SandboxMaker, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    box = sandbox(step("main", {"a.txt": "a\n"}), step("agent-a", {"b.txt": "b\n"}, start="main"))
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert main(["-C", str(box.path), "status", "agent-a"]) == 0
    assert capsys.readouterr().err == "looking at the branches …\r\x1b[K"
