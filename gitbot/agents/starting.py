"""Agents of one plan set under way: a branch, a work tree and a command for each, side by side, to a known end.

What an agent did is read where it left it: its branch, its plan there, its events. So nothing has to be remembered:
killed at any moment, the same command goes on with whoever is not done.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from gitbot.agents.placing import place
from gitbot.agents.running import Job, filled, side_by_side
from gitbot.agents.waiting import NamedCommit, Wanted, wait
from gitbot.errors import InputError, RiskError
from gitbot.guard.landed import landed_plans, landings
from gitbot.journal import attendance, events, runs
from gitbot.model.brief import Brief
from gitbot.model.event import Data, Event, of_the_round
from gitbot.model.git import BranchName, Oid, RefName
from gitbot.model.plan import Plan, PlanId
from gitbot.model.run import Outcome, RunId, Settled
from gitbot.monitor.standing import ENDED, STARTED, Standing, read_standing
from gitbot.planset import InForce, in_force_plans, plans_of
from gitbot.process import Ended
from gitbot.repository import Repository, checkouts, refs
from gitbot.repository.workbench import Workbench

# What git sets for a hook: an agent in another work tree would work on the wrong one. Who it is stays.
_OF_A_REPOSITORY = frozenset(
    f"GIT_{name}"
    for name in (
        *("DIR", "WORK_TREE", "COMMON_DIR", "INDEX_FILE", "OBJECT_DIRECTORY", "ALTERNATE_OBJECT_DIRECTORIES"),
        *("PREFIX", "NAMESPACE", "QUARANTINE_PATH"),
    )
)
State = Literal["placed", "waiting", "running", "done", "ended", "failed", "stuck", "stopped"]
"""`ended`: its command left with 0 and nobody says that the plan is done."""
Among = Literal["all", "undone", "unended"]
GOOD: tuple[State, ...] = ("placed", "done", "ended")


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked for every agent."""

    command: tuple[str, ...] = ()  # (): only branches and work trees
    limit: int = 64  # commands at once
    seconds: float = 86_400  # for one command
    every: float | None = None  # seconds from one iteration to the next; None: one is all
    iterations: int = 1000  # at most


@dataclass(frozen=True, slots=True)
class Awaited:
    """Something that an agent waits for, and the plans that may say it."""

    wanted: Wanted
    makers: frozenset[PlanId]


@dataclass(slots=True)
class Agent:
    """One of them, and how far it has come."""

    plans: tuple[Plan, ...]  # those of its branch; () for a branch that belongs to none
    branch: BranchName
    brief: str
    folder: Path  # its work tree, where that is or is to be
    start: Oid | None = None  # where a branch that is new begins; None: where the target is
    waits: tuple[Awaited, ...] = ()  # events and commits that have to be there before it starts
    needs: frozenset[PlanId] = frozenset()  # plans that have to have landed before
    state: State = "waiting"
    made: bool = False  # its work tree was made now
    reason: str | None = None
    status: int | None = None  # of its last command
    seconds: float = 0.0
    rounds: int = 0
    due: float = 0.0  # when its next command may begin
    log: Path | None = None
    placed: bool = False
    lock: int | None = None  # held from its first command until its last has ended

    @property
    def name(self) -> str:
        """As events know it."""
        return self.plans[0].id if self.plans else self.branch


def agents_of(
    briefs: Iterable[tuple[Brief, str]], branches: Mapping[PlanId, str], target: RefName, *, on_events: bool
) -> list[Agent]:
    """One for each brief and its text.

    `on_events`: each begins when what its plan waits for is there, instead of its agent waiting for it.
    """
    found: dict[str, Agent] = {}
    for brief, text in briefs:
        branch = brief.branch.casefold()
        agent = found.setdefault(branch, Agent((), BranchName(brief.branch), "", Path(brief.work_tree)))
        agent.plans = (*agent.plans, brief.plan)  # plans of one branch have one agent
        agent.brief += ("\n\n" if agent.brief else "") + text
        if on_events:
            agent.waits += tuple(_awaited(brief, branches, target))
            agent.needs |= {edge.before for edge in brief.after}
    return list(found.values())


