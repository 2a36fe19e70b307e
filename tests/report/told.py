"""A run with every kind of end in it, as its records tell it, and one whose every word wants out of its place."""

from __future__ import annotations

import msgspec

from gitbot.model.gate import GateKey, GateResult, GateVerdict
from gitbot.model.git import BranchName, Oid, RefName
from gitbot.model.merge import ConflictedPath, Resolution, ResolvedHunk, Strategy, UnmergedHunk
from gitbot.model.plan import PlanId
from gitbot.model.run import (
    BranchReport,
    DriftReport,
    Entry,
    Finished,
    Flag,
    Hint,
    Landed,
    Landing,
    Outcome,
    Patches,
    Proof,
    Reason,
    Record,
    Request,
    RunId,
    Settled,
    Started,
    Stopped,
    Tested,
)

RUN = RunId("20260301T103000Z-1a2b")
BEGAN = 1_772_361_000.0
MAIN, NEXT, LAST = (Oid(digit * 40) for digit in "012")
EVIL = '"><script>x()</script>\n### x\n```\n</details>@team fixes #1 [l](http://example.org/)\x1b[2J\u202e`{{ 7*7 }}'
WIDE = "x" * 400 + "\n"


def gate_run(tree: str, verdict: GateVerdict, slot: int, start: float, *names: str, cached: bool = False) -> Tested:
    """A run of two seconds, a quarter of one for the checkout."""
    result = GateResult(
        key=GateKey(tree),
        tree=Oid(tree * 40),
        verdict=verdict,
        status=0,
        seconds=2.0,
        tests=12,
        skipped=0,
        log=MAIN,
        run=RUN,
        finished=BEGAN + start + 2.25,
        failing=("tests/test_d.py::test_it",) if verdict is GateVerdict.FAILED else (),
    )
    branches = tuple(map(BranchName, names))
    began = None if cached else BEGAN + start
    return Tested(branches=branches, result=result, cached=cached, log=None, onto=MAIN, began=began, slot=slot)


def landed(name: str, why: str, strategy: Strategy = Strategy.REBASE) -> BranchReport:
    backup = RefName(f"refs/gitbot/backup/{RUN}/{name[-1]}")
    proof = Proof(residual="empty", backup=backup, patches=Patches(same=1, adapted=0, dropped=0))
    end = Outcome.LANDED
    return BranchReport(
        branch=BranchName(name), tip=NEXT, outcome=end, strategy=strategy, why=why, commits=(NEXT,), proof=proof
    )


def aside(name: str, reason: Reason, why: str, **more: object) -> BranchReport:
    back = f"hand the brief to its agent, then: gitbot integrate {name}"
    told: dict[str, object] = {"tip": LAST, "outcome": Outcome.SET_ASIDE, "next": back, **more}
    return BranchReport(branch=BranchName(name), reason=reason, why=why, **told)  # type: ignore[arg-type]


def run_of(*reports: BranchReport, between: tuple[Record, ...] = (), target: str = "main") -> tuple[Record, ...]:
    """The records of a run that came to these ends."""
    entries = tuple(
        Entry(name=one.branch, tip=one.tip, backup=RefName("refs/gitbot/backup/x/001")) for one in reports
    )
    request = Request(names=("agent-*",), target=RefName(f"refs/heads/{target}"), gate="npm test", jobs=2)
    started = Started(
        run=RUN, time=BEGAN, request=request, before=MAIN, identity=("Ada", "a@b"), entries=entries, config={}
    )
    settled = tuple(Settled(report=one) for one in reports)
    return (started, *between, *settled, Finished(time=BEGAN + 42, state="done", after=LAST))


