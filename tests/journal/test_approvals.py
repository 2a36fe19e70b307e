"""A person's yes holds for a patch: whatever moves the patch leaves it, whatever changes the patch ends it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from gitbot.config import Config, Gate, Integrate
from gitbot.journal import approvals, leases
from gitbot.journal.lock import only_writer
from gitbot.model.git import Change, ChangeKind, Oid, RefName
from gitbot.repository import history
from gitbot.repository.writing import write_blob
from tests.conftest import Sandbox, SandboxMaker, step

LINES = [f"line {number}" for number in range(20)]


@pytest.fixture
def box(sandbox: SandboxMaker) -> Sandbox:
    """agent-a changes a line and adds a file, in two commits; main goes on elsewhere."""
    return sandbox(
        step("main", {"a.txt": LINES, "b.txt": "b\n"}),
        step("agent-a", {"a.txt": [*LINES[:10], "mine", *LINES[11:]]}, "change"),
        step("agent-a", {"new.txt": "new\n"}, "add"),
        step("main", {"b.txt": "b\nmore\n", "c.txt": "c\n"}),
    )


def approve(box: Sandbox, *arguments: str) -> dict[str, object]:
    ran = box.gitbot("approve", "agent-a", "--format", "json", *arguments)
    assert ran.code == 0, ran.err
    return ran.document


def is_approved(box: Sandbox, name: str = "agent-a") -> bool:
    base = history.merge_base(box.repository, box.tip("main"), box.tip(name))
    assert base is not None
    return approvals.is_approved(box.repository, base, box.tip(name))


def on_branch(box: Sandbox, work: Callable[[], object]) -> None:
    box.git("checkout", "-q", "agent-a")
    work()
    box.git("checkout", "-q", "main")


def edit(path: str, old: str, new: str) -> Callable[[Sandbox], None]:
    def change(box: Sandbox) -> None:
        text = (box.path / path).read_text()
        assert old in text
        (box.path / path).write_text(text.replace(old, new))
        box.git("commit", "-q", "-a", "--amend", "--no-edit")

    return change


def test_a_yes_is_told_in_full_and_counts(box: Sandbox) -> None:
    assert not is_approved(box)
    told = approve(box)
    when = told.pop("time")
    assert isinstance(when, float)
    assert told == {
        "schema": "gitbot.approve/1",
        "approved": True,
        "branch": "agent-a",
        "tip": box.tip("agent-a"),
        "patch": told["patch"],
        "by": "Grace Hopper <grace@example.org>",
    }
    assert is_approved(box)
    listed = box.git("for-each-ref", "--format=%(refname) %(objecttype)", "refs/gitbot/approved")
    assert listed == f"refs/gitbot/approved/{told['patch']} blob"


def test_text_names_the_branch_the_patch_and_the_person(box: Sandbox) -> None:
    ran = box.gitbot("approve", "agent-a")
    first, second = ran.out.splitlines()
    patch = str(approve(box)["patch"])
    assert first == f"agent-a at {box.tip('agent-a')[:7]} is approved: 2 files, patch {patch[:12]}"
    assert second.startswith("by Grace Hopper <grace@example.org> on 20")
    assert "is no longer approved" in box.gitbot("approve", "agent-a", "--revoke").out


@pytest.mark.parametrize(
    "move",
    [
        lambda box: box.git("rebase", "-q", "main"),
        lambda box: box.git("merge", "-q", "--no-edit", "main"),
        lambda box: (box.git("reset", "-q", "--soft", "HEAD~2"), box.git("commit", "-qm", "squashed")),
        lambda box: box.git("commit", "-q", "--amend", "-m", "reworded", "--author", "Eve <eve@example.org>"),
        lambda box: box.git("commit", "-q", "--allow-empty", "-m", "nothing"),
        lambda box: box.git("branch", "-q", "-m", "agent-z"),
    ],
    ids=["rebased", "target merged", "squashed", "reworded", "empty commit", "renamed"],
)
def test_a_yes_survives_what_leaves_the_patch_as_it_is(box: Sandbox, move: Callable[[Sandbox], object]) -> None:
    approve(box)
    on_branch(box, lambda: move(box))
    names = box.git("branch", "--format=%(refname:short)").split()
    assert is_approved(box, next(name for name in names if name != "main"))


@pytest.mark.parametrize(
    "change",
    [
        edit("a.txt", "mine", "yours"),
        edit("a.txt", "mine", "mine "),
        edit("new.txt", "new\n", "new"),
        edit("a.txt", "line 3\n", "line 3\nmore\n"),
        lambda box: box.git("mv", "new.txt", "other.txt") + box.git("commit", "-qm", "move"),
        lambda box: box.git("update-index", "--chmod=+x", "new.txt") + box.git("commit", "-qm", "mode"),
        lambda box: box.git("checkout", "-q", "HEAD~2", "a.txt") + box.git("commit", "-qm", "less"),
    ],
    ids=["a line", "a blank", "the last line's end", "one line more", "a name", "a mode", "less"],
)
def test_a_yes_ends_with_any_other_patch(box: Sandbox, change: Callable[[Sandbox], object]) -> None:
    approve(box)
    on_branch(box, lambda: (change(box), box.git("reset", "-q", "--hard")))
    assert not is_approved(box)


def test_the_same_lines_in_another_place_are_another_patch(sandbox: SandboxMaker) -> None:
    box = sandbox(
        step("main", {"a.txt": LINES}),
        step("agent-a", {"a.txt": [*LINES[:5], "exit", *LINES[5:]]}),
        step("agent-b", {"a.txt": [*LINES[:15], "exit", *LINES[15:]]}, start="main"),
    )
    approve(box)
    assert is_approved(box)
    assert not is_approved(box, "agent-b")


def test_a_yes_is_taken_back_once(box: Sandbox) -> None:
    given = approve(box)
    assert approve(box) == given
    assert approve(box, "--revoke") == given | {"approved": False}
    assert not is_approved(box)
    again = box.gitbot("approve", "agent-a", "--revoke")
    assert again.code == 2
    assert "nobody has approved agent-a as it is" in again.err


def test_what_another_clone_has_recorded_or_is_damaged_does_not_count_and_is_no_hindrance(box: Sandbox) -> None:
    patch = str(approve(box)["patch"])
    ref = RefName(approvals.PREFIX + patch)
    held = json.loads(box.git("cat-file", "blob", ref).partition("\n")[0])
    wrong: tuple[object, ...] = (
        {**held, "by": "somebody else"},
        held,
        {**held, "patch": "0" * 40},
        {"branch": "agent-a"},
        [],
    )
    for data in (*(json.dumps(one).encode() for one in wrong), b"", b"\xff"):
        box.git("update-ref", ref, write_blob(box.repository, data))
        assert not is_approved(box)
        assert box.gitbot("approve", "agent-a", "--revoke").code == 2
        assert approve(box)["approved"]
        assert is_approved(box)
    box.git("update-ref", ref, box.tip("main"))
    assert not is_approved(box)


def test_a_yes_of_another_clone_counts_where_the_configuration_trusts_it(box: Sandbox, tmp_path: Path) -> None:
    approve(box)
    box.git("clone", "-q", "--mirror", str(box.path), str(tmp_path / "mirror"))
    repository = Sandbox(tmp_path / "mirror", box.env).repository
    base = Oid(box.git("merge-base", "main", "agent-a"))
    assert not approvals.is_approved(repository, base, box.tip("agent-a"))
    assert approvals.is_approved(repository, base, box.tip("agent-a"), trust_remote=True)
    assert not approvals.is_approved(repository, base, box.tip("agent-a~1"), trust_remote=True)


def test_a_yes_can_be_given_while_a_run_is_under_way(box: Sandbox) -> None:
    with only_writer(box.repository):
        approve(box)
    base = Oid(box.git("merge-base", "main", "agent-a"))
    assert approvals.is_approved(box.repository, base, box.tip("agent-a"))


def test_what_landed_before_is_not_asked_again(box: Sandbox) -> None:
    """A branch that goes on after its squash: the question is what is new."""
    tip = box.tip("agent-a")
    box.git("merge", "-q", "--squash", "agent-a")
    box.git("commit", "-q", "-m", f"agent-a\n\nGitbot-Tip: {tip}")
    assert box.gitbot("approve", "agent-a").code == 2
    on_branch(box, lambda: (box.git("mv", "new.txt", "newer.txt"), box.git("commit", "-qm", "on")))
    told = approve(box)
    assert approvals.patch_of(box.repository, tip, box.tip("agent-a")) == told["patch"]


@pytest.mark.parametrize("name", ["nothing", "agent-?", "main"])
def test_only_one_branch_that_has_something_new_can_be_approved(box: Sandbox, name: str) -> None:
    box.git("branch", "agent-b", "agent-a")
    before = box.git("for-each-ref")
    assert box.gitbot("approve", name).code == 2
    assert box.git("for-each-ref") == before


def test_nobody_says_yes_without_a_name(box: Sandbox) -> None:
    anonymous = {"GIT_CONFIG_GLOBAL": "/dev/null", "EMAIL": "", "GIT_CONFIG_COUNT": "1"}
    anonymous |= {"GIT_CONFIG_KEY_0": "user.useConfigOnly", "GIT_CONFIG_VALUE_0": "true"}
    assert box.gitbot("approve", "agent-a", env=anonymous).code == 2
    assert not is_approved(box)


def test_a_lock_that_a_killed_git_left_hinders_nobody(box: Sandbox) -> None:
    """Neither a yes, nor one taken back; and a run clears it away, as it does for a lease's."""

    def leave(name: str) -> Path:
        lock = box.path / ".git" / f"{name}.lock"
        lock.parent.mkdir(parents=True, exist_ok=True)
        lock.touch()
        os.utime(lock, (0, 0))
        return lock

    base = history.merge_base(box.repository, box.tip("main"), box.tip("agent-a"))
    assert base is not None
    patch = approvals.patch_of(box.repository, base, box.tip("agent-a"))
    leave(approvals.PREFIX + patch)
    approve(box)
    left = [leave(name) for name in (approvals.PREFIX + patch, leases.TABLE)]
    with only_writer(box.repository):
        assert not any(lock.exists() for lock in left)
    leave(approvals.PREFIX + patch)
    assert approvals.revoke(box.repository, patch) is not None
    assert not is_approved(box)


