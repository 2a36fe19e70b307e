"""Plans that mean harm, or that were never text: each ends in a finding with its line, and the others are checked."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gitbot.plans import Source, read_plans
from gitbot.repository.recipes import Step
from tests.conftest import SandboxMaker

HONEST = "# Agent A\n- [ ] src/honest.ts\n"


def large(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(200 * 1000 * 1000)


def fifo(path: Path) -> None:
    os.mkfifo(path)


def loop(path: Path) -> None:
    path.symlink_to(path.name)


def text(content: str | bytes) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.write_bytes(content.encode() if isinstance(content, str) else content)

    return write


BOMB = "---\na: &a [x, x]\n" + "".join(
    f"{b}: &{b} [*{a}, *{a}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)

REFUSED = {
    "200 MB": (large, 1),
    "a line of 10 million characters": (text("x" * 10_000_000), 1),
    "more lines than anybody reads": (text("# Agent X\n" * 30_000), 3_001),
    "YAML nested deeply": (text(f"---\nowns: {'[' * 3000}{']' * 3000}\n---\n# Agent X\n"), 2),
    "YAML nested by dashes": (text(f"---\nowns:\n  {'- ' * 1500}a\n---\n# Agent X\n"), 3),
    "YAML nested by lines": (
        text("---\nowns:\n" + "".join(f"{' ' * n}a:\n" for n in range(1, 300)) + "---\n# X\n"),
        18,
    ),
    "YAML nested by lines of Unicode": (
        text("---\nowns:" + "".join(f"\u2028{' ' * n}a:" for n in range(1, 200)) + "\n---\n# Agent X\n"),
        18,
    ),
    "an alias that is nowhere": (text("---\nowns: *nothing\n---\n# Agent X\n"), 2),
    "NUL bytes": (text(b"# Agent X\n- a\0b\n"), 2),
    "broken UTF-8": (text(b"# Agent X\n\n- \xff\xfe\xfd\n"), 3),
    "broken UTF-16": (text(b"\xff\xfe#\0 \0A"), 1),
    "a path that leaves": (text("# Agent X\n\n- a.ts\n\n## Owns\n- ../../etc/passwd.txt\n"), 6),
    "an owned path that leaves": (text("---\nowns: [../secrets/**]\n---\n# Agent X\n"), 2),
    "an absolute path of Windows": (text("---\nplan: X\nowns: ['C:\\Users\\me\\a.ts']\n---\n"), 3),
    "a pipe": (fifo, 1),
    "a link to itself": (loop, 1),
}


def check(sandbox: SandboxMaker, make: Callable[[Path], None]) -> dict[str, Any]:
    box = sandbox(Step(branch="main", message="base", files={"plans/honest.md": HONEST}))
    make(box.path / "plans" / "nasty.md")
    ran = box.gitbot("check", "plans", "--format", "json")
    assert ran.code in (0, 1), ran.err
    assert "Traceback" not in ran.err
    return ran.document


@pytest.mark.parametrize("name", REFUSED)
def test_a_nasty_plan_is_a_finding_with_its_line_and_the_others_are_checked(sandbox: SandboxMaker, name: str) -> None:
    make, line = REFUSED[name]
    document = check(sandbox, make)
    assert "src/honest.ts" in [claim["pattern"] for plan in document["plans"] for claim in plan["claims"]]
    about = [f for f in document["findings"] if any(at["path"].endswith("nasty.md") for at in f["locations"])]
    assert line in [at["line"] for finding in about for at in finding["locations"]]


@pytest.mark.parametrize(
    "content",
    [
        BOMB + "owns: *i\n---\n# Agent X\n",
        "# Agent X\n" + "".join(f"{'  ' * depth}- a\n" for depth in range(2_900)),
        ">" * 3_000 + " a",
        "[" * 400_000,
        "".join(f"- [ ] Create `src/a{number}.ts` and `b.ts`\n" for number in range(2_900)),
        "# Agent X\n- [ ] src/a.ts\n".encode("utf-16"),
        "| File | Owner |\n|---|---|\n" + "| `a/b.ts` | Agent X |\n" * 2_900,
        "<task>\n" * 2_900,
    ],
    ids=["bomb", "nested lists", "nested quotes", "brackets", "tasks", "UTF-16", "table", "XML"],
)
def test_what_is_only_large_or_strange_is_read_to_the_end(sandbox: SandboxMaker, content: str | bytes) -> None:
    document = check(sandbox, text(content))
    assert "src/honest.ts" in [claim["pattern"] for plan in document["plans"] for claim in plan["claims"]]


def test_paths_that_lead_out_are_never_claimed() -> None:
    body = "# Agent X\n- [ ] Create `../a.ts`, `/etc/b.txt`, `~/c.ts`, `C:\\d.ts` and `src/e.ts`\n"
    (plan,) = read_plans([Source("plans/x.md", body.encode())]).plans
    assert [claim.pattern for claim in plan.claims] == ["src/e.ts"]
