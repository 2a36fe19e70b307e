"""What a second reader had found wrong with overlaps and phases, each as the plans that showed it."""

from __future__ import annotations

from itertools import combinations

import pytest

from gitbot.model.plan import Need, NeedKind, Plan, Write
from gitbot.model.preflight import Check, Level, Severity
from gitbot.patterns import Budget, compile_patterns, witness
from gitbot.plans import Source, read_plans
from gitbot.preflight import Surroundings, check
from tests.preflight.plan_sets import checked, event, own, plan, reads, shares, waits


def errors(answer: Check) -> list[tuple[str, tuple[str, ...]]]:
    """The loudest findings, by rule and plans."""
    return [(each.rule, each.plans) for each in answer.findings if each.level is Level.ERROR]


SPENT = plan("H1", "h/*a" + "?" * 20), plan("H2", "h/*b" + "?" * 20)
"""Plans of which one search takes all that there is to spend."""


def test_what_other_plans_cost_hides_no_error_between_two() -> None:
    """The read comes first in the order of the claims, the common write after it."""
    two = plan("Z1", "src/x.ts", reads("src/q.ts")), plan("Z2", "src/q.ts", "src/x.ts")
    answer = checked(*SPENT, *two)
    assert errors(answer) == [("overlap", ("H1", "H2")), ("overlap", ("Z1", "Z2"))]
    assert not any({"Z1", "Z2"} <= set(phase) for phase in answer.phases)
    assert {each.severity for each in answer.overlaps if each.plans == ("Z1", "Z2")} == {
        Severity.BLOCKS,
        Severity.NOTES,
    }


def test_plans_of_many_claims_show_the_worst_that_they_have_in_common_when_all_is_spent() -> None:
    folders = (f"src/{number:03}/**" for number in range(20))
    looks = (reads(f"src/*{number:03}*/?*") for number in range(20))
    answer = checked(*SPENT, plan("Y1", *looks, "src/z.ts"), plan("Y2", *folders, "src/z.ts"))
    assert ("overlap", ("Y1", "Y2")) in errors(answer)
    assert len(answer.overlaps) == 3


def test_modules_by_name_in_any_folder_never_meet() -> None:
    def module(name: str) -> Plan:
        own = (f"src/**/{name}_*.py", f"tests/**/test_{name}_*.py", f"docs/**/{name}/*.md", f"**/{name}.feature")
        return plan(name, *own, f"src/*/{name}/**/*.sql")

    answer = checked(*(module(f"{letter}{end}") for letter in "abcdef" for end in ("uth", "cart", "view", "log")))
    assert not answer.overlaps
    assert len(answer.phases) == 1


@pytest.mark.parametrize(
    ("left", "right", "path"),
    [
        ("**/a_*.py", "**/ba_*.py", None),
        ("**/a*.py", "**/ab*.py", "ab.py"),
        ("**/x/*.md", "docs/**/y/*.md", None),
        ("src/*/x/**", "src/*/y/**/*.sql", None),
        ("src/*/x/**", "src/**/y/**/*.sql", "src/a/x/y/x.sql"),
        ("src/a", "src/**/b.ts", "src/a/b.ts"),
        ("src/a.js/*.md", "src/a.js", "src/a.js/x.md"),
        ("**/b.ts", "src/**/x", "src/x/b.ts"),
    ],
)
def test_segments_that_cannot_be_one_name_are_told_apart_however_little_is_left(
    left: str, right: str, path: str | None
) -> None:
    found = witness(compile_patterns([left]), compile_patterns([right]), budget=Budget(0))
    assert (found is None) == (path is None)
    if found is not None:
        assert found.exact
        assert compile_patterns([left]).matches(found.path)
        assert compile_patterns([right]).matches(found.path)
        assert compile_patterns([left]).matches(path or "")


def _maker(id: str, makes: str, changes: str, *needs: Need) -> Plan:
    return plan(id, own(makes, Write.CREATE), own(changes, Write.MODIFY), needs=needs, emits=((f"{id}_ready", 1),))


def test_a_ring_of_creators_never_puts_two_writers_of_a_file_together() -> None:
    answer = checked(_maker("A", "x.ts", "z.ts"), _maker("B", "z.ts", "y.ts"), _maker("C", "y.ts", "x.ts"))
    assert len(answer.phases) == 3
    assert errors(answer) == [("overlap", ("B", "C"))]
    assert sum(edge.kind == "file" for edge in answer.edges) == 2


def test_who_creates_what_another_changes_first_is_an_overlap() -> None:
    """A has to wait for an event of B, which changes what A has yet to create."""
    answer = checked(_maker("A", "new.ts", "a.ts", event("B_ready")), _maker("B", "b.ts", "new.ts"))
    assert answer.phases == (("B",), ("A",))
    assert errors(answer) == [("overlap", ("A", "B"))]


