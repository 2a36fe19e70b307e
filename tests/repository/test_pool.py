"""Checkouts for commands: exact, used again, and of what one commit's tests left only what is ignored stays."""

from __future__ import annotations

import os
import py_compile
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from importlib.util import cache_from_source
from pathlib import Path

import pytest

from gitbot.errors import GitError
from gitbot.model.git import Oid
from gitbot.repository import checkouts, pool
from gitbot.repository.pool import Origin, Slot
from tests.conftest import ROOT, Sandbox, SandboxMaker, step


@pytest.fixture
def box(sandbox: SandboxMaker) -> Sandbox:
    return sandbox(
        step("main", {"a": "1\n", "gone": "1\n", "src/m.py": "x = 1\n", ".gitignore": "cache/\n*.pyc\n"}),
        step("next", {"a": "2\n", "src/m.py": "x = 2\n", "new/deep": "2\n"}, delete=["gone"]),
        step("same", {"b": "1\n"}, start="main"),
    )


def origin(box: Sandbox) -> Origin:
    repository = box.repository
    return Origin(repository.common, repository.env, (repository.common / "objects",))


def use(box: Sandbox, folder: Path, name: str, *, fresh: bool = False, number: int = 0) -> Slot:
    with pool.take(origin(box), folder, number, box.tip(name), fresh=fresh) as slot:
        return slot


def contents(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file() and ".git" not in path.parts)
    return {str(path.relative_to(folder)): path.read_text() for path in files}


def as_new(box: Sandbox, tmp_path: Path, name: str) -> dict[str, str]:
    made = pool.make(box.repository, tmp_path / "as-new", box.tip(name), (box.repository.common / "objects",))
    return contents(made)


def test_a_checkout_is_a_repository_of_its_own_that_is_registered_nowhere(box: Sandbox, tmp_path: Path) -> None:
    box.git("tag", "v1")
    for _ in range(2):
        with pool.take(origin(box), tmp_path / "pool", 0, box.tip("next")) as slot:
            assert (slot.checkout / "a").read_text() == "2\n"
            assert box.git("describe", "--tags", cwd=slot.checkout).startswith("v1")
            assert box.git("status", "--porcelain", cwd=slot.checkout) == ""
            assert box.git("rev-parse", "HEAD", "--show-toplevel", cwd=slot.checkout).split() == [
                box.tip("next"),
                str(slot.checkout),
            ]
            (slot.checkout / "left").write_text("behind\n")
    assert len(checkouts.work_trees(box.repository)) == 1


def test_a_slot_used_again_keeps_what_is_ignored_and_nothing_else(box: Sandbox, tmp_path: Path) -> None:
    first = use(box, tmp_path / "pool", "main").checkout
    (first / "cache").mkdir()
    (first / "cache" / "kept").write_text("warm\n")
    (first / "left").write_text("x\n")
    (first / "new").write_text("a file where a folder comes\n")
    (first / "a").write_text("edited\n")
    (first / "src" / "m.py").unlink()
    subprocess.run(["git", "init", "-q", "nested"], cwd=first, check=True, env=box.env)
    second = use(box, tmp_path / "pool", "next").checkout
    assert second == first
    assert contents(second) == as_new(box, tmp_path, "next") | {"cache/kept": "warm\n"}
    assert not (second / "nested").exists()


def run_git(*words: str) -> Callable[[Path, Sandbox], object]:
    return lambda where, box: box.git(*words, cwd=where)


def link_away(where: Path, box: Sandbox) -> None:
    (where / "src").rename(where / "elsewhere")
    (where / "src").symlink_to("elsewhere")


def no_git(where: Path, box: Sandbox) -> None:
    pool.discard(where / ".git")
    (where / ".git").symlink_to(box.path / ".git")


def damaged_index(where: Path, box: Sandbox) -> None:
    (where.parent / "own" / "index").write_bytes(b"rubbish")


def no_checkout(where: Path, box: Sandbox) -> None:
    pool.discard(where)


def linked_checkout(where: Path, box: Sandbox) -> None:
    pool.discard(where)
    where.symlink_to(box.path)


