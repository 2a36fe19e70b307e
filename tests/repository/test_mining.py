"""What a repository's past says of its files, counted on real repositories."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from gitbot.model.preflight import History
from gitbot.repository import open_repository, pool
from gitbot.repository.mining import history_before
from gitbot.repository.recipes import Step
from tests.conftest import Sandbox, SandboxMaker, step

_number = count(1)


def together(*paths: str, times: int, branch: str = "main") -> Iterator[Step]:
    """Commits that change all the paths."""
    return (step(branch, {path: f"{next(_number)}\n" for path in paths}) for _ in range(times))


def mined(box: Sandbox, name: str = "main") -> History:
    return history_before(box.repository, box.tip(name))


@pytest.fixture
def box(sandbox: SandboxMaker) -> Sandbox:
    return sandbox(
        step("main", dict.fromkeys(("a", "b", "c", "d e/é"), "0\n")),
        *together("a", "b", times=5),
        *together("a", times=2),
        *together("c", "d e/\u00e9", times=4),
        *together("b", "c", times=3),
        *together(*(f"many/{number}" for number in range(41)), times=5),
    )


def test_pairs_count_the_commits_that_changed_both(box: Sandbox) -> None:
    """Not the first commit, which adds all there is, nor what changes many files; nothing below four times."""
    assert mined(box) == History(
        commits=14,
        changes={"a": 7, "b": 8, "c": 7, "d e/\u00e9": 4},
        together={("a", "b"): 5, ("c", "d e/\u00e9"): 4},
    )


def test_the_answer_from_the_cache_is_the_same_and_nothing_is_written_to_the_repository(box: Sandbox) -> None:
    with box.watched(dry=True):
        first = mined(box)
        assert mined(box) == first
    assert (pool.cache_folder(box.repository) / "history.msgpack").exists()


@pytest.mark.parametrize("damage", [b"", b"{", b"\xff", b"\x81\xa6format\x01", b"\x91" * 100_000])
def test_a_damaged_cache_is_counted_again(box: Sandbox, damage: bytes) -> None:
    first = mined(box)
    (pool.cache_folder(box.repository) / "history.msgpack").write_bytes(damage)
    assert mined(box) == first


def test_where_nothing_can_be_kept_it_is_counted_each_time(box: Sandbox) -> None:
    nowhere = open_repository(box.path, {**box.env, "XDG_CACHE_HOME": "/dev/null"})
    assert history_before(nowhere, box.tip("main")) == mined(box)


def test_a_new_commit_is_counted_too(box: Sandbox) -> None:
    before = mined(box).together["a", "b"]
    box.git("commit", "--quiet", "--allow-empty", "-m", "nothing")
    (box.path / "a").write_text("new\n")
    (box.path / "b").write_text("new\n")
    box.git("commit", "--quiet", "-am", "both")
    assert mined(box).together["a", "b"] == before + 1


def test_a_path_that_merges_joined_is_contested(sandbox: SandboxMaker) -> None:
    box = sandbox(
        step("main", {"hot": "a\n" * 9, "cold": "0\n"}),
        step("side", {"hot": "x\n" + "a\n" * 8, "only": "1\n"}, start="main"),
        step("main", {"hot": "a\n" * 8 + "y\n", "cold": "1\n"}),
        step("main", {"hot": "x\n" + "a\n" * 7 + "y\n", "only": "1\n"}, merge="side"),
    )
    assert mined(box).contested == {"hot": 1}


def test_a_shallow_clone_tells_what_it_has(box: Sandbox) -> None:
    clone = box.path.parent / "shallow"
    box.git("clone", "--quiet", "--depth=6", box.path.as_uri(), str(clone))
    shallow = open_repository(clone, box.env)
    assert history_before(shallow, box.tip("main")).together == {}


def test_names_that_are_no_text_are_counted_and_kept(box: Sandbox) -> None:
    (box.path / "odd\n//name").parent.mkdir()
    (box.path / "odd\n//name").write_text("1\n")
    box.git("add", "-A")
    box.git("commit", "--quiet", "-m", "odd")
    assert mined(box).commits == 15
