"""A target on a remote: fetched alone, moved by one push with a lease, and asked again when a push broke off."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from gitbot.errors import InputError, RiskError, UnansweredError
from gitbot.model.git import Oid, RefName
from gitbot.repository import refs, remotes
from gitbot.repository.remotes import Place, RemotePlace, landing_place, place_of
from gitbot.repository.writing import BLOB, write_blob, write_tree
from tests.conftest import Sandbox, SandboxMaker, step

TRACKING = RefName("refs/remotes/origin/main")


@pytest.fixture
def origin(sandbox: SandboxMaker) -> Sandbox:
    """A bare repository that others share."""
    return sandbox(step("main", {"a.txt": "1\n"}), step("other", {"o.txt": "o\n"}, start="main"), bare=True)


@pytest.fixture
def box(origin: Sandbox) -> Sandbox:
    return clone(origin, "clone")


def clone(origin: Sandbox, name: str, *options: str) -> Sandbox:
    folder = origin.path.parent / name
    origin.git("clone", "-q", *options, str(origin.path), str(folder))
    return Sandbox(folder, origin.env)


def commit(box: Sandbox, path: str, onto: str = "origin/main") -> Oid:
    """A commit that no branch has."""
    repository = box.repository
    entries = {path: (write_blob(repository, path.encode()), BLOB)}
    tree = write_tree(repository, repository.tree_of(box.tip(onto)), entries)
    return Oid(box.git("commit-tree", "-p", onto, "-m", path, tree))


def hook(box: Sandbox, name: str, *lines: str) -> None:
    folder = Path(box.git("rev-parse", "--path-format=absolute", "--git-path", "hooks"))
    folder.mkdir(exist_ok=True)
    (folder / name).write_text("\n".join(["#!/bin/sh", *lines, ""]))
    (folder / name).chmod(0o755)


def target(box: Sandbox) -> Place:
    return place_of(box.repository, TRACKING)


def everything_else(box: Sandbox) -> object:
    """What neither a fetch nor a landing may change: references but the one that follows the target, and files."""
    listed = box.git("for-each-ref", "--format=%(refname) %(objectname) %(symref)").splitlines()
    kept = [line for line in listed if not line.startswith(TRACKING) and not line.endswith(TRACKING)]
    return kept, box.git("status", "--porcelain"), sorted(path.name for path in box.path.iterdir())


def test_reading_fetches_the_one_branch_and_touches_nothing_else(origin: Sandbox, box: Sandbox) -> None:
    other = clone(origin, "theirs")
    other.git("tag", "v1", commit(other, "t.txt"))
    other.git("push", "-q", "origin", f"{commit(other, 'b.txt')}:main", "v1:refs/heads/new", "v1", ":other")
    before = everything_else(box)
    assert target(box).read() == origin.tip("main") == box.tip("origin/main")
    assert everything_else(box) == before
    assert not (box.path / ".git" / "FETCH_HEAD").exists()
    assert target(box).read() == origin.tip("main")


def test_a_branch_that_the_remote_no_longer_has_is_none_whatever_was_fetched_before(
    origin: Sandbox, box: Sandbox
) -> None:
    origin.git("update-ref", "-d", "refs/heads/main")
    assert target(box).read() is None
    assert box.tip("origin/main") == box.tip("main")


def test_a_rewound_branch_is_read_where_it_is_now(origin: Sandbox, box: Sandbox) -> None:
    first, second = origin.tip("main"), commit(box, "b.txt")
    assert target(box).move(first, second, "land")
    origin.git("update-ref", "refs/heads/main", first)
    assert target(box).read() == first


def test_a_remote_that_cannot_be_reached_is_said_with_the_way_out(origin: Sandbox, box: Sandbox) -> None:
    origin.path.rename(origin.path.with_name("away"))
    with pytest.raises(RiskError) as refused:
        target(box).read()
    assert "origin/main cannot be read" in refused.value.message
    assert "does not appear to be a git repository" in refused.value.message
    assert "git fetch origin" in (refused.value.hint or "")
    with pytest.raises(UnansweredError):
        target(box).move(box.tip("main"), commit(box, "b.txt"), "land")


def test_landing_moves_the_remote_and_what_follows_it_but_no_branch_and_no_checkout(
    origin: Sandbox, box: Sandbox
) -> None:
    before, after = origin.tip("main"), commit(box, "b.txt")
    untouched = everything_else(box)
    assert target(box).move(before, after, "land")
    assert origin.tip("main") == box.tip("origin/main") == target(box).read() == after
    assert everything_else(box) == untouched


def test_whoever_was_faster_wins_and_the_next_try_stands_on_theirs(origin: Sandbox, box: Sandbox) -> None:
    other = clone(origin, "theirs")
    before, mine, theirs = origin.tip("main"), commit(box, "mine.txt"), commit(other, "theirs.txt")
    assert target(other).move(before, theirs, "land")
    assert not target(box).move(before, mine, "land")
    assert origin.tip("main") == theirs
    assert target(box).read() == theirs
    assert target(box).move(theirs, commit(box, "mine.txt"), "land")


def test_of_two_clones_that_push_at_once_exactly_one_lands(origin: Sandbox, box: Sandbox) -> None:
    other = clone(origin, "theirs")
    before = origin.tip("main")
    made = [(one, commit(one, f"{number}.txt")) for number, one in enumerate((box, other))]
    with ThreadPoolExecutor(2) as both:
        moved = list(both.map(lambda one: target(one[0]).move(before, one[1], "land"), made))
    assert sorted(moved) == [False, True]
    assert origin.tip("main") == made[moved.index(True)][1]


def test_commits_of_others_are_never_pushed_away_unless_that_is_meant(origin: Sandbox, box: Sandbox) -> None:
    first, second = origin.tip("main"), commit(box, "b.txt")
    assert target(box).move(first, second, "land")
    with pytest.raises(RiskError, match="would be lost"):
        target(box).move(second, first, "back")
    assert origin.tip("main") == second
    assert target(box).move(second, first, "undo", rewind=True)
    assert origin.tip("main") == box.tip("origin/main") == first
    local = place_of(box.repository, RefName("refs/heads/main"))
    with pytest.raises(RiskError, match="would be lost"):
        local.move(second, first, "back")


def test_what_a_server_says_when_it_refuses_is_passed_on_without_control_characters(
    origin: Sandbox, box: Sandbox
) -> None:
    before = origin.tip("main")
    hook(origin, "pre-receive", "printf 'main is \\033[31mprotected\\033[0m: open a pull request\\n' >&2; exit 1")
    with pytest.raises(RiskError) as refused:
        target(box).move(before, commit(box, "b.txt"), "land")
    first, said, summary = refused.value.message.split("\n")
    assert (first, said) == ("origin/main was not moved:", "remote: main is [31mprotected[0m: open a pull request")
    assert summary.endswith("main (pre-receive hook declined)")
    assert "--land" in (refused.value.hint or "")
    assert origin.tip("main") == before == box.tip("origin/main")


def test_the_users_own_hook_runs_as_in_any_push_of_theirs(origin: Sandbox, box: Sandbox) -> None:
    before, after = origin.tip("main"), commit(box, "b.txt")
    hook(box, "pre-push", 'echo "$1" >told; cat >>told; pwd >>told')
    assert target(box).move(before, after, "land")
    told = (box.path / "told").read_text().splitlines()
    assert told == ["origin", f"{after} {after} refs/heads/main {before}", str(box.path)]
    hook(box, "pre-push", "echo 'no large files, please' >&2; exit 1")
    with pytest.raises(RiskError, match="no large files, please"):
        target(box).move(after, commit(box, "c.txt"), "land")


def test_a_push_whose_answer_was_lost_has_landed(origin: Sandbox, box: Sandbox) -> None:
    before, after = origin.tip("main"), commit(box, "b.txt")
    hook(origin, "post-update", "kill -9 $PPID")
    assert target(box).move(before, after, "land")
    assert origin.tip("main") == after == box.tip("origin/main")


def test_a_server_without_atomic_pushes_is_pushed_to_all_the_same(origin: Sandbox, box: Sandbox) -> None:
    origin.git("config", "receive.advertiseAtomic", "false")
    assert target(box).move(origin.tip("main"), commit(box, "b.txt"), "land")


def test_settings_of_the_user_neither_widen_a_push_nor_a_fetch(origin: Sandbox, box: Sandbox) -> None:
    for name, value in {"push.followTags": "true", "fetch.prune": "true", "remote.origin.tagOpt": "--tags"}.items():
        box.git("config", name, value)
    after = commit(box, "b.txt")
    box.git("tag", "-m", "not to be shared", "mine", after)
    origin.git("tag", "theirs", "main")
    origin.git("update-ref", "-d", "refs/heads/other")
    assert target(box).move(origin.tip("main"), after, "land")
    origin.git("update-ref", "refs/heads/main", "main~1")
    assert target(box).read() == origin.tip("main")
    assert (origin.git("tag"), box.git("tag")) == ("theirs", "mine")
    assert box.git("rev-parse", "origin/other")


def test_a_fetch_that_meets_another_one_is_tried_again_and_then_said(origin: Sandbox, box: Sandbox) -> None:
    origin.git("update-ref", "refs/heads/main", "other")
    lock = box.path / ".git" / f"{TRACKING}.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.touch()
    with pytest.raises(RiskError, match="cannot lock ref"):
        target(box).read()
    lock.unlink()
    assert target(box).read() == origin.tip("other")


def test_a_remote_that_never_answers_is_given_up(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remotes, "PATIENCE", 0.5)
    box.git("remote", "set-url", "origin", "ssh://nowhere.invalid/x")
    box.git("config", "core.sshCommand", "sleep 60; :")
    with pytest.raises(RiskError, match=r"no answer within 0\.5 seconds"):
        target(box).read()


@pytest.fixture
def locked_door() -> Iterator[str]:
    """The address of a server that wants a password."""

    class Door(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="x"')
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Door) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/x.git"
        server.shutdown()
        thread.join()


def test_a_password_is_never_asked_for(box: Sandbox, locked_door: str) -> None:
    box.git("remote", "set-url", "origin", locked_door)
    with pytest.raises(RiskError, match="terminal prompts disabled"):
        target(box).read()


def test_an_address_is_relative_to_the_work_tree_and_a_bare_clone_lands_as_well(
    origin: Sandbox, box: Sandbox
) -> None:
    box.git("remote", "set-url", "origin", f"../{origin.path.name}")
    assert target(box).move(origin.tip("main"), commit(box, "b.txt"), "land")
    bare = clone(origin, "bare", "--bare")
    bare.git("config", "remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*")
    after = origin.tip("main")
    assert target(bare).read() == after
    assert target(bare).move(after, box.tip("origin/main~1"), "undo", rewind=True)


@pytest.mark.parametrize(
    ("refspec", "tracking", "there"),
    [
        ("+refs/heads/*:refs/remotes/up/*", "refs/remotes/up/fix/x", "refs/heads/fix/x"),
        ("refs/heads/main:refs/remotes/up/trunk", "refs/remotes/up/trunk", "refs/heads/main"),
        ("+refs/heads/rel-*:refs/remotes/up/r/*", "refs/remotes/up/r/1.2", "refs/heads/rel-1.2"),
        ("+refs/pull/*/head:refs/remotes/up/pr/*", "refs/remotes/up/pr/7", "refs/pull/7/head"),
    ],
)
def test_the_refspec_says_which_branch_of_which_remote_is_followed(
    box: Sandbox, refspec: str, tracking: str, there: str
) -> None:
    box.git("config", "remote.up/stream.fetch", refspec)
    found = place_of(box.repository, RefName(tracking))
    assert isinstance(found, RemotePlace)
    assert (found.remote, found.there) == ("up/stream", there)


def test_what_follows_no_remote_is_no_place_to_land(box: Sandbox) -> None:
    box.git("update-ref", "refs/remotes/gone/main", "main")
    with pytest.raises(InputError):
        place_of(box.repository, RefName("refs/remotes/gone/main"))


HERE, THERE = "refs/heads/main", "refs/remotes/origin/main"


@pytest.mark.parametrize(
    ("into", "land", "remote", "ref"),
    [
        (HERE, "gitbot/landing", None, "refs/heads/gitbot/landing"),
        (HERE, "refs/heads/x", None, "refs/heads/x"),
        (HERE, "origin/gitbot/landing", "origin", "refs/heads/gitbot/landing"),
        (HERE, "refs/remotes/origin/x", "origin", "refs/heads/x"),
        (HERE, "team/a/x", "team/a", "refs/heads/x"),
        (THERE, "gitbot/landing", "origin", "refs/heads/gitbot/landing"),
        (THERE, "refs/for/main", "origin", "refs/for/main"),
        (THERE, "team/a/x", "team/a", "refs/heads/x"),
    ],
)
def test_a_landing_branch_lives_where_its_name_says_else_beside_the_target(
    box: Sandbox, into: str, land: str, remote: str | None, ref: str
) -> None:
    box.git("remote", "add", "team/a", "/nowhere")
    found = landing_place(box.repository, RefName(into), land)
    assert (found.remote if isinstance(found, RemotePlace) else None, found.ref) == (remote, ref)


@pytest.mark.parametrize(
    ("into", "land"), [(HERE, "main"), (HERE, "side"), (THERE, "main"), (THERE, "a..b"), (HERE, "")]
)
def test_the_target_itself_a_checked_out_branch_and_no_name_are_no_landing_branches(
    box: Sandbox, into: str, land: str
) -> None:
    box.git("worktree", "add", "-q", "-b", "side", str(box.path.parent / "tree"))
    with pytest.raises(InputError):
        landing_place(box.repository, RefName(into), land)


def test_a_landing_branch_is_read_and_replaced_although_nothing_here_follows_it(
    origin: Sandbox, box: Sandbox
) -> None:
    box.git("config", "remote.origin.fetch", "+refs/heads/main:refs/remotes/origin/main")
    place = landing_place(box.repository, TRACKING, "gitbot/landing")
    assert place.read() is None
    one, two = commit(box, "one.txt"), commit(box, "two.txt")
    assert place.move(None, one, "made")
    assert not place.move(None, two, "made again")
    assert place.read() == one
    assert place.move(one, two, "replaced", rewind=True)
    other = clone(origin, "theirs", "--single-branch", "--branch", "other")
    seen = landing_place(other.repository, RefName("refs/remotes/origin/other"), "gitbot/landing")
    assert seen.read() == two == Oid(other.git("rev-parse", two))
    assert refs.read(other.repository, RefName("refs/remotes/origin/gitbot/landing")) is None
