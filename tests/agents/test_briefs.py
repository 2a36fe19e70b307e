"""What a brief knows, from real repositories: its plan, its branch as it is now, and what the others hold."""

from __future__ import annotations

import os
from collections.abc import Sequence

import pytest

from gitbot import preflight
from gitbot.agents.briefs import LARGEST_PAPER, MOST_HOLDINGS, MOST_PATTERNS, briefs_of, templates_in_force
from gitbot.agents.excerpts import acceptance
from gitbot.agents.starting import landed_now
from gitbot.errors import ConfigurationError
from gitbot.model.brief import Brief, Briefs
from gitbot.model.plan import Access, PlanSet
from gitbot.monitor.surroundings import surroundings
from gitbot.plans import Source, read_plans
from gitbot.planset import in_force, plans_at, plans_in
from gitbot.preflight import Surroundings
from gitbot.repository import refs
from tests.conftest import Sandbox, SandboxMaker, step
from tests.scenarios.beginnings import plan

A = """\
---
plan: A
title: Tables
emits: [schema_ready]
owns: [db/**]
shared: [package.json]
reads: [docs/notes.md]
never: [db/old/**]
tests: [npm test -- db]
---
- [x] T1 `db/a.sql` write it
- [ ] T2 write the parser
- [-] T3 drop it
- [~] T4 fill it
"""
B = """\
---
plan: B
owns: [web/**]
shared: [package.json]
waits_for: [schema_ready]
---
- [ ] T1 `web/a.ts` (wait for A to commit parser)
"""


def whole(box: Sandbox, *given: str) -> Briefs:
    repository = box.repository
    force = in_force(repository, None)
    top = repository.work_tree
    if top is None:
        tip = refs.read(repository, force.target)
        assert tip is not None
        found = plans_at(repository, tip, force.config)
    else:
        found = plans_in(repository, top, [str(top / path) for path in given], force.config)
    checked = preflight.check(found, surroundings(repository, top, found, force.config, force.target))
    landed = landed_now(repository, force)
    return briefs_of(checked, repository, force, top, [str((top or box.path) / path) for path in given], landed)


def briefs(box: Sandbox, *given: str) -> dict[str, Brief]:
    return {brief.plan.id: brief for phase in whole(box, *given).phases for brief in phase}


def alone(**files: str) -> dict[str, Brief]:
    """Of plans outside of any repository, by their names."""
    texts = [Source(f"plans/{name}.md", text.encode()) for name, text in files.items()]
    checked = preflight.check(read_plans(texts), Surroundings())
    return {brief.plan.id: brief for phase in briefs_of(checked, None, None, None).phases for brief in phase}


def test_tasks_done_are_counted_and_those_skipped_are_no_ones_work(sandbox: SandboxMaker) -> None:
    brief = briefs(sandbox(step("main", {"plans/a.md": A})))["A"]
    assert (brief.done, brief.total, [task.id for task in brief.tasks]) == (1, 3, ["T2", "T4"])


def test_ticks_are_read_from_the_plans_own_branch_and_none_of_the_target_is_lost(sandbox: SandboxMaker) -> None:
    box = sandbox(
        step("main", {"plans/a.md": A, "plans/b.md": B}),
        step("agent-a", {"plans/a.md": A.replace("[x] T1", "[ ] T1").replace("[ ] T2", "[x] T2")}),
        step("agent-b", {"plans/a.md": A.replace("[~] T4", "[x] T4")}),
    )
    found = briefs(box)
    assert [task.id for task in found["A"].tasks] == ["T4"]
    assert found["B"].done == 0


def test_a_brief_tells_whose_every_file_is(sandbox: SandboxMaker) -> None:
    config = 'shared = ["package.json", "go.mod"]\n'
    found = briefs(sandbox(step("main", {"gitbot.toml": config, "plans/a.md": A, "plans/b.md": B})))
    mine = found["A"]
    assert (mine.owns, mine.shared, mine.reads) == (("db/**",), {"package.json": ("B",)}, ("docs/notes.md",))
    assert mine.never == ("db/old/**", "go.mod")
    [other] = mine.forbidden
    assert (other.plan, other.branch, other.path, other.line) == ("B", "agent-b", "plans/b.md", 3)
    assert (other.patterns, other.more) == (("web/**",), 0)
    assert [held.plan for held in found["B"].forbidden] == ["A"]


