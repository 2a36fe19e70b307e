"""Briefs as text, as the one message that starts the agents of a phase, as a script, and as JSON.

What stands where is the templates' business (`templates/brief/`, or the user's own); here is what they may use:
nothing but the values, and the filters that keep a plan's words in their place.
"""

from __future__ import annotations

import json
import shlex
import traceback
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from functools import lru_cache
from importlib.resources import files

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

from gitbot.errors import ConfigurationError
from gitbot.model.brief import Brief, Briefs, Paper
from gitbot.model.plan import Task, TaskState
from gitbot.report import markdown
from gitbot.report.terminal import printable

SCHEMA = "gitbot.brief/1"
FORMS = {"text": "text.md", "claude-code": "claude-code.md", "openclaw": "openclaw.md", "shell": "shell.sh"}
TEMPLATES = ("brief.md", "context.md", "phase.md", *FORMS.values())
_MOST_LINES = 200  # of one block that a plan fills
_MOST_LISTED = 60  # of one list
_WHOLE = 1 << 30  # for what is bounded already

Templates = Mapping[str, str]
"""The user's own by path; each stands for ours of the same name."""


def text(brief: Brief, templates: Templates | None = None) -> str:
    """One brief that stands by itself, with all the papers that go with it."""
    return _rendered("brief.md", Briefs(((brief,),)), templates or {}, brief)


def message(briefs: Briefs, form: str = "text", templates: Templates | None = None) -> str:
    """All briefs in one of FORMS: for each phase what starts its agents together.

    Raises:
        ConfigurationError: a template of the user's cannot be read or filled in; says where.
    """
    return _rendered(FORMS[form], briefs, templates or {})


def document(briefs: Briefs, form: str = "text", templates: Templates | None = None) -> dict[str, object]:
    """The JSON document: papers that all share once, a message per phase, and each brief with its text."""
    each = [(replace(briefs, phases=(phase,)), [brief.plan.id for brief in phase]) for phase in briefs.phases]
    return {
        "schema": SCHEMA,
        "context": briefs.context,
        "phases": [{"plans": plans, "message": message(phase, form, templates)} for phase, plans in each],
        "briefs": [_plain(brief, briefs, templates or {}) for phase in briefs.phases for brief in phase],
    }


def _plain(brief: Brief, briefs: Briefs, templates: Templates) -> dict[str, object]:
    found = {each.name: getattr(brief, each.name) for each in fields(brief)} | {"plan": brief.plan.id}
    found |= {name: getattr(brief.plan, name) for name in ("title", "agent", "path", "line", "tests")}
    found["context"] = _without(brief.context, briefs.context)
    return {**found, "text": _rendered("brief.md", briefs, templates, brief)}


def _rendered(name: str, briefs: Briefs, templates: Templates, brief: Brief | None = None) -> str:
    try:
        filled = _environment(tuple(templates.items())).get_template(name).render(briefs=briefs, brief=brief)
    except Exception as wrong:  # whatever an expression of the user's can end in
        frames = traceback.extract_tb(wrong.__traceback__)
        places = [f"{frame.filename}:{frame.lineno}" for frame in frames if frame.filename in templates]
        if isinstance(wrong, jinja2.TemplateSyntaxError) and wrong.filename in templates:
            places.append(f"{wrong.filename}:{wrong.lineno}")
        if not places:
            raise
        raise ConfigurationError(f"{places[-1]}: {wrong}", hint="docs/briefs.md says what templates find") from None
    return printable(filled, newlines=True)


@lru_cache(maxsize=2)
def _environment(templates: tuple[tuple[str, str], ...]) -> jinja2.Environment:
    own = {path.rpartition("/")[2]: (source, path, None) for path, source in templates}

    def load(name: str) -> tuple[str, str, None] | None:
        ours = files("gitbot.report").joinpath("templates", "brief", name)
        found = (ours.read_text(encoding="utf-8"), name, None) if "/" not in name and ours.is_file() else None
        return own.get(name, found)

    environment = ImmutableSandboxedEnvironment(
        loader=jinja2.FunctionLoader(load), undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals.clear()
    environment.filters |= {
        "code": lambda words: markdown.code(str(words)[: markdown.WIDEST]),
        "fenced": lambda words: markdown.fenced(words, _MOST_LINES),
        "whole": lambda words, info="text": markdown.fenced(words, _WHOLE, _WHOLE, info),
        "quote": lambda words: shlex.quote(printable(words, newlines=True)),
        "shell": lambda words: shlex.join(map(printable, words)),
        "json": lambda words: json.dumps(printable(words)),
        "agents": _agents,
        "branches": lambda phase: [some[0].branch for some in _agents(phase)],
        "listed": _listed,
        "checklist": _checklist,
        "without": _without,
    }
    return environment


def _agents(phase: Iterable[Brief]) -> list[list[Brief]]:
    """The briefs of a phase by who gets them: plans of one branch have one agent."""
    found: dict[str, list[Brief]] = {}
    for brief in phase:
        found.setdefault(brief.branch.casefold(), []).append(brief)
    return [*found.values()]


def _listed(names: Sequence[str], more: int = 0) -> str:
    shown = [markdown.code(name[: markdown.WIDEST]) for name in names[:_MOST_LISTED]]
    more += len(names) - len(shown)
    return ", ".join(shown) + f" and {more} more" * bool(more)


def _checklist(tasks: Iterable[Task]) -> str:
    boxes = {TaskState.DONE: "[x]", TaskState.DOING: "[~]", TaskState.SKIPPED: "[-]"}
    return "\n".join(" ".join(f"{boxes.get(one.state, '[ ]')} {one.id or ''} {one.text}".split()) for one in tasks)


def _without(papers: Iterable[Paper], others: Sequence[Paper]) -> tuple[Paper, ...]:
    return tuple(paper for paper in papers if paper not in others)
