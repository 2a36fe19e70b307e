"""Plans that are no Markdown: Task Master's tasks.json, a prd.json with user stories, the issues.jsonl of Beads.

Recognised by their shape; JSON of any other shape is nobody's plan and no mistake. Paths stand in prose fields only,
so that every claim is inferred, on the line of its entry.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from gitbot.model.plan import Claim, Need, NeedKind, Plan, PlanId, Problem, Source, Task, TaskState
from gitbot.plans.document import Section, read_document
from gitbot.plans.extract import read_section
from gitbot.plans.names import slug
from gitbot.plans.paths import Tree
from gitbot.plans.words import kinds, words

_MOST = 2_000  # plans of one file, and entries of one list
_MOST_LINKS = 2_000  # of one file's entries to others
_MOST_READ = 120_000  # characters that are searched for files, each entry counting as 400 more
_LONGEST = 10_000  # of one field of an entry
_MOST_LOST = 50  # titles written in a way that is not found again: each costs a look through the file
_PROSE = ("description", "details", "design", "notes", "acceptanceCriteria")
_Entry = dict[str, Any]


def recognises(path: str, text: str) -> bool:
    """Whether the text is JSON, or lines of it."""
    return path.lower().endswith((".json", ".jsonl")) or (text.startswith("{") and text.rstrip().endswith("}"))


def read(path: str, text: str, tree: Tree) -> tuple[tuple[Plan, ...], tuple[Problem, ...]]:
    """The plans of the file, and what is wrong with its text."""
    file = _File(path, text, tree)
    if path.lower().endswith(".jsonl"):
        lines = (
            (file.parsed(line, number), number) for number, line in enumerate(text.split("\n"), 1) if line.strip()
        )
        needed = ("id", "title", "status")
        plans = _beads(file, [(entry, number) for value, number in lines for entry in _entries([value], *needed)])
    else:
        data = file.parsed(text, 1)
        stories = _entries(data.get("userStories") if isinstance(data, dict) else data, "passes")
        plans = _stories(file, data if isinstance(data, dict) else {}, stories) if stories else _tasks(file, data)
    return tuple(islice(plans, _MOST)), tuple(file.problems)


@dataclass(slots=True)
class _File:
    path: str
    text: str
    tree: Tree
    problems: list[Problem] = field(default_factory=list)
    at: int = 0  # where the last entry was found, and its line
    line: int = 1
    unread: int = _MOST_READ
    links: int = _MOST_LINKS
    lost: int = 0

    def parsed(self, text: str, line: int) -> object:
        """The value of a text that starts on this line, None for broken JSON, which is a problem."""
        try:
            return json.loads(text)
        except json.JSONDecodeError as error:
            why, place = error.msg, (line + error.lineno - 1, error.colno)
        except (RecursionError, ValueError):
            why, place = "nested too deeply, or a number without end", (line, 1)
        message = f"{self.path} cannot be read as a plan: it is no JSON ({why})"
        self.problems.append(Problem("unreadable-plan", "error", message, self.path, *place))
        return None

    def line_of(self, entry: _Entry) -> int:
        """The line of an entry's title; entries are asked for in the order of the file."""
        title, found = json.dumps(entry.get("title"), ensure_ascii=False), -1
        if self.lost < _MOST_LOST:
            found = self.text.find(title, self.at)
            self.lost += found < 0
        if found >= 0:
            self.line, self.at = self.line + self.text.count("\n", self.at, found), found
        return self.line

    def claims(self, entry: _Entry, line: int) -> Iterator[Claim]:
        """What the prose of an entry says of files."""
        prose = "\n\n".join(_text(entry.get(name)) for name in _PROSE)
        before, self.unread = self.unread, self.unread - len(prose) - 400
        if self.unread < 0:
            if before >= 0:
                message = f"{self.path} is too long: what follows here is not searched for files"
                self.problems.append(Problem("unreadable-plan", "warning", message, self.path, line))
            return
        document = read_document(self.path, f"# Task\n\n- [ ] {_title(entry)}\n\n{prose}", self.tree)
        found = (replace(made, line=line) for made in read_section(document, Section(document.blocks), "").claims)
        for made in dict.fromkeys(found):
            yield replace(made, source=Source.INFERRED, confidence=min(made.confidence, 0.6))

    def plan(self, entry: _Entry, id: str, format: str, line: int, links: Iterable[tuple[str, str]] = ()) -> Plan:
        """The plan of one entry, which is its own task."""
        rank, status = entry.get("priority"), _text(entry.get("status")).lower()
        needs = [
            Need(other[:100], NeedKind.HARD, line, f"{how} {other[:100]}") for other, how in islice(links, self.links)
        ]
        self.links -= len(needs)
        return Plan(
            id=PlanId(id),
            path=self.path,
            format=format,
            line=line,
            title=_title(entry),
            priority=4 - rank if rank in (0, 1, 2, 3, 4) else int(kinds("priorities").get(str(rank).lower(), "0")),
            claims=tuple(self.claims(entry, line)),
            tasks=(_task(entry, line, _id(entry)),),
            needs=tuple(needs),
            finished=status in words("finished"),
            topics=("acceptance",) if entry.get("testStrategy") or entry.get("acceptance_criteria") else (),
        )


