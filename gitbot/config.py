"""gitbot.toml, or `[tool.gitbot]` in pyproject.toml, as one frozen value.

Text in, `Config` out; where the text comes from (the target's tip, never another branch) is `gitbot.planset`'s
business. Whatever is wrong with it ends in a `ConfigurationError` that names the key.
"""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, cast

import msgspec

from gitbot.errors import ConfigurationError
from gitbot.model.strategy import Strategy

FILE = "gitbot.toml"
PYPROJECT = "pyproject.toml"
LONGEST = 30 * 86_400  # seconds that a gate may be given
MOST_JOBS = 64  # runs of the gate at once
LEVELS = ("off", "note", "warning", "error")  # that a rule can be given
_RULES = """
case-collision claims-widened co-change coupling-without-event dependency-cycle duplicate-plan event-name
event-unmatched hot-spot imports layer-order missing-acceptance missing-context no-failure-handling no-gate
no-ownership overlap own-never parallel-hint reviewers sequence-folder shared-file tiny-task too-many-agents
unknown-dependency unreadable-plan
"""
RULES = frozenset(
    _RULES.split()
)  # named here, as the room of `check` takes long to import and a hook needs none of it
LARGEST_ASSUMED = 10**9  # of the estimate's numbers: beyond it their products mean nothing


class _Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """What every table has in common: kebab-case keys, nothing unknown."""


class Ownership(_Section, frozen=True, rename="kebab"):
    """What happens at push and at integrate when a branch touches what is not its own.

    `tools` says whether an agent's tool may run when gitbot fails to judge it.
    """

    foreign: Literal["refuse", "warn"] = "refuse"
    shared: Literal["refuse", "warn"] = "refuse"
    unowned: Literal["allow", "warn", "refuse"] = "warn"
    tools: Literal["open", "closed"] = "open"


class Gate(_Section, frozen=True, rename="kebab"):
    """The integration tests. `timeout` is in seconds, `junit` a pattern of report files in the checkout."""

    command: str | tuple[str, ...] = ""
    setup: str | tuple[str, ...] = ""
    timeout: float = 1800
    isolation: str | tuple[str, ...] = "process"
    junit: str = ""
    confirm: Literal["auto", 0, 1, 2] = "auto"
    pass_: tuple[str, ...] = msgspec.field(default=(), name="pass")
    include: tuple[str, ...] = ()
    protect: tuple[str, ...] = ()
    trust_remote: bool = False
    warm: bool = True


class NamedGate(_Section, frozen=True, rename="kebab"):
    """A further gate, only for candidates that change one of `paths` where it names some."""

    command: str | tuple[str, ...] = ""
    paths: tuple[str, ...] = ()
    timeout: float | None = None  # seconds; None: as [gate] has it
    setup: str | tuple[str, ...] = ""


class BranchRule(_Section, frozen=True, rename="kebab"):
    """What the configuration fixes for one branch."""

    strategy: Strategy = Strategy.AUTO


class Integrate(_Section, frozen=True, rename="kebab"):
    """How branches land."""

    strategy: Strategy = Strategy.AUTO
    accept_both: Literal["careful", "bold"] = "careful"
    history: Literal["any", "linear"] = "any"
    merges: Literal["flatten", "rebase"] = "flatten"
    resolver: str | tuple[str, ...] = ""
    regenerate: dict[str, str] = {}  # by path pattern of a lock file: the command that makes it
    require: Literal["", "approved"] = ""
    jobs: int = 1
    branches: dict[str, BranchRule] = {}


class Assumptions(_Section, frozen=True, rename="kebab"):
    """What the estimate of `check` stands on where no plan says it: minutes, and tokens that a session reads."""

    task_minutes: float = 30  # of work in one task
    iteration_minutes: float = 2  # between two requests of one agent
    cycle_minutes: float = 12  # in one planning cycle
    context_tokens: float = 2000  # in the first request of a fresh session
    growth_tokens: float = 667  # by which each further request is larger than the one before
    shared_context_tokens: float = 150_000  # specification and code that an agent loads before it starts


class Briefs(_Section, frozen=True, rename="kebab"):
    """What agents are handed. `templates` is a folder whose files replace those of the same name."""

    templates: str = ""


