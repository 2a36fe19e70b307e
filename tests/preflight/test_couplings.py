"""Plans that meet in no file and depend on each other all the same."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from gitbot.model.plan import Access, Claim, Need, NeedKind, Plan, PlanId, PlanSet, Source
from gitbot.model.preflight import Finding, History, Level
from gitbot.preflight import Surroundings, check

RULES = ("imports", "co-change", "hot-spot", "claims-widened")


def plan(id: str, *patterns: str, needs: tuple[Need, ...] = (), confidence: float = 1.0) -> Plan:
    source = Source.DECLARED if confidence == 1.0 else Source.INFERRED
    claims = tuple(Claim(each, Access.OWN, source, 3 + at, confidence) for at, each in enumerate(patterns))
    return Plan(id=PlanId(id), path=f"plans/{id}.md", format="canonical", claims=claims, needs=needs)


def found(tree: Mapping[str, str], *plans: Plan, history: History | None = None, **rules: str) -> list[Finding]:
    around = Surroundings(
        files=tuple(tree),
        read=lambda path: tree[path].encode() if path in tree else None,
        history=history or History(),
        rules=rules,
    )
    return [finding for finding in check(PlanSet(plans), around).findings if finding.rule in RULES]


TREE = {
    "src/auth/token.py": "",
    "src/auth/__init__.py": "",
    "src/__init__.py": "",
    "src/pay/bill.py": "import os\nfrom src.auth.token import Token\n",
    "src/pay/later.py": "from src.auth.new import New\n",
}
WAITS = Need("A", NeedKind.HARD, 5, "waits for A")


def test_a_plan_whose_file_imports_what_another_changes_is_told_to_wait() -> None:
    (finding,) = found(TREE, plan("A", "src/auth/token.py"), plan("B", "src/pay/**"))
    assert (finding.rule, finding.level, finding.plans) == ("imports", Level.WARNING, ("B", "A"))
    assert finding.message == "B builds on what A changes: src/pay/bill.py:2 imports src/auth/token.py"
    assert finding.hint == "let B wait for A, or agree on the interface first"
    assert [(place.path, place.line) for place in finding.locations] == [
        ("plans/B.md", 3),
        ("plans/A.md", 3),
        ("src/pay/bill.py", 2),
    ]


def test_a_file_that_is_still_to_be_made_is_imported_as_well() -> None:
    (finding,) = found(TREE, plan("A", "src/auth/new.py"), plan("B", "src/pay/later.py"))
    assert finding.paths == ("src/auth/new.py",)


def test_plans_that_import_each_other_are_one_finding() -> None:
    tree = TREE | {"src/auth/token.py": "import src.pay.bill\n"}
    (finding,) = found(tree, plan("A", "src/auth/**"), plan("B", "src/pay/**"))
    assert "build on each other" in finding.message
    assert {"src/auth/token.py", "src/pay/bill.py"} <= set(finding.paths)


@pytest.mark.parametrize(
    "plans",
    [
        (plan("A", "src/auth/**"), plan("B", "src/pay/**", needs=(WAITS,))),
        (plan("A", "src/auth/**", "src/cli.py"), plan("B", "src/pay/**", "src/cli.py")),
        (plan("A", "src/auth/**"), plan("B", "src/pay/**", confidence=0.3)),
        (plan("A", "src/auth/**", "src/pay/**"),),
        (plan("A", "src/auth/**"), plan("B", "docs/**")),
    ],
    ids=["ordered", "overlapping", "guessed", "alone", "elsewhere"],
)
def test_imports_are_silent_where_nothing_runs_beside_what_it_builds_on(plans: tuple[Plan, ...]) -> None:
    assert not found(TREE, *plans)


def test_imports_can_be_switched_off() -> None:
    assert not found(TREE, plan("A", "src/auth/**"), plan("B", "src/pay/**"), imports="off")


FILES = {"a.txt": "", "b.txt": "", "c.txt": "", "CHANGELOG.md": ""}
PAST = History(
    commits=100,
    changes={"a.txt": 17, "b.txt": 20, "c.txt": 90, "CHANGELOG.md": 17},
    together={("a.txt", "b.txt"): 14, ("a.txt", "c.txt"): 15, ("CHANGELOG.md", "a.txt"): 17},
    contested={"a.txt": 5, "b.txt": 2},
)
ONLY_PAIRS = History(PAST.commits, PAST.changes, PAST.together)


def test_files_that_mostly_changed_together_tie_their_plans() -> None:
    (finding,) = found(FILES, plan("A", "a.txt"), plan("B", "b.txt"), history=ONLY_PAIRS)
    assert (finding.rule, finding.level, finding.paths) == ("co-change", Level.WARNING, ("a.txt", "b.txt"))
    assert finding.message == "files of A and B changed together: a.txt and b.txt in 14 of 17 commits"


@pytest.mark.parametrize(
    "plans",
    [
        (plan("A", "a.txt"), plan("B", "c.txt")),
        (plan("A", "a.txt"), plan("B", "CHANGELOG.md")),
        (plan("A", "a.txt"), plan("B", "b.txt", needs=(WAITS,))),
        (plan("A", "a.txt", "b.txt"), plan("B", "c.txt")),
        (plan("A", "a.txt", "c.txt"), plan("B", "b.txt", "c.txt")),
    ],
    ids=["changes with everything", "changelog", "ordered", "one plan's", "overlapping"],
)
def test_co_change_is_silent_where_it_means_little(plans: tuple[Plan, ...]) -> None:
    assert not found(FILES, *plans, history=ONLY_PAIRS)


def test_a_file_that_merges_fought_over_is_a_warning_for_two_plans_and_a_note_for_one() -> None:
    hot = History(100, {}, {}, PAST.contested)
    (one,) = found(FILES, plan("A", "a.txt"), plan("B", "b.txt"), history=hot)
    assert (one.rule, one.level, one.paths) == ("hot-spot", Level.NOTE, ("a.txt",))
    (two,) = found(FILES, plan("A", "a.txt"), plan("B", "*.txt"), history=hot)
    assert (two.level, two.plans) == (Level.WARNING, ("A", "B"))
    assert not found(FILES, plan("A", "c.txt"), plan("B", "b.txt"), history=hot)


def test_what_a_plan_claims_beyond_the_version_that_counts_is_named() -> None:
    around = Surroundings(widened={PlanId("A"): ("b.txt",)})
    (finding,) = [
        each for each in check(PlanSet((plan("A", "a.txt", "b.txt"),)), around).findings if each.rule in RULES
    ]
    assert (finding.rule, finding.level) == ("claims-widened", Level.WARNING)
    assert [(place.path, place.line) for place in finding.locations] == [("plans/A.md", 4)]
