"""Every outcome that the contract names, on real repositories with a real gate."""

from __future__ import annotations

from pathlib import Path

from tests.conftest import SandboxMaker, step
from tests.scenarios.beginnings import base, plan

BOB = "Bob Kahn <bob@example.org>"


# Landed, by each form


def test_a_clean_linear_branch_lands_by_rebase_and_main_follows(sandbox: SandboxMaker) -> None:
    box = sandbox(
        base(),
        step("agent-a", {"new.txt": ["new"]}, "feat: add new"),
        step("main", {"other.txt": ["other"]}, "other work"),
    )
    before = box.tip("main")
    ran = box.integrate("agent-a")
    assert ran.code == 0, ran.err
    [branch] = ran.document["branches"]
    assert ran.outcomes == {"agent-a": "landed by rebase"}
    assert box.show("main", "new.txt") == "new"
    assert box.git("log", "-1", "--format=%an %s", "main") == "Ada Lovelace feat: add new"
    assert ran.document["before"] == before
    assert ran.document["after"] == box.tip("main") == branch["commits"][-1]
    assert (box.path / "new.txt").read_text() == "new\n"
    assert box.git("status", "--porcelain") == ""
    assert ran.document["gate"]["runs"] == 1
    assert branch["proof"] == {
        "residual": "empty",
        "backup": f"refs/gitbot/backup/{ran.document['run']}/001",
        "patches": {"same": 1, "adapted": 0, "dropped": 0},
    }


def test_a_branch_on_top_of_main_lands_as_the_very_commits_it_has(sandbox: SandboxMaker) -> None:
    box = sandbox(base(), step("agent-a", {"x.txt": "x\n"}), step("agent-a", {"y.txt": "y\n"}))
    ran = box.integrate("agent-a")
    assert ran.outcomes == {"agent-a": "landed by rebase"}
    assert ran.document["after"] == box.tip("agent-a") == box.tip("main")


def test_trial_and_error_lands_as_one_commit_with_trailers(sandbox: SandboxMaker) -> None:
    box = sandbox(
        base(),
        step("agent-a", {"x.txt": "1\n"}, "feat: count"),
        step("agent-a", {"x.txt": "2\n"}, "wip", author=BOB),
        step("main", {"other.txt": "other\n"}),
    )
    ran = box.integrate("agent-a")
    assert ran.outcomes == {"agent-a": "landed by squash"}
    tip = box.tip("agent-a")
    assert box.git("log", "-1", "--format=%an%n%B", "main").splitlines() == [
        "Bob Kahn",
        "feat: count",
        "",
        "* feat: count",
        "* wip",
        "",
        "Gitbot-Branch: agent-a",
        f"Gitbot-Tip: {tip}",
        "Co-authored-by: Ada Lovelace <ada@example.org>",
    ]
    assert len(ran.branches["agent-a"]["commits"]) == 1


def test_a_branch_with_merges_inside_lands_by_merge(sandbox: SandboxMaker) -> None:
    box = sandbox(
        base(),
        step("side", {"side.txt": "side\n"}),
        step("agent-a", {"x.txt": "x\n"}),
        step("agent-a", {"side.txt": "side\n"}, "Merge side", merge="side"),
        step("main", {"other.txt": "other\n"}),
    )
    before = box.tip("main")
    ran = box.integrate("agent-a")
    assert ran.outcomes == {"agent-a": "landed by merge"}
    assert box.git("log", "-1", "--format=%P", "main").split() == [before, box.tip("agent-a")]


CHANGES = ["# Changelog", "", "## Unreleased", "- start", "", "## 1.0", "- first"]


def changed(line: str) -> dict[str, str | list[str]]:
    return {"CHANGELOG.md": [*CHANGES[:4], f"- {line}", *CHANGES[4:]]}


def test_two_insertions_in_a_changelog_are_both_kept(sandbox: SandboxMaker) -> None:
    box = sandbox(
        base({"CHANGELOG.md": CHANGES}), step("agent-a", changed("from a")), step("agent-b", changed("from b"))
    )
    ran = box.integrate("agent-a", "agent-b")
    assert ran.code == 0, ran.out
    assert ran.outcomes == {"agent-a": "landed by rebase", "agent-b": "landed by accept-both"}
    log = box.show("main", "CHANGELOG.md").splitlines()
    assert sorted(log[4:6]) == ["- from a", "- from b"]
    assert len(log) == len(CHANGES) + 2
    [resolved] = ran.branches["agent-b"]["resolved"]
    assert resolved["path"] == "CHANGELOG.md"
    assert resolved["ours"] == box.git("rev-parse", "main^:CHANGELOG.md")
    assert resolved["theirs"] == box.git("rev-parse", "agent-b:CHANGELOG.md")
    assert box.git("rev-parse", "main^2") == box.tip("agent-b")