def test_what_a_landed_plan_claims_binds_nobody_any_more(sandbox: SandboxMaker) -> None:
    landed = A.replace("- [ ]", "- [x]").replace("- [~]", "- [x]")
    box = sandbox(
        step("main", {"plans/a.md": A, "plans/b.md": B}), step("done", {"plans/a.md": landed, "plans/b.md": B})
    )
    before = briefs(box)["B"]
    assert ([one.plan for one in before.forbidden], before.shared) == (["A"], {"package.json": ("A",)})
    box.git("merge", "-q", "done")
    after = briefs(box)
    assert (after["B"].forbidden, after["B"].shared) == ((), {"package.json": ()})
    assert after["A"].owns == ("db/**",)


def test_plans_of_one_branch_forbid_each_other_nothing() -> None:
    first, second = (f"---\nplan: {name}\nbranch: work\nowns: [{name}/**]\n---\n- [ ] x\n" for name in "ab")
    assert [brief.forbidden for brief in alone(first=first, second=second).values()] == [(), ()]


def test_of_many_plans_those_that_work_at_the_same_time_are_shown_first_and_the_rest_counted() -> None:
    files = ", ".join(f"f{number}/**" for number in range(MOST_PATTERNS + 3))
    late = {f"z{number}": plan(f"z{number}", f"z{number}/**", phase=2) for number in range(2)}
    early = {f"p{number}": plan(f"p{number}", f"p{number}/**", phase=1) for number in range(MOST_HOLDINGS + 4)}
    many = plan("z1", files, phase=2)
    brief = alone(**early, **{**late, "z1": many})["z0"]
    assert [brief.forbidden[0].plan, len(brief.forbidden), brief.holders] == ["z1", MOST_HOLDINGS, 5]
    assert (len(brief.forbidden[0].patterns), brief.forbidden[0].more) == (MOST_PATTERNS, 3)


def test_waits_and_their_answers_are_commands_that_fit_each_other() -> None:
    found = alone(a=A, b=B)
    waits = {wait.name: (wait.kind, wait.plans, wait.command) for wait in found["B"].waits}
    assert waits == {
        "parser": ("commit", ("A",), "gitbot wait --commit parser --branch agent-a"),
        "schema_ready": ("event", ("A",), "gitbot wait schema_ready --from A"),
    }
    emits = {emit.name: (emit.kind, emit.plans, emit.command) for emit in found["A"].emits}
    assert emits == {
        "schema_ready": ("event", ("B",), "gitbot emit schema_ready --plan A"),
        "parser": ("commit", ("B",), ""),
    }


def test_an_event_that_two_plans_emit_is_waited_for_from_either() -> None:
    also = "---\nplan: C\nowns: [c/**]\nemits: [schema_ready]\n---\n- [ ] x\n"
    [wait] = [each for each in alone(a=A, b=B, c=also)["B"].waits if each.kind == "event"]
    assert (wait.plans, wait.command) == (("A", "C"), "gitbot wait schema_ready")


def test_who_starts_after_a_plan_has_landed_waits_for_nothing_more_of_it() -> None:
    late = "---\nplan: C\nowns: [c/**]\ndepends_on: [A]\nwaits_for: [schema_ready]\n---\n- [ ] x (waits for A#T2)\n"
    found = alone(a=A, c=late)
    brief = found["C"]
    assert ([(edge.before, edge.reason) for edge in brief.after], brief.waits) == ([("A", "depends_on: A")], ())
    assert [(emit.name, emit.plans) for emit in found["A"].emits] == [("schema_ready", ())]
    assert (brief.phase, brief.phases, brief.beside) == (2, 2, 0)


def test_the_branch_and_the_work_tree_are_made_only_as_far_as_they_are_missing(sandbox: SandboxMaker) -> None:
    box = sandbox(step("main", {"plans/a.md": A, "plans/b.md": B}))
    new = f"{box.path}-agent-a"
    assert briefs(box)["A"].set_up == f"git -C {box.path} worktree add --no-track -b agent-a {new} main"
    box.git("branch", "agent-a")
    assert briefs(box)["A"].set_up == f"git -C {box.path} worktree add {new} agent-a"
    box.git("worktree", "add", "-q", f"{box.path}-elsewhere", "agent-a")
    there = briefs(box)["A"]
    assert (there.work_tree, there.set_up) == (f"{box.path}-elsewhere", "")