class Config(_Section, frozen=True, rename="kebab"):
    """The whole configuration; every default is the documented one."""

    target: str = ""
    plans: tuple[str, ...] = ("plans",)
    branch: tuple[str, ...] = ("agent-{id}", "agent/{id}")
    shared: tuple[str, ...] = ()
    additive: tuple[str, ...] = ()
    rules: dict[str, Literal["off", "note", "warning", "error"]] = {}
    attended: bool | None = None
    ownership: Ownership = Ownership()
    gate: Gate = Gate()
    gates: dict[str, NamedGate] = {}
    integrate: Integrate = Integrate()
    estimate: Assumptions = Assumptions()
    brief: Briefs = Briefs()


_SECTIONS: Mapping[str, type[msgspec.Struct]] = {
    "ownership": Ownership,
    "gate": Gate,
    "integrate": Integrate,
    "estimate": Assumptions,
    "brief": Briefs,
}


def parse(texts: Mapping[str, str], *, origin: str) -> Config:
    """The configuration of one tree: at most one of gitbot.toml and pyproject's `[tool.gitbot]`.

    `texts` maps those two file names to their contents where they exist; `origin` says in words where they
    stand ("main at 3f2a91c"), for messages.

    Raises:
        ConfigurationError: no TOML, an unknown key, a wrong value, or both files configure gitbot.
    """
    where, table = given(texts, origin=origin)
    return convert(table, where) if where else Config()


def given(texts: Mapping[str, str], *, origin: str) -> tuple[str, object]:
    """Where gitbot is configured, in words, and the table that stands there; ("", None): nowhere.

    Raises:
        ConfigurationError: no TOML, or both files configure gitbot.
    """
    own = _table(texts[FILE], FILE, origin) if FILE in texts else None
    project = _table(texts[PYPROJECT], PYPROJECT, origin) if PYPROJECT in texts else {}
    inside = project.get("tool", {})
    inside = inside.get("gitbot") if isinstance(inside, dict) else None
    if own is not None and inside is not None:
        raise ConfigurationError(
            f"{origin}: both {FILE} and [tool.gitbot] in {PYPROJECT} configure gitbot",
            hint=f"keep one of them; {FILE} is what `gitbot init` writes",
        )
    if own is not None:
        return f"{origin}: {FILE}", own
    return (f"{origin}: [tool.gitbot] in {PYPROJECT}", inside) if inside is not None else ("", None)


def _table(text: str, name: str, origin: str) -> dict[str, object]:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as broken:
        raise ConfigurationError(f"{origin}: {name} is no TOML: {broken}") from None


def convert(table: object, where: str) -> Config:
    """The configuration that a table makes; raises ConfigurationError as `parse` does."""
    if not isinstance(table, dict):
        raise ConfigurationError(f"{where}: a table is expected")
    refuse_unknown(table, _keys(Config), where)
    for name, section in _SECTIONS.items():
        inner = table.get(name)
        if isinstance(inner, dict):
            refuse_unknown(inner, _keys(section), where, f"{name}.")
    gates = table.get("gates")
    for name, inner in gates.items() if isinstance(gates, dict) else ():
        if isinstance(inner, dict):
            refuse_unknown(inner, _keys(NamedGate), where, f"gates.{name}.")
    rules = table.get("rules")
    refuse_unknown(rules if isinstance(rules, dict) else (), sorted(RULES), where, "rules.")
    for name, level in rules.items() if isinstance(rules, dict) else ():
        if level not in LEVELS:
            raise ConfigurationError(f"{where}: `rules.{name}` is {level!r}", hint=f"one of {', '.join(LEVELS)}")
    try:
        config = msgspec.convert(table, Config)
    except msgspec.ValidationError as wrong:
        raise ConfigurationError(f"{where}: {wrong}".replace(" - at `$.", " at `")) from None
    return _sensible(config, where)


def readable(table: object) -> Config:
    """What of a table can be read: each key, and each of a section, that makes sense by itself."""
    kept: dict[str, dict[str, object]] = {}
    whole: dict[str, object] = {}
    for key, value in table.items() if isinstance(table, dict) else ():
        for name, one in value.items() if isinstance(value, dict) else (("", value),):
            part = {name: one} if name else one
            try:
                convert({key: part}, "")
            except ConfigurationError:
                continue
            if isinstance(value, dict):
                kept.setdefault(key, {})[name] = one
            else:
                whole[key] = one
    return convert(whole | kept, "")