def test_a_red_accept_both_blames_the_resolution_and_keeps_its_log(sandbox: SandboxMaker) -> None:
    gate = 'if [ "$(grep -c from CHANGELOG.md)" = 2 ]; then echo two entries; exit 1; fi'
    box = sandbox(
        base({"CHANGELOG.md": CHANGES}), step("agent-a", changed("from a")), step("agent-b", changed("from b"))
    )
    ran = box.integrate("agent-a", "agent-b", gate=gate)
    assert ran.code == 1, ran.err
    assert ran.outcomes == {"agent-a": "landed by rebase", "agent-b": "set-aside: conflict"}
    branch = ran.branches["agent-b"]
    assert branch["partner"] == "agent-a"
    assert Path(branch["log"]).read_text() == "two entries\n"
    assert "two entries" in Path(branch["retry"]).read_text()


def test_linear_history_lands_accept_both_as_a_squash(sandbox: SandboxMaker) -> None:
    config = '[integrate]\nhistory = "linear"\n'
    box = sandbox(
        base({"CHANGELOG.md": CHANGES, "gitbot.toml": config}),
        step("agent-a", changed("from a")),
        step("agent-b", changed("from b")),
    )
    ran = box.integrate("agent-a", "agent-b")
    assert ran.outcomes["agent-b"] == "landed by accept-both"
    assert box.git("rev-list", "--merges", "main") == ""


def test_sequential_lands_what_merges_and_never_a_conflict(sandbox: SandboxMaker) -> None:
    box = sandbox(
        base({"CHANGELOG.md": CHANGES}), step("agent-a", changed("from a")), step("agent-b", changed("from b"))
    )
    ran = box.integrate("agent-a", "agent-b", "--strategy", "sequential")
    assert ran.code == 1
    assert ran.outcomes == {"agent-a": "landed by sequential", "agent-b": "set-aside: conflict"}


def test_strategies_are_tried_from_left_to_right(sandbox: SandboxMaker) -> None:
    """The first commit does not apply by itself, all of them together do."""
    box = sandbox(
        base(),
        step("agent-a", {"a.txt": ["ONE", "two", "three"]}),
        step("agent-a", {"a.txt": ["uno", "two", "three"]}),
        step("main", {"a.txt": ["uno", "two", "three"], "other.txt": "other\n"}),
        step("agent-a", {"new.txt": "new\n"}),
    )
    ran = box.integrate("agent-a", "--strategy", "rebase,squash")
    assert ran.outcomes == {"agent-a": "landed by squash"}


def test_a_plan_title_becomes_the_subject_and_the_plan_a_trailer(sandbox: SandboxMaker) -> None:
    box = sandbox(
        base({"plans/PLAN-A.md": plan("A", "x.txt", title="Count to ten")}), step("agent-a", {"x.txt": "1\n"}, "wip")
    )
    ran = box.integrate("agent-a", "--strategy", "squash")
    assert ran.branches["agent-a"]["plan"] == "A"
    assert box.git("log", "-1", "--format=%s", "main") == "Count to ten"
    assert "Gitbot-Plan: A" in box.git("log", "-1", "--format=%B", "main").splitlines()


# Set aside, by each reason


def test_a_true_conflict_is_set_aside_with_partner_and_brief(sandbox: SandboxMaker) -> None:
    box = sandbox(
        base(),
        step("agent-a", {"a.txt": ["ONE", "two", "three"]}),
        step("agent-b", {"a.txt": ["uno", "two", "three"]}),
    )
    ran = box.integrate("agent-*")
    assert ran.code == 1, ran.err
    assert ran.outcomes == {"agent-a": "landed by rebase", "agent-b": "set-aside: conflict"}
    second = ran.branches["agent-b"]
    assert second["partner"] == "agent-a"
    assert [{k: v for k, v in one.items() if k != "why"} for one in second["conflicts"]] == [
        {"path": "a.txt", "kind": "contents", "with": "agent-a"}
    ]
    brief = Path(second["retry"]).read_text()
    assert "ONE" in brief
    assert "uno" in brief
    assert box.tip("main") in brief


