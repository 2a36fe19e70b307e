"""Reading a repository: which one is meant, who the user is, and what a commit says in whatever encoding."""

from __future__ import annotations

import encodings
import pkgutil
import subprocess
from pathlib import Path

import pytest

from gitbot.errors import NoIdentityError, UnsupportedRepositoryError
from gitbot.model.git import Commit, Oid
from gitbot.repository import open_repository
from gitbot.repository.reading import GITLINK, SYMLINK, TREE
from gitbot.repository.writing import BLOB, write_blob, write_tree
from tests.conftest import Sandbox, SandboxMaker, step

GIVEN = {
    "GIT_AUTHOR_NAME": "Build Bot",
    "GIT_AUTHOR_EMAIL": "bot@example.org",
    "GIT_COMMITTER_NAME": "Build Bot",
    "GIT_COMMITTER_EMAIL": "bot@example.org",
}


@pytest.fixture
def box(sandbox: SandboxMaker) -> Sandbox:
    return sandbox(step("main", {"a": "1\n", "sub/b": "2\n"}))


def written(box: Sandbox, header: bytes, message: bytes, author: bytes = b"A <a@b>") -> Commit:
    """A commit whose bytes no git would write."""
    tree = box.git("rev-parse", "main^{tree}").encode()
    people = b"author " + author + b" 1700000000 +0000\ncommitter C <c@d> 1700000000 +0000\n"
    done = subprocess.run(
        ["git", "hash-object", "-t", "commit", "--literally", "-w", "--stdin"],
        cwd=box.path,
        env=box.env,
        input=b"tree " + tree + b"\n" + people + header + b"\n" + message,
        capture_output=True,
        check=True,
    )
    return box.repository.commit(Oid(done.stdout.decode().strip()))


@pytest.mark.parametrize(
    ("encoding", "message", "text"),
    [
        (b"ISO-8859-1", b"gr\xfc\xdfe\n", "grüße\n"),
        (b"Shift_JIS", "長さ\n".encode("shift_jis"), "長さ\n"),
        (b"us-ascii", "grüße\n".encode(), "grüße\n"),
        (b"no-such-thing", "grüße\n".encode(), "grüße\n"),
        (b"gr\xfc", b"gr\xfc\n", "gr\ufffd\n"),
        (b"unicode-escape", rb"C:\new", r"C:\new"),
        (b"utf-7", b"a+AAA-b+2AA-\n", "ab?\n"),
    ],
)
def test_a_commit_is_read_by_the_encoding_it_names(box: Sandbox, encoding: bytes, message: bytes, text: str) -> None:
    commit = written(box, b"encoding " + encoding + b"\n", message, author=message.strip() + b" <a@b>")
    assert commit.message == text
    assert commit.author.name == text.strip()


def test_without_an_encoding_a_commit_is_utf_8(box: Sandbox) -> None:
    assert written(box, b"", "grüße".encode()).message == "grüße"
    assert written(box, b"", b"gr\xfc").message == "gr\ufffd"


def test_no_encoding_that_python_knows_makes_a_message_that_cannot_be_written(box: Sandbox) -> None:
    rubbish = bytes(range(1, 256)) + rb"\ud800\x00+2AA-+AAA- =00"
    for module in pkgutil.iter_modules(encodings.__path__):
        message = written(box, b"encoding " + module.name.encode() + b"\n", rubbish).message
        assert "\0" not in message.encode().decode()


