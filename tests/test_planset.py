"""What is in force: read from the target, and refused where it is not understood."""

from __future__ import annotations

import pytest

from gitbot import config
from gitbot.errors import ConfigurationError
from gitbot.planset import in_force
from gitbot.preflight import RULES
from tests.conftest import SandboxMaker, step


@pytest.mark.parametrize(
    ("rule", "hint"),
    [("paralel-hint", "did you mean `rules.parallel-hint`?"), ("zzz", "known keys: case-collision, ")],
)
def test_a_rule_that_there_is_not_is_refused_with_the_nearest_name(
    sandbox: SandboxMaker, rule: str, hint: str
) -> None:
    box = sandbox(step("main", {"gitbot.toml": f'rules = {{ "{rule}" = "off" }}\n'}))
    with pytest.raises(ConfigurationError) as caught:
        in_force(box.repository, None)
    assert caught.value.message == f"main at {box.tip('main')[:7]}: gitbot.toml: unknown key `rules.{rule}`"
    assert (caught.value.hint or "").startswith(hint)
    assert box.gitbot("check").code == 2


def test_a_rule_that_there_is_can_be_turned_off(sandbox: SandboxMaker) -> None:
    box = sandbox(step("main", {"gitbot.toml": 'rules = { "parallel-hint" = "off" }\n'}))
    assert in_force(box.repository, None).config.rules == {"parallel-hint": "off"}


def test_the_rules_that_a_configuration_may_name_are_those_that_there_are() -> None:
    assert RULES.keys() == config.RULES
