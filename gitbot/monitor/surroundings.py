"""What a repository adds to a set of plans before anything runs: its files, its past, the plans that are in force.

Read-only: what is kept for the next time is kept in the user's cache folder.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from gitbot.config import Config, by_name
from gitbot.errors import GitError
from gitbot.languages.imports import LARGEST
from gitbot.model.git import Oid, RefName
from gitbot.model.plan import PlanId, PlanSet
from gitbot.model.preflight import History
from gitbot.planset import plans_at
from gitbot.preflight import Surroundings
from gitbot.repository import Repository, refs
from gitbot.repository.mining import history_before


def surroundings(
    repository: Repository | None, root: Path | None, plans: PlanSet, config: Config, target: RefName | None
) -> Surroundings:
    """Everything besides the plans that a check looks at.

    `root` is what the paths of the plans are relative to; None in a bare repository.
    """
    tip = refs.read(repository, target) if repository is not None and target is not None else None
    head = repository.resolve("HEAD") or tip if repository is not None and not repository.is_empty else None
    tree = repository.tree_of(head) if repository is not None and head is not None else None
    files = repository.files(tree) if repository is not None and tree is not None else None

    def read(path: str) -> bytes | None:
        if repository is None or tree is None:
            return None
        try:
            return repository.read(tree, path, most=LARGEST)
        except GitError:
            return None  # a partial clone has names without contents

    return Surroundings(
        files=files,
        shared=config.shared,
        additive=config.additive,
        gate=bool(config.gate.command) or repository is None,
        rules=config.rules,
        branch_patterns=config.branch,
        read=read,
        links={} if repository is None or tree is None else _meant(repository.links(tree)),
        history=History() if repository is None else _history(repository, tip or head, plans, config),
        widened={} if repository is None or tip is None else _widened(repository, tip, target, plans, config),
        beside=_beside(root, plans, files or ()),
        attended=config.attended,
        assumptions=by_name(config.estimate),
    )


def _history(repository: Repository, tip: Oid | None, plans: PlanSet, config: Config) -> History:
    wanted = any(config.rules.get(rule) != "off" for rule in ("co-change", "hot-spot"))
    claiming = [plan for plan in plans.plans if plan.claims]
    return history_before(repository, tip) if tip is not None and wanted and claiming else History()


def _widened(
    repository: Repository, tip: Oid, target: RefName | None, plans: PlanSet, config: Config
) -> Mapping[PlanId, tuple[str, ...]]:
    """What plans claim in the work tree of another branch and not yet on the target."""
    places = {f":(top,literal){path.partition('/')[0]}" for path in plans.files if not path.startswith(("/", "../"))}
    if repository.work_tree is None or not places:
        return {}
    here = ("--work-tree", str(repository.work_tree))
    edited = repository.git(*here, "diff-index", "--name-only", "-z", "--no-relative", tip, "--", *sorted(places))
    names = {name.decode("utf-8", "surrogateescape") for name in edited.split(b"\0")}
    if names.isdisjoint(plans.files):
        return {}
    from gitbot.guard.drift import widened
    from gitbot.guard.enforcement import checked_out

    if target == f"{refs.HEADS}{checked_out(repository)}":
        return {}  # an edit of the version that counts
    in_force = {plan.id: plan for plan in plans_at(repository, tip, config).plans}
    known = [plan for plan in plans.plans if plan.id in in_force]
    wider = {plan.id: widened((in_force[plan.id],), (plan,)) for plan in known}
    return {plan: patterns for plan, patterns in wider.items() if patterns}


def _beside(root: Path | None, plans: PlanSet, files: tuple[str, ...]) -> tuple[str, ...]:
    """The files in the folders of the plans that are no plans; those of the work tree where there is one."""
    folders = {path.rpartition("/")[0] for path in plans.files}
    found = {path for path in files if path.rpartition("/")[0] in folders}
    for folder in folders if root is not None else ():
        try:
            names = [entry.name for entry in os.scandir(Path(root or "", folder)) if entry.is_file()]
        except OSError:
            continue
        found.update(f"{folder}/{name}".lstrip("/") for name in names)
    return tuple(sorted(found.difference(plans.files)))


def _meant(links: Mapping[str, str]) -> dict[str, str]:
    """Each link with the path that it leads to, which may be one too; not those that lead out of the tree."""
    ends = ((link, os.path.normpath(os.path.join(os.path.dirname(link), end))) for link, end in links.items())
    return {link: end for link, end in ends if end not in (link, ".") and not end.startswith(("/", ".."))}
