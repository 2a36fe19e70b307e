"""The page of `check` as text: what it links to, and what strangers cannot put into it."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser

from gitbot.model.plan import Access, Claim, Plan, PlanId, PlanSet, Source
from gitbot.model.preflight import Check
from gitbot.preflight import Surroundings, check
from gitbot.report.check_html import check_html


class Page(HTMLParser):
    """The elements of a page with their attributes, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep it."""
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Keep it."""
        self.words += data

    def having(self, name: str) -> list[str]:
        return [attributes[name] or "" for _, attributes in self.elements if name in attributes]


def test_every_link_leads_to_a_place_on_the_page_and_no_name_is_given_twice(full_answer: Check) -> None:
    page = Page(check_html(full_answer))
    names = Counter(page.having("id"))
    assert max(names.values()) == 1
    goals = [goal for goal in page.having("href") if goal != "data:,"]
    assert all(goal.startswith("#") and goal[1:] in names for goal in goals)
    assert len(goals) > 30


def test_a_place_links_to_the_claim_on_its_line(full_answer: Check) -> None:
    html = check_html(full_answer)
    [anchor] = set(re.findall(r'<a href="#(plan-2-\d+)"><code>plans/catalog\.md:4</code>', html))
    assert re.search(rf'<tr id="{anchor}"><td>line 4</td><td>\s*<div><code>src/layout\.ts</code>', html)


def test_nothing_on_the_page_comes_from_elsewhere_or_runs(hostile_answer: Check, full_answer: Check) -> None:
    for answer in (full_answer, hostile_answer):
        page = Page(check_html(answer))
        assert {tag for tag, _ in page.elements} & {"script", "iframe", "object", "img", "base", "form"} == set()
        assert [name for _, given in page.elements for name in given if name.startswith("on") or name == "src"] == []
        assert [goal for goal in page.having("href") if not goal.startswith("#") and goal != "data:,"] == []
        assert "default-src 'none'" in " ".join(page.having("content"))


def test_text_of_a_plan_is_shown_as_it_stands_and_turns_no_direction(hostile_answer: Check) -> None:
    html = check_html(hostile_answer)
    assert "<script>alert(1)</script>" in Page(html).words
    assert "{{ 7*7 }}" in html
    assert re.search("[\x00-\x08\x0b-\x1f\u202e\ud800]", html) is None
    html.encode("utf-8")


def test_without_an_estimate_the_chart_shows_phases(full_answer: Check) -> None:
    html = check_html(replace(full_answer, estimate=None, questions=()))
    assert 'aria-label="theme: phase 2"' in html
    assert "--from:50.0;--for:50.0" in html
    assert 'id="estimate"' not in html


def test_a_thousand_plans_make_a_page_that_says_what_it_leaves_out() -> None:
    plans = tuple(
        Plan(
            id=PlanId(f"p{at:03}"),
            path=f"{at}.md",
            format="canonical",
            claims=(Claim(f"src/{at // 2}.ts", Access.OWN, Source.DECLARED, 1),),
        )
        for at in range(1_000)
    )
    words = " ".join(Page(check_html(check(PlanSet(plans), Surroundings()))).words.split())
    assert "40 of 1000 plans: those that meet the most others" in words
    assert "and 700 more plans, all of them in the JSON document" in words
