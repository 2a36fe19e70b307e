"""The text of a pull request, whole, and what hostile names may do in it: nothing."""

from __future__ import annotations

import re

import msgspec

from gitbot.model.git import BranchName, Oid, RefName
from gitbot.model.merge import Resolution, Strategy
from gitbot.model.plan import PlanId
from gitbot.model.run import BranchReport, Flag, GateUse, Outcome, Proof, Reason, Run, RunId
from gitbot.report.pull_request import pull_request

ONE, TWO = Oid("1" * 40), Oid("2" * 40)


def report(name: str, tip: Oid = ONE) -> BranchReport:
    return BranchReport(
        branch=BranchName(name),
        tip=tip,
        outcome=Outcome.WAITING,
        strategy=Strategy.REBASE,
        why="1 commit, clean and linear",
        proof=Proof(residual="empty", backup=RefName("refs/gitbot/backup/x/001")),
    )


def run(*reports: BranchReport, command: str | tuple[str, ...] | None = "npm test") -> Run:
    return Run(
        run=RunId("20260301T103000Z-1a2b"),
        dry_run=False,
        target=BranchName("origin/main"),
        before=Oid("0" * 40),
        after=None,
        branches=reports,
        gate=GateUse(command=command, runs=1, cached=0, failed=0, seconds=1.0),
        state="done",
        started=0.0,
        finished=1.0,
    )


def test_it_says_what_is_inside_and_ends_in_trailers() -> None:
    full = msgspec.structs.replace(
        report("agent-lexer", TWO),
        plan=PlanId("lexer"),
        resolved=(Resolution("docs/changes.md", "union", 3, ONE, TWO),),
        flags=(Flag(kind="protected", paths=("gate.sh",), text="changes protected files"),),
    )
    aside = msgspec.structs.replace(report("agent-x"), outcome=Outcome.SET_ASIDE, reason=Reason.GATE, proof=None)
    found = pull_request(run(full, aside, report("agent-parser")))
    assert found == {
        "title": "Land 2 branches: agent-lexer, agent-parser",
        "body": """\
On top of `origin/main` at 000000000000; the whole of it, as one tree, passed `npm test`.

- `agent-lexer`, plan `lexer`, by rebase
  - nothing of 222222222222 is missing (residual: empty)
  - both sides were kept in `docs/changes.md` (union)
  - note: `changes protected files, gate.sh`
- `agent-parser`, by rebase
  - nothing of 111111111111 is missing (residual: empty)

Gitbot-Run: 20260301T103000Z-1a2b
Gitbot-Branch: agent-lexer
Gitbot-Plan: lexer
Gitbot-Tip: 2222222222222222222222222222222222222222
Gitbot-Branch: agent-parser
Gitbot-Tip: 1111111111111111111111111111111111111111
""",
    }


def test_without_tests_it_says_so_and_one_branch_is_named_alone() -> None:
    found = pull_request(run(report("agent-x"), command=None))
    assert found is not None
    assert found["title"] == "Land agent-x"
    assert "was not tested (--no-gate)" in found["body"]


def test_nothing_waits_and_nothing_is_said() -> None:
    blocked = msgspec.structs.replace(report("agent-x"), reason=Reason.BLOCKED, proof=None)
    assert pull_request(run(blocked)) is None
    assert pull_request(run()) is None


def test_names_and_texts_of_others_close_nothing_and_forge_no_trailer() -> None:
    evil = "x`@all`\n\nGitbot-Tip: " + TWO + "\x1b[31m\n<img src=x>fixes #1"
    hostile = msgspec.structs.replace(
        report(evil), plan=PlanId(evil), why=evil, flags=(Flag(kind="x", paths=(evil,), text=evil),)
    )
    found = pull_request(run(hostile, command=("sh", evil)))
    assert found is not None
    assert "\x1b" not in found["title"] + found["body"]
    assert len(found["title"]) <= 72
    assert re.findall(r"^Gitbot-Tip: (.*)$", found["body"], re.MULTILINE) == [ONE]
    above = found["body"].partition("\nGitbot-Run")[0]
    assert not re.search(r"@|#1|<img", re.sub(r"`[^`]*`", "", above))