def _keys(section: type[msgspec.Struct]) -> list[str]:
    return [field.encode_name for field in msgspec.structs.fields(section)]


def refuse_unknown(keys: Iterable[str], known: Sequence[str], where: str, prefix: str = "") -> None:
    """Raises ConfigurationError with the nearest name where a key is none of the known ones."""
    for key in keys:
        if key not in known:
            import difflib  # here and not above: a hook has to start fast

            near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
            hint = f"did you mean `{prefix}{near[0]}`?" if near else f"known keys: {', '.join(known)}"
            raise ConfigurationError(f"{where}: unknown key `{prefix}{key}`", hint=hint)


def _sensible(config: Config, where: str) -> Config:
    """What types cannot say; a blank command is none."""
    limits = [config.gate.timeout, *(gate.timeout for gate in config.gates.values())]
    complaints = {
        "a gate's timeout must be more than 0 seconds and at most 30 days": not all(
            0 < seconds <= LONGEST for seconds in limits if seconds is not None
        ),
        "a name in gates is of letters, digits, dots, dashes, and not `gate`": not all(
            re.fullmatch(r"(?!gate$)[\w.-]{1,50}", name, re.ASCII) for name in config.gates
        ),
        "every one of gates needs a command": not all(_command(gate.command) for gate in config.gates.values()),
        "gate.isolation must be process, bwrap, or a command that has {command} in it": not _walls(
            config.gate.isolation
        ),
        "gate.junit must be a pattern inside the repository": _outside(config.gate.junit)
        or any("**" in part and part != "**" for part in config.gate.junit.split("/"))
        or (config.gate.junit != "" and not config.gate.junit.strip("./")),
        f"integrate.jobs must be from 1 to {MOST_JOBS}": not 0 < config.integrate.jobs <= MOST_JOBS,
        "branch patterns need {id} exactly once": any(p.count("{id}") != 1 for p in config.branch),
        "branch needs at least one pattern": not config.branch,
        "every number of estimate must be more than 0 and at most 1000000000": not all(
            0 < number <= LARGEST_ASSUMED for number in msgspec.structs.astuple(config.estimate)
        ),
        "brief.templates must stay inside the repository": _outside(config.brief.templates),
        "plans must stay inside the repository": any(_outside(p) for p in config.plans),
        "gate.include must stay inside the repository": any(_outside(p) for p in config.gate.include),
        "no value may have a zero byte in it": b"\\u0000" in msgspec.json.encode(config),
    }
    for complaint, holds in complaints.items():
        if holds:
            raise ConfigurationError(f"{where}: {complaint}")
    gate = msgspec.structs.replace(
        config.gate, command=_command(config.gate.command), setup=_command(config.gate.setup)
    )
    return msgspec.structs.replace(config, gate=gate)


def _command(words: str | tuple[str, ...]) -> str | tuple[str, ...]:
    return words if "".join(words).strip() else ""


def _walls(isolation: str | tuple[str, ...]) -> bool:
    try:
        words = shlex.split(isolation) if isinstance(isolation, str) else isolation
    except ValueError:
        return False
    return isolation in ("process", "bwrap") or any("{command}" in word for word in words[1:])


def gate_command(config: Config) -> str | tuple[str, ...]:
    """What all gates run, as one command: what `--gate` would have to say."""
    found = [command for command in (config.gate.command, *(g.command for g in config.gates.values())) if command]
    words = [command if isinstance(command, str) else shlex.join(command) for command in found]
    return found[0] if len(found) == 1 else " && ".join(words)


def _outside(path: str) -> bool:
    return path.startswith(("/", "~")) or ".." in path.replace("\\", "/").split("/")


def as_table(config: Config) -> dict[str, object]:
    """The configuration as plain values in the file's own spelling, so that it can be kept and read again."""
    return cast("dict[str, object]", msgspec.to_builtins(config))


def by_name(assumptions: Assumptions) -> dict[str, float]:
    """The assumptions in the file's own spelling."""
    return cast("dict[str, float]", msgspec.to_builtins(assumptions))


def from_table(table: object) -> Config:
    """The inverse of `as_table`, for what a run has kept."""
    return msgspec.convert(table, Config)
