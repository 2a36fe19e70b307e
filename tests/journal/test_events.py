"""Events: none is lost, each clone's keep their order, and what strangers push does no harm."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from gitbot.errors import InputError
from gitbot.journal import events, runs
from gitbot.model.event import ROUND, Data, Event, of_the_round
from gitbot.model.git import Oid, RefName
from gitbot.repository import Repository, open_repository, refs
from gitbot.repository.writing import BLOB, write_blob, write_tree
from tests.conftest import ROOT, Sandbox, SandboxMaker, step

STRANGER, OTHER = "f" * 32, "0" * 32

# Fifty processes at once, each with a repository of its own, each emitting four events as fast as it can.
CROWD = """
import os, sys
from pathlib import Path
from gitbot.journal import events
from gitbot.repository import open_repository
def emit(who):
    repository = open_repository(Path(sys.argv[1]), os.environ)
    for number in range(4):
        events.emit(repository, "said", now=1.0, actor=str(who), data={"number": number})
children = []
for who in range(50):
    child = os.fork()
    if child == 0:
        emit(who)
        os._exit(0)
    children.append(child)
sys.exit(any(os.waitpid(child, 0)[1] for child in children))
"""


@pytest.fixture
def box(sandbox: SandboxMaker) -> Sandbox:
    return sandbox(step("main", {"a": "1\n"}))


def emitted(repository: Repository, *names: str, now: float = 1.0) -> list[Event]:
    return [events.emit(repository, name, now=now) for name in names]


def own(box: Sandbox) -> str:
    """Where this clone keeps what it has really emitted."""
    return f"refs/gitbot/emitted-by/{runs.clone_id(box.repository)}"


def names(repository: Repository) -> list[str]:
    return [event.event for event in events.read(repository)]


def put(repository: Repository, ref: str, files: dict[str, bytes]) -> None:
    """A reference as a stranger may push it."""
    tree = write_tree(repository, None, {path: (write_blob(repository, data), BLOB) for path, data in files.items()})
    refs.append(repository, RefName(ref), before=refs.read(repository, RefName(ref)), after=tree)


def line(name: str, time: float = 1.0, **more: object) -> bytes:
    return msgspec.json.encode({"event": name, "time": time, **more}) + b"\n"


def test_an_event_comes_back_with_all_that_was_said(box: Sandbox) -> None:
    said = events.emit(
        box.repository, "schema_ready", now=12.3456, actor="A", target="db", group="g", data={"version": "2", "n": 1}
    )
    clone = runs.clone_id(box.repository)
    assert events.read(box.repository) == (said,)
    assert (said.id, said.clone, said.time) == (f"{clone}-0", clone, 12.346)
    assert (said.actor, said.target, said.group, said.data) == ("A", "db", "g", {"version": "2", "n": 1})


def test_fifty_writers_at_once_lose_nothing_and_mix_nobodys_order_up(box: Sandbox) -> None:
    done = subprocess.run([sys.executable, "-c", CROWD, str(box.path)], env=box.env, check=False, timeout=120)
    assert done.returncode == 0
    found = events.read(box.repository)
    clone = runs.clone_id(box.repository)
    assert [event.id for event in found] == [f"{clone}-{number}" for number in range(200)]
    for who in range(50):
        assert [event.data["number"] for event in found if event.actor == str(who)] == [0, 1, 2, 3]
    shared = RefName(events.PREFIX + clone)
    assert refs.read(box.repository, shared) == refs.read(box.repository, RefName(own(box)))
    assert box.git("fsck", "--no-dangling") == ""
    assert set(box.git("for-each-ref", "--format=%(objecttype)", "refs/gitbot").split()) == {"tree"}


def test_the_ten_thousandth_event_costs_what_the_first_did(box: Sandbox) -> None:
    emitted(box.repository, "first")
    ten = {f"0000/{n:08d}": b"".join(line(f"e{n + i}") for i in range(100)) for n in range(0, 10_000, 100)}
    put(box.repository, own(box), ten)
    before = int(box.git("count-objects").split()[0])
    emitted(box.repository, "last")
    assert int(box.git("count-objects").split()[0]) - before == 3
    found = events.read(box.repository)
    assert (len(found), found[-1].event, found[-1].id[32:]) == (10_001, "last", "-10000")


def test_many_events_and_long_ones_are_spread_over_files(box: Sandbox) -> None:
    for number in range(115):
        long = "x" * 7000 if number < 10 else ""
        events.emit(box.repository, f"e{number}", now=1.0, data={"text": long})
    assert names(box.repository) == [f"e{number}" for number in range(115)]
    files = box.git("ls-tree", "-r", "--name-only", own(box)).split()
    assert files == ["0000/00000000", "0000/00000009", "0000/00000109"]


def test_the_order_is_by_time_but_no_clock_reorders_the_events_of_one_clone(box: Sandbox) -> None:
    for name, now in (("one", 10.0), ("two", 20.0), ("three", 5.0), ("four", 30.0)):
        emitted(box.repository, name, now=now)
    put(box.repository, f"{events.PREFIX}{OTHER}", {"0000/00000000": line("early", 7) + line("between", 25)})
    assert names(box.repository) == ["early", "one", "two", "three", "between", "four"]


def test_who_knows_some_is_told_only_what_is_new(box: Sandbox) -> None:
    known = {event.id for event in emitted(box.repository, "one", "two")}
    put(box.repository, f"{events.PREFIX}{OTHER}", {"0000/00000000": line("theirs")})
    emitted(box.repository, "three")
    found = events.read(box.repository, known)
    assert [event.event for event in found] == ["theirs", "three"]
    assert events.read(box.repository, known | {event.id for event in found}) == ()


def test_what_is_said_is_fit_for_a_terminal_from_the_start(box: Sandbox) -> None:
    half = "\udcff"  # of what was no UTF-8 on a command line
    data: Data = {"k\a": "1\r\n2\x9b", "n": 3}
    said = events.emit(box.repository, "ready", now=1.0, actor="A\x1b[2J", target="t\n", group=half, data=data)
    assert (said.actor, said.target, said.group) == ("A[2J", "t ", "\N{REPLACEMENT CHARACTER}")
    assert said.data == {"k": "1 \n2", "n": 3}
    assert events.read(box.repository) == (said,)


@pytest.mark.parametrize("name", ["", "two words", "bell\a", "x" * 101, "turned\u202e"])
def test_what_is_no_word_is_no_event(box: Sandbox, name: str) -> None:
    with pytest.raises(InputError):
        emitted(box.repository, name)
    assert events.read(box.repository) == ()


def test_an_event_that_is_too_long_is_refused(box: Sandbox) -> None:
    with pytest.raises(InputError):
        events.emit(box.repository, "long", now=1.0, data={"text": "x" * events.LARGEST})
    assert events.read(box.repository) == ()


def test_what_is_no_event_is_left_out_and_hides_none(box: Sandbox) -> None:
    rubbish = [
        b"\xff\xfe\n",
        b"[" * 50_000 + b"\n",
        b"{}\n",
        line("no-time", -1),
        line("too-late", 1e18),
        line("nested", data={"a": {"b": {"c": 1}}}),
        b'{"time":1e999,"event":"infinite"}\n',
        b'{"time":1,"event":"half\\ud800"}\n',
        b'{"time":1,"event":"deep","x":' + b"[" * 9_000 + b"}\n",
    ]
    put(
        box.repository,
        f"{events.PREFIX}{STRANGER}",
        {
            "0000/00000000": b"".join(rubbish) + line("good", id="a lie"),
            "0000/00000100": b" " * (1 << 20),
            "0000/x": line("elsewhere"),
            "0000/00000200": b"",
            "0000/00000300": line("last"),
        },
    )
    put(box.repository, f"{events.PREFIX}not-a-clone", {"0000/00000000": line("nobodys")})
    refs.append(
        box.repository, RefName(f"{events.PREFIX}{OTHER}"), before=None, after=write_blob(box.repository, b"blob")
    )
    found = events.read(box.repository)
    assert [(event.id, event.event) for event in found] == [(f"{STRANGER}-9", "good"), (f"{STRANGER}-300", "last")]


def test_what_a_stranger_says_under_this_clones_name_is_not_believed(box: Sandbox) -> None:
    emitted(box.repository, "mine")
    clone = runs.clone_id(box.repository)
    for ref in (f"{events.PREFIX}{clone}", f"{events.FETCHED}origin/events/{clone}"):
        put(box.repository, ref, {"0000/00000000": line("forged") + line("forged")})
    assert names(box.repository) == ["mine"]


def test_a_lock_that_a_killed_writer_left_is_outlasted(box: Sandbox) -> None:
    emitted(box.repository, "one")
    left = box.repository.common / f"{own(box)}.lock"
    left.touch()
    os.utime(left, (1, 1))
    emitted(box.repository, "two")
    assert names(box.repository) == ["one", "two"]
    assert not left.exists()


def test_every_event_changes_the_state_and_nothing_else_does(box: Sandbox) -> None:
    states = [events.state(box.repository)]
    emitted(box.repository, "one")
    states.append(events.state(box.repository))
    put(box.repository, f"{events.FETCHED}origin/events/{OTHER}", {"0000/00000000": line("theirs")})
    states.append(events.state(box.repository))
    box.git("pack-refs", "--all")
    packed = events.state(box.repository)
    emitted(box.repository, "two")
    states.append(events.state(box.repository))
    assert all(one != other for one, other in pairwise(states))
    assert packed != states[-1] == events.state(box.repository)
    assert sorted(names(box.repository)) == ["one", "theirs", "two"]


# Across clones


@pytest.fixture
def clones(box: Sandbox, tmp_path: Path) -> tuple[Sandbox, Sandbox]:
    """Two clones of one bare repository."""
    bare = tmp_path / "shared.git"
    box.git("clone", "-q", "--bare", str(box.path), str(bare))
    for name in ("left", "right"):
        box.git("clone", "-q", str(bare), str(tmp_path / name))
    return Sandbox(tmp_path / "left", box.env), Sandbox(tmp_path / "right", box.env)


def test_a_copy_of_the_folder_is_a_clone_of_its_own_and_the_original_stays_what_it_was(
    box: Sandbox, tmp_path: Path
) -> None:
    emitted(box.repository, "before")
    here = runs.clone_id(box.repository)
    shutil.copytree(box.path, tmp_path / "copy", symlinks=True)
    copy = Sandbox(tmp_path / "copy", box.env)
    assert names(copy.repository) == ["before"]
    emitted(box.repository, "left", now=2.0)
    emitted(copy.repository, "right", now=3.0)
    assert runs.clone_id(box.repository) == here != runs.clone_id(copy.repository)
    for one, other in ((box, copy), (copy, box)):
        one.git("fetch", "-q", str(other.path), "+refs/gitbot/events/*:refs/gitbot/fetched/other/events/*")
    for one in (box, copy):
        assert names(one.repository) == ["before", "left", "right"]
        assert len({event.id for event in events.read(one.repository)}) == 3


def test_a_copy_that_many_writers_find_at_once_becomes_one_clone(box: Sandbox, tmp_path: Path) -> None:
    emitted(box.repository, "before")
    shutil.copytree(box.path, tmp_path / "copy")
    subprocess.run([sys.executable, "-c", CROWD, str(tmp_path / "copy")], env=box.env, check=True, timeout=120)
    copy = Sandbox(tmp_path / "copy", box.env)
    assert len(events.read(copy.repository)) == 201
    assert len(copy.git("for-each-ref", "refs/gitbot/events").splitlines()) == 2


def test_a_round_leaves_behind_what_its_writer_had_seen_whatever_the_clocks_say(
    clones: tuple[Sandbox, Sandbox],
) -> None:
    """The clock on the left is an hour ahead: what the right one says after that round is not hidden by it."""
    left, right = clones
    for clone in clones:
        follow(clone, "<!-- the refspecs")
    emitted(right.repository, "stale", now=100.0)
    follow(right, "And whenever")
    follow(left, "And whenever")
    emitted(left.repository, "also_stale", ROUND, "fresh", now=3700.0)
    follow(left, "And whenever")
    emitted(right.repository, "ready", now=101.0)
    follow(right, "And whenever")
    follow(left, "And whenever")
    for clone in clones:
        assert sorted(one.event for one in of_the_round(events.read(clone.repository))) == ["fresh", "ready", ROUND]


def documented(heading: str) -> list[list[str]]:
    """The git commands of docs/events.md below a line that starts so."""
    text = (ROOT / "docs" / "events.md").read_text()
    found = re.search(rf"^{re.escape(heading)}.*?```sh\n(.*?)```", text, re.MULTILINE | re.DOTALL)
    assert found is not None
    return [[word.strip("'") for word in line.split()[1:]] for line in found[1].splitlines()]


def follow(clone: Sandbox, heading: str) -> None:
    for words in documented(heading):
        clone.git(*words)


def test_clones_hear_of_each_other_by_the_documented_refspecs(clones: tuple[Sandbox, Sandbox]) -> None:
    for clone in clones:
        follow(clone, "<!-- the refspecs")
    for round in ("first", "second"):
        for clone, who in zip(clones, ("left", "right"), strict=True):
            emitted(clone.repository, f"{round}_{who}", now=1.0 if round == "first" else 2.0)
            follow(clone, "And whenever")
    for clone in clones:
        clone.git("fetch", "-q", "origin")
        assert sorted(names(clone.repository)) == ["first_left", "first_right", "second_left", "second_right"]
        assert len({event.id for event in events.read(clone.repository)}) == 4
    assert len(events.read(open_repository(clones[0].path.parent / "shared.git", clones[0].env))) == 4


def test_a_fetch_that_overwrites_ones_own_events_loses_none(clones: tuple[Sandbox, Sandbox]) -> None:
    """git takes references to trees from a remote without a word, whichever of the two is older."""
    left, right = clones
    share = "refs/gitbot/events/*:refs/gitbot/events/*"
    emitted(left.repository, "one")
    left.git("push", "-q", "origin", share)
    emitted(left.repository, "two")
    mine = RefName(events.PREFIX + runs.clone_id(left.repository))
    here: Oid | None = refs.read(left.repository, mine)
    left.git("fetch", "-q", "origin", share)
    assert refs.read(left.repository, mine) != here
    assert names(left.repository) == ["one", "two"]
    assert emitted(left.repository, "three")[0].id.endswith("-2")
    left.git("push", "-q", "origin", f"+{share}")
    right.git("fetch", "-q", "origin", share)
    assert names(right.repository) == ["one", "two", "three"]
