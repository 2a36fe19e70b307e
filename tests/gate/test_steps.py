"""Which gates apply, and in which order."""

from __future__ import annotations

from gitbot.config import Config, gate_command, parse
from gitbot.gate import steps
from gitbot.model.git import RefName
from gitbot.model.run import Request

THREE = """
[gate]
command = "unit"
timeout = 60
[gates.web]
command = ["npm", "test"]
paths = ["web/**"]
setup = "npm ci"
[gates.docs]
command = "mkdocs build"
paths = ["docs/**", "*.md"]
timeout = 5
[gates.always]
command = "lint"
"""


def configured(text: str) -> Config:
    return parse({"gitbot.toml": text}, origin="main")


def asked(config: Config, gate: str | None = None, seconds: float | None = None) -> Request:
    command = gate_command(config) if gate is None else gate
    limit = seconds or config.gate.timeout
    return Request(names=("a",), target=RefName("refs/heads/main"), gate=command, gate_timeout=limit)


def named(config: Config, changed: list[str] | None, **more: object) -> list[tuple[str, float]]:
    return [(step.name, step.seconds) for step in steps(config, asked(config, **more), changed)]  # type: ignore[arg-type]


def test_the_bare_target_gets_all_in_the_order_given() -> None:
    assert named(configured(THREE), None) == [("gate", 60), ("web", 60), ("docs", 5), ("always", 60)]


def test_a_gate_with_paths_is_for_those_who_change_one_of_them() -> None:
    config = configured(THREE)
    assert named(config, ["src/a.py"]) == [("gate", 60), ("always", 60)]
    assert named(config, ["README.md", "src/a.py"]) == [("gate", 60), ("docs", 5), ("always", 60)]
    assert named(config, []) == [("gate", 60), ("always", 60)]


def test_a_command_asked_for_stands_for_all_and_a_limit_asked_for_goes_before_all() -> None:
    config = configured(THREE)
    assert named(config, None, gate="unit") == [("gate", 60)]
    assert [limit for _, limit in named(config, None, seconds=7)] == [7, 7, 7, 7]


def test_named_gates_need_no_other() -> None:
    config = configured('[gates.docs]\ncommand = "mkdocs build"\npaths = ["docs/**"]')
    assert named(config, None) == [("docs", 1800)]
    assert named(config, ["a"]) == []


def test_all_gates_can_be_said_as_one_command() -> None:
    assert gate_command(configured(THREE)) == "unit && npm test && mkdocs build && lint"
    assert gate_command(configured('[gate]\ncommand = ["npm", "test"]')) == ("npm", "test")
    assert gate_command(configured("")) == ""
