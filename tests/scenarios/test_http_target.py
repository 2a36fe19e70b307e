"""A target on a remote that is reached over http: git's own backend behind a server of a few lines."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.conftest import Sandbox, SandboxMaker, step
from tests.scenarios.beginnings import base

INTO = ("--into", "origin/main")


class Backend(BaseHTTPRequestHandler):
    """CGI as git-http-backend(1) wants it; the class is made anew for each folder that is served."""

    root: Path

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        body = self._chunks() if self.headers["Transfer-Encoding"] else self._whole()
        told = {"PATH_INFO": path, "QUERY_STRING": query, "REQUEST_METHOD": self.command, "REMOTE_USER": "ada"}
        told |= {"CONTENT_TYPE": self.headers["Content-Type"] or "", "CONTENT_LENGTH": str(len(body))}
        told |= {"HTTP_CONTENT_ENCODING": self.headers["Content-Encoding"] or ""}
        told |= {"GIT_PROTOCOL": self.headers["Git-Protocol"] or "", "GIT_HTTP_EXPORT_ALL": "1"}
        env = {**os.environ, **told, "GIT_PROJECT_ROOT": str(self.root)}
        done = subprocess.run(["git", "http-backend"], input=body, env=env, capture_output=True, check=False)
        head, _, answer = done.stdout.partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().splitlines())
        self.send_response(int(fields.pop("Status", "200").split()[0]))
        for name, value in fields.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer)

    do_POST = do_GET

    def _whole(self) -> bytes:
        return self.rfile.read(int(self.headers["Content-Length"] or 0))

    def _chunks(self) -> bytes:
        found = b""
        while size := int(self.rfile.readline(), 16):
            found += self.rfile.read(size)
            self.rfile.readline()
        return found

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""


@pytest.fixture
def origin(sandbox: SandboxMaker) -> Sandbox:
    steps = [step(f"agent-{name}", {f"{name}.txt": f"{name}\n"}) for name in "xy"]
    box = sandbox(base(), *steps, bare=True)
    box.git("config", "http.receivepack", "true")
    return box


@pytest.fixture
def url(origin: Sandbox) -> Iterator[str]:
    backend = type("Here", (Backend,), {"root": origin.path.parent})
    with ThreadingHTTPServer(("127.0.0.1", 0), backend) as server:
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/{origin.path.name}"
        server.shutdown()
        thread.join()


@pytest.fixture
def box(origin: Sandbox, url: str) -> Sandbox:
    folder = origin.path.parent / "mine"
    origin.git("clone", "-q", url, str(folder))
    box = Sandbox(folder, origin.env)
    for branch in ("agent-x", "agent-y"):
        box.git("branch", "-q", branch, f"origin/{branch}")
    return box


def test_over_http_branches_land_go_beside_and_are_taken_back(origin: Sandbox, box: Sandbox) -> None:
    before = origin.tip("main")
    ran = box.integrate("agent-x", *INTO)
    assert ran.outcomes == {"agent-x": "landed by rebase"}, ran.err
    assert origin.tip("main") == box.tip("origin/main") == ran.document["after"]
    beside = box.integrate("agent-y", *INTO, "--land", "landing")
    assert (beside.code, origin.git("log", "-1", "--format=%s", "landing")) == (1, "agent-y: change"), beside.err
    first = next(run["run"] for run in box.gitbot("runs", "--format", "json").document["runs"] if run["counts"])
    undone = box.gitbot("undo", first)
    assert (undone.code, origin.tip("main")) == (0, before), undone.err


def test_over_http_too_whoever_was_faster_is_built_upon_and_a_refusal_is_quoted(
    origin: Sandbox, box: Sandbox
) -> None:
    theirs = "cd {0}; git update-ref refs/heads/main $(git commit-tree -p main -m theirs main^{{tree}})"
    flag = origin.path.parent / "once"
    gate = f"[ -e {flag} ] || {{ touch {flag}; {theirs.format(origin.path)}; }}"
    author = {"GIT_AUTHOR_NAME": "Ada", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "Ada"}
    ran = box.integrate("agent-x", *INTO, gate=gate, env={**author, "GIT_COMMITTER_EMAIL": "a@b"})
    assert ran.outcomes == {"agent-x": "landed by rebase"}, ran.err
    assert origin.git("log", "--format=%s", "main").splitlines() == ["agent-x: change", "theirs", "base"]
    origin.git("config", "http.receivepack", "false")
    at = origin.tip("main")
    ran = box.integrate("agent-y", *INTO)
    assert (ran.code, origin.tip("main"), "origin/main was not moved" in ran.err) == (4, at, True), ran.err
    assert "403" in ran.err