def file_for_checkout(where: Path, box: Sandbox) -> None:
    pool.discard(where)
    where.write_text("x\n")


def locked_out(where: Path, box: Sandbox) -> None:
    (where / "src").chmod(0)
    where.chmod(0)


def hidden_edit(where: Path, box: Sandbox) -> None:
    """An edit of the same size whose time is that of the file before."""
    path = where / "src" / "m.py"
    before = path.stat()
    path.write_text("x = 9\n")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize(
    "damage",
    [
        run_git("update-index", "--assume-unchanged", "a"),
        run_git("update-index", "--skip-worktree", "a"),
        run_git("update-index", "--split-index"),
        run_git("sparse-checkout", "set", "src"),
        run_git("config", "core.ignoreStat", "true"),
        run_git("config", "core.worktree", "/nowhere"),
        run_git("config", "extensions.worktreeConfig", "true"),
        run_git("branch", "left-over"),
        run_git("tag", "left-over"),
        run_git("commit", "-q", "--allow-empty", "-m", "left over"),
        run_git("rm", "-q", "-r", "."),
        run_git("checkout", "-q", "--orphan", "left-over"),
        link_away,
        no_git,
        damaged_index,
        no_checkout,
        linked_checkout,
        file_for_checkout,
        locked_out,
        hidden_edit,
    ],
)
@pytest.mark.parametrize("name", ["main", "same", "next"])
def test_nothing_that_was_done_to_a_checkout_reaches_the_next_commit(
    box: Sandbox, tmp_path: Path, damage: Callable[[Path, Sandbox], object], name: str
) -> None:
    checkout = use(box, tmp_path / "pool", "main").checkout
    damage(checkout, box)
    if (checkout / "a").is_file() and not checkout.is_symlink():
        (checkout / "a").write_text("9\n")
        (checkout / ".git" / "info").mkdir(exist_ok=True)
        (checkout / ".git" / "info" / "exclude").write_text("left\n")
        (checkout / "left").write_text("x\n")
    again = use(box, tmp_path / "pool", name).checkout
    assert contents(again) == as_new(box, tmp_path, name)
    assert box.git("status", "--porcelain", cwd=again) == ""
    assert box.git("rev-parse", "HEAD", cwd=again) == box.tip(name)
    assert box.git("for-each-ref", cwd=again) == ""
    assert "nowhere" not in (again / ".git" / "config").read_text()
    assert not (again / ".git" / "info" / "exclude").exists()
    assert not (again / ".git" / "hooks").exists()
    assert contents(box.path) == as_new(box, tmp_path, "main")


def test_a_fresh_checkout_has_a_folder_of_its_own_and_is_gone_afterwards(box: Sandbox, tmp_path: Path) -> None:
    warm = use(box, tmp_path / "pool", "main").checkout
    (warm / "cache").mkdir()
    with pool.take(origin(box), tmp_path / "pool", 0, box.tip("main"), fresh=True) as slot:
        assert not (slot.checkout / "cache").exists()
        os.chmod(slot.checkout / "src", 0)
    assert not slot.folder.exists()
    assert (use(box, tmp_path / "pool", "main").checkout / "cache").exists()


@pytest.mark.parametrize("rounds", [2, 5])
def test_bytecode_of_one_commit_is_not_run_for_the_next(box: Sandbox, tmp_path: Path, rounds: int) -> None:
    """Python finds it by second and size; the commits alternate faster than seconds do."""
    for turn in range(rounds):
        name, expected = ("main", "1") if turn % 2 == 0 else ("next", "2")
        with pool.take(origin(box), tmp_path / "pool", 0, box.tip(name)) as slot:
            call = [sys.executable, "-c", "import m; print(m.x)"]
            ran = subprocess.run(call, cwd=slot.checkout / "src", env={}, capture_output=True, text=True, check=True)
            assert ran.stdout == f"{expected}\n"
            assert list((slot.checkout / "src" / "__pycache__").iterdir())
            assert box.git("status", "--porcelain", cwd=slot.checkout) == ""


