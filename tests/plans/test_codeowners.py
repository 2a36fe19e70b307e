"""Who must review a path, by gitignore's rules as CODEOWNERS has them."""

from __future__ import annotations

import pytest

from gitbot.plans.codeowners import CodeOwners

TEXT = """\
# everybody
*            @org/all
/docs/*      @docs
build/       @build @ci   # both
*.sql        @data
/src/auth/   @auth
/src/auth/README.md
[Section]
!src/x.py    @nobody
\\#odd       @odd
"""


@pytest.mark.parametrize(
    ("path", "names", "line"),
    [
        ("a.py", ("@org/all",), 2),
        ("docs/a.md", ("@docs",), 3),
        ("docs/a/b.md", ("@org/all",), 2),
        ("x/build/out.js", ("@build", "@ci"), 4),
        ("db/a/x.sql", ("@data",), 5),
        ("src/auth/x.sql", ("@auth",), 6),
        ("src/auth/README.md", (), 7),
        ("src/x.py", ("@org/all",), 2),
    ],
)
def test_the_last_rule_that_matches_names_the_reviewers(path: str, names: tuple[str, ...], line: int) -> None:
    assert CodeOwners(TEXT).of(path) == (names, line)


def test_a_file_without_rules_names_nobody() -> None:
    assert CodeOwners("").of("a.py") == ((), 0)
