"""One answer of `check` with everything in it, for every way to show it, and a browser to look at pages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Browser

from gitbot.model.plan import Access, Claim, Need, NeedKind, Plan, PlanId, PlanSet, Source, Task, TaskState
from gitbot.model.preflight import Check, Estimate, Question, Span
from gitbot.preflight import Surroundings, check
from tests.report.opened import chromium


def _plan(name: str, title: str, *claims: tuple[str, Access], needs: tuple[Need, ...] = ()) -> Plan:
    return Plan(
        id=PlanId(name),
        path=f"plans/{name}.md",
        format="canonical",
        title=title,
        claims=tuple(Claim(path, access, Source.DECLARED, line) for line, (path, access) in enumerate(claims, 3)),
        tasks=(Task("build it", 9, TaskState.DONE), Task("test it", 10)),
        needs=needs,
        confidence="declared" if claims else "unknown",
    )


@pytest.fixture
def full_answer() -> Check:
    """Two that collide, two that share a file, one that waits, one that reads, one that says nothing."""
    own, shared, read = Access.OWN, Access.SHARED, Access.READ
    wait = Need("schema", NeedKind.HARD, 2, "depends_on: schema")
    plans = (
        _plan("auth", "Log in", ("src/auth/**", own), ("src/registry.ts", shared)),
        _plan("catalog", "All books", ("src/catalog/**", own), ("src/layout.ts", own), ("src/registry.ts", shared)),
        _plan("loose", ""),
        _plan("schema", "Tables", ("migrations/**", own)),
        _plan("search", "Full text", ("src/search/**", own), ("src/catalog/index.ts", read), needs=(wait,)),
        _plan("theme", "Colours", ("src/layout.ts", own)),
    )
    got = check(PlanSet(plans), Surroundings(gate=False))
    assert got.phases == (("auth", "catalog", "loose", "schema"), ("search", "theme"))
    times = {
        "auth": (0, 30),
        "catalog": (0, 90),
        "loose": (0, 30),
        "schema": (0, 60),
        "search": (90, 120),
        "theme": (90, 150),
    }
    estimate = Estimate(
        sequential=(300, 450),
        parallel=(150, 210),
        speed_up=2.0,
        utilisation=0.5,
        agents=4,
        timeline=tuple(Span(PlanId(plan), start, end) for plan, (start, end) in times.items()),
        critical_path=(PlanId("catalog"), PlanId("theme")),
        requests={"sequential": 150, "parallel": 75},
        tokens={"one-session": 450_000, "fresh-sessions": 300_000, "parallel": 150_000},
        cycles={"sequential": 0, "parallel": 0, "saved": 0},
        assumptions={"task-minutes": 30, "iteration-minutes": 2},
        guessed=(PlanId("auth"), PlanId("loose")),
    )
    questions = (
        Question("Is the work truly independent?", "no", ("catalog and theme both write src/layout.ts", "one more")),
        Question("Will conflicts be easy to resolve?", "unknown", ("nothing is known of src/layout.ts",)),
        Question("Is each task substantial (30+ min)?", "yes", ("the shortest plan takes 30 min",)),
        Question("Do you have time to monitor and merge?", "unknown", ("say `attended = true` in gitbot.toml",)),
    )
    rules = ("overlap", "shared-file", "no-ownership", "no-gate")
    findings = tuple(finding for finding in got.findings if finding.rule in rules)
    return replace(got, findings=findings, estimate=estimate, questions=questions)


@pytest.fixture
def hostile_answer() -> Check:
    """Plans whose every word tries to get out of the place it is shown in."""
    evil = '"><script>alert(1)</script>\r\n::error::x%0A,:[l](http://example.org/)\x1b[2J\u202e{{ 7*7 }}\ud800'
    plans = tuple(
        Plan(
            id=PlanId(f"{evil}{number}"),
            path=f"plans/{evil}.md",
            format=evil,
            title=evil,
            agent=evil,
            branch=evil,
            claims=(Claim("src/a.ts", Access.OWN, Source.DECLARED, 3),),
            needs=(Need(evil, NeedKind.HARD, 2, evil),),
        )
        for number in range(2)
    )
    question = Question(evil, "unknown", (evil,))
    return replace(check(PlanSet(plans), Surroundings()), questions=(question,))


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One for all pages. A machine without one fails them: nothing else would notice a broken page."""
    with chromium() as started:
        yield started
