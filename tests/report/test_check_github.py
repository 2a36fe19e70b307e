"""The findings as annotations of a pull request."""

from __future__ import annotations

import re
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from gitbot.model.plan import PlanSet
from gitbot.model.preflight import Check, Finding, Level, Location
from gitbot.preflight import Surroundings, check
from gitbot.report.check_github import check_github


def test_each_finding_is_one_command_at_its_place_and_the_verdict_comes_last(full_answer: Check) -> None:
    collision, *others = [each for each in full_answer.findings if each.rule in ("overlap", "no-gate")]
    findings = (replace(collision, hint="50% each: `a, b`"), *(replace(other, hint=None) for other in others))
    assert check_github(replace(full_answer, findings=findings)).splitlines() == [
        "::error file=plans/catalog.md,line=4,col=1,title=gitbot%3A overlap::catalog and theme: both write it: "
        "src/layout.ts%0Aalso: plans/theme.md:3%0Ahint: 50%25 each: `a, b`",
        "::notice title=gitbot%3A no-gate::no gate is configured: nothing would test these branches before they land",
        "::notice title=gitbot check::1 error to look at; 6 plans in 2 phases: no file conflict found inside a "
        "phase; 1 of 6 unknown (loose): no path found",
    ]


@given(st.text(), st.text(), st.text())
def test_no_text_ends_its_command_or_starts_another(message: str, path: str, hint: str) -> None:
    evil = "\r\n::error::\u2028%0A"
    finding = Finding("overlap", Level.ERROR, message + evil, (), (), (Location(path + evil),), hint + evil)
    answer = replace(check(PlanSet(), Surroundings()), findings=(finding,))
    first, *_ = check_github(answer).splitlines()
    assert len(check_github(answer).splitlines()) == 2
    properties = re.fullmatch(r"::error file=([^,:\r\n]*),line=1,col=1,title=([^,:]*)::.*", first)
    assert properties is not None
    assert re.search(r"%(?!25|0A|3A|2C)", first) is None
