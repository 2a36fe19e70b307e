"""`gitbot start`: agents set to work, each on a branch and in a work tree of its own."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import click

from gitbot.agents.briefs import briefs_of, templates_in_force
from gitbot.agents.landing import land, must_have_gate
from gitbot.agents.starting import GOOD, Agent, Among, Order, Session, agents_again, agents_of, landed_now
from gitbot.cli import Surroundings, console
from gitbot.cli.check import Checked, checked
from gitbot.cli.integrate import show
from gitbot.cli.progress import Watch
from gitbot.cli.wait import duration
from gitbot.errors import InputError, NoPlanError, UnsupportedRepositoryError
from gitbot.gate import must_be_possible
from gitbot.guard.installation import proven_obstacles
from gitbot.journal import events
from gitbot.journal.runs import file_path
from gitbot.landing import undo
from gitbot.model.git import BranchName
from gitbot.model.plan import PlanId
from gitbot.model.preflight import Level
from gitbot.model.run import Outcome, Run
from gitbot.planset import InForce, in_force, plans_in
from gitbot.report.brief import text
from gitbot.report.terminal import printable
from gitbot.repository import Repository, open_repository


class _WithCommand(click.Command):
    """A command line whose words after `--` are another program's."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click does it, for what stands before `--`."""
        at = args.index("--") if "--" in args else len(args)
        if at == len(args) - 1:
            raise InputError("no command stands after --", hint="gitbot start plans/ -- claude -p {brief}")
        ctx.meta["gitbot.command"] = tuple(args[at + 1 :])
        return super().parse_args(ctx, args[:at])


