"""Trial merges: git's own answers, and nothing of them in the user's store until it is promoted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gitbot.errors import GitError
from gitbot.model.git import Person
from gitbot.repository import open_repository
from gitbot.repository.workbench import Merged, Unmerged, Workbench
from gitbot.repository.writing import write_blob, write_tree
from tests.conftest import Sandbox, SandboxMaker, step

ADA = Person("Ada", "ada@example.org", 1_700_000_000, 60)


@pytest.fixture
def box(sandbox: SandboxMaker) -> Sandbox:
    return sandbox(
        step("main", {"a": ["1", "2", "3", "4", "5"], "dir/one": "one\n", "dir/two": "two\n"}),
        step("top", {"a": ["top", "2", "3", "4", "5"]}),
        step("end", {"a": ["1", "2", "3", "4", "end"]}),
        step("other", {"a": ["other", "2", "3", "4", "5"]}),
        step("moved", {"new/one": "one\n", "new/two": "two\n"}, delete=["dir/one", "dir/two"]),
        step("added", {"dir/three": "three\n"}),
    )


@pytest.fixture
def bench(box: Sandbox, tmp_path: Path) -> Iterator[Workbench]:
    with Workbench(box.repository, tmp_path / "scratch", box.tip("main")) as bench:
        yield bench


def objects(box: Sandbox) -> str:
    return box.git("cat-file", "--batch-all-objects", "--batch-check")


def test_a_clean_merge_gives_gits_own_tree_and_leaves_the_store_alone(box: Sandbox, bench: Workbench) -> None:
    before = objects(box)
    merged = bench.merge(box.tip("top"), box.tip("end"))
    assert isinstance(merged, Merged)
    assert bench.repository.read(merged.tree, "a") == b"top\n2\n3\n4\nend\n"
    assert objects(box) == before
    box.git("checkout", "-q", "--detach", "top")
    box.git("merge", "-q", "--no-edit", "end")
    assert box.git("rev-parse", "HEAD^{tree}") == merged.tree


def test_a_conflict_names_its_paths_with_all_three_sides(box: Sandbox, bench: Workbench) -> None:
    merged = bench.merge(box.tip("top"), box.tip("other"))
    assert isinstance(merged, Unmerged)
    [path] = merged.paths
    assert (path.path, path.kind) == ("a", "contents")
    sides = [box.git("rev-parse", f"{name}:a") for name in ("main", "top", "other")]
    assert [path.base, path.ours, path.theirs] == sides


def test_one_process_answers_many_questions_in_their_order(box: Sandbox, bench: Workbench) -> None:
    for _ in range(20):
        assert isinstance(bench.merge(box.tip("top"), box.tip("other")), Unmerged)
        assert isinstance(bench.merge(box.tip("top"), box.tip("end")), Merged)


def test_a_renamed_folder_is_told_apart_and_can_take_new_files_along(box: Sandbox, bench: Workbench) -> None:
    merged = bench.merge(box.tip("moved"), box.tip("added"))
    assert isinstance(merged, Unmerged)
    assert merged.renamed_folder
    along = bench.merge(box.tip("moved"), box.tip("added"), move_folders=True)
    assert isinstance(along, Merged)
    assert bench.repository.read(along.tree, "new/three") == b"three\n"


def test_a_pick_is_what_cherry_pick_gives(box: Sandbox, bench: Workbench) -> None:
    picked = bench.pick(box.tip("main"), box.tip("end"), box.tip("top"))
    box.git("checkout", "-q", "--detach", "top")
    box.git("cherry-pick", "end")
    assert isinstance(picked, Merged)
    assert picked.tree == box.git("rev-parse", "HEAD^{tree}")


def test_unrelated_histories_are_refused(box: Sandbox, bench: Workbench) -> None:
    tree = box.git("rev-parse", "main^{tree}")
    orphan = box.tip(box.git("commit-tree", "-m", "orphan", tree))
    with pytest.raises(GitError):
        bench.merge(box.tip("main"), orphan)


def test_the_same_commit_is_written_twice_with_one_name_and_promoted_with_all_it_needs(
    box: Sandbox, bench: Workbench
) -> None:
    merged = bench.merge(box.tip("top"), box.tip("end"))
    assert isinstance(merged, Merged)
    parents = (box.tip("top"), box.tip("end"))
    commit = bench.write_commit(merged.tree, parents, ADA, ADA, "merge\n")
    assert bench.write_commit(merged.tree, parents, ADA, ADA, "merge\n") == commit
    assert box.repository.resolve(commit) is None
    bench.promote(commit)
    assert box.git("cat-file", "-p", commit).endswith("merge")
    box.git("update-ref", "refs/heads/done", commit)
    assert box.git("fsck", "--no-dangling") == ""


@pytest.mark.parametrize(
    ("author", "line"),
    [
        (Person("", "", 1_700_000_000, -90), "author  <> 1700000000 -0130"),
        (Person("", "a@b", 1_700_000_000, 0), "author  <a@b> 1700000000 +0000"),
        (Person("Ada Jr.", "a@b", 1_700_000_000, 90), "author Ada Jr. <a@b> 1700000000 +0130"),
        (Person("A <x> \nB", "b> c", -17, 0), "author A x B <b c> 0 +0000"),
    ],
)
def test_an_author_is_written_as_found_wherever_git_takes_it(
    box: Sandbox, bench: Workbench, author: Person, line: str
) -> None:
    tip = box.tip("main")
    commit = bench.write_commit(bench.repository.tree_of(tip), (tip,), author, ADA, "grüße\n")
    bench.promote(commit)
    assert box.git("cat-file", "-p", commit).splitlines()[2] == line
    assert box.git("log", "-1", "--format=%s", commit) == "grüße"
    assert box.git("fsck", "--strict", "--no-dangling", commit) == ""


def test_no_configuration_from_the_environment_reaches_a_merge(box: Sandbox, tmp_path: Path) -> None:
    """Not by git's -c (GIT_CONFIG_PARAMETERS), not by GIT_CONFIG_COUNT, not by a global file."""
    (tmp_path / "config").write_text("[merge]\n\trenames = false\n\tdirectoryRenames = false\n")
    bent = {
        "GIT_CONFIG_PARAMETERS": "'merge.renames'='false' 'diff.renames'='false' 'merge.renameLimit'='x'",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "merge.default",
        "GIT_CONFIG_VALUE_0": "binary",
        "GIT_CONFIG_GLOBAL": str(tmp_path / "config"),
    }
    repository = open_repository(box.path, {**box.env, **bent})
    with Workbench(repository, tmp_path / "scratch", box.tip("main")) as bench:
        merged = bench.merge(box.tip("top"), box.tip("end"))
    assert isinstance(merged, Merged)