def test_a_plan_that_the_target_does_not_have_as_it_is_here_is_remarked_on(sandbox: SandboxMaker) -> None:
    box = sandbox(step("main", {"plans/a.md": A, "plans/b.md": B}))
    assert whole(box).notes == ()
    (box.path / "plans" / "b.md").write_text(B + "- [ ] more\n")
    [note] = whole(box).notes
    assert note.startswith("plans/b.md: ")


def test_an_agents_own_ticks_are_no_remark_and_its_brief_is_asked_for_alike_everywhere(sandbox: SandboxMaker) -> None:
    box = sandbox(step("main", {"plans/a.md": A}), step("agent-a", {"a.txt": "\n"}))
    tree = Sandbox(box.path.with_name("tree"), box.env)
    box.git("worktree", "add", "-q", str(tree.path), "agent-a")
    (tree.path / "plans" / "a.md").write_text(A.replace("[ ] T2", "[x] T2"))
    found = whole(tree, "plans")
    [[brief]] = found.phases
    assert (found.notes, brief.done, brief.again) == ((), 2, "gitbot brief plans --plan A")
    assert brief.work_tree == str(tree.path)


def test_a_bare_repository_has_briefs_too(sandbox: SandboxMaker) -> None:
    box = sandbox(step("main", {"plans/a.md": A, "plans/CONTEXT.md": "all of it\n"}), bare=True)
    brief = briefs(box)["A"]
    assert [paper.text for paper in brief.context] == ["all of it\n"]
    assert brief.set_up.startswith(f"git -C {box.path} worktree add ")


def test_documents_beside_the_plans_are_shared_and_those_of_a_sub_project_its_own(sandbox: SandboxMaker) -> None:
    task = "- [ ] write it\n"
    files = {
        "gitbot.toml": 'plans = ["services/**/*.md"]\n',
        "AGENT.md": "of the top, where no plan is\n",
        "services/SPEC.md": "of all\n",
        "services/auth/IMPLEMENTATION_PLAN.md": task,
        "services/auth/AGENT.md": "of auth\n",
        "services/auth/x.py": "\n",
        "services/mail/IMPLEMENTATION_PLAN.md": task,
        "services/mail/x.py": "\n",
    }
    box = sandbox(step("main", files))
    found = briefs(box)
    assert [paper.path for paper in found["auth"].context] == ["services/SPEC.md", "services/auth/AGENT.md"]
    assert [paper.path for paper in found["mail"].context] == ["services/SPEC.md"]
    assert [paper.path for paper in whole(box).context] == ["services/SPEC.md"]


@pytest.mark.parametrize("value", ["docs/rules.md", "[docs/rules.md]", "\n  - ../docs/rules.md", '"rules.md"'])
def test_a_plan_names_its_context(sandbox: SandboxMaker, value: str) -> None:
    text = f"---\nplan: A\nowns: [a/**]\ncontext: {value}\ntests: [x]\n---\n- [ ] x\n"
    box = sandbox(step("main", {"plans/a.md": text, "docs/rules.md": "the rules\n", "plans/rules.md": "the rules\n"}))
    assert [paper.text for paper in briefs(box)["A"].context] == ["the rules\n"]


def test_a_context_is_named_as_from_its_plan_for_check_too_and_one_that_is_not_there_is_said(
    sandbox: SandboxMaker,
) -> None:
    text = "---\nplan: A\nowns: [a/**]\ncontext: [../../docs/rules.md, docs/none.md]\n---\n- [ ] x\n"
    box = sandbox(step("main", {"plans/sub/a.md": text, "docs/rules.md": "the rules\n"}))
    found = whole(box)
    assert [paper.text for paper in found.context] == ["the rules\n"]
    assert found.notes == ("plans/sub/a.md: there is no docs/none.md, which its context names",)
    read = read_plans([Source("plans/sub/a.md", text.encode())])
    assert [problem for problem in read.problems if problem.level == "error"] == []
    assert "docs/rules.md" in {claim.pattern for claim in read.plans[0].patterns(Access.READ)}