@click.command("start", cls=_WithCommand)
@click.argument("plans", nargs=-1, type=click.Path())
@click.option(
    "--phase", type=click.IntRange(1), metavar="N", help="This phase; default: the first that has not landed."
)
@click.option("--all-phases", is_flag=True, help="Land each phase when its agents are done, then start the next.")
@click.option("--on-events", is_flag=True, help="Plans of all phases, each as soon as what it waits for is there.")
@click.option("--review", is_flag=True, help="With --all-phases: ask before each landing.")
@click.option("--retry", metavar="RUN", help="The agents whose branches went back in RUN, with their retry briefs.")
@click.option(
    "--every", metavar="TIME", help="Again and again until a plan is done or stuck: 15m from start to start."
)
@click.option("--jobs", type=click.IntRange(1), default=64, metavar="N", help="Commands at once, at most.")
@click.option("--timeout", default="24h", metavar="TIME", help="For one command.  [default: 24h]")
@click.option("--trees", metavar="DIR", type=click.Path(file_okay=False), help="Where new work trees are made.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
@click.pass_context
def command(ctx: click.Context, /, plans: tuple[str, ...], form: str, **options: object) -> int:
    """Make a branch and a work tree for each plan of a phase, and run COMMAND in each.

    \b
    gitbot start plans/ -- claude -p {brief}

    COMMAND's words may hold {brief}, {brief_file}, {plan}, {branch} and {work_tree}. What exists is gone on with,
    whoever is done is left alone, so the same command goes on after a kill.
    """
    around: Surroundings = ctx.obj
    words: tuple[str, ...] = ctx.meta["gitbot.command"]
    start = _Start(around, plans, words, form, options)
    agents, code = start.go()
    if form == "json":
        console.document({"schema": "gitbot.start/1", "agents": [_as_json(agent) for agent in agents]})
    return code


class _Start:
    """One command line, carried out."""

    def __init__(
        self,
        around: Surroundings,
        plans: tuple[str, ...],
        words: tuple[str, ...],
        form: str,
        options: Mapping[str, object],
    ) -> None:
        self.around, self.plans, self.words, self.form, self.options = around, plans, words, form, options
        self.told, self.past = False, frozenset[str]()
        every = options["every"]
        iterates = isinstance(every, str)
        self.order = Order(
            command=words,
            limit=int(str(options["jobs"])),
            seconds=duration(str(options["timeout"])),
            every=duration(str(every)) if iterates else None,
        )
        chosen = [
            f"--{name.replace('_', '-')}" for name in ("phase", "all_phases", "on_events", "retry") if options[name]
        ]
        if len(chosen) > 1:
            raise InputError(f"{' and '.join(chosen)} were given together", hint="use one of them")
        if options["review"] and not options["all_phases"]:
            hint = "gitbot start --all-phases --review … -- COMMAND"
            raise InputError("--review is for --all-phases: nothing else lands", hint=hint)
        for name in ("every", "all_phases", "on_events", "retry"):
            if options[name] and not words:
                raise InputError(f"--{name.replace('_', '-')} needs a command", hint="… -- claude -p {brief}")

    def go(self) -> tuple[list[Agent], int]:
        """To the end: every agent that was started, and the exit code."""
        repository = open_repository(self.around.here, self.around.env)
        self.past = frozenset(event.id for event in events.read(repository))
        retry = self.options["retry"]
        if isinstance(retry, str):
            return self._again(repository, retry)
        started: list[Agent] = []
        before: set[PlanId] = set()
        while True:
            read, repository, force = self._read()
            landed = landed_now(repository, force)
            phases = [phase for phase in read.check.phases if not landed.issuperset(phase)]
            if not phases:
                console.talk("every plan has landed: nothing is left to start")
                return started, 0
            agents = self._agents(read, repository, force, self._chosen(read, phases), landed)
            names = {plan.id for agent in agents for plan in agent.plans}
            if self.options["all_phases"] and names == before:
                hint = "git branch --list shows which other branches of these plans have work that has not landed"
                console.complain(f"still not landed as a whole: {', '.join(sorted(names))}", hint)
                return started, 1
            before = names
            started += agents
            code = self._work(repository, force, agents, among="unended" if self.options["all_phases"] else "undone")
            if code or not self.options["all_phases"]:
                return started, code
            code = self._land(repository, force, [agent.branch for agent in agents])
            failure = Session(repository, force, self.around.env, self.order, past=self.past).failure()
            if failure is not None and not code:
                console.complain(f"no further phase is started: {failure}")
            if code or failure is not None:
                return started, code or 1

    def _again(self, repository: Repository, name: str) -> tuple[list[Agent], int]:
        """Those whose branches a run gave back; of the plans that are named, if any are."""
        force = in_force(repository, None, self.around.env.get("GITBOT_CONFIG"))
        run, trees = undo.find(repository, name), self.options["trees"]
        root = repository.work_tree or repository.common
        chosen = plans_in(repository, root, self.plans, force.config) if self.plans else None
        root = Path(trees).absolute() / root.name if isinstance(trees, str) else root
        agents, left = agents_again(repository, force, run, root, chosen)
        for one in left:
            console.talk(f"left out: {one}")
        if not agents:
            console.talk("nothing is left to start")
        return agents, self._work(repository, force, agents, among="all") if agents else 0

    def _read(self) -> tuple[Checked, Repository, InForce]:
        read = checked(self.around, self.plans)
        if read.repository is None or read.force is None:
            raise UnsupportedRepositoryError("agents need a repository with a commit", hint="git init, and commit")
        if read.repository.work_tree is None:
            raise UnsupportedRepositoryError(
                "agents need a work tree beside theirs", hint="git clone, and start there"
            )
        if not read.check.plans.plans:
            raise NoPlanError("no plan here can be read", hint="gitbot check says why")
        for finding in [one for one in read.check.findings if one.level is Level.ERROR][:3]:
            console.talk(f"warning: {finding.message}")
        if self.options["all_phases"]:
            must_have_gate(read.force)
            must_be_possible(read.force.config, self.around.env, read.repository)
        return read, read.repository, read.force

    def _chosen(self, read: Checked, phases: Sequence[Sequence[PlanId]]) -> set[PlanId]:
        """The plans to be started now; `phases` are those of which something has not landed."""
        if self.options["on_events"]:
            return {plan for phase in phases for plan in phase}
        number = self.options["phase"]
        if not isinstance(number, int):
            return set(phases[0])
        if number > len(read.check.phases):
            raise InputError(f"there is no phase {number}", hint=f"phases: 1 to {len(read.check.phases)}")
        return set(read.check.phases[number - 1])

    def _agents(
        self, read: Checked, repository: Repository, force: InForce, chosen: set[PlanId], landed: frozenset[PlanId]
    ) -> list[Agent]:
        briefs = briefs_of(read.check, repository, force, read.root, self.plans, landed)
        templates = templates_in_force(repository, force)
        for note in briefs.notes:
            console.talk(f"warning: {note}")
        whole = [brief for phase in briefs.phases for brief in phase if brief.plan.id in chosen - landed]
        trees = self.options["trees"]
        if isinstance(trees, str):
            top = Path(trees).absolute()
            whole = [
                replace(one, work_tree=str(top / Path(one.work_tree).name)) if one.set_up else one for one in whole
            ]
        told = [(one, text(replace(one, set_up=""), templates)) for one in whole]  # the work tree will be there
        return agents_of(told, read.check.branches, force.target, on_events=bool(self.options["on_events"]))

    def _work(self, repository: Repository, force: InForce, agents: list[Agent], *, among: Among) -> int:
        """Branches, work trees and commands; 0 when all went well."""
        tell = _tell if self.words else lambda agent: None
        session = Session(repository, force, self.around.env, self.order, tell, past=self.past)
        session.place(agents)
        self._tell_of_blind_spots(repository, {str(agent.folder) for agent in agents})
        if self.words:
            session.run(agents, among=among)
        if self.form == "text":
            console.data("\n".join(map(_line, agents)))
        if not self.words:
            console.talk("hint: gitbot brief prints what to tell the agents; or gitbot start … -- COMMAND {brief}")
        failure = session.failure() if self.words else None
        if failure is not None:
            console.complain(f"cancelled: {failure}")
        return 0 if failure is None and all(agent.state in GOOD for agent in agents) else 1

    def _tell_of_blind_spots(self, repository: Repository, places: set[str]) -> None:
        """Where the guard was tried and did not fire; once."""
        if not self.told:
            blind = [why for tree, why in proven_obstacles(repository).items() if why is not None and tree in places]
            for why in blind[:1]:
                where = f"{len(blind)} of {len(places)} work trees"
                console.talk(f"warning: the ownership guard does not fire in {where}: {why}")
                console.talk("hint: gitbot hook install")
            self.told = bool(blind)

    def _land(self, repository: Repository, force: InForce, names: Sequence[BranchName]) -> int:
        """A phase's branches; 0 when all of them are there."""
        if self.options["review"] and not self._is_approved(names):
            hint = "gitbot start --all-phases goes on where it was"
            console.complain(
                f"not landed yet: {', '.join(names)}", f"look at them, gitbot integrate them, then {hint}"
            )
            return 1
        watch = Watch(
            "auto" if sys.stderr.isatty() else "plain",
            self.form,
            lambda run: str(file_path(repository, run, "")),
            self.around.env,
        )

        def deliver(run: Run) -> None:
            watch.close()
            if self.form == "text":
                show(repository, run, self.form, self.around.env)
            if run.message:
                console.complain(run.message, run.hint)

        try:
            run = land(repository, force, names, self.around.env, progress=watch, deliver=deliver)
        finally:
            watch.close()
        back = [one.branch for one in run.branches if one.outcome not in (Outcome.LANDED, Outcome.ALREADY_LANDED)]
        if back and not run.exit_code:
            console.complain(f"nothing to land on: {', '.join(back)}", "look at what the agents have done there")
        elif back:
            console.talk(f"hint: gitbot start --retry {run.run} -- COMMAND hands the briefs back to their agents")
        return run.exit_code or int(bool(back))

    def _is_approved(self, names: Sequence[BranchName]) -> bool:
        if not sys.stdin.isatty():
            return False
        return click.confirm(printable(f"land {', '.join(names)}?"), default=False, err=True)


def _tell(agent: Agent) -> None:
    words = f"{agent.name} {agent.state}"
    if agent.state == "running":
        words += f", log {agent.log}"
    console.talk(f"{time.strftime('%H:%M:%S')} {words}{f': {agent.reason}' if agent.reason else ''}")


def _line(agent: Agent) -> str:
    how = f"{agent.state}{f': {agent.reason}' if agent.reason else ''}"
    log = f"\n    log {agent.log}" if agent.log is not None and agent.state not in GOOD else ""
    new = " (new)" if agent.made else ""
    return printable(f"{agent.name}  {agent.branch} in {agent.folder}{new}  {how}") + printable(log, newlines=True)


def _as_json(agent: Agent) -> dict[str, object]:
    shown = ("branch", "state", "reason", "status", "rounds")
    return {
        "plan": agent.plans[0].id if agent.plans else None,
        **{name: getattr(agent, name) for name in shown},
        "work_tree": str(agent.folder),
        "made": agent.made,
        "seconds": round(agent.seconds, 1),
        "log": str(agent.log) if agent.log is not None else None,
    }
