"""What each agent of a plan set has to know: looked up once for all of them, then one `Brief` per plan.

`brief_of` decides; `Setting` is what reads files and asks git. How a brief reads is the business of
`gitbot.report.brief`.
"""

from __future__ import annotations

import re
import shlex
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cache
from itertools import chain, islice, pairwise
from os.path import normpath
from pathlib import Path, PurePosixPath
from typing import TypeVar

from gitbot.agents.excerpts import acceptance, around, front_lines
from gitbot.config import gate_command
from gitbot.errors import ConfigurationError, GitError
from gitbot.model.brief import Brief, Briefs, Holding, Paper, Signal
from gitbot.model.git import RefName
from gitbot.model.plan import BLOCKING_CONFIDENCE, Access, Claim, Need, Plan, PlanId, Task, TaskState
from gitbot.model.preflight import Check, Edge
from gitbot.patterns import compile_patterns
from gitbot.plans import Source, fold, read_plans
from gitbot.plans.document import text_of
from gitbot.planset import LARGEST, InForce
from gitbot.report.brief import TEMPLATES
from gitbot.report.terminal import some
from gitbot.repository import Repository, checkouts, refs

PAPERS = ("CONTEXT.md", "SPEC.md", "PROJECT-SPEC.md", "AGENT.md")  # that agents are given, in lower case too
LARGEST_PAPER = 1 << 16  # bytes of one that are shown
MOST_PAPERS = 20  # in one brief
MOST_HOLDINGS = 30  # other plans whose files are listed in one brief
MOST_PATTERNS = 12  # of one of them
MOST_EVENTS = 500  # of one plan that are searched for a word
_PATHLIKE = re.compile(r"/|\.\w{1,9}$")
_OF_MANY = " (one of "  # what the reason of an edge goes on with that stands for many

Read = Callable[[str], tuple[bytes, int] | None]
"""A file's first LARGEST bytes and how many it has; None where there is none that may be shown."""
Key = TypeVar("Key")
Value = TypeVar("Value")


def briefs_of(
    check: Check,
    repository: Repository | None,
    force: InForce | None,
    root: Path | None,
    given: Sequence[str] = (),
    landed: frozenset[PlanId] = frozenset(),
) -> Briefs:
    """Every plan's brief, by phase; nothing is written.

    `root` is what the paths of the plans are relative to, None in a bare repository; `given` are the places of plans
    that somebody named, none where the configured ones count. What the plans in `landed` claim binds nobody any more.
    """
    setting = Setting(check, repository, force, root, given, landed)
    phases = tuple(tuple(brief_of(check, setting.plans[id], setting) for id in phase) for phase in check.phases)
    papers = [brief.context for phase in phases for brief in phase]
    common = tuple(paper for paper in papers[0] if all(paper in others for others in papers)) if papers else ()
    return Briefs(phases, common, setting.notes)


def brief_of(check: Check, plan: Plan, setting: Setting) -> Brief:
    """What the agent of one plan has to know."""
    number, phase = next(found for found in enumerate(check.phases, 1) if plan.id in found[1])
    tasks = [task for task in setting.tasks.get(plan.id, plan.tasks) if task.state is not TaskState.SKIPPED]
    todo = tuple(task for task in tasks if task.state is not TaskState.DONE)
    mine = {claim.pattern for claim in plan.claims if claim.access is not Access.READ}
    shared = (claim.pattern for claim in plan.patterns(Access.SHARED))
    never = (*(claim.pattern for claim in plan.never), *(each for each in setting.shared if each not in mine))
    branch, others = check.branches[plan.id], _others(check, plan, mine, phase, setting)
    work_tree, set_up = _place(branch, setting)
    return Brief(
        plan=plan,
        branch=branch,
        work_tree=work_tree,
        set_up=set_up,
        target=setting.target,
        phase=number,
        phases=len(check.phases),
        beside=len(phase) - 1,
        tasks=todo,
        done=len(tasks) - len(todo),
        total=len(tasks),
        owns=tuple(claim.pattern for claim in setting.owned[plan.id]),
        shared={pattern: tuple(id for id in setting.users[pattern] if id != plan.id) for pattern in shared},
        reads=tuple(claim.pattern for claim in plan.patterns(Access.READ)),
        never=tuple(dict.fromkeys(never)),
        forbidden=tuple(islice(others, MOST_HOLDINGS)),
        holders=sum(1 for _ in others),
        after=tuple(edge for edge in setting.before[plan.id] if not edge.pipelined),
        waits=tuple(_waits(check, plan, setting)),
        emits=tuple(_emits(plan, setting)),
        acceptance=setting.acceptance[plan.id],
        gate=setting.gate,
        again=f"{setting.again} --plan {shlex.quote(plan.id)}",
        context=setting.papers[plan.id],
    )


