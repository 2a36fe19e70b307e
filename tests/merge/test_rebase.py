"""Rebase against git's own, in a work tree, commit by commit."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gitbot.merge.rebase import fold
from gitbot.model.git import Commit, Oid, Person
from gitbot.model.merge import Conflict, Nothing, Strategy
from gitbot.repository.recipes import Recipe, Step, build
from tests.conftest import Sandbox, SandboxMaker, step
from tests.merge.standing import landing, proposed

LINES = 8
Edit = tuple[str, int]  # file and line
EDITS = st.tuples(st.sampled_from("ab"), st.integers(0, LINES - 1))
WORDS = st.sampled_from(["", "", "", "fixup! ", "squash! ", "amend! ", "fixup! fixup! "])
HISTORIES = settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])


class Files:
    """The files of one line of history; every edit writes a text of its own."""

    def __init__(self) -> None:
        self.texts = {name: [f"{name}{n}" for n in range(LINES)] for name in "ab"}

    def edited(self, edit: Edit, text: str) -> dict[str, str | list[str]]:
        name, line = edit
        self.texts[name][line] = text
        return {name: list(self.texts[name])}


def histories(box_folder: Path, env: Mapping[str, str], steps: Sequence[Step]) -> Sandbox:
    build(Recipe(commit=list(steps)), box_folder, env)
    return Sandbox(box_folder, env)


def told(box: Sandbox, old: str, new: str, *options: str) -> list[str]:
    """Every commit between two, oldest first: tree, author, date and message."""
    text = box.git("log", "--reverse", "--topo-order", *options, "--format=%T|%an|%ad|%B%x00", f"{old}..{new}")
    return [one.strip() for one in text.split("\0") if one.strip()]


def rebased_by_git(box: Sandbox, *options: str) -> subprocess.CompletedProcess[str]:
    box.git("checkout", "-q", "-B", "oracle", "agent-a")
    words = ["git", "rebase", "-q", "-i", "--autosquash", "--no-keep-empty", *options, "main"]
    env = {**box.env, "GIT_EDITOR": "true", "GIT_SEQUENCE_EDITOR": "true"}
    return subprocess.run(words, cwd=box.path, env=env, capture_output=True, text=True, check=False)


@HISTORIES
@given(
    own=st.lists(st.tuples(EDITS, WORDS, st.integers(0, 5)), min_size=1, max_size=6),
    theirs=st.lists(EDITS, min_size=1, max_size=3),
)
@example(own=[(("a", 0), "", 0), (("a", 0), "squash! ", 0), (("a", 0), "amend! ", 0)], theirs=[("a", 2)])
def test_a_linear_branch_becomes_what_git_rebase_makes_of_it(
    sealed_env: dict[str, str], own: list[tuple[Edit, str, int]], theirs: list[Edit]
) -> None:
    """Fixups of every kind folded; where git stops, gitbot stops at the same commit."""
    steps, files = [step("main", dict(Files().texts), "base")], Files()
    for number, (edit, word, goal) in enumerate(own):
        named = min(goal, number - 1)
        subject = f"{word}commit {named}" if word and number else f"commit {number}"
        steps.append(step("agent-a", files.edited(edit, f"own {number}"), f"{subject}\n\nbody {number}\n"))
    files = Files()
    steps += [step("main", files.edited(edit, f"theirs {n}"), f"main {n}") for n, edit in enumerate(theirs)]
    with tempfile.TemporaryDirectory() as folder:
        box = histories(Path(folder, "box"), sealed_env, steps)
        found = proposed(box, "agent-a", Strategy.REBASE)
        done = rebased_by_git(box)
        if done.returncode == 0:
            assert isinstance(found, tuple), found
            assert told(box, "main", found[0].commit) == told(box, "main", "oracle")
        else:
            assert isinstance(found, Conflict)
            assert found.commit == box.tip("REBASE_HEAD")
            assert found.commit[:7] in found.why


@HISTORIES
@given(
    edits=st.lists(st.tuples(st.sampled_from(["agent-a", "side", "main"]), EDITS), min_size=3, max_size=6),
    after=EDITS,
    upstream=st.booleans(),
)
def test_merges_inside_are_made_again_as_git_rebase_merges_does(
    sealed_env: dict[str, str], edits: list[tuple[str, Edit]], after: Edit, upstream: bool
) -> None:
    """A side branch, or main itself, merged into the branch; the shape is git's, the tree is that of a merge."""
    start = {"main": Files(), "agent-a": Files(), "side": Files()}
    steps = [step("main", dict(Files().texts), "base")]
    steps += [step(name, {name: "begun\n"}, f"{name} begun") for name in ("agent-a", "side")]
    for number, (name, edit) in enumerate(edits):
        steps.append(step(name, start[name].edited(edit, f"{name} {number}"), f"{name} {number}"))
    with tempfile.TemporaryDirectory() as folder:
        box = histories(Path(folder, "box"), sealed_env, steps)
        box.git("checkout", "-q", "agent-a")
        box.git("merge", "-q", "--no-ff", "-m", "inside", "main" if upstream else "side", check=False)
        if box.git("status", "--porcelain"):
            return  # what a person resolved by hand is another test's
        (box.path / after[0]).write_text(box.show("HEAD", after[0]) + "\nlast\n")
        box.git("commit", "-qam", "last")
        box.git("checkout", "-q", "main")
        (box.path / "moved").write_text("moved\n")
        box.git("add", "-A")
        box.git("commit", "-qm", "moved")
        found = proposed(box, "agent-a", Strategy.REBASE, rebase_merges=True)
        done = rebased_by_git(box, "--rebase-merges")
        if done.returncode == 0 and isinstance(found, tuple):
            shape = [box.git("log", "--format=%s|%an|%T", f"main..{tip}") for tip in (found[0].commit, "oracle")]
            assert sorted(shape[0].splitlines()) == sorted(shape[1].splitlines())
        assert isinstance(found, tuple) == (done.returncode == 0)


