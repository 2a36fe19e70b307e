"""`gitbot check` in each of its formats, as a user runs it."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.conftest import Sandbox, SandboxMaker, step

A = "---\nplan: A\nowns: [src/**]\n---\n- [ ] Write `src/a.ts`\n"
B = "---\nplan: B\nowns: [src/b.ts]\n---\n- [ ] Write `src/b.ts`\n"


@pytest.fixture
def box(sandbox: SandboxMaker) -> Sandbox:
    return sandbox(step("main", {"src/b.ts": "1\n", "plans/a.md": A, "plans/b.md": B}))


def test_every_format_has_the_same_exit_code_and_writes_nothing_into_the_repository(box: Sandbox) -> None:
    with box.watched(dry=True):
        for form in ("text", "json", "toml", "sarif", "github", "html"):
            ran = box.gitbot("check", "--format", form)
            assert (ran.code, ran.err) == (1, ""), form
            assert "src/b.ts" in ran.out, form


def test_the_formats_are_what_they_are_called(box: Sandbox) -> None:
    shown = {form: box.gitbot("check", "--format", form).out for form in ("json", "toml", "sarif", "github", "html")}
    assert json.loads(shown["json"])["verdict"] == tomllib.loads(shown["toml"])["verdict"] == "sequential"
    assert json.loads(shown["sarif"])["version"] == "2.1.0"
    assert shown["github"].startswith("::error file=plans/a.md,line=3,")
    assert shown["html"].startswith("<!doctype html>")


def test_a_file_gets_the_answer_and_standard_output_nothing(box: Sandbox) -> None:
    ran = box.gitbot("check", "--format", "html", "-o", "../page.html")
    assert (ran.code, ran.out, ran.err) == (1, "", "")
    assert (box.path.parent / "page.html").read_text(encoding="utf-8").endswith("</html>\n")


def test_a_name_that_is_no_text_keeps_no_format_from_answering(box: Sandbox) -> None:
    (box.path / "plans" / os.fsdecode(b"\xff.md")).write_text(B)
    for form in ("text", "json", "toml", "sarif", "github", "html"):
        assert box.gitbot("check", "--format", form).code == 1, form


def test_an_unknown_format_is_bad_usage(box: Sandbox) -> None:
    ran = box.gitbot("check", "--format", "xml")
    assert (ran.code, ran.out) == (2, "")


def test_notes_are_folded_until_they_are_asked_for(box: Sandbox) -> None:
    assert "no-gate" in box.gitbot("check").out
    assert "note: no gate is configured" not in box.gitbot("check").out
    assert "note: no gate is configured" in box.gitbot("check", "-v").out


def test_suggestions_are_printed_and_never_written(box: Sandbox) -> None:
    (box.path / "plans" / "c.md").write_text("# Agent C\n\n- [ ] Write `docs/c.md`\n")
    with box.watched(dry=True):
        ran = box.gitbot("check", "--suggest")
    assert ran.code == 1
    assert "docs/c.md" in ran.out


@pytest.mark.parametrize("plain", [False, True])
def test_on_a_terminal_the_text_has_its_width_and_colours_unless_they_are_unwanted(box: Sandbox, plain: bool) -> None:
    said, complaints = on_a_terminal(box, "stdout", {"COLUMNS": "72"} | ({"NO_COLOR": "1"} if plain else {}))
    assert complaints == ""
    assert ("\x1b" in said) is not plain
    longest = max(len(line) for line in re.sub(r"\x1b\[\d+m", "", said).splitlines())
    assert 60 < longest <= 72


def test_progress_is_shown_on_a_terminal_and_wiped_away(box: Sandbox) -> None:
    said, answer = on_a_terminal(box, "stderr", {})
    assert re.fullmatch(r"(?:[a-z, ]+ …\r\x1b\[K)+", said)
    assert answer == box.gitbot("check").out


def on_a_terminal(box: Sandbox, stream: str, env: Mapping[str, str]) -> tuple[str, str]:
    """What `gitbot check` says to a terminal on one of its streams, and what it says on the other."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "gitbot", "check"],
        cwd=box.path,
        env={**box.env, "TERM": "xterm", **env},
        stdout=theirs if stream == "stdout" else subprocess.PIPE,
        stderr=theirs if stream == "stderr" else subprocess.PIPE,
    ) as process:
        os.close(theirs)
        said = b""
        while data := _read(ours):
            said += data
        out, err = process.communicate()
    os.close(ours)
    return said.decode(), (err if stream == "stdout" else out).decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # how Linux says that the other end is closed
        return b""


def test_nothing_that_can_be_read_is_bad_input(box: Sandbox) -> None:
    """The findings say what is wrong, and the exit code that nothing was compared."""
    (box.path / "broken.md").write_bytes(b"\xff\xfe\xff# no text\xff")
    ran = box.gitbot("check", "broken.md")
    assert ran.code == 2
    assert ran.out.startswith("1 error to look at; no plan could be read\n")
    assert "broken.md:1" in ran.out


def test_a_closed_standard_output_is_no_bug(box: Sandbox) -> None:
    command = f'exec "{sys.executable}" -m gitbot check >&-'
    done = subprocess.run(["sh", "-c", command], cwd=box.path, env=dict(box.env), capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (1, "")


def test_outside_git_it_says_what_is_not_known(box: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "loose").mkdir()
    (tmp_path / "loose/a.md").write_text(A)
    ran = box.gitbot("check", ".", cwd=tmp_path / "loose")
    assert ran.code == 0
    assert "is not inside a git repository: neither its files nor its history are known" in ran.err
