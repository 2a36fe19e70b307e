"""What a commit that gitbot writes says of the files in which both sides were kept, as git reads its trailers."""

from __future__ import annotations

import pytest

from gitbot.merge.messages import MOST_RESOLVED, with_resolved
from gitbot.model.git import Oid
from gitbot.model.merge import Resolution
from tests.conftest import SandboxMaker, step
from tests.scenarios.beginnings import base

OID = Oid("1" * 40)
BEFORE = ["Merge branch 'agent-a'", "", "Gitbot-Branch: agent-a"]


def said(*paths: str, how: str = "insert-both") -> list[str]:
    """The lines that come to a message."""
    message = with_resolved("\n".join([*BEFORE, ""]), [Resolution(path, how, 1, OID, OID) for path in paths])
    assert message.endswith("\n")
    assert message.split("\n")[: len(BEFORE)] == BEFORE
    return message.rstrip("\n").split("\n")[len(BEFORE) :]


def test_each_resolved_file_is_named_with_its_rung() -> None:
    assert said("CHANGELOG.md", "src/a b.py") == [
        "Gitbot-Resolved: CHANGELOG.md (insert-both)",
        "Gitbot-Resolved: src/a b.py (insert-both)",
    ]
    assert said() == []


def test_of_many_files_the_first_are_named_and_the_others_counted() -> None:
    lines = said(*(f"{number}.txt" for number in range(MOST_RESOLVED + 5)))
    assert len(lines) == MOST_RESOLVED + 1
    assert lines[-1] == "Gitbot-Resolved: … and 5 more"


@pytest.mark.parametrize("path", ["a\nGitbot-Tip: 1", '"', "\\", "\x1b[2J", "é", "\u202e", "\udcff", "\t", "plain"])
def test_a_path_is_quoted_as_git_quotes_it(path: str, sandbox: SandboxMaker) -> None:
    box = sandbox(step("main", {"x": "x\n"}))
    blob = box.git("rev-parse", "main:x")
    box.git("update-index", "--add", "--cacheinfo", f"100644,{blob},{path}")
    (listed,) = box.git("diff", "--cached", "--name-only").splitlines()
    assert said(path) == [f"Gitbot-Resolved: {listed} (insert-both)"]


def test_a_landed_merge_tells_git_which_files_were_resolved(sandbox: SandboxMaker) -> None:
    log = "# Changes\n\n{}- base\n"
    box = sandbox(
        base({"CHANGELOG.md": log.format("")}),
        step("agent-a", {"CHANGELOG.md": log.format("- one\n")}, start="main"),
        step("main", {"CHANGELOG.md": log.format("- two\n")}),
    )
    assert box.integrate("agent-a").outcomes == {"agent-a": "landed by accept-both"}
    trailers = box.git("log", "-1", "--format=%(trailers:key=Gitbot-Resolved,valueonly)", "main")
    assert trailers == "CHANGELOG.md (insert-both)"
