"""Which configuration and which plans are in force, and which branch belongs to which plan.

Both come from the target's tip, or from the main work tree while nothing is committed yet; never from another
branch, which could then give itself rights. What reads plans is imported where some are read: a hook that finds none,
or what it read the last time, takes a third of the time.
"""

from __future__ import annotations

import contextlib
import os
import re
import zlib
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import msgspec

from gitbot import __version__
from gitbot import config as configuration
from gitbot.config import Config
from gitbot.errors import ConfigurationError, NoPlanError, PatternError, UnknownBranchError
from gitbot.model.git import BranchName, Oid, RefName
from gitbot.model.plan import Plan, PlanSet, usual_branches
from gitbot.patterns import compile_patterns
from gitbot.repository import Repository, refs

KEPT = "gitbot/plans"  # in the common git folder: the target's plans as they were read last
MOST_VERSIONS = 20  # of a plan that cannot be read are looked at for the last one that could
LARGEST = 8 << 20  # bytes of a plan that are read at all; what is longer is refused by the reader with its size


@dataclass(frozen=True, slots=True)
class InForce:
    """The configuration that counts, the branch that work lands on, and lines for people about both."""

    config: Config
    target: RefName
    notes: tuple[str, ...] = ()
    given: tuple[str, object] = ("", None)  # where the configuration stands, and the table there


def in_force(
    repository: Repository, into: str | None, environment_config: str | None = None, *, fetch: bool = False
) -> InForce:
    """Find target and configuration; `into` is what the user asked for, if anything.

    `fetch`: of a target that is a remote's, what the remote has now counts, and not what was fetched last.

    Raises:
        UnknownBranchError: there is no such target.
        ConfigurationError: see `gitbot.config.parse`.
        RiskError: the remote cannot be read.
    """
    if environment_config:
        config, given = _from_file(Path(environment_config))
        return InForce(config, _target(repository, into or config.target or None, fetch=fetch), given=given)
    force = _read(repository, _target(repository, into, fetch=fetch))
    if into is None and not force.config.target and (other := _other_than_a_plans(repository, force)) is not None:
        force = _read(repository, other.target)
        force = replace(force, notes=(*other.notes, *force.notes))
    if into is None and force.config.target:
        target = _target(repository, force.config.target, fetch=fetch)
        if target != force.target:
            force = _read(repository, target)
    short = refs.shorthand(force.target)
    if force.target.startswith(refs.HEADS) and refs.read(repository, RefName(refs.REMOTES + short)) is not None:
        note = f"{short} is the local branch of that name; the remote's is refs/remotes/{short}"
        return replace(force, notes=(*force.notes, note))
    return force


def what_can_be_read(repository: Repository, target: RefName) -> InForce:
    """Of a configuration on the target that `in_force` refuses, the keys that make sense each by itself."""
    tip = refs.read(repository, target)
    tree = repository.tree_of(tip) if tip is not None else None
    names = (configuration.FILE, configuration.PYPROJECT)
    read = ((name, repository.read(tree, name) if tree is not None else None) for name in names)
    texts = {name: data.decode("utf-8-sig", "replace") for name, data in read if data is not None}
    if configuration.FILE in texts:
        texts.pop(configuration.PYPROJECT, None)
    config = Config()
    with contextlib.suppress(ConfigurationError):  # no TOML
        config = configuration.readable(configuration.given(texts, origin="")[1])
    with contextlib.suppress(UnknownBranchError):
        target = _named(repository, config.target or target)
    plans, shared = (tuple(filter(_compiles, patterns)) for patterns in (config.plans, config.shared))
    found = InForce(msgspec.structs.replace(config, plans=plans or Config().plans, shared=shared), target)
    return (None if config.target else _other_than_a_plans(repository, found)) or found


def _other_than_a_plans(repository: Repository, force: InForce) -> InForce | None:
    """The same with main or master as the target, where what HEAD made it is a plan's own branch."""
    names, short = ("main", "master"), refs.shorthand(force.target)
    there = (RefName(prefix + name) for prefix in (refs.HEADS, f"{refs.REMOTES}origin/") for name in names)
    other = next((ref for ref in there if refs.read(repository, ref) is not None), None)
    if other is None or short.rpartition("/")[2] in names:  # as nearly always: no plan needs to be read for it
        return None
    if not plans_of(short, in_force_plans(repository, force.target, force.config, kept=True), force.config):
        return None
    note = f"HEAD names {short}, which is a plan's own branch; {refs.shorthand(other)} is the target instead"
    return replace(force, target=other, notes=(note,))


