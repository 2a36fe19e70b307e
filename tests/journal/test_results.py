"""What the gate said, kept: what counts again, for whom, and what it tells of flakes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from gitbot.config import Gate
from gitbot.journal import results
from gitbot.journal.runs import mark_clone
from gitbot.model.gate import GateResult, GateStep, GateVerdict
from gitbot.model.git import Oid
from tests.conftest import Sandbox, SandboxMaker, step

TRUE = (GateStep("gate", "true", "", 60),)
PASSED, FAILED = GateVerdict.PASSED, GateVerdict.FAILED


@pytest.fixture
def box(sandbox: SandboxMaker) -> Sandbox:
    box = sandbox(step("main", {"a": "1\n"}), step("next", {"a": "2\n"}))
    mark_clone(box.repository)
    return box


def result(
    box: Sandbox, verdict: GateVerdict, name: str = "main", *failing: str, finished: float = 1.0
) -> GateResult:
    tree = Oid(box.git("rev-parse", f"{name}^{{tree}}"))
    log = Oid(str(box.repository.lib.create_blob(b"log")))
    key = results.key_of(tree, Gate(), TRUE, "")
    here = mark_clone(box.repository)
    return GateResult(key, tree, verdict, 0, 1.0, 3, 0, log, "run", finished, failing=failing, clone=here)


def keep(box: Sandbox, *some: GateResult) -> None:
    for one in some:
        results.keep(box.repository, one)


def test_the_newest_pass_counts_again_else_the_newest_red_one_and_every_sighting_stays(box: Sandbox) -> None:
    red, later = result(box, FAILED, "main", "t::a"), result(box, FAILED, finished=2.0)
    green, killed = result(box, PASSED, finished=3.0), result(box, GateVerdict.KILLED, finished=4.0)
    assert results.known(box.repository, red.key) is None
    keep(box, result(box, GateVerdict.TIMED_OUT))
    assert results.known(box.repository, red.key) is None
    keep(box, red, later)
    assert results.known(box.repository, red.key) == later
    keep(box, green, killed, red)
    assert results.known(box.repository, red.key) == green
    assert results.sightings(box.repository, red.key)[1:] == (red, later, green, killed, red)
    results.let_go(box.repository, 1.0 + 15 * 86400)
    assert results.sightings(box.repository, red.key) == ()


@pytest.mark.parametrize("clone", ["", "f" * 32])
def test_what_another_clone_found_out_counts_only_for_those_who_say_so(box: Sandbox, clone: str) -> None:
    theirs = replace(result(box, PASSED), clone=clone)
    keep(box, theirs)
    assert results.known(box.repository, theirs.key) is None
    assert results.known(box.repository, theirs.key, anybodys=True) == theirs


def test_a_result_that_only_says_to_be_this_clones_own_is_hearsay(box: Sandbox, tmp_path: Path) -> None:
    """Whoever has fetched one knows this clone's id, and may send it back."""
    told = result(box, PASSED)
    box.git("clone", "-q", ".", str(tmp_path / "other"))
    other = Sandbox(tmp_path / "other", box.env)
    other.git("fetch", "-q", "origin", "refs/gitbot/*:refs/gitbot/*")
    assert results.known(other.repository, told.key) is None
    mark_clone(other.repository)
    results.keep(other.repository, told)
    box.git("fetch", "-q", other.path.as_posix(), f"+{results.PREFIX}*:{results.PREFIX}*")
    assert results.known(box.repository, told.key) is None
    assert results.known(box.repository, told.key, anybodys=True) == replace(told, clone="")
    assert results.flake_rate(box.repository) == (0, 0)


def test_own_results_that_were_fetched_do_not_count_where_nothing_was_recorded_yet(
    box: Sandbox, tmp_path: Path
) -> None:
    told = result(box, PASSED)
    keep(box, told)
    assert results.known(box.repository, told.key) == told
    box.git("clone", "-q", "--mirror", ".", str(tmp_path / "mirror"))
    mirror = Sandbox(tmp_path / "mirror", box.env).repository
    assert results.known(mirror, told.key) is None
    assert results.known(mirror, told.key, anybodys=True) == replace(told, clone="")


def test_a_result_that_was_put_under_another_key_counts_for_nobody(box: Sandbox) -> None:
    mine, other = result(box, PASSED), result(box, PASSED, "next")
    keep(box, other)
    box.git("update-ref", results.PREFIX + mine.key, box.git("rev-parse", results.PREFIX + other.key))
    assert results.known(box.repository, mine.key, anybodys=True) is None


def test_a_result_from_before_there_were_several_gates_can_be_read(box: Sandbox) -> None:
    table = msgspec.to_builtins(result(box, PASSED))
    old = {name: value for name, value in table.items() if name not in ("gate", "failing", "clone")}
    read = msgspec.convert(old, GateResult)
    assert (read.gate, read.failing, read.clone) == ("gate", (), "")


def test_a_result_counts_for_its_tree_commands_and_surroundings_only() -> None:
    tree, other = Oid("1" * 40), Oid("2" * 40)
    lint = GateStep("lint", "true", "", 60)
    keys = {
        results.key_of(tree, Gate(), TRUE, ""),
        results.key_of(other, Gate(), TRUE, ""),
        results.key_of(tree, Gate(), (GateStep("gate", ("true",), "", 60),), ""),
        results.key_of(tree, Gate(), (GateStep("gate", "true", "npm ci", 60),), ""),
        results.key_of(tree, Gate(), (*TRUE, lint), ""),
        results.key_of(tree, Gate(), (), ""),
        results.key_of(tree, Gate(setup="npm ci"), TRUE, ""),
        results.key_of(tree, Gate(include=("dist",)), TRUE, ""),
        results.key_of(tree, Gate(isolation="bwrap"), TRUE, ""),
        results.key_of(tree, Gate(junit="*.xml"), TRUE, ""),
        results.key_of(tree, Gate(pass_=("TOKEN",)), TRUE, ""),
        results.key_of(tree, Gate(), TRUE, "other"),
    }
    assert len(keys) == 12
    assert results.key_of(tree, Gate(protect=("x",), timeout=5, confirm=2), (replace(lint, seconds=5),), "") in keys


def test_flakes_are_trees_that_were_both_and_say_what_failed_and_when(box: Sandbox) -> None:
    assert (results.flakes(box.repository), results.flake_rate(box.repository)) == ((), (0, 0.0))
    keep(box, result(box, FAILED, "next", "t::never"))
    assert (results.flakes(box.repository), results.flake_rate(box.repository)) == ((), (0, 0.0))
    keep(box, result(box, FAILED, "main", "t::a"), result(box, GateVerdict.KILLED), result(box, PASSED))
    keep(box, result(box, FAILED, "main", "t::b", "t::a", finished=9.0), result(box, PASSED))
    keep(box, replace(result(box, FAILED), clone="f" * 32))
    (flake,) = results.flakes(box.repository)
    assert (flake.verdicts, flake.failing, flake.when) == ((FAILED, PASSED, FAILED, PASSED), ("t::a", "t::b"), 9.0)
    assert flake.tree == box.git("rev-parse", "main^{tree}")
    assert results.flake_rate(box.repository) == (4, 0.5)
