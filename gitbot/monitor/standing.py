"""How far an agent is: by the ticks in its plan, by what it says there, and by the events that it emits.

`DONE` and `STUCK: reason` count as a line that the branch adds to its plan, or as events of the same names;
`progress_update` overrides the ticks. Of what is said the newest counts. An agent that is started again, or whose
work has landed, has said nothing yet.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gitbot.config import Config
from gitbot.model.event import Event
from gitbot.model.git import BranchName, Oid
from gitbot.model.plan import Plan, PlanId, Task, TaskState
from gitbot.planset import plans_at, plans_of
from gitbot.repository import Repository

STARTED, ENDED = "agent_started", "agent_ended"
"""Events by which `start` tells when an agent began, and how it ended: `status`, `tip` and `seconds` in the data."""

_DONE = frozenset({"done", "ready", "task_done", "task_complete", "task_completed", "plan_done"})
_STUCK = frozenset({"stuck", "task_stuck", "task_failed"})
_SAID = re.compile(r"^[\s>*_-]{0,20}(DONE|STUCK)\b[\s*_]{0,10}(?:[:.!—-]+\s*(\S.{0,500}).*)?\s*$", re.MULTILINE)
_PERCENT = ("percent", "progress", "percentage")
_FENCED = re.compile(r"^[ \t]*(```|~~~).*?(?:^[ \t]*\1|\Z)", re.MULTILINE | re.DOTALL)
_LARGEST = 1 << 20  # bytes of a plan's file that are searched


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the agent of one branch is. `tasks` is (done, total), None without a plan or tasks."""

    plan: PlanId | None = None
    tasks: tuple[int, int] | None = None
    percent: int | None = None  # by `progress_update`, else by the tasks
    done: bool = False  # nothing is left to do
    stuck: str | None = None  # why, in the agent's words
    since: float | None = None  # seconds since the epoch: when it was started last
    ended: Event | None = None  # how it ended, if it was not started again
    ticked: tuple[str, ...] = ()  # tasks that are done


def read_standing(
    repository: Repository,
    config: Config,
    name: BranchName,
    onto: Oid | None,
    tip: Oid | None,
    mine: Sequence[Plan],
    log: Sequence[Event],
    theirs: Sequence[Plan] | None = None,
) -> Standing:
    """That of a branch at `tip` (None: it is not there yet), whose plans on the target, at `onto`, are `mine`.

    `theirs` are its plans at `tip`, where they have been read.
    """
    if theirs is None:
        theirs = plans_of(name, plans_at(repository, tip, config), config) if tip is not None else ()
    plans = tuple(theirs or mine)
    who = {plan.id.casefold() for plan in (*plans, *mine)} | {name.casefold()}
    about = [event for event in log if _speaker(event) in who]
    return standing(plans, _added(repository, theirs, onto, tip), about, name)


def _added(repository: Repository, plans: Sequence[Plan], onto: Oid | None, tip: Oid | None) -> dict[str, str]:
    """By path the lines that the plans' files have at `tip` and not at `onto`, no code, and none of a new file."""
    found: dict[str, str] = {}
    if onto is None or tip is None:
        return found
    for path in dict.fromkeys(plan.path for plan in plans):
        sides = [repository.read(repository.tree_of(side), path, most=_LARGEST) for side in (onto, tip)]
        if sides[0] is not None and sides[1] is not None:
            known = set(sides[0].decode("utf-8", "replace").splitlines())
            text = _FENCED.sub("", sides[1].decode("utf-8", "replace"))
            found[path] = "\n".join(line for line in text.splitlines() if line not in known)
    return found


def _speaker(event: Event) -> str:
    """Whom an event is about: its actor, and its target where nobody is said to have emitted it."""
    return (event.actor or event.target or "").casefold()


def standing(plans: Sequence[Plan], texts: Mapping[str, str], events: Sequence[Event], branch: str = "") -> Standing:
    """The same from values: the plans as they are on the branch, what it adds to their files, the events in order.

    A branch of several plans is done when each of them is said to be, or the branch.
    """
    counted = _counted(plans)
    ticked = tuple(task.text for task in counted if task.state is TaskState.DONE)
    tasks = (len(ticked), len(counted)) if counted else None
    words = {path: said[-1] for path, text in texts.items() if (said := _SAID.findall(text))}
    # What stands in a plan counts until its agent takes it out.
    written = next((reason or "no reason given" for word, reason in words.values() if word == "STUCK"), None)
    by_plan = {
        plan.id.casefold()
        for plan in plans
        if words.get(plan.path, ("", ""))[0] == "DONE"
        or (counted and all(task.state is TaskState.DONE for task in _counted([plan])))
    }
    everybody = {plan.id.casefold() for plan in plans} or {branch.casefold()}
    by_tasks = round(100 * tasks[0] / tasks[1]) if tasks else None
    finished, percent, stuck, since, ended = set(by_plan), by_tasks, None, None, None
    for event in events:
        name, speaker = event.event.casefold(), _speaker(event)
        if name in (STARTED, "landed"):
            finished, percent, stuck = set(by_plan), by_tasks, None
            since, ended = (event.time, None) if name == STARTED else (since, ended)
        elif name == ENDED:
            ended = event
        elif name == "progress_update":
            percent, stuck = _percent(event, percent), None
        elif name in _DONE:
            finished |= everybody if speaker == branch.casefold() else {speaker}
            stuck = None
        elif name in _STUCK:
            stuck = str(event.data.get("reason") or event.data.get("error") or event.event)[:500]
            finished -= everybody if speaker == branch.casefold() else {speaker}
    stuck = stuck or written
    done = finished >= everybody and stuck is None
    plan = plans[0].id if plans else None
    return Standing(plan, tasks, 100 if done else percent, done, stuck, since, ended, ticked)


def _counted(plans: Iterable[Plan]) -> list[Task]:
    return [task for plan in plans for task in plan.tasks if task.state is not TaskState.SKIPPED]


def _percent(event: Event, before: int | None) -> int | None:
    """What `progress_update` says: a percentage, or so many of so many."""
    values = {
        name: value for name in (*_PERCENT, "done", "completed", "total") if (value := _number(event, name)) >= 0
    }
    for name in _PERCENT:
        if name in values:
            share = values[name] * 100 if 0 < values[name] < 1 else values[name]
            return round(min(share, 100))
    done = values.get("done", values.get("completed"))
    total = values.get("total", 0)
    return round(min(100 * done / total, 100)) if done is not None and total > 0 else before


def _number(event: Event, name: str) -> float:
    try:
        return min(float(str(event.data.get(name, "")).strip().rstrip("%")), 1e9)
    except ValueError:
        return -1
