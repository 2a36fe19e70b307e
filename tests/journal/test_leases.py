"""Leases: of any number of claimants one wins, what has ended stands in nobody's way, and none is ever lost."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import pytest

from gitbot.errors import DamagedRecordError, InputError
from gitbot.journal import leases
from gitbot.journal.leases import APART, LONGEST, Held, Lease
from gitbot.model.git import RefName
from gitbot.repository import Repository, glance_at, refs
from gitbot.repository.writing import write_blob
from tests.conftest import Sandbox, SandboxMaker, step

NOW = 1_800_000_000.0


@pytest.fixture
def box(sandbox: SandboxMaker) -> Sandbox:
    return sandbox(step("main", {"a.txt": "1\n"}))


def claim(
    repository: Repository, holder: str, *patterns: str, now: float = NOW, seconds: float = 600
) -> tuple[Lease, ...] | Held:
    return leases.claim(repository, patterns, holder, seconds=seconds, now=now)


def in_processes(count: int, work: Callable[[int], bytes]) -> list[bytes]:
    """What each of so many processes answers that begin at the same moment."""
    begin = time.monotonic() + 0.3
    pipes = [os.pipe() for _ in range(count)]
    for number, (_, out) in enumerate(pipes):
        if os.fork() == 0:
            try:
                time.sleep(max(0, begin - time.monotonic()))
                os.write(out, work(number))
            finally:
                os._exit(0)
        os.close(out)
    answers = [os.read(into, 100) for into, _ in pipes]
    for into, _ in pipes:
        os.close(into)
        os.wait()
    return answers


def test_of_a_hundred_concurrent_claims_of_one_path_exactly_one_wins(box: Sandbox) -> None:
    """They spell it in four ways, each with a handle of its own, and there is no table yet."""
    spellings = ("src/x.py", "src/**", "src/*.py", "**/x.py")

    def work(number: int) -> bytes:
        answer = claim(glance_at(box.path, box.env), f"agent-{number}", spellings[number % 4])
        return b"won" if isinstance(answer, tuple) else b"held by " + answer.lease.holder.encode()

    answers = in_processes(100, work)
    (kept,) = leases.standing(box.repository, NOW)
    assert sorted(answers) == [b"held by " + kept.holder.encode()] * 99 + [b"won"]


def test_claims_of_different_paths_at_the_same_time_are_all_kept(box: Sandbox) -> None:
    def work(number: int) -> bytes:
        answer = claim(glance_at(box.path, box.env), f"agent-{number}", f"src/{number}/**")
        return b"won" if isinstance(answer, tuple) else b"lost"

    assert in_processes(20, work) == [b"won"] * 20
    assert {lease.holder for lease in leases.standing(box.repository, NOW)} == {f"agent-{n}" for n in range(20)}


def test_several_patterns_are_claimed_all_or_none(box: Sandbox) -> None:
    claim(box.repository, "agent-a", "docs/**")
    answer = claim(box.repository, "agent-b", "src/**", "DOCS/index.md")
    assert isinstance(answer, Held)
    assert (answer.path, answer.lease.holder) == ("docs/index.md", "agent-a")
    assert answer.text == "docs/index.md is held by agent-a (docs/**) until 2027-01-15 08:10:00 UTC"
    assert [lease.pattern for lease in leases.standing(box.repository, NOW)] == ["docs/**"]


def test_the_holder_claims_again_to_hold_longer_and_gives_back_what_he_names(box: Sandbox) -> None:
    claim(box.repository, "agent-a", "docs/**", "src/x.py")
    claim(box.repository, "agent-a", "docs/**", now=NOW + 300)
    until = {lease.pattern: lease.until for lease in leases.standing(box.repository, NOW)}
    assert until == {"src/x.py": NOW + 600, "docs/**": NOW + 900}
    (gone,) = leases.release(box.repository, "agent-a", ["docs/**"], now=NOW)
    assert gone.pattern == "docs/**"
    assert leases.release(box.repository, "agent-b", now=NOW) == ()
    assert isinstance(claim(box.repository, "agent-b", "docs/**"), tuple)
    assert len(leases.release(box.repository, "agent-a", now=NOW)) == 1


def test_a_lease_is_taken_over_a_minute_after_its_end_and_not_before(box: Sandbox) -> None:
    claim(box.repository, "agent-a", "x.py", seconds=10)
    assert isinstance(claim(box.repository, "agent-b", "x.py", now=NOW + 10 + APART - 1), Held)
    assert isinstance(claim(box.repository, "agent-b", "x.py", now=NOW + 10 + APART), tuple)
    assert [lease.holder for lease in leases.standing(box.repository, NOW + 80)] == ["agent-b"]


def test_a_clock_that_is_far_ahead_holds_nothing_for_ever(box: Sandbox) -> None:
    claim(box.repository, "agent-a", "x.py", now=NOW + 3600)
    assert isinstance(claim(box.repository, "agent-b", "x.py"), Held)
    assert isinstance(claim(box.repository, "agent-b", "x.py", now=NOW - LONGEST), tuple)


_ONE = '{"pattern":"x%d","holder":"a","since":0,"until":1}'


@pytest.mark.parametrize(
    "table",
    [
        b"",
        b"{",
        b'{"pattern": 1}',
        b'[{"pattern":"../x","holder":"a","since":0,"until":1}]',
        b"[" * 100_000,
        f"[{','.join(_ONE % number for number in range(leases.MOST + 1))}]".encode(),
        b"[" + b" " * (4 << 20) + b"]",
    ],
    ids=["empty", "cut", "another form", "a pattern that is none", "deep", "too many", "too large"],
)
def test_a_table_that_cannot_be_read_is_left_as_it_is_with_the_way_out(box: Sandbox, table: bytes) -> None:
    """Who only looks sees nothing held; nobody writes over what others may still count on."""
    blob = write_blob(box.repository, table)
    assert refs.append(box.repository, leases.TABLE, before=None, after=blob)
    assert leases.standing(box.repository, NOW) == ()
    with pytest.raises(DamagedRecordError) as refused:
        claim(box.repository, "agent-a", "x.py")
    assert str(refused.value.hint).endswith(f"git update-ref -d {leases.TABLE}")
    with pytest.raises(DamagedRecordError):
        leases.release(box.repository, "agent-a", now=NOW)
    assert refs.read(box.repository, RefName(leases.TABLE)) == blob
    box.git("update-ref", "-d", leases.TABLE)
    assert isinstance(claim(glance_at(box.path, box.env), "agent-a", "x.py"), tuple)


def test_a_claim_that_would_make_the_table_larger_than_what_is_read_is_refused(box: Sandbox) -> None:
    """Every pattern may be as long as one can be, and none by itself is too much."""
    assert isinstance(claim(box.repository, "victim", "README.md"), tuple)
    wide = [f"{'😀' * 1015}{number:04}" for number in range(leases.MOST - 1)]
    with pytest.raises(InputError):
        leases.claim(box.repository, wide, "agent-b", seconds=600, now=NOW, reason="😀" * 200)
    assert isinstance(claim(box.repository, "second", "README.md"), Held)
    assert isinstance(claim(box.repository, "agent-b", *wide[:500]), tuple)
    assert isinstance(claim(box.repository, "second", "README.md"), Held)


def test_the_lock_that_a_killed_claimant_left_is_outlasted(box: Sandbox) -> None:
    claim(box.repository, "agent-a", "x.py")
    lock = box.repository.common / f"{leases.TABLE}.lock"
    lock.touch()
    os.utime(lock, (0, 0))
    assert isinstance(claim(box.repository, "agent-b", "y.py"), tuple)


def test_a_path_is_held_in_every_spelling_and_by_others_only(box: Sandbox) -> None:
    claim(box.repository, "agent-a", "src/Größe.py", "docs/**")
    known = leases.standing(box.repository, NOW)
    paths = ["src/gro\u0308\u00dfe.py", "docs/a/b.md", "README.md"]
    assert set(leases.held_by_others(known, "agent-b", paths)) == set(paths[:2])
    assert leases.held_by_others(known, "agent-a", paths) == {}


@pytest.mark.parametrize(
    ("patterns", "holder", "seconds"),
    [
        ([], "a", 60),
        (["!x"], "a", 60),
        (["../x"], "a", 60),
        (["x" * 4097], "a", 60),
        (["x/\udcff"], "a", 60),
        (["x"], "", 60),
        (["x"], "a\x1b[2J", 60),
        (["x"], "a" * 201, 60),
        (["x"], "a", 0),
        (["x"], "a", LONGEST + 1),
        (["x"], "a", float("nan")),
    ],
)
def test_what_cannot_be_meant_is_refused(box: Sandbox, patterns: list[str], holder: str, seconds: float) -> None:
    with pytest.raises(InputError):
        claim(box.repository, holder, *patterns, seconds=seconds)
    assert refs.read(box.repository, RefName(leases.TABLE)) is None


def test_there_is_an_end_to_how_many_leases_there_can_be(box: Sandbox) -> None:
    claim(box.repository, "agent-a", *(f"src/{number}.py" for number in range(leases.MOST)))
    with pytest.raises(InputError):
        claim(box.repository, "agent-a", "one/more.py")
