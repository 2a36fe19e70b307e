"""What a reader who tried to refute the check had found wrong, each as the plans that showed it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from gitbot.config import FILE, parse
from gitbot.errors import ConfigurationError
from gitbot.model.plan import Need, NeedKind, PlanId, PlanSet, Write
from gitbot.model.preflight import Check, Finding, History, Level, Severity
from gitbot.plans import Source, read_plans
from gitbot.plans.document import NO_FILE
from gitbot.preflight import Surroundings, check
from gitbot.preflight.suggest import suggest
from tests.preflight.plan_sets import checked, of_rule, own, plan, tasks


def read(texts: Mapping[str, str], files: tuple[str, ...] | None = None) -> PlanSet:
    """The plans of some texts by file name."""
    return read_plans([Source(f"plans/{name}.md", text.encode()) for name, text in texts.items()], files)


def said(rule: str, texts: Mapping[str, str], around: Surroundings | None = None) -> list[Finding]:
    """What one rule says of plans as they are written."""
    around = around or Surroundings()
    return [each for each in check(read(texts, around.files), around).findings if each.rule == rule]


def test_a_new_file_through_a_linked_folder_meets_the_one_in_the_folder_itself() -> None:
    around = Surroundings(files=("src/a.ts",), links={"lnk": "src"})
    found = checked(
        plan("a", own("lnk/zed.ts", Write.CREATE)), plan("b", own("src/zed.ts", Write.CREATE)), around=around
    )
    assert [(each.severity, each.paths) for each in found.overlaps] == [(Severity.BLOCKS, ("src/zed.ts", "lnk"))]


def test_whoever_replaces_a_link_leaves_alone_what_it_leads_to() -> None:
    around = Surroundings(files=("src/a.ts",), links={"lnk": "src"})
    assert not checked(plan("a", own("lnk", Write.DELETE)), plan("b", "src/a.ts"), around=around).overlaps


_WORKSPACE = Surroundings(files=("package.json", "pnpm-lock.yaml", "apps/api/package.json", "apps/web/package.json"))


def _workspace(*more: str) -> Check:
    members = [plan("a", own("apps/web/package.json", Write.MODIFY)), plan("b", "apps/api/package.json")]
    return checked(*members, *(plan("c", each) for each in more), around=_WORKSPACE)


def test_manifests_of_one_workspace_meet_in_its_lock_file_and_still_share_a_phase() -> None:
    found = _workspace()
    assert found.phases == (("a", "b"),)
    assert [(each.severity, each.paths, each.before) for each in found.overlaps] == [
        (Severity.ORDERS, ("pnpm-lock.yaml",), "a")
    ]
    warning = next(each for each in found.findings if each.rule == "shared-file")
    assert (warning.level, warning.paths) == (Level.WARNING, ("pnpm-lock.yaml",))
    assert "regenerate" in (warning.hint or "")


def test_who_owns_a_workspaces_lock_file_blocks_who_changes_one_of_its_manifests() -> None:
    found = _workspace("pnpm-lock.yaml")
    assert found.phases == (("a", "b"), ("c",))
    assert {each.plans for each in found.overlaps if each.severity is Severity.BLOCKS} == {("a", "c"), ("b", "c")}


def test_two_projects_with_locks_of_their_own_do_not_meet() -> None:
    around = Surroundings(files=("a/Cargo.toml", "a/Cargo.lock", "b/Cargo.toml", "b/Cargo.lock", "Cargo.lock"))
    assert not checked(plan("a", "a/Cargo.toml"), plan("b", "b/Cargo.toml"), around=around).overlaps


_HANDED_OUT = "1. agent-api: Create `src/api.ts`\n2. agent-ui: Create `src/ui.ts`\n"


@pytest.mark.parametrize(
    "message",
    [
        f"{_HANDED_OUT}All agents receive the same feature specification context.",
        f'"Given the course CRUD specification (ontology: course, lesson):\n{_HANDED_OUT}',
        f"{_HANDED_OUT}\nBoth agents start immediately with same ontology mapping.",
        f"{_HANDED_OUT}\nONTOLOGY MAPPING:\n- Things: course, lesson\n",
    ],
)
def test_a_message_that_hands_out_one_specification_gives_context(message: str) -> None:
    assert not said("missing-context", {"m": message})
    assert said("missing-context", {"m": _HANDED_OUT})


def test_acceptance_criteria_in_capitals_are_some() -> None:
    assert not said("missing-acceptance", {"m": f"{_HANDED_OUT}\nACCEPTANCE CRITERIA:\n- a course can be made\n"})


@pytest.mark.parametrize(
    ("task", "minutes"),
    [
        ("Create `src/a.ts` (2h)", 120),
        ("Extend `src/a.ts` (est: 45 min)", 45),
        ("Extend `src/a.ts` — 1.5 hours", 90),
        ("Extend `src/a.ts` [1h]", 60),
        ("Extend `src/a.ts` - Estimate: 3h", 180),
        ("Extend `src/a.ts`\n  - **Estimate:** 3 hrs", 180),
        ("Expire sessions (24h) in `src/a.ts`", None),
        ("Wait 5 min, then retry in `src/a.ts`", None),
    ],
)
def test_estimates_are_read_in_the_ways_people_write_them(task: str, minutes: float | None) -> None:
    (found,) = read({"a": f"# Agent A\n- [ ] {task}\n"}).plans
    (first,) = found.tasks
    assert first.minutes == (None if minutes is None else (minutes, minutes))
    assert first.paths == ("src/a.ts",)


def test_headings_and_ranges_of_cycles_give_plans_their_estimate() -> None:
    cycles = "Cycle 11-20: Backend (agent-backend) = 2 hours\nCycle 21-30: UI (agent-ui) = 1 hour\n"
    assert [each.minutes for each in read({"c": cycles}).plans] == [(120, 120), (60, 60)]
    roster = "# Agent Backend (2h)\n- [ ] `src/b.ts`\n# Agent UI\n- [ ] `src/u.ts`\n"
    assert [each.minutes for each in read({"r": roster}).plans] == [(120, 120), None]


_TICKETS = "# Ticket business logic\n- [ ] Create `src/services/tickets.ts`\n"


@pytest.mark.parametrize(
    ("logic", "api"),
    [
        (_TICKETS, "# Ticket API\n\nNeeds the ticket business logic.\n\n- [ ] Create `src/api/tickets.ts`\n"),
        (
            "# Business logic\n- [ ] `src/services/a.ts`\n",
            "# REST API\n- [ ] `src/api/b.ts` (needs business logic)\n",
        ),
    ],
)
def test_what_a_plan_says_in_passing_that_it_needs_orders_layers(logic: str, api: str) -> None:
    (warning,) = said("layer-order", {"logic": logic, "api": api})
    assert set(warning.plans) == {"logic", "api"}


def test_one_wrong_name_is_told_once_and_without_far_fetched_names() -> None:
    api = "---\ndepends_on: [tickets]\n---\n# Ticket API\n\nNeeds ticket business logic.\n\n- [ ] `src/a.ts`\n"
    assert not said("layer-order", {"logic": _TICKETS, "api": api})
    (unknown,) = said("unknown-dependency", {"logic": _TICKETS, "api": api})
    assert "did you mean" not in (unknown.hint or "")


_READER = {"src/ui/view.py": b"from src.core import model\n", "src/core/model.py": b""}
_IMPORTING = Surroundings(files=("src/__init__.py", "src/core/__init__.py", *_READER), read=_READER.get)


def test_imports_between_phases_are_no_news_unless_the_importer_comes_first() -> None:
    core, ui = plan("core", "src/core/**"), plan("ui", "src/ui/**")
    apart = (Need("core", NeedKind.APART, 2, "apart"),)
    assert of_rule("imports", core, ui, around=_IMPORTING)
    assert not of_rule("imports", core, replace(ui, needs=apart), around=_IMPORTING)
    assert of_rule("imports", core, replace(ui, id=PlanId("A"), needs=apart), around=_IMPORTING)


def test_a_path_that_nobody_wrote_is_shown_as_the_narrower_pattern() -> None:
    found = checked(plan("a", "src/**"), plan("b", "src/services/**"), around=Surroundings(files=("README.md",)))
    (overlap,) = found.overlaps
    (error,) = (each for each in found.findings if each.rule == "overlap")
    assert overlap.paths == error.paths == ("src/services/**",)
    assert "anything of `src/services/**`" in error.message
    assert found.why[PlanId("b")].endswith("anything of `src/services/**`")


def test_error_and_phase_line_show_the_same_example() -> None:
    around = Surroundings(files=("src/services/a.ts", "src/services/b.ts"))
    found = checked(plan("a", "src/**"), plan("b", "src/services/**"), around=around)
    (error,) = (each for each in found.findings if each.rule == "overlap")
    assert error.message.endswith(": src/services/a.ts")
    assert found.why[PlanId("b")].endswith(": src/services/a.ts")


def test_hot_spots_name_the_merges_that_were_looked_at() -> None:
    past = History(commits=40, contested={"src/a.ts": 14}, merges=31)
    around = Surroundings(files=("src/a.ts",), history=past)
    (note,) = of_rule("hot-spot", plan("a", "src/a.ts"), plan("b", "b"), around=around)
    assert "on both sides of 14 of the last 31 merges" in note.message


def test_folders_that_differ_in_case_are_a_case_collision() -> None:
    (warning,) = of_rule("case-collision", plan("a", "Src/dir/x.ts"), plan("b", "src/dir/y.ts"))
    assert warning.paths == ("Src/dir/x.ts", "src/dir/y.ts")
    assert not of_rule("case-collision", plan("a", "src/dir/x.ts"), plan("b", "src/dir/y.ts"))


def test_a_suggestion_gives_the_conflict_as_its_order_and_creates_nothing_that_is_there() -> None:
    around = Surroundings(files=("src/a.ts",))
    claims = [own("src/a.ts", Write.CREATE, 0.8), own("src/b.ts", Write.CREATE, 0.8)]
    front = suggest(checked(plan("A", *claims), plan("B", claims[0]), around=around)).split("# plans/B.md")
    assert "phase:" not in "".join(front)
    assert "depends_on" not in front[0]
    assert 'depends_on: ["A"]' in front[1]
    assert '  - modify: "src/a.ts"' in front[0]
    assert '  - create: "src/b.ts"' in front[0]


def test_a_rule_of_opinion_never_becomes_an_error() -> None:
    around = Surroundings(rules={"missing-context": "error", "case-collision": "error"})
    small = tasks("a", minutes=10)
    levels = {
        each.rule: each.level
        for each in checked(plan("A", "Lib/a", tasks=small), plan("B", "lib/b", tasks=small), around=around).findings
    }
    assert (levels["missing-context"], levels["case-collision"]) == (Level.WARNING, Level.ERROR)


def test_a_wrong_level_of_a_rule_is_refused_with_key_value_and_what_is_allowed() -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse({FILE: '[rules]\nimports = "loud"\n'}, origin="here")
    assert caught.value.message == "here: gitbot.toml: `rules.imports` is 'loud'"
    assert caught.value.hint == "one of off, note, warning, error"


@pytest.mark.parametrize(
    ("data", "reason", "hint"),
    [(NO_FILE, "no regular file", "plain file"), (b"x" * (1 << 20), "larger than 512 KiB", "several plans")],
)
def test_what_cannot_be_a_plan_is_refused_for_the_right_reason(data: bytes, reason: str, hint: str) -> None:
    (problem,) = read_plans([Source("plans/a.md", data)]).problems
    assert reason in problem.message
    assert hint in (problem.hint or "")
