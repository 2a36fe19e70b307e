"""What must not reach a merge, and what must not be lost when git dies in the middle of one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from gitbot.errors import GitError
from gitbot.model.git import Oid
from gitbot.repository import open_repository
from gitbot.repository.workbench import Merged, Unmerged, Workbench
from tests.conftest import Sandbox, SandboxMaker, step

TEXT = [f"line {n}" for n in range(40)]


def with_line(number: int, text: str) -> list[str]:
    return [text if n == number else line for n, line in enumerate(TEXT)]


@pytest.fixture
def box(sandbox: SandboxMaker) -> Sandbox:
    return sandbox(
        step("main", {"a": TEXT, "gone": "1\n", **{f"many/{n}": "1\n" for n in range(60)}}),
        step("top", {"a": with_line(0, "top"), **{f"many/{n}": "top\n" for n in range(60)}}),
        step("end", {"a": with_line(39, "end")}),
        step("other", {"a": with_line(0, "other"), **{f"many/{n}": "other\n" for n in range(60)}}),
        step("moved", {"b": with_line(30, "moved")}, delete=["a"]),
        step("moved", {"b": with_line(30, "moved on")}),
        step("merge", {"m": "m\n"}, start="top"),
        step("merge", {"m": "m\n", "a": [*with_line(0, "top")[:-1], "end"]}, merge="end"),
        step("onto", {"x": "x\n"}),
    )


@pytest.fixture
def bench(box: Sandbox, tmp_path: Path) -> Iterator[Workbench]:
    with Workbench(box.repository, tmp_path / "scratch", box.tip("main")) as bench:
        yield bench


def answers(box: Sandbox, bench: Workbench) -> list[Merged | Unmerged]:
    pairs = (("top", "end"), ("top", "other"), ("end", "moved"), ("top", "top"))
    return [bench.merge(box.tip(ours), box.tip(theirs)) for ours, theirs in pairs]


@pytest.mark.parametrize("most", [0, 2, 44, 4000])
def test_a_git_that_dies_after_any_byte_costs_no_answer(
    box: Sandbox, bench: Workbench, tmp_path: Path, most: int
) -> None:
    """The first merge-tree that is started says only so many bytes."""
    undisturbed = answers(box, bench)
    git, folder = shutil.which("git"), tmp_path / "bin"
    folder.mkdir()
    (folder / "git").write_text(
        f'#!/bin/sh\ncase "$*" in *merge-tree*)\n  if mkdir "{tmp_path}/died" 2>/dev/null; then\n'
        f'    "{git}" "$@" | {{ dd bs=1 count={most} 2>/dev/null; kill -9 $$; }}\n  fi;;\nesac\nexec "{git}" "$@"\n'
    )
    (folder / "git").chmod(0o755)
    repository = open_repository(box.path, {**box.env, "PATH": f"{folder}:{box.env['PATH']}"})
    with Workbench(repository, tmp_path / "second", box.tip("main")) as second:
        assert answers(box, second) == undisturbed
    assert (tmp_path / "died").exists()


@pytest.mark.parametrize("line", ["unknown", "tree", "blob", "name", "option", "empty", "unrelated"])
def test_a_question_that_kills_git_does_not_spoil_the_next(box: Sandbox, bench: Workbench, line: str) -> None:
    top, end = box.tip("top"), box.tip("end")
    before = bench.merge(top, end)
    bad = {
        "unknown": "1" * 40,
        "tree": box.git("rev-parse", "main^{tree}"),
        "blob": box.git("rev-parse", "main:a"),
        "name": "no-such-branch",
        "option": "--help",
        "empty": "",
        "unrelated": box.git("commit-tree", "-m", "orphan", box.git("rev-parse", "main^{tree}")),
    }
    with pytest.raises(GitError):
        bench.merge(top, Oid(bad[line]))
    assert bench.merge(top, end) == before


def test_no_setting_of_the_repository_or_the_user_bends_a_merge(
    box: Sandbox, bench: Workbench, tmp_path: Path
) -> None:
    undisturbed = answers(box, bench)
    settings: Mapping[str, str] = {
        "merge.renames": "false",
        "diff.renames": "false",
        "merge.renameLimit": "1",
        "diff.renameLimit": "1",
        "merge.directoryRenames": "true",
        "merge.renormalize": "true",
        "merge.default": "union",
        "merge.conflictStyle": "diff3",
        "merge.verbosity": "5",
        "diff.algorithm": "patience",
        "core.attributesFile": str(tmp_path / "attributes"),
        "core.autocrlf": "true",
        "core.ignoreCase": "true",
        "attr.tree": "moved",
    }
    (tmp_path / "attributes").write_text("* merge=ours\n")
    for name, value in settings.items():
        box.git("config", name, value)
    box.git("config", "merge.ours.driver", "true")
    box.git("replace", box.tip("end"), box.tip("moved"))
    (box.path / ".gitattributes").write_text("* merge=union\n")
    os.makedirs(box.path / "many", exist_ok=True)
    (box.path / "many/.gitattributes").write_text("* merge=union\n")
    with Workbench(
        box.repository, tmp_path / "second", Oid(box.git("--no-replace-objects", "rev-parse", "main"))
    ) as second:
        assert answers(box, second) == undisturbed


def test_what_is_not_promoted_leaves_no_trace_in_the_store(box: Sandbox, tmp_path: Path) -> None:
    def store() -> dict[str, bytes]:
        return {str(p): p.read_bytes() for p in sorted((box.path / ".git").rglob("*")) if p.is_file()}

    before = store()
    with Workbench(box.repository, tmp_path / "scratch", box.tip("main")) as bench:
        assert len(answers(box, bench)) == 4
        assert isinstance(bench.pick(box.tip("main"), box.tip("end"), box.tip("top")), Merged)
    assert store() == before
    assert not (tmp_path / "scratch").exists()


@pytest.mark.parametrize(
    ("commit", "words"),
    [("moved", ()), ("merge", ("-m", "1")), ("merge", ("-m", "2"))],
    ids=["linear", "along the first parent", "along the second parent"],
)
def test_a_pick_is_what_cherry_pick_makes(
    box: Sandbox, bench: Workbench, commit: str, words: tuple[str, ...]
) -> None:
    onto = "top" if words else "moved~1"
    parent = box.tip(f"{commit}^{words[-1] if words else 1}")
    picked = bench.pick(parent, box.tip(commit), box.tip(onto))
    box.git("checkout", "-q", "--detach", onto)
    box.git("cherry-pick", "--allow-empty", "--keep-redundant-commits", *words, commit)
    assert picked == Merged(Oid(box.git("rev-parse", "HEAD^{tree}")))


def test_a_root_commit_can_be_picked_on_an_empty_one(box: Sandbox, bench: Workbench) -> None:
    """Neither has a parent to say what the base is: both get one that is empty."""
    empty = Oid(box.git("commit-tree", "-m", "empty", "4b825dc642cb6eb9a060e54bf8d69288fbee4904"))
    root = Oid(box.git("commit-tree", "-m", "root", box.git("rev-parse", "onto^{tree}")))
    theirs = bench.shim(bench.repository.tree_of(root), empty, root)
    box.git("checkout", "-q", "--orphan", "fresh")
    box.git("rm", "-rqf", ".")
    (box.path / "mine").write_text("mine\n")
    box.git("add", "mine")
    box.git("commit", "-qm", "mine")
    mine = box.tip("fresh")
    ours = bench.shim(bench.repository.tree_of(mine), empty, mine)
    box.git("cherry-pick", root)
    assert bench.merge(ours, theirs) == Merged(Oid(box.git("rev-parse", "HEAD^{tree}")))


def test_a_revert_is_a_merge_with_the_commit_as_base(box: Sandbox, bench: Workbench) -> None:
    commit, parent = box.tip("top"), box.tip("main")
    ours = bench.shim(bench.repository.tree_of(box.tip("merge")), commit, box.tip("merge"))
    theirs = bench.shim(bench.repository.tree_of(parent), commit, parent)
    box.git("checkout", "-q", "--detach", "merge")
    box.git("revert", "--no-edit", commit)
    assert bench.merge(ours, theirs) == Merged(Oid(box.git("rev-parse", "HEAD^{tree}")))


def test_a_shim_is_later_than_all_it_stands_on(box: Sandbox, bench: Workbench) -> None:
    base, tip = box.tip("main"), box.tip("moved")
    shim = bench.repository.commit(bench.shim(bench.repository.tree_of(base), base, tip))
    assert shim.parents == (base,)
    assert shim.committer.time > max(bench.repository.commit(each).committer.time for each in (base, tip))
