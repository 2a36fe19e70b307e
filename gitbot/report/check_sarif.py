"""The findings of `gitbot check` as SARIF 2.1.0, within the limits that GitHub's code scanning puts on a file.

Source: OASIS "Static Analysis Results Interchange Format (SARIF) Version 2.1.0 Plus Errata 01"; GitHub's "SARIF
support for code scanning".
"""

from __future__ import annotations

import hashlib
from collections import Counter
from urllib.parse import quote

from gitbot import __version__
from gitbot.model.preflight import Check, Finding, Location
from gitbot.preflight import RULES
from gitbot.report.terminal import printable

_MOST_RESULTS = 5_000  # GitHub shows no more of one run; the quietest are left out
_MOST_RELATED = 99  # beside the first place: 100 are shown
_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def check_sarif(check: Check) -> dict[str, object]:
    """One run with a result per finding. Paths are relative to the top of the repository."""
    left_out = len(check.findings[_MOST_RESULTS:])
    text = f"{left_out} findings were left out, the quietest; the JSON document has them all"
    rules = list(dict.fromkeys(finding.rule for finding in check.findings[:_MOST_RESULTS]))
    homes = {plan.id: Location(plan.path, plan.line) for plan in check.plans.plans}
    seen: Counter[str] = Counter()
    results = []
    for finding in check.findings[:_MOST_RESULTS]:
        # The same finding has the same print when lines move, so that nobody has to dismiss it twice.
        parts = "\0".join((finding.rule, *sorted(finding.plans), "", *finding.paths))
        digest = hashlib.sha256(parts.encode("utf-8", "replace")).hexdigest()[:32]
        seen[digest] += 1
        places = finding.locations or tuple(homes[plan] for plan in finding.plans if plan in homes)
        result = _result(finding, [_place(place) for place in places[: _MOST_RELATED + 1]])
        result["ruleIndex"] = rules.index(finding.rule)
        result["partialFingerprints"] = {"primaryLocationLineHash": f"{digest}:{seen[digest]}"}
        results.append(result)
    run = {
        "tool": {"driver": {"name": "gitbot", "version": __version__, "rules": [_rule(rule) for rule in rules]}},
        "invocations": [
            {
                "executionSuccessful": True,
                "toolExecutionNotifications": [{"level": "warning", "message": {"text": text}}] if left_out else [],
            }
        ],
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(name: str) -> dict[str, object]:
    if name not in RULES:
        return {"id": name}
    words = " ".join(RULES[name].explanation.split()) or RULES[name].summary
    return {
        "id": name,
        "shortDescription": {"text": RULES[name].summary},
        "fullDescription": {"text": f"{RULES[name].summary}."},
        "help": {"text": words, "markdown": words},
        "defaultConfiguration": {"level": RULES[name].level},
        "properties": {"tags": ["plans"]},
    }


def _result(finding: Finding, places: list[dict[str, object]]) -> dict[str, object]:
    said = f"{finding.message}\nhint: {finding.hint}" if finding.hint else finding.message
    return {
        "ruleId": finding.rule,
        "level": finding.level,
        # A viewer would make a link of `[words](goal)`, and the words are a stranger's.
        "message": {"text": printable(said, newlines=True).replace("](", "] (")},
        "locations": places[:1],
        "relatedLocations": [
            {"id": number, **place, "message": {"text": "also here"}} for number, place in enumerate(places[1:], 1)
        ],
    }


def _place(place: Location) -> dict[str, object]:
    path = quote(place.path, safe="/", errors="replace")
    artifact = {"uri": f"file://{path}"} if path.startswith("/") else {"uri": path, "uriBaseId": "%SRCROOT%"}
    region = {"startLine": max(1, place.line), "startColumn": max(1, place.column)}
    return {"physicalLocation": {"artifactLocation": artifact, "region": region}}
