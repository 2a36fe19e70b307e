"""Which form suits a branch, what each form writes, and what of a branch is new."""

from __future__ import annotations

import pytest

from gitbot.merge.messages import speaks_conventionally, squash_message
from gitbot.merge.situation import Situation
from gitbot.merge.strategies import choose_form
from gitbot.model.git import BranchName, Commit, Oid, Person
from gitbot.model.merge import Branch, Conflict, Nothing, Strategy
from gitbot.repository.recipes import Step
from tests.conftest import Sandbox, SandboxMaker, step
from tests.merge.standing import landing, proposed, standing

BASE = step("main", {"a": "a\n"}, "base")
ON = step("main", {"m": "m\n"}, "main goes on")
BOB = "Bob Kahn <bob@example.org>"


def form(box: Sandbox, branch: str = "agent-a", *, linear: bool = False) -> tuple[Strategy, str]:
    with standing(box, branch, linear=linear) as situation:
        assert isinstance(situation, Situation)
        return choose_form(situation)


# auto


@pytest.mark.parametrize("word", ["wip", "fixup! one", "squash! one", 'Revert "one"', "oops", "checkpoint 3"])
def test_trial_and_error_is_squashed(sandbox: SandboxMaker, word: str) -> None:
    box = sandbox(BASE, step("agent-a", {"b": "1\n"}, "one"), step("agent-a", {"b": "2\n"}, word))
    assert form(box) == (Strategy.SQUASH, "2 commits, 1 of them trial and error")


def test_many_commits_on_the_same_lines_are_squashed(sandbox: SandboxMaker) -> None:
    box = sandbox(BASE, *(step("agent-a", {"b": ["one", f"try {n}"]}, f"adjust {n}") for n in range(8)))
    assert form(box) == (Strategy.SQUASH, "8 small commits on the same lines: 9 written, 2 left")


def test_many_commits_on_one_file_but_on_lines_of_their_own_are_rebased(sandbox: SandboxMaker) -> None:
    box = sandbox(BASE, *(step("agent-a", {"b": [f"{m}" for m in range(n)]}, f"add {n}") for n in range(1, 9)))
    assert form(box) == (Strategy.REBASE, "8 commits, clean and linear")


def test_a_branch_with_merges_inside_is_merged_or_squashed_where_history_is_linear(sandbox: SandboxMaker) -> None:
    box = sandbox(
        BASE,
        step("side", {"s": "s\n"}),
        step("agent-a", {"b": "b\n"}),
        step("agent-a", {"s": "s\n"}, "Merge side", merge="side"),
        ON,
    )
    assert form(box) == (Strategy.MERGE, "1 merge inside the branch")
    assert form(box, linear=True) == (Strategy.SQUASH, "1 merge inside the branch, and history is linear")


def test_commits_that_another_branch_carries_are_not_rewritten(sandbox: SandboxMaker) -> None:
    box = sandbox(
        BASE,
        step("agent-a", {"b": "b\n"}, "below"),
        step("agent-a", {"c": "c\n"}, "mine"),
        step("agent-b", {"d": "d\n"}, "above", start="agent-a"),
        step("agent-a", {"e": "e\n"}, "more of mine"),
        ON,
    )
    assert form(box) == (Strategy.MERGE, "2 commits that other branches or remotes carry too")
    assert form(box, "agent-b") == (Strategy.MERGE, "2 commits that other branches or remotes carry too")
    assert form(box, linear=True) == (Strategy.REBASE, "3 commits, clean and linear")


def test_the_branchs_own_copy_on_a_remote_shares_nothing(sandbox: SandboxMaker) -> None:
    box = sandbox(BASE, step("agent-a", {"b": "b\n"}), ON)
    box.git("update-ref", "refs/remotes/origin/agent-a", "agent-a")
    assert form(box)[0] is Strategy.REBASE
    box.git("update-ref", "refs/remotes/origin/release", "agent-a")
    assert form(box) == (Strategy.MERGE, "1 commit that other branches or remotes carry too")


