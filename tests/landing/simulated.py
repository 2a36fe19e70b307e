"""A landing queue on paper: no git, no gate, only which branches are bad and how often a good tree shows red."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from gitbot.landing import groups
from gitbot.landing.queue import (
    Close,
    Done,
    Examine,
    Examined,
    Facts,
    Hold,
    Land,
    Running,
    SetAside,
    Sighting,
    Step,
    Stop,
    TargetRed,
    Test,
    TestTarget,
    Wait,
)
from gitbot.model.gate import GateVerdict
from gitbot.model.git import BranchName, Oid, RefName
from gitbot.model.merge import Candidate, Conflict, ConflictedPath, Strategy
from gitbot.model.run import BranchReport, Entry, Outcome

Decide = Callable[[Facts], tuple[Step, ...]]
MAIN = Oid("main")
MOST_ROUNDS = 20_000  # decisions; a queue that needs more goes round in circles


@dataclass(slots=True)
class World:
    """What is true of the branches `0`, `1`, … and not known to the queue."""

    bad: frozenset[int] = frozenset()  # red by themselves
    pairs: frozenset[frozenset[int]] = frozenset()  # red together
    conflicts: frozenset[frozenset[int]] = frozenset()  # do not merge together
    flaky: float = 0.0  # share of runs in which a good tree shows red

    def is_red(self, members: Sequence[int]) -> bool:
        """Whether their tree is, without flakes."""
        return not self.bad.isdisjoint(members) or any(pair.issubset(members) for pair in self.pairs)

    def rivals(self, number: int) -> list[int]:
        """What does not merge with it."""
        return sorted(other for pair in self.conflicts if number in pair for other in pair - {number})


@dataclass(slots=True)
class Played:
    """What a whole run came to; `runs` has those that were stopped, `time` and `work` count in runs of the gate.

    `work` is the time of all workers: a run that was stopped counts for as long as it ran.
    """

    landed: list[int] = field(default_factory=list)
    returned: list[int] = field(default_factory=list)
    runs: int = 0
    time: float = 0.0
    work: float = 0.0


def play(
    world: World,
    chances: Sequence[float],
    *,
    workers: int = 1,
    confirm: int = 0,
    seed: int = 0,
    decide: Decide = groups.decide,
) -> Played:
    """Let a queue decide until every branch has its verdict, and watch that it keeps the rules on the way."""
    rng, played = random.Random(seed), Played()
    entries = tuple(entry(number, chance, world.rivals(number)) for number, chance in enumerate(chances))
    tip, under_way = MAIN, dict[Oid, tuple[tuple[BranchName, ...], float]]()
    reports: dict[BranchName, BranchReport] = {}
    examined: dict[tuple[BranchName, Oid], Examined] = {}
    seen = [Sighting(MAIN, (), GateVerdict.PASSED)]
    for _ in range(MOST_ROUNDS):
        running = tuple(Running(tree, names) for tree, (names, _) in under_way.items())
        facts = Facts(
            entries, reports, examined, tuple(seen), tip, tip, confirm=confirm, running=running, workers=workers
        )
        steps = decide(facts)
        assert steps
        for step in steps:
            match step:
                case Done():
                    assert not under_way
                    return played
                case Examine():
                    examined[step.entry.name, step.onto] = merged(world, step.entry.name, step.onto)
                case Test() | TestTarget():
                    tree, names = (step.tree, step.branches) if isinstance(step, Test) else (tip, ())
                    assert tree not in under_way
                    assert len(under_way) < workers
                    under_way[tree] = names, played.time + 1
                    played.runs += 1
                case Stop():
                    _, due = under_way.pop(step.tree)
                    played.work += 1 - (due - played.time)
                case Land():
                    tip = step.chain[-1].candidate.commit
                    assert step.chain[0].candidate.base == facts.tip
                    assert any(one.tree == tip and one.verdict is GateVerdict.PASSED for one in seen), "untested"
                    assert not world.is_red(members(tip)), "a red target"
                    for link in step.chain:
                        played.landed.append(int(link.entry.name))
                        reports[link.entry.name] = report(link.entry.name, Outcome.LANDED)
                case SetAside():
                    played.returned.append(int(step.entry.name))
                    reports[step.entry.name] = report(step.entry.name, Outcome.SET_ASIDE)
                case Wait():
                    pass
                case Hold() | Close() | TargetRed():
                    raise AssertionError(step)
        if any(isinstance(step, Wait) for step in steps):
            played.time = min(due for _, due in under_way.values())
            for tree in [one for one, (_, due) in under_way.items() if due <= played.time]:  # as `Underway.answers`
                names, _ = under_way.pop(tree)
                played.work += 1
                red = world.is_red(members(tree)) or rng.random() < world.flaky
                seen.append(Sighting(tree, names, GateVerdict.FAILED if red else GateVerdict.PASSED))
    raise AssertionError("it goes round in circles")


def entry(number: int, chance: float, rivals: Iterable[int] = ()) -> Entry:
    """A branch named by its number."""
    return Entry(
        name=BranchName(str(number)),
        tip=Oid(f"tip {number}"),
        backup=RefName(f"backup/{number}"),
        chance=chance,
        behind=tuple(BranchName(str(one)) for one in rivals if one < number),
    )


def members(tree: Oid) -> list[int]:
    """Who is in a tree; in this world it is the commit as well, and its own description."""
    return [int(name) for name in tree.split("+")[1:]]


def merged(world: World, name: BranchName, onto: Oid) -> Examined:
    """The branch on a commit."""
    there = members(onto)
    if any(frozenset([int(name), other]) in world.conflicts for other in there):
        return Conflict(name, Oid(f"tip {name}"), onto, (ConflictedPath("a", "contents"),), "")
    commit = Oid(f"{onto}+{name}")
    return (Candidate(name, Oid(f"tip {name}"), onto, commit, commit, (commit,), Strategy.REBASE, ""),)


def report(name: BranchName, outcome: Outcome) -> BranchReport:
    """The end of a branch."""
    return BranchReport(branch=name, tip=Oid(""), outcome=outcome, why="")