def _place(branch: str, setting: Setting) -> tuple[str, str]:
    """A branch's work tree, and the command that makes it where it is not there."""
    tree = setting.trees.get(branch.casefold(), "")
    if tree or not setting.target:
        return tree, ""
    tree = f"{setting.root}-" + re.sub(r"[^\w.-]+", "-", branch)
    there = branch.casefold() in setting.known
    words = (tree, branch) if there else ("--no-track", "-b", branch, tree, setting.target)
    return tree, shlex.join(("git", "-C", setting.root, "worktree", "add", *words))


def _others(
    check: Check, plan: Plan, mine: Iterable[str], phase: Sequence[PlanId], setting: Setting
) -> Iterator[Holding]:
    """What the plans of other branches own and this one may not write, those that work at the same time first."""
    now, branch = set(phase), check.branches[plan.id].casefold()
    for id in chain(phase, (id for id in setting.plans if id not in now)):
        owned = [claim for claim in setting.owned[id] if claim.pattern not in mine]
        if owned and id not in setting.landed and check.branches[id].casefold() != branch:
            place, shown = owned[0].path or setting.plans[id].path, owned[:MOST_PATTERNS]
            patterns = tuple(claim.pattern for claim in shown)
            yield Holding(id, check.branches[id], place, owned[0].line, patterns, len(owned) - len(shown))


def _waits(check: Check, plan: Plan, setting: Setting) -> Iterator[Signal]:
    found: dict[tuple[str, PlanId | None], str] = {}
    for edge in setting.before[plan.id]:
        for kind, name in _said(edge, setting):
            found.setdefault((name, edge.before if kind == "commit" else None), edge.reason)
    for (name, author), reason in found.items():
        makers = (author,) if author else tuple(setting.emitters[name.casefold()])
        only = ("--from", makers[0]) if len(makers) == 1 else ()
        words = ("--commit", name, "--branch", check.branches[author]) if author else (name, *only)
        yield Signal("commit" if author else "event", name, makers, shlex.join(("gitbot", "wait", *words)), reason)


def _emits(plan: Plan, setting: Setting) -> Iterator[Signal]:
    found: dict[tuple[str, str], dict[PlanId, None]] = {("event", name): {} for name, _ in plan.emits}
    for edge in setting.behind[plan.id]:
        for said in _said(edge, setting):
            found.setdefault(said, {})[edge.after] = None
    for (kind, name), waiting in found.items():
        words = ("gitbot", "emit", name, "--plan", plan.id) if kind == "event" else ()
        yield Signal(kind, name, tuple(waiting), shlex.join(words))


def _said(edge: Edge, setting: Setting) -> Iterator[tuple[str, str]]:
    """Kind and name of what the plan before an edge has to say so that the one behind it goes on, at work already."""
    meanwhile = edge.pipelined and (edge.before, edge.after) not in setting.hard
    reason = edge.reason.partition(_OF_MANY)[0]
    needs = setting.needs.get((edge.after, edge.line, reason), ()) if meanwhile else ()
    for need in needs:
        if edge.kind != "event":
            yield "commit", need.word or need.reference.rpartition("#")[2]
        elif name := setting.emitters.get(need.reference.casefold(), {}).get(edge.before):
            yield "event", name
        elif word := (need.word or "").casefold():
            events = (event for event, _ in setting.plans[edge.before].emits[:MOST_EVENTS])
            yield from (("event", event) for event in events if word in event.casefold())


def _key(plan: Plan, need: Need) -> tuple[PlanId, int, str]:
    """As an edge has it that comes of the need."""
    return plan.id, need.line, (need.reason or f"needs {need.reference}").partition(_OF_MANY)[0]


# What is looked up