def commit(number: int, message: str) -> Commit:
    who = Person("Ada", "ada@example.org", 0, 0)
    return Commit(Oid(f"{number:040x}"), Oid("0" * 40), (Oid("f" * 40),), who, who, message)


def folded(*messages: str) -> list[list[str]]:
    groups = fold([commit(number, message) for number, message in enumerate(messages)])
    return [[one.message for one in group] for group in groups]


def test_a_fixup_finds_its_commit_by_subject_beginning_or_object_id() -> None:
    assert folded("one", "two", "fixup! one") == [["one", "fixup! one"], ["two"]]
    assert folded("one thing", "two", "squash! one th") == [["one thing", "squash! one th"], ["two"]]
    oid = f"{0:040x}"[:8]
    assert folded("one", "two", f"amend! {oid}") == [["one", f"amend! {oid}"], ["two"]]


def test_a_fixup_without_its_commit_in_the_branch_stays_a_commit() -> None:
    assert folded("fixup! gone", "one") == [["fixup! gone"], ["one"]]
    assert folded("fixup! later", "later") == [["fixup! later"], ["later"]]


def test_the_words_of_folded_commits_go_where_git_puts_them(sandbox: SandboxMaker) -> None:
    box = sandbox(
        step("main", {"a": "a\n"}, "base"),
        step("agent-a", {"b": "1\n"}, "feat: one\n\nwhy one\n"),
        step("agent-a", {"c": "1\n"}, "amend! feat: one\n\nfeat: better\n\nwhy better\n"),
        step("agent-a", {"b": "2\n"}, "squash! feat: one\n\nand more\n", author="Bob Kahn <bob@example.org>"),
        step("main", {"d": "d\n"}),
    )
    landing(box, "agent-a", Strategy.REBASE)
    assert told(box, "main~1", "main")[0].split("|", 3)[3] == "feat: better\n\nwhy better\n\nand more"
    assert box.git("log", "-1", "--format=%an", "main") == "Ada Lovelace"


def test_a_commit_that_folds_to_nothing_is_dropped_and_never_amends_the_target(sandbox: SandboxMaker) -> None:
    """git itself would amend the commit before it, which is the target's."""
    box = sandbox(
        step("main", {"a": "a\n"}, "base"),
        step("agent-a", {"a": "b\n"}, "there and"),
        step("agent-a", {"a": "a\n"}, "fixup! there and"),
        step("agent-a", {"c": "c\n"}, "rest"),
        step("main", {"d": "d\n"}, "other"),
    )
    landing(box, "agent-a", Strategy.REBASE)
    assert box.git("log", "--format=%s", "main").splitlines() == ["rest", "other", "base"]


