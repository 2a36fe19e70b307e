"""What all pages have in common: templates that escape whatever they are given, and what a served page has more."""

from __future__ import annotations

from dataclasses import dataclass

import jinja2

from gitbot.report.terminal import printable


@dataclass(frozen=True, slots=True)
class Live:
    """What a served page has beside what a saved one has: the way to the others, and which change it shows."""

    name: str  # of the repository
    here: str  # which of the pages it belongs to
    number: str = ""  # none: it does not change by itself


def pages() -> jinja2.Environment:
    """The templates, with everything escaped that they are given and nothing in it that hides or turns text."""
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("gitbot.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: printable(value, newlines=True) if isinstance(value, str) else value,
    )
    made.globals["live"] = None  # a page is complete in itself unless it is served
    return made


def trouble_html(message: str, hint: str | None, live: Live) -> str:
    """A page that says why there is no other."""
    return pages().get_template("trouble.html").render(message=message, hint=hint, live=live)
