"""What a run landed and somebody takes off the target by hand, during the run or after it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gitbot.cli import main
from gitbot.journal import runs
from gitbot.landing import document
from tests.conftest import Sandbox, SandboxMaker, step
from tests.scenarios.beginnings import base, plan

BACK = {"agent-a": "waiting: blocked", "agent-b": "landed: None"}


@pytest.fixture
def box(sandbox: SandboxMaker, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """A branch that lands first, one that is tested after it, and one whose plan needs the first."""
    plans = {"plans/PLAN-a.md": plan("a", "x.txt"), "plans/PLAN-c.md": plan("c", "z.txt", needs="a")}
    steps = (step(f"agent-{name}", {f"{file}.txt": f"{file}\n"}) for name, file in ("ax", "by", "cz"))
    made = sandbox(base(plans), *steps)
    monkeypatch.chdir(made.path)
    return made


def files(box: Sandbox) -> set[str]:
    return {name for name in box.git("ls-tree", "--name-only", "main").split() if name not in ("gate.sh", "plans")}


def once(box: Sandbox, deed: str) -> str:
    """A gate during which somebody does this, once, while agent-b is tested after agent-a has landed."""
    flag = box.path.parent / "done"
    return f"if [ -e y.txt ] && [ ! -e {flag} ]; then touch {flag}; cd {box.path} && {deed}; fi"


def landing(gate: str, capsys: pytest.CaptureFixture[str], *more: str) -> tuple[dict[str, str], dict[str, Any]]:
    """What became of each branch, and the document, of a run in which agent-a is taken back."""
    words = ("agent-a", "agent-b", *more, "--queue", "serial", "--gate", gate, "--format", "json")
    capsys.readouterr()
    assert main(("integrate", *words)) == 1
    found = json.loads(capsys.readouterr().out)
    first = found["branches"][0]
    assert (first["commits"], first["proof"]) == ([], None)
    assert "somebody set main back or rewrote it during the run" in first["why"]
    return {one["branch"]: f"{one['outcome']}: {one['reason']}" for one in found["branches"]}, found


def test_what_is_set_back_during_the_run_has_not_landed_and_may_land_again(
    box: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    """And what needs it does not land either."""
    begun = box.tip("main")
    outcomes, told = landing(once(box, f"git reset -q --hard {begun}"), capsys, "agent-c")
    assert outcomes == BACK | {"agent-c": "set-aside: blocked"}
    assert told["spans"] == [[begun, box.tip("main")]]
    assert files(box) == {"a.txt", "y.txt"}
    assert main(("runs", told["run"])) == 0
    said = capsys.readouterr().out
    assert "1 of 3 landed on main" in said
    assert "proof  nothing of what landed is missing" in said
    assert main(("undo", "last")) == 0
    assert box.tip("main") == begun
    assert main(("integrate", "agent-a", "--no-gate")) == 0
    assert files(box) == {"a.txt", "x.txt"}


def test_undo_never_takes_what_somebody_amended_a_landing_with(
    box: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    """As many commits as the run made are there, and not all of them are the run's."""
    amend = "echo mine >own.txt && git add own.txt && git commit -q --amend --no-edit"
    assert landing(once(box, amend), capsys)[0] == BACK
    assert main(("undo", "last")) == 0
    assert files(box) == {"a.txt", "own.txt", "x.txt"}


def test_undo_is_refused_where_a_landing_of_the_run_is_gone_and_revert_takes_back_the_rest(
    box: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(("integrate", "agent-a", "agent-b", "--no-gate")) == 0
    box.git("reset", "-q", "--soft", "main^")
    box.git("commit", "-q", "-m", "what agent-b brought, in other words")
    at = box.tip("main")
    assert main(("undo", "last")) == 4
    said = capsys.readouterr().err
    assert "as this run landed it, agent-b is not there" in said
    assert "--revert" in said
    assert box.tip("main") == at
    assert main(("undo", "last", "--revert")) == 0
    assert (box.tip("main^"), files(box)) == (at, {"a.txt"})


def test_a_run_that_is_killed_finds_out_what_was_taken_back_when_it_goes_on(
    box: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    """And an undo of it leaves alone what somebody committed in place of the landing."""
    begun, gate = box.tip("main"), once(box, f"kill -9 $(cat {box.path}/.git/gitbot/lock)")
    words = ("agent-a", "agent-b", "--queue", "serial", "--gate", gate, "--format", "json")
    assert box.gitbot("integrate", *words).code == -9
    box.git("reset", "-q", "--hard", begun)
    outcomes, told = landing(gate, capsys)
    assert (outcomes, files(box)) == (BACK, {"a.txt", "y.txt"})
    (_, records), *_ = runs.own(box.repository)
    assert [one.report.branch for one in document.landed(records)] == ["agent-b"]
    box.git("commit", "-q", "--allow-empty", "-m", "mine")
    at = box.tip("main")
    assert main(("undo", told["run"])) == 4
    assert "1 commit would be lost with it" in capsys.readouterr().err
    assert box.tip("main") == at
