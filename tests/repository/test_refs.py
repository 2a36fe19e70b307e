"""References move by compare-and-swap only, and names are matched as git matches them."""

from __future__ import annotations

import pytest

from gitbot.model.git import Oid, RefName
from gitbot.repository import refs
from tests.conftest import Sandbox, SandboxMaker, step

SIDE = RefName("refs/heads/side")


@pytest.fixture
def box(sandbox: SandboxMaker) -> Sandbox:
    return sandbox(step("main", {"a": "1\n"}), step("main", {"a": "2\n"}))


def test_a_swap_moves_only_what_is_where_it_is_said_to_be(box: Sandbox) -> None:
    old, new = box.tip("main~1"), box.tip("main")
    repository = box.repository
    assert refs.swap(repository, SIDE, before=None, after=old, why="made")
    assert not refs.swap(repository, SIDE, before=None, after=new, why="made again")
    assert not refs.swap(repository, SIDE, before=new, after=old, why="from elsewhere")
    assert refs.swap(repository, SIDE, before=old, after=new, why="moved")
    assert refs.read(repository, SIDE) == new
    assert refs.reflog_words(repository, SIDE)[0] == "moved"
    assert not refs.swap(repository, SIDE, before=old, after=None, why="gone")
    assert refs.swap(repository, SIDE, before=new, after=None, why="gone")
    assert refs.read(repository, SIDE) is None


def test_an_append_in_process_obeys_the_same_rule(box: Sandbox) -> None:
    repository, ref = box.repository, RefName("refs/gitbot/events/x")
    one, two = (Oid(str(repository.lib.create_blob(data))) for data in (b"1", b"2"))
    assert refs.append(repository, ref, before=None, after=one)
    assert not refs.append(repository, ref, before=None, after=two)
    assert not refs.append(repository, ref, before=two, after=two)
    assert refs.append(repository, ref, before=one, after=two)
    assert list(refs.below(repository, "refs/gitbot/")) == [(ref, two)]


@pytest.mark.parametrize(
    "glob", ["agent-*", "*", "agent-?", "agent-[ab]", "agent-[!ab]", "agent/*", "*x*", "agent-[a-c]*", "[z"]
)
def test_patterns_match_what_git_branch_list_matches(box: Sandbox, glob: str) -> None:
    names = ["agent-a", "agent-b", "agent-c", "agent-ab", "agent/a/x", "other", "x"]
    for name in names:
        box.git("branch", name)
    listed = box.git("branch", "--list", "--format=%(refname:short)", glob).split()
    assert [name for name in [*names, "main"] if refs.pattern(glob).match(name)] == sorted(
        listed, key=[*names, "main"].index
    )


def test_the_target_is_what_origin_calls_its_head_else_main_else_master(box: Sandbox) -> None:
    repository = box.repository
    assert refs.default_target(repository) == "refs/heads/main"
    box.git("branch", "trunk")
    box.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/trunk")
    assert refs.default_target(repository) == "refs/heads/trunk"
    box.git("branch", "-m", "main", "master")
    box.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/nowhere")
    assert refs.default_target(repository) == "refs/heads/master"


def test_local_branches_come_before_remote_ones_of_the_same_name(box: Sandbox) -> None:
    box.git("update-ref", "refs/remotes/origin/main", "main")
    box.git("update-ref", "refs/heads/origin/main", "main~1")
    known = refs.branches(box.repository)
    assert (known["origin/main"], known["main"]) == ("refs/heads/origin/main", "refs/heads/main")  # type: ignore[index]
