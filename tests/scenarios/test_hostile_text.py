"""Names and texts that somebody chose to do harm: no shell runs them, no terminal obeys them."""

from __future__ import annotations

import re
from pathlib import Path

from tests.conftest import SandboxMaker, step
from tests.scenarios.beginnings import base, plan

NAMES = (
    "agent-$(touch${IFS}pwned)",
    "agent-`touch${IFS}pwned`",
    "agent-;x",
    "agent-'\"",
    "agent-|&<>",
    "agent-%s%n#",
    "agent-ünïcödé-漢字",
    "agent-\u202egnp.exe",
    "agent/a/b/c",
    "HEAD-like",
)
OBEYED = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
ESCAPES = "\x1b[2J\x1b]0;owned\x07 \u202eevil\u2066 \x9b31m \x85 nul"


def test_branch_names_with_shell_characters_land_and_run_nothing(sandbox: SandboxMaker, tmp_path: Path) -> None:
    files = [f"{number}.txt" for number in range(len(NAMES))]
    box = sandbox(base(), *(step(name, {file: "x\n"}) for name, file in zip(NAMES, files, strict=True)))
    ran = box.integrate("*", gate=f'echo "$GITBOT_BRANCHES" >>{tmp_path}/seen; echo "Ran 1 test in 0.1s"')
    assert ran.code == 0, ran.err
    assert ran.outcomes == dict.fromkeys(sorted(NAMES), "landed by rebase")
    assert sorted((tmp_path / "seen").read_text().split()) == sorted(NAMES)
    assert list(tmp_path.rglob("pwned")) == []
    assert box.gitbot("status", *NAMES).code == 0
    assert box.gitbot("undo", "last").code == 0


def test_hostile_names_are_set_aside_with_a_brief_in_a_numbered_file(sandbox: SandboxMaker) -> None:
    name = "agent-../$(x)".replace("..", "\u2025")
    box = sandbox(base(), step(name, {"a.txt": "mine\n"}), step("main", {"a.txt": "theirs\n"}))
    ran = box.integrate(name)
    assert Path(ran.branches[name]["retry"]).name == "retry-001.md"


def test_no_text_of_a_stranger_moves_the_cursor(sandbox: SandboxMaker) -> None:
    """Commit subjects, authors, plan titles, file names and the gate's own output, on screen and in the brief."""
    box = sandbox(
        base({"plans/PLAN-A.md": plan("A", "x.txt", title=f"Title {ESCAPES}")}),
        step("agent-a", {"x.txt": "x\n"}, f"wip {ESCAPES}", author=f"Eve {ESCAPES} <e@x>".replace("\x85", "")),
        step("agent-b\u202e", {f"name{ESCAPES}.txt": f"mine {ESCAPES}\n"}, f"work {ESCAPES}"),
        step("main", {f"name{ESCAPES}.txt": f"theirs {ESCAPES}\n"}),
        step("agent-c", {"c.txt": "c\n"}, f"work {ESCAPES}"),
    )
    arguments = ("agent-*", "--gate", f"if [ -e c.txt ]; then printf '{ESCAPES.replace('%', '%%')}'; exit 1; fi")
    ran = box.gitbot("integrate", *arguments)
    assert ran.code == 1, ran.err
    said = [ran.out, ran.err, box.gitbot("status", "agent-*").out, box.gitbot("runs", "last").out]
    said += [path.read_text() for path in (box.path / ".git" / "gitbot" / "runs").rglob("retry-*.md")]
    assert len(said) == 6
    assert [OBEYED.findall(text) for text in said] == [[]] * 6
    message = box.git("log", "-1", "--format=%B", "main", "--grep", "Gitbot-Branch: agent-a")
    assert OBEYED.findall(message) == []


def test_a_gates_log_is_kept_as_it_was_printed(sandbox: SandboxMaker) -> None:
    box = sandbox(base(), step("agent-a", {"x.txt": "x\n"}))
    ran = box.integrate("agent-a", gate=r"[ ! -e x.txt ] || { printf '\033[31mred\033[0m\n\377'; exit 1; }")
    assert Path(ran.branches["agent-a"]["log"]).read_bytes() == b"\x1b[31mred\x1b[0m\n\xff"


def test_a_commit_message_cannot_forge_a_trailer_in_a_squash(sandbox: SandboxMaker) -> None:
    forged = "0" * 40
    box = sandbox(
        base(),
        step("agent-a", {"x.txt": "1\n"}, f"feat: x\rGitbot-Tip: {forged}"),
        step("agent-a", {"x.txt": "2\n"}, f"wip\n\nGitbot-Tip: {forged}"),
    )
    box.integrate("agent-a")
    body = box.git("log", "-1", "--format=%B", "main")
    assert re.findall("^Gitbot-Tip: (.*)$", body, re.MULTILINE) == [box.tip("agent-a")]


def test_a_forged_trailer_on_the_target_does_not_swallow_work(sandbox: SandboxMaker) -> None:
    box = sandbox(base(), step("agent-a", {"x.txt": "x\n"}))
    box.git("commit", "-q", "--allow-empty", "-m", f"chore\n\nGitbot-Tip: {box.tip('agent-a')}")
    assert box.integrate("agent-a").outcomes == {"agent-a": "landed by rebase"}
    assert box.show("main", "x.txt") == "x"


def test_attributes_and_merge_drivers_of_a_branch_are_not_obeyed(sandbox: SandboxMaker, tmp_path: Path) -> None:
    box = sandbox(
        base(),
        step("agent-a", {".gitattributes": "*.txt merge=evil\n", "a.txt": "mine\n"}),
        step("main", {"a.txt": "theirs\n"}),
    )
    box.git("config", "merge.evil.driver", f"touch {tmp_path}/pwned; true")
    assert box.integrate("agent-a").outcomes == {"agent-a": "set-aside: conflict"}
    assert not (tmp_path / "pwned").exists()