def test_a_plan_holds_its_context(sandbox: SandboxMaker) -> None:
    text = "---\nplan: A\ncontext: |\n  Courses have lessons.\n  Nothing else.\nowns: [a/**]\n---\n- [ ] x\n"
    [paper] = briefs(sandbox(step("main", {"plans/a.md": text})))["A"].context
    assert paper.text == "context: |\n  Courses have lessons.\n  Nothing else."


def test_what_stands_around_several_plans_in_one_file_is_for_all_of_them(sandbox: SandboxMaker) -> None:
    text = (
        "Given courses with lessons:\n\n# Agent A\n- [ ] a/x.py\n\n# Agent B\n- [ ] b/x.py\n# Acceptance\n- it runs\n"
    )
    [shared] = whole(sandbox(step("main", {"plans/team.md": text}))).context
    assert shared.text == "Given courses with lessons:\n\n# Acceptance\n- it runs"


def test_a_long_document_is_cut_at_a_line_and_says_how_much_is_missing(sandbox: SandboxMaker) -> None:
    box = sandbox(step("main", {"plans/a.md": A}))
    with (box.path / "plans" / "CONTEXT.md").open("wb") as file:
        file.write(b"ten bytes\n" * (LARGEST_PAPER // 10 + 1))
        file.truncate(50 << 20)
    [paper] = briefs(box)["A"].context
    assert (paper.text[-9:], paper.left_out) == ("ten bytes", (50 << 20) - LARGEST_PAPER)


def test_no_link_and_no_name_leads_out_of_the_repository(sandbox: SandboxMaker) -> None:
    text = "---\nplan: A\nowns: [a/**]\ncontext: [../secret, /etc/passwd, ../../secret]\n---\n- [ ] x\n"
    box = sandbox(step("main", {"plans/a.md": text}))
    (box.path.parent / "secret").write_text("secret")
    os.symlink(box.path.parent / "secret", box.path / "plans" / "CONTEXT.md")
    os.mkfifo(box.path / "plans" / "SPEC.md")
    [paper] = briefs(box)["A"].context
    assert paper.text == "context: [../secret, /etc/passwd, ../../secret]"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "## Acceptance criteria\n- one\n### More\n- two\n# Notes\n- no",
            "## Acceptance criteria\n- one\n### More\n- two",
        ),
        ("Tasks:\n- no\n\n**Done when:**\n- one\n- two\n\nno", "**Done when:**\n- one\n- two"),
        ("---\nplan: A\ndone_when:\n  - one\nowns: [a]\n---\n# Verify\ntwo", "done_when:\n  - one\n# Verify\ntwo"),
        ("```\n# Acceptance\nno\n```\n# Verify\n```\n# no heading\n```", "# Verify\n```\n# no heading\n```"),
        ("# Goal\nno", ""),
    ],
)
def test_acceptance_criteria_are_found_by_heading_label_and_key(text: str, expected: str) -> None:
    lines: Sequence[str] = text.split("\n")
    assert acceptance(lines, 0, len(lines)) == expected


def test_of_several_plans_in_a_file_each_has_its_own_acceptance(sandbox: SandboxMaker) -> None:
    text = "# Agent A\n- [ ] a/x.py\n\nAcceptance: a\n\n# Agent B\n- [ ] b/x.py\n\nAcceptance: b\n"
    found = briefs(sandbox(step("main", {"plans/team.md": text})))
    assert {name: brief.acceptance for name, brief in found.items()} == {"A": "Acceptance: a", "B": "Acceptance: b"}


def test_templates_are_the_targets_and_a_folder_without_any_is_bad_input(sandbox: SandboxMaker) -> None:
    files = {"gitbot.toml": '[brief]\ntemplates = "t/"\n', "t/brief.md": "of main", "t/notes.md": "no template"}
    box = sandbox(step("main", files), step("agent-a", {"t/brief.md": "of agent-a"}))
    (box.path / "t" / "text.md").write_text("not committed")
    repository = box.repository
    force = in_force(repository, None)
    assert templates_in_force(repository, force) == {"t/brief.md": "of main"}
    box.git("rm", "-q", "t/brief.md")
    box.git("commit", "-qm", "no templates")
    with pytest.raises(ConfigurationError):
        templates_in_force(box.repository, in_force(box.repository, None))


def test_no_plan_gives_no_brief() -> None:
    assert briefs_of(preflight.check(PlanSet(), Surroundings()), None, None, None) == Briefs(())
