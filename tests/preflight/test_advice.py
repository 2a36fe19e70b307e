"""What the hints say about files that several plans need."""

from __future__ import annotations

import pytest

from gitbot.model.plan import Plan
from tests.preflight.plan_sets import of_rule, plan, shares, waits


def hint(rule: str, *plans: Plan) -> str:
    return of_rule(rule, *plans)[0].hint or ""


def test_a_file_of_a_general_name_can_be_one_per_folder() -> None:
    told = hint(
        "overlap",
        plan("A", "src/utils.ts", "src/auth/login.ts", "src/auth/forms/**", "tests/auth.test.ts"),
        plan("B", "src/utils.ts", "src/payment/**"),
    )
    assert told.startswith("`src/auth/utils.ts` for A and `src/payment/utils.ts` for B instead of `src/utils.ts`")


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (("src/parser.ts", "src/auth/**"), ("src/parser.ts", "src/payment/**")),
        (("src/utils.ts",), ("src/utils.ts", "src/payment/**")),
        (("src/utils.ts", "src/auth/**"), ("src/utils.ts", "src/auth/forms/**")),
        (("src/utils.ts", "src/auth/**", "src/main.ts"), ("src/utils.ts", "src/payment/**")),
        (("src/utils", "src/auth/**"), ("src/utils/", "src/payment/**")),
    ],
    ids=["no general name", "no folder of its own", "one inside the other", "all over", "a folder"],
)
def test_without_folders_of_their_own_there_is_no_split(left: tuple[str, ...], right: tuple[str, ...]) -> None:
    assert "instead of" not in hint("overlap", plan("A", *left), plan("B", *right))


def test_a_plan_that_runs_before_all_users_should_own_a_manifest() -> None:
    base = plan("base", "src/base/**")
    users = [plan(id, "package.json", needs=(waits("base"),)) for id in "AB"]
    assert hint("overlap", base, *users).startswith("let base, which runs before them, own it; else ")
    assert hint("overlap", *users).startswith("add all dependencies in a first phase")


def test_a_plan_that_runs_after_all_users_should_own_the_wiring() -> None:
    users = [plan(id, shares("src/cli.ts")) for id in "AB"]
    last = plan("last", "src/last/**", needs=(waits("A"), waits("B")))
    assert hint("shared-file", *users, last) == "let last, which runs after them, own it"
    assert hint("shared-file", *users).startswith("additions of both sides can be kept")
