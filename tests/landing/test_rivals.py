"""Which branches would keep each other out, by trial merges within a bound."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitbot.config import Config
from gitbot.guard.enforcement import Enforcement
from gitbot.landing import examine
from gitbot.landing.examine import Examiner
from gitbot.merge.commands import Commands
from gitbot.merge.rungs import Manner
from gitbot.model.git import BranchName
from gitbot.model.merge import Branch
from gitbot.model.plan import PlanSet
from gitbot.repository.workbench import Workbench
from tests.conftest import Sandbox, SandboxMaker, step
from tests.merge.standing import GRACE

NAMES = tuple(map(BranchName, ("agent-a", "agent-b", "agent-c", "agent-d")))


@pytest.fixture
def box(sandbox: SandboxMaker) -> Sandbox:
    """Two add to one list, which careful settles; two change one line, which nobody can; the pairs share no file."""
    start = step("main", {"CHANGES": "- first\n", "limit.py": "LIMIT = 1\n"})
    entries = [step(name, {"CHANGES": f"- first\n- of {name}\n"}) for name in NAMES[:2]]
    lines = [step(name, {"limit.py": f"LIMIT = {len(name)}{name[-1]!r}\n"}) for name in NAMES[2:]]
    return sandbox(start, *entries, *lines)


def rivals(box: Sandbox, scratch: Path) -> dict[BranchName, frozenset[BranchName]]:
    repository, onto = box.repository, box.tip("main")
    config, plans = Config(), PlanSet()
    with Workbench(repository, scratch, onto) as bench:
        examiner = Examiner(
            repository=repository,
            bench=bench,
            force=Enforcement(repository, config, plans, "main", (onto,), ()),
            strategies=(),
            manner=Manner.CAREFUL,
            committer=GRACE,
            landed={},
            refs={},
            commands=Commands(repository, bench, config, {}, True),
            additive=lambda _: False,
            owned_twice=lambda _: None,
        )
        works = examiner.works([Branch(name, box.tip(name)) for name in NAMES], onto)
        return {name: examiner.rivals(works)[name] for name in NAMES}


def test_only_what_cannot_be_settled_keeps_a_branch_out(box: Sandbox, tmp_path: Path) -> None:
    a, b, c, d = NAMES
    assert rivals(box, tmp_path / "scratch") == {a: frozenset(), b: frozenset(), c: {d}, d: {c}}


def test_beyond_the_bound_every_conflict_keeps_a_branch_out(
    box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No pair is settled for trial, and those that do not conflict at all are none the less no rivals."""
    monkeypatch.setattr(examine, "MOST_SETTLED", examine.LEAST - 1)
    a, b, c, d = NAMES
    assert rivals(box, tmp_path / "scratch") == {a: {b}, b: {a}, c: {d}, d: {c}}


def test_the_smallest_conflicts_are_tried_as_long_as_the_bound_allows(
    box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(examine, "MOST_SETTLED", 2 * examine.LEAST)
    assert rivals(box, tmp_path / "scratch")[NAMES[0]] == frozenset()
