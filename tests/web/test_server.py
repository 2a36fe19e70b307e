"""Who is let in, under which headers, and how it begins and ends; and one look for all who watch."""

from __future__ import annotations

import asyncio
import sys
import threading
import urllib.request
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NoReturn

import pytest

from gitbot.cli import main
from gitbot.errors import InputError
from gitbot.monitor.look import Document
from gitbot.report.pages import Live
from gitbot.web.board import Board, Change, Sight
from gitbot.web.views import Views
from tests.conftest import SandboxMaker, step
from tests.web.served import answer, serving

EMPTY: Document = {"branches": [], "conflicts": [], "target": "main"}


def test_only_readers_under_the_servers_own_name_get_in(shop: str) -> None:
    port = shop.rpartition(":")[2].strip("/")
    assert answer(shop)[0] == answer(shop, {"Host": f"localhost:{port}"})[0] == 200
    for host in ("evil.example", f"evil.example:{port}", "127.0.0.1", "127.0.0.1:1", ""):
        assert answer(shop, {"Host": host}) == (421, "this is not the host that was asked for\n")
    assert answer(shop, method="POST") == (405, "only for reading\n")
    assert answer(shop + "runs/last", method="DELETE")[0] == 405
    assert answer(shop + "runs/nope")[0] == answer(shop + "etc/passwd")[0] == 404
    assert "there is no run" in answer(shop + "runs/nope")[1]
    assert answer(shop + "events", method="HEAD") == (200, "")


@pytest.mark.parametrize("path", ["", "runs/last", "live.js", "nothing-here"])
def test_every_answer_forbids_what_a_page_does_not_need(shop: str, path: str) -> None:
    try:
        with urllib.request.urlopen(shop + path) as got:
            headers = got.headers
    except urllib.error.HTTPError as refused:
        with refused:
            headers = refused.headers
    policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == policy["frame-ancestors"] == "'none'"
    assert policy["script-src"] == policy["connect-src"] == "'self'"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Server"] is None


def test_what_cannot_be_done_is_said_before_it_serves_or_on_the_page(
    sandbox: SandboxMaker, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    box = sandbox(step("main", {"a.txt": "one\n"}, "base"))
    with serving(box) as address:
        port = address.rpartition(":")[2].strip("/")
        taken = box.gitbot("serve", "--port", port)
        assert taken.code == 4
        assert taken.err == f"error: port {port}: Address already in use\nhint: --port 0 takes a free one\n"
        assert "No branch of a plan and no linked work tree here yet" in answer(address)[1]

        box.git("update-ref", "refs/gitbot/runs/20260101T000000Z-abcd/journal", "main^{tree}")
        for path, code in (("runs", 200), ("runs/2026", 503)):
            assert answer(address + path)[0] == code
            assert "the record of run 20260101T000000Z-abcd cannot be read" in answer(address + path)[1]
        box.path.joinpath(".git").rename(box.path / "elsewhere")
        assert answer(address + "runs/2026")[0] == 503
        box.path.joinpath("elsewhere").rename(box.path / ".git")
    monkeypatch.chdir(box.path.parent)
    assert main(["serve"]) == 2
    assert "is not inside a git repository" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "starlette", None)
    assert main(["serve"]) == 2
    said = "error: gitbot serve needs the extra `web`\nhint: pip install 'gitbot-merge[web]'\n"
    assert tuple(capsys.readouterr()) == ("", said)


def test_all_who_watch_share_one_look_and_hear_of_a_change_once() -> None:
    looks: list[int] = []
    answers: Iterator[str | InputError] = iter(["a", InputError("gone"), "b", "b"])

    def see() -> tuple[Document, str]:
        looks.append(1)
        found = next(answers)
        if isinstance(found, InputError):
            raise found
        return EMPTY, found

    async def watch() -> None:
        board = Board.of(see)
        first = await asyncio.gather(*(board.now() for _ in range(9)))
        assert (len(looks), {one.mark for one in first}) == (1, {"a"})
        start = board.number

        async def told() -> list[tuple[str, ...]]:
            heard = []
            async for change in board.changes(start, 60):
                heard.append(change[1] if change else ())
                if len(heard) == 2:
                    break
            return heard

        both = await asyncio.gather(told(), told())
        assert [*both] == [[("gone",), ()]] * 2
        assert board.sight == Sight(EMPTY, "b")
        board.closing.set()
        assert [change async for change in board.changes(start, 60)] == []

    with ThreadPoolExecutor(1) as thread:  # a browser's own loop may be running in this one
        thread.submit(asyncio.run, watch()).result()
    assert len(looks) <= 4


def test_nobody_waits_long_for_a_look_and_all_hear_of_its_end() -> None:
    seen = threading.Event()

    def see() -> tuple[Document, str]:
        assert seen.wait(60)
        return EMPTY, "a"

    async def watch() -> None:
        board = Board.of(see)
        first = board.number
        assert [await board.now(0.01), await board.now(0.01)] == [Sight(None, "")] * 2
        seen.set()
        assert [change async for change in _first(board.changes(first, 60))] == [(board.number, ())]
        assert await board.now(0.01) == Sight(EMPTY, "a")

    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, watch()).result()
    views = Views("shop", raised, None, {}, raised)
    page = views.page(("",), Sight(None, ""), Live("shop", "/", "x-0"))
    assert "<h1>Looking for the first time …</h1>" in page
    assert 'src="/live.js"' in page


def raised() -> NoReturn:
    raise AssertionError("nobody reads anything for this page")


async def _first(changes: AsyncIterator[Change | None]) -> AsyncIterator[Change | None]:
    async for change in changes:
        yield change
        return


def test_that_there_is_no_plan_is_no_trouble(sandbox: SandboxMaker) -> None:
    with serving(sandbox(step("main", {"a.txt": "one\n"}))) as address:
        status, page = answer(address + "check")
        assert status == 200
        assert "no plan found in plans" in page