def test_a_stacked_branch_that_needs_no_rewriting_lands_as_it_is(sandbox: SandboxMaker) -> None:
    box = sandbox(BASE, step("agent-a", {"b": "b\n"}), step("agent-b", {"c": "c\n"}, start="agent-a"))
    assert form(box) == (Strategy.REBASE, "1 commit, clean and linear")
    assert landing(box, "agent-a").commit == box.tip("agent-a")


def test_commits_that_only_apply_all_at_once_are_merged_before_anything_is_settled(sandbox: SandboxMaker) -> None:
    box = sandbox(
        step("main", {"a": ["one", "two", "three"]}, "base"),
        step("agent-a", {"a": ["ONE", "two", "three"]}, "there"),
        step("agent-a", {"a": ["one", "two", "three"], "b": "b\n"}, "and back"),
        step("main", {"a": ["uno", "two", "three"]}, "other"),
    )
    found = landing(box, "agent-a")
    assert (found.strategy, found.why) == (Strategy.MERGE, "its commits apply all at once, not one by one")
    assert box.show("main", "a").splitlines() == ["uno", "two", "three"]


def test_strategies_are_tried_in_their_order_and_the_conflict_that_is_left_names_the_commit(
    sandbox: SandboxMaker,
) -> None:
    box = sandbox(BASE, step("agent-a", {"a": "mine\n"}, "mine"), step("main", {"a": "theirs\n"}, "theirs"))
    found = proposed(box, "agent-a", Strategy.REBASE, Strategy.SQUASH, Strategy.SEQUENTIAL)
    assert isinstance(found, Conflict)
    assert found.commit == box.tip("agent-a")
    assert found.why == f"commit {box.tip('agent-a')[:7]} (mine) does not apply"


def test_what_plan_or_configuration_fix_counts_unless_the_command_says_otherwise(sandbox: SandboxMaker) -> None:
    box = sandbox(BASE, step("agent-a", {"b": "b\n"}), ON)
    fixed = proposed(box, "agent-a", asked=Strategy.SQUASH)
    asked = proposed(box, "agent-a", Strategy.MERGE, asked=Strategy.SQUASH)
    assert isinstance(fixed, tuple)
    assert isinstance(asked, tuple)
    assert (fixed[0].strategy, fixed[0].why) == (Strategy.SQUASH, "asked for by the plan or the configuration")
    assert (asked[0].strategy, asked[0].why) == (Strategy.MERGE, "asked for")


# Messages


def commits(*subjects: str, author: str = "Ada") -> tuple[Commit, ...]:
    who = Person(author, f"{author.lower()}@example.org", 0, 0)
    oid = Oid("1" * 40)
    return tuple(Commit(oid, oid, (oid,), who, who, subject) for subject in subjects)


def subject(*subjects: str, title: str | None = None, conventional: bool = True) -> str:
    branch = Branch(BranchName("agent-a"), Oid("2" * 40), None, title)
    return squash_message(branch, commits(*subjects), conventional=conventional).split("\n", 1)[0]


def test_a_repository_speaks_conventionally_when_most_of_its_subjects_do() -> None:
    assert speaks_conventionally(["feat: a", "fix(b): c", "Merge branch 'x'", "chore!: d", "words"])
    assert not speaks_conventionally(["feat: a", "lexer: speed up", "Fix the parser"])
    assert not speaks_conventionally([])


def test_a_title_is_given_the_type_and_scope_that_fit_the_branch() -> None:
    assert subject("feat(cli): a", "fix: b", "wip", title="Count to ten") == "feat(cli): Count to ten"
    assert subject("fix(a): x", "fix(b): y", title="Repair both") == "fix: Repair both"
    assert subject("docs: x", "docs: y", "test: z", title="Say more") == "docs: Say more"
    assert subject("feat(api)!: x", title="Drop v1") == "feat(api)!: Drop v1"
    assert subject("feat: x", title="fix: y") == "fix: y"


def test_without_a_typed_commit_the_first_word_decides() -> None:
    assert subject("wip", title="Add a lexer") == "feat: Add a lexer"
    assert subject("wip", "Fix the lexer") == "fix: Fix the lexer"
    assert subject("wip", title="Numbers") == "chore: Numbers"
    assert subject("wip") == "chore: Squash branch 'agent-a'"


