"""Misreadings that plans written by other people brought to light, told with made-up text."""

from __future__ import annotations

import pytest

from gitbot.model.plan import BLOCKING_CONFIDENCE, Access, Plan, Source
from gitbot.plans import Source as File
from gitbot.plans import read_plans


def read(text: str) -> dict[str, Plan]:
    return {plan.id: plan for plan in read_plans([File("plans/work.md", text.encode())]).plans}


def owned(plan: Plan) -> list[str]:
    return [claim.pattern for claim in plan.patterns(Access.OWN)]


def test_a_numbered_heading_names_its_agent() -> None:
    found = read("## 1. Agent One1 — Shop\n- a/b.ts\n\n## 2) Agent Two2 — Cart\n- a/c.ts\n")
    assert {id: owned(plan) for id, plan in found.items()} == {"One1": ["a/b.ts"], "Two2": ["a/c.ts"]}


@pytest.mark.parametrize("heading", ["# Agent Ownership", "## Agent Tracks", "## Agent Lanes"])
def test_headings_about_all_agents_name_none(heading: str) -> None:
    assert list(read(f"{heading}\n\n## Agent A\n- a/b.ts\n\n## Agent B\n- a/c.ts\n")) == ["A", "B"]


def test_a_fence_of_nothing_but_paths_claims_them_whatever_its_label_says() -> None:
    """The label may be in any language; what gitbot cannot read it does not call declared."""
    text = (
        "## Agent {0}\n\n### Verantwortlich für:\n```\nshop/{0}.ts\npackage{0}.json (nur Skripte)\nshop/{0}/\n```\n\n"
    )
    plan = read(text.format("A") + text.format("B"))["A"]
    assert owned(plan) == ["shop/A.ts", "packageA.json", "shop/A/"]
    assert {claim.source for claim in plan.claims} == {Source.INFERRED}
    assert min(claim.confidence for claim in plan.claims) >= BLOCKING_CONFIDENCE


@pytest.mark.parametrize(
    "fence",
    [
        "```\nnpm run build\nshop/a.ts\n```",
        "```\nshop/a.ts --watch\n```",
        "```python\nshop/a.py\n```",
    ],
)
def test_other_fences_without_a_known_label_claim_nothing(fence: str) -> None:
    assert not read(f"## Agent A\n{fence}\n\n## Agent B\n- [ ] cart/b.ts\n")["A"].claims


def test_a_tree_may_call_a_workstream_by_its_title() -> None:
    text = "## Workstream {0}: {1} (shop)\n### Owned files\n```\nshop/\n└── {1}.ts  ✅ {1} owns\n```\n"
    found = read(text.format(1, "Wren") + text.format(2, "Finch"))
    assert {id: set(owned(plan)) for id, plan in found.items()} == {
        "workstream-1": {"shop/Wren.ts"},
        "workstream-2": {"shop/Finch.ts"},
    }


ROSTER = "## Agent A\n- [ ] shop/a.ts\n\n## Agent B\n- [ ] cart/b.ts\n\n"


def test_remarks_after_the_agents_sections_are_no_work_of_somebody_else() -> None:
    assert list(read(f"{ROSTER}## Rules\n- Only the first one edits:\n  - `shop/a.ts`\n")) == ["A", "B"]


@pytest.mark.parametrize("rest", ["## Wiring\n- [ ] Update `shop/cli.ts`\n", "## Shared\n- shop/cli.ts\n"])
def test_tasks_and_declared_files_after_the_agents_sections_still_count(rest: str) -> None:
    assert [claim.pattern for claim in read(ROSTER + rest)["work"].claims] == ["shop/cli.ts"]


def test_a_bare_name_repeats_the_path_that_ends_in_it() -> None:
    plan = read("- [ ] Create `shop/src/till.ts`\n- [ ] Add `till.ts` to the menu\n- [ ] Add `coin.ts`\n")["work"]
    assert owned(plan) == ["shop/src/till.ts", "coin.ts"]


def test_a_new_file_modelled_on_one_of_its_name_is_still_claimed() -> None:
    assert owned(read("- [ ] Create `till.ts` like `shop/src/till.ts`\n- [ ] Read `shop/src/till.ts`\n")["work"]) == [
        "till.ts"
    ]


def test_a_file_of_the_top_is_not_taken_for_one_below_of_the_same_name() -> None:
    plan = read("- [ ] Update `shop/package.json`\n- [ ] Update `package.json`\n")["work"]
    assert owned(plan) == ["shop/package.json", "package.json"]


@pytest.mark.parametrize(("label", "access"), [("File", Access.OWN), ("Own", Access.OWN), ("Ownership", Access.OWN)])
def test_one_word_labels_declare_what_follows(label: str, access: Access) -> None:
    (claim,) = read(f"## Till\n**{label}:** `shop/till.ts` (NEW)\n")["work"].claims
    assert (claim.pattern, claim.access, claim.source) == ("shop/till.ts", access, Source.DECLARED)


def test_avoid_touching_is_a_never() -> None:
    plan = read("## Agent A\n- [ ] shop/a.ts\n\nAvoid touching:\n\n- cart/b.ts\n")["A"]
    assert ([claim.pattern for claim in plan.never], owned(plan)) == (["cart/b.ts"], ["shop/a.ts"])


def test_a_surface_beside_a_list_of_files_claims_nothing_more() -> None:
    """The list is what its author counts with; the surface only says where it lies."""
    front = "---\nid: W1\nauthoritative_surface: shop/\n{}---\n# W1\n"
    assert owned(read(front.format("owned_files: [shop/a.ts]\n"))["W1"]) == ["shop/a.ts"]
    assert owned(read(front.format(""))["W1"]) == ["shop/"]


def test_a_new_file_in_a_folder_claims_the_file_and_not_the_folder() -> None:
    plan = read("- [ ] Create `till.toml` in `shop/` pointing to `src/till.rs`\n")["work"]
    assert owned(plan) == ["shop/till.toml"]


def test_what_one_is_told_to_see_is_not_written() -> None:
    assert not read("- [ ] Write five articles (see `docs/style.md`)\n")["work"].claims


def test_a_wide_gap_reads_like_a_narrow_one() -> None:
    """Searches for what follows a run of blanks would take the square of its length."""
    wide, narrow = (read(f"- [ ] Create `till.ts` in{gap}`shop/`\n")["work"] for gap in (" \t" * 45_000, " "))
    assert wide.claims == narrow.claims


def test_what_has_to_hold_in_the_end_is_no_claim() -> None:
    plan = read("## Agent A\n- [ ] shop/a.ts\n\nDone criteria:\n\n- `.env.example` remains accurate.\n")["A"]
    assert owned(plan) == ["shop/a.ts"]
