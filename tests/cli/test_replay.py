"""`gitbot replay`, as somebody runs it who hesitates: on merges that people made, and without a trace."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Sandbox, SandboxMaker, step

LOG = "# Changes\n\n{}- base\n"
LINES = "\n".join(f"line {number}" for number in range(9)) + "\n"


def side(number: int, ours: str, theirs: str, people: str, path: str) -> tuple[Any, ...]:
    """A branch and the target that change one file, and the merge as people committed it."""
    name = f"topic-{number}"
    return (
        step(name, {path: theirs}, f"{name}: theirs", start="main"),
        step("main", {path: ours}, f"main: ours {number}"),
        step("main", {path: people}, f"Merge {name}", merge=name),
    )


@pytest.fixture
def box(sandbox: SandboxMaker) -> Sandbox:
    """Five merges: identical, another order, different, set aside, clean."""
    start = {f"{number}/CHANGELOG.md": LOG.format("") for number in (1, 2, 3)} | {"4.txt": "one\n", "5.txt": LINES}
    made = [step("main", start, "base")]
    for number, people in ((1, "- A\n- B\n"), (2, "- B\n- A\n"), (3, "- A\n")):
        made += side(
            number,
            LOG.format("- A\n").replace("A", "A one"),
            LOG.format("- B\n").replace("B", "B two"),
            LOG.format(people).replace("A", "A one").replace("B", "B two"),
            f"{number}/CHANGELOG.md",
        )
    made += side(4, "ours\n", "theirs\n", "theirs\n", "4.txt")
    ours, theirs = LINES.replace("line 0", "first"), LINES.replace("line 8", "last")
    made += side(5, ours, theirs, ours.replace("line 8", "last"), "5.txt")
    return sandbox(*made)


def test_every_merge_is_told_by_what_people_did_and_nothing_is_written(box: Sandbox) -> None:
    with box.watched(dry=True):
        ran = box.gitbot("replay", "--format", "json")
    assert (ran.code, ran.err) == (0, "")
    found = ran.document
    assert found["schema"] == "gitbot.replay/1"
    assert [merge["likeness"] for merge in found["merges"]] == [
        "clean",
        "set-aside",
        "different",
        "same-lines",
        "identical",
    ]
    assert found["headline"] == (
        "of your last 5 merges 4 conflicted; gitbot would have settled 3 by itself, 2 as your people did, "
        "1 differently: look at it below"
    )
    assert found["by_place"] == (
        "by place: careful settles 3 of 4, 2 as your people did; bold 3, 2 as your people did"
    )
    assert {merge["author"] for merge in found["merges"]} == {"Ada Lovelace"}
    (hunk,) = found["merges"][2]["files"][0]["hunks"]
    assert (hunk["base"], hunk["ours"], hunk["theirs"]) == ("", "- A one\n", "- B two\n")
    assert (hunk["people"], hunk["gitbot"]) == ("- A one\n", "- A one\n- B two\n")
    assert hunk["how"] == "insert-both"
    assert hunk["why"]


def test_what_is_set_aside_has_its_reason_and_what_people_did(box: Sandbox) -> None:
    (file,) = box.gitbot("replay", "--format", "json").document["merges"][1]["files"]
    assert (file["path"], file["kind"], file["likeness"]) == ("4.txt", "contents", "set-aside")
    assert "both sides changed" in file["why"]
    assert (file["hunks"][0]["people"], file["hunks"][0]["gitbot"]) == ("theirs\n", None)


def test_one_refused_place_sets_a_merge_aside_and_the_others_are_counted_by_themselves(sandbox: SandboxMaker) -> None:
    """And the other manner's answers stand beside those of the one that was asked for."""
    base = {"CHANGELOG.md": LOG.format(""), "a.py": "one = f(1)\n", "b.txt": "one\n"}
    box = sandbox(
        step("main", base, "base"),
        step("topic", {"CHANGELOG.md": LOG.format("- B\n"), "a.py": "one = f(1, 2)\n", "b.txt": "b\n"}, start="main"),
        step("main", {"CHANGELOG.md": LOG.format("- A\n"), "a.py": "two = f(1)\n", "b.txt": "a\n"}),
        step("main", {"CHANGELOG.md": LOG.format("- A\n- B\n"), "a.py": "two = f(1, 2)\n"}, merge="topic"),
    )
    careful, bold = (box.gitbot("replay", "--accept-both", each, "--format", "json") for each in ("careful", "bold"))
    told = "by place: careful settles 1 of 3, 1 as your people did; bold 2, 2 as your people did"
    assert careful.document["by_place"] == told
    told = "by place: bold settles 2 of 3, 2 as your people did; careful 1, 1 as your people did"
    assert bold.document["by_place"] == told
    assert careful.document["counts"]["set-aside"] == bold.document["counts"]["set-aside"] == 1
    (hunk,) = careful.document["merges"][0]["files"][1]["hunks"]
    assert (hunk["how"], hunk["other"], hunk["other_likeness"]) == (None, "tokens", "identical")


def test_a_merge_whose_differing_text_cannot_be_placed_is_named_all_the_same(sandbox: SandboxMaker) -> None:
    """People changed the line beside the conflict too, so that only the file as a whole can be compared."""
    made = side(1, LOG.format("- A\n"), LOG.format("- B\n"), "# News\n- A, B\n- all\n", "CHANGELOG.md")
    box = sandbox(step("main", {"CHANGELOG.md": LOG.format("")}, "base"), *made)
    assert re.search(r"^  [0-9a-f]{7}  CHANGELOG\.md$", box.gitbot("replay").out, re.MULTILINE)


