"""The messages of the commits that gitbot writes itself: squashes and merges, with the trailers that prove them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from gitbot.model.git import Commit, Person
from gitbot.model.merge import Branch, Resolution

_UNSPOKEN = re.compile(r"^((wip|revert|tmp|temp|oops|checkpoint|undo|merge)\b|(fixup|squash|amend)!)", re.IGNORECASE)
_PREFIX = re.compile(r"^(feat|fix|docs|style|refactor|perf|test|build|ci|chore|revert)(\([^)]*\))?(!?): ")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_TOGETHER = re.compile(r"^co-authored-by:[ \t]*([^<>\n]*?)[ \t]*<([^<>\s]*)>[ \t]*$", re.IGNORECASE | re.MULTILINE)
_TYPES = {  # of the first word of a subject
    "feat": "add allow build create implement introduce support write",
    "fix": "correct fix handle repair",
    "docs": "describe document explain",
    "refactor": "clean extract move refactor rename reorganize simplify split",
    "test": "cover test",
}
MOST_NAMED = 100  # commits that the body of a squash lists
MOST_RESOLVED = 20  # files that trailers name
_ESCAPED = dict(zip(b'\a\b\t\n\v\f\r"\\', (f"\\{sign}" for sign in 'abtnvfr"\\'), strict=True))  # by git


def speaks_conventionally(subjects: Sequence[str]) -> bool:
    """Whether most subjects have the prefix of Conventional Commits; merges do not count."""
    counted = [subject for subject in subjects if not subject.startswith(("Merge ", "Revert "))]
    return 2 * sum(_PREFIX.match(subject) is not None for subject in counted) > len(counted)


def squash_message(branch: Branch, own: tuple[Commit, ...], *, conventional: bool = False) -> str:
    """Subject, what went into it, and the trailers; `own` is oldest first and not empty."""
    named = [f"* {_line(commit.subject)}" for commit in own if len(commit.parents) < 2] if len(own) > 1 else []
    body = [*named[:MOST_NAMED], *([f"* and {len(named) - MOST_NAMED} more"] if len(named) > MOST_NAMED else [])]
    return _compose(squash_subject(branch, own, conventional), body, branch, own, own[-1].author)


def squash_subject(branch: Branch, own: tuple[Commit, ...], conventional: bool) -> str:
    """The plan's title, else the subject of the last commit that is no wip, fixup or revert; its `feat:` is kept.

    Where the target's commits have such a prefix, a subject without one is given what fits the branch's commits.
    """
    spoken = [commit.subject for commit in own if commit.subject and not _UNSPOKEN.match(commit.subject)]
    last = spoken[-1] if spoken else f"Squash branch '{branch.name}'"
    text = _line(branch.title or last)
    if _PREFIX.match(text):
        return text
    prefix = _PREFIX.match(last)
    return f"{_fitting(own, text) if conventional else prefix[0] if prefix else ''}{text}"


def _fitting(own: Sequence[Commit], text: str) -> str:
    """`feat` if any commit is one, else `fix`, else what most are, else what the first word says; a common scope."""
    found = [prefix for commit in own if (prefix := _PREFIX.match(commit.subject))]
    kinds = Counter(prefix[1] for prefix in found)
    first = text.split(" ", 1)[0].casefold()
    guess = next((kind for kind, words in _TYPES.items() if first in words.split()), "chore")
    kind = next((kind for kind in ("feat", "fix") if kind in kinds), max(kinds, key=kinds.__getitem__, default=guess))
    scopes = {prefix[2] or "" for prefix in found if prefix[1] == kind}
    breaking = "!" if any(prefix[3] for prefix in found) else ""
    return _line(f"{kind}{scopes.pop() if len(scopes) == 1 else ''}{breaking}:") + " "


def merge_message(branch: Branch, own: tuple[Commit, ...], committer: Person) -> str:
    """`Merge branch '…'`, the plan's title, the trailers."""
    body = [_line(branch.title)] if branch.title else []
    return _compose(f"Merge branch '{_line(branch.name)}'", body, branch, own, committer)


def with_resolved(message: str, resolved: Sequence[Resolution]) -> str:
    """A message that ends in trailers, and one more for each file in which both sides were kept."""
    told = [f"{_quoted(one.path)} ({one.how})" for one in resolved[:MOST_RESOLVED]]
    told += [f"… and {len(resolved) - MOST_RESOLVED} more"] if len(resolved) > MOST_RESOLVED else []
    return message + "".join(f"Gitbot-Resolved: {line}\n" for line in told)


def _compose(subject: str, body: list[str], branch: Branch, own: tuple[Commit, ...], author: Person) -> str:
    """The message; everybody who wrote a part of it and is not its author is named."""
    trailers = [f"Gitbot-Branch: {_line(branch.name)}"]
    if branch.plan is not None:
        trailers.append(f"Gitbot-Plan: {_line(branch.plan)}")
    trailers.append(f"Gitbot-Tip: {branch.tip}")
    people = {(author.email or author.name).casefold(): ""}
    for commit in own:
        for name, email in ((commit.author.name, commit.author.email), *_TOGETHER.findall(commit.message)):
            people.setdefault((email or name).casefold(), _line(f"{name} <{email}>"))
    people.pop("", None)
    trailers += [f"Co-authored-by: {person}" for person in people.values() if person]
    parts = [subject, "\n".join(body), "\n".join(trailers)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _line(text: str) -> str:
    """One line without control characters: what a plan or a commit says must not forge a trailer."""
    return _CONTROL.sub("", " ".join(text.split()))


def _quoted(path: str) -> str:
    """A path on one line, in quotation marks where git would put it in some: git-config(1), core.quotePath."""
    data = path.encode("utf-8", "surrogateescape")
    told = "".join(_ESCAPED.get(byte) or (chr(byte) if 31 < byte < 127 else f"\\{byte:03o}") for byte in data)
    return path if told == path else f'"{told}"'