def test_a_loop_of_waits_orders_nobody_beside_it() -> None:
    """Z and K wait for each other, one for an event: what is untied there no longer keeps X before Y."""
    x, y = plan("X", "f.ts"), plan("Y", "f.ts", needs=(waits("K"),))
    z = plan("Z", "z", needs=(waits("X"), event("k_ready")))
    answer = checked(x, y, z, plan("K", "k", needs=(waits("Z"),), emits=(("k_ready", 1),)))
    assert not any({"X", "Y"} <= set(phase) for phase in answer.phases)
    assert errors(answer) == [("dependency-cycle", ("K", "Z")), ("overlap", ("X", "Y"))]


_APART = Need("A", NeedKind.APART, 3, "conflicts_with: A")


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (plan("A", "x.ts"), plan("B", "x.ts")),
        (plan("A", "x.ts", parallel=False), plan("B", "y.ts")),
        (plan("A", "x.ts"), plan("B", "y.ts", needs=(_APART,))),
    ],
)
def test_plans_that_wait_for_each_others_events_and_cannot_stand_together_are_a_circle(
    left: Plan, right: Plan
) -> None:
    def waiting(one: Plan, other: str) -> Plan:
        return plan(
            one.id,
            *one.claims,
            emits=((f"{one.id}_ready", 1),),
            needs=(*one.needs, event(f"{other}_ready")),
            parallel=one.parallel,
        )

    answer = checked(waiting(left, "B"), waiting(right, "A"))
    assert ("dependency-cycle", ("A", "B")) in errors(answer)
    assert len(answer.phases) == 2


def test_plans_that_wait_for_each_others_events_stay_together_behind_what_one_depends_on() -> None:
    a = plan("A", "a", emits=(("a_ready", 1),), needs=(event("b_ready"), waits("C")))
    b = plan("B", "b", emits=(("b_ready", 1),), needs=(event("a_ready"),))
    d = plan("D", "b", needs=(waits("C"),))
    answer = checked(a, b, plan("C", "c"), d)
    assert {"A", "B"} in [set(phase) for phase in answer.phases]
    assert answer.phases[0] == ("C",)
    assert errors(answer) == [("overlap", ("B", "D"))]


def test_what_hundreds_of_plans_write_is_told_of_within_bounds_and_beside_the_rest() -> None:
    names = [f"A{number:03}" for number in range(120)]
    crowd = "".join(f"# Agent {name}\n- [ ] Extend `src/x.ts`\n" for name in names)
    pair = "".join(f"# Agent {name}\n- [ ] Extend `src/y.ts`\n" for name in ("Y1", "Y2"))
    answer = check(read_plans([Source("plans/m.md", f"{crowd}{pair}".encode())]), Surroundings())
    assert len(answer.phases) == 120
    assert all(len([id for id in phase if id.startswith("A")]) == 1 for phase in answer.phases)
    assert len(answer.overlaps) < 5_000
    assert ("overlap", ("Y1", "Y2")) in errors(answer)
    whole = [each for each in answer.findings if each.rule == "overlap" and len(each.plans) > 2]
    assert [(each.paths, each.level) for each in whole] == [(("src/x.ts",), Level.ERROR)]
    told = {each.plans for each in answer.overlaps}
    assert all(pair in told or set(pair) <= set(whole[0].plans) for pair in combinations(names, 2))
    assert not any(words == "waits for nobody" for id, words in answer.why.items() if id not in answer.phases[0])


@pytest.mark.parametrize(
    ("left", "right", "path"),
    [
        ("src/a*b.ts", "src/*c*.ts", "src/acb.ts"),
        ("**/test/**", "src/**", "src/test/x"),
        ("**/*.md", "notes", "notes/x.md"),
        ("*.ts", "**/*.ts", "x.ts"),
    ],
)
def test_where_no_pattern_lies_in_the_other_a_path_of_both_is_named(left: str, right: str, path: str) -> None:
    answer = checked(plan("A", left), plan("B", right))
    assert answer.overlaps[0].paths == (path,)
    assert f"for example {path}" in answer.findings[0].message


def test_a_manifest_in_any_folder_brings_the_lock_files_there() -> None:
    answer = checked(plan("A", "apps/*/package.json"), plan("B", "apps/api/package-lock.json"))
    assert [(each.severity, each.paths) for each in answer.overlaps] == [
        (Severity.BLOCKS, ("apps/api/package-lock.json",))
    ]
    assert not checked(plan("A", "apps/*/package.json"), plan("B", shares("libs/package-lock.json"))).overlaps
