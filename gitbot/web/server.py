"""Addresses, headers, and who is refused: the only module that knows Starlette and uvicorn.

It listens on loopback and answers GET and HEAD, nothing else. A page of another site can make a browser send requests
here, under a name of its own that leads to 127.0.0.1 too; so the Host header has to be one of ours.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import AsyncIterator, Callable
from importlib.resources import files
from types import FrameType

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gitbot.errors import GitbotError, InputError, NoPlanError, RiskError
from gitbot.report.pages import Live, trouble_html
from gitbot.web.board import Board
from gitbot.web.views import Views

LOOPBACK = "127.0.0.1"
PATIENCE = 2.0  # seconds that a page waits for a look; what comes later is heard of by the stream
BEAT = 15.0  # seconds after which a silent stream says that it is still there
MOST = 100  # connections at a time
HEADERS = {
    # Styles are in the page, with widths in attributes; the one script is a file of ours.
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Door:
    """Refuses what is not a reader's request to this server, and puts the headers on every answer."""

    def __init__(self, app: ASGIApp, port: int) -> None:
        self._app, self._hosts = app, {f"{LOOPBACK}:{port}", f"localhost:{port}"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI has it."""

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        inside: ASGIApp = self._app
        if scope["type"] == "http":
            if {*Headers(scope=scope).getlist("host")} - self._hosts or "host" not in Headers(scope=scope):
                inside = PlainTextResponse("this is not the host that was asked for\n", 421)
            elif scope["method"] not in ("GET", "HEAD"):
                inside = PlainTextResponse("only for reading\n", 405, {"Allow": "GET, HEAD"})
        await inside(scope, receive, marked)


class Answers:
    """The answer to each address."""

    def __init__(self, views: Views, board: Board) -> None:
        self._views, self._board = views, board

    async def page(self, request: Request) -> Response:
        """A page, or the reason why there is none."""
        sight = await self._board.now(PATIENCE)
        path = tuple(request.path_params["path"].split("/"))
        live = Live(self._views.name, f"/{path[0]}", self._board.number)
        try:
            return HTMLResponse(await run_in_threadpool(self._views.page, path, sight, live))
        except GitbotError as wrong:
            status = 200 if isinstance(wrong, NoPlanError) else 404 if type(wrong) is InputError else 503
            return HTMLResponse(trouble_html(wrong.message, wrong.hint, live), status)
        except Exception as bug:  # told as on every other page; the command for the same may say more
            return HTMLResponse(trouble_html(f"{type(bug).__name__}: {bug}", None, live), 500)

    async def script(self, request: Request) -> Response:
        """The script of all pages."""
        return Response(files("gitbot.web").joinpath("live.js").read_bytes(), media_type="text/javascript")

    async def events(self, request: Request) -> Response:
        """A message for each change, which says in words what it is."""
        since = request.headers.get("last-event-id") or request.query_params.get("since", "")
        stream = self._messages(since) if request.method == "GET" else ()
        return StreamingResponse(stream, media_type="text/event-stream")

    async def _messages(self, since: str) -> AsyncIterator[str]:
        async for change in self._board.changes(since, BEAT):
            yield f"id: {change[0]}\ndata: {json.dumps(change[1])}\n\n" if change else ": still here\n\n"


class Server(uvicorn.Server):
    """One that ends at once, though streams are open."""

    def __init__(self, app: ASGIApp, board: Board) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http="h11",
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="critical",
                server_header=False,
                limit_concurrency=MOST,
                timeout_graceful_shutdown=1,
            )
        )
        self._board = board

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Let the streams come to their end."""
        self._board.closing.set()
        super().handle_exit(sig, frame)


def serve(views: Views, port: int, ready: Callable[[str], None]) -> None:
    """Answer until somebody interrupts it; `ready` is told the address.

    Raises:
        KeyboardInterrupt: somebody did.
        RiskError: the port is taken.
    """
    try:
        listening = socket.create_server((LOOPBACK, port))
    except OSError as refused:
        raise RiskError(f"port {port}: {os.strerror(refused.errno or 0)}", hint="--port 0 takes a free one") from None
    with listening:
        port = listening.getsockname()[1]
        board = Board.of(views.see)
        answers = Answers(views, board)
        to = {"/events": answers.events, "/live.js": answers.script, "/{path:path}": answers.page}
        app = Starlette(routes=[Route(path, answer) for path, answer in to.items()])
        ready(f"http://{LOOPBACK}:{port}/")
        Server(Door(app, port), board).run(sockets=[listening])
