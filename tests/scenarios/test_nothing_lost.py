"""What a run says of clean merges that may be wrong, of lines that others lost, and of a candidate that lost some."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitbot.config import Config
from gitbot.landing import examine
from gitbot.landing.run import integrate
from gitbot.merge.situation import Situation, as_candidate
from gitbot.model.git import BranchName, RefName
from gitbot.model.merge import Branch, Candidate, Strategy
from gitbot.model.progress import Happening
from gitbot.model.run import Request, Run
from gitbot.repository.workbench import Workbench
from tests.conftest import SandboxMaker, step
from tests.scenarios.beginnings import base


class Unwatched:
    """Nobody watches the run."""

    def __call__(self, happening: Happening, /) -> None:
        """Say nothing."""

    def tick(self) -> None:
        """Do nothing."""


PAGE = "def render(a, b):\n    return a + b\n"
WIDER = "def render(a, b, c):\n    return a + b + c\n"
GATE = "python3 app.py"


def test_a_red_gate_names_the_line_and_whoever_changed_what_it_calls(sandbox: SandboxMaker) -> None:
    """Both are green alone; together the call has too few arguments."""
    box = sandbox(
        base({"page.py": PAGE, "app.py": "import page\n"}),
        step("agent-a", {"page.py": WIDER}),
        step("agent-b", {"app.py": "import page\n\npage.render(1, 2)\n"}),
    )
    ran = box.integrate("agent-a", "agent-b", gate=GATE)
    assert ran.outcomes == {"agent-a": "landed by rebase", "agent-b": "set-aside: gate"}
    branch = ran.branches["agent-b"]
    said = "app.py:3 calls render(1, 2), which agent-a changed to render(a, b, c)"
    assert branch["why"] == f"the tests fail (2 times; the target passes); {said}"
    assert branch["partner"] == "agent-a"
    assert branch["hints"] == [
        {"kind": "signature", "path": "app.py", "line": 3, "name": "render", "partner": "agent-a", "text": said}
    ]
    assert said in Path(branch["retry"]).read_text().replace("\\", "")


def test_a_name_that_is_gone_is_named_with_its_line(sandbox: SandboxMaker) -> None:
    box = sandbox(
        base({"page.py": PAGE, "app.py": "import page\n"}),
        step("agent-a", {"page.py": PAGE.replace("render", "paint")}),
        step("agent-b", {"app.py": "from page import render\n\nrender(1, 2)\n"}),
    )
    ran = box.integrate("agent-a", "agent-b", gate=GATE)
    assert ran.branches["agent-b"]["partner"] == "agent-a"
    assert "app.py:1 uses render, which agent-a took out of page.py" in ran.branches["agent-b"]["why"]


def test_a_name_that_both_added_is_named_with_both_places(sandbox: SandboxMaker) -> None:
    text = "import os\n\none = 1\ntwo = 2\nthree = 3\nfour = 4\n"
    box = sandbox(
        base({"page.py": text, "app.py": "import page\n"}),
        step("agent-a", {"page.py": text.replace("one", "def slug(x):\n    return x\n\n\none", 1)}),
        step("agent-b", {"page.py": text + "\n\ndef slug(x, y):\n    return y\n"}),
    )
    gate = "python3 -c \"import page; assert not hasattr(page, 'slug') or open('page.py').read().count('slug') < 2\""
    ran = box.integrate("agent-a", "agent-b", gate=gate)
    assert ran.outcomes == {"agent-a": "landed by rebase", "agent-b": "set-aside: gate"}
    assert ran.branches["agent-b"]["partner"] == "agent-a"
    assert "defines slug, which agent-a added to page.py as well" in ran.branches["agent-b"]["why"]


def test_a_hint_never_holds_up_what_is_green(sandbox: SandboxMaker) -> None:
    box = sandbox(
        base({"page.py": PAGE, "app.py": "import page\n"}),
        step("agent-a", {"page.py": WIDER}),
        step("agent-b", {"app.py": "import page\n\npage.render(1, 2)\n"}),
    )
    ran = box.integrate("agent-a", "agent-b", gate="true")
    assert ran.outcomes == {"agent-a": "landed by rebase", "agent-b": "landed by rebase"}
    assert [hint["kind"] for hint in ran.branches["agent-b"]["hints"]] == ["signature"]
    shown = box.gitbot("runs", "last").out
    assert "note: app.py:3 calls render(1, 2), which agent-a changed to" in " ".join(shown.split())
    assert "proof  nothing is missing; patches: 2 same" in shown


def test_a_branch_whose_own_merge_dropped_what_another_landed_is_flagged(sandbox: SandboxMaker) -> None:
    lines = [f"line number {number}" for number in range(9)]
    box = sandbox(
        base({"text.txt": lines}),
        step("agent-a", {"text.txt": [*lines[:2], "the work of agent-a", *lines[2:]]}),
        step("agent-b", {"text.txt": [*lines, "the work of agent-b"]}),
    )
    assert box.integrate("agent-a").code == 0
    box.git("checkout", "-q", "agent-b")
    box.git("merge", "-q", "--strategy=ours", "-m", "merge main", "main")
    box.git("checkout", "-q", "main")
    ran = box.integrate("agent-b")
    assert ran.outcomes == {"agent-b": "landed by merge"}
    [flag], merge = ran.branches["agent-b"]["flags"], box.tip("agent-b")
    assert flag == {
        "kind": "lost-lines",
        "paths": ["text.txt"],
        "text": f"its merge {merge[:7]} dropped 1 line of agent-a in text.txt, such as `the work of agent-a`",
    }


def test_a_branch_that_deletes_what_another_just_landed_is_flagged(sandbox: SandboxMaker) -> None:
    lines = [f"line number {number}" for number in range(9)]
    added = [f"check number {number} of agent-a" for number in range(3)]
    box = sandbox(base({"text.txt": lines}), step("agent-a", {"text.txt": [*lines[:2], *added, *lines[2:]]}))
    assert box.integrate("agent-a").code == 0
    box.git("checkout", "-q", "-b", "agent-b", "main")
    (box.path / "text.txt").write_text("\n".join(lines) + "\n")
    box.git("commit", "-q", "-am", "tidy up")
    box.git("checkout", "-q", "main")
    [flag] = box.integrate("agent-b").branches["agent-b"]["flags"]
    assert (flag["kind"], flag["paths"]) == ("lost-lines", ["text.txt"])
    assert flag["text"] == "deletes 3 lines of agent-a in text.txt, such as `check number 0 of agent-a`"


def test_a_landing_whose_proof_fails_does_not_happen(sandbox: SandboxMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    """A form that is broken and keeps the target's side alone: the gate is green, and main stays where it is."""
    box = sandbox(base(), step("agent-a", {"x.txt": "x\n"}), step("main", {"y.txt": "y\n"}))

    def keeps_ours(situation: Situation, strategies: tuple[Strategy, ...]) -> tuple[Candidate, ...]:
        bench: Workbench = situation.bench
        tree = bench.repository.tree_of(situation.onto)
        parents, me = (situation.onto, situation.branch.tip), situation.committer
        commit = bench.write_commit(tree, parents, me, me, "merge\n")
        return (as_candidate(situation, commit, tree, (commit,), Strategy.MERGE, "broken on purpose"),)

    monkeypatch.setattr(examine, "propose", keeps_ours)
    before = box.tip("main")
    request = Request(names=("agent-a",), target=RefName("refs/heads/main"), gate="sh gate.sh")
    branches = [Branch(BranchName("agent-a"), box.tip("agent-a"))]
    told: list[Run] = []
    integrate(
        box.repository,
        lambda: branches,
        lambda _: request,
        Config(),
        box.env,
        dry_run=False,
        progress=Unwatched(),
        deliver=told.append,
    )
    [branch] = told[0].branches
    assert (branch.outcome, branch.reason) == ("set-aside", "conflict")
    assert branch.why == "the proof that nothing is lost failed: 1 of its paths would still change: x.txt"
    assert box.tip("main") == before
