"""A landing as the configuration has it: the request that `integrate` takes where nobody is there to give options."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from gitbot.config import Config, gate_command
from gitbot.errors import NoGateError
from gitbot.landing import naming
from gitbot.landing.run import integrate
from gitbot.model.git import BranchName
from gitbot.model.merge import Branch
from gitbot.model.progress import Progress
from gitbot.model.run import Request, Run
from gitbot.planset import InForce
from gitbot.repository import Repository


def land(
    repository: Repository,
    force: InForce,
    names: Sequence[BranchName],
    env: Mapping[str, str],
    *,
    progress: Progress,
    deliver: Callable[[Run], None],
) -> Run:
    """Integrate these branches as configured.

    Raises:
        NoGateError: no gate is configured.
    """
    must_have_gate(force)

    def asked(config: Config) -> Request:
        return Request(
            names=tuple(names),
            target=force.target,
            strategies=(),
            accept_both="bold" if config.integrate.accept_both == "bold" else "careful",
            gate=gate_command(config),
            gate_timeout=config.gate.timeout,
            plans=None,
            jobs=config.integrate.jobs,
        )

    def resolve() -> Sequence[Branch]:
        return naming.resolve(repository, tuple(names), force.target)

    return integrate(repository, resolve, asked, force.config, env, dry_run=False, progress=progress, deliver=deliver)


def must_have_gate(force: InForce) -> None:
    """Raises NoGateError where no gate is configured: nothing lands untested."""
    if not gate_command(force.config):
        raise NoGateError(
            "no integration tests are configured, and nothing lands untested",
            hint="[gate] command in gitbot.toml (gitbot init makes a guess)",
        )
