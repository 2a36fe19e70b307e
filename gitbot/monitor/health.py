"""What here works and what needs attention, of everything that gitbot stands on; reads only.

A problem is what is configured and does not work, or was left behind; a note is what nobody has set up, or what a
person may want to know.
"""

from __future__ import annotations

import importlib.util
import re
import shlex
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from gitbot import __version__
from gitbot.config import gate_command
from gitbot.errors import DamagedRecordError, GitbotError, GitError, InputError, NoIdentityError
from gitbot.gate import must_be_possible
from gitbot.guard import installation
from gitbot.journal import leases, lock, pauses, pins, results, runs
from gitbot.model.gate import GateKey
from gitbot.model.run import Finished
from gitbot.planset import InForce, in_force, in_force_plans
from gitbot.report.terminal import some
from gitbot.repository import Repository, history, pool, refs

OLD = 60.0  # seconds after which a lock of git's is nobody's any more
LARGE = 5e9  # bytes of checkouts that a person wants to know of
EXTRAS = {"structure": "tree_sitter", "mcp": "mcp", "web": "starlette"}  # by what they bring


@dataclass(frozen=True, slots=True)
class Sign:
    """One thing that was looked at: what it is about, what is so and where, and the way out."""

    state: Literal["problem", "note", "ok"]
    about: str
    text: str
    hint: str | None = None


def examine(repository: Repository, env: Mapping[str, str], now: float) -> Iterator[Sign]:
    """Everything, in the order in which a run would need it."""
    yield Sign("ok", "git", f"{repository.git('version').decode(errors='replace').strip()}; gitbot {__version__}")
    try:
        yield Sign("ok", "identity", "{} <{}>".format(*repository.identity()))
    except NoIdentityError as wrong:
        yield Sign("problem", "identity", wrong.message, wrong.hint)
    try:
        force = in_force(repository, None, env.get("GITBOT_CONFIG"))
        where = force.given[0] or "none, the defaults are in force"
        yield Sign("ok", "target", f"{refs.shorthand(force.target)}; configuration: {where}")
        yield from (Sign("note", "target", note) for note in force.notes)
        yield from _gate(repository, force, env)
        yield from _plans(repository, force)
        yield from _branches(repository, force)
    except GitbotError as wrong:
        yield Sign("problem", "target", wrong.message, wrong.hint)
    yield from _hooks(repository)
    yield from _runs(repository)
    yield from _left(repository, now)
    yield from _told(repository, now)
    yield from _room(repository, now)
    for name, module in EXTRAS.items():
        if importlib.util.find_spec(module) is None:
            yield Sign("note", "extra", f"{name} is not installed", f"pip install 'gitbot-merge[{name}]'")


def _gate(repository: Repository, force: InForce, env: Mapping[str, str]) -> Iterator[Sign]:
    config = force.config
    gates = {"gate": config.gate, **{f"gates.{name}": gate for name, gate in config.gates.items()}}
    said = [(f"{name}.{key}", getattr(gate, key)) for name, gate in gates.items() for key in ("setup", "command")]
    for key, command in said:
        program = _program(command) if config.gate.isolation in ("process", "bwrap") else ""
        asked = ("/bin/sh", "-c", 'command -v "$1"', "sh", program)  # the shell's own commands are found as well
        if program and subprocess.run(asked, env=dict(env), stdin=subprocess.DEVNULL, capture_output=True).returncode:
            yield Sign(
                "problem", "gate", f"{key}: {program} was not found on PATH", "install it, or mend the command"
            )
        elif command:
            yield Sign("ok", "gate", f"{key}: {command if isinstance(command, str) else shlex.join(command)}")
    if not gate_command(config):
        yield Sign(
            "note", "gate", "no command, so that nothing can be tested", 'gitbot init guesses one, or --gate "…"'
        )
    try:
        must_be_possible(config, env, repository)
        yield Sign("ok", "isolation", str(config.gate.isolation))
    except InputError as wrong:
        yield Sign("problem", "isolation", wrong.message, wrong.hint)


def _program(command: str | tuple[str, ...]) -> str:
    """What is looked up on PATH for a command; "" where the checkout has it, or only a shell can tell."""
    assignment = r"(?!PATH=)\w+=[^$`]*"
    try:
        words = shlex.split(command) if isinstance(command, str) else command[:1]
        word = next((word for word in words if not re.fullmatch(assignment, word)), "")
    except ValueError:
        return ""
    return word if re.fullmatch(r"\w[\w.+-]*", word) else ""


def _plans(repository: Repository, force: InForce) -> Iterator[Sign]:
    found = in_force_plans(repository, force.target, force.config)
    for wrong in found.problems:
        if wrong.level == "error":
            yield Sign("problem", "plans", f"{wrong.path}:{wrong.line}: {wrong.message}", wrong.hint)
    if found.plans:
        yield Sign("ok", "plans", f"{len(found.plans)} can be read: {some([plan.id for plan in found.plans])}")
    elif not found.problems:
        yield Sign("note", "plans", f"none in {some(force.config.plans)}: no file has an owner", "see docs/plans.md")