def test_a_conflict_with_the_target_names_the_target(sandbox: SandboxMaker) -> None:
    box = sandbox(base(), step("agent-a", {"a.txt": "mine\n"}), step("main", {"a.txt": "theirs\n"}))
    ran = box.integrate("agent-a")
    assert [{k: v for k, v in one.items() if k != "why"} for one in ran.branches["agent-a"]["conflicts"]] == [
        {"path": "a.txt", "kind": "contents", "with": "main"}
    ]
    assert ran.branches["agent-a"]["partner"] is None


def test_a_red_branch_is_set_aside_after_confirmation_and_main_stays_green(sandbox: SandboxMaker) -> None:
    box = sandbox(base(), step("agent-a", {"bad.txt": ["BROKEN"]}), step("agent-b", {"good.txt": ["good"]}))
    ran = box.integrate("agent-a", "agent-b")
    assert ran.code == 1, ran.err
    assert ran.outcomes == {"agent-a": "set-aside: gate", "agent-b": "landed by rebase"}
    assert "bad.txt" not in box.git("ls-tree", "--name-only", "main")
    gate = {"command": "sh gate.sh", "runs": 5, "cached": 0, "failed": 3, "seconds": 0, "stopped": 0}
    assert ran.document["gate"] | {"seconds": 0} == gate
    assert Path(ran.branches["agent-a"]["log"]).read_text() == "bad.txt\n"


def test_a_branch_that_breaks_what_another_relies_on_names_it(sandbox: SandboxMaker) -> None:
    """Both merge cleanly and are green alone; together the call has no function."""
    gate = "python3 main.py"
    box = sandbox(
        base({"lib.py": "def area(side):\n    return side * side\n", "main.py": "import lib\n"}),
        step("agent-a", {"lib.py": "def surface(side):\n    return side * side\n"}),
        step("agent-b", {"main.py": "import lib\nprint(lib.area(2))\n"}),
    )
    ran = box.integrate("agent-a", "agent-b", gate=gate)
    assert ran.outcomes == {"agent-a": "landed by rebase", "agent-b": "set-aside: gate"}
    assert ran.branches["agent-b"]["partner"] == "agent-a"


def test_a_foreign_file_is_an_ownership_matter_with_its_owner(sandbox: SandboxMaker) -> None:
    box = sandbox(
        base({"plans/PLAN-A.md": plan("A", "a/**"), "plans/PLAN-B.md": plan("B", "b/**"), "b/x": "1\n"}),
        step("agent-a", {"b/x": "2\n"}),
        step("agent-b", {"b/y": "2\n"}),
    )
    ran = box.integrate("agent-a", "agent-b")
    assert ran.code == 1
    assert ran.outcomes == {"agent-a": "set-aside: ownership", "agent-b": "landed by rebase"}
    assert ran.branches["agent-a"]["partner"] == "agent-b"
    assert "b/x" in ran.branches["agent-a"]["why"]


def test_a_branch_cannot_give_itself_a_file_by_widening_its_plan(sandbox: SandboxMaker) -> None:
    box = sandbox(
        base({"plans/PLAN-A.md": plan("A", "a/**"), "plans/PLAN-B.md": plan("B", "b/**"), "b/x": "1\n"}),
        step("agent-a", {"b/x": "2\n", "plans/PLAN-A.md": plan("A", "a/**, b/**")}),
    )
    assert box.integrate("agent-a").outcomes == {"agent-a": "set-aside: ownership"}


def test_what_waits_for_a_branch_that_was_set_aside_is_blocked_and_the_others_go_on(sandbox: SandboxMaker) -> None:
    plans = {
        "plans/PLAN-A.md": plan("A", "bad.txt"),
        "plans/PLAN-B.md": plan("B", "b.txt", needs="A"),
        "plans/PLAN-C.md": plan("C", "c.txt"),
    }
    box = sandbox(
        base(plans),
        step("agent-a", {"bad.txt": "BROKEN\n"}),
        step("agent-b", {"b.txt": "b\n"}),
        step("agent-c", {"c.txt": "c\n"}),
    )
    ran = box.integrate("agent-a", "agent-b", "agent-c")
    assert ran.code == 1
    assert sorted(ran.outcomes.items()) == [
        ("agent-a", "set-aside: gate"),
        ("agent-b", "set-aside: blocked"),
        ("agent-c", "landed by rebase"),
    ]
    assert ran.branches["agent-b"]["partner"] == "agent-a"


def test_what_waits_for_a_branch_that_nobody_named_is_blocked_until_that_has_landed(sandbox: SandboxMaker) -> None:
    box = sandbox(
        base({"plans/PLAN-A.md": plan("A", "x.txt"), "plans/PLAN-B.md": plan("B", "b.txt", needs="A")}),
        step("agent-a", {"x.txt": "x\n"}),
        step("agent-b", {"b.txt": "b\n"}),
    )
    assert box.integrate("agent-b").outcomes == {"agent-b": "set-aside: blocked"}
    assert box.integrate("agent-a").outcomes == {"agent-a": "landed by rebase"}
    assert box.integrate("agent-b").outcomes == {"agent-b": "landed by rebase"}


