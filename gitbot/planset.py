"""Which configuration and which plans are in force, and which branch belongs to which plan.

Both come from the target's tip, or from the main work tree while nothing is committed yet; never from another
branch, which could then give itself rights. What reads plans is imported where there are some: a hook in a
repository without any starts in half the time.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gitbot import config as configuration
from gitbot.config import Config
from gitbot.errors import ConfigurationError, NoPlanError, UnknownBranchError
from gitbot.model.git import BranchName, Oid, RefName
from gitbot.model.plan import Plan, PlanSet
from gitbot.patterns import compile_patterns
from gitbot.repository import Repository, checkouts, refs

LARGEST = 8 << 20  # bytes of a plan that are read at all; what is longer is refused by the reader with its size


@dataclass(frozen=True, slots=True)
class InForce:
    """The configuration that counts, the branch that work lands on, and lines for people about both."""

    config: Config
    target: RefName
    notes: tuple[str, ...] = ()


def in_force(
    repository: Repository, into: str | None, environment_config: str | None = None, *, fetch: bool = False
) -> InForce:
    """Find target and configuration; `into` is what the user asked for, if anything.

    `fetch`: of a target that is a remote's, what the remote has now counts, and not what was fetched last.

    Raises:
        UnknownBranchError: there is no such target.
        ConfigurationError: see `gitbot.config.parse`; also a rule that there is not.
        RiskError: the remote cannot be read.
    """
    if environment_config:
        config = _from_file(Path(environment_config))
        return InForce(config, _target(repository, into or config.target or None, fetch=fetch))
    target = _target(repository, into, fetch=fetch)
    config, notes = _read(repository, target)
    if into is None and config.target:
        first, target = target, _target(repository, config.target, fetch=fetch)
        if target != first:
            config, notes = _read(repository, target)
    short = refs.shorthand(target)
    if target.startswith(refs.HEADS) and refs.read(repository, RefName(refs.REMOTES + short)) is not None:
        notes = (*notes, f"{short} is the local branch of that name; the remote's is refs/remotes/{short}")
    return InForce(config, target, notes)


def _target(repository: Repository, name: str | None, *, fetch: bool) -> RefName:
    found = _named(repository, name)
    if fetch and found.startswith(refs.REMOTES):
        from gitbot.repository.remotes import place_of  # which a hook has no use for

        if place_of(repository, found).read() is None:
            raise UnknownBranchError(f"{refs.shorthand(found)} is no longer on its remote", hint="git fetch --prune")
    return found


def _named(repository: Repository, name: str | None) -> RefName:
    if name is None:
        found = refs.default_target(repository)
        if found is None:
            raise UnknownBranchError(
                "there is no main or master here, and origin/HEAD is not set",
                hint='name the target: --into BRANCH, or target = "…" in gitbot.toml',
            )
        return found
    if name.startswith("refs/") and refs.read(repository, RefName(name)) is not None:
        return RefName(name)
    for kind in (refs.HEADS, refs.REMOTES):
        if refs.read(repository, RefName(kind + name)) is not None:
            return RefName(kind + name)
    raise UnknownBranchError(
        f"the target {name!r} is no branch here",
        hint="it needs at least one commit; see `git branch --all`",
    )


def _read(repository: Repository, target: RefName) -> tuple[Config, tuple[str, ...]]:
    tip = refs.read(repository, target)
    assert tip is not None
    tree = repository.tree_of(tip)
    names = (configuration.FILE, configuration.PYPROJECT)
    committed = {name: _text(data, name) for name in names if (data := repository.read(tree, name)) is not None}
    short = refs.shorthand(target)
    edited = _work_tree_texts(repository, target, names)
    config = _parse(committed, f"{short} at {tip[:7]}")
    if config == Config() and configuration.FILE not in committed and edited is not None:
        return _parse(edited, "the work tree"), ()
    if edited is not None and edited.get(configuration.FILE) != committed.get(configuration.FILE):
        return config, (f"{configuration.FILE} in the work tree is edited; the one on {short} is in force",)
    return config, ()


def _work_tree_texts(repository: Repository, target: RefName, names: Iterable[str]) -> dict[str, str] | None:
    """The configuration files of the main work tree, if that has the target checked out."""
    main = next(iter(checkouts.work_trees(repository)), None)
    if main is None or main.bare or main.branch != target:
        return None
    folder = Path(main.path)
    return {name: _text((folder / name).read_bytes(), name) for name in names if (folder / name).is_file()}


def _from_file(path: Path) -> Config:
    try:
        data = path.read_bytes()
    except OSError as refused:
        raise ConfigurationError(f"GITBOT_CONFIG: {path}: {refused.strerror}") from None
    return _parse({configuration.FILE: _text(data, path.name)}, str(path.parent))


def _parse(texts: Mapping[str, str], origin: str) -> Config:
    config = configuration.parse(texts, origin=origin)
    if config.rules:
        from gitbot.preflight import RULES

        configuration.refuse_unknown(config.rules, sorted(RULES), origin, "rules.")
    return config


def _text(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as broken:
        raise ConfigurationError(f"{name} is no UTF-8: byte {broken.start}") from None


# Plans


def plans_at(repository: Repository, commit: Oid, config: Config) -> PlanSet:
    """The plans of a commit, in the configured places."""
    tree = repository.tree_of(commit)
    files = repository.files(tree)
    found = ((path, repository.read(tree, path)) for path in _plan_files(files, config.plans))
    return _read_plans({path: data for path, data in found if data is not None}, files)


def in_force_plans(repository: Repository, target: RefName, config: Config, *, at: Oid | None = None) -> PlanSet:
    """The plans that hook, guard and integrate go by: the target's, else those of the main work tree.

    `at` is the target's commit, when not its tip is meant.
    """
    tip = at or refs.read(repository, target)
    found = plans_at(repository, tip, config) if tip is not None else PlanSet()
    if found.files:
        return found
    main = next((tree for tree in checkouts.work_trees(repository) if not tree.bare), None)
    if main is None:
        return found
    return plans_in(repository, Path(main.path), (), config, missing_ok=True)


def plans_in(
    repository: Repository | None, root: Path, paths: Sequence[str], config: Config, *, missing_ok: bool = False
) -> PlanSet:
    """The plans below the paths given (files or folders, relative to the current folder), uncommitted edits included.

    Without paths: the configured places below `root`. Paths in the plans' values are relative to `root`.

    Raises:
        NoPlanError: a path does not exist, or nothing there is a plan.
    """
    chosen: list[Path] = []
    for given in paths:
        path = Path(given)
        if path.is_dir():
            chosen += map(Path, _worth_reading(found.as_posix() for found in _walk(path)))
        elif path.exists():
            chosen.append(path)
        else:
            raise NoPlanError(f"{given}: no such file or folder", hint="name plan files or folders that hold them")
    if not paths:
        known = [path.relative_to(root).as_posix() for path in _walk(root)]
        chosen = [root / path for path in _plan_files(known, config.plans)]
    folders = {path.parent: _relative(path.parent / "x", root).removesuffix("x") for path in chosen}
    contents = {folders[path.parent] + path.name: _content(path) for path in chosen}
    found = _read_plans(contents, _tracked(repository))
    if not found.plans and not found.problems and not missing_ok:
        where = ", ".join(paths or config.plans)
        raise NoPlanError(
            f"no plan found in {where}",
            hint="a plan is Markdown that names its files, such as `# Agent A` over lines `- [ ] src/a.py`",
        )
    return found


def _tracked(repository: Repository | None) -> tuple[str, ...] | None:
    if repository is None:
        return None
    if repository.work_tree is not None:
        listed = repository.git("--work-tree", str(repository.work_tree), "ls-files", "-z", "--full-name", ":/")
        return tuple(name.decode("utf-8", "surrogateescape") for name in listed.split(b"\0") if name)
    return None


def _plan_files(files: Iterable[str], places: Sequence[str]) -> list[str]:
    """Files at the configured places: a folder's plan files, a file, or whatever a pattern matches."""
    globs = [place for place in places if re.search(r"[*?\[{]", place)]
    matcher = compile_patterns(globs) if globs else None
    plain = [place.rstrip("/") for place in places if place not in globs]
    folders = tuple(f"{place}/" for place in plain)
    files = list(files)
    chosen = {path for path in files if path in plain or (matcher is not None and matcher.matches(path))}
    chosen |= _worth_reading(path for path in files if path.startswith(folders))
    return sorted(chosen)