def test_commits_without_a_change_are_dropped(sandbox: SandboxMaker) -> None:
    box = sandbox(
        step("main", {"a": "a\n"}, "base"),
        step("agent-a", {}, "empty from the start"),
        step("agent-a", {"b": "b\n"}, "rest"),
        step("main", {"d": "d\n"}, "other"),
    )
    landing(box, "agent-a", Strategy.REBASE)
    assert box.git("log", "--format=%s", "main").splitlines() == ["rest", "other", "base"]


def test_a_message_that_is_no_text_and_an_empty_one_stay_byte_for_byte(sandbox: SandboxMaker) -> None:
    box = sandbox(step("main", {"a": "a\n"}, "base"), step("main", {"d": "d\n"}, "other"))
    box.git("checkout", "-q", "-b", "agent-a", "main~1")
    for name, message in (("x", b"\xff\xfe no text\r\n\n\n  # kept\n"), ("y", b"")):
        (box.path / name).write_text(name)
        box.git("add", name)
        subprocess.run(
            ["git", "commit", "-q", "--allow-empty-message", "--cleanup=verbatim", "-F", "-"],
            cwd=box.path, env=box.env, input=message, check=True, capture_output=True,
        )  # fmt: skip
    found = landing(box, "agent-a", Strategy.REBASE)
    raws = [[box.repository.raw(Oid(oid)).partition(b"\n\n") for oid in oids]
            for oids in (found.commits, (box.tip("agent-a~1"), box.tip("agent-a")))]  # fmt: skip
    assert [raw[2] for raw in raws[0]] == [raw[2] for raw in raws[1]]
    authors = [[line for line in raw[0].split(b"\n") if line.startswith(b"author ")] for side in raws for raw in side]
    assert authors[:2] == authors[2:]


def test_a_later_branch_is_replayed_on_what_landed_before_it(sandbox: SandboxMaker) -> None:
    box = sandbox(
        step("main", {"a": [f"{n}" for n in range(9)]}, "base"),
        step("agent-a", {"a": ["first", *(f"{n}" for n in range(1, 9))]}, "first"),
        step("agent-b", {"a": [*(f"{n}" for n in range(8)), "last"]}, "last"),
    )
    landing(box, "agent-a", Strategy.REBASE)
    landing(box, "agent-b", Strategy.REBASE)
    assert box.git("log", "--format=%s", "main").splitlines() == ["last", "first", "base"]
    assert box.show("main", "a").splitlines()[::8] == ["first", "last"]


def test_two_changes_to_one_binary_file_are_not_one_patch(sandbox: SandboxMaker) -> None:
    """libgit2 gives both the same patch id; the branch would count as landed."""
    box = sandbox(
        step("main", {"image": "\0one"}, "base"),
        step("agent-a", {"image": "\0two"}, "redraw"),
        step("main", {"image": "\0three"}, "redraw"),
    )
    assert isinstance(proposed(box, "agent-a", Strategy.REBASE), Conflict)


def test_a_patch_that_differs_in_white_space_alone_is_not_there_already(sandbox: SandboxMaker) -> None:
    box = sandbox(
        step("main", {"a.py": ["if x:", "    pass", "y"]}, "base"),
        step("agent-a", {"a.py": ["if x:", "    pass", "    z", "y"]}, "indented"),
        step("main", {"a.py": ["if x:", "    pass", "z", "y"]}, "at the margin"),
    )
    assert not isinstance(proposed(box, "agent-a", Strategy.REBASE), Nothing)


def test_a_merge_of_what_the_target_has_already_is_left_out(sandbox: SandboxMaker) -> None:
    box = sandbox(
        step("main", {"a": "a\n"}, "base"),
        step("side", {"s": "s\n"}, "aside"),
        step("agent-a", {"b": "b\n"}, "mine"),
        step("agent-a", {"s": "s\n"}, "take it in", merge="side"),
        step("main", {"s": "s\n"}, "aside, picked"),
        step("main", {"m": "m\n"}, "other"),
    )
    landing(box, "agent-a", Strategy.REBASE, rebase_merges=True)
    assert box.git("log", "--format=%s", "main").splitlines() == ["mine", "other", "aside, picked", "base"]