def _entries(value: object, *keys: str) -> list[_Entry]:
    """The mappings of a list that have these keys."""
    listed = value[:_MOST] if isinstance(value, list) else []
    return [entry for entry in listed if isinstance(entry, dict) and all(key in entry for key in keys)]


def _text(value: object) -> str:
    if isinstance(value, list):
        value = "\n".join(f"- {_text(item)[:1_000]}" for item in value[:100] if isinstance(item, str))
    return value[:_LONGEST] if isinstance(value, str) else ""


def _title(entry: _Entry) -> str:
    return " ".join(_text(entry.get("title")).split())[:200]


def _id(entry: _Entry) -> str:
    return str(entry.get("id", ""))[:60]


def _task(entry: _Entry, line: int, id: str) -> Task:
    status = "done" if entry.get("passes") is True else _text(entry.get("status")).lower()
    return Task(_title(entry), line, TaskState(kinds("states").get(status, "open")), id)


def _tasks(file: _File, data: object) -> Iterator[Plan]:
    """One plan per task at the top, in one list or in one per tag; the subtasks are the plan's tasks."""
    tags = {"": data} | data if isinstance(data, dict) else {}
    holders = ((tag, holder.get("tasks")) for tag, holder in tags.items() if isinstance(holder, dict))
    lists = {tag: tasks for tag, value in holders if (tasks := _entries(value, "id", "title"))}
    for tag, tasks in lists.items():
        prefix = f"{slug(tag)}-task-" if len(lists) > 1 else "task-"
        for task in tasks:
            waits = task.get("dependencies")
            numbers = (
                dict.fromkeys(str(each).partition(".")[0] for each in waits[:100]) if isinstance(waits, list) else {}
            )
            links = ((prefix + number, "dependencies:") for number in numbers if number != _id(task))
            plan = file.plan(task, prefix + _id(task), "task-master", file.line_of(task), links)
            parts = [(part, file.line_of(part)) for part in _entries(task.get("subtasks"))]
            claims = [claim for part, line in parts for claim in file.claims(part, line)]
            below = tuple(_task(part, line, f"{_id(task)}.{_id(part)}") for part, line in parts)
            yield replace(plan, claims=(*plan.claims, *claims), tasks=below or plan.tasks)


def _stories(file: _File, about: _Entry, stories: list[_Entry]) -> Iterator[Plan]:
    """All stories are one plan."""
    branch = _text(about.get("branchName")).strip()
    name = branch or slug(_text(about.get("project")) or file.path.rpartition("/")[0] or "prd")
    told = [({"title": story.get("description")} | story, file.line_of(story)) for story in stories]
    yield Plan(
        id=PlanId(name.rpartition("/")[2] or "prd"),
        path=file.path,
        format="ralph",
        title=_title({"title": about.get("description") or about.get("project")}),
        branch=branch or None,
        claims=tuple(claim for story, line in told for claim in file.claims(story, line)),
        tasks=tuple(_task(story, line, _id(story)) for story, line in told),
        topics=("acceptance",),
        finished=all(story["passes"] is True for story in stories),
    )


def _beads(file: _File, issues: list[tuple[_Entry, int]]) -> Iterator[Plan]:
    """One plan per issue; it waits for what blocks it, and a parent for its children."""
    waits: dict[str, list[tuple[str, str]]] = {}
    for issue, _ in issues:
        for link in _entries(issue.get("dependencies")):
            later, earlier = str(link.get("issue_id", _id(issue))), str(link.get("depends_on_id", ""))
            if link.get("type") == "blocks":
                waits.setdefault(later, []).append((earlier, "blocked by"))
            elif link.get("type") == "parent-child":
                waits.setdefault(earlier, []).append((later, "parent of"))
    for issue, line in issues:
        yield file.plan(issue, _id(issue), "beads", line, waits.get(_id(issue), ()))
