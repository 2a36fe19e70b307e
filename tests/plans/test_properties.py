"""What holds for every text: rubbish gives problems and no exception, and the canonical notation round-trips."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from gitbot.model.plan import Access, Claim, NeedKind, Plan
from gitbot.plans import Source, fold, read_plans

PIECES = st.sampled_from(
    [
        *("---\n", "+++\n", "plan: A\n", "owns: [a, b/**]\n", "- ", "* ", "&a", "*a", "{", "[", "# ", "## Owns\n"),
        *("# Agent A", "# Phase 1", "- [ ] ", "- [x] ", "`src/a.ts`", "src/a.ts", " ← ", "Agent B", "├── ", "│ "),
        *(
            "(waits for ",
            "(needs ",
            ")",
            "Depends on x",
            "build first",
            "```\n",
            "\n",
            "\n\n",
            ": ",
            "**",
            "\t",
            "    ",
        ),
        *("Agent A: ", "~45m", "T1 ", "!", "\u202e", "é", "<!-- ", "|", "Files:"),
    ]
)
NAMES = st.text(alphabet="abcdefgh", min_size=1, max_size=6)
PATTERNS = st.builds(lambda folder, name: f"{folder}/{name}.ts", NAMES, NAMES)
ENTRIES = st.lists(PATTERNS, unique=True, max_size=4)


@given(st.lists(PIECES | st.text(max_size=8), max_size=40))
def test_any_text_is_read_without_an_exception(pieces: list[str]) -> None:
    found = read_plans([Source("plans/x.md", "".join(pieces).encode("utf-8", "replace"))])
    ids = [fold(plan.id) for plan in found.plans]
    assert len(set(ids)) == len(ids)
    assert all(claim.line >= 1 and 0 < claim.confidence <= 1 for plan in found.plans for claim in plan.claims)
    assert found.plans or found.problems or found.shared


@given(st.binary(max_size=200))
def test_any_bytes_are_read_without_an_exception(data: bytes) -> None:
    found = read_plans([Source("plans/PLAN-A.md", data)])
    assert found.plans or found.problems or found.shared


def written(keys: dict[str, object], headings: dict[str, list[str]]) -> str:
    front = "".join(f"{key}: {json.dumps(value)}\n" for key, value in keys.items())
    body = "".join(f"## {heading}\n" + "".join(f"- {p}\n" for p in paths) for heading, paths in headings.items())
    return f"---\n{front}---\n{body}"


def patterns(plan: Plan, access: Access) -> list[str]:
    return [claim.pattern for claim in plan.patterns(access)]


@given(NAMES, ENTRIES, ENTRIES, ENTRIES, ENTRIES, st.lists(NAMES, unique=True, max_size=3), st.integers(0, 99))
def test_canonical_plans_round_trip(
    id: str, owns: list[str], shared: list[str], reads: list[str], never: list[str], after: list[str], phase: int
) -> None:
    """Keys and headings say the same, and every word of a plan comes back."""
    order: dict[str, object] = {"plan": f"x{id}", "depends_on": [f"y{name}" for name in after], "phase": phase}
    by_keys = written(order | {"owns": owns, "shared": shared, "reads": reads, "never": never}, {})
    by_headings = written(order, {"Owns": owns, "Shared": shared, "Reads": reads, "Never": never})
    for text in (by_keys, by_headings):
        (plan,) = read_plans([Source("plans/p.md", text.encode())]).plans
        assert (plan.id, str(plan.phase)) == (f"x{id}", str(phase))
        assert patterns(plan, Access.OWN) == owns
        assert patterns(plan, Access.SHARED) == shared
        assert patterns(plan, Access.READ) == reads
        assert texts(plan.never) == never
        assert [(need.reference, need.kind) for need in plan.needs] == [(f"y{n}", NeedKind.HARD) for n in after]


def texts(claims: tuple[Claim, ...]) -> list[str]:
    return [claim.pattern for claim in claims]