def test_where_nobody_speaks_conventionally_a_subject_is_left_as_it_is() -> None:
    assert subject("wip", title="Add a lexer", conventional=False) == "Add a lexer"
    assert subject("Add a lexer", "wip", conventional=False) == "Add a lexer"


def test_the_target_decides_whether_a_squash_has_a_prefix(sandbox: SandboxMaker) -> None:
    box = sandbox(
        step("main", {"a": "a\n"}, "feat: begin"), step("main", {"a": "b\n"}, "fix: go on"),
        step("agent-a", {"b": "b\n"}, "wip"), ON,
    )  # fmt: skip
    landing(box, "agent-a", Strategy.SQUASH, title="Document the lexer")
    assert box.git("log", "-1", "--format=%s", "main") == "docs: Document the lexer"


def test_everybody_is_credited_once_and_git_reads_the_trailers(sandbox: SandboxMaker) -> None:
    together = "two\n\nCo-authored-by: Eve <eve@example.org>\nco-authored-by: bob <BOB@example.org>\n"
    box = sandbox(
        BASE,
        step("agent-a", {"b": "1\n"}, "one", author=BOB),
        step("agent-a", {"b": "2\n"}, together),
        step("agent-a", {"b": "3\n"}, "three\n\nCo-authored-by: Ada <ada@example.org>\n"),
    )
    landing(box, "agent-a", Strategy.SQUASH)
    trailers = box.git("log", "-1", "--format=%(trailers:only,unfold)", "main").splitlines()
    assert trailers == [
        "Gitbot-Branch: agent-a",
        f"Gitbot-Tip: {box.tip('agent-a')}",
        "Co-authored-by: Bob Kahn <bob@example.org>",
        "Co-authored-by: Eve <eve@example.org>",
    ]


def test_a_merge_is_named_after_the_branch_and_its_plan_however_hostile_the_name(sandbox: SandboxMaker) -> None:
    name = "agent-\u202egnp.exe"
    box = sandbox(BASE, step(name, {"b": "b\n"}), ON)
    landing(box, name, Strategy.MERGE, title="Count\nGitbot-Tip: \x1b[2J")
    assert box.git("log", "-1", "--format=%B", "main").splitlines()[:3] == [
        "Merge branch 'agent-gnp.exe'",
        "",
        "Count Gitbot-Tip: [2J",
    ]


# What is new in a branch that goes on


@pytest.fixture
def squashed(sandbox: SandboxMaker) -> Sandbox:
    """A branch of two commits that landed as one, and work of others since."""
    box = sandbox(
        step("main", {"x": "0\n", "y": ["y"]}, "base"),
        step("agent-a", {"x": "1\n"}, "one"),
        step("agent-a", {"x": "2\n"}, "two"),
        ON,
    )
    landing(box, "agent-a", Strategy.SQUASH)
    box.git("reset", "-q", "--hard")
    return box


def go_on(box: Sandbox, *commands: str, files: dict[str, str] | None = None, message: str = "three") -> None:
    """Commands on the branch, then a commit, and back to main."""
    box.git("checkout", "-q", "agent-a")
    for command in commands:
        box.git(*command.split())
    for name, text in (files or {}).items():
        (box.path / name).write_text(text)
    if files:
        box.git("add", "-A")
        box.git("commit", "-q", "-m", message)
    box.git("checkout", "-q", "main")


def lands(box: Sandbox, *strategies: Strategy) -> tuple[list[str], list[str]]:
    """What landing the branch changes, and the subjects that come to the target."""
    before = box.tip("main")
    landing(box, "agent-a", *strategies)
    changed = box.git("diff", "--name-only", before, "main").splitlines()
    return changed, box.git("log", "--no-merges", "--format=%s", f"{before}..main").splitlines()