def _worth_reading(files: Iterable[str]) -> set[str]:
    """Of the files in a folder of plans, those that may be one."""
    found = set(files)
    if found:
        from gitbot.plans import is_plan_file

        found = set(filter(is_plan_file, found))
    return found


def _read_plans(texts: Mapping[str, bytes], files: Collection[str] | None) -> PlanSet:
    if not texts:
        return PlanSet()
    from gitbot.plans import Source, read_plans

    return read_plans([Source(path, data) for path, data in texts.items()], files)


def _walk(folder: Path) -> Iterable[Path]:
    """Regular files and links to such below a folder, sorted; hidden folders and links to folders are not entered."""
    for current, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name != "node_modules")
        yield from (Path(current, name) for name in sorted(names))


def _relative(path: Path, root: Path) -> str:
    """POSIX and relative to the root where it is below it, with links in the folders above resolved."""
    whole = path.parent.resolve() / path.name
    try:
        return whole.relative_to(root.resolve()).as_posix()
    except ValueError:
        return path.as_posix()


def _content(path: Path) -> bytes:
    """The bytes of a plan; for what is no regular file (a FIFO would block) what the reader refuses as such."""
    try:
        if not path.is_file():
            return b"\0"  # plans.document.NO_FILE
        with path.open("rb") as file:
            return file.read(LARGEST + 1)
    except OSError:
        return b"\0"


# Branches


def branch_of(plan: Plan, config: Config) -> BranchName:
    """The branch a plan's work is expected on: as declared, else by the first configured pattern."""
    return _branches(plan, config)[0]


def plans_of(branch: str, plans: PlanSet, config: Config) -> tuple[Plan, ...]:
    """The plans whose branch this is; names compare case-folded and without a remote's prefix."""
    names = {branch.casefold(), branch.partition("/")[2].casefold()}
    return tuple(plan for plan in plans.plans if any(name.casefold() in names for name in _branches(plan, config)))


def _branches(plan: Plan, config: Config) -> tuple[BranchName, ...]:
    if plan.branch:
        return (BranchName(plan.branch),)
    from gitbot.plans import usual_branches

    return tuple(map(BranchName, usual_branches(plan, config.branch)))
