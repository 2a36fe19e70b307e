"""What is learnt from earlier runs: who breaks the target, how long the gate takes, whether it flakes."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from gitbot.landing import search
from gitbot.landing.chances import Features, Past, chances, confirmations, expected_seconds, features, past_of
from gitbot.model.gate import GateKey, GateResult, GateVerdict
from gitbot.model.git import BranchName, Oid, RefName
from gitbot.model.run import BranchReport, Entry, Outcome, Reason, Record, Request, RunId, Settled, Started, Tested

TIP = Oid("1" * 40)
RATES = {"wild": 0.30, "ada": 0.02, "grace": 0.02, "mary": 0.02, "jean": 0.02}
AREAS = ("docs", "src/api", "src/web", "tests")


def record_of(branches: int, seed: int) -> list[Past]:
    """Runs of five branches, one of each agent, all of them at home in every folder; the latest is of age 0."""
    dice = random.Random(seed)
    return [
        Past(Features(agent, tuple(dice.sample(AREAS, 2))), dice.random() < rate, age)
        for age in reversed(range(branches))
        for agent, rate in RATES.items()
    ]


def test_without_a_record_one_of_ten_is_expected_to_be_red() -> None:
    assert chances((), (Features("ada", ("docs",)), Features("", ()))) == (0.1, 0.1)


def test_thirty_branches_tell_a_careless_agent_from_careful_ones() -> None:
    asked = [Features(agent, AREAS[:2]) for agent in RATES]
    found = [chances(record_of(30, seed), asked) for seed in range(100)]
    assert sum(wild > max(careful) for wild, *careful in found) >= 98
    mean = [sum(column) / len(found) for column in zip(*found, strict=True)]
    assert 0.20 < mean[0] < 0.30
    assert max(mean[1:]) < 0.05


def test_a_folder_in_which_everybody_fails_counts_against_a_newcomer() -> None:
    past = [Past(Features(agent, (area,)), area == "db", 0) for agent in RATES for area in ("db", *AREAS)]
    there, elsewhere = chances(past, [Features("new", ("db",)), Features("new", ("docs",))])
    assert there > 3 * elsewhere


def test_nobody_pays_for_a_careless_agent_that_works_in_the_same_folder() -> None:
    past = [Past(Features(agent, ("src/api",)), agent == "wild", 0) for agent in ("wild", "ada") for _ in range(20)]
    ada, alone = chances(past, [Features("ada", ("src/api",)), Features("ada", ())])
    assert ada == pytest.approx(alone, rel=0.2)


def test_what_is_long_ago_counts_little() -> None:
    def chance(age: int) -> float:
        return chances([Past(Features("ada", ()), True, age)] * 2, [Features("ada", ())])[0]

    assert chance(0) > chance(30) > chance(300)
    assert chance(300) == pytest.approx(0.1, abs=0.01)


PAST = st.builds(
    Past,
    st.builds(Features, st.sampled_from("ab"), st.lists(st.sampled_from("xyz"), max_size=3).map(tuple)),
    st.booleans(),
    st.integers(0, 10_000),
)


@given(st.lists(PAST, max_size=60))
def test_a_chance_is_never_certain(past: list[Past]) -> None:
    for chance in chances(past, [one.features for one in past] + [Features("new", ("new",))]):
        assert search.LEAST <= chance <= search.MOST


def runs_needed(red: Sequence[bool], guessed: Sequence[float]) -> int:
    """Gate runs until every branch has its verdict, when the search goes by these chances."""
    order = sorted(range(len(red)), key=lambda i: guessed[i])
    tainted = count = 0
    while order:
        if tainted == 1:
            order, tainted = order[1:], 0
            continue
        left = [guessed[i] for i in order]
        size = search.split(left, tainted) if tainted else search.group(left)
        count += 1
        if any(red[i] for i in order[:size]):
            tainted = size
        else:
            order, tainted = order[size:], max(0, tainted - size)
    return count


def test_what_was_learnt_costs_hardly_more_runs_than_the_truth_and_less_than_knowing_nothing() -> None:
    dice = random.Random(5)
    work = [Features(agent, AREAS[:2]) for agent in RATES for _ in range(4)]
    truth = [RATES[one.agent] for one in work]
    true = learnt = ignorant = 0
    for seed in range(40):
        guessed = chances(record_of(30, seed), work)
        red = [dice.random() < rate for rate in truth]
        true += runs_needed(red, truth)
        learnt += runs_needed(red, guessed)
        ignorant += runs_needed(red, [0.1] * len(work))
    assert learnt <= 1.1 * true
    assert learnt < 0.9 * ignorant


@pytest.mark.parametrize(
    ("name", "agent", "paths", "expected"),
    [
        (
            "agent-lexer",
            "claude",
            ("src/lexer/a.py", "src/lexer/b.py", "docs/x/y.md"),
            ("claude", "src/lexer", "docs"),
        ),
        ("claude/fix-it", None, ("README.md", "src/main.py"), ("claude", ".", "src")),
        ("lexer", None, (), ("lexer",)),
        ("-x", "", ("packages/web/src/a.ts", "packages/web/b.ts"), ("", "packages/web")),
    ],
)
def test_a_branch_is_known_by_its_agent_and_its_folders(
    name: str, agent: str | None, paths: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    assert features(BranchName(name), agent, paths) == Features(expected[0], expected[1:])


def test_only_the_folders_that_are_touched_most_count_and_what_is_no_text_can_be_written_down() -> None:
    paths = [f"{number}/file" for number in range(12)] + ["\udcff/a", "\udcff/b", "x" * 5000 + "/a"]
    found = features(BranchName("a"), None, paths)
    assert found.areas[0] == "?"
    assert len(found.areas) == 8
    assert all(len(area) <= 100 for area in found.areas)


def run_of(*records: Record, gate: str | None = "make test") -> tuple[Record, ...]:
    entries = [
        Entry(name=BranchName(name), tip=TIP, backup=RefName("refs/gitbot/backup/x/1"), agent="ada", areas=("docs",))
        for name in ("a", "b", "c", "d", "e")
    ]
    request = Request(names=("*",), target=RefName("refs/heads/main"), gate=gate)
    run = RunId("20260101T000000Z-0000")
    started = Started(
        run=run, time=1.0, request=request, before=TIP, identity=("", ""), entries=tuple(entries), config={}
    )
    return (started, *records)


def settled(
    name: str, outcome: Outcome = Outcome.SET_ASIDE, reason: Reason | None = None, log: str | None = None
) -> Settled:
    report = BranchReport(branch=BranchName(name), tip=TIP, outcome=outcome, why="", reason=reason, log=log)
    return Settled(report=report)


def test_only_landings_and_rejections_by_the_gate_are_evidence() -> None:
    newest = run_of(
        settled("a", Outcome.LANDED),
        settled("b", reason=Reason.GATE, log="gate-001.log"),
        settled("c", reason=Reason.CONFLICT, log="gate-002.log"),
        settled("d", reason=Reason.CONFLICT),
        settled("e", Outcome.WAITING, Reason.INTERRUPTED),
    )
    older = run_of(*(settled(name, reason=Reason.INFRA) for name in "ab"), settled("c", reason=Reason.BLOCKED))
    untested = run_of(settled("a", Outcome.LANDED), gate=None)
    oldest = run_of(settled("a", Outcome.EMPTY), settled("b", Outcome.LANDED))
    work = Features("ada", ("docs",))
    assert past_of([newest, older, untested, oldest]) == (
        Past(work, False, 0),
        Past(work, True, 0),
        Past(work, True, 0),
        Past(work, False, 3),
    )


def test_branches_of_before_agents_and_folders_were_kept_still_tell_the_rate_of_the_repository() -> None:
    started, landed = run_of(settled("a", Outcome.LANDED))
    assert isinstance(started, Started)
    bare = tuple(replace(entry, agent=None, areas=()) for entry in started.entries)
    assert past_of([(replace(started, entries=bare), landed)]) == (Past(Features("", ()), False, 0),)


def gate_run(seconds: float, verdict: GateVerdict = GateVerdict.PASSED, *, cached: bool = False) -> Tested:
    result = GateResult(GateKey("key"), TIP, verdict, 0, seconds, None, None, TIP, "run", 2.0)
    return Tested(branches=(), result=result, cached=cached)


def test_a_gate_is_expected_to_take_as_long_as_its_latest_passes() -> None:
    latest = run_of(gate_run(60.0), gate_run(10.0), gate_run(1.0, GateVerdict.FAILED), gate_run(2.0, cached=True))
    other = run_of(gate_run(7.0), gate="make other")
    older = run_of(gate_run(900.0), gate_run(11.0), gate_run(12.0), gate_run(13.0))
    assert expected_seconds([latest, other, older], "make test") == 12.0
    assert expected_seconds([latest], "make test") == 35.0
    assert expected_seconds([latest, older], "make nothing") is None


def test_a_gate_is_asked_again_until_it_is_known_not_to_flake() -> None:
    assert [confirmations(99, 0.0), confirmations(100, 0.01), confirmations(1000, 0.02)] == [1, 0, 1]