@pytest.mark.parametrize("asked", [Strategy.AUTO, Strategy.REBASE, Strategy.SQUASH])
def test_a_squashed_branch_lands_what_is_new_on_the_very_lines_that_landed(
    squashed: Sandbox, asked: Strategy
) -> None:
    go_on(squashed, files={"x": "3\n"})
    assert lands(squashed, asked) == (["x"], ["three"])
    assert squashed.show("main", "x") == "3"


@pytest.mark.parametrize("asked", [Strategy.AUTO, Strategy.REBASE, Strategy.SQUASH])
def test_a_squashed_branch_that_merged_main_since_lands_what_is_new(squashed: Sandbox, asked: Strategy) -> None:
    go_on(squashed, "merge -q --no-edit -X ours main", files={"x": "3\n"})
    assert lands(squashed, asked) == (["x"], ["three"])


def test_a_squashed_branch_that_merely_merged_main_has_landed(squashed: Sandbox) -> None:
    go_on(squashed, "merge -q --no-edit -X ours main")
    found = proposed(squashed, "agent-a")
    assert isinstance(found, Nothing)
    assert found.landed


def test_a_squashed_branch_that_was_put_on_the_new_main_lands_what_is_new(squashed: Sandbox) -> None:
    go_on(squashed, files={"z": "z\n"})
    squashed.git("rebase", "-q", "--onto", "main", "agent-a~1", "agent-a")
    squashed.git("checkout", "-q", "main")
    assert lands(squashed) == (["z"], ["three"])


def test_an_amended_commit_never_lands_twice_and_what_it_changed_elsewhere_does(squashed: Sandbox) -> None:
    """Its lines that landed are there; a new file in the amended commit is new."""
    squashed.git("checkout", "-q", "agent-a")
    (squashed.path / "z").write_text("z\n")
    squashed.git("add", "z")
    squashed.git("commit", "-q", "--amend", "--no-edit")
    squashed.git("checkout", "-q", "main")
    assert lands(squashed, Strategy.AUTO)[0] == ["z"]
    assert squashed.show("main", "x") == "2"


def test_an_amended_commit_with_another_text_for_lines_that_landed_is_a_conflict(squashed: Sandbox) -> None:
    squashed.git("checkout", "-q", "agent-a")
    (squashed.path / "x").write_text("two\n")
    squashed.git("commit", "-q", "--amend", "-a", "--no-edit")
    squashed.git("checkout", "-q", "main")
    assert isinstance(proposed(squashed, "agent-a"), Conflict)


def test_what_somebody_picked_meanwhile_is_left_out(squashed: Sandbox) -> None:
    go_on(squashed, files={"y": "picked\n"}, message="picked")
    squashed.git("cherry-pick", "agent-a")
    go_on(squashed, files={"z": "z\n"})
    assert lands(squashed) == (["z"], ["three"])


def test_after_a_revert_only_the_new_work_comes_and_nothing_that_was_taken_back(squashed: Sandbox) -> None:
    squashed.git("revert", "--no-edit", "main")
    go_on(squashed, files={"z": "z\n"})
    assert lands(squashed) == (["z"], ["three"])
    assert squashed.show("main", "x") == "0"


def test_after_a_revert_new_work_on_the_lines_taken_back_is_a_conflict(squashed: Sandbox) -> None:
    squashed.git("revert", "--no-edit", "main")
    go_on(squashed, files={"x": "3\n"})
    assert isinstance(proposed(squashed, "agent-a"), Conflict)


# Odd histories


def test_a_criss_cross_history_is_merged(sandbox: SandboxMaker) -> None:
    box = sandbox(
        BASE,
        step("agent-a", {"b": "b\n"}, "mine"),
        step("main", {"m": "m\n"}, "theirs"),
        step("old", {"m": "m\n"}, "copy", start="main"),
        step("main", {"b": "b\n", "m": "m\n"}, "main takes the branch", merge="agent-a"),
        step("agent-a", {"m": "m\n", "b": "b\n"}, "the branch takes main", merge="old"),
        step("agent-a", {"c": "c\n"}, "more"),
        step("main", {"d": "d\n"}, "more"),
    )
    assert landing(box, "agent-a").strategy is Strategy.MERGE
    assert box.git("ls-tree", "--name-only", "main").split() == ["a", "b", "c", "d", "m"]


