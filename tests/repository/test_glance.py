"""A repository found without git is the one that git finds."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitbot.errors import NoRepositoryError, UnsupportedRepositoryError
from gitbot.repository import Repository, glance_at, open_repository, refs
from tests.conftest import SandboxMaker, step


def places(repository: Repository) -> tuple[Path, Path, Path | None, dict[str, str]]:
    return repository.git_dir, repository.common, repository.work_tree, repository.env


def test_a_glance_finds_what_git_finds(sandbox: SandboxMaker, tmp_path: Path) -> None:
    box = sandbox(step("main", {"src/a.txt": "1\n"}))
    linked, bare = tmp_path / "größe linked", tmp_path / "bare.git"
    box.git("worktree", "add", "-q", str(linked), "-b", "other")
    box.git("clone", "-q", "--bare", str(box.path), str(bare))
    named = {**box.env, "GIT_DIR": str(linked / ".git"), "GIT_WORK_TREE": str(linked)}
    (tmp_path / "link").symlink_to(linked)
    for folder in (box.path, box.path / "src", linked / "src", tmp_path / "link", bare, bare / "refs"):
        assert places(glance_at(folder, box.env)) == places(open_repository(folder, box.env)), folder
    assert places(glance_at(tmp_path, named)) == places(open_repository(tmp_path, named))
    assert glance_at(linked, box.env).main_work_tree == box.path
    assert glance_at(bare, box.env).main_work_tree is None
    assert refs.checked_out(glance_at(linked, box.env).git_dir) == "refs/heads/other"
    box.git("checkout", "-q", "--detach")
    assert refs.checked_out(box.repository.git_dir) is None


def test_what_is_no_repository_of_a_kind_that_can_be_read_is_refused_as_by_git(
    sandbox: SandboxMaker, tmp_path: Path
) -> None:
    box = sandbox(step("main", {"a.txt": "1\n"}))
    with pytest.raises(NoRepositoryError):
        glance_at(tmp_path, box.env)
    with pytest.raises(UnsupportedRepositoryError):
        glance_at(tmp_path / "nothing", box.env)
    box.git("init", "-q", "--object-format=sha256", str(tmp_path / "sha256"))
    with pytest.raises(UnsupportedRepositoryError, match="object format is sha256"):
        glance_at(tmp_path / "sha256", box.env)