def test_bytecode_of_what_a_test_had_written_is_not_run_either(box: Sandbox, tmp_path: Path) -> None:
    path = use(box, tmp_path / "pool", "main").checkout / "src" / "m.py"
    path.write_text("x = 9\n")
    py_compile.compile(str(path))
    seen = Path(cache_from_source(str(path))).read_bytes()[8:16]
    with pool.take(origin(box), tmp_path / "pool", 0, box.tip("main")):
        assert path.read_text() == "x = 1\n"
        assert seen != int(path.stat().st_mtime).to_bytes(4, "little") + path.stat().st_size.to_bytes(4, "little")


def test_set_ups_are_remembered_with_the_slot_and_forgotten_when_it_is_made_anew(
    box: Sandbox, tmp_path: Path
) -> None:
    known = pool.SetUp("digest", frozenset({"node_modules/"}))
    with pool.take(origin(box), tmp_path / "pool", 0, box.tip("main")) as slot:
        slot.setups["npm ci"] = known
    with pool.take(origin(box), tmp_path / "pool", 0, box.tip("next")) as slot:
        assert slot.setups == {"npm ci": known}
    (slot.folder / "record").unlink()
    with pool.take(origin(box), tmp_path / "pool", 0, box.tip("next")) as slot:
        assert slot.setups == {}


def test_two_users_of_one_slot_wait_for_each_other(box: Sandbox, tmp_path: Path) -> None:
    inside: list[str] = []

    def second() -> None:
        with pool.take(origin(box), tmp_path / "pool", 0, tip):
            inside.append("second")

    tip = box.tip("main")
    with pool.take(origin(box), tmp_path / "pool", 0, tip):
        thread = threading.Thread(target=second)
        thread.start()
        time.sleep(0.2)
        inside.append("first")
    thread.join()
    assert inside == ["first", "second"]


def test_one_who_waits_too_long_is_told_who_is_in_the_way(
    box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "PATIENCE", 0)
    use(box, tmp_path / "pool", "main", number=1)
    with (
        pool.take(origin(box), tmp_path / "pool", 1, box.tip("main")),
        pytest.raises(GitError, match="slot-1 is in use"),
        pool.take(origin(box), tmp_path / "pool", 1, box.tip("main")),
    ):
        pass


def test_a_commit_that_is_not_there_is_an_error_and_the_slot_is_usable_after_it(box: Sandbox, tmp_path: Path) -> None:
    for prepared in (False, True):
        with (
            pytest.raises(GitError),
            pool.take(origin(box), tmp_path / str(prepared), 0, Oid("1" * 40)),
        ):
            pass
        assert (use(box, tmp_path / str(prepared), "main").checkout / "a").exists()


HOLD = (
    "import os, pathlib, sys\n"
    "from gitbot.repository import open_repository, pool\n"
    "repository = open_repository(pathlib.Path(sys.argv[1]), os.environ)\n"
    "origin = pool.Origin(repository.common, repository.env, (repository.common / 'objects',))\n"
    "with pool.take(origin, pathlib.Path(sys.argv[2]), 0, sys.argv[3], fresh=len(sys.argv) > 4) as slot:\n"
    "    (slot.checkout / 'cache').mkdir(exist_ok=True)\n"
    "    (slot.checkout / 'left').touch()\n"
    "    print('held', flush=True)\n"
    "    sys.stdin.read()\n"
)


def kill_in_a_slot(box: Sandbox, folder: Path, *more: str) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(box.path), str(folder), box.tip("main"), *more],
        env={**box.env, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    holder.kill()
    holder.communicate()


def test_a_slot_that_a_kill_left_is_made_from_nothing(box: Sandbox, tmp_path: Path) -> None:
    use(box, tmp_path / "pool", "main")
    kill_in_a_slot(box, tmp_path / "pool")
    assert contents(use(box, tmp_path / "pool", "next").checkout) == as_new(box, tmp_path, "next")
    assert not (tmp_path / "pool" / "slot-0" / "checkout" / "cache").exists()


def test_kills_in_the_middle_of_checking_out_leave_nothing_that_counts(box: Sandbox, tmp_path: Path) -> None:
    for number, name in enumerate(["main", "next"] * 4):
        holder = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(box.path), str(tmp_path / "pool"), box.tip(name)],
            env={**box.env, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
        )
        while not (tmp_path / "pool" / "slot-0").exists():
            time.sleep(0.001)
        time.sleep(0.004 * number)
        holder.kill()
        holder.communicate()
        other = "next" if name == "main" else "main"
        assert contents(use(box, tmp_path / "pool", other).checkout) == as_new(box, tmp_path, other)