def _awaited(brief: Brief, branches: Mapping[PlanId, str], target: RefName) -> Iterator[Awaited]:
    for one in brief.waits:
        if one.kind == "event":
            yield Awaited(Wanted((one.name,)), frozenset(one.plans))
        elif one.plans:
            commit = NamedCommit(one.name, branches[one.plans[0]], target)
            yield Awaited(Wanted(commit=commit), frozenset(one.plans))


def agents_again(repository: Repository, force: InForce, run: RunId, root: Path) -> list[Agent]:
    """Those whose branches went back in a run, each with the brief that it was given back with.

    A remote's branch is gone on with in a local one of its name. Patches have no agent.

    Raises:
        InputError: the run set none aside with a brief.
    """
    plans = in_force_plans(repository, force.target, force.config)
    records, files = runs.read(repository, run), dict(runs.Journal(repository, run).files())
    known = refs.branches(repository)
    trees = {tree.branch: Path(tree.path) for tree in checkouts.work_trees(repository)}
    found = []
    for report in (one.report for one in records if isinstance(one, Settled)):
        text = files.get(report.retry or "", b"").decode("utf-8", "replace")
        ref = known.get(report.branch)
        if report.outcome is Outcome.SET_ASIDE and text and ref is not None:
            remote = ref.startswith(refs.REMOTES)
            name = BranchName(report.branch.partition("/")[2]) if remote else report.branch
            beside = root.with_name(f"{root.name}-{attendance.slug(name)}")
            folder = trees.get(RefName(refs.HEADS + name), beside)
            start = refs.read(repository, ref) if remote else None
            found.append(Agent(plans_of(name, plans, force.config), name, text, folder, start=start))
    if not found:
        raise InputError(f"run {run} set no branch aside with a brief", hint="gitbot runs lists the runs")
    return found


def landed_now(repository: Repository, force: InForce) -> frozenset[PlanId]:
    """The plans whose work the target has."""
    tip = refs.read(repository, force.target)
    plans = in_force_plans(repository, force.target, force.config).plans
    if tip is None:
        return frozenset()
    with (
        tempfile.TemporaryDirectory(prefix="gitbot-") as folder,
        Workbench(repository, Path(folder, "scratch"), tip) as bench,
    ):
        return landed_plans(bench, plans, tip, force.config, landings(repository, tip))


