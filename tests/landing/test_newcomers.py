"""With whom a branch is red that passed before: read from the records of a run, without another run of the gate."""

from __future__ import annotations

from pathlib import Path

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
    """By numbers in common, folders of numbered files, files, folders; nobody says which of them it is."""
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
    assert (found.branch, found.among) == (None, ("sequence", "file", "folder", "far"))
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


def test_where_others_moved_the_target_as_well_it_may_be_their_work() -> None:
    moved = Moved(before=Oid("start"), after=Oid("theirs"))
    found = named([passed("mine", onto="start"), moved, *landed("theirs", "a")])
    assert found is not None
    assert (found.branch, found.among) == (None, ("a",))


def test_two_files_of_one_number_point_to_each_other() -> None:
    """Also where the branch was never seen to pass; another number, folder or the same file points to nobody."""
    paths = {
        "mine": {"db/0007_mine.sql", "same/1.txt"},
        "a": {"db/7_a.sql"},
        "b": {"db/0008_b.sql", "db2/0007.sql", "same/1.txt"},
    }
    found = named(landed("start", "a", "b"), paths)
    assert found == Partner(
        BranchName("a"), "it may be because a has db/7_a.sql, of the same number", (BranchName("a"),)
    )
    found = named([passed("mine", onto="start"), *landed("start", "b", "a")], paths)
    assert found is not None
    assert (found.branch, found.among) == ("a", ("a", "b"))
    assert named(landed("start", "b", "c"), paths) is None


def test_the_only_one_that_landed_is_suspected_where_the_branch_was_never_tested_without_it() -> None:
    """A suspicion, worded as one, and nobody is named; of several nobody is spoken of."""
    why = "it may be because a landed before: without that it was not tested"
    assert named(landed("start", "a")) == Partner(None, why, (BranchName("a"),))
    assert named([Moved(before=Oid("start"), after=Oid("theirs")), *landed("theirs", "a")]) is None


def test_nothing_landed_or_nothing_known_names_nobody() -> None:
    assert named([passed("mine", onto="start")]) is None
    assert named(landed("start", "a", "b")) is None
    assert named([*landed("start", "a"), passed("mine", onto="a")]) is None


def test_two_migrations_of_one_number_are_a_pair(sandbox: SandboxMaker) -> None:
    steps = {name: {f"migrations/0002_{name}.sql": "x\n"} for name in ("agent-a", "agent-b")}
    box = sandbox(base({"migrations/0001.sql": "x\n"}), *(step(name, files) for name, files in steps.items()))
    ran = box.integrate(*steps, gate="! ls migrations | cut -c1-4 | sort | uniq -d | grep -q .")
    assert ran.outcomes == {"agent-a": "landed by rebase", "agent-b": "set-aside: gate"}
    back = ran.branches["agent-b"]
    assert back["partner"] == "agent-a"
    assert back["why"].endswith("; it may be because agent-a has migrations/0002_agent-a.sql, of the same number")


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


def test_two_handlers_of_one_route_are_a_pair_for_whoever_was_green_before(sandbox: SandboxMaker) -> None:
    """Two workers, each with a group of its own: both were green apart, and the brief has who came between."""
    steps = {f"agent-{number:02}": {f"{number}.txt": "x\n"} for number in range(1, 11)}
    steps |= {"agent-01": {"routes/a.txt": "/users\n"}, "agent-11": {"routes/b.txt": "/users\n"}}
    box = sandbox(base({"routes/index.txt": "/\n"}), *(step(name, files) for name, files in steps.items()))
    ran = box.integrate("agent-*", "--jobs", "2", gate="! cat routes/*.txt | sort | uniq -d | grep -q .")
    pair = {"agent-01", "agent-11"}
    [(name, back)] = [(name, one) for name, one in ran.branches.items() if one["reason"] == "gate"]
    [other] = pair - {name}  # who is first is a matter of time
    assert f"it passed before {other}" in back["why"]
    brief = Path(back["retry"]).read_text()
    assert f"it passed before {other}" in brief
    assert f"The other side: `{other}`, which landed before" in brief