def test_git_keeps_no_log_of_what_is_no_commit(box: Sandbox) -> None:
    """`git gc` would complain of it for ever."""
    approve(box)
    assert [path.name for path in (box.path / ".git" / "logs" / "refs").iterdir()] == ["heads"]


def change(path: str, old_path: str | None = None) -> Change:
    return Change(ChangeKind.MODIFIED, path, old_path)


@pytest.mark.parametrize(
    ("config", "changes", "why"),
    [
        (Config(), [change("tests/a.py")], None),
        (Config(gate=Gate(protect=("tests/**",))), [change("src/a.py")], None),
        (
            Config(gate=Gate(protect=("tests/**",))),
            [change("src/a.py"), change("tests/a.py")],
            "it changes what [gate] protect names: tests/a.py",
        ),
        (
            Config(gate=Gate(protect=("tests/**",))),
            [change("src/moved.py", "tests/a.py")],
            "it changes what [gate] protect names: tests/a.py",
        ),
        (
            Config(gate=Gate(protect=("*.sh",))),
            [change(f"{name}.sh") for name in "abcde"],
            "it changes what [gate] protect names: a.sh, b.sh, c.sh and 2 more",
        ),
        (
            Config(integrate=Integrate(require="approved"), gate=Gate(protect=("tests/**",))),
            [change("src/a.py")],
            "the configuration requires a person's approval",
        ),
    ],
)
def test_who_needs_a_yes_is_said_by_configuration_and_changes(
    config: Config, changes: list[Change], why: str | None
) -> None:
    assert approvals.needs_approval(config, changes) == why
