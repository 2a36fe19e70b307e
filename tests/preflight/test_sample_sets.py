"""Every sample plan set is judged as the expectation beside it says."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from gitbot.plans import Source, is_plan_file, read_plans
from gitbot.preflight import Surroundings, check

ROOT = Path(__file__).parents[2] / "fixtures" / "plans"
SETS = sorted(path.parent for path in ROOT.glob("*/expected.toml"))


@pytest.mark.parametrize("folder", SETS, ids=lambda folder: folder.name)
def test_a_sample_set_gets_its_verdict_phases_and_findings(folder: Path) -> None:
    expected = tomllib.loads((folder / "expected.toml").read_text(encoding="utf-8"))
    texts = [path for path in sorted(folder.rglob("*")) if path.is_file() and is_plan_file(path.as_posix())]
    sources = [Source(path.relative_to(folder).as_posix(), path.read_bytes()) for path in texts]
    answer = check(read_plans(sources, expected.get("files")), Surroundings())
    assert answer.verdict == expected["verdict"]
    assert [sorted(phase) for phase in answer.phases] == [sorted(phase) for phase in expected["phases"]]
    assert set(expected.get("findings", ())) <= {finding.rule for finding in answer.findings}