def test_dependencies_land_first_whatever_the_command_line_says(sandbox: SandboxMaker) -> None:
    box = sandbox(
        base({"plans/PLAN-A.md": plan("A", "x.txt"), "plans/PLAN-B.md": plan("B", "b.txt", needs="A")}),
        step("agent-a", {"x.txt": "x\n"}),
        step("agent-b", {"b.txt": "b\n"}),
    )
    assert box.integrate("agent-b", "agent-a").outcomes == {
        "agent-a": "landed by rebase",
        "agent-b": "landed by rebase",
    }


def test_unrelated_histories_are_a_conflict_and_no_crash(sandbox: SandboxMaker) -> None:
    box = sandbox(base())
    tree = box.git("rev-parse", "main^{tree}")
    box.git("branch", "agent-a", box.git("commit-tree", "-m", "orphan", tree))
    ran = box.integrate("agent-a")
    assert ran.outcomes == {"agent-a": "set-aside: conflict"}
    assert [{k: v for k, v in one.items() if k != "why"} for one in ran.branches["agent-a"]["conflicts"]] == [
        {"path": ".", "kind": "unrelated histories", "with": "main"}
    ]


# Nothing to land


def test_a_branch_is_already_landed_by_record_by_ancestry_and_by_its_patches(sandbox: SandboxMaker) -> None:
    box = sandbox(
        base(),
        step("agent-a", {"x.txt": "1\n"}, "wip"),
        step("agent-b", {"b.txt": "b\n"}),
        step("agent-c", {"c.txt": "c\n"}, "the patch"),
        step("main", {"c.txt": "c\n"}, "the patch"),
        step("agent-d", {"d.txt": "d\n"}),
        step("main", {"c.txt": "c\n", "d.txt": "d\n"}, "Merge agent-d", merge="agent-d"),
    )
    first = box.integrate("agent-a", "agent-b", "--strategy", "squash")
    assert first.outcomes == {"agent-a": "landed by squash", "agent-b": "landed by squash"}
    again = box.integrate("agent-a", "agent-b", "agent-c", "agent-d")
    assert again.code == 0
    assert again.outcomes == dict.fromkeys(("agent-a", "agent-b", "agent-c", "agent-d"), "already-landed")
    assert again.document["gate"]["runs"] == 0
    assert again.document["after"] == again.document["before"]


def test_a_branch_without_a_change_is_empty(sandbox: SandboxMaker) -> None:
    box = sandbox(
        base(),
        step("agent-a", {"a.txt": "changed\n"}),
        step("agent-a", {"a.txt": ["one", "two", "three"]}, "and back"),
    )
    box.git("branch", "agent-b", "main")
    ran = box.integrate("agent-a", "agent-b")
    assert ran.code == 0
    assert ran.outcomes == {"agent-a": "empty", "agent-b": "empty"}


# Waiting


def test_a_dry_run_says_what_would_happen_and_writes_nothing(sandbox: SandboxMaker) -> None:
    box = sandbox(
        base(),
        step("agent-a", {"a.txt": ["ONE", "two", "three"]}),
        step("agent-b", {"a.txt": ["uno", "two", "three"]}),
    )
    ran = box.integrate("agent-*", "--dry-run", gate="touch /dev/null; exit 1")
    assert ran.code == 1
    assert ran.outcomes == {"agent-a": "waiting", "agent-b": "set-aside: conflict"}
    assert ran.branches["agent-a"]["strategy"] == "rebase"
    assert ran.branches["agent-b"]["partner"] == "agent-a"
    assert (ran.document["dry_run"], ran.document["gate"]["runs"]) == (True, 0)
    assert ran.document["after"] is None
    assert not (box.path / ".git" / "gitbot").exists()


def test_a_red_target_stops_the_run_and_nobody_is_blamed(sandbox: SandboxMaker) -> None:
    box = sandbox(base({"bad.txt": "BROKEN\n"}), step("agent-a", {"x.txt": "x\n"}), step("agent-b", {"y.txt": "y\n"}))
    before = box.tip("main")
    ran = box.integrate("agent-a", "agent-b")
    assert ran.code == 3
    assert ran.outcomes == {"agent-a": "waiting: target-red", "agent-b": "waiting: target-red"}
    assert box.tip("main") == before


