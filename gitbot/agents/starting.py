"""Agents of one plan set under way: a branch, a work tree and a command for each, side by side, to a known end.

What an agent did is read where it left it: its branch, its plan there, its events. So nothing has to be remembered:
killed at any moment, the same command goes on with whoever is not done.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile
from pathlib import Path
from typing import Literal

from gitbot.agents.placing import place
from gitbot.agents.running import Job, filled, side_by_side
from gitbot.agents.tidying import runs_onto
from gitbot.agents.waiting import NamedCommit, Wanted, wait
from gitbot.agents.watching import tried_before
from gitbot.errors import InputError, RiskError
from gitbot.guard.landed import Surveyed, landed_plans, landings
from gitbot.journal import attendance, events, runs
from gitbot.model.brief import Brief
from gitbot.model.event import Data, Event, of_the_round
from gitbot.model.git import BranchName, Oid, RefName
from gitbot.model.merge import Nothing
from gitbot.model.plan import Plan, PlanId, PlanSet
from gitbot.model.run import Outcome, Reason, RunId, Settled, Undone
from gitbot.monitor.standing import ENDED, STARTED, Standing, read_standing
from gitbot.planset import InForce, in_force_plans, plans_of
from gitbot.process import Ended
from gitbot.repository import Repository, checkouts, refs
from gitbot.repository.temporary import temporary_folder
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
_LASTING = (Reason.CONFLICT, Reason.GATE, Reason.OWNERSHIP)  # of a branch given back: no other try mends them


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
    began: Oid | None = None  # where its branch was when its last command began

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
    for agent in found.values():
        own = {plan.id for plan in agent.plans}  # for which it would wait for ever
        agent.needs -= own
        agent.waits = tuple(one for one in agent.waits if one.makers.isdisjoint(own))
    return list(found.values())


def _awaited(brief: Brief, branches: Mapping[PlanId, str], target: RefName) -> Iterator[Awaited]:
    for one in brief.waits:
        if one.kind == "event":
            yield Awaited(Wanted((one.name,)), frozenset(one.plans))
        elif one.plans:
            commit = NamedCommit(one.name, branches[one.plans[0]], target)
            yield Awaited(Wanted(commit=commit), frozenset(one.plans))


def agents_again(
    repository: Repository, force: InForce, run: RunId, root: Path, chosen: PlanSet | None
) -> tuple[list[Agent], list[str]]:
    """Those whose branches went back in a run, each with the brief that it was given back with; and who is left out.

    A remote's branch is gone on with in a local one of its name. Patches have no agent. `chosen`: none but theirs.

    Raises:
        InputError: the run set none aside with a brief, or none whose agent could be started.
    """
    plans = in_force_plans(repository, force.target, force.config)
    records, files = runs.read(repository, run), dict(runs.Journal(repository, run).files())
    known = refs.branches(repository)
    trees = {tree.branch: Path(tree.path) for tree in checkouts.work_trees(repository)}
    later = _landed_after(repository, run, force.target)
    found, left = [], dict[str, str]()
    for report in (one.report for one in records if isinstance(one, Settled)):
        text = files.get(report.retry or "", b"").decode("utf-8", "replace")
        ref = known.get(report.branch)
        if report.outcome is not Outcome.SET_ASIDE or not text:
            continue
        remote = ref is not None and ref.startswith(refs.REMOTES)
        name = BranchName(report.branch.partition("/")[2]) if remote else report.branch
        if chosen is not None and not plans_of(name, chosen, force.config):
            left[report.branch] = "is of no plan that was named"
        elif not later.isdisjoint((name, report.branch)):
            left[report.branch] = "has landed since"
        elif ref is None:
            left[report.branch] = "is gone"
        else:
            beside = root.with_name(f"{root.name}-{attendance.slug(name)}")
            folder = trees.get(RefName(refs.HEADS + name), beside)
            start = refs.read(repository, ref) if remote else None
            found.append(Agent(plans_of(name, plans, force.config), name, text, folder, start=start))
    words = [f"{branch} {why}" for branch, why in left.items()]
    if not found and "has landed since" not in left.values():
        why = "; ".join(words) or "it set no branch aside with a brief"
        raise InputError(f"of run {run} nothing can be started: {why}", hint="gitbot runs lists the runs")
    return found, words


def _landed_after(repository: Repository, run: RunId, target: RefName) -> set[BranchName]:
    """The branches that later runs of this clone found or made landed, and nobody took back."""
    later = takewhile(lambda one: one[0] > run, runs.own(repository))
    kept = [records for _, records in runs_onto(target, later) if not any(isinstance(one, Undone) for one in records)]
    reports = [one.report for records in kept for one in records if isinstance(one, Settled)]
    return {one.branch for one in reports if one.outcome in (Outcome.LANDED, Outcome.ALREADY_LANDED)}


def landed_now(repository: Repository, force: InForce, surveyed: Surveyed | None = None) -> frozenset[PlanId]:
    """The plans whose work the target has; what their branches have is put into `surveyed`."""
    tip = refs.read(repository, force.target)
    plans = in_force_plans(repository, force.target, force.config).plans
    if tip is None:
        return frozenset()
    with (
        temporary_folder() as folder,
        Workbench(repository, Path(folder, "scratch"), tip) as bench,
    ):
        return landed_plans(bench, plans, tip, force.config, landings(repository, tip), surveyed)


@dataclass(slots=True)
class Session:
    """One start: what it works on, and what it tells whoever looks on."""

    repository: Repository
    force: InForce
    env: Mapping[str, str]
    order: Order
    tell: Callable[[Agent], None] = lambda agent: None  # after every change of an agent's state
    cancelled: Event | None = None
    past: Container[str] = ()  # events of before it began, by whose failures nothing is cancelled
    _seen: object = None
    _looked: dict[str, object] = field(default_factory=dict)  # by agent: how all was when it was found not free
    _landed: tuple[object, frozenset[PlanId], Surveyed] = (None, frozenset(), {})

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
                begun=lambda job: self._begin(by_name[job.name], job.log),
                ended=lambda job, end: self._end(by_name[job.name], end),
                is_over=self.is_cancelled,
            )
        finally:
            for agent in agents:
                _release(agent)
        for agent in agents:
            if agent.state in ("waiting", "running"):
                self._settle(agent, "stopped", _in_words(self.cancelled) if self.cancelled else "it was never due")

    def standing(self, agent: Agent, *, heard: bool = False) -> Standing:
        """Where an agent is, by what it left; `heard`: by events alone."""
        tip = self._tip(agent)
        log = of_the_round(events.read(self.repository))
        onto = None if heard else refs.read(self.repository, self.force.target)
        plans = [replace(plan, tasks=()) for plan in agent.plans] if heard else None
        return read_standing(self.repository, self.force.config, agent.branch, onto, tip, agent.plans, log, plans)

    def _tip(self, agent: Agent) -> Oid | None:
        return refs.read(self.repository, RefName(refs.HEADS + agent.branch))

    def _look(self, agent: Agent, *, again: bool) -> None:
        """Whether an agent has anything left to do."""
        found, tip = self.standing(agent), self._tip(agent)
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
        happened = (events.state(self.repository), refs.read(self.repository, self.force.target))
        now = (happened, [other.state for other in agents])
        if self._looked.get(agent.name) == now:
            return False
        if self._landed[0] != happened:
            surveyed: Surveyed = {}
            self._landed = (happened, landed_now(self.repository, self.force, surveyed), surveyed)
        # After what has landed: who lands has said before what it has to say.
        answers = [(one.makers, wait(self.repository, one.wanted, seconds=0)) for one in agent.waits]
        words = [(makers, word) for makers, answer in answers for word in answer.missing]
        needs = sorted(agent.needs - self._landed[1])
        if not (words or needs):
            return True
        of_plan = {plan.id: other for other in agents for plan in other.plans}
        vain = next(filter(None, (self._why_in_vain(*one, of_plan) for one in words)), None)
        vain = vain or next(filter(None, (self._why_unlanded(plan, of_plan) for plan in needs)), None)
        reason = vain or f"for {', '.join((*(word for _, word in words), *(f'{plan} to land' for plan in needs)))}"
        if agent.reason != reason:
            self._settle(agent, "stopped" if vain else "waiting", reason)
        self._looked[agent.name] = now
        return False

    def _why_in_vain(self, makers: frozenset[PlanId], word: str, of_plan: Mapping[PlanId, Agent]) -> str | None:
        """Why what these plans may say will not come; None while one of them may."""
        over = [_is_over(of_plan[one]) if one in of_plan else one in self._landed[1] for one in makers]
        return f"{word} will not come: {', '.join(sorted(makers))} ended without it" if over and all(over) else None

    def _why_unlanded(self, plan: PlanId, of_plan: Mapping[PlanId, Agent]) -> str | None:
        """Why a plan will not land; None while it may, as one may whose agent is none of these."""
        maker = of_plan.get(plan)
        if maker is None or not _is_over(maker):
            return None
        if maker.state not in GOOD:
            return f"{plan} will not land: {maker.name} {maker.state}"
        if isinstance(self._landed[2].get(RefName(refs.HEADS + maker.branch)), Nothing):
            return f"{plan} will not land: {maker.branch} has nothing of its own"
        last = tried_before(self.repository, self.force.target).get(maker.branch)
        back = last is not None and last.tip == self._tip(maker) and last.reason in _LASTING
        return f"{plan} will not land: {maker.branch} was set aside" if back else None

    def _job(self, agent: Agent, lock: int) -> Job:
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        file = self.brief_file(agent)
        log = file.with_name(f"{stamp}-{agent.rounds + 1}.log")
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
        return Job(agent.name, command, agent.folder, own | known, self.order.seconds, log, lock)

    def _begin(self, agent: Agent, log: Path) -> None:
        agent.rounds, agent.log, agent.began = agent.rounds + 1, log, self._tip(agent)
        agent.due = time.time() + (self.order.every or 0)
        self._emit(agent, STARTED, {"branch": agent.branch, "round": agent.rounds})
        self._settle(agent, "running")

    def _end(self, agent: Agent, end: Ended) -> None:
        """What an agent's command came to, by how it ended and by what it left."""
        agent.status, agent.seconds = end.status, agent.seconds + end.seconds
        found, tip = self.standing(agent), self._tip(agent)
        said: Data = {"status": end.status, "tip": tip, "seconds": round(end.seconds, 1), "branch": agent.branch}
        said["before"] = refs.read(self.repository, self.force.target)
        self._emit(agent, ENDED, said | ({"reason": _why(end)} if end.status != 0 else {}))
        if found.stuck is not None:
            self._settle(agent, "stuck", found.stuck)
        elif end.stopped:
            self._settle(agent, "stopped", _in_words(self.cancelled) if self.cancelled else "interrupted")
        elif found.done and (tip != agent.began or self.standing(agent, heard=True).done):  # not by ticks of before
            self._settle(agent, "done")
        elif self.order.every is not None and agent.rounds < self.order.iterations:
            self._settle(agent, "waiting", _why(end))
        else:
            self._settle(agent, "ended" if end.status == 0 else "failed", _why(end))
        if agent.state != "waiting":
            _release(agent)

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
            log = of_the_round(events.read(self.repository))
            self.cancelled = next((event for event in log if event.cancels and event.id not in self.past), None)
        return self.cancelled is not None


def _release(agent: Agent) -> None:
    """From now on it is at work only as long as anything of its command lives."""
    if agent.lock is not None:
        os.close(agent.lock)
        agent.lock = None


def _is_over(agent: Agent) -> bool:
    return agent.state not in ("waiting", "running")


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