def test_what_nobody_uses_for_two_weeks_and_what_a_kill_left_is_swept_away(box: Sandbox, tmp_path: Path) -> None:
    folder = pool.cache_folder(box.repository)
    use(box, folder, "main")
    use(box, folder, "main", number=1)
    kill_in_a_slot(box, folder, "fresh")
    assert (folder / "fresh-0").exists()
    pool.sweep(box.repository, time.time())
    assert not (folder / "fresh-0").exists()
    assert (folder / "slot-0").exists()
    os.utime(folder / "slot-0.lock", (0, 0))
    with pool.take(origin(box), folder, 1, box.tip("main")):
        os.utime(folder / "slot-1.lock", (0, 0))
        pool.sweep(box.repository, time.time())
    assert not (folder / "slot-0").exists()
    assert (folder / "slot-1").exists()


def test_a_submodule_that_was_filled_in_is_not_taken_over(sandbox: SandboxMaker, tmp_path: Path) -> None:
    box = sandbox(step("main", {"a": "1\n"}))
    box.git("update-index", "--add", "--cacheinfo", f"160000,{box.tip('main')},sub")
    box.git("commit", "-q", "-m", "a submodule")
    checkout = use(box, tmp_path / "pool", "main").checkout
    assert list((checkout / "sub").iterdir()) == []
    (checkout / "sub" / "left").write_text("x\n")
    again = use(box, tmp_path / "pool", "main").checkout
    assert list((again / "sub").iterdir()) == []


def test_a_checkout_goes_away_whatever_was_done_to_its_permissions_and_links(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("x\n")
    outside.chmod(0o500)
    folder = tmp_path / "gate"
    (folder / "locked").mkdir(parents=True)
    (folder / "locked" / "file").write_text("x\n")
    (folder / "link").symlink_to(outside)
    os.mkfifo(folder / "pipe")
    os.chmod(folder / "locked", 0)
    os.chmod(folder, 0)
    pool.discard(folder)
    assert not folder.exists()
    assert (outside / "kept").exists()
    assert outside.stat().st_mode & 0o777 == 0o500
    pool.discard(folder)


def test_pipes_and_sockets_are_taken_away_and_a_checkout_knows_whether_anything_else_was_left(
    box: Sandbox, tmp_path: Path
) -> None:
    """Git neither lists nor cleans them away; bytecode is no matter, since Python holds it against its source."""
    first = use(box, tmp_path / "pool", "main")
    assert first.fresh
    os.mkfifo(first.checkout / "pipe")
    os.mkfifo(first.checkout / "src" / "pipe.pyc")  # ignored
    (first.checkout / "new").mkdir()
    os.mkfifo(first.checkout / "new" / ".gitignore")  # which git would read
    with socket.socket(socket.AF_UNIX) as server:
        os.chdir(first.checkout)  # the name of a socket has to be short
        server.bind("socket")
    os.chdir(ROOT)
    (first.checkout / "src" / "__pycache__").mkdir()
    (first.checkout / "src" / "__pycache__" / "m.pyc").touch()
    second = use(box, tmp_path / "pool", "same")
    assert second.fresh
    assert contents(second.checkout) == as_new(box, tmp_path, "same") | {"src/__pycache__/m.pyc": ""}
    assert not [path for path in second.checkout.rglob("*") if path.is_fifo() or path.is_socket()]
    (second.checkout / "cache").mkdir()  # ignored, and may be in the way though it is empty
    assert not use(box, tmp_path / "pool", "main").fresh
    assert use(box, tmp_path / "pool", "main", fresh=True).fresh