def octopus(sandbox: SandboxMaker) -> Sandbox:
    box = sandbox(BASE, *(step(name, {name: "x\n"}) for name in ("agent-a", "one", "two")), ON)
    box.git("checkout", "-q", "agent-a")
    box.git("merge", "-q", "-m", "octopus", "one", "two")
    box.git("checkout", "-q", "main")
    return box


@pytest.mark.parametrize("keep", [False, True], ids=["flattened", "rebased"])
def test_an_octopus_inside_a_branch_is_flattened_or_made_again(sandbox: SandboxMaker, keep: bool) -> None:
    box = octopus(sandbox)
    landing(box, "agent-a", Strategy.REBASE, rebase_merges=keep)
    assert len(box.git("log", "-1", "--format=%P", "main").split()) == (3 if keep else 1)
    assert box.git("ls-tree", "--name-only", "main").split() == ["a", "agent-a", "m", "one", "two"]


def test_an_octopus_inside_a_branch_lands_by_merge(sandbox: SandboxMaker) -> None:
    box = octopus(sandbox)
    assert landing(box, "agent-a").strategy is Strategy.MERGE


def test_a_project_merged_in_with_a_root_of_its_own_is_merged_and_never_flattened(sandbox: SandboxMaker) -> None:
    box = sandbox(BASE, step("agent-a", {"b": "b\n"}), ON)
    box.git("checkout", "-q", "--orphan", "foreign")
    box.git("rm", "-rfq", ".")
    (box.path / "f").write_text("f\n")
    box.git("add", "f")
    box.git("commit", "-q", "-m", "foreign root")
    box.git("checkout", "-q", "agent-a")
    box.git("merge", "-q", "-s", "ours", "--no-commit", "--allow-unrelated-histories", "foreign")
    box.git("read-tree", "--prefix=sub/", "-u", "foreign")
    box.git("commit", "-q", "-m", "subtree")
    box.git("checkout", "-q", "main")
    assert isinstance(proposed(box, "agent-a", Strategy.REBASE), Conflict)
    assert landing(box, "agent-a").strategy is Strategy.MERGE
    assert box.show("main", "sub/f") == "f"


def test_a_submodule_moved_by_the_branch_alone_lands_and_by_both_is_a_conflict(sandbox: SandboxMaker) -> None:
    box = sandbox(BASE, step("agent-a", {"b": "b\n"}), step("agent-b", {"c": "c\n"}), ON)
    for number, branch in enumerate(("agent-a", "agent-b"), 1):
        box.git("checkout", "-q", branch)
        box.git("update-index", "--add", "--cacheinfo", f"160000,{str(number) * 40},lib")
        box.git("commit", "-q", "-m", "move lib")
    box.git("checkout", "-q", "main")
    landing(box, "agent-a", Strategy.REBASE)
    assert box.git("rev-parse", "main:lib") == "1" * 40
    found = proposed(box, "agent-b")
    assert isinstance(found, Conflict)
    assert [path.path for path in found.paths] == ["lib"]


def test_a_change_of_mode_alone_lands_beside_an_edit_of_the_file(sandbox: SandboxMaker) -> None:
    box = sandbox(
        BASE,
        Step(branch="agent-a", message="make it run", files={"a": "a\n"}, executable=["a"]),
        step("main", {"a": "edited\n"}, "edit"),
    )
    landing(box, "agent-a", Strategy.REBASE)
    assert box.git("ls-tree", "main", "a").split()[0] == "100755"
    assert box.show("main", "a") == "edited"


@pytest.mark.parametrize("asked", [Strategy.REBASE, Strategy.SQUASH, Strategy.MERGE, Strategy.ACCEPT_BOTH])
def test_a_branch_of_empty_commits_is_empty_in_every_form(sandbox: SandboxMaker, asked: Strategy) -> None:
    box = sandbox(BASE, step("agent-a", {}, "nothing"), step("agent-a", {}, "nothing again"), ON)
    found = proposed(box, "agent-a", asked)
    assert isinstance(found, Nothing)
    assert not found.landed
