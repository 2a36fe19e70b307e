"""What is remembered of a target agrees with walking its history anew, wherever branches begin."""

from __future__ import annotations

from gitbot.model.git import Oid
from gitbot.repository import history
from gitbot.repository.target import Target
from tests.conftest import Sandbox, SandboxMaker, step


def grown(sandbox: SandboxMaker) -> tuple[Sandbox, list[Oid]]:
    """A main of three stages, the second a merge of `early`, and branches that begin at each of them."""
    made = (
        step("main", {"a.txt": "a\n"}),
        step("early", {"early.txt": "1\n"}, start="main"),
        step("main", {"b.txt": "b\n"}),
        step("first", {"c.txt": "c\n"}, start="main"),
        step("main", {}, merge="early"),
        step("second", {"d.txt": "d\n"}, start="main"),
        step("second", {"e.txt": "e\n"}),
        step("main", {"c.txt": "c\n"}, "the same as on `first`"),
        step("early", {"early.txt": "2\n"}),
        step("second", {}, merge="main"),
    )
    box = sandbox(*made)
    return box, [Oid(box.git("rev-parse", f"main{stage}").strip()) for stage in ("~2", "~1", "")]


def test_a_target_that_went_forward_answers_like_its_history(sandbox: SandboxMaker) -> None:
    box, stages = grown(sandbox)
    target = Target(box.repository, stages[0])
    for onto in stages:
        assert target.follow(onto)
        for name in ("early", "first", "second"):
            tip = box.tip(name)
            assert target.contains(tip) == history.contains(box.repository, onto, tip)
            assert target.own_commits(tip) == history.own_commits(box.repository, tip, onto)
            assert target.merge_base(tip) == history.merge_base(box.repository, onto, tip)


def test_a_target_that_did_not_go_forward_is_another_one(sandbox: SandboxMaker) -> None:
    box, stages = grown(sandbox)
    target = Target(box.repository, stages[1])
    assert not target.follow(stages[0])
    assert not target.follow(box.tip("first"))
    assert target.tip == stages[1]


def test_a_patch_is_there_once_the_target_has_it_and_not_for_what_came_before_the_branch(
    sandbox: SandboxMaker,
) -> None:
    box, stages = grown(sandbox)
    target, commit, base = Target(box.repository, stages[0]), box.repository.commit(box.tip("first")), stages[0]
    assert target.already_there([commit], base) == frozenset()
    assert target.follow(stages[2])
    assert target.already_there([commit], base) == {commit.oid}
    assert target.already_there([commit], stages[2]) == frozenset()


def test_a_trailer_is_found_wherever_it_came_to_the_target(sandbox: SandboxMaker) -> None:
    box = sandbox(step("main", {"a.txt": "a\n"}), step("topic", {"b.txt": "b\n"}, start="main"))
    base, tip = box.tip("main"), box.tip("topic")
    box.git("commit", "-q", "--allow-empty", "-m", f"one\n\nGitbot-Tip: {tip}")
    one = box.tip("main")
    box.git("commit", "-q", "--allow-empty", "-m", f"two\n\nGitbot-Tip: {tip}")
    two = box.tip("main")
    target = Target(box.repository, one)
    assert list(target.carriers({tip}, base)) == [(one, tip)]
    assert target.follow(two)
    assert list(target.carriers({tip}, base)) == [(one, tip), (two, tip)]
