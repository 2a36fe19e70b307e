"""The findings of `gitbot check` as commands that GitHub Actions turns into annotations of a pull request.

Source: GitHub's "Workflow commands for GitHub Actions", "Setting an error message".
"""

from __future__ import annotations

from gitbot.model.preflight import Check, Finding, Level
from gitbot.report.check_text import headline
from gitbot.report.terminal import printable

_COMMANDS = {Level.ERROR: "error", Level.WARNING: "warning", Level.NOTE: "notice"}
_DATA = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_PROPERTY = _DATA | str.maketrans({":": "%3A", ",": "%2C"})


def check_github(check: Check) -> str:
    """One command per finding, the loudest first, then the verdict."""
    lines = [_annotation(finding) for finding in check.findings]
    verdict = printable(headline(check)).translate(_DATA)
    return "\n".join([*lines, f"::notice title=gitbot check::{verdict}"]) + "\n"


def _annotation(finding: Finding) -> str:
    where = [
        (("file", place.path), ("line", str(place.line)), ("col", str(place.column))) for place in finding.locations
    ]
    named = (*(where[0] if where else ()), ("title", f"gitbot: {finding.rule}"))
    properties = ",".join(f"{name}={printable(value).translate(_PROPERTY)}" for name, value in named)
    also = ", ".join(f"{place.path}:{place.line}" for place in finding.locations[1:])
    words = [
        finding.message,
        *([f"also: {also}"] if also else ()),
        *([f"hint: {finding.hint}"] if finding.hint else ()),
    ]
    return (
        f"::{_COMMANDS[finding.level]} {properties}::{'%0A'.join(printable(each).translate(_DATA) for each in words)}"
    )