def test_progress_goes_to_the_terminal_also_when_the_answer_goes_to_a_file(box: Sandbox, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-m", "gitbot", "replay", "-o", str(tmp_path / "answer")],
        cwd=box.path, env={**box.env, "TERM": "xterm"}, stdout=subprocess.PIPE, stderr=theirs, check=True,
    )  # fmt: skip
    os.close(theirs)
    said = os.read(ours, 1 << 16).decode()
    os.close(ours)
    assert done.stdout == b""
    assert said.startswith("\r0 of at most 200 merges …\r1 of at most 200 merges …")
    assert said.endswith("\r\x1b[K")


def test_last_counts_merges_from_the_newest(box: Sandbox) -> None:
    found = box.gitbot("replay", "--last", "2", "--format", "json").document
    assert [merge["likeness"] for merge in found["merges"]] == ["clean", "set-aside"]


def test_the_text_says_the_same_on_one_screen_and_the_page_shows_it_side_by_side(
    box: Sandbox, tmp_path: Path
) -> None:
    text = box.gitbot("replay").out
    assert text.startswith("of your last 5 merges 4 conflicted")
    commit = box.git("log", "--format=%h", "--abbrev=7", "--grep=Merge topic-3", "main")
    assert f"\n  {commit}  3/CHANGELOG.md:3  insert-both\n" in text
    assert len(text.splitlines()) < 25
    narrow = box.gitbot("replay", env={"COLUMNS": "60"}).out
    assert max(map(len, narrow.splitlines())) <= 60
    assert narrow.split() == text.split()
    page = tmp_path / "page.html"
    assert box.gitbot("replay", "--format", "html", "-o", str(page)).out == ""
    html = page.read_text(encoding="utf-8")
    assert html.endswith("</html>\n")
    assert "what people did" in html
    assert "<script" not in html


def test_a_merge_in_which_people_changed_more_says_so(sandbox: SandboxMaker) -> None:
    made = (
        step("main", {"a.txt": "a\n", "b.txt": "b\n"}, "base"),
        step("topic", {"a.txt": "A\n"}, start="main"),
        step("main", {"b.txt": "B\n"}),
        step("main", {"a.txt": "A\n", "c.txt": "slipped in\n"}, "Merge topic", merge="topic"),
    )
    (merge,) = sandbox(*made).gitbot("replay", "--format", "json").document["merges"]
    assert (merge["likeness"], merge["beyond"]) == ("clean", ["c.txt"])


def test_a_history_without_merges_is_said_to_have_nothing_to_compare(sandbox: SandboxMaker) -> None:
    ran = sandbox(step("main", {"a.txt": "a\n"}), step("main", {"a.txt": "b\n"})).gitbot("replay")
    assert ran.code == 0
    assert "no merge of two branches" in ran.out


def test_a_merge_that_could_have_been_a_fast_forward_is_left_out_and_counted(sandbox: SandboxMaker) -> None:
    made = (
        step("main", {"a.txt": "a\n"}),
        step("topic", {"a.txt": "b\n"}, start="main"),
        step("main", {"a.txt": "b\n"}, merge="topic"),
    )
    counts = sandbox(*made).gitbot("replay", "--format", "json").document["counts"]
    assert (counts["merges"], counts["fast-forward"]) == (0, 1)


def test_a_merge_of_unrelated_histories_is_counted_and_the_others_go_on(box: Sandbox) -> None:
    """As is one of which an object is missing: both are errors of one merge."""
    box.git("checkout", "-q", "--orphan", "alien")
    box.git("commit", "-q", "-m", "alien")
    box.git("checkout", "-q", "main")
    box.git("merge", "-q", "--allow-unrelated-histories", "-s", "ours", "-m", "Merge alien", "alien")
    found = box.gitbot("replay", "--format", "json").document
    assert [merge["likeness"] for merge in found["merges"]][:2] == ["unreadable", "clean"]
    assert "no common history" in found["merges"][0]["why"]


def test_the_attributes_of_the_time_count(sandbox: SandboxMaker) -> None:
    """What git merged by a union driver then is a clean merge still, though the attribute is gone."""
    made = [step("main", {".gitattributes": "log merge=union\n", "log": "base\n"}, "base")]
    made += side(1, "base\nours\n", "base\ntheirs\n", "base\nours\ntheirs\n", "log")
    made += [step("main", {}, "no attributes", delete=[".gitattributes"])]
    made += side(
        2, "base\nours\ntheirs\nx = 1\n", "base\nours\ntheirs\nx = 2\n", "base\nours\ntheirs\nx = 2\n", "log"
    )
    found = sandbox(*made).gitbot("replay", "--format", "json").document
    assert [merge["likeness"] for merge in found["merges"]] == ["set-aside", "clean"]


def test_names_and_texts_of_strangers_reach_neither_terminal_nor_page_as_code(sandbox: SandboxMaker) -> None:
    made = [step("main", {"<b>.txt": "one\n"}, "base")]
    made += side(1, "\x1b[31mours\n", "<script>alert(1)</script>\n", "x\n", "<b>.txt")
    box = sandbox(*made)
    for form in ("text", "json", "html"):
        out = box.gitbot("replay", "--format", form).out
        assert "\x1b" not in out
        assert form == "json" or "<script>" not in out
