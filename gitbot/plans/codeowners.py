"""Who must review a path, by the text of a CODEOWNERS file: notes for people, never ownership of a plan."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from gitbot.errors import PatternError
from gitbot.patterns import PatternList, compile_patterns

PLACES = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS")
"""Where the file may lie; the first that is there counts."""
_MOST = 2_000  # rules


class CodeOwners:
    """The rules of one file, gitignore's without `!` and `[ ]`: the last that matches a path counts."""

    def __init__(self, text: str) -> None:
        self._rules = list(_rules(text))[-_MOST:]

    def of(self, path: str) -> tuple[tuple[str, ...], int]:
        """Who must review a change of the path, and the line that says so; nobody when no rule has one."""
        for matcher, level, owners, line in reversed(self._rules):
            if matcher.matches(path) and level in (None, path.count("/")):
                return owners, line
        return (), 0


def _rules(text: str) -> Iterator[tuple[PatternList, int | None, tuple[str, ...], int]]:
    for line, rule in enumerate(text.split("\n"), 1):
        pattern, *owners = rule.split("#", 1)[0][:1_000].replace("\\ ", "?").split() or [""]
        plain = pattern.strip("/")
        if (
            not plain.strip("\\") or pattern[0] in "[!"
        ):  # GitLab's section headings, and what the format does not have
            continue
        level = plain.count("/") if pattern.endswith("/*") else None  # `docs/*` is one level
        rooted = plain if "/" in pattern.rstrip("/") else f"**/{plain}"
        with suppress(PatternError):
            yield compile_patterns([f"{rooted}/**" if pattern.endswith("/") else rooted]), level, tuple(owners), line
