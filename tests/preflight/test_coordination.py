"""The rules of how plans that depend on each other say so."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gitbot.model.plan import Plan, Write
from gitbot.model.preflight import Finding, Level
from tests.preflight.plan_sets import event, of_rule, own, plan, reads, tasks, waits


def only(found: list[Finding]) -> Finding:
    (finding,) = found
    return finding


# layer-order


DATA = plan("C", "src/data/**", title="Building data layer")
LOGIC = plan("B", "src/rules/**", title="Building business logic (needs data layer)")
API = plan("A", "src/http/**", title="Building API (needs business logic)")


def test_layers_that_start_at_once_are_one_finding_naming_every_pair() -> None:
    finding = only(of_rule("layer-order", API, LOGIC, DATA))
    assert finding.level is Level.WARNING
    assert set(finding.plans) == {"A", "B", "C"}
    assert "A (api) on B (logic): “needs business logic”" in finding.message
    assert "B (logic) on C (data): “needs data layer”" in finding.message


def test_layers_in_order_are_fine() -> None:
    ordered = (replace(API, needs=(waits("B"),)), replace(LOGIC, needs=(waits("C"),)), DATA)
    assert not of_rule("layer-order", *ordered)
    announced = replace(DATA, emits=(("data_ready", 2),))
    assert not of_rule("layer-order", replace(LOGIC, needs=(event("data_ready"),)), announced)


def test_what_a_task_uses_counts_like_the_title() -> None:
    logic = plan("B", title="Pricing service", tasks=tasks("Discounts using the data layer"))
    assert of_rule("layer-order", DATA, logic)


def test_a_migration_and_the_code_for_the_same_thing_need_an_order() -> None:
    migration = plan("A", "db/migrations/0007_add_invoices.sql", title="Invoice migration")
    service = plan("B", "src/services/invoice.ts", title="Invoice service")
    finding = only(of_rule("layer-order", migration, service))
    assert "B (logic) on A (data): both are about invoice" in finding.message
    assert not of_rule("layer-order", migration, plan("B", "src/services/mail.ts", title="Mail service"))


@pytest.mark.parametrize(
    "plans",
    [
        (
            plan("A", "api/**", title="Course schema, mutations and services"),
            plan("B", "web/**", title="Course pages"),
        ),
        (plan("A", "src/auth/**", title="Auth API and page"), plan("B", "src/pay/**", title="Payment schema")),
        (plan("A", "src/api/**", title="User endpoints"), plan("B", "src/api2/**", title="User endpoints, second")),
    ],
    ids=["back end beside front end of one feature", "slices through all layers", "one layer"],
)
def test_layers_without_evidence_of_dependence_are_left_alone(plans: tuple[Plan, ...]) -> None:
    assert not of_rule("layer-order", *plans)


def test_a_whole_migration_beside_code_is_noted_without_a_common_word() -> None:
    migration = plan("A", "migrations/**", title="Database migration")
    code = plan("B", "src/**", title="Backend code")
    finding = only(of_rule("layer-order", migration, code))
    assert (finding.level, finding.plans) == (Level.NOTE, ("B", "A"))
    assert "`depends_on: [A]` in B" in (finding.hint or "")
    assert not of_rule("layer-order", migration, replace(code, needs=(waits("A"),)))
    for other in ("Frontend pages", "Documentation", "Command line"):
        assert not of_rule("layer-order", migration, replace(code, title=other))


# coupling-without-event


def test_reading_what_another_changes_at_the_same_time_asks_for_an_event() -> None:
    maker, user = plan("A", own("src/types.ts", Write.MODIFY)), plan("B", "src/b/**", reads("src/types.ts"))
    finding = only(of_rule("coupling-without-event", maker, user))
    assert (finding.plans, finding.level) == (("A", "B"), Level.WARNING)
    assert finding.hint == "`emits: [a_ready]` in A and `waits_for: [a_ready]` in B, or `depends_on: [A]`"
    told = replace(maker, emits=(("types_ready", 2),))
    assert not of_rule("coupling-without-event", told, replace(user, needs=(event("types_ready"),)))
    assert not of_rule("coupling-without-event", maker, replace(user, needs=(waits("A"),)))


def test_creating_what_another_reads_orders_the_two_by_itself() -> None:
    maker, user = plan("A", own("src/types.ts", Write.CREATE)), plan("B", "src/b/**", reads("src/types.ts"))
    assert not of_rule("coupling-without-event", maker, user)


def test_a_task_that_says_whose_work_it_uses_is_a_coupling() -> None:
    finding = only(
        of_rule(
            "coupling-without-event",
            plan("A", "a"),
            plan("B", "b", tasks=tasks("Call the API, using types of Agent A")),
        )
    )
    assert finding.locations[0].line == 10
    assert "using types of Agent A" in finding.message


def test_an_event_named_in_a_task_and_not_waited_for_is_a_coupling() -> None:
    maker = plan("A", "a", emits=(("schema_ready", 2),))
    user = plan("B", "b", tasks=tasks("After schema_ready import the generated types"))
    assert of_rule("coupling-without-event", maker, user)
    assert not of_rule("coupling-without-event", maker, replace(user, needs=(event("schema_ready"),)))


def test_a_plan_may_speak_of_itself_and_of_agents_that_there_are_not() -> None:
    alone = plan("B", "b", tasks=tasks("Uses the cache of plan B", "Use the user agent string", "needs agent review"))
    assert not of_rule("coupling-without-event", plan("A", "a"), alone)


# events


@pytest.mark.parametrize(
    ("name", "better"),
    [
        ("schemaReady", "`schema_ready`"),
        ("Schema-Ready", "`schema_ready`"),
        ("done", "`a_done`"),
        ("schema", "`schema_ready`"),
        ("task_Failed", "`task_failed`"),
    ],
)
def test_an_event_of_another_form_gets_its_spelling(name: str, better: str) -> None:
    finding = only(of_rule("event-name", plan("A", "a", emits=((name, 2),)), plan("B", "b", needs=(event(name),))))
    assert finding.level is Level.NOTE
    assert better in (finding.hint or "")
    assert finding.locations[0].line == 2


@pytest.mark.parametrize(
    "name",
    ["schema_ready", "all_tests_pass", "design_option_a", "oauth2_ready", "A user model with hashed passwords"],
)
def test_events_of_the_form_and_sentences_are_left_alone(name: str) -> None:
    assert not of_rule("event-name", plan("A", "a", emits=((name, 2),)), plan("B", "b"))


def test_an_event_that_nobody_waits_for_is_a_note() -> None:
    maker = plan("A", "a", emits=(("schema_ready", 2), ("docs_ready", 3)))
    finding = only(of_rule("event-unmatched", maker, plan("B", "b", needs=(event("Schema_Ready"),))))
    assert finding.message == "nobody waits for docs_ready of A"
    assert finding.level is Level.NOTE


def test_failures_and_events_of_a_plan_that_is_waited_for_wholly_need_no_waiting_plan() -> None:
    assert not of_rule("event-unmatched", plan("A", "a", emits=(("task_failed", 2),)), plan("B", "b"))
    maker = plan("A", "a", emits=(("schema_ready", 2),))
    assert not of_rule("event-unmatched", maker, plan("B", "b", needs=(waits("A"),)))


def test_a_wait_for_an_event_of_nobody_is_an_unknown_dependency_only() -> None:
    plans = (plan("A", "a"), plan("B", "b", needs=(event("schema_ready"),)))
    assert of_rule("unknown-dependency", *plans)
    assert not of_rule("event-unmatched", *plans)


# no-failure-handling


def test_plans_that_build_on_each_other_say_what_happens_on_failure() -> None:
    first = plan("A", "a", title="First of two")
    second = plan("B", "b", title="Second of two", needs=(waits("A"),))
    finding = only(of_rule("no-failure-handling", first, second))
    assert (finding.plans, finding.level) == (("A", "B"), Level.NOTE)
    assert not of_rule("no-failure-handling", first, replace(second, topics=("failure",)))
    assert not of_rule("no-failure-handling", replace(first, emits=(("task_failed", 2),)), second)
    assert not of_rule("no-failure-handling", first, replace(second, needs=()))
