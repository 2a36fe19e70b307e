"""Configuration: text in, one frozen value or one error that names the key."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitbot.config import Config, as_table, by_name, from_table, parse
from gitbot.errors import ConfigurationError
from gitbot.model.merge import Strategy

WHOLE = """
target = "trunk"
plans = ["plans", "docs/tasks/*.md"]
branch = ["work/{id}"]
shared = ["package.json"]
additive = ["docs/index.md"]
rules = { "parallel-hint" = "off" }
attended = false
[ownership]
unowned = "refuse"
[gate]
command = ["npm", "test"]
setup = "npm ci"
timeout = 60
confirm = 2
pass = ["NPM_TOKEN"]
include = [".env.test"]
protect = ["ci/**"]
trust-remote = true
[integrate]
strategy = "squash"
accept-both = "bold"
history = "linear"
branches = { "agent-x" = { strategy = "merge" } }
[estimate]
task-minutes = 45
"""


def read(text: str) -> Config:
    return parse({"gitbot.toml": text}, origin="main")


def test_every_documented_key_is_read() -> None:
    config = read(WHOLE)
    assert (config.target, config.gate.command, config.gate.pass_) == ("trunk", ("npm", "test"), ("NPM_TOKEN",))
    assert (config.ownership.unowned, config.ownership.foreign) == ("refuse", "refuse")
    assert (config.gate.confirm, config.gate.trust_remote, config.gate.timeout) == (2, True, 60)
    assert (config.integrate.accept_both, config.integrate.history) == ("bold", "linear")
    assert config.integrate.branches["agent-x"].strategy is Strategy.MERGE
    assert config.attended is False
    assert by_name(config.estimate)["task-minutes"] == 45
    assert by_name(config.estimate)["iteration-minutes"] == 2


def test_the_documented_defaults_are_the_defaults() -> None:
    text = (Path(__file__).parents[1] / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert read(text.partition("```toml\n")[2].partition("```")[0]) == Config()


def test_nothing_configured_is_the_default() -> None:
    assert parse({}, origin="main") == read("") == Config()
    assert parse({"pyproject.toml": "[project]\nname = 'x'\n"}, origin="main") == Config()


def test_pyproject_says_the_same_below_its_own_table() -> None:
    inside = parse({"pyproject.toml": "[tool.gitbot]\ntarget = 'trunk'\n"}, origin="main")
    assert inside == read("target = 'trunk'")


def test_a_configuration_survives_being_kept() -> None:
    assert from_table(as_table(read(WHOLE))) == read(WHOLE)


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("targt = 'x'", "main: gitbot.toml: unknown key `targt`", "did you mean `target`?"),
        ("[integrate]\nacceptboth = 'bold'", "main: gitbot.toml: unknown key `integrate.acceptboth`",
         "did you mean `integrate.accept-both`?"),
        ("[gate]\ntimeout = 0",
         "main: gitbot.toml: a gate's timeout must be more than 0 seconds and at most 30 days", None),
        ("branch = ['agent']", "main: gitbot.toml: branch patterns need {id} exactly once", None),
        ("branch = []", "main: gitbot.toml: branch needs at least one pattern", None),
        ("plans = ['../plans']", "main: gitbot.toml: plans must stay inside the repository", None),
        ("[gate]\ninclude = ['/etc/passwd']",
         "main: gitbot.toml: gate.include must stay inside the repository", None),
        ("[integrate]\njobs = 0", "main: gitbot.toml: integrate.jobs must be from 1 to 64", None),
        ("[integrate]\njobs = 65", "main: gitbot.toml: integrate.jobs must be from 1 to 64", None),
        ('[gate]\njunit = "./."', "main: gitbot.toml: gate.junit must be a pattern inside the repository", None),
        ("[estimate]\ntask-minutes = 0",
         "main: gitbot.toml: every number of estimate must be more than 0 and at most 1000000000", None),
        ("[estimate]\ntask_minutes = 5", "main: gitbot.toml: unknown key `estimate.task_minutes`",
         "did you mean `estimate.task-minutes`?"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_the_way_out(text: str, message: str, hint: str | None) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read(text)
    assert (caught.value.message, caught.value.hint) == (message, hint)


@pytest.mark.parametrize(
    "text",
    [
        "target = 1",
        "[gate]\nconfirm = 3",
        "[gate]\ntimeout = 'long'",
        "[gate]\ntimeout = inf",
        "[gate]\ntimeout = nan",
        "[gate]\ntimeout = 2592001",
        "[estimate]\ncycle-minutes = inf",
        "attended = 'maybe'",
        "[gate]\ntimeout = 1" + "0" * 400,
        "gate = 'x'",
        "[ownership]\nforeign = 'allow'",
        "[integrate]\nstrategy = 'ours'",
        "[integrate.branches]\nx = { strategi = 'squash' }",
        "target = ",
        "a = " + "[" * 2000,
    ],
)
def test_wrong_values_and_broken_toml_are_configuration_errors(text: str) -> None:
    with pytest.raises(ConfigurationError):
        read(text)


@pytest.mark.parametrize("blank", ["'  '", "'\t'", "[]", "['', ' ']"])
def test_a_blank_command_is_no_command(blank: str) -> None:
    gate = read(f"[gate]\ncommand = {blank}\nsetup = {blank}").gate
    assert (gate.command, gate.setup) == ("", "")


def test_two_places_at_once_are_refused() -> None:
    with pytest.raises(ConfigurationError):
        parse({"gitbot.toml": "", "pyproject.toml": "[tool.gitbot]\n"}, origin="main")


@given(st.text(max_size=200), st.sampled_from(["gitbot.toml", "pyproject.toml"]))
def test_any_text_gives_a_configuration_or_its_error(text: str, name: str) -> None:
    with contextlib.suppress(ConfigurationError):
        assert isinstance(parse({name: text}, origin="main"), Config)
