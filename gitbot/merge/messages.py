"""The messages of the commits that gitbot writes itself: squashes and merges, with the trailers that prove them."""

from __future__ import annotations

import re

from gitbot.model.git import Commit, Person
from gitbot.model.merge import Branch

_UNSPOKEN = re.compile(r"^((wip|revert|tmp|temp|oops|checkpoint|undo|merge)\b|(fixup|squash|amend)!)", re.IGNORECASE)
_PREFIX = re.compile(r"^(feat|fix|docs|style|refactor|perf|test|build|ci|chore)(\([^)]*\))?!?: ")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def squash_message(branch: Branch, own: tuple[Commit, ...]) -> str:
    """Subject, what went into it, and the trailers; `own` is oldest first and not empty."""
    body = [f"* {_line(commit.subject)}" for commit in own if len(commit.parents) < 2] if len(own) > 1 else []
    return _compose(squash_subject(branch, own), body, branch, own, own[-1].author)


def squash_subject(branch: Branch, own: tuple[Commit, ...]) -> str:
    """The plan's title, else the subject of the last commit that is no wip, fixup or revert; its `feat:` is kept."""
    spoken = [commit.subject for commit in own if commit.subject and not _UNSPOKEN.match(commit.subject)]
    last = spoken[-1] if spoken else None
    if branch.title:
        prefix = _PREFIX.match(last) if last else None
        has_one = _PREFIX.match(branch.title)
        return _line(f"{prefix[0]}{branch.title}" if prefix and not has_one else branch.title)
    return _line(last or f"Squash branch '{branch.name}'")


def merge_message(branch: Branch, own: tuple[Commit, ...], committer: Person) -> str:
    """`Merge branch '…'`, the plan's title, the trailers."""
    body = [_line(branch.title)] if branch.title else []
    return _compose(f"Merge branch '{branch.name}'", body, branch, own, committer)


def _compose(subject: str, body: list[str], branch: Branch, own: tuple[Commit, ...], author: Person) -> str:
    """The message; everybody who wrote a part of it and is not its author is named."""
    trailers = [f"Gitbot-Branch: {branch.name}"]
    if branch.plan is not None:
        trailers.append(f"Gitbot-Plan: {_line(branch.plan)}")
    trailers.append(f"Gitbot-Tip: {branch.tip}")
    people = dict.fromkeys((commit.author.name, commit.author.email) for commit in own)
    people.pop((author.name, author.email), None)
    trailers += [f"Co-authored-by: {_line(f'{name} <{email}>')}" for name, email in people if name or email]
    parts = [subject, "\n".join(body), "\n".join(trailers)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _line(text: str) -> str:
    """One line without control characters: what a plan or a commit says must not forge a trailer."""
    return _CONTROL.sub("", " ".join(text.split()))
