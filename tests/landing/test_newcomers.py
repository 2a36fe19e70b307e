"""With whom a branch is red that passed before: read from the records of a run, without another run of the gate."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from gitbot.landing.newcomers import newcomers
from gitbot.landing.partner import Partner
from gitbot.model.gate import GateKey, GateResult, GateVerdict
from gitbot.model.git import BranchName, Oid, RefName
from gitbot.model.run import Landed, Landing, Moved, Outcome, Record, Settled, Tested
from tests.conftest import SandboxMaker, step
from tests.landing.simulated import report
from tests.scenarios.beginnings import base

MINE = BranchName("mine")


def passed(*names: str, onto: str) -> Tested:
    result = GateResult(
        key=GateKey("key"),
        tree=Oid("tree"),
        verdict=GateVerdict.PASSED,
        status=0,
        seconds=1,
        tests=None,
        skipped=None,
        log=Oid("log"),
        run="run",
        finished=0,
    )
    return Tested(branches=tuple(map(BranchName, names)), result=result, cached=False, onto=Oid(onto))


def landed(before: str, *names: str) -> list[Record]:
    """Each lands on the one before it, as a commit of its own name."""
    ends = [report(BranchName(name), Outcome.LANDED) for name in names]
    places = [before, *names]
    steps = [
        Landed(before=Oid(old), after=Oid(new), report=end)
        for old, new, end in zip(places, places[1:], ends, strict=False)
    ]
    return [Landing(ref=RefName("main"), steps=tuple(steps)), *(Settled(report=end) for end in ends)]


def named(records: list[Record], paths: dict[str, set[str]] | None = None) -> Partner | None:
    touched = {"mine": {"src/mine.py"}} | (paths or {})
    return newcomers(records, MINE, touched["mine"], lambda one: touched.get(one.report.branch, set()))


def test_the_only_one_that_landed_since_the_branch_passed_is_its_partner() -> None:
    found = named([*landed("start", "a"), passed("mine", onto="a"), *landed("a", "b")])
    assert found == Partner(BranchName("b"), "it passed before b landed", (BranchName("b"),))


def test_of_several_all_are_named_the_nearest_first() -> None:
    """By numbers in common, folders of numbered files, files, folders; the first of them is the partner."""
    found = named(
        [passed("mine", onto="start"), *landed("start", "far", "folder", "file", "sequence")],
        {
            "mine": {"src/x.py", "src/y.py", "db/3_mine.sql"},
            "folder": {"src/z.py"},
            "file": {"src/x.py"},
            "sequence": {"db/4_theirs.sql"},
        },
    )
    assert found is not None
    assert (found.branch, found.among) == ("sequence", ("sequence", "file", "folder", "far"))
    assert found.why == "it passed before sequence, file, folder, far landed"


def test_whoever_was_with_it_in_a_tree_that_passed_is_acquitted() -> None:
    tests = [passed("a", "mine", onto="start"), passed("b", "mine", onto="start")]
    found = named([*tests, *landed("start", "a", "b", "c")])
    assert found is not None
    assert found.branch == "c"


def test_a_test_that_began_before_a_landing_says_nothing_of_it() -> None:
    """With more than one worker it is told of afterwards."""
    found = named([*landed("start", "a"), passed("mine", onto="start")])
    assert found is not None
    assert found.branch == "a"


def test_where_others_moved_the_target_as_well_it_may_be_their_work_and_nobody_is_named() -> None:
    moved = Moved(before=Oid("start"), after=Oid("theirs"))
    assert named([passed("mine", onto="start"), moved, *landed("theirs", "a")]) is None


def test_two_files_of_one_number_point_to_each_other() -> None:
    """Also where the branch was never seen to pass; another number, folder or the same file points to nobody."""
    paths = {
        "mine": {"db/0007_mine.sql", "same/1.txt"},
        "a": {"db/7_a.sql"},
        "b": {"db/0008_b.sql", "db2/0007.sql", "same/1.txt"},
    }
    found = named(landed("start", "a", "b"), paths)
    why = "it may be because a has db/7_a.sql, of the same number"
    assert found == Partner(BranchName("a"), why, (BranchName("a"),), suspected=True)
    found = named([passed("mine", onto="start"), *landed("start", "b", "a")], paths)
    assert found is not None
    assert (found.branch, found.among) == ("a", ("a", "b"))
    found = named(landed("start", "b", "c"), paths)
    assert found is not None
    assert found.branch is None


def test_the_only_one_that_landed_is_suspected_where_the_branch_was_never_green_without_it() -> None:
    """It may be red by itself: the words leave that open. Where others moved the target too, nobody is named."""
    suspicion = "it may be because a landed before: it was never seen to pass without that"
    assert named(landed("start", "a")) == Partner(BranchName("a"), suspicion, (BranchName("a"),), suspected=True)
    assert named([Moved(before=Oid("start"), after=Oid("theirs")), *landed("theirs", "a")]) is None


def test_of_several_that_landed_before_a_branch_that_was_never_green_none_is_the_partner() -> None:
    paths = {"b": {"src/b.py"}}
    said = "it was never seen to pass without b, a: it may not fit one of them"
    among = (BranchName("b"), BranchName("a"))
    assert named(landed("start", "a", "b"), paths) == Partner(None, said, among, suspected=True)
    assert named([Moved(before=Oid("start"), after=Oid("theirs")), *landed("theirs", "a", "b")], paths) is None
    many = named(landed("start", *(f"l{number}" for number in range(11))))
    assert many is not None
    assert (len(many.among), "l7 and 3 more: it may" in many.why) == (8, True)


def test_whoever_landed_after_the_branch_was_red_alone_is_not_suspected() -> None:
    red = passed("mine", onto="a")
    red = msgspec.structs.replace(red, result=replace(red.result, verdict=GateVerdict.FAILED))
    with_others = msgspec.structs.replace(red, branches=(BranchName("b"), MINE), onto=Oid("start"))
    found = named([with_others, *landed("start", "a"), red, *landed("a", "b")])
    assert found is not None
    assert found.among == ("a",)
    assert named([msgspec.structs.replace(red, onto=Oid("start")), *landed("start", "a", "b")]) is None


def test_nothing_landed_or_nothing_known_names_nobody() -> None:
    assert named([passed("mine", onto="start")]) is None
    assert named([*landed("start", "a"), passed("mine", onto="a")]) is None


def test_two_migrations_of_one_number_are_a_pair(sandbox: SandboxMaker) -> None:
    steps = {name: {f"migrations/0002_{name}.sql": "x\n"} for name in ("agent-a", "agent-b")}
    box = sandbox(base({"migrations/0001.sql": "x\n"}), *(step(name, files) for name, files in steps.items()))
    ran = box.integrate(*steps, gate="! ls migrations | cut -c1-4 | sort | uniq -d | grep -q .")
    assert ran.outcomes == {"agent-a": "landed by rebase", "agent-b": "set-aside: gate"}
    back = ran.branches["agent-b"]
    assert back["partner"] == "agent-a"
    assert back["why"].endswith("; it may be because agent-a has migrations/0002_agent-a.sql, of the same number")


@pytest.mark.parametrize("queue", ["auto", "serial"])
def test_a_pair_that_was_never_tested_apart_is_told_of_without_naming_one(sandbox: SandboxMaker, queue: str) -> None:
    """The head says no name, the brief has all of them."""
    files = {"agent-a": "r/a.txt", "agent-b": "docs/b.txt", "agent-c": "r/c.txt", "agent-d": "r/d.txt"}
    lines = {"agent-a": "route 7\n", "agent-d": "route 7\n"}
    steps = [step(name, {path: lines.get(name, f"{name}\n")}) for name, path in files.items()]
    box = sandbox(base({"r/base.txt": "base\n"}), *steps)
    ran = box.integrate(*files, "--queue", queue, gate="! cat r/*.txt | sort | uniq -d | grep -q .")
    back = ran.branches["agent-d"]
    assert (back["partner"], back["partners"]) == (None, ["agent-a", "agent-c", "agent-b"])
    assert back["why"].endswith(
        "; it was never seen to pass without agent-a, agent-c, agent-b: it may not fit one of them"
    )
    assert back["suspected"]
    brief = Path(back["retry"]).read_text()
    assert all(f"The other side: `{name}`, which landed before" in brief for name in back["partners"])
    told = box.gitbot("runs", "last").out
    assert "! agent-d  set-aside: gate\n" in told


def test_who_was_green_alone_in_an_earlier_run_is_a_pair_with_whoever_landed_in_this_one(
    sandbox: SandboxMaker,
) -> None:
    steps = {name: {f"ids/{name}.txt": "7\n"} for name in ("agent-a", "agent-b")}
    box = sandbox(base({"ids/index.txt": "1\n"}), *(step(name, files) for name, files in steps.items()))
    gate = "! cat ids/* | sort | uniq -d | grep -q ."
    for name in steps:
        assert box.integrate(name, gate=gate).outcomes == {name: "landed by rebase"}
        assert box.gitbot("undo", "last").code == 0
    ran = box.integrate(*steps, gate=gate)
    assert ran.outcomes == {"agent-a": "landed by rebase", "agent-b": "set-aside: gate"}
    back = ran.branches["agent-b"]
    assert (back["partner"], back["why"].endswith("; it passed before agent-a landed")) == ("agent-a", True)
    assert back["partners"] == ["agent-a"]


def test_two_handlers_of_one_route_are_a_pair_for_whoever_was_green_before(sandbox: SandboxMaker) -> None:
    """Two workers, each with a group of its own: both were green apart, and the brief has who came between."""
    steps = {f"agent-{number:02}": {f"{number}.txt": "x\n"} for number in range(1, 11)}
    steps |= {"agent-01": {"routes/a.txt": "/users\n"}, "agent-11": {"routes/b.txt": "/users\n"}}
    box = sandbox(base({"routes/index.txt": "/\n"}), *(step(name, files) for name, files in steps.items()))
    ran = box.integrate("agent-*", "--jobs", "2", gate="! cat routes/*.txt | sort | uniq -d | grep -q .")
    pair = {"agent-01", "agent-11"}
    [(name, back)] = [(name, one) for name, one in ran.branches.items() if one["reason"] == "gate"]
    [other] = pair - {name}  # who is first is a matter of time
    assert (back["partner"], back["partners"][0], f"it passed before {other}" in back["why"]) == (other, other, True)
    brief = Path(back["retry"]).read_text()
    assert f"it passed before {other}" in brief
    assert f"The other side: `{other}`, which landed before" in brief