def test_a_branch_that_repairs_a_red_target_lands(sandbox: SandboxMaker) -> None:
    box = sandbox(base({"bad.txt": "BROKEN\n"}), step("agent-a", {"bad.txt": "fine\n"}))
    assert box.integrate("agent-a").outcomes == {"agent-a": "landed by rebase"}


def test_phases_land_in_their_order(sandbox: SandboxMaker) -> None:
    plans = {"plans/PLAN-A.md": plan("A", "x.txt", phase=2), "plans/PLAN-B.md": plan("B", "b.txt", phase=1)}
    box = sandbox(base(plans), step("agent-a", {"x.txt": "x\n"}), step("agent-b", {"b.txt": "b\n"}))
    assert list(box.integrate("agent-a", "agent-b").outcomes) == ["agent-b", "agent-a"]


# Flags


def test_flags_say_what_a_person_would_want_to_know(sandbox: SandboxMaker, tmp_path: Path) -> None:
    box = sandbox(
        base({"tests/test_x.py": "x\n", "more.txt": "more\n", "gitbot.toml": '[gate]\nprotect = ["a.txt"]\n'}),
        step("agent-a", {"gate.sh": "echo Ran 1 test in 0.1s\n", "a.txt": "a\n"}, delete=["tests/test_x.py"]),
    )
    box.git("worktree", "add", "-q", str(tmp_path / "a"), "agent-a")
    (tmp_path / "a" / "forgotten.txt").write_text("work\n")
    assert box.gitbot("approve", "agent-a").code == 0  # what is protected waits for a person
    ran = box.integrate("agent-a")
    assert ran.code == 0, ran.err
    flags = {flag["kind"]: flag["paths"] for flag in ran.branches["agent-a"]["flags"]}
    assert flags == {
        "gate-file": ["gate.sh"],
        "protected": ["a.txt"],
        "fewer-tests": ["tests/test_x.py"],
        "uncommitted": ["forgotten.txt"],
    }


def test_a_rebase_never_drops_what_a_merge_inside_holds(sandbox: SandboxMaker) -> None:
    box = sandbox(base(), step("agent-a", {"x.txt": "x"}), step("main", {"m.txt": "m"}))
    box.git("checkout", "-q", "-b", "agent-b", "main~1")
    box.git("merge", "-q", "--no-ff", "--no-commit", "main")
    (box.path / "only-in-the-merge.txt").write_text("evil\n")
    box.git("add", "-A")
    box.git("commit", "-qm", "merge")
    box.git("checkout", "-q", "main")
    assert box.integrate("agent-b", "--strategy", "rebase").outcomes == {"agent-b": "set-aside: conflict"}
    assert box.integrate("agent-b", "--strategy", "rebase,merge").outcomes == {"agent-b": "landed by merge"}
    assert box.show("main", "only-in-the-merge.txt") == "evil"


def test_what_waits_for_a_branch_without_a_change_is_not_blocked(sandbox: SandboxMaker) -> None:
    plans = {"plans/a.md": plan("a", "x.txt"), "plans/b.md": plan("b", "y.txt", needs="a")}
    box = sandbox(base(plans), step("agent-b", {"y.txt": "y"}))
    box.git("branch", "agent-a", "main")
    assert box.integrate("agent-a", "agent-b").outcomes == {"agent-a": "empty", "agent-b": "landed by rebase"}


def test_a_dry_run_lets_a_dependency_land_first_as_the_real_one_will(sandbox: SandboxMaker) -> None:
    plans = {"plans/a.md": plan("a", "x.txt"), "plans/b.md": plan("b", "y.txt", needs="a")}
    box = sandbox(base(plans), step("agent-a", {"x.txt": "x"}), step("agent-b", {"y.txt": "y"}))
    assert box.integrate("agent-*", "--dry-run").outcomes == {"agent-a": "waiting", "agent-b": "waiting"}


def test_the_screen_shows_whose_line_is_whose_where_both_were_kept(sandbox: SandboxMaker) -> None:
    box = sandbox(
        base({"CHANGELOG.md": "# Changes\n\n"}),
        step("agent-a", {"CHANGELOG.md": "# Changes\n\n- from a\n"}),
        step("agent-b", {"CHANGELOG.md": "# Changes\n\n- from b\x07\n"}),
    )
    shown = box.gitbot("integrate", "agent-*", "--no-gate").out.splitlines()
    at = shown.index("      < - from a")
    assert shown[at + 1].startswith("      > - from b")
    assert "\x07" not in shown[at + 1]
    assert "marks  < main, > the branch, * made of both" in shown