def _compiles(pattern: str) -> bool:
    try:
        compile_patterns([pattern])
    except PatternError:
        return False
    return True


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
    short = RefName(refs.HEADS + name.removeprefix(refs.REMOTES).partition("/")[2])
    if repository.lib.is_bare and refs.read(repository, short) is not None:
        return short  # of those who push here it is origin/main, here it is main
    raise UnknownBranchError(
        f"the target {name!r} is no branch here",
        hint="it needs at least one commit; see `git branch --all`",
    )


def _read(repository: Repository, target: RefName) -> InForce:
    tip = refs.read(repository, target)
    assert tip is not None
    tree = repository.tree_of(tip)
    names = (configuration.FILE, configuration.PYPROJECT)
    read = ((name, repository.read(tree, name, fetch=True)) for name in names)
    committed = {name: _text(data, name) for name, data in read if data is not None}
    short = refs.shorthand(target)
    edited = _work_tree_texts(repository, target, names)
    config, given = _parse(committed, f"{short} at {tip[:7]}")
    notes: tuple[str, ...] = ()
    if config == Config() and configuration.FILE not in committed and edited is not None:
        config, given = _parse(edited, "the work tree")
    elif edited is not None and edited.get(configuration.FILE) != committed.get(configuration.FILE):
        notes = (f"{configuration.FILE} in the work tree is edited; the one on {short} is in force",)
    return InForce(config, target, notes, given)


def _work_tree_texts(repository: Repository, target: RefName, names: Iterable[str]) -> dict[str, str] | None:
    """The configuration files of the main work tree, if that has the target checked out."""
    folder = repository.main_work_tree
    if folder is None or refs.checked_out(repository.common) != target:
        return None
    return {name: _text((folder / name).read_bytes(), name) for name in names if (folder / name).is_file()}


def _from_file(path: Path) -> tuple[Config, tuple[str, object]]:
    try:
        data = path.read_bytes()
    except OSError as refused:
        raise ConfigurationError(f"GITBOT_CONFIG: {path}: {refused.strerror}") from None
    config, (_, table) = _parse({configuration.FILE: _text(data, path.name)}, str(path.parent))
    return config, (f"GITBOT_CONFIG: {path}", table)


def _parse(texts: Mapping[str, str], origin: str) -> tuple[Config, tuple[str, object]]:
    where, table = configuration.given(texts, origin=origin)
    return configuration.convert(table, where) if where else Config(), (where, table)


