"""May a branch touch these paths, whose are they, and may it hold them: asked before anything is written.

For whoever asks many times a minute, so git itself is only started where libgit2 does not know the answer.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from gitbot.errors import InputError, UnknownBranchError
from gitbot.guard.drift import find_drift
from gitbot.guard.enforcement import Answer, Enforcement, Mine, checked_out, enforcement
from gitbot.model.git import Change, ChangeKind, Oid, RefName
from gitbot.model.plan import Access, Plan, PlanId, Source
from gitbot.patterns import Budget, compile_patterns, witness
from gitbot.patterns.notation import lower
from gitbot.repository import Repository, refs

if TYPE_CHECKING:
    from gitbot.journal.leases import Held, Lease

_GLOB = frozenset("*?[{!")
_NOBODY = Plan(id=PlanId(""), path="", format="")


@dataclass(frozen=True, slots=True)
class Standpoint:
    """From where is asked: a branch, and what is in force for it."""

    repository: Repository
    branch: str | None  # None: HEAD is detached
    tip: Oid | None
    force: Enforcement | None  # None: there is no target to compare with
    mine: Mine

    @property
    def notes(self) -> tuple[str, ...]:
        """What people should hear about configuration and plans."""
        return (*(self.force.notes if self.force is not None else ()), *self.mine.notes)


def standpoint(repository: Repository, config_file: str | None, branch: str | None = None) -> Standpoint:
    """That of a branch; None: of the one that is checked out here. `config_file` is GITBOT_CONFIG's.

    Raises:
        UnknownBranchError: no such branch here, nor any plan's.
    """
    name = branch or checked_out(repository)
    tip = refs.read(repository, RefName(refs.HEADS + name)) if name is not None else None
    force = enforcement(repository, "origin", config_file)
    mine = Mine()
    if force is not None and name is not None:
        changes = force.changes(tip) if tip is not None and not _has_plans_of_target(force, tip) else ()
        mine = force.mine(name, tip, changes)
    if branch is not None and tip is None and not mine.plans:
        raise UnknownBranchError(f"{branch} is no branch here, nor any plan's", hint="see `git branch --list`")
    return Standpoint(repository, name, tip, force, mine)


def _has_plans_of_target(force: Enforcement, tip: Oid) -> bool:
    """Whether everything at the places of plans is as on the target, as on most branches; found without starting git.

    What else the branch changed says nothing of its plans.
    """
    trees = [force.repository.tree_of(commit) for commit in (tip, force.tips[0])]
    for place in force.config.plans:
        mine, theirs = (force.repository.entry(tree, place.rstrip("/")) for tree in trees)
        if mine != theirs or not _GLOB.isdisjoint(place):
            return False
    return True


def ask(at: Standpoint, here: Path, paths: Sequence[str], *, now: float) -> tuple[Answer, ...]:
    """The answer to each of the paths, which are relative to a folder or absolute."""
    real = cache(os.path.realpath)  # of many paths in few folders
    known = [in_repository(at.repository, here, path, real) for path in paths]
    inside = [path for path in known if path is not None]
    said = at.force.answers(at.mine, at.tip, inside) if at.force is not None else ()
    answers = {answer.path: answer for answer in said}
    for path, held in _held(at, inside, now).items():
        if path not in answers or answers[path].allowed:
            answers[path] = Answer(path, "leased", False, held.text)
    return tuple(
        answers.get(path, Answer(path, "own" if at.mine.plans else "free"))
        if path is not None
        else Answer(given, "outside", False, f"{given} is {_where(at.repository, here, given)}")
        for given, path in zip(paths, known, strict=True)
    )


def _where(repository: Repository, here: Path, given: str) -> str:
    top = repository.work_tree is not None and "\0" not in given and os.path.realpath(repository.work_tree)
    is_top = top and os.path.realpath(here / given) == top
    return "the repository itself: ask for paths in it" if is_top else "outside of the repository"


def document(answer: Answer) -> dict[str, object]:
    """An answer as JSON has it."""
    trespass = answer.trespass
    claim = trespass and {
        "owner": trespass.owner,
        "pattern": trespass.claim.pattern if trespass.claim else None,
        "path": trespass.owner_path,
        "line": trespass.claim.line if trespass.claim else None,
        "declared": trespass.declared,
    }
    return {name: getattr(answer, name) for name in ("path", "allowed", "kind", "text")} | {"claim": claim}


def _held(at: Standpoint, paths: Iterable[str], now: float) -> dict[str, Held]:
    if refs.read(at.repository, refs.LEASES) is None:
        return {}
    from gitbot.journal import leases

    return leases.held_by_others(leases.standing(at.repository, now), at.branch, paths)


def in_repository(
    repository: Repository, here: Path, given: str, real: Callable[[str], str] = os.path.realpath
) -> str | None:
    """The path as git has it, or None outside of the work tree. A link at its end is the path itself."""
    if "\0" in given:
        return None
    if repository.work_tree is None:
        return given
    folder, name = os.path.split(os.path.join(here, given).rstrip("/"))
    # As the system resolves it, and not by cutting `..` off: what a link leads to has another folder above it.
    whole = os.path.normpath(os.path.join(real(folder), name))
    top = real(str(repository.work_tree)).rstrip("/") + "/"
    path = whole.removeprefix(top)
    return path if whole.startswith(top) and path.partition("/")[0] not in ("", ".git") else None


def owner(at: Standpoint, path: str) -> Answer:
    """Whose a path is, whoever asks; its kind is `unowned` where it is nobody's."""
    drift = None
    if at.force is not None:
        touched = [Change(ChangeKind.MODIFIED, path)]
        drift = find_drift(
            at.force.plans, (_NOBODY,), touched, shared=at.force.config.shared, active=at.force.is_active
        )
    for found in (*drift.foreign, *drift.shared) if drift is not None else ():
        return Answer(path, "foreign" if found.owner is not None else "shared", True, found.text, found)
    return Answer(path, "unowned", True, f"{path} is nobody's: no plan claims it")


