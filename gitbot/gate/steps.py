"""Which of the configured gates apply to a commit, in the order in which they run, and what their commands name."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

from gitbot.config import Config, gate_command
from gitbot.model.gate import GateStep
from gitbot.model.run import Request
from gitbot.patterns import compile_patterns

_HERE = re.compile(r"""["']?(?:\$\{?PWD\}?|\$\(pwd\)|`pwd`|\{checkout\})["']?/""")


def words(command: str | Sequence[str] | None) -> set[str]:
    """What may be names in a command: less options, quotes, `./` and the like, and what follows a colon."""
    text = _HERE.sub("./", command if isinstance(command, str) else "\n".join(command or ()))
    found = {*re.split(r"[\s;&|()<>=,:'\"\[\]]+", text), *(() if isinstance(command, str) else command or ())}
    return {word.removeprefix("./").rstrip("/") for word in found if word.strip("/") and not word.startswith("-")}


def steps(config: Config, request: Request, changed: Collection[str] | None) -> tuple[GateStep, ...]:
    """The gates for a candidate that changes these paths of the target; None: the bare target, all of them.

    A command asked for with `--gate` stands for all, a time limit asked for goes before those of the configuration.
    """
    asked = request.gate != gate_command(config)
    command = request.gate if asked else config.gate.command
    first = (GateStep("gate", command, "", request.gate_timeout),) if command else ()
    return first if asked else (*first, *_named(config, request, changed))


def _named(config: Config, request: Request, changed: Collection[str] | None) -> Iterator[GateStep]:
    own_limits = request.gate_timeout == config.gate.timeout
    for name, gate in config.gates.items():
        matches = compile_patterns(gate.paths).matches
        if changed is None or not gate.paths or any(map(matches, changed)):
            seconds = gate.timeout if gate.timeout and own_limits else request.gate_timeout
            yield GateStep(name, gate.command, gate.setup, seconds)