def _text(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as broken:
        raise ConfigurationError(f"{name} is no UTF-8: byte {broken.start}") from None


# Plans


def plans_at(repository: Repository, commit: Oid, config: Config, *, keep: Path | None = None) -> PlanSet:
    """The plans of a commit, in the configured places. One that cannot be read goes on as it was when it could be.

    In the file `keep` what was read is kept for the next time, as reading takes longer than all the rest of a push.
    The whole tree is the key and not the plans' part of it: which files there are decides what a plan's words mean.
    """
    tree = repository.tree_of(commit)
    key = f"{__version__} {tree} {config.plans}\n".encode("utf-8", "surrogateescape")
    if keep is not None and (known := _kept(keep, key)) is not None:
        return known
    files = repository.files(tree)
    read = ((path, repository.read(tree, path, fetch=True)) for path in _plan_files(files, config.plans))
    texts = {path: data for path, data in read if data is not None}
    found = _read_plans(texts, files)
    if broken := {problem.path for problem in found.problems if problem.level == "error"} - {*found.files}:
        earlier = {path: was for path in sorted(broken) if (was := _last_readable(repository, commit, path))}
        again = _read_plans(texts | {path: data for path, (_, data) in earlier.items()}, files)
        said = (
            replace(p, message=f"{p.message}; until it is mended it counts as it was at {earlier[p.path][0][:7]}")
            if p.path in earlier
            else p
            for p in found.problems
        )
        found = replace(again, problems=(*said, *(p for p in again.problems if p.path in earlier)))
    if keep is not None:
        _keep(keep, key, found)
    return found


def _last_readable(repository: Repository, commit: Oid, path: str) -> tuple[Oid, bytes] | None:
    """Where on the first-parent line a plan could be read last, and how it was; None: not since it was added."""
    words = ("--literal-pathspecs", "rev-list", "--first-parent", f"--max-count={MOST_VERSIONS}", commit, "--", path)
    for listed in repository.attempt(*words).stdout.decode().split()[1:]:
        data = repository.read(repository.tree_of(Oid(listed)), path)
        if data is None:
            break
        if _read_plans({path: data}, None).files:
            return Oid(listed), data
    return None


def plans_in_files(repository: Repository, tree: Oid, paths: Iterable[str]) -> PlanSet:
    """The plans in some files of a tree, for their tasks: what their claims mean takes the whole tree to say."""
    found = ((path, repository.read(tree, path)) for path in sorted(_worth_reading(paths)))
    return _read_plans({path: data for path, data in found if data is not None}, None)


def in_force_plans(
    repository: Repository, target: RefName, config: Config, *, at: Oid | None = None, kept: bool = False
) -> PlanSet:
    """The plans that hook, guard and integrate go by: the target's, else those of the main work tree.

    `at` is the target's commit, when not its tip is meant. `kept`: what was read of the target is kept in the common
    git folder.
    """
    tip = at or refs.read(repository, target)
    keep = repository.common / KEPT if kept else None
    found = plans_at(repository, tip, config, keep=keep) if tip is not None else PlanSet()
    if found.files:
        return found
    folder = repository.main_work_tree
    return plans_in(repository, folder, (), config, missing_ok=True) if folder is not None else found


def _kept(file: Path, key: bytes) -> PlanSet | None:
    with contextlib.suppress(OSError, ValueError):  # not there, damaged, or of another form
        checksum, known, packed = file.read_bytes().split(b"\n", 2)
        if known + b"\n" == key and int(checksum) == zlib.crc32(key + packed):
            return msgspec.msgpack.decode(packed, type=PlanSet)
    return None


def _keep(file: Path, key: bytes, found: PlanSet) -> None:
    with contextlib.suppress(OSError, ValueError):  # a name that is no UTF-8, or nowhere to write: read again, then
        packed = msgspec.msgpack.encode(found)
        file.parent.mkdir(exist_ok=True)
        written = file.with_name(f"{file.name}.{os.getpid()}")
        written.write_bytes(b"%d\n%s%s" % (zlib.crc32(key + packed), key, packed))
        written.replace(file)


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
        tops = [root] if any(map(_is_glob, config.plans)) else [root / place for place in config.plans]
        known = [path.relative_to(root).as_posix() for top in tops for path in _walk(top)]
        chosen = [root / path for path in _plan_files(known, config.plans)]
    folders = {parent: _relative(parent / "x", root).removesuffix("x") for parent in {path.parent for path in chosen}}
    contents = {folders[path.parent] + path.name: _content(path) for path in chosen}
    found = _read_plans(contents, _tracked(repository) if contents else None)
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
    globs = [place for place in places if _is_glob(place)]
    matcher = compile_patterns(globs) if globs else None
    plain = [place.rstrip("/") for place in places if place not in globs]
    folders = tuple(f"{place}/" for place in plain)
    files = list(files)
    chosen = {path for path in files if path in plain or (matcher is not None and matcher.matches(path))}
    chosen |= _worth_reading(path for path in files if path.startswith(folders))
    return sorted(chosen)


def _is_glob(place: str) -> bool:
    return re.search(r"[*?\[{]", place) is not None


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
    from gitbot import workers
    from gitbot.plans import Source, read_plans

    each = partial(workers.answers, kind=list[PlanSet])
    return read_plans([Source(path, data) for path, data in texts.items()], files, each)


def _walk(folder: Path) -> Iterable[Path]:
    """Regular files and links to such below a folder, sorted; hidden folders and links to folders are not entered.

    Of a file itself, that file.
    """
    if folder.is_file():
        yield folder
    if folder.is_symlink():
        return
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


def unreadable_plans(plans: PlanSet) -> tuple[str, ...]:
    """Lines for people about plans that cannot be read."""
    return tuple(f"{each.path}:{each.line}: {each.message}" for each in plans.problems if each.level == "error")


# Branches


def branch_of(plan: Plan, config: Config) -> BranchName:
    """The branch a plan's work is expected on: as declared, else by the first configured pattern."""
    return _branches(plan, config)[0]


def plans_of(branch: str, plans: PlanSet, config: Config) -> tuple[Plan, ...]:
    """The plans whose branch this is; names compare case-folded and without a remote's prefix."""
    return owners(plans, config)(branch)


def owners(plans: PlanSet, config: Config) -> Callable[[str], tuple[Plan, ...]]:
    """The same, for who asks of many branches."""
    by_name = defaultdict[str, set[int]](set)
    for number, plan in enumerate(plans.plans):
        for name in spelled(plan, config):
            by_name[name].add(number)

    def of(branch: str) -> tuple[Plan, ...]:
        found = {number for name in spellings(branch) for number in by_name.get(name, ())}
        return tuple(plans.plans[number] for number in sorted(found))

    return of


def spellings(branch: str) -> set[str]:
    """The names that a plan may give a branch by, case-folded."""
    return {branch.casefold(), branch.partition("/")[2].casefold()}


def spelled(plan: Plan, config: Config) -> set[str]:
    """The names by which a plan's branch is found, case-folded."""
    return {name.casefold() for name in _branches(plan, config)}


def _branches(plan: Plan, config: Config) -> tuple[BranchName, ...]:
    if plan.branch:
        return (BranchName(plan.branch),)
    return tuple(map(BranchName, usual_branches(plan, config.branch)))