def claim(
    at: Standpoint, patterns: Sequence[str], holder: str | None, *, seconds: float, now: float, reason: str = ""
) -> tuple[Lease, ...] | Held | Answer:
    """Hold paths for a while; where another plan owns one of them or somebody else holds it, that is the answer.

    `holder` is the branch unless it is named.

    Raises:
        InputError: see `gitbot.journal.leases.claim`.
    """
    from gitbot.journal import leases

    owned = _owned_by_another(at, patterns)
    if owned is not None:
        return owned
    return leases.claim(at.repository, patterns, holder_of(at, holder), seconds=seconds, now=now, reason=reason)


def holder_of(at: Standpoint, named: str | None) -> str:
    """Who holds what is claimed here.

    Raises:
        InputError: nobody is named, and no branch is checked out.
    """
    if not (named or at.branch):
        raise InputError("HEAD is detached, so nobody would hold these paths", hint="name a holder")
    return named or at.branch or ""


def _owned_by_another(at: Standpoint, patterns: Sequence[str]) -> Answer | None:
    """The first plan that declares a path of the patterns, or stands at one, where the branch's own plans do not."""
    own = [claim.pattern for plan in at.mine.plans for claim in plan.patterns(Access.OWN)]
    wanted, budget = compile_patterns(patterns).without(compile_patterns(own)), Budget()
    for plan in at.force.plans.plans if at.force is not None else ():
        if plan in at.mine.plans or at.force is None:
            continue
        claims = plan.patterns(Access.OWN, Source.DECLARED)
        theirs = compile_patterns(claim.pattern for claim in claims)
        found = witness(wanted, theirs, fold_case=True, budget=budget)
        own_file = wanted.folded.matches(lower(plan.path))
        if (found is None and not own_file) or not at.force.is_active(plan):
            continue
        if found is None:
            return Answer(plan.path, "foreign", False, f"{plan.path} is the plan file of plan {plan.id}")
        place = claims[theirs.folded.decided_by(found.path) or 0]
        text = f"{found.path} belongs to plan {plan.id} ({place.path or plan.path}:{place.line}: {place.pattern})"
        return Answer(found.path, "foreign", False, text)
    return None