@dataclass(slots=True)
class Session:
    """One start: what it works on, and what it tells whoever looks on."""

    repository: Repository
    force: InForce
    env: Mapping[str, str]
    order: Order
    tell: Callable[[Agent], None] = lambda agent: None  # after every change of an agent's state
    cancelled: Event | None = None
    begun: float = field(default_factory=time.time)  # failures that cancel count from then on
    _seen: object = None
    _missing: dict[str, tuple[object, list[tuple[frozenset[PlanId], str]]]] = field(default_factory=dict)

    def place(self, agents: Iterable[Agent]) -> None:
        """A branch and a work tree for each, and its brief in a file; those that wait get theirs when they begin.

        Raises:
            RiskError: one of them is in the way, or git refused.
        """
        for agent in agents:
            if not (agent.waits or agent.needs):
                self._place(agent)
            if agent.placed and not self.order.command:
                self._settle(agent, "placed")

    def _place(self, agent: Agent) -> None:
        tip = agent.start or refs.read(self.repository, self.force.target)
        assert tip is not None
        agent.branch, agent.folder, agent.made = place(self.repository, agent.branch, agent.folder, tip)
        self.brief_file(agent).parent.mkdir(parents=True, exist_ok=True)
        self.brief_file(agent).write_text(agent.brief, encoding="utf-8", errors="backslashreplace")
        agent.placed = True

    def brief_file(self, agent: Agent) -> Path:
        """Where a person or a command can read the brief; not in the work tree, where it would be a change."""
        return attendance.folder(self.repository, agent.branch) / "brief.md"

    def run(self, agents: Sequence[Agent], *, among: Among) -> None:
        """Run the command of each to its end: of all, of those not done, or also not of whom it ended well before."""
        by_name = {agent.name: agent for agent in agents}
        for agent in agents if among != "all" else ():
            self._look(agent, again=among == "undone")
        try:
            side_by_side(
                lambda: self._due(agents),
                self.order.limit,
                begun=lambda job: self._begin(by_name[job.name]),
                ended=lambda job, end: self._end(by_name[job.name], end),
                is_over=self.is_cancelled,
            )
        finally:
            for agent in agents:
                if agent.lock is not None:
                    os.close(agent.lock)
                    agent.lock = None
        for agent in agents:
            if agent.state in ("waiting", "running"):
                self._settle(agent, "stopped", _in_words(self.cancelled) if self.cancelled else "it was never due")

    def standing(self, agent: Agent) -> Standing:
        """Where an agent is, by what it left."""
        tip = refs.read(self.repository, RefName(refs.HEADS + agent.branch))
        log = of_the_round(events.read(self.repository))
        onto = refs.read(self.repository, self.force.target)
        return read_standing(self.repository, self.force.config, agent.branch, onto, tip, agent.plans, log)

    def _look(self, agent: Agent, *, again: bool) -> None:
        """Whether an agent has anything left to do."""
        found = self.standing(agent)
        tip = refs.read(self.repository, RefName(refs.HEADS + agent.branch))
        if found.done:
            self._settle(agent, "done", "nothing is left to do")
        elif not again and found.stuck is None and found.ended is not None and _went_well(found.ended, tip):
            self._settle(agent, "ended", "its command has ended before")

    def _due(self, agents: Sequence[Agent]) -> Sequence[Job] | None:
        """The jobs that can begin now; None when no more will come."""
        now = time.time()
        if all(agent.state != "waiting" and not self._iterates(agent) for agent in agents):
            return None
        found: list[Job] = []
        for agent in agents:
            if agent.state == "waiting" and agent.due <= now and self._is_free(agent, agents):
                found += self._jobs(agent)
        return found

    def _jobs(self, agent: Agent) -> Iterator[Job]:
        """Its command, unless it cannot begin."""
        try:
            if not agent.placed:
                self._place(agent)
        except RiskError as refused:
            self._settle(agent, "failed", refused.message)
            return
        if agent.lock is None:
            agent.lock = attendance.attend(self.repository, agent.branch)
        if agent.lock is None:
            self._settle(agent, "stopped", "another gitbot start has it at work")
        else:
            agent.state = "running"
            yield self._job(agent, os.dup(agent.lock))

    def _iterates(self, agent: Agent) -> bool:
        return agent.state == "running" and self.order.every is not None

    def _is_free(self, agent: Agent, agents: Sequence[Agent]) -> bool:
        """Whether what an agent waits for is there; one that waits for what nobody will say is stopped."""
        if not (agent.waits or agent.needs) or agent.rounds:
            return True
        missing = self._missing_for(agent)
        if not missing:
            return True
        states = {plan.id: other.state for other in agents for plan in other.plans}
        for makers, word in missing:
            said = [states.get(maker) for maker in makers]
            over = said and all(state is not None and state not in ("waiting", "running") for state in said)
            lands = word.endswith(" to land") and any(state in GOOD for state in said)
            if over and not lands:
                self._settle(agent, "stopped", f"{word} will not come: {', '.join(sorted(makers))} ended without it")
                return False
        words = ", ".join(word for _, word in missing)
        if agent.reason != f"for {words}":
            self._settle(agent, "waiting", f"for {words}")
        return False

    def _missing_for(self, agent: Agent) -> list[tuple[frozenset[PlanId], str]]:
        """What is not there yet, each with the plans that may say it; looked up when something has happened."""
        now = (events.state(self.repository), refs.read(self.repository, self.force.target))
        known = self._missing.get(agent.name)
        if known is None or known[0] != now:
            answers = [(one.makers, wait(self.repository, one.wanted, seconds=0)) for one in agent.waits]
            found = [(makers, word) for makers, answer in answers for word in answer.missing]
            gone = agent.needs - landed_now(self.repository, self.force) if agent.needs else frozenset()
            found += [(frozenset((plan,)), f"{plan} to land") for plan in sorted(gone)]
            self._missing[agent.name] = known = (now, found)
        return known[1]

    def _job(self, agent: Agent, lock: int) -> Job:
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        file = self.brief_file(agent)
        agent.log = file.with_name(f"{stamp}-{agent.rounds + 1}.log")
        values = {
            "brief": agent.brief,
            "brief_file": str(file),
            "plan": agent.name,
            "branch": agent.branch,
            "work_tree": str(agent.folder),
        }
        known = {"GITBOT_PLAN": agent.name, "GITBOT_BRANCH": agent.branch, "GITBOT_BRIEF_FILE": str(file)}
        own = {name: value for name, value in self.env.items() if name not in _OF_A_REPOSITORY}
        command = filled(self.order.command, values)
        return Job(agent.name, command, agent.folder, own | known, self.order.seconds, agent.log, lock)

    def _begin(self, agent: Agent) -> None:
        agent.rounds += 1
        agent.due = time.time() + (self.order.every or 0)
        self._emit(agent, STARTED, {"branch": agent.branch, "round": agent.rounds})
        self._settle(agent, "running")

    def _end(self, agent: Agent, end: Ended) -> None:
        """What an agent's command came to, by how it ended and by what it left."""
        agent.status, agent.seconds = end.status, agent.seconds + end.seconds
        found = self.standing(agent)
        tip = refs.read(self.repository, RefName(refs.HEADS + agent.branch))
        said: Data = {"status": end.status, "tip": tip, "seconds": round(end.seconds, 1)}
        self._emit(agent, ENDED, said | ({"reason": _why(end)} if end.status != 0 else {}))
        if found.stuck is not None:
            self._settle(agent, "stuck", found.stuck)
        elif end.stopped:
            self._settle(agent, "stopped", _in_words(self.cancelled) if self.cancelled else "interrupted")
        elif found.done:
            self._settle(agent, "done")
        elif self.order.every is not None and agent.rounds < self.order.iterations:
            self._settle(agent, "waiting", _why(end))
        else:
            self._settle(agent, "ended" if end.status == 0 else "failed", _why(end))

    def _emit(self, agent: Agent, name: str, data: Data) -> None:
        events.emit(self.repository, name, now=time.time(), actor=agent.name, data=data)

    def _settle(self, agent: Agent, state: State, reason: str | None = None) -> None:
        agent.state, agent.reason = state, reason
        self.tell(agent)

    def failure(self) -> str | None:
        """Who has failed in a way that stops the others, in words; None when nobody has."""
        return _in_words(self.cancelled) if self.is_cancelled() and self.cancelled is not None else None

    def is_cancelled(self) -> bool:
        """Whether somebody has failed in a way that stops the others."""
        state = events.state(self.repository)
        if state != self._seen:
            self._seen = state
            late = (event for event in events.read(self.repository) if event.time >= self.begun and event.cancels)
            self.cancelled = next(late, None)
        return self.cancelled is not None


def _went_well(ended: Event, tip: Oid | None) -> bool:
    """Whether a command ended well, and the branch is as it left it."""
    return ended.data.get("status") == 0 and ended.data.get("tip") == tip


def _why(end: Ended) -> str | None:
    if end.error is not None:
        return f"its command could not start: {end.error}"
    if end.timed_out:
        return f"its command took longer than {end.seconds:.0f} s"
    if end.signal is not None:
        return f"its command was ended by signal {end.signal}"
    return f"its command left with {end.status}" if end.status else None


def _in_words(event: Event) -> str:
    reason = event.data.get("reason") or event.data.get("error")
    return f"{event.actor or event.clone[:7]} said {event.event}{f': {reason}' if reason else ''}"
