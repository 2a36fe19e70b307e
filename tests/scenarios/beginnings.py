"""How the stories begin: a green main with a gate that is red wherever a text file says BROKEN."""

from __future__ import annotations

from collections.abc import Mapping

from gitbot.repository.recipes import Step
from tests.conftest import step

GATE = {
    "gate.sh": [
        "if grep -l BROKEN *.txt; then exit 1; fi",
        'echo "Ran $(ls *.txt | wc -l) tests in 0.1s"',
    ]
}


def base(files: Mapping[str, str | list[str]] | None = None) -> Step:
    """The first commit of main."""
    return step("main", {**GATE, "a.txt": ["one", "two", "three"], **(files or {})}, "base")


def plan(name: str, owns: str, *, needs: str = "", phase: int | None = None, title: str = "") -> str:
    """The text of a plan that owns one pattern."""
    lines = ["---", f"plan: {name}", f"owns: [{owns}]"]
    lines += [f"depends_on: [{needs}]"] if needs else []
    lines += [f"phase: {phase}"] if phase is not None else []
    return "\n".join([*lines, "---", f"# {title or f'Plan {name}'}", "- [ ] write it", ""])