def full() -> tuple[Record, ...]:
    """Two land, one of them with both sides kept; three go back, one has nothing to land."""
    kept = ResolvedHunk(3, "insert-both", "both only added", "", "- from a\n", "- from c\n", "- from a\n- from c\n")
    first = landed("agent-a", "1 commit, clean and linear")
    flag = Flag(kind="protected", paths=("gate.sh",), text="changes protected files")
    hint = Hint(
        kind="removed", path="x.py", line=3, name="f", partner=None, text="x.py line 3 calls f, which main took away"
    )
    second = BranchReport(
        branch=BranchName("agent-c"),
        plan=PlanId("lists"),
        tip=NEXT,
        outcome=Outcome.LANDED,
        strategy=Strategy.ACCEPT_BOTH,
        why="both sides kept in list.md (insert-both)",
        resolved=(Resolution("list.md", "insert-both", 2, MAIN, NEXT, (kept,)),),
        proof=first.proof,
        flags=(flag,),
        hints=(hint,),
    )
    places = (UnmergedHunk(2, "two\n", "two by a\n", "two by b\n"),)
    path = ConflictedPath("a.txt", "contents", MAIN, NEXT, LAST, "both sides changed line 2", hunks=places)
    partner = BranchName("agent-a")
    conflict = aside(
        "agent-b", Reason.CONFLICT, "a.txt: both sides changed line 2", partner=partner, conflicts=((path, partner),)
    )
    drift = DriftReport(foreign=("lib/x.py",), shared=(), unowned=(), untouched=(), lines={"lib/x.py": ((1, 4),)})
    trespass = aside("agent-e", Reason.OWNERSHIP, "lib/x.py belongs to plan lists", drift=drift)
    red = aside("agent-d", Reason.GATE, "the tests fail (2 times; the target passes)", log="gate-002.log")
    nothing = BranchReport(branch=BranchName("agent-f"), tip=MAIN, outcome=Outcome.EMPTY, why="no change")
    passed, failed = GateVerdict.PASSED, GateVerdict.FAILED
    gates = (
        gate_run("3", failed, 0, 0, "agent-a", "agent-c", "agent-d"),
        Stopped(branches=(BranchName("agent-d"),), seconds=1.0, began=BEGAN, slot=1),
        gate_run("4", passed, 1, 1, "agent-a", "agent-c"),
        Landing(ref=RefName("refs/heads/main"), steps=(Landed(before=MAIN, after=LAST, report=first),)),
        gate_run("5", failed, 0, 3, "agent-d"),
        gate_run("6", passed, 1, 4),
        gate_run("5", failed, 0, 6, "agent-d"),
        gate_run("7", passed, 0, 6, "agent-a", cached=True),
    )
    return run_of(first, second, conflict, red, trespass, nothing, between=gates)


def hostile(branches: int) -> tuple[Record, ...]:
    """Names, reasons, paths and lines of somebody who wants to be read as gitbot."""
    places = tuple(UnmergedHunk(line, EVIL, WIDE, EVIL) for line in range(9))
    path = ConflictedPath(EVIL, EVIL, refused=EVIL, hunks=places)
    kept = Resolution(EVIL, EVIL, 1, MAIN, NEXT, (ResolvedHunk(1, EVIL, EVIL, EVIL, WIDE, EVIL, EVIL),))
    flag = Flag(kind="x", paths=(EVIL,), text=EVIL)
    more = {"conflicts": ((path, EVIL),) * 5, "resolved": (kept,), "flags": (flag,), "order": EVIL, "plan": EVIL}
    found = (aside(f"{EVIL * 3}{number}", Reason.CONFLICT, EVIL, partner=EVIL, **more) for number in range(branches))
    proof = Proof(residual=EVIL, backup=RefName(EVIL))
    reports = [msgspec.structs.replace(one, tip=Oid(EVIL), proof=proof) for one in found]
    far = gate_run("3", GateVerdict.FAILED, 10**15, 1e300, EVIL)
    first, *rest = run_of(*reports, between=(far, gate_run("4", GateVerdict.FAILED, 0, -1e300, EVIL)), target=EVIL)
    assert isinstance(first, Started)
    return (msgspec.structs.replace(first, before=Oid(EVIL), run=RunId(EVIL)), *rest)