class Setting:
    """What the briefs of one plan set have in common: files and git, asked once for all plans."""

    def __init__(
        self,
        check: Check,
        repository: Repository | None,
        force: InForce | None,
        root: Path | None,
        given: Sequence[str] = (),
        landed: frozenset[PlanId] = frozenset(),
    ) -> None:
        plans, edges = check.plans.plans, check.edges
        self.plans = {plan.id: plan for plan in plans}
        self.before = _grouped((edge.after, edge) for edge in edges)  # what a plan waits for
        self.behind = _grouped((edge.before, edge) for edge in edges)  # what waits for it
        self.hard = {(edge.before, edge.after) for edge in edges if not edge.pipelined}
        self.needs = _grouped((_key(plan, need), need) for plan in plans for need in plan.needs)
        events = _grouped((event.casefold(), (plan.id, event)) for plan in plans for event, _ in plan.emits)
        self.emitters = {event: dict(makers) for event, makers in events.items()}
        self.landed = landed
        bound = (plan for plan in plans if plan.id not in landed)
        writing = ((c.pattern, plan.id) for plan in bound for c in plan.claims if c.access is not Access.READ)
        self.users = _grouped(dict.fromkeys(writing))
        self.owned = {plan.id: _owned(plan) for plan in plans}
        self.shared = (*(claim.pattern for claim in check.plans.shared), *(force.config.shared if force else ()))
        self.again = shlex.join(("gitbot", "brief", *_from_top(given, root)))  # as it is said in any work tree
        committed = _from_ref(repository, force.target if force is not None else None)
        read = committed if root is None else _from_folder(root, check)
        self.acceptance, self.papers, missing = _words(check, read)
        self.root, self.target, self.gate = "", "", ""
        self.known: dict[str, RefName] = {}  # branches that exist, by case-folded name
        self.trees: dict[str, str] = {}  # where they are checked out, by the same
        self.tasks: dict[PlanId, tuple[Task, ...]] = {}  # ticked as on the plan's own branch
        self.notes = tuple(f"{path}: there is no {name}, which its context names" for path, name in missing)
        if repository is not None and force is not None:
            self._ask(repository, force, check, read)
            on_target = refs.checked_out(repository.git_dir) == force.target  # else the agent's own ticks are new
            files = sorted({plan.path for plan in plans}) if on_target else ()
            new = [path for path in files if committed(path) != read(path)]
            note = f"{some(new)}: not as it stands on {self.target}, from where agents get their files"
            self.notes += (note,) if new else ()

    def _ask(self, repository: Repository, force: InForce, check: Check, read: Read) -> None:
        command = gate_command(force.config)
        self.gate = command if isinstance(command, str) else shlex.join(command)
        self.root, self.target = str(repository.main_work_tree or repository.common), refs.shorthand(force.target)
        heads = ((name, ref) for name, ref in refs.branches(repository).items() if ref.startswith(refs.HEADS))
        self.known = {name.casefold(): ref for name, ref in heads}
        for tree in checkouts.work_trees(repository):
            if tree.branch is not None and not tree.bare:
                self.trees[refs.shorthand(tree.branch).casefold()] = tree.path
        self.tasks = dict(_ticked(repository, check, read, self.known))


def _from_top(given: Sequence[str], root: Path | None) -> Iterator[str]:
    top = (root or Path()).resolve()
    for path in (Path(place).resolve() for place in given):
        yield path.relative_to(top).as_posix() if path.is_relative_to(top) else str(path)


def _grouped(pairs: Iterable[tuple[Key, Value]]) -> dict[Key, list[Value]]:
    found: dict[Key, list[Value]] = defaultdict(list)
    for key, value in pairs:
        found[key].append(value)
    return found


def _owned(plan: Plan) -> Sequence[Claim]:
    """What the plan owns as far as others have to care, without the files that a wider pattern of it says already."""
    owned = {c.pattern: c for c in plan.patterns(Access.OWN) if c.confidence >= BLOCKING_CONFIDENCE}
    wide = dict.fromkeys(pattern for pattern in owned if "*" in pattern or pattern.startswith("!"))
    covered = compile_patterns(wide)
    return [claim for pattern, claim in owned.items() if pattern in wide or not covered.matches(pattern)]


def _from_ref(repository: Repository | None, ref: RefName | None) -> Read:
    tip = refs.read(repository, ref) if repository is not None and ref is not None else None

    def read(path: str) -> tuple[bytes, int] | None:
        with suppress(GitError):  # a partial clone has names without contents
            data = repository.read(repository.tree_of(tip), path) if repository is not None and tip else None
            return (data[:LARGEST], len(data)) if data is not None else None
        return None

    return read


def _from_folder(root: Path, check: Check) -> Read:
    """Regular files below the root, or below the folder of a plan that lies elsewhere: no link leads out."""
    elsewhere = (root / path for path in check.plans.files if path.startswith(("/", "../")))
    tops = {root.resolve(), *(path.parent.resolve() for path in elsewhere)}

    def read(path: str) -> tuple[bytes, int] | None:
        with suppress(OSError, ValueError):
            whole = (root / path).resolve()
            if whole.is_file() and not tops.isdisjoint(whole.parents):
                with whole.open("rb") as file:
                    return file.read(LARGEST), whole.stat().st_size
        return None

    return read