def test_replacing_files_rewrites_only_the_folders_on_the_way(box: Sandbox, bench: Workbench) -> None:
    tree = bench.repository.tree_of(box.tip("main"))
    blob = write_blob(bench.repository, b"new\n")
    made = write_tree(bench.repository, tree, {"dir/one": (blob, 0o100755), "fresh/deep/file": (blob, 0o100644)})
    assert [change.path for change in bench.repository.changes(tree, made)] == ["dir/one", "fresh/deep/file"]
    assert bench.repository.entry(made, "dir/one") == (blob, 0o100755)
    assert bench.repository.read(made, "dir/two") == b"two\n"


def test_attributes_of_the_target_count_without_its_drivers(sandbox: SandboxMaker, tmp_path: Path) -> None:
    box = sandbox(
        step("main", {".gitattributes": "log merge=union\ncode merge=evil\n", "log": "1\n", "code": "1\n"}),
        step("one", {"log": ["1", "one"], "code": "one\n"}),
        step("two", {"log": ["1", "two"], "code": "two\n"}),
    )
    box.git("config", "merge.evil.driver", f"touch {tmp_path}/pwned")
    with Workbench(box.repository, tmp_path / "scratch", box.tip("main")) as bench:
        merged = bench.merge(box.tip("one"), box.tip("two"))
    assert isinstance(merged, Unmerged)
    assert [path.path for path in merged.paths] == ["code"]
    assert not (tmp_path / "pwned").exists()
