"""A clone without contents: what needs them says so or is left out, and is no bug of gitbot's."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Sandbox, SandboxMaker, step
from tests.scenarios.beginnings import base


@pytest.fixture
def partial(sandbox: SandboxMaker, tmp_path: Path) -> Sandbox:
    """What the two branches change is at the remote alone; they meet in a file."""
    box = sandbox(
        base({"f.txt": [f"{line}" for line in range(60)]}),
        step("agent-a", {"f.txt": ["a", *(f"{line}" for line in range(1, 60))]}),
        step("agent-b", {"f.txt": [*(f"{line}" for line in range(59)), "b"]}),
        step("agent-c", {"c.txt": "c\n"}),
    )
    box.git("config", "uploadpack.allowFilter", "true")
    there = Sandbox(tmp_path / "clone", box.env)
    box.git("clone", "-q", "--filter=blob:none", "-b", "main", box.path.as_uri(), str(there.path))
    return there


def test_status_and_a_dry_run_do_without_what_is_not_here(partial: Sandbox) -> None:
    seen = partial.gitbot("status", "origin/agent-a", "origin/agent-b", "--format", "json")
    assert (seen.code, len(seen.document["branches"])) == (0, 2), seen.err
    ran = partial.gitbot("integrate", "origin/agent-a", "origin/agent-b", "--dry-run", "--format", "json")
    assert [ran.code, *ran.outcomes.values()] == [1, "waiting", "set-aside: conflict"], ran.err
    assert "partial clone" in ran.branches["origin/agent-b"]["why"]


@pytest.mark.parametrize("gate", ["--no-gate", "--gate=true"])
def test_what_git_can_merge_without_contents_lands(partial: Sandbox, gate: str) -> None:
    ran = partial.gitbot("integrate", "origin/agent-a", "origin/agent-c", gate, "--format", "json")
    assert [ran.code, *ran.outcomes.values()] == [0, "landed by rebase", "landed by rebase"], ran.err
    assert partial.git("diff", "origin/agent-a", "main", "--name-only") == "c.txt"