def _branches(repository: Repository, force: InForce) -> Iterator[Sign]:
    target = refs.read(repository, force.target)
    if target is None:
        return
    for ref, tip in refs.below(repository, refs.HEADS):
        try:
            base = history.merge_base(repository, tip, target)
            history.must_be_whole(repository, tip, repository.changes(base, tip) if base else ())
        except GitError as damage:
            text = f"{ref.removeprefix(refs.HEADS)}: {damage.message}"
            yield Sign("problem", "branches", text, "git fsck says what is damaged; git fetch may bring it back")


def _hooks(repository: Repository) -> Iterator[Sign]:
    name = installation.name_for(repository, server=None)
    place = installation.place_of(repository, name=name)
    at_push = name == installation.PRE_PUSH
    found = installation.obstacles(repository) if at_push else {str(repository.common): place.obstacle}
    wanted = place.is_ours or None in found.values()
    for why in dict.fromkeys(found.values()):
        trees = some([tree for tree in found if found[tree] == why], 1)
        if why is None:
            yield Sign("ok", "hook", f"{name} fires in {trees}")
        else:
            text = f"{name} does not fire in {trees}: {why}"
            yield Sign("problem" if wanted else "note", "hook", text, "gitbot hook install")


def _runs(repository: Repository) -> Iterator[Sign]:
    known = runs.runs(repository)
    for run in known:
        try:
            runs.read(repository, run)
        except DamagedRecordError as damaged:
            yield Sign("problem", "runs", damaged.message, damaged.hint)
    newest, records = next(runs.own(repository), (None, ()))
    if lock.is_held(repository):
        yield Sign("note", "runs", "one is under way", "wait for it to end; a dead process never holds its lock")
    elif newest and not any(isinstance(record, Finished) for record in records):
        hint = "the same gitbot integrate goes on with it, any other closes it"
        yield Sign("problem", "runs", f"{newest} was broken off", hint)
    else:
        yield Sign("ok", "runs", f"{len(known)} recorded, none is open")


def _left(repository: Repository, now: float) -> Iterator[Sign]:
    """What killed processes have left; what the next run takes away by itself is only noted."""
    common = repository.common
    found = [*common.glob("*.lock"), *common.glob("worktrees/*/*.lock"), *common.glob("refs/**/*.lock")]
    old = [path for path in found if path.exists() and now - path.stat().st_mtime > OLD]
    for path in old:
        text = f"{path} has been there for {(now - path.stat().st_mtime) / 60:.0f} min"
        yield Sign("problem", "locks", text, "remove it when no git is at work here: the one that made it was killed")
    scratch = [path for path in (common / "gitbot" / "scratch", common / refs.MOVING) if path.exists()]
    for path in scratch if not lock.is_held(repository) else ():
        yield Sign("note", "locks", f"{path} was left by a run that was killed", "the next run takes it away")
    if not old:
        yield Sign("ok", "locks", "none was left behind")


def _told(repository: Repository, now: float) -> Iterator[Sign]:
    if (pause := pauses.read(repository)) is not None:
        yield Sign("note", "pause", f"landing is paused by {pause.by}: {pause.reason}", "gitbot watch --resume")
    table = leases.kept(repository, refs.read(repository, leases.TABLE))
    if table is None:
        hint = f"to drop it: git update-ref -d {leases.TABLE}"
        yield Sign("problem", "leases", f"{leases.TABLE} cannot be read: nobody's lease counts", hint)
    elif table:
        held = [f"{lease.pattern} by {lease.holder}" for lease in table if lease.stands(now)]
        text = f"{len(held)} in force ({some(held) or 'none'}), {len(table) - len(held)} over"
        yield Sign("note", "leases", text, "those that are over go with the next claim")


def _room(repository: Repository, now: float) -> Iterator[Sign]:
    """What is kept, how old it is, and what that takes of the disk."""
    kept = list(refs.below(repository, "refs/gitbot"))
    pinned = [ref for ref, _ in kept if ref.startswith(("refs/gitbot/pin/", "refs/gitbot/backup/"))]
    tested = [ref.removeprefix(results.PREFIX) for ref, _ in kept if ref.startswith(results.PREFIX)]
    seen = (results.sightings(repository, GateKey(key)) for key in tested)
    times = [pins.run_time(ref.split("/")[3]) for ref in pinned] + [one[-1].finished if one else 0.0 for one in seen]
    old = sum(time is not None and now - time > pins.KEEP_SECONDS for time in times)
    if old:
        text = f"pins, backups and results older than {pins.KEEP_SECONDS // 86400} days: {old}"
        yield Sign("note", "record", text, "the next gitbot integrate lets them go")
    words = ("--objects", "--disk-usage", "--missing=allow-promisor", "--glob=refs/gitbot/*")  # nothing is fetched
    done = repository.attempt("rev-list", *words, "--not", "--branches", "--tags", "--remotes")
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()
        yield Sign("problem", "record", f"refs/gitbot cannot be read: {said}", "git fsck says what is damaged")
    else:
        size = f"{int(done.stdout) / 1e6:.1f} MB that no branch has"
        yield Sign("ok", "record", f"refs/gitbot: {len(kept)} references, {size}")
    folder = pool.cache_folder(repository)
    counted = subprocess.run(("du", "-sk", folder), capture_output=True, check=False).stdout.split()
    if counted:
        taken = 1024 * int(counted[0])
        hint = f"when no run is under way: rm -r {shlex.quote(str(folder))}"
        yield Sign("note" if taken > LARGE else "ok", "checkouts", f"{folder}: {taken / 1e6:.1f} MB", hint)