def test_the_environment_says_who_the_user_is_where_no_configuration_does(box: Sandbox, tmp_path: Path) -> None:
    nobody = {**box.env, "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    with pytest.raises(NoIdentityError):
        open_repository(box.path, {**nobody, "GIT_CONFIG_COUNT": "1"} | {
            "GIT_CONFIG_KEY_0": "user.useConfigOnly", "GIT_CONFIG_VALUE_0": "true",
        }).identity()  # fmt: skip
    assert open_repository(box.path, nobody | GIVEN).identity() == ("Build Bot", "bot@example.org")
    (tmp_path / "me").write_text("[user]\n\tname = Ada\n\temail = ada@example.org\n")
    by_file = nobody | {"GIT_CONFIG_GLOBAL": str(tmp_path / "me")}
    assert open_repository(box.path, by_file).identity() == ("Ada", "ada@example.org")


def test_what_a_variable_says_of_index_objects_and_dates_is_not_heard(box: Sandbox) -> None:
    names = ("GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE", "GIT_NAMESPACE")
    repository = open_repository(box.path, {**box.env, **dict.fromkeys(names, "/nowhere")})
    assert not repository.env.keys() & set(names)
    assert repository.resolve("main") == box.tip("main")


def test_git_dir_and_git_work_tree_say_which_repository_is_meant(box: Sandbox, tmp_path: Path) -> None:
    """From any folder, and only when it is opened: what comes later is asked of that repository."""
    (tmp_path / "elsewhere").mkdir()
    named = {"GIT_DIR": "../repository-0/.git", "GIT_WORK_TREE": str(box.path)}
    repository = open_repository(tmp_path / "elsewhere", {**box.env, **named})
    assert (repository.git_dir, repository.work_tree) == (box.path / ".git", box.path)
    assert not repository.env.keys() & named.keys()
    with pytest.raises(UnsupportedRepositoryError):
        open_repository(box.path, {**box.env, "GIT_DIR": "/nowhere"})


def test_a_linked_work_tree_is_found_by_its_git_dir(box: Sandbox, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    box.git("worktree", "add", "-q", str(tree), "-b", "agent-a")
    git_dir = box.git("rev-parse", "--absolute-git-dir", cwd=tree)
    repository = open_repository(tree, {**box.env, "GIT_DIR": git_dir})
    assert (str(repository.git_dir), repository.common, repository.work_tree) == (git_dir, box.path / ".git", tree)


def test_status_works_from_another_folder_by_gits_own_options(box: Sandbox, tmp_path: Path) -> None:
    box.git("worktree", "add", "-q", str(tmp_path / "tree"), "-b", "agent-a")
    named = {"GIT_DIR": str(box.path / ".git"), "GIT_WORK_TREE": str(box.path)}
    ran = box.gitbot("status", "--format", "json", cwd=tmp_path, env=named)
    assert [branch["branch"] for branch in ran.document["branches"]] == ["agent-a"]


def test_folders_deeper_than_any_stack_are_compared(box: Sandbox) -> None:
    repository = box.repository
    tree = repository.tree_of(box.tip("main"))
    deep = tree
    for _ in range(2000):
        deep = write_tree(repository, None, {"d": (deep, TREE)})
    below = "d/" * 2000
    assert repository.changed_paths(tree, deep) == {"a", "sub/b", f"{below}a", f"{below}sub/b"}


def test_a_file_that_becomes_a_folder_or_a_link_is_a_change_of_each_path(box: Sandbox) -> None:
    """Whatever the user's configuration says of differences."""
    for name, value in (("diff.ignoreSubmodules", "all"), ("core.ignoreCase", "true"), ("core.fileMode", "false")):
        box.git("config", name, value)
    repository = box.repository
    tree, blob = repository.tree_of(box.tip("main")), write_blob(repository, b"1\n")
    one = write_tree(repository, tree, {"module": (box.tip("main"), GITLINK), "x": (blob, BLOB)})
    files = {"A": (blob, BLOB), "a/b": (blob, BLOB), "sub": (blob, SYMLINK), "x": (blob, 0o100755)}
    other = write_tree(repository, None, files)
    assert [(change.kind.value, change.path) for change in repository.changes(one, other)] == [
        ("A", "A"),
        ("D", "a"),
        ("A", "a/b"),
        ("D", "module"),
        ("A", "sub"),
        ("D", "sub/b"),
        ("M", "x"),
    ]