def _words(
    check: Check, read: Read
) -> tuple[dict[PlanId, str], dict[PlanId, tuple[Paper, ...]], list[tuple[str, str]]]:
    """Of each plan what it says of acceptance, and the papers that its agent is given; and which are not there."""
    said: dict[PlanId, str] = {}
    papers: dict[PlanId, tuple[Paper, ...]] = {}
    missing: list[tuple[str, str]] = []  # the plan's file, and the path that it names

    paper = cache(lambda path: _paper(path, *found) if (found := read(path)) else None)
    for path, plans in _grouped((plan.path, plan) for plan in check.plans.plans).items():
        found = read(path) if path.lower().endswith((".md", ".markdown")) else None
        text = text_of(Source(path, found[0])) if found else ""
        lines = text.split("\n") if isinstance(text, str) else [""]
        starts = sorted({min(plan.line, len(lines)) - 1 for plan in plans})
        starts = starts if len(starts) > 1 else [0]
        rest = around(lines, starts) if len(starts) > 1 else ""
        given = [
            *_papers(path, lines, paper, missing),
            *([_paper(path, rest.encode(), len(rest.encode()))] if rest else []),
        ]
        for start, stop in pairwise([*starts, len(lines)]):
            here = [plan.id for plan in plans if len(starts) == 1 or min(plan.line, len(lines)) - 1 == start]
            said |= dict.fromkeys(here, acceptance(lines, start, stop))
            papers |= dict.fromkeys(here, tuple(given[:MOST_PAPERS]))
    return said, papers, missing


def _paper(path: str, data: bytes, size: int) -> Paper:
    text, cut = data[:LARGEST_PAPER].decode("utf-8", "replace"), max(0, size - LARGEST_PAPER)
    return Paper(path, text.rpartition("\n")[0] or text if cut else text, cut)


def _papers(
    path: str, lines: Sequence[str], paper: Callable[[str], Paper | None], missing: list[tuple[str, str]]
) -> Iterator[Paper]:
    """The documents beside a plan's file and in the folders around it, and those that its `context` names or is."""
    folders = [folder.as_posix() for folder in PurePosixPath(path).parents]
    key = [lines[at] for at in front_lines(lines, ("context",))]
    words = re.findall(r"[^\s,:=\[\]\"']{3,400}", " ".join(key)[: 400 * MOST_PAPERS])[: 2 * MOST_PAPERS]
    by_word = {word: [each for each in (word, f"{folders[0]}/{word}") if paper(normpath(each))] for word in words}
    named = [each for found in by_word.values() for each in found]
    if all(map(_PATHLIKE.search, words[1:])):  # else it is text, in which a path may stand
        missing += [(path, word) for word in words[1:] if not by_word[word]]
    names = [name for each in PAPERS for name in (each, each.lower())]
    beside = (f"{folder}/{name}" for folder in reversed(folders[:-1] or folders) for name in names)
    found = filter(None, map(paper, map(normpath, (*beside, *named))))
    yield from {each.path.casefold(): each for each in found if each.path != path}.values()
    if key and not named:
        yield Paper(path, "\n".join(key))


def _ticked(
    repository: Repository, check: Check, read: Read, known: Mapping[str, RefName]
) -> Iterator[tuple[PlanId, tuple[Task, ...]]]:
    """The tasks of plans whose branches have begun: what is ticked there is ticked."""
    here = refs.checked_out(repository.git_dir)
    for plan in check.plans.plans:
        ref = known.get(check.branches[plan.id].casefold())
        found = _from_ref(repository, ref)(plan.path) if ref != here else None
        if found is None or found == read(plan.path):
            continue
        there = read_plans([Source(plan.path, found[0])]).plans
        same = [other for other in there if fold(other.id) == fold(plan.id) or len(there) == 1]
        states = {task.id or task.text: task.state for other in same for task in other.tasks}
        states |= {task.id or task.text: task.state for task in plan.tasks if task.state is TaskState.DONE}
        yield plan.id, tuple(replace(task, state=states.get(task.id or task.text, task.state)) for task in plan.tasks)


def templates_in_force(repository: Repository | None, force: InForce | None) -> Mapping[str, str]:
    """The user's own templates by path, as the folder that `[brief] templates` names has them on the target's tip.

    Raises:
        ConfigurationError: there is none.
    """
    folder = force.config.brief.templates.rstrip("/") if force is not None else ""
    read = _from_ref(repository, force.target if force is not None and folder else None)
    paths = (f"{folder}/{name}" for name in TEMPLATES)
    found = {path: data[0].decode("utf-8", "replace") for path in paths if (data := read(path))}
    if folder and not found:
        raise ConfigurationError(f"brief.templates: no template in {folder}", hint=f"any of {', '.join(TEMPLATES)}")
    return found
