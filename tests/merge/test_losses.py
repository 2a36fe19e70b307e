"""Lines of others that a branch took away, and ordinary work that takes none."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitbot.merge.losses import Landed, Loss, deleted_landings, dropped_by_merges
from gitbot.model.git import BranchName
from gitbot.repository import history
from gitbot.repository.workbench import Workbench
from tests.conftest import Sandbox, SandboxMaker, step

TEXT = [f"line number {number}" for number in range(12)]
THEIRS = [*TEXT[:3], "a check of the others", "and its second line", "and its third one", *TEXT[3:]]


def merged_by_hand(box: Sandbox, files: dict[str, list[str]], *options: str) -> None:
    """agent-a merges main and leaves `files` as it likes them."""
    box.git("checkout", "-q", "agent-a")
    box.git("merge", "-q", "--no-commit", "--no-ff", *options, "main", check=False)
    for path, lines in files.items():
        (box.path / path).write_text("\n".join(lines) + "\n")
    box.git("add", "--all")
    box.git("commit", "-q", "-m", "merge main")
    box.git("checkout", "-q", "main")


def diverged(sandbox: SandboxMaker) -> Sandbox:
    mine = [*TEXT[:9], "work of agent-a", *TEXT[9:]]
    return sandbox(step("main", {"a.txt": TEXT}), step("agent-a", {"a.txt": mine}), step("main", {"a.txt": THEIRS}))


def dropped(box: Sandbox, tmp_path: Path, landed: list[Landed]) -> tuple[Loss, ...]:
    onto, tip = box.tip("main"), box.tip("agent-a")
    with Workbench(box.repository, tmp_path / "scratch", onto) as bench:
        own = history.own_commits(bench.repository, tip, onto)
        return dropped_by_merges(bench, own, onto, bench.repository.tree_of(tip), landed)


def test_a_merge_that_kept_its_own_side_alone_dropped_the_others(sandbox: SandboxMaker, tmp_path: Path) -> None:
    box = diverged(sandbox)
    merged_by_hand(box, {}, "--strategy=ours")
    landed = [(BranchName("agent-b"), box.tip("main~1"), box.tip("main"))]
    assert dropped(box, tmp_path, landed) == (
        Loss(
            "a.txt",
            (b"a check of the others", b"and its second line", b"and its third one"),
            BranchName("agent-b"),
            box.tip("agent-a"),
        ),
    )
    assert [loss.owner for loss in dropped(box, tmp_path, [])] == [None]


def test_a_merge_as_git_makes_it_dropped_nothing(sandbox: SandboxMaker, tmp_path: Path) -> None:
    box = diverged(sandbox)
    merged_by_hand(box, {})
    assert dropped(box, tmp_path, []) == ()


@pytest.mark.parametrize("moved", ["edited", "elsewhere", "indented"])
def test_lines_that_a_merge_edited_or_moved_are_not_lost(sandbox: SandboxMaker, tmp_path: Path, moved: str) -> None:
    box = diverged(sandbox)
    new = {
        "edited": {"a.txt": [line.replace("check", "test") for line in THEIRS]},
        "elsewhere": {"a.txt": TEXT, "b.txt": THEIRS[3:6]},
        "indented": {"a.txt": [f"    {line}" for line in THEIRS]},
    }
    merged_by_hand(box, new[moved])
    assert dropped(box, tmp_path, []) == ()


def test_of_two_insertions_that_conflict_none_has_to_go(sandbox: SandboxMaker, tmp_path: Path) -> None:
    mine = [*TEXT, "work of agent-a"]
    box = sandbox(
        step("main", {"a.txt": TEXT}),
        step("agent-a", {"a.txt": mine}),
        step("main", {"a.txt": [*TEXT, "quite another thing"]}),
    )
    merged_by_hand(box, {"a.txt": mine})
    assert [loss.lines for loss in dropped(box, tmp_path, [])] == [(b"quite another thing",)]


def test_a_choice_between_two_versions_of_a_line_is_a_persons(sandbox: SandboxMaker, tmp_path: Path) -> None:
    mine, theirs = ["version = 2 of agent-a", *TEXT[1:]], ["something else entirely", *TEXT[1:]]
    box = sandbox(step("main", {"a.txt": TEXT}), step("agent-a", {"a.txt": mine}), step("main", {"a.txt": theirs}))
    merged_by_hand(box, {"a.txt": mine})
    assert dropped(box, tmp_path, []) == ()


def test_what_a_later_commit_brought_back_is_not_lost(sandbox: SandboxMaker, tmp_path: Path) -> None:
    box = diverged(sandbox)
    merged_by_hand(box, {}, "--strategy=ours")
    box.git("checkout", "-q", "agent-a")
    (box.path / "a.txt").write_text("\n".join(THEIRS) + "\n")
    box.git("commit", "-q", "-am", "bring it back")
    assert dropped(box, tmp_path, []) == ()


def deleted(box: Sandbox) -> tuple[Loss, ...]:
    repository, base, tip = box.repository, box.tip("main"), box.tip("agent-a")
    landed = [(BranchName("agent-b"), box.tip("main~1"), base)]
    return deleted_landings(repository, base, tip, repository.tree_of(tip), landed)


def test_the_deletion_of_what_just_landed_is_seen_with_its_owner(sandbox: SandboxMaker) -> None:
    box = sandbox(step("main", {"a.txt": TEXT}), step("main", {"a.txt": THEIRS}), step("agent-a", {"a.txt": TEXT}))
    [loss] = deleted(box)
    assert (loss.path, loss.owner, loss.merge, len(loss.lines)) == ("a.txt", "agent-b", None, 3)


@pytest.mark.parametrize(
    "after",
    [THEIRS[:4] + THEIRS[5:], [*THEIRS[:3], "a better check", *TEXT[3:]], [*TEXT, *THEIRS[3:6]]],
    ids=["one line", "rewritten", "moved"],
)
def test_ordinary_edits_of_it_are_not(sandbox: SandboxMaker, after: list[str]) -> None:
    box = sandbox(step("main", {"a.txt": TEXT}), step("main", {"a.txt": THEIRS}), step("agent-a", {"a.txt": after}))
    assert deleted(box) == ()


def test_what_went_to_a_new_file_is_not_deleted(sandbox: SandboxMaker) -> None:
    moved = {"a.txt": TEXT, "b.txt": THEIRS[3:6]}
    box = sandbox(step("main", {"a.txt": TEXT}), step("main", {"a.txt": THEIRS}), step("agent-a", moved))
    assert deleted(box) == ()


def test_of_a_longer_deletion_only_what_just_landed_counts(sandbox: SandboxMaker) -> None:
    after = THEIRS[:3] + THEIRS[9:]
    box = sandbox(step("main", {"a.txt": TEXT}), step("main", {"a.txt": THEIRS}), step("agent-a", {"a.txt": after}))
    assert [loss.lines for loss in deleted(box)] == [tuple(sorted(line.encode() for line in THEIRS[3:6]))]


def test_older_lines_are_anybodys(sandbox: SandboxMaker) -> None:
    box = sandbox(
        step("main", {"a.txt": TEXT}), step("main", {"b.txt": "x\n"}), step("agent-a", {"a.txt": TEXT[:2] + TEXT[8:]})
    )
    assert deleted(box) == ()
